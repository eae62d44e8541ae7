#include "services/shipment-builder/rules.h"

#include <string>
#include <vector>

#include "common/crypto.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/choice.h"
#include "services/shipment-builder/limits.h"
#include "services/shipment-builder/plan_group.h"
#include "services/shipment-builder/planning.h"
#include "tests/shipment-builder/fake_peers.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;
using ::psups::shipment_builder::testing::PlainOrder;
using ::psups::shipment_builder::testing::PlainSchedule;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Derive(std::string_view purpose, std::string_view text) {
  return HmacSha256("test", JoinUnambiguously({purpose, text}));
}

const Calendar kToday{.now =
                          absl::FromCivil(absl::CivilHour(2026, 11, 23, 12), absl::UTCTimeZone())};

Rules RulesOf(const std::string& text, int64_t version = 1) {
  shipments::v1::Rules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules));
  return Rules(rules, version);
}

Basis BasisOn(const std::string& text, int64_t version = 1) {
  Basis basis{.calendar = kToday, .derive = Derive};
  basis.rules.Add(std::make_shared<const Rules>(RulesOf(text, version)));
  return basis;
}

std::vector<NewShipment> Plan(const Order& order, const std::string& rules) {
  std::vector<Shipment> none;
  return Reconcile(order, none, 0, BasisOn(rules)).fresh;
}

Shipment OnlyShipment(const Order& order, const std::string& rules) {
  const std::vector<NewShipment> planned = Plan(order, rules);
  EXPECT_THAT(planned, SizeIs(1));
  if (planned.empty()) return {};
  EXPECT_FALSE(planned[0].effects.review.has_value()) << planned[0].effects.review->message;
  return planned[0].shipment;
}

std::string ReasonOf(const Order& order, const std::string& rules) {
  const std::vector<NewShipment> planned = Plan(order, rules);
  EXPECT_THAT(planned, SizeIs(1));
  if (planned.empty() || !planned[0].effects.review.has_value()) return "";
  return std::string(Name(planned[0].effects.review->reason));
}

Order Abroad(const std::string& country = "CA") {
  Order order = PlainOrder("o1");
  order.set_document_date("2026-11-20");
  Schedule& schedule = *order.mutable_schedules(0);
  auto& to = *schedule.mutable_ship_to();
  to.set_country_code(country);
  to.set_state("ON");
  to.set_postal_code("K1A 0B1");
  to.set_attention_name("Receiving");
  to.set_phone("613-555-0101");
  schedule.set_ship_type_id("STANDARD");
  schedule.set_description("Safety glasses");
  schedule.set_unit_price("12.345");
  schedule.set_currency_code("USD");
  schedule.set_harmonized_code("9004.90.0000");
  schedule.set_origin_country_code("US");
  return order;
}
constexpr char kAbroad[] =
    R"(services { ship_type_id: "STANDARD" service_code: "11" } addresses { countries: "CA" })";

// ---- Services ----

TEST(Services, WithoutRulesTheUsualShipViasStandForUpsServices) {
  const Rules rules;
  Schedule schedule = PlainSchedule(1, 1);
  for (const auto& [via, service] : std::vector<std::pair<std::string, std::string>>{
           {"", "03"}, {"ground", "03"}, {"3DAY", "12"}, {"2DAY", "02"}, {" 1DAY ", "01"}}) {
    schedule.set_ship_type_id(via);
    EXPECT_EQ(rules.ServiceFor(schedule), service) << via;
  }
  schedule.set_ship_type_id("PIGEON");
  EXPECT_EQ(rules.ServiceFor(schedule), std::nullopt);
}

TEST(Services, TheFirstRuleThatFitsCounts) {
  const Rules rules = RulesOf(R"(
      services { setid: "SHARE" carrier_id: "UPS" ship_type_id: "FAST" service_code: "01" }
      services { carrier_id: "UPS" ship_type_id: "FAST" service_code: "02" }
      services { ship_type_id: "*" service_code: "03" })");
  Schedule schedule = PlainSchedule(1, 1);
  schedule.set_carrier_setid("SHARE");
  schedule.set_carrier_id("UPS");
  schedule.set_ship_type_id("FAST");
  EXPECT_EQ(rules.ServiceFor(schedule), "01");
  schedule.set_carrier_setid("OTHER");
  EXPECT_EQ(rules.ServiceFor(schedule), "02");
  schedule.set_carrier_id("FEDEX");
  EXPECT_EQ(rules.ServiceFor(schedule), "03");
}

