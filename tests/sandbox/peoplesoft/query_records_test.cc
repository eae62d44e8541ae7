#include <string>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

Json& Schedule(Json& document) { return document["LINES"][0]["SCHEDULES"][0]; }

TEST_F(PeopleSoftSandboxTest, ShowsWhichOfTheVendorsAddressesWasChosen) {
  EXPECT_EQ(OnlyRow()["A.ADDRESS_SEQ_NUM"], 1) << "the first, if the order does not say";
  Json order = PurchaseOrder("0000000123");
  order["ADDRESS_SEQ_NUM"] = 2;
  Json requisition = Requisition("0000000009");
  requisition["LINES"][0]["ADDRESS_SEQ_NUM"] = 2;
  Load({order, requisition});
  EXPECT_EQ(OnlyRow()["A.ADDRESS_SEQ_NUM"], 2);
  EXPECT_EQ(OnlyRow(WholeDay("PSUPS_REQ"))["B.ADDRESS_SEQ_NUM"], 2);
}

TEST_F(PeopleSoftSandboxTest, ConvertsTheLinesUnitToTheStandardOne) {
  Json order = PurchaseOrder("0000000123");
  order["LINES"][0]["UNIT_OF_MEASURE"] = "CS";
  const Json item = {{"SETID", "SHARE"}, {"INV_ITEM_ID", "10001"}, {"UNIT_MEASURE_STD", "EA"}};
  const Json conversion = {
      {"UNIT_OF_MEASURE", "CS"}, {"UNIT_OF_MEASURE_TO", "EA"}, {"CONVERSION_RATE", "12.0000"}};
  Load({order}, {{"MASTER_ITEM_TBL", {item}}});
  EXPECT_EQ(OnlyRow()["I.UNIT_MEASURE_STD"], "EA");
  EXPECT_EQ(OnlyRow()["M.CONVERSION_RATE"], " ");
  Load({}, {{"UNITS_CVT_TBL", {conversion}}});
  EXPECT_EQ(OnlyRow()["M.CONVERSION_RATE"], 12);
}

TEST_F(PeopleSoftSandboxTest, EachDistributionOfAPurchaseOrderIsARow) {
  EXPECT_EQ(OnlyRow()["J.REQ_ID"], " ");
  EXPECT_EQ(OnlyRow()["J.REQ_LINE_NBR"], " ") << "no distribution, no number";
  Json order = PurchaseOrder("0000000123");
  Schedule(order)["DISTRIBUTIONS"] = {{{"REQ_ID", "0000000009"}},
                                      {{"BUSINESS_UNIT_REQ", "US002"},
                                       {"REQ_ID", "0000000010"},
                                       {"REQ_LINE_NBR", 2},
                                       {"REQ_SCHED_NBR", 3}},
                                      {{"DISTRIB_LINE_NUM", 3}}};
  Load({order});
  const Json rows = Rows(WholeDay());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["J.BUSINESS_UNIT_REQ"], "US001") << "blank is the order's own";
  EXPECT_EQ(rows[0]["J.REQ_ID"], "0000000009");
  EXPECT_EQ(rows[0]["J.REQ_LINE_NBR"], 1);
  EXPECT_EQ(rows[1]["J.BUSINESS_UNIT_REQ"], "US002");
  EXPECT_EQ(rows[1]["J.REQ_LINE_NBR"], 2);
  EXPECT_EQ(rows[1]["J.REQ_SCHED_NBR"], 3);
  EXPECT_EQ(rows[2]["J.BUSINESS_UNIT_REQ"], " ");
  EXPECT_EQ(rows[2]["J.REQ_LINE_NBR"], 0);
}

TEST_F(PeopleSoftSandboxTest, RequisitionNamesTheUnitOfItsPurchaseOrder) {
  Json order = PurchaseOrder("0000000123");
  order["BUSINESS_UNIT"] = "US002";
  Schedule(order)["DISTRIBUTIONS"] = {{{"BUSINESS_UNIT_REQ", "US001"}, {"REQ_ID", "0000000009"}}};
  Load({order, Requisition("0000000009")});
  const Json row = OnlyRow(WholeDay("PSUPS_REQ"));
  EXPECT_EQ(row["J.BUSINESS_UNIT"], "US002");
  EXPECT_EQ(row["J.PO_ID"], "0000000123");
}

TEST_F(PeopleSoftSandboxTest, ADirectShipmentShowsItsCustomer) {
  Json order = PurchaseOrder("0000000123");
  Schedule(order)["SHIP_TO_CUST_ID"] = "C100";
  const Json tables = {
      {"SET_CNTRL_REC",
       {{{"SETCNTRLVALUE", "US001"}, {"RECNAME", "CUSTOMER"}, {"SETID", "SHARE"}},
        {{"SETCNTRLVALUE", "OM001"}, {"RECNAME", "CUSTOMER"}, {"SETID", "SALES"}}}},
      {"CUSTOMER",
       {{{"SETID", "SHARE"}, {"CUST_ID", "C100"}, {"NAME1", "Ada Smith"}, {"CITY", "Macon"}},
        {{"SETID", "SALES"}, {"CUST_ID", "C100"}, {"NAME1", "Bo Jones"}, {"PHONE", "555"}}}}};
  Load({order}, tables);
  EXPECT_EQ(OnlyRow()["K.NAME1"], "Ada Smith");
  EXPECT_EQ(OnlyRow()["K.CITY"], "Macon");
  Schedule(order)["BUSINESS_UNIT_OM"] = "OM001";
  Load({order});
  EXPECT_EQ(OnlyRow()["K.NAME1"], "Bo Jones");
  EXPECT_EQ(OnlyRow()["K.PHONE"], "555");
  Schedule(order)["SHIP_TO_CUST_ID"] = "";
  Load({order});
  EXPECT_EQ(OnlyRow()["K.NAME1"], " ");
}

TEST_F(PeopleSoftSandboxTest, RequisitionShowsWhereItsInventoryUnitIs) {
  Json requisition = Requisition("0000000009");
  Schedule(requisition)["BUSINESS_UNIT_IN"] = "IN001";
  Load({requisition},
       {{"BUS_UNIT_TBL_IN",
         {{{"BUSINESS_UNIT", "IN001"}, {"LOCATION_SETID", "SHARE"}, {"LOCATION", "L001"}}}}});
  const Json row = OnlyRow(WholeDay("PSUPS_REQ"));
  EXPECT_EQ(row["C.BUSINESS_UNIT_IN"], "IN001");
  EXPECT_EQ(row["N.DESCR"], "Main Campus");
  EXPECT_EQ(row["N.ADDRESS1"], "10 Dock Rd");
  EXPECT_EQ(row["N.ATTN_TO"], "Receiving");
  EXPECT_FALSE(OnlyRow().contains("N.DESCR")) << "requisitions only";
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
