#include <utility>
#include <vector>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;

TEST_F(PeopleSoftSandboxTest, JoinsVendorLocationAndItem) {
  const Json row = OnlyRow();
  EXPECT_EQ(row["E.NAME1"], "Acme Valves");
  EXPECT_EQ(row["D.ADDRESS1"], "1 Main St");
  EXPECT_EQ(row["F.DESCR"], "Main Campus");
  EXPECT_EQ(row["F.ATTN_TO"], "Receiving");
  EXPECT_EQ(row["B.DESCR254_MIXED"], "Valve, \"brass\" ½\"");
  EXPECT_EQ(row["G.UNIT_MEASURE_WT"], "LB");
  EXPECT_EQ(row["QTY_RECEIVED"], 0);
}

TEST_F(PeopleSoftSandboxTest, EachScheduleIsARow) {
  Json order = PurchaseOrder("0000000123");
  Json& line = order["LINES"][0];
  Json schedule = line["SCHEDULES"][0];
  schedule["SCHED_NBR"] = 2;
  line["SCHEDULES"].insert(line["SCHEDULES"].begin(), schedule);  // out of order
  Json second = line;
  second["LINE_NBR"] = 2;
  order["LINES"].push_back(second);
  Load({order});
  std::vector<std::pair<int, int>> rows;
  for (const Json& row : Rows(WholeDay())) {
    rows.emplace_back(row["B.LINE_NBR"], row["C.SCHED_NBR"]);
  }
  EXPECT_THAT(rows,
              ElementsAre(std::pair(1, 1), std::pair(1, 2), std::pair(2, 1), std::pair(2, 2)));
}

TEST_F(PeopleSoftSandboxTest, FutureAddressIsIgnoredUntilItsDay) {
  Json row = Tables()["LOCATION_TBL"][0];
  row["EFFDT"] = "2026-11-24";
  row["ADDRESS1"] = "99 Future Ave";
  Load({}, {{"LOCATION_TBL", Json::array({row})}});
  EXPECT_EQ(OnlyRow()["F.ADDRESS1"], "10 Dock Rd");
  now_ = Utc(11, 24, 4, 59, 59);  // still the 23rd in New York
  EXPECT_EQ(OnlyRow()["F.ADDRESS1"], "10 Dock Rd");
  now_ = Utc(11, 24, 5, 0);
  EXPECT_EQ(OnlyRow()["F.ADDRESS1"], "99 Future Ave");
}

TEST_F(PeopleSoftSandboxTest, InactiveLatestRowDoesNotResurrectAnOlderOne) {
  Json row = Tables()["VENDOR_ADDR"][0];
  row["EFFDT"] = "2026-06-01";
  row["EFF_STATUS"] = "I";
  Load({}, {{"VENDOR_ADDR", Json::array({row})}});
  EXPECT_EQ(OnlyRow()["D.ADDRESS1"], " ");
  EXPECT_EQ(OnlyRow()["E.NAME1"], "Acme Valves");
}

TEST_F(PeopleSoftSandboxTest, OrderChoosesTheVendorsAddress) {
  Json order = PurchaseOrder("0000000123");
  order["ADDRESS_SEQ_NUM"] = 2;
  Load({order});
  EXPECT_EQ(OnlyRow()["D.ADDRESS1"], "2 Billing Way");
}

TEST_F(PeopleSoftSandboxTest, BlankSetIdIsFoundBySetControlAndIsNotTheBusinessUnit) {
  Json order = PurchaseOrder("0000000123");
  order["VENDOR_SETID"] = "";
  order["LINES"][0]["ITM_SETID"] = " ";
  order["LINES"][0]["SCHEDULES"][0].erase("SHIPTO_SETID");
  Load({order});
  Json row = OnlyRow();
  EXPECT_EQ(row["E.NAME1"], "Acme Valves");
  EXPECT_EQ(row["F.DESCR"], "Main Campus");
  EXPECT_EQ(row["G.INV_ITEM_WEIGHT"], 12.5);
  EXPECT_EQ(row["C.SHIPTO_SETID"], " ") << "the transaction keeps its blank";

  order["VENDOR_SETID"] = "US001";
  Load({order});
  EXPECT_EQ(OnlyRow()["E.NAME1"], " ");
}

