#include <string>
#include <vector>

#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Answers that are cut, and how reading goes on.
class PagingTest : public SandboxTest {
 protected:
  static std::vector<Json> Many(int count, const std::string& updated = "2026-11-20T10:00:00") {
    std::vector<Json> documents;
    for (int i = 0; i < count; ++i) {
      documents.push_back(Order(absl::StrFormat("%010d", i + 1), updated));
    }
    return documents;
  }
  // The first document, with so many schedules.
  static Json WithSchedules(int count) {
    Json order = Order("0000000001", "2026-11-20T10:00:00");
    Json& schedules = order["LINES"][0]["SCHEDULES"];
    const Json first = schedules[0];
    for (int i = 2; i <= count; ++i) {
      schedules.push_back(first);
      schedules.back()["SCHED_NBR"] = i;
    }
    return order;
  }
};

TEST_F(PagingTest, ASecondWithMoreRowsThanAnAnswerHoldsIsReadOnBehindTheLastWholeDocument) {
  Load(Many(50));
  pb::Connection settings = Settings();
  settings.set_max_rows(12);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(50));
  EXPECT_EQ(Stored().last_error(), "");
  EXPECT_GT(Stored().watermark(), "2026-11-20T10:00:00");
}

TEST_F(PagingTest, ADocumentThatAnAnswerCutsInTwoIsNeverStoredInPart) {
  std::vector<Json> documents = Many(3);
  documents[1] = WithSchedules(8);
  documents[1]["PO_ID"] = "0000000002";
  Load(documents);
  pb::Connection settings = Settings();
  settings.set_max_rows(9);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(3));
  EXPECT_EQ(stack_.Count("SELECT max(revision) FROM orders"), 1);
  for (const pb::Order& order : Orders()) {
    const int wanted = order.document().document_id() == "0000000002" ? 8 : 1;
    EXPECT_EQ(order.schedules_size(), wanted);
  }
}

TEST_F(PagingTest, ADocumentThatFillsAnAnswerAloneIsAnAlarmAndTheCursorStays) {
  Load({WithSchedules(9)});
  pb::Connection settings = Settings();
  settings.set_max_rows(9);
  Connect(settings);
  Poll();
  EXPECT_THAT(Orders(), IsEmpty());
  EXPECT_THAT(Stored().last_error(), HasSubstr("one document holds at least 9 rows"));
  EXPECT_LE(Stored().watermark(), "2026-11-20T10:00:00");
}

TEST_F(PagingTest, RowsThatDoNotStandInTheOrderOfTheirKeysAreReadByHalvesInstead) {
  Configure({{"query_defects", {{"PSUPS_PO", {"unordered"}}}}});
  std::vector<Json> documents = Many(30);
  for (int i = 0; i < 30; ++i) {
    documents[i]["LAST_DTTM_UPDATE"] = absl::StrFormat("2026-11-20T10:00:%02d", i);
  }
  Load(documents);
  pb::Connection settings = Settings();
  settings.set_max_rows(10);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(30));
  EXPECT_EQ(Stored().last_error(), "");
}

TEST_F(PagingTest, ADocumentThatACapMayHaveCutIsNotStored) {
  Configure({{"row_cap", 120}});
  std::vector<Json> documents = Many(3);
  documents[0] = WithSchedules(150);
  Load(documents);
  Connect(Settings());
  Poll();
  EXPECT_THAT(Orders(), IsEmpty());
  EXPECT_THAT(Stored().last_error(), HasSubstr("one document holds at least 120 rows"));
  Configure({{"row_cap", 0}});
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(3));
  EXPECT_EQ(stack_.Count("SELECT max(revision) FROM orders"), 1);
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
}

TEST_F(PagingTest, ABusySecondOfASiteThatCannotBeReadOnIsNoAlarmAsLongAsItIsNotFull) {
  Load(Many(150));
  pb::Connection settings = Settings();
  WithoutAfterPrompts(settings);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(150));
  EXPECT_EQ(Stored().last_error(), "");
}

TEST_F(PagingTest, ACapThatNobodyToldOfCutsNothingOff) {
  Configure({{"row_cap", 120}});
  Load(Many(500));
  Connect(Settings());  // asks for 1000 rows
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(500));
}

