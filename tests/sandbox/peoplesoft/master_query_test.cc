#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MasterQueryTest : public PeopleSoftSandboxTest {
 protected:
  static std::string Of(const std::string& query, const std::string& id,
                        const std::string& more = "") {
    return Target(query, {{"SETID", "SHARE"}, {"ID_1", id}, {"ID_2", more}});
  }
};

TEST_F(MasterQueryTest, VendorHasEveryAddressWithEveryDate) {
  Json later = Tables()["VENDOR_ADDR"][0];
  later["EFFDT"] = "2030-01-01";
  later["EFF_STATUS"] = "I";
  Load({}, {{"VENDOR_ADDR", {later}},
            {"VENDOR", {{{"SETID", "SHARE"}, {"VENDOR_ID", "0000000008"}, {"NAME1", "None"}}}}});
  const Json rows = Rows(Of("PSUPS_VENDOR", "0000000007", "0000000008"));
  ASSERT_EQ(rows.size(), 3U) << "none of a vendor without address";
  EXPECT_EQ(rows[0], (Json{{"attr:rownumber", 1},
                           {"A.SETID", "SHARE"},
                           {"A.VENDOR_ID", "0000000007"},
                           {"A.NAME1", "Acme Valves"},
                           {"B.ADDRESS_SEQ_NUM", 1},
                           {"B.EFFDT", "1901-01-01"},
                           {"B.EFF_STATUS", "A"},
                           {"B.ADDRESS1", "1 Main St"},
                           {"B.ADDRESS2", " "},
                           {"B.ADDRESS3", " "},
                           {"B.ADDRESS4", " "},
                           {"B.CITY", "Chicago"},
                           {"B.STATE", " "},
                           {"B.POSTAL", " "},
                           {"B.COUNTRY", " "},
                           {"B.PHONE", " "}}));
  EXPECT_EQ(rows[1]["B.EFFDT"], "2030-01-01");
  EXPECT_EQ(rows[1]["B.EFF_STATUS"], "I");
  EXPECT_EQ(rows[2]["B.ADDRESS_SEQ_NUM"], 2);
}

TEST_F(MasterQueryTest, LocationHasEveryDate) {
  Load({}, {{"LOCATION_TBL",
             {{{"SETID", "SHARE"}, {"LOCATION", "L001"}, {"EFFDT", "2030-01-01"}},
              {{"SETID", "SHARE"}, {"LOCATION", "L0011"}, {"DESCR", "Another"}}}}});
  const Json rows = Rows(Of("PSUPS_LOCATION", "L001"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["A.DESCR"], "Main Campus");
  EXPECT_EQ(rows[0]["A.ATTN_TO"], "Receiving");
  EXPECT_EQ(rows[1]["A.EFFDT"], "2030-01-01");
  EXPECT_EQ(rows[1]["A.EFF_STATUS"], "A") << "what is loaded without a status is active";
}

TEST_F(MasterQueryTest, ItemIsEachDateWithEachUnit) {
  const Json item = {{"SETID", "SHARE"}, {"INV_ITEM_ID", "10001"}, {"UNIT_MEASURE_STD", "EA"}};
  Json later = Tables()["INV_ITEMS"][0];
  later["EFFDT"] = "2026-06-01";
  Json box = Tables()["INV_ITEM_UOM"][0];
  box["UNIT_OF_MEASURE"] = "BX";
  Load({}, {{"MASTER_ITEM_TBL", {item}}, {"INV_ITEMS", {later}}, {"INV_ITEM_UOM", {box}}});
  std::vector<std::string> found;
  for (const Json& row : Rows(Of("PSUPS_ITEM", "10001"))) {
    found.push_back(row["B.EFFDT"].get<std::string>() + " " +
                    row["C.UNIT_OF_MEASURE"].get<std::string>());
    EXPECT_EQ(row["A.UNIT_MEASURE_STD"], "EA");
  }
  EXPECT_THAT(found,
              ElementsAre("1901-01-01 BX", "1901-01-01 EA", "2026-06-01 BX", "2026-06-01 EA"));
}

TEST_F(MasterQueryTest, ItemWithoutWeightOrUnitsIsARowOfBlanks) {
  EXPECT_THAT(Rows(Of("PSUPS_ITEM", "10001")), IsEmpty()) << "not in MASTER_ITEM_TBL";
  Load({}, {{"MASTER_ITEM_TBL", {{{"SETID", "SHARE"}, {"INV_ITEM_ID", "10002"}}}}});
  const Json row = OnlyRow(Of("PSUPS_ITEM", "10002"));
  EXPECT_EQ(row["A.INV_ITEM_ID"], "10002");
  EXPECT_EQ(row["B.INV_ITEM_WEIGHT"], " ");
  EXPECT_EQ(row["C.UNIT_OF_MEASURE"], " ");
}

TEST_F(MasterQueryTest, SetUpQueriesAreCutAndFilteredLikeOthers) {
  const std::string target =
      Target("PSUPS_VENDOR", {{"SETID", "SHARE"}, {"ID_1", "0000000007"}}, 1);
  EXPECT_EQ(OnlyRow(target + "&filterfields=B.CITY"),
            (Json{{"attr:rownumber", 1}, {"B.CITY", "Chicago"}}));
  EXPECT_THAT(Get(Target("PSUPS_VENDOR", {{"ID_1", "0000000007"}})).body,
              HasSubstr("Required prompt SETID"));
  EXPECT_THAT(Get(absl::StrReplaceAll(target, {{"&json_resp=true", ""}})).body,
              HasSubstr("<B.CITY><![CDATA[Chicago]]></B.CITY>"));
  EXPECT_THAT(Rows(Target("PSUPS_VENDOR", {{"SETID", "OTHER"}, {"ID_1", "0000000007"}})),
              IsEmpty());
}

TEST_F(MasterQueryTest, BareNamesAndLongNamesHoldForSetUpQueries) {
  Open({{"row_keys", "bare"}, {"codes", "long"}});
  const Json row = Rows(Of("PSUPS_VENDOR", "0000000007"))[0];
  EXPECT_EQ(row["CITY"], "Chicago");
  EXPECT_EQ(row["EFF_STATUS"], "Active");
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
