#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Three orders of two business units beside the usual one.
class KeyQueryTest : public PeopleSoftSandboxTest {
 protected:
  KeyQueryTest() { LoadOrders(); }

  void LoadOrders() {
    Json other = PurchaseOrder("0000000100");
    other["BUSINESS_UNIT"] = "US002";
    Load({PurchaseOrder("0000000200"), PurchaseOrder("0000000300", "2026-11-23T08:00:00"), other});
  }

  static Prompts Day() {
    return {{"FROM_DTTM", "2026-11-23 00:00:00"}, {"TO_DTTM", "2026-11-23 23:59:59"}};
  }

  static Prompts DayAfter(const std::string& unit, const std::string& id) {
    Prompts prompts = Day();
    prompts.emplace_back("AFTER_BU", unit);
    prompts.emplace_back("AFTER_ID", id);
    return prompts;
  }
};

TEST_F(KeyQueryTest, AfterPromptsGoOnBehindADocument) {
  const auto ids = [&](const std::string& unit, const std::string& id, int maxrows = 1000) {
    return Ids(Target("PSUPS_PO", DayAfter(unit, id), maxrows));
  };
  EXPECT_THAT(ids("US001", "0000000123"), ElementsAre("0000000200", "0000000300", "0000000100"));
  EXPECT_THAT(ids("US001", "0000000123", 1), ElementsAre("0000000200"));
  EXPECT_THAT(ids("US001", "0000000300"), ElementsAre("0000000100"));
  EXPECT_THAT(ids("US001", "00000001"),
              ElementsAre("0000000123", "0000000200", "0000000300", "0000000100"));
  EXPECT_THAT(ids("US002", "0000000100"), IsEmpty());
  EXPECT_EQ(ids("", "").size(), 4U) << "blank is the start";
  EXPECT_EQ(ids("US001", " ").size(), 4U);
}

TEST_F(KeyQueryTest, AfterPromptsAreNotNamedOrHaveAnEmptySlot) {
  Prompts one = Day();
  one.emplace_back("AFTER_BU", "US002");
  EXPECT_THAT(Ids(Target("PSUPS_PO", one)), ElementsAre("0000000100"));
  EXPECT_THAT(Target("PSUPS_PO", DayAfter("", "")), HasSubstr("23:59:59,,&json_resp"));
}

TEST_F(KeyQueryTest, KeyQueryShowsDocumentsWheneverTheyChanged) {
  Load({PurchaseOrder("0000000400", "2020-01-01T00:00:00"), Requisition("0000000009")});
  EXPECT_THAT(
      Ids(Target("PSUPS_PO_KEY",
                 {{"BU", "US001"}, {"ID_1", "0000000400"}, {"ID_2", ""}, {"ID_10", "0000000123"}})),
      ElementsAre("0000000123", "0000000400"));
  const Json row = OnlyRow(Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_1", "0000000123"}}));
  EXPECT_EQ(row, Rows(WholeDay())[0]) << "the same columns";
  EXPECT_EQ(OnlyRow(Target("PSUPS_REQ_KEY", {{"BU", "US001"}, {"ID_1", "0000000009"}}))["A.REQ_ID"],
            "0000000009");
  EXPECT_THAT(Rows(Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_1", "0000000100"}})), IsEmpty())
      << "another unit's";
}

TEST_F(KeyQueryTest, KeyQueryWantsItsUnitAndOneId) {
  EXPECT_THAT(Get(Target("PSUPS_PO_KEY", {{"ID_1", "0000000123"}})).body,
              HasSubstr("Required prompt BU"));
  EXPECT_THAT(Get(Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_2", "0000000123"}})).body,
              HasSubstr("Required prompt ID_1"));
  EXPECT_THAT(Get(Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_1", "1"}, {"ID_11", "1"}})).body,
              HasSubstr("ID_11 is not one of the query"));
  EXPECT_THAT(Get(Target("PSUPS_PO_KEY", Day())).body, HasSubstr("not one of the query"));
}

TEST_F(KeyQueryTest, CountIsOfAllRowsWhateverTheCap) {
  Open({{"row_cap", 1}});
  LoadOrders();
  EXPECT_EQ(Query(WholeDay())["numrows"], 1);
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_PO_COUNT", 1)),
            (Json{{"attr:rownumber", 1}, {"ROW_COUNT", 4}}));
  EXPECT_EQ(OnlyRow(Target("PSUPS_PO_COUNT", DayAfter("US001", "0000000200")))["ROW_COUNT"], 2);
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_REQ_COUNT"))["ROW_COUNT"], 0);
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "duplicate_rows"}});
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_PO_COUNT"))["ROW_COUNT"], 4);
}

TEST_F(KeyQueryTest, RowSecurityHoldsForKeysAndForTheCount) {
  Open({{"row_security_business_units", {"US002"}}});
  LoadOrders();
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_PO_COUNT"))["ROW_COUNT"], 1);
  EXPECT_THAT(Rows(Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_1", "0000000123"}})), IsEmpty());
}

TEST_F(KeyQueryTest, TruthSaysWhatWasAskedFor) {
  Rows(Target("PSUPS_PO_KEY", {{"BU", "US001"}, {"ID_1", "0000000123"}}));
  EXPECT_EQ(Truth()["reads"][0], (Json{{"time", "2026-11-23T20:00:00.000Z"},
                                       {"query", "PSUPS_PO_KEY"},
                                       {"prompts", {{"BU", "US001"}, {"ID_1", "0000000123"}}},
                                       {"rows", 1}}));
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
