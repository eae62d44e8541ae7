#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "services/ups-gateway/wire/drift.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/shipment_check.h"
#include "services/ups-gateway/wire/ups_answers.h"
#include "services/ups-gateway/wire/ups_requests.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

MATCHER_P2(IsError, code, text, "is that error and says so") {
  const absl::Status status = testing::StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code && std::string(status.message()).find(text) != std::string::npos;
}

type::v1::Address Place(const std::string& country, const std::string& state,
                        const std::string& postal_code) {
  type::v1::Address address;
  address.set_name("Harbor Works");
  address.set_attention_name("Receiving");
  address.add_lines("900 Pier Ave");
  address.set_city("Long Beach");
  address.set_state(state);
  address.set_postal_code(postal_code);
  address.set_country_code(country);
  address.set_phone("+1 (562) 555-0134");
  return address;
}

pb::Account Account() {
  pb::Account account;
  account.set_shipper_number("F3R1N0");
  *account.mutable_shipper() = Place("US", "GA", "31201");
  (*account.mutable_api_versions())["rating"] = "v2403";
  return account;
}

pb::ShipmentSpec Spec(const type::v1::Address& to) {
  pb::ShipmentSpec spec;
  *spec.mutable_ship_from() = Place("US", "GA", "31204-1234");
  *spec.mutable_ship_to() = to;
  pb::PackageSpec& package = *spec.add_packages();
  package.set_weight_lb("012.50");
  package.set_length_in(16);
  package.set_width_in(12);
  package.set_height_in(8);
  return spec;
}

pb::ShipmentSpec Domestic() { return Spec(Place("US", "CA", "90802")); }

pb::ShipmentSpec Abroad(const std::string& country, const std::string& state,
                        const std::string& postal_code) {
  pb::ShipmentSpec spec = Spec(Place(country, state, postal_code));
  spec.set_description("Pump parts");
  spec.mutable_invoice_total()->set_amount_minor(28300);
  spec.mutable_invoice_total()->set_currency_code("USD");
  return spec;
}

Json Shipment(const pb::ShipmentSpec& spec) {
  return Json::parse(RateRequest(Account(), spec).body)["RateRequest"]["Shipment"];
}

// --- what is asked

TEST(RateRequestTest, IsTheShipmentAsItWouldBeBoughtAndSaysNoName) {
  pb::ShipmentSpec spec = Domestic();
  spec.set_service_code("03");
  spec.set_ship_date("20261125");
  spec.set_derived_reference("k3mq7");
  spec.set_saturday_delivery(true);
  spec.set_signature(pb::SIGNATURE_REQUIRED);
  spec.mutable_ship_to()->set_residential(true);
  spec.mutable_packages(0)->mutable_declared_value()->set_amount_minor(85000);
  spec.mutable_packages(0)->mutable_declared_value()->set_currency_code("USD");
  *spec.add_packages() = spec.packages(0);
  spec.mutable_packages(1)->clear_declared_value();
  spec.mutable_packages(1)->set_packaging_code("03");
  spec.mutable_packages(1)->set_weight_lb("7.3");
  const WireRequest request = RateRequest(Account(), spec);
  EXPECT_EQ(request.operation, Operation::kRating);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/rating/v2403/Ratetimeintransit");
  EXPECT_THAT(request.body, Not(HasSubstr("k3mq7")));
  EXPECT_THAT(request.body, Not(HasSubstr("Harbor Works")));
  EXPECT_THAT(request.body, Not(HasSubstr("5550134")));
  EXPECT_EQ(Json::parse(request.body), Json::parse(R"({"RateRequest":{
    "Request":{"RequestOption":"Ratetimeintransit","SubVersion":"2205"},
    "PickupType":{"Code":"01"},
    "Shipment":{
      "Shipper":{"ShipperNumber":"F3R1N0","Address":{"AddressLine":["900 Pier Ave"],
        "City":"Long Beach","StateProvinceCode":"GA","PostalCode":"31201","CountryCode":"US"}},
      "ShipTo":{"Address":{"AddressLine":["900 Pier Ave"],"City":"Long Beach",
        "StateProvinceCode":"CA","PostalCode":"90802","CountryCode":"US",
        "ResidentialAddressIndicator":""}},
      "ShipFrom":{"Address":{"AddressLine":["900 Pier Ave"],"City":"Long Beach",
        "StateProvinceCode":"GA","PostalCode":"312041234","CountryCode":"US"}},
      "PaymentDetails":{"ShipmentCharge":[
        {"Type":"01","BillShipper":{"AccountNumber":"F3R1N0"}}]},
      "Service":{"Code":"03"},
      "ShipmentRatingOptions":{"NegotiatedRatesIndicator":""},
      "ShipmentServiceOptions":{"SaturdayDeliveryIndicator":""},
      "DeliveryTimeInformation":{"PackageBillType":"03","Pickup":{"Date":"20261125"}},
      "ShipmentTotalWeight":{"UnitOfMeasurement":{"Code":"LBS","Description":"Pounds"},
        "Weight":"19.8"},
      "Package":[
        {"PackagingType":{"Code":"02"},
         "Dimensions":{"UnitOfMeasurement":{"Code":"IN","Description":"Inches"},
           "Length":"16","Width":"12","Height":"8"},
         "PackageWeight":{"UnitOfMeasurement":{"Code":"LBS","Description":"Pounds"},
           "Weight":"12.5"},
         "PackageServiceOptions":{"DeclaredValue":{"CurrencyCode":"USD",
           "MonetaryValue":"850.00"},"DeliveryConfirmation":{"DCISType":"2"}}},
        {"PackagingType":{"Code":"03"},
         "Dimensions":{"UnitOfMeasurement":{"Code":"IN","Description":"Inches"},
           "Length":"16","Width":"12","Height":"8"},
         "PackageWeight":{"UnitOfMeasurement":{"Code":"LBS","Description":"Pounds"},
           "Weight":"7.3"},
         "PackageServiceOptions":{"DeliveryConfirmation":{"DCISType":"2"}}}]}}})"));
}