TEST(Services, AServiceThatUpsDoesNotOfferOnTheLaneIsAsked) {
  EXPECT_EQ(ReasonOf(Abroad(), R"(services { ship_type_id: "*" service_code: "03" }
                                  addresses { countries: "CA" })"),
            "SERVICE_UNMAPPED");
  EXPECT_EQ(ReasonOf(Abroad(), kAbroad), "");
}

// ---- Freight ----

TEST(Freight, TermsSayWhoPays) {
  const char* const kRules = R"(
      freight { freight_terms: "COL" payment { payer: RECEIVER account_number: "R1R1R1" } }
      freight { freight_terms: "3RD" vendor_id: "0000000042"
                payment { payer: THIRD_PARTY account_number: "T1T1T1" postal_code: "10001" country_code: "US" } }
      freight { freight_terms: "DEST" })";
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_vendor_id("0000000042");
  order.mutable_schedules(0)->set_freight_terms("COL");
  EXPECT_EQ(OnlyShipment(order, kRules).terms.payment().account_number(), "R1R1R1");
  order.mutable_schedules(0)->set_freight_terms("3RD");
  EXPECT_EQ(OnlyShipment(order, kRules).terms.payment().postal_code(), "10001");
  order.mutable_schedules(0)->set_freight_terms("DEST");
  EXPECT_FALSE(OnlyShipment(order, kRules).terms.has_payment());
  order.mutable_schedules(0)->set_freight_terms("WHO");
  EXPECT_EQ(ReasonOf(order, kRules), "FREIGHT_TERMS_UNMAPPED");
  EXPECT_EQ(ReasonOf(order, ""), "");
}

TEST(Freight, SchedulesThatDifferentPartiesPayTravelApart) {
  Order order = PlainOrder("o1");
  *order.add_schedules() = PlainSchedule(2, 1);
  order.mutable_schedules(1)->set_freight_terms("COL");
  const char* const kRules = R"(
      freight { freight_terms: "COL" payment { payer: RECEIVER account_number: "R1R1R1" } }
      freight { freight_terms: "*" })";
  EXPECT_THAT(Plan(order, kRules), SizeIs(2));
  EXPECT_THAT(Plan(order, ""), SizeIs(1));
}

TEST(Freight, AnotherPayerIsAnotherContentAndTheUsualTermsAreNone) {
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_freight_terms("COL");
  const char* const kRules =
      R"(freight { freight_terms: "COL" payment { payer: RECEIVER account_number: "R1R1R1" } }
         freight { freight_terms: "*" })";
  const std::string collect = OnlyShipment(order, kRules).fingerprint;
  order.mutable_schedules(0)->set_freight_terms("DEST");
  const std::string ours = OnlyShipment(order, kRules).fingerprint;
  EXPECT_NE(collect, ours);
  EXPECT_EQ(ours, OnlyShipment(order, "").fingerprint);
}

// ---- Addresses ----

TEST(AddressLines, TheFirstOfTwoMayBeADepartment) {
  const char* const kRules = R"(address_lines { setid: "SHARE" lines: ATTENTION })";
  Order order = PlainOrder("o1");
  Schedule& schedule = *order.mutable_schedules(0);
  schedule.set_ship_to_setid("SHARE");
  schedule.mutable_ship_to()->clear_attention_name();
  schedule.mutable_ship_to()->clear_lines();
  schedule.mutable_ship_to()->add_lines("Chemistry");
  schedule.mutable_ship_to()->add_lines("12 Hall Rd");
  Shipment shipment = OnlyShipment(order, kRules);
  EXPECT_THAT(shipment.ship_to.lines(), ElementsAre("12 Hall Rd"));
  EXPECT_EQ(shipment.ship_to.attention_name(), "Chemistry");
  // A single line is the street, whatever stands there.
  schedule.mutable_ship_to()->mutable_lines()->RemoveLast();
  EXPECT_THAT(OnlyShipment(order, kRules).ship_to.lines(), ElementsAre("Chemistry"));
}