TEST_F(PeopleSoftSandboxTest, UnmaintainedWeightIsZeroWithABlankUnit) {
  const Json row = OnlyRow();
  EXPECT_EQ(row["H.SHIPPING_WEIGHT"], 0);
  EXPECT_EQ(row["H.UNIT_MEASURE_WT"], " ");
  EXPECT_EQ(row["H.CONVERSION_RATE"], 1);
}

TEST_F(PeopleSoftSandboxTest, OuterJoinLeavesBlanks) {
  Json order = PurchaseOrder("0000000123");
  order["LINES"][0]["INV_ITEM_ID"] = "";
  order["LINES"][0]["SCHEDULES"][0]["SHIPTO_ID"] = "NOWHERE";
  Load({order});
  EXPECT_EQ(OnlyRow()["F.ADDRESS1"], " ");
  EXPECT_EQ(OnlyRow()["G.INV_ITEM_WEIGHT"], " ");
  Open({{"missing_numbers", "zero"}});
  Load({order});
  EXPECT_EQ(OnlyRow()["G.INV_ITEM_WEIGHT"], 0);
}

TEST_F(PeopleSoftSandboxTest, RequisitionTakesItsVendorFromTheLine) {
  Load({Requisition("0000000009")});
  const Json row = OnlyRow(WholeDay("PSUPS_REQ"));
  EXPECT_EQ(row["A.REQ_ID"], "0000000009");
  EXPECT_EQ(row["A.CHNG_ORD_BATCH"], 0);
  EXPECT_EQ(row["B.VENDOR_ID"], "0000000007");
  EXPECT_EQ(row["D.ADDRESS1"], "1 Main St");
  EXPECT_EQ(row["F.DESCR"], "Main Campus");
  EXPECT_EQ(row["C.QTY_REQ"], 3);
  EXPECT_EQ(row["J.PO_ID"], " ");
  EXPECT_FALSE(row.contains("A.PO_REF"));
  EXPECT_FALSE(row.contains("A.VENDOR_ID"));
}

TEST_F(PeopleSoftSandboxTest, RequisitionNamesThePurchaseOrdersItWasSourcedTo) {
  Json order = PurchaseOrder("0000000123");
  Json& schedule = order["LINES"][0]["SCHEDULES"][0];
  schedule["DISTRIBUTIONS"] = {{{"DISTRIB_LINE_NUM", 1}, {"REQ_ID", "0000000009"}}};
  Load({order, Requisition("0000000009")});
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_REQ"))["J.PO_ID"], "0000000123");

  Json second = order;
  second["PO_ID"] = "0000000124";
  Load({second});
  EXPECT_THAT(Ids(WholeDay("PSUPS_REQ"), "J.PO_ID"), ElementsAre("0000000123", "0000000124"));

  Load({PurchaseOrder("0000000123"), PurchaseOrder("0000000124")});
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_REQ"))["J.PO_ID"], " ") << "the link went with the order";
}

TEST_F(PeopleSoftSandboxTest, EachDistributionOfARequisitionIsARow) {
  Json requisition = Requisition("0000000009");
  Json& schedule = requisition["LINES"][0]["SCHEDULES"][0];
  schedule["DISTRIBUTIONS"] = {{{"DISTRIB_NBR", 1}}, {{"DISTRIB_NBR", 2}}};
  Json order = PurchaseOrder("0000000123");
  order["LINES"][0]["SCHEDULES"][0]["DISTRIBUTIONS"] = {{{"REQ_ID", "0000000009"},
                                                         {"REQ_LINE_NBR", 1},
                                                         {"REQ_SCHED_NBR", 1},
                                                         {"REQ_DISTRIB_NBR", 2}}};
  Load({requisition, order});
  EXPECT_THAT(Ids(WholeDay("PSUPS_REQ"), "J.PO_ID"), ElementsAre(" ", "0000000123"));
}

TEST_F(PeopleSoftSandboxTest, SourcedPoIdStandsForAnOrderThatIsNotLoaded) {
  Json requisition = Requisition("0000000009");
  requisition["LINES"][0]["SCHEDULES"][0]["SOURCED_PO_ID"] = "0000000777";
  Load({requisition});
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_REQ"))["J.PO_ID"], "0000000777");
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