TEST(RateRequestTest, WithoutAServiceAllAreAskedForAndWithoutADateToday) {
  EXPECT_EQ(RateRequest(Account(), Domestic()).target, "/api/rating/v2403/Shoptimeintransit");
  const Json shipment = Shipment(Domestic());
  EXPECT_FALSE(shipment.contains("Service"));
  EXPECT_FALSE(shipment.contains("ShipmentServiceOptions"));
  EXPECT_EQ(shipment["DeliveryTimeInformation"], Json({{"PackageBillType", "03"}}));
}

TEST(RateRequestTest, AnAccountWithoutAVersionOfRatingHasOurs) {
  pb::Account account = Account();
  account.clear_api_versions();
  EXPECT_EQ(RateRequest(account, Domestic()).target, "/api/rating/v2409/Shoptimeintransit");
}

TEST(RateRequestTest, AcrossABorderTheTimeIsAskedForWhereTheValueIsKnown) {
  for (const auto& [country, state] : {std::pair("CA", "QC"), {"PR", "PR"}, {"DE", ""}}) {
    pb::ShipmentSpec spec = Abroad(country, state, "00901");
    EXPECT_THAT(RateRequest(Account(), spec).target, HasSubstr("/Shoptimeintransit")) << country;
    EXPECT_EQ(Shipment(spec)["InvoiceLineTotal"],
              Json({{"CurrencyCode", "USD"}, {"MonetaryValue", "283.00"}}));
    spec.clear_invoice_total();
    EXPECT_THAT(RateRequest(Account(), spec).target, ::testing::EndsWith("/Shop")) << country;
    const Json shipment = Shipment(spec);
    for (const char* left_out :
         {"DeliveryTimeInformation", "ShipmentTotalWeight", "InvoiceLineTotal"}) {
      EXPECT_FALSE(shipment.contains(left_out)) << left_out;
    }
    spec.set_service_code("65");
    EXPECT_THAT(RateRequest(Account(), spec).target, ::testing::EndsWith("/Rate")) << country;
  }
  pb::ShipmentSpec at_home = Domestic();
  *at_home.mutable_invoice_total() = Abroad("CA", "QC", "H2L5K3").invoice_total();
  EXPECT_FALSE(Shipment(at_home).contains("InvoiceLineTotal"));
}

TEST(RateRequestTest, AStateOfThreeLettersIsLeftOut) {
  EXPECT_FALSE(
      Shipment(Abroad("AU", "NSW", "2000"))["ShipTo"]["Address"].contains("StateProvinceCode"));
  EXPECT_EQ(Shipment(Abroad("CA", "QC", "H2L5K3"))["ShipTo"]["Address"]["StateProvinceCode"], "QC");
}