TEST(AddressLines, AnAddressThatWouldKeepNoStreetStaysAsItIs) {
  Order order = PlainOrder("o1");
  auto& to = *order.mutable_schedules(0)->mutable_ship_to();
  to.clear_lines();
  to.add_lines("1 A St");
  to.add_lines("2 B St");
  EXPECT_THAT(
      OnlyShipment(order, "address_lines { lines: LEFT_OUT lines: LEFT_OUT }").ship_to.lines(),
      ElementsAre("1 A St", "2 B St"));
}

// ---- Boxes and items ----

TEST(Catalogue, SchedulesShareABoxAndOwnCartonsStayAlone) {
  Order order = PlainOrder("o1");
  *order.add_schedules() = PlainSchedule(2, 1);
  const char* const kBox = R"(
      boxes { box_id: "L" inner { length: "24" width: "24" height: "24" unit: "IN" }
              tare_lb: "1" max_weight_lb: "150" packaging_code: "02" })";
  const Shipment together = OnlyShipment(order, kBox);
  EXPECT_LT(together.packages.size(), OnlyShipment(order, "").packages.size());
  EXPECT_EQ(together.packages[0].box_id, "L");
  const Shipment alone = OnlyShipment(
      order, absl::StrCat(kBox, R"(items { item_id: "*" ships_in_own_carton: true })"));
  int64_t units = 0;
  for (const Share& share : alone.shares) units += share.quantity.Ceil();
  EXPECT_EQ(static_cast<int64_t>(alone.packages.size()), units);
}

TEST(Items, TheirMeasuresCountBeforePeopleSofts) {
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->clear_item_weight();
  order.mutable_schedules(0)->clear_shipping_weight();
  EXPECT_EQ(ReasonOf(order, ""), "ITEM_WEIGHT_MISSING");
  EXPECT_EQ(ReasonOf(order, R"(items { item_id: "*" weight { value: "3" unit: "LB" } })"), "");
}

// ---- What is bought beside packages ----

TEST(Terms, WhatTheRulesSayStandsInThePurchase) {
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_unit_price("10.01");
  order.mutable_schedules(0)->set_currency_code("USD");
  const Shipment shipment = OnlyShipment(order, R"(
      label_format: "EPL" label_height_in: 8 description: "Parts" declared_value_percent: 50
      signature: SIGNATURE_REQUIRED saturday_delivery: true
      reference { purchase_order_code: "IK" source: DOCUMENT })");
  EXPECT_EQ(shipment.terms.label_format(), "EPL");
  EXPECT_EQ(shipment.terms.label_height_in(), 8);
  EXPECT_EQ(shipment.terms.description(), "Parts");
  EXPECT_EQ(shipment.terms.signature(), ups::v1::SIGNATURE_REQUIRED);
  EXPECT_TRUE(shipment.terms.saturday_delivery());
  EXPECT_EQ(shipment.terms.reference().code(), "IK");
  EXPECT_EQ(shipment.terms.reference().value(), order.document().document_id());
  ASSERT_EQ(shipment.terms.declared_values_size(), static_cast<int>(shipment.packages.size()));
  int64_t declared = 0;
  for (const auto& value : shipment.terms.declared_values()) declared += value.amount_minor();
  const int64_t goods = (Decimal(1001) * shipment.shares[0].quantity).Ceil();
  EXPECT_GE(declared, goods / 2);
  EXPECT_LE(declared, goods / 2 + static_cast<int64_t>(shipment.packages.size()));
}

TEST(Contact, NextDayAirEarlyWantsSomebodyToCallWithinACountryToo) {
  constexpr char kEarly[] = "services {ship_type_id: '*' service_code: '14'}";
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->mutable_ship_to()->clear_phone();
  const auto asked = Plan(order, kEarly);
  ASSERT_THAT(asked, SizeIs(1));
  ASSERT_TRUE(asked[0].effects.review.has_value());
  EXPECT_EQ(asked[0].effects.review->reason, Reason::kCustomsDataMissing);
  EXPECT_THAT(asked[0].effects.review->message, HasSubstr("Next Day Air Early"));
  const auto told =
      Plan(order, absl::StrCat(kEarly, " international {attention_name: 'Dock' phone: '5550100'}"));
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_FALSE(told[0].effects.review.has_value());
  EXPECT_EQ(told[0].shipment.ship_to.phone(), "5550100");
}

