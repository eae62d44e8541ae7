#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A site whose administrator has not built everything as asked.
class SiteDefectsTest : public PeopleSoftSandboxTest {
 protected:
  // PSUPS_PO alone.
  void Break(const std::string& defect) {
    Configure({{"query_defects", {{"PSUPS_PO", {defect}}}}});
  }

  std::string Problem(const nlohmann::json& change) {
    return std::string(site_->Configure(change.dump()).message());
  }
};

TEST_F(SiteDefectsTest, AnOmittedQueryDoesNotExist) {
  Configure({{"omit_queries", {"PSUPS_REQ"}}});
  EXPECT_THAT(Get(WholeDay("PSUPS_REQ")).body, HasSubstr("PSUPS_REQ does not exist"));
  EXPECT_EQ(Query(WholeDay())["numrows"], 1);
}

TEST_F(SiteDefectsTest, AnOmittedColumnIsNeitherShownNorFiltered) {
  Configure({{"omit_columns", {{"PSUPS_PO", {"J.REQ_ID", "QTY_RECEIVED"}}}}});
  EXPECT_FALSE(OnlyRow().contains("J.REQ_ID"));
  EXPECT_FALSE(OnlyRow().contains("QTY_RECEIVED"));
  EXPECT_TRUE(OnlyRow().contains("J.REQ_LINE_NBR"));
  EXPECT_THAT(Get(WholeDay() + "&filterfields=J.REQ_ID").body, HasSubstr("No field J.REQ_ID"));
  const std::string key = Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_1", "0000000123"}});
  EXPECT_TRUE(OnlyRow(key).contains("J.REQ_ID")) << "each query by its name";
  Configure({{"row_keys", "bare"}});
  EXPECT_FALSE(OnlyRow().contains("REQ_ID")) << "whatever the keys are called";
}

TEST_F(SiteDefectsTest, WhatDoesNotExistCannotBeBroken) {
  EXPECT_THAT(Problem({{"omit_queries", {"PSUPS_POS"}}}), HasSubstr("omit_queries: want"));
  EXPECT_THAT(Problem({{"omit_columns", {{"PSUPS_PO", {"A.NONE"}}}}}),
              HasSubstr("omit_columns: want"));
  EXPECT_THAT(Problem({{"query_defects", {{"PSUPS_PO", {"slow"}}}}}),
              HasSubstr("query_defects: want"));
  EXPECT_THAT(Problem({{"query_defects", {{"PSUPS_X", {"unordered"}}}}}),
              HasSubstr("query_defects: want"));
  EXPECT_THAT(Problem({{"prompt_names", {{"START", "FROM_DTTM"}}}}),
              HasSubstr("prompt_names: want"));
}

TEST_F(SiteDefectsTest, AStatusFilterHidesOrdersThatAreNotDispatched) {
  Json order = PurchaseOrder("0000000200");
  order["PO_STATUS"] = "X";
  Load({order});
  Break("status_filter");
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123"));
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_PO_COUNT"))["ROW_COUNT"], 2) << "the count is right";
  Configure({{"query_defects", {{"PSUPS_REQ", {"status_filter"}}}}});
  Json requisition = Requisition("0000000009");
  requisition["REQ_STATUS"] = "P";
  Load({requisition, Requisition("0000000010")});
  EXPECT_THAT(Ids(WholeDay("PSUPS_REQ"), "A.REQ_ID"), ElementsAre("0000000010"));
}

TEST_F(SiteDefectsTest, UnorderedRowsComeNewestFirst) {
  Load({PurchaseOrder("0000000200", "2026-11-23T16:00:00"),
        PurchaseOrder("0000000100", "2026-11-23T15:00:00")});
  Break("unordered");
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000200", "0000000100", "0000000123"));
  EXPECT_THAT(Ids(WholeDay("PSUPS_PO", 1)), ElementsAre("0000000200"));
}

TEST_F(SiteDefectsTest, AQueryMayLackTheAfterPrompts) {
  Break("no_after_prompt");
  const Prompts day = {{"FROM_DTTM", "2026-11-23 00:00:00"}, {"TO_DTTM", "2026-11-23 23:59:59"}};
  EXPECT_THAT(Ids(Target("PSUPS_PO", day)), ElementsAre("0000000123"));
  Prompts after = day;
  after.emplace_back("AFTER_BU", "");
  EXPECT_THAT(Get(Target("PSUPS_PO", after)).body, HasSubstr("AFTER_BU is not one of the query"));
}