TEST(RateRequestTest, WhoeverPaysIsNamed) {
  pb::ShipmentSpec spec = Domestic();
  spec.mutable_payment()->set_payer(pb::Payment::RECEIVER);
  spec.mutable_payment()->set_account_number("R5T6Y7");
  spec.mutable_payment()->set_postal_code("90802");
  EXPECT_EQ(Shipment(spec)["PaymentDetails"]["ShipmentCharge"], Json::parse(R"([{"Type":"01",
      "BillReceiver":{"AccountNumber":"R5T6Y7","Address":{"PostalCode":"90802"}}}])"));
}

// --- what may be asked

absl::Status Check(const pb::ShipmentSpec& spec) {
  const absl::Time now = absl::FromCivil(absl::CivilDay(2026, 11, 23), absl::UTCTimeZone());
  return CheckPricedShipment(spec, Account().shipper(), now);
}

TEST(CheckPricedShipmentTest, NeitherServiceNorReferencesNorLabelNorCustomsAreNeeded) {
  EXPECT_OK(Check(Domestic()));
  EXPECT_OK(Check(Abroad("CA", "QC", "H2L5K3")));
  pb::ShipmentSpec spec = Domestic();
  spec.set_derived_reference("not one!");
  spec.set_label_format("PNG");
  spec.set_label_height_in(5);
  spec.add_references()->set_code("TN");
  spec.mutable_customs();
  EXPECT_OK(Check(spec));
}

TEST(CheckPricedShipmentTest, WhatIsAskedIsCheckedAsWhereItIsBought) {
  const std::pair<const char*, std::function<void(pb::ShipmentSpec&)>> broken[] = {
      {"shipment.ship_from.name", [](auto& s) { s.mutable_ship_from()->clear_name(); }},
      {"shipment.ship_to.postal_code", [](auto& s) { s.mutable_ship_to()->clear_postal_code(); }},
      {"shipment.ship_from.country_code",
       [](auto& s) { *s.mutable_ship_from() = Place("DE", "", "10117"); }},
      {"shipment.service_code", [](auto& s) { s.set_service_code("65"); }},
      {"shipment.packages: 0", [](auto& s) { s.clear_packages(); }},
      {"shipment.packages[0].weight_lb",
       [](auto& s) { s.mutable_packages(0)->set_weight_lb("0"); }},
      {"shipment.payment.account_number",
       [](auto& s) { s.mutable_payment()->set_payer(pb::Payment::RECEIVER); }},
      {"shipment.signature", [](auto& s) { s.set_signature(static_cast<pb::Signature>(7)); }},
      {"shipment.ship_date", [](auto& s) { s.set_ship_date("20261201"); }}};
  for (const auto& [field, spoil] : broken) {
    pb::ShipmentSpec spec = Domestic();
    spoil(spec);
    EXPECT_THAT(Check(spec), IsError(absl::StatusCode::kInvalidArgument, field));
  }
  pb::ShipmentSpec abroad = Abroad("CA", "QC", "H2L5K3");
  abroad.clear_invoice_total();
  EXPECT_THAT(Check(abroad), IsError(absl::StatusCode::kInvalidArgument, "shipment.invoice_total"));
}

// --- what comes back

