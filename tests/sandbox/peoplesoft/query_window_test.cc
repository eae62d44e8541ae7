#include <string>

#include "absl/strings/str_replace.h"
#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(PeopleSoftSandboxTest, WindowIncludesBothItsEnds) {
  const auto ids = [&](const std::string& from, const std::string& to) {
    return Ids(QueryTarget("PSUPS_PO", "2026-11-23 " + from, "2026-11-23 " + to));
  };
  EXPECT_THAT(ids("14:30:00", "14:30:00"), ElementsAre("0000000123"));
  EXPECT_THAT(ids("14:30:01", "15:00:00"), IsEmpty());
  EXPECT_THAT(ids("14:00:00", "14:29:59"), IsEmpty());
  EXPECT_THAT(ids("15:00:00", "14:00:00"), IsEmpty());
}

TEST_F(PeopleSoftSandboxTest, ReplacingADocumentMovesItInTime) {
  Load({PurchaseOrder("0000000123", "2026-11-23T16:00:00")});
  EXPECT_THAT(Ids(QueryTarget("PSUPS_PO", "2026-11-23 14:00:00", "2026-11-23 15:00:00")),
              IsEmpty());
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123"));
}

TEST_F(PeopleSoftSandboxTest, RowsAreOrderedByKeyNotByTime) {
  Load({PurchaseOrder("0000000300", "2026-11-23T08:00:00"),
        PurchaseOrder("0000000200", "2026-11-23T09:00:00")});
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123", "0000000200", "0000000300"));
}

TEST_F(PeopleSoftSandboxTest, PromptsArePositional) {
  std::string target = WholeDay();
  target = absl::StrReplaceAll(target, {{"FROM_DTTM,TO_DTTM", "TO_DTTM,FROM_DTTM"},
                                        {"2026-11-23%2000:00:00,2026-11-23%2023:59:59",
                                         "2026-11-23%2023:59:59,2026-11-23%2000:00:00"}});
  EXPECT_THAT(Ids(target), ElementsAre("0000000123"));
}

TEST_F(PeopleSoftSandboxTest, RefusesPromptsThatAreNotTheQuerys) {
  const auto with = [&](const std::string& names, const std::string& values) {
    return Get(absl::StrReplaceAll(WholeDay(),
                                   {{"FROM_DTTM,TO_DTTM", names},
                                    {"2026-11-23%2000:00:00,2026-11-23%2023:59:59", values}}))
        .body;
  };
  const std::string good = "2026-11-23%2000:00:00";
  EXPECT_THAT(with("from_dttm,to_dttm", good + "," + good), HasSubstr("not one of the query"));
  EXPECT_THAT(with("FROM_DTTM", good), HasSubstr("Required prompt TO_DTTM"));
  EXPECT_THAT(with("FROM_DTTM,TO_DTTM", good + ","), HasSubstr("Required prompt TO_DTTM"));
  EXPECT_THAT(with("FROM_DTTM,TO_DTTM", good), HasSubstr("2 prompt names, 1 values"));
  EXPECT_THAT(with("FROM_DTTM%2CTO_DTTM", good), HasSubstr("not one of the query"));
  EXPECT_THAT(with("FROM_DTTM,TO_DTTM", good + ",2026-11-23T23:59:59"),
              HasSubstr("not a date and time"));
  EXPECT_THAT(with("FROM_DTTM,TO_DTTM", good + ",2026-11-23+23:59:59"),
              HasSubstr("not a date and time"));
  EXPECT_THAT(with("FROM_DTTM,TO_DTTM", good + ",2026-02-30%2000:00:00"),
              HasSubstr("not a date and time"));
}

TEST_F(PeopleSoftSandboxTest, RequiredVariablesAreRequired) {
  EXPECT_THAT(Get(absl::StrReplaceAll(WholeDay(), {{"maxrows=1000", ""}})).body,
              HasSubstr("maxrows"));
  EXPECT_THAT(
      Get(absl::StrReplaceAll(WholeDay(), {{"isconnectedquery=N", "isconnectedquery=Y"}})).body,
      HasSubstr("not a connected query"));
  EXPECT_THAT(Get(absl::StrReplaceAll(WholeDay(), {{"/JSON/NONFILE", "/JSON/FILE"}})).body,
              HasSubstr("NONFILE"));
}

TEST_F(PeopleSoftSandboxTest, CutsSilentlyAtMaxrowsAndAtTheProfilesCap) {
  Load({PurchaseOrder("0000000200"), PurchaseOrder("0000000300")});
  const Json cut = Query(WholeDay("PSUPS_PO", 2));
  EXPECT_EQ(cut["numrows"], 2);
  EXPECT_EQ(cut["rows"].size(), 2U);
  EXPECT_EQ(Query(WholeDay("PSUPS_PO", -1))["numrows"], 3);
  EXPECT_EQ(Query(WholeDay("PSUPS_PO", 0))["numrows"], 3);

  Open({{"row_cap", 2}});
  Load({PurchaseOrder("0000000200"), PurchaseOrder("0000000300")});
  for (const int maxrows : {-1, 0, 2, 1000}) {
    EXPECT_EQ(Query(WholeDay("PSUPS_PO", maxrows))["numrows"], 2) << maxrows;
  }
  EXPECT_EQ(Query(WholeDay("PSUPS_PO", 1))["numrows"], 1);
}