TEST(International, AnInvoiceIsMadeFromTheOrder) {
  const Shipment shipment = OnlyShipment(Abroad(), kAbroad);
  const auto& customs = shipment.terms.customs();
  EXPECT_EQ(customs.invoice_date(), "20261120");
  EXPECT_EQ(customs.reason_for_export(), "SALE");
  EXPECT_EQ(customs.currency_code(), "USD");
  ASSERT_EQ(customs.lines_size(), 1);
  EXPECT_EQ(customs.lines(0).commodity_code(), "9004900000");
  EXPECT_EQ(customs.lines(0).origin_country_code(), "US");
  EXPECT_EQ(customs.lines(0).unit_value(), "12.345");
  EXPECT_EQ(shipment.terms.description(), "Safety glasses");
  const Decimal goods = *Decimal::Parse("12.345") * shipment.shares[0].quantity;
  EXPECT_EQ(shipment.terms.invoice_total().amount_minor(), goods.Ceil() * 100);
}

TEST(International, WhatCustomsWantAndNobodySaysIsAskedByName) {
  const auto missing = [](void (*change)(Schedule&), const std::string& rules = kAbroad) {
    Order order = Abroad();
    change(*order.mutable_schedules(0));
    const auto planned = Plan(order, rules);
    EXPECT_THAT(planned, SizeIs(1));
    if (!planned[0].effects.review.has_value()) return std::string();
    EXPECT_EQ(planned[0].effects.review->reason, Reason::kCustomsDataMissing);
    return planned[0].effects.review->message;
  };
  EXPECT_THAT(missing([](Schedule& s) { s.clear_harmonized_code(); }), HasSubstr("HARMONIZED_CD"));
  EXPECT_THAT(missing([](Schedule& s) { s.clear_origin_country_code(); }), HasSubstr("origin"));
  EXPECT_THAT(missing([](Schedule& s) { s.set_unit_price("0"); }), HasSubstr("price"));
  EXPECT_THAT(missing([](Schedule& s) { s.clear_description(); }), HasSubstr("description"));
  EXPECT_THAT(missing([](Schedule& s) { s.mutable_ship_to()->clear_phone(); }), HasSubstr("phone"));
  EXPECT_THAT(missing([](Schedule& s) { s.mutable_ship_to()->clear_attention_name(); }),
              HasSubstr("attention"));
  EXPECT_THAT(missing([](Schedule& s) { s.set_open_quantity("1.5"); }),
              HasSubstr("whole quantity"));
  EXPECT_EQ(
      missing(
          [](Schedule& s) {
            s.clear_origin_country_code();
            s.mutable_ship_to()->clear_phone();
          },
          absl::StrCat(kAbroad,
                       R"(international { origin_country_code: "MX" phone: "212-555-0100" })")),
      "");
}

// ---- When ----

TEST(Buying, TheRulesSayHowLongBefore) {
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ship_date("2026-11-27");
  const auto state = [&](const std::string& rules) { return OnlyShipment(order, rules).state; };
  EXPECT_EQ(state(""), State::kValidating);
  EXPECT_EQ(state("buying { days_ahead: 4 }"), State::kValidating);
  EXPECT_EQ(state("buying { days_ahead: 3 }"), State::kReceived);
  EXPECT_EQ(state("buying { days_ahead: 0 }"), State::kReceived);
}

TEST(Buying, APastDayIsAskedAboutWhereTheRulesSayAndIsNoOtherContent) {
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ship_date("2026-11-22");
  EXPECT_EQ(ReasonOf(order, ""), "");
  EXPECT_EQ(ReasonOf(order, "buying { past_due: ASK }"), "PAST_DUE");
  EXPECT_EQ(Plan(order, "buying { past_due: ASK }")[0].shipment.fingerprint,
            Plan(order, "")[0].shipment.fingerprint);
  order.mutable_schedules(0)->set_ship_date("2026-11-23");
  EXPECT_EQ(ReasonOf(order, "buying { past_due: ASK }"), "");
}

// ---- Versions ----

