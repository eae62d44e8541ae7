#include "services/ps-ingest/eligibility.h"

#include "common/testing/status_matchers.h"
#include "services/ps-ingest/codes.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

using Schedule = orders::v1::Order::Schedule;

ScheduleFacts Good() {
  return {.document_status = "D",
          .physical_nature = "G",
          .document_date = "2026-11-20",
          .open_quantity = Decimal(4),
          .business_unit = "US001"};
}

struct Case {
  const char* name;
  std::function<void(ScheduleFacts&)> change;
  IneligibleReason reason;
};

class EligibilityTest : public ::testing::TestWithParam<Case> {};

TEST_P(EligibilityTest, NamesTheReason) {
  ScheduleFacts facts = Good();
  GetParam().change(facts);
  EXPECT_EQ(WhyIneligible(facts, RulesOf(SampleConnection(), type::v1::PURCHASE_ORDER)),
            GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    EachReason, EligibilityTest,
    ::testing::Values(
        Case{"Good", [](auto&) {}, Schedule::INELIGIBLE_REASON_UNSPECIFIED},
        Case{"Approved", [](auto& f) { f.document_status = "A"; }, Schedule::STATUS},
        Case{"UnknownStatus", [](auto& f) { f.document_status = "Zzz"; }, Schedule::STATUS},
        Case{"Held", [](auto& f) { f.on_hold = true; }, Schedule::HOLD},
        Case{"LineClosed", [](auto& f) { f.line_cancel_status = "C"; }, Schedule::LINE_CANCELLED},
        Case{"LineOpen", [](auto& f) { f.line_cancel_status = "O"; },
             Schedule::INELIGIBLE_REASON_UNSPECIFIED},
        Case{"ScheduleCancelled", [](auto& f) { f.schedule_cancel_status = "X"; },
             Schedule::SCHEDULE_CANCELLED},
        Case{"Service", [](auto& f) { f.physical_nature = "S"; }, Schedule::SERVICE},
        Case{"AmountOnly", [](auto& f) { f.amount_only = true; }, Schedule::AMOUNT_ONLY},
        Case{"DirectShip", [](auto& f) { f.ships_to_customer = true; }, Schedule::DIRECT_SHIP},
        Case{"Older", [](auto& f) { f.document_date = "2026-10-31"; }, Schedule::BEFORE_GO_LIVE},
        Case{"GoLiveDay", [](auto& f) { f.document_date = "2026-11-01"; },
             Schedule::INELIGIBLE_REASON_UNSPECIFIED},
        Case{"NoDate", [](auto& f) { f.document_date = ""; }, Schedule::BEFORE_GO_LIVE},
        Case{"Sourced", [](auto& f) { f.sourced_to_purchase_order = true; },
             Schedule::SOURCED_TO_PO},
        Case{"SourcedWhateverItsStatus",
             [](auto& f) {
               f.sourced_to_purchase_order = true;
               f.document_status = "C";
             },
             Schedule::SOURCED_TO_PO},
        Case{"LinkUnknown", [](auto& f) { f.link_unknown = true; }, Schedule::LINK_UNKNOWN},
        Case{"Received", [](auto& f) { f.open_quantity = Decimal(); }, Schedule::NOTHING_OPEN}),
    [](const auto& info) { return info.param.name; });

TEST(Eligibility, FollowsTheConnectionsTrigger) {
  orders::v1::Connection connection = SampleConnection();
  auto& trigger = *connection.mutable_shipping_trigger();
  const auto reason = [&](auto change) {
    ScheduleFacts facts = Good();
    change(facts);
    return WhyIneligible(facts, RulesOf(connection, type::v1::PURCHASE_ORDER));
  };
  const auto ships = Schedule::INELIGIBLE_REASON_UNSPECIFIED;
  trigger.set_ship_held(true);
  trigger.set_ship_services(true);
  trigger.set_ship_amount_only(true);
  trigger.set_ship_direct(true);
  EXPECT_EQ(reason([](auto& f) { f.on_hold = true; }), ships);
  EXPECT_EQ(reason([](auto& f) { f.physical_nature = "S"; }), ships);
  EXPECT_EQ(reason([](auto& f) { f.amount_only = true; }), ships);
  EXPECT_EQ(reason([](auto& f) { f.ships_to_customer = true; }), ships);
  trigger.add_recv_req("Y");
  trigger.add_recv_req("N");
  EXPECT_EQ(reason([](auto& f) { f.receiving = ReceivingCode("Optional"); }), ships);
  EXPECT_EQ(reason([](auto& f) { f.receiving = "X"; }), Schedule::RECV_REQ);
  EXPECT_EQ(reason([](auto&) {}), Schedule::RECV_REQ);  // nobody knows
}

TEST(Eligibility, ShipsOnlyForTheConnectionsBusinessUnitsIfItHasSome) {
  orders::v1::Connection connection = SampleConnection();
  connection.add_business_units("US002");
  EXPECT_EQ(WhyIneligible(Good(), RulesOf(connection, type::v1::PURCHASE_ORDER)),
            Schedule::BUSINESS_UNIT);
}

TEST(Eligibility, TakesStatusesByCodeOrLongName) {
  orders::v1::Connection connection = SampleConnection();
  connection.clear_purchase_order_statuses();
  connection.add_purchase_order_statuses("Dispatched");
  EXPECT_EQ(WhyIneligible(Good(), RulesOf(connection, type::v1::PURCHASE_ORDER)),
            Schedule::INELIGIBLE_REASON_UNSPECIFIED);
  ScheduleFacts approved = Good();
  approved.document_status = RequisitionStatusCode("Approved");
  EXPECT_EQ(WhyIneligible(approved, RulesOf(connection, type::v1::REQUISITION)),
            Schedule::INELIGIBLE_REASON_UNSPECIFIED);
}

TEST(Codes, KnowCountriesByThreeLetters) {
  EXPECT_EQ(CountryCode("USA"), "US");
  EXPECT_EQ(CountryCode("abw"), "AW");
  EXPECT_EQ(CountryCode("ZWE"), "ZW");
  EXPECT_EQ(CountryCode("PRI"), "PR");
  EXPECT_EQ(CountryCode("US"), "US");
  EXPECT_EQ(CountryCode("XXX"), "XXX");
  EXPECT_EQ(CountryCode(""), "");
}

}  // namespace
}  // namespace psups::ps_ingest
