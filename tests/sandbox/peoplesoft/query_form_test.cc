#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(PeopleSoftSandboxTest, AnswersWithPeopleSoftsOddKeys) {
  const std::string body = Get(WholeDay()).body;
  EXPECT_THAT(body, StartsWith("{\"status\":\"success\",\"data\":{\"query\":{\"numrows\":1,"
                               "\"queryname=\":\"PSUPS_PO\",\"rows\":[{\"attr:rownumber\":1,"
                               "\"A.BUSINESS_UNIT\":\"US001\",\"A.PO_ID\":\"0000000123\","
                               "\"A.CHNG_ORD_BATCH\":0,\"A.PO_STATUS\":\"D\""));
  EXPECT_THAT(body, HasSubstr("\"C.QTY_PO\":4,"));
  EXPECT_THAT(body, HasSubstr("\"G.INV_ITEM_WEIGHT\":12.5,"));
}

TEST_F(PeopleSoftSandboxTest, HasTheAgreedColumnsInTheirOrder) {
  std::vector<std::string> keys;
  const Json row = OnlyRow();
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  EXPECT_THAT(
      keys,
      ElementsAre("attr:rownumber", "A.BUSINESS_UNIT", "A.PO_ID", "A.CHNG_ORD_BATCH", "A.PO_STATUS",
                  "A.HOLD_STATUS", "A.PO_REF", "A.PO_DT", "A.LAST_DTTM_UPDATE", "A.VENDOR_SETID",
                  "A.VENDOR_ID", "A.ADDRESS_SEQ_NUM", "A.BUYER_ID", "B.LINE_NBR", "B.CANCEL_STATUS",
                  "B.ITM_SETID", "B.INV_ITEM_ID", "B.DESCR254_MIXED", "B.UNIT_OF_MEASURE",
                  "B.PHYSICAL_NATURE", "B.AMT_ONLY_FLG", "B.RECV_REQ", "C.SCHED_NBR",
                  "C.CANCEL_STATUS", "C.QTY_PO", "C.DUE_DT", "C.SHIP_DATE", "C.SHIPTO_SETID",
                  "C.SHIPTO_ID", "C.CARRIER_ID", "C.SHIP_TYPE_ID", "C.FREIGHT_TERMS", "C.PRICE_PO",
                  "C.CURRENCY_CD", "C.SHIP_TO_CUST_ID", "E.NAME1", "D.ADDRESS1", "D.ADDRESS2",
                  "D.ADDRESS3", "D.ADDRESS4", "D.CITY", "D.STATE", "D.POSTAL", "D.COUNTRY",
                  "D.PHONE", "F.DESCR", "F.ADDRESS1", "F.ADDRESS2", "F.ADDRESS3", "F.ADDRESS4",
                  "F.CITY", "F.STATE", "F.POSTAL", "F.COUNTRY", "F.ATTN_TO", "F.PHONE", "K.NAME1",
                  "K.ADDRESS1", "K.ADDRESS2", "K.ADDRESS3", "K.ADDRESS4", "K.CITY", "K.STATE",
                  "K.POSTAL", "K.COUNTRY", "K.PHONE", "G.INV_ITEM_WEIGHT", "G.UNIT_MEASURE_WT",
                  "G.INV_ITEM_LENGTH", "G.INV_ITEM_WIDTH", "G.INV_ITEM_HEIGHT",
                  "G.UNIT_MEASURE_DIM", "G.HARMONIZED_CD", "H.CONVERSION_RATE", "H.SHIPPING_WEIGHT",
                  "H.UNIT_MEASURE_WT", "I.UNIT_MEASURE_STD", "M.CONVERSION_RATE", "QTY_RECEIVED",
                  "CARRIER_SETID", "COUNTRY_OF_ORIGIN", "J.BUSINESS_UNIT_REQ", "J.REQ_ID",
                  "J.REQ_LINE_NBR", "J.REQ_SCHED_NBR"));
}

TEST_F(PeopleSoftSandboxTest, BareRowKeysAreUniqueInBothQueries) {
  Open({{"row_keys", "bare"}});
  Load({Requisition("0000000009")});
  for (const auto& [name, count] : {std::pair("PSUPS_PO", 85U), std::pair("PSUPS_REQ", 94U)}) {
    const std::vector<std::string> keys = RawKeys(Get(WholeDay(name)).body);
    EXPECT_EQ(keys.size(), count);
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), count) << name;
    const Json row = OnlyRow(WholeDay(name));
    EXPECT_THAT(Dump(row), Not(HasSubstr("\"A.")));
    for (const char* const key :
         {"LINE_CANCEL_STATUS", "SCHED_CANCEL_STATUS", "VENDOR_NAME", "VNDR_ADDRESS1", "VNDR_PHONE",
          "SHIPTO_NAME", "SHIPTO_CITY", "SHIPTO_PHONE", "CUST_NAME", "CUST_CITY",
          "UNITS_CONVERSION_RATE", "ITEM_UNIT_MEASURE_WT", "UOM_UNIT_MEASURE_WT"}) {
      EXPECT_TRUE(row.contains(key)) << key;
    }
  }
}