TEST_F(PeopleSoftSandboxTest, RowSecurityHidesOtherBusinessUnits) {
  Open({{"row_security_business_units", {"US002"}}});
  EXPECT_THAT(Ids(WholeDay()), IsEmpty());
}

TEST_F(PeopleSoftSandboxTest, NowIsTheSitesClockInItsBaseZone) {
  Json order = PurchaseOrder("0000000200", "now");
  Json other = PurchaseOrder("0000000300");
  other.erase("LAST_DTTM_UPDATE");
  Load({order, other});
  EXPECT_THAT(Ids(QueryTarget("PSUPS_PO", "2026-11-23 15:00:00", "2026-11-23 15:00:00")),
              ElementsAre("0000000200", "0000000300"));
  EXPECT_EQ(Truth()["documents"][1]["LAST_DTTM_UPDATE"], "2026-11-23T15:00:00");
  EXPECT_EQ(FindHeader(Get(WholeDay()).headers, "Date"), "Mon, 23 Nov 2026 20:00:00 GMT");
}

TEST_F(PeopleSoftSandboxTest, LateCommitShowsLaterThanItsTimestamp) {
  Json late = PurchaseOrder("0000000200", "now");
  late["VISIBLE_AFTER_MS"] = 60'000;
  Json change = PurchaseOrder("0000000123", "now");
  change["PO_STATUS"] = "A";
  change["VISIBLE_AFTER_MS"] = 30'000;
  Load({late, change});
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123"));
  EXPECT_EQ(OnlyRow()["A.PO_STATUS"], "D") << "the version before the change is still there";
  EXPECT_EQ(Truth()["pending"].size(), 2U);

  now_ += absl::Seconds(30);
  EXPECT_EQ(OnlyRow()["A.PO_STATUS"], "A");
  now_ += absl::Seconds(30);
  EXPECT_THAT(Truth()["pending"], IsEmpty());
  const Json rows = Rows(WholeDay());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1]["A.LAST_DTTM_UPDATE"], "2026-11-23T15:00:00");
}

TEST_F(PeopleSoftSandboxTest, ALaterVersionReplacesOneNotYetCommitted) {
  Json late = PurchaseOrder("0000000123", "now");
  late["PO_STATUS"] = "A";
  late["VISIBLE_AFTER_MS"] = 1'000;
  Load({late});
  Json later = PurchaseOrder("0000000123", "now");
  later["PO_STATUS"] = "X";
  Load({later});
  now_ += absl::Seconds(5);
  EXPECT_EQ(OnlyRow()["A.PO_STATUS"], "X");
}

TEST_F(PeopleSoftSandboxTest, TheRepeatedHourHasOneLocalTimeForTwoInstants) {
  now_ = Utc(11, 1, 5, 30);  // 01:30 summer time
  Load({PurchaseOrder("0000000200", "now")});
  const std::string first_date(FindHeader(Get(WholeDay()).headers, "Date"));
  now_ = Utc(11, 1, 6, 30);  // 01:30 winter time, an hour later
  Load({PurchaseOrder("0000000300", "now")});
  const Json rows = Rows(QueryTarget("PSUPS_PO", "2026-11-01 01:30:00", "2026-11-01 01:30:00"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["A.LAST_DTTM_UPDATE"], "2026-11-01T01:30:00");
  EXPECT_EQ(rows[1]["A.LAST_DTTM_UPDATE"], "2026-11-01T01:30:00");
  EXPECT_EQ(first_date, "Sun, 01 Nov 2026 05:30:00 GMT");
}

TEST_F(PeopleSoftSandboxTest, FractionsCountInTheWindowWhereTheSiteKeepsThem) {
  const std::string until = QueryTarget("PSUPS_PO", "2026-11-23 10:00:00", "2026-11-23 10:00:00");
  Load({PurchaseOrder("0000000200", "2026-11-23T10:00:00.400000")});
  EXPECT_THAT(Ids(until), ElementsAre("0000000200"));
  Open({{"timestamps", "fractions"}});
  Load({PurchaseOrder("0000000200", "2026-11-23T10:00:00.400000")});
  EXPECT_THAT(Ids(until), IsEmpty());
  const Json rows = Rows(QueryTarget("PSUPS_PO", "2026-11-23 10:00:00", "2026-11-23 10:00:01"));
  EXPECT_EQ(rows[0]["A.LAST_DTTM_UPDATE"], "2026-11-23T10:00:00.400000");

  now_ += absl::Milliseconds(250);
  Load({PurchaseOrder("0000000123", "now")});
  EXPECT_EQ(OnlyRow(QueryTarget("PSUPS_PO", "2026-11-23 15:00:00",
                                "2026-11-23 15:00:01"))["A.LAST_DTTM_UPDATE"],
            "2026-11-23T15:00:00.250000");
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