TEST(Versions, ALabelIsJudgedByTheRulesItWasBuiltBy) {
  Order order = PlainOrder("o1");
  Shipment shipment = OnlyShipment(order, "");
  shipment.mapping_version = 0;
  shipment.state = State::kLabeled;
  shipment.ups_shipment_id = "1Z";
  shipment.purchase = {.number = 1, .state = PurchaseState::kDone};
  std::vector<Shipment> existing = {shipment};
  order.set_revision(order.revision() + 1);
  const Basis basis = BasisOn(R"(services { ship_type_id: "*" service_code: "01" })");
  const Reconciliation result = Reconcile(order, existing, 1, basis);
  EXPECT_THAT(result.fresh, IsEmpty());
  EXPECT_EQ(existing[0].state, State::kLabeled);
}

TEST(Versions, WhatHasNoLabelIsPlannedByTheNewest) {
  Order order = PlainOrder("o1");
  Shipment shipment = OnlyShipment(order, "");
  shipment.mapping_version = 0;
  std::vector<Shipment> existing = {shipment};
  const Basis basis = BasisOn(R"(services { ship_type_id: "*" service_code: "01" })");
  const Reconciliation result = Reconcile(order, existing, 1, basis);
  EXPECT_EQ(existing[0].state, State::kWithdrawn);
  ASSERT_THAT(result.fresh, SizeIs(1));
  EXPECT_EQ(result.fresh[0].shipment.service_code, "01");
  EXPECT_EQ(result.fresh[0].shipment.mapping_version, 1);
}

// ---- Choice ----

ups::v1::QuoteRatesResponse Offered() {
  ups::v1::QuoteRatesResponse response;
  const auto add = [&](const char* service, int64_t minor, const char* day) {
    auto& quote = *response.add_quotes();
    quote.set_service_code(service);
    quote.mutable_charges()->set_amount_minor(minor);
    quote.mutable_charges()->set_currency_code("USD");
    quote.set_delivery_date(day);
  };
  add("03", 1000, "2026-11-30");
  add("12", 1500, "2026-11-27");
  add("02", 2000, "2026-11-25");
  add("59", 1200, "");
  return response;
}

Shipment DueOn(const std::string& day) {
  Shipment shipment;
  shipment.service_code = "03";
  shipment.due_date = day;
  return shipment;
}

TEST(Choosing, TheCheapestThatArrivesInTimeIsTaken) {
  const Rules rules = RulesOf(R"(choice { service_codes: ["03", "12", "02", "59"] })");
  const auto chosen = [&](const std::string& due) {
    return ChooseService(DueOn(due), Offered(), rules).service_code;
  };
  EXPECT_EQ(chosen("2026-12-01"), "03");
  EXPECT_EQ(chosen("2026-11-30"), "03");
  EXPECT_EQ(chosen("2026-11-29"), "12");
  EXPECT_EQ(chosen("2026-11-26"), "02");
  const Choice late = ChooseService(DueOn("2026-11-24"), Offered(), rules);
  ASSERT_TRUE(late.problem.has_value());
  EXPECT_EQ(late.problem->reason, Reason::kNoServiceInTime);
}

TEST(Choosing, WithoutADueDateTheShipViaStandsAndIsPriced) {
  const Rules rules = RulesOf(R"(choice { service_codes: ["12", "02"] })");
  const Choice choice = ChooseService(DueOn(""), Offered(), rules);
  EXPECT_EQ(choice.service_code, "03");
  EXPECT_EQ(choice.estimate->amount_minor, 1000);
}

TEST(Choosing, APersonsChoiceStands) {
  const Rules rules = RulesOf(R"(choice { service_codes: ["03"] })");
  Shipment shipment = DueOn("2026-11-24");
  shipment.service_code = "02";
  shipment.service_chosen = true;
  EXPECT_EQ(ChooseService(shipment, Offered(), rules).service_code, "02");
}

TEST(Choosing, MoreThanTheCapIsAPersonsUnlessOneLetItPass) {
  const Rules rules = RulesOf(R"(choice { price_cap { amount_minor: 999 currency_code: "USD" } })");
  Shipment shipment = DueOn("");
  EXPECT_EQ(ChooseService(shipment, Offered(), rules).problem->reason, Reason::kPriceAboveCap);
  shipment.waived.emplace_back(Name(Reason::kPriceAboveCap));
  EXPECT_FALSE(ChooseService(shipment, Offered(), rules).problem.has_value());
  EXPECT_FALSE(
      ChooseService(DueOn(""), Offered(),
                    RulesOf(R"(choice { price_cap { amount_minor: 1000 currency_code: "USD" } })"))
          .problem.has_value());
}