TEST_F(PeopleSoftSandboxTest, ShowsLongNamesWhereTheQueryAsksForThem) {
  Open({{"codes", "long"}});
  const Json row = OnlyRow();
  EXPECT_EQ(row["A.PO_STATUS"], "Dispatched");
  EXPECT_EQ(row["B.PHYSICAL_NATURE"], "Goods");
  EXPECT_EQ(row["A.HOLD_STATUS"], "N");
}

TEST_F(PeopleSoftSandboxTest, BlanksAreASpaceOrEmptyByOption) {
  EXPECT_EQ(OnlyRow()["A.PO_REF"], " ");
  EXPECT_EQ(OnlyRow()["C.SHIP_DATE"], " ");
  Open({{"blank", "empty"}});
  EXPECT_EQ(OnlyRow()["A.PO_REF"], "");
}

TEST_F(PeopleSoftSandboxTest, DateTimesTakeTheConfiguredForm) {
  EXPECT_EQ(OnlyRow()["A.LAST_DTTM_UPDATE"], "2026-11-23T14:30:00");
  Open({{"datetime_form", "blank"}});
  EXPECT_EQ(OnlyRow()["A.LAST_DTTM_UPDATE"], "2026-11-23 14:30:00");
  Open({{"datetime_form", "dash"}});
  EXPECT_EQ(OnlyRow()["A.LAST_DTTM_UPDATE"], "2026-11-23-14.30.00.000000");
  Open({{"datetime_offset", "offset"}});
  EXPECT_EQ(OnlyRow()["A.LAST_DTTM_UPDATE"], "2026-11-23T14:30:00-0500");
}

TEST_F(PeopleSoftSandboxTest, ZeroRowsCanComeInThreeForms) {
  const std::string none = QueryTarget("PSUPS_PO", "2020-01-01 00:00:00", "2020-01-02 00:00:00");
  EXPECT_EQ(Query(none),
            (Json{{"numrows", 0}, {"queryname=", "PSUPS_PO"}, {"rows", Json::array()}}));
  Open({{"zero_rows", "absent"}});
  EXPECT_FALSE(Query(none).contains("rows"));
  Open({{"zero_rows", "null"}});
  EXPECT_TRUE(Rows(none).is_null());
}

TEST_F(PeopleSoftSandboxTest, NumbersCanComeAsStrings) {
  Open({{"numbers", "string"}, {"query_name_key", "queryname"}});
  EXPECT_EQ(OnlyRow()["C.QTY_PO"], "4");
  EXPECT_EQ(Query(WholeDay())["queryname"], "PSUPS_PO");
}

TEST_F(PeopleSoftSandboxTest, AnswersXmlUnlessJsonIsAskedFor) {
  const std::string target = absl::StrReplaceAll(WholeDay(), {{"&json_resp=true", ""}});
  const HttpResponse response = Get(target);
  EXPECT_THAT(response.body, HasSubstr("numrows=\"1\" queryname=\"PSUPS_PO\"><row rownumber=\"1\">"
                                       "<A.BUSINESS_UNIT><![CDATA[US001]]></A.BUSINESS_UNIT>"));
  EXPECT_THAT(response.body, HasSubstr("<C.QTY_PO>4</C.QTY_PO>"));
  EXPECT_THAT(response.body, HasSubstr("<A.PO_REF/>"));
  Open({{"json_without_flag", "json"}});
  EXPECT_THAT(Get(target).body, StartsWith("{"));
}

TEST_F(PeopleSoftSandboxTest, FilterFieldsKeepOnlyTheseColumns) {
  EXPECT_EQ(OnlyRow(WholeDay() + "&filterfields=A.PO_ID,C.QTY_PO"),
            (Json{{"attr:rownumber", 1}, {"A.PO_ID", "0000000123"}, {"C.QTY_PO", 4}}));
  EXPECT_THAT(Get(WholeDay() + "&filterfields=a.po_id").body, HasSubstr("IBResponse"));
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