Json Reply() {
  std::ifstream file(absl::StrCat(PSUPS_SOURCE_DIR, "/tests/testdata/ups/rate_reply.json"));
  return Json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::vector<std::string> Services(const pb::QuoteRatesResponse& rates) {
  std::vector<std::string> services;
  for (const auto& quote : rates.quotes()) services.push_back(quote.service_code());
  return services;
}

// The one quote of `rated`.
absl::StatusOr<pb::QuoteRatesResponse::Quote> One(const Json& rated) {
  auto rates =
      ParseRateReply(Json{{"RateResponse", {{"RatedShipment", Json::array({rated})}}}}.dump());
  if (!rates.ok()) return rates.status();
  return rates->quotes(0);
}

TEST(RateReplyTest, TheCheapestComesFirstByTheAccountsOwnRates) {
  ASSERT_OK_AND_ASSIGN(const auto rates, ParseRateReply(Reply().dump()));
  EXPECT_THAT(Services(rates), ElementsAre("03", "01", "02"));
  const auto& second_day = rates.quotes(2);
  EXPECT_EQ(second_day.charges().amount_minor(), 4320);
  EXPECT_EQ(second_day.charges().currency_code(), "USD");
  EXPECT_EQ(second_day.negotiated_charges().amount_minor(), 3672);
  EXPECT_EQ(second_day.delivery_date(), "2026-11-30");
  EXPECT_EQ(second_day.business_days(), 2);
  EXPECT_FALSE(rates.quotes(0).has_negotiated_charges());
  EXPECT_EQ(rates.quotes(0).delivery_date(), "2026-12-02");
}

TEST(RateReplyTest, WhereNoArrivalIsSaidTheGuaranteedDaysCount) {
  ASSERT_OK_AND_ASSIGN(const auto rates, ParseRateReply(Reply().dump()));
  EXPECT_EQ(rates.quotes(1).delivery_date(), "");
  EXPECT_EQ(rates.quotes(1).business_days(), 1);
}

TEST(RateReplyTest, AnAlertThatEachServiceRepeatsIsToldOnce) {
  ASSERT_OK_AND_ASSIGN(const auto rates, ParseRateReply(Reply().dump()));
  EXPECT_THAT(rates.alerts(), ElementsAre("110971: The invoice may differ.",
                                          "120900: The shipper has no own rates for it."));
}

TEST(RateReplyTest, OneServiceMayComeAsAnObject) {
  Json body = Reply();
  Json& rated = body["RateResponse"]["RatedShipment"];
  rated = Json(rated[1]);
  rated["RatedShipmentAlert"] = rated["RatedShipmentAlert"][0];
  ASSERT_OK_AND_ASSIGN(const auto rates, ParseRateReply(body.dump()));
  EXPECT_THAT(Services(rates), ElementsAre("03"));
  EXPECT_THAT(rates.alerts(), SizeIs(1));
}

TEST(RateReplyTest, MoneyIsExactAndWhatIsNoPriceIsLeftOut) {
  const Json rated = Reply()["RateResponse"]["RatedShipment"][0];
  const auto cents = [&](const char* currency, const Json& amount) {
    Json changed = rated;
    changed["TotalCharges"] = {{"CurrencyCode", currency}, {"MonetaryValue", amount}};
    const auto quote = One(changed);
    return quote.ok() ? quote->charges().amount_minor() : -1;
  };
  EXPECT_EQ(cents("USD", " 0123456789.07 "), 12345678907);
  EXPECT_EQ(cents("USD", "4.005"), 401);
  EXPECT_EQ(cents("USD", 12.5), 1250);
  EXPECT_EQ(cents("JPY", "5200"), 5200);
  for (const char* none : {"", "x", "0.00", "-4.00", "1e3"}) EXPECT_EQ(cents("USD", none), -1);
  EXPECT_EQ(cents("", "4.00"), -1);
  Json changed = rated;
  changed["NegotiatedRateCharges"]["TotalCharge"]["MonetaryValue"] = "0.00";
  ASSERT_OK_AND_ASSIGN(const auto quote, One(changed));
  EXPECT_FALSE(quote.has_negotiated_charges());
}

TEST(RateReplyTest, AServiceWithoutPriceOrCodeIsLeftOutAndOnlyThoseIsNoAnswer) {
  Json body = Reply();
  Json& rated = body["RateResponse"]["RatedShipment"];
  rated[0].erase("TotalCharges");
  rated[2]["Service"]["Code"] = "<b>";
  ASSERT_OK_AND_ASSIGN(const auto rates, ParseRateReply(body.dump()));
  EXPECT_THAT(Services(rates), ElementsAre("03"));
  rated[1].erase("Service");
  EXPECT_THAT(ParseRateReply(body.dump()), HasCode(absl::StatusCode::kDataLoss));
}

TEST(RateReplyTest, ACodeOfThreeDigitsIsTheOneOfTwo) {
  Json rated = Reply()["RateResponse"]["RatedShipment"][0];
  rated["Service"]["Code"] = "002";
  ASSERT_OK_AND_ASSIGN(const auto quote, One(rated));
  EXPECT_EQ(quote.service_code(), "02");
  rated["Service"]["Code"] = "121";
  EXPECT_THAT(One(rated), HasCode(absl::StatusCode::kDataLoss));
}

TEST(RateReplyTest, TimesThatAreNoneAreTolerated) {
  const Json rated = Reply()["RateResponse"]["RatedShipment"][0];
  const std::pair<const char*, const char*> odd[] = {
      {"", ""}, {"20260230", "-1"}, {"2026-11-30", "400"}, {"x", "two"}, {"202611", "0"}};
  for (const auto& [date, days] : odd) {
    Json changed = rated;
    Json& arrival = changed["TimeInTransit"]["ServiceSummary"]["EstimatedArrival"];
    arrival["Arrival"]["Date"] = date;
    arrival["BusinessDaysInTransit"] = days;
    ASSERT_OK_AND_ASSIGN(const auto quote, One(changed));
    EXPECT_EQ(quote.delivery_date(), "") << date;
    EXPECT_EQ(quote.business_days(), 0) << days;
  }
  for (const Json& none : {Json(""), Json(Json::array()), Json("soon"), Json(7)}) {
    Json changed = rated;
    changed["TimeInTransit"] = none;
    ASSERT_OK_AND_ASSIGN(const auto quote, One(changed));
    EXPECT_EQ(quote.delivery_date(), "");
    EXPECT_EQ(quote.charges().amount_minor(), 4320);
  }
}

TEST(RateReplyTest, ForeignBytesAreReadAndWhatIsNoReplyIsNot) {
  std::string body = Reply().dump();
  body.replace(body.find("2nd Day Air"), 3, "\xe9\xff\x01");
  ASSERT_OK_AND_ASSIGN(const auto rates, ParseRateReply(body));
  EXPECT_THAT(rates.quotes(), SizeIs(3));
  for (const char* none : {"", "[]", "<html>", "{}", R"({"RateResponse":{}})",
                           R"({"RateResponse":{"RatedShipment":[{}]}})"}) {
    EXPECT_THAT(ParseRateReply(none), HasCode(absl::StatusCode::kDataLoss)) << none;
  }
}

// --- what it means

absl::StatusOr<pb::QuoteRatesResponse> Read(int status, const std::string& body) {
  return ReadRates({.status = status, .body = body});
}

std::string Error(const char* code) {
  return absl::StrCat(R"({"response":{"errors":[{"code":")", code,
                      R"(","message":"Harbor Works is unknown"}]}})");
}