TEST(Choosing, TheAccountsOwnRatesCountBeforePublishedOnes) {
  ups::v1::QuoteRatesResponse offered = Offered();
  offered.mutable_quotes(1)->mutable_negotiated_charges()->set_amount_minor(900);
  offered.mutable_quotes(1)->mutable_negotiated_charges()->set_currency_code("USD");
  const Choice choice = ChooseService(DueOn("2026-12-01"), offered,
                                      RulesOf(R"(choice { service_codes: ["03", "12"] })"));
  EXPECT_EQ(choice.service_code, "12");
  EXPECT_EQ(choice.estimate->amount_minor, 900);
}

// ---- Limits ----

Limits LimitsOf(const std::string& text) {
  return RulesOf("limits { " + text + " }").text().limits();
}

TEST(Limit, EachStopsAtItsNumber) {
  const auto limit_of = [](const std::string& text, PurchaseCounts counts) {
    return Gate(LimitsOf(text), std::move(counts)).Look("S/V", false).limit;
  };
  const PurchaseCounts nine{.all = {.hour = 9, .day = 9}, .by_vendor = {{"S/V", {9, 9}}}};
  const PurchaseCounts ten{.all = {.hour = 10, .day = 10}, .by_vendor = {{"S/V", {10, 10}}}};
  for (const char* name : {"purchases_per_hour", "purchases_per_day", "vendor_purchases_per_hour",
                           "vendor_purchases_per_day"}) {
    const std::string text = absl::StrCat(name, ": 10");
    EXPECT_EQ(limit_of(text, nine), "") << name;
    EXPECT_EQ(limit_of(text, ten), absl::StrCat("limit ", name));
  }
  EXPECT_EQ(limit_of("vendor_purchases_per_hour: 10",
                     {.all = {.hour = 99, .day = 99}, .by_vendor = {{"S/W", {99, 99}}}}),
            "");
}

TEST(Limit, WhatIsBoughtTogetherCountsOneAfterTheOther) {
  Gate gate(LimitsOf("purchases_per_hour: 2"), {});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(gate.Look("S/V", false).kind, Admission::Kind::kBuy);
    gate.Count("S/V");
  }
  EXPECT_EQ(gate.Look("S/V", false).kind, Admission::Kind::kWait);
}

TEST(Limit, AnUnusualRateIsAskedOnceAndThenWaits) {
  const Limits limits = LimitsOf("anomaly_percent: 200 anomaly_least: 5");
  const auto kind = [&](PurchaseCounts counts, bool waived = false) {
    return Gate(limits, std::move(counts)).Look("S/V", waived).kind;
  };
  EXPECT_EQ(kind({.all = {.hour = 19}, .busiest_hour = 10}), Admission::Kind::kBuy);
  EXPECT_EQ(kind({.all = {.hour = 20}, .busiest_hour = 10}), Admission::Kind::kAsk);
  EXPECT_EQ(kind({.all = {.hour = 20}, .busiest_hour = 10}, true), Admission::Kind::kBuy);
  EXPECT_EQ(kind({.all = {.hour = 20}, .busiest_hour = 10, .unusual_is_asked = true}),
            Admission::Kind::kWait);
  EXPECT_EQ(kind({.all = {.hour = 20}, .busiest_hour = 10, .unusual_is_allowed = true}),
            Admission::Kind::kBuy);
  // A connection in its first week has no busiest hour; few are never unusual.
  EXPECT_EQ(kind({.all = {.hour = 500}, .busiest_hour = 0}), Admission::Kind::kBuy);
  EXPECT_EQ(kind({.all = {.hour = 4}, .busiest_hour = 1}), Admission::Kind::kBuy);
  EXPECT_EQ(kind({.all = {.hour = 5}, .busiest_hour = 1}), Admission::Kind::kAsk);
}

}  // namespace
}  // namespace psups::shipment_builder