TEST_F(PagingTest, WithoutPromptsToGoOnByACapThatNobodyToldOfIsMetByHalving) {
  Configure({{"row_cap", 120}});
  std::vector<Json> documents = Many(500);
  for (int i = 0; i < 500; ++i) {
    documents[i]["LAST_DTTM_UPDATE"] = absl::StrFormat("2026-11-20T10:%02d:%02d", i / 60, i % 60);
  }
  Load(documents);
  pb::Connection settings = Settings();
  WithoutAfterPrompts(settings);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(500));
}

TEST_F(PagingTest, ACountQueryShowsWhatACapCutOffAndTeachesTheCap) {
  Configure({{"row_cap", 20}});
  std::vector<Json> documents = Many(60);
  for (int i = 0; i < 60; ++i) {
    documents[i]["LAST_DTTM_UPDATE"] = absl::StrFormat("2026-11-20T10:00:%02d", i);
  }
  Load(documents);
  pb::Connection settings = Settings();
  WithoutAfterPrompts(settings);
  settings.set_purchase_order_count_query("PSUPS_PO_COUNT");
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(60));
  EXPECT_EQ(Stored().learned_row_cap(), 20);
  EXPECT_GT(stack_.Count("SELECT count(*) FROM windows WHERE counted_rows > row_count"), 0);
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
}

TEST_F(PagingTest, ACursorNeverPassesRowsThatTheCountTellsOf) {
  Configure({{"row_cap", 5}});
  Load(Many(20));  // all of one second
  pb::Connection settings = Settings();
  WithoutAfterPrompts(settings);
  settings.set_purchase_order_count_query("PSUPS_PO_COUNT");
  Connect(settings);
  Poll();
  EXPECT_THAT(Stored().last_error(), HasSubstr("some may be cut off"));
  EXPECT_LE(Stored().watermark(), "2026-11-20T10:00:00");
  Configure({{"row_cap", 0}});
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(20));
  EXPECT_EQ(Stored().last_error(), "");
}

TEST_F(PagingTest, ASiteThatKnowsDaysOnlyIsReadByDays) {
  Configure({{"time_granularity", "days"}});
  Load({Order("0000000001", "2026-11-20T10:00:00"), Order("0000000002", "2026-11-21T23:59:59"),
        Order("0000000003", "now")});
  pb::Connection settings = Settings();
  settings.set_prompt_time_form(pb::Connection::DAY);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001", "0000000002", "0000000003"));
  // What is changed later on a day that was read comes too.
  Load({Order("0000000004", "now")});
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(4));
  EXPECT_EQ(Stored().last_error(), "");
}

TEST_F(PagingTest, XmlAndBareNamesAndPrivateQueriesAndTheSitesPromptNamesAreRead) {
  Configure({{"row_keys", "bare"},
             {"query_owner", "private"},
             {"prompt_names", {{"FROM_DTTM", "START_DT"}, {"AFTER_ID", "ID_OFFSET"}}}});
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  settings.set_result_type(pb::Connection::XMLP);
  settings.set_query_owner(pb::Connection::PRIVATE);
  (*settings.mutable_prompt_names())["FROM_DTTM"] = "START_DT";
  (*settings.mutable_prompt_names())["AFTER_ID"] = "ID_OFFSET";
  (*settings.mutable_column_map())["B.CANCEL_STATUS"] = "LINE_CANCEL_STATUS";
  (*settings.mutable_column_map())["C.CANCEL_STATUS"] = "SCHED_CANCEL_STATUS";
  (*settings.mutable_column_map())["F.CITY"] = "SHIPTO_CITY";
  (*settings.mutable_column_map())["F.ADDRESS1"] = "SHIPTO_ADDRESS1";
  Connect(settings);
  Poll();
  ASSERT_EQ(Stored().last_error(), "");
  ASSERT_THAT(Orders(), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const pb::Order order, stack_.orders->Get(Orders()[0].name()));
  EXPECT_EQ(order.document().document_id(), "0000000001");
  EXPECT_EQ(order.schedules(0).ship_to().city(), "Columbus");
  EXPECT_EQ(order.schedules(0).open_quantity(), "4");
}

}  // namespace
}  // namespace psups::ps_ingest