TEST(ReadRatesTest, WhatUpsDoesNotOfferIsAPreconditionWithASentenceForTheClerk) {
  const std::pair<const char*, const char*> refusals[] = {{"111210", "Choose another service"},
                                                          {"111100", "Choose another service"},
                                                          {"111285", "Check ZIP and state"},
                                                          {"110208", "Correct the location's name"},
                                                          {"111035", "Correct the item's measures"},
                                                          {"111549", "Correct the order's value"},
                                                          {"110003", "Split the order"},
                                                          {"111580", "Check who pays"}};
  for (const auto& [code, sentence] : refusals) {
    for (const int status : {400, 200}) {
      const absl::Status refused = Read(status, Error(code)).status();
      EXPECT_THAT(refused, IsError(absl::StatusCode::kFailedPrecondition, sentence));
      EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("Harbor")));
    }
  }
  const absl::Status nothing = Read(200, R"({"RateResponse":{"RatedShipment":[]}})").status();
  EXPECT_THAT(nothing, IsError(absl::StatusCode::kFailedPrecondition, "offers no"));
}

TEST(ReadRatesTest, OutagesAndCredentialsAreNoRefusalOfTheShipment) {
  EXPECT_THAT(Read(503, ""), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Read(429, ""), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Read(401, ""), HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(Read(403, ""), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Read(200, "<html>"), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Read(206, Reply().dump()), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_OK(Read(200, Reply().dump()));
}

TEST(RateDriftTest, TheReplyAsWeKnowItIsNoDriftAndAnythingNewIs) {
  Drift known;
  known.Look(Operation::kRating, Reply().dump());
  EXPECT_THAT(known.Seen(), IsEmpty());
  Json body = Reply();
  body["RateResponse"]["RatedShipment"][0]["TimeInTransit"]["News"] = "1";
  Drift drift;
  drift.Look(Operation::kRating, body.dump());
  EXPECT_THAT(drift.Seen(), SizeIs(1));
}

}  // namespace
}  // namespace psups::ups_gateway