TEST_F(SiteDefectsTest, AnInnerJoinLosesOrdersWithoutAVendorsAddress) {
  Json order = PurchaseOrder("0000000200");
  order["ADDRESS_SEQ_NUM"] = 9;
  Load({order});
  Break("inner_join_vendor");
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123"));
}

TEST_F(SiteDefectsTest, AnExclusiveEndLosesTheLastSecond) {
  Break("exclusive_end");
  const auto ids = [&](const std::string& to) {
    return Ids(QueryTarget("PSUPS_PO", "2026-11-23 00:00:00", to));
  };
  EXPECT_THAT(ids("2026-11-23 14:30:00"), IsEmpty());
  EXPECT_THAT(ids("2026-11-23 14:30:01"), ElementsAre("0000000123"));
}

TEST_F(SiteDefectsTest, WithoutDistributionsAScheduleIsOneRow) {
  Json order = PurchaseOrder("0000000123");
  order["LINES"][0]["SCHEDULES"][0]["DISTRIBUTIONS"] = {{{"REQ_ID", "0000000009"}},
                                                        {{"REQ_ID", "0000000010"}}};
  Load({order});
  EXPECT_EQ(Rows(WholeDay()).size(), 2U);
  Break("no_distribution");
  EXPECT_EQ(OnlyRow()["J.REQ_ID"], " ");
}

TEST_F(SiteDefectsTest, ASiteMayKeepDaysOnly) {
  Configure({{"time_granularity", "days"}});
  const auto ids = [&](const std::string& from, const std::string& to) {
    return Ids(QueryTarget("PSUPS_PO", from, to));
  };
  EXPECT_THAT(ids("2026-11-23", "2026-11-23"), ElementsAre("0000000123"));
  EXPECT_THAT(ids("2026-11-22", "2026-11-22"), IsEmpty());
  EXPECT_THAT(ids("2026-11-24", "2026-11-25"), IsEmpty());
  EXPECT_EQ(OnlyRow(QueryTarget("PSUPS_PO", "2026-11-22", "2026-11-24"))["A.LAST_DTTM_UPDATE"],
            "2026-11-23");
  EXPECT_THAT(Get(WholeDay()).body, HasSubstr("FROM_DTTM is not a date."));
  Break("exclusive_end");
  EXPECT_THAT(ids("2026-11-22", "2026-11-23"), IsEmpty());
  EXPECT_THAT(ids("2026-11-22", "2026-11-24"), ElementsAre("0000000123"));
}

TEST_F(SiteDefectsTest, QueriesMayBePrivate) {
  Configure({{"query_owner", "private"}});
  EXPECT_THAT(Get(WholeDay()).body, HasSubstr("does not exist"));
  EXPECT_THAT(Ids(absl::StrReplaceAll(WholeDay(), {{"/public/", "/private/"}})),
              ElementsAre("0000000123"));
}

TEST_F(SiteDefectsTest, ASiteMayNameThePromptsOtherwise) {
  Configure({{"prompt_names", {{"FROM_DTTM", "START"}, {"ID_1", "PO1"}}}});
  EXPECT_THAT(Get(WholeDay()).body, HasSubstr("Prompt FROM_DTTM is not one of the query's."));
  EXPECT_THAT(Ids(Target("PSUPS_PO",
                         {{"START", "2026-11-23 00:00:00"}, {"TO_DTTM", "2026-11-24 00:00:00"}})),
              ElementsAre("0000000123"));
  EXPECT_EQ(Truth()["reads"][0]["from"], "2026-11-23 00:00:00");
  EXPECT_THAT(Get(Target("PSUPS_PO_KEY", {{"BU", "US001"}})).body,
              HasSubstr("Required prompt PO1"));
}

TEST_F(SiteDefectsTest, TheSitesClockMayBeOff) {
  Configure({{"clock_offset_seconds", -600}});
  EXPECT_EQ(FindHeader(Get(WholeDay()).headers, "Date"), "Mon, 23 Nov 2026 19:50:00 GMT");
  Json late = PurchaseOrder("0000000200", "now");
  late["VISIBLE_AFTER_MS"] = 1000;
  Load({PurchaseOrder("0000000123", "now"), late});
  EXPECT_EQ(OnlyRow()["A.LAST_DTTM_UPDATE"], "2026-11-23T14:50:00");
  now_ += absl::Seconds(1);
  EXPECT_EQ(Rows(WholeDay())[1]["A.LAST_DTTM_UPDATE"], "2026-11-23T14:50:00");
  EXPECT_EQ(Journal()[0]["time"], "2026-11-23T20:00:00.000Z") << "the sandbox's own is right";
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
