#include <string>
#include <vector>

#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Standing = pb::CheckOrdersResponse::Standing;

// The look just before buying.
class CheckerTest : public SandboxTest {
 protected:
  std::vector<Standing> Check() {
    std::vector<std::string> names;
    for (const pb::Order& order : Orders()) names.push_back(order.name());
    const auto found = checker_.Check(names);
    EXPECT_OK(found.status());
    return found.ok() ? *found : std::vector<Standing>();
  }
  // What was read is older than a look just before buying may be.
  void GrowOld() {
    stack_.Exec(
        "UPDATE orders SET read_start_time = read_start_time - interval '1 minute', "
        "checked_time = checked_time - interval '1 minute'");
  }

  Checker checker_{{*stack_.connections, *stack_.polls, *stack_.orders, *people_soft_, passwords_,
                    master_data_, calls_},
                   stack_.derive,
                   [] {}};
};

TEST_F(CheckerTest, WhatWasJustReadIsFreshAndNobodyIsAsked) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(Settings());
  Poll();
  const std::size_t calls = Journal().size();
  EXPECT_THAT(Check(), SizeIs(1));
  EXPECT_THAT(Journal(), SizeIs(calls));
}

TEST_F(CheckerTest, OlderOrdersAreReadByTheirKeysInBatchesAndCountAsFreshThen) {
  std::vector<Json> documents;
  for (int i = 0; i < 25; ++i) {
    documents.push_back(Order(absl::StrFormat("%010d", i + 1), "2026-11-20T10:00:00"));
  }
  Load(documents);
  Connect(Settings());
  Poll();
  GrowOld();
  EXPECT_THAT(Check(), SizeIs(25));
  EXPECT_EQ(CallsTo("PSUPS_PO_KEY"), 3u);
  EXPECT_THAT(Check(), SizeIs(25));
  EXPECT_EQ(CallsTo("PSUPS_PO_KEY"), 3u);
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
  EXPECT_EQ(stack_.Count("SELECT max(revision) FROM orders"), 1);
}

TEST_F(CheckerTest, AHoldSinceTheLastPollIsSeenBeforeAnythingIsBought) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(Settings());
  Poll();
  GrowOld();
  Json held = Order("0000000001", "2026-11-20T10:00:00");
  held["HOLD_STATUS"] = "Y";
  Load({held});
  const std::vector<Standing> standings = Check();
  ASSERT_THAT(standings, SizeIs(1));
  EXPECT_EQ(standings[0].revision(), 2);
  EXPECT_EQ(standings[0].open_schedules_size(), 0);
}

TEST_F(CheckerTest, ARequisitionThatWasSourcedSinceThenDoesNotShip) {
  Json requisition = Json::parse(R"({
    "DOC_TYPE": "REQ", "BUSINESS_UNIT": "US001", "REQ_ID": "0000000009", "REQ_STATUS": "A",
    "REQ_DT": "2026-11-20", "HOLD_STATUS": "N", "LAST_DTTM_UPDATE": "2026-11-20T10:00:00",
    "LINES": [{"LINE_NBR": 1, "INV_ITEM_ID": "10001", "ITM_SETID": "SHARE",
      "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007", "UNIT_OF_MEASURE": "EA",
      "PHYSICAL_NATURE": "G", "SCHEDULES": [{"SCHED_NBR": 1, "QTY_REQ": "4",
      "SHIPTO_SETID": "SHARE", "SHIPTO_ID": "L001"}]}]})");
  Load({requisition});
  pb::Connection settings = Settings();
  settings.add_document_types(type::v1::REQUISITION);
  Connect(settings);
  Poll();
  ASSERT_THAT(Check(), SizeIs(1));
  ASSERT_EQ(Check()[0].open_schedules_size(), 1);
  // Sourcing touches the purchase order, and not the requisition's LAST_DTTM_UPDATE; the purchase
  // order is of another business unit.
  Json order = Order("0000000001", "now");
  order["BUSINESS_UNIT"] = "US002";
  order["LINES"][0]["SCHEDULES"][0]["DISTRIBUTIONS"] =
      Json::parse(R"([{"DISTRIB_LINE_NUM": 1, "BUSINESS_UNIT_REQ": "US001",
                       "REQ_ID": "0000000009", "REQ_LINE_NBR": 1, "REQ_SCHED_NBR": 1}])");
  Load({order});
  GrowOld();
  const std::vector<Standing> standings = Check();
  ASSERT_THAT(standings, SizeIs(1));
  EXPECT_EQ(standings[0].open_schedules_size(), 0);
  Poll();
  for (const pb::Order& stored : Orders()) {
    const pb::Order::Schedule& schedule = stored.schedules(0);
    if (stored.document().document_type() == type::v1::REQUISITION) {
      EXPECT_EQ(schedule.ineligible_reason(), pb::Order::Schedule::SOURCED_TO_PO);
      EXPECT_EQ(schedule.sourced_business_unit(), "US002");
      continue;
    }
    ASSERT_EQ(schedule.sources_size(), 1);
    EXPECT_EQ(schedule.sources(0).requisition_id(), "0000000009");
    EXPECT_EQ(schedule.sources(0).order(), standings[0].name());
  }
}

TEST_F(CheckerTest, WhatCannotBeReadNowHasNoStanding) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(Settings());
  Poll();
  for (const char* kind : {"bare_500", "status_503", "permission_158_536", "ib_error_200"}) {
    GrowOld();
    Fault({{"id", "f"}, {"route", "query"}, {"kind", kind}, {"count", 1}});
    EXPECT_THAT(Check(), IsEmpty()) << kind;
    EXPECT_THAT(Check(), SizeIs(1)) << kind;
  }
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
}

TEST_F(CheckerTest, ARefusedPasswordStopsTheConnectionHereToo) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(Settings());
  Poll();
  GrowOld();
  Fault({{"id", "f"}, {"route", "query"}, {"kind", "unauthorized"}, {"count", 1}});
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_EQ(Stored().state(), pb::Connection::STOPPED);
  const std::size_t calls = Journal().size();
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_THAT(Journal(), SizeIs(calls));
}

}  // namespace
}  // namespace psups::ps_ingest
