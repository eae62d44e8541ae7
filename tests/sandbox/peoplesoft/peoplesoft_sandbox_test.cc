#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/http_client.h"
#include "common/http_message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sandbox/peoplesoft/admin.h"
#include "tests/sandbox/peoplesoft/config.h"
#include "tests/sandbox/peoplesoft/sandbox.h"
#include "tests/sandbox/peoplesoft/site.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kBase[] = "/PSIGW/RESTListeningConnector/PSFT_EP/";
constexpr char kTracking[] = "/PSIGW/RESTListeningConnector/PSFT_EP/PSUPS_TRACKING.v1/";

absl::Time Utc(int month, int day, int hour, int minute, int second = 0) {
  return absl::FromCivil(absl::CivilSecond(2026, month, day, hour, minute, second),
                         absl::UTCTimeZone());
}

// A purchase order with one schedule that can be shipped.
Json PurchaseOrder(const std::string& id, const std::string& updated = "2026-11-23T14:30:00") {
  Json order = Json::parse(R"({
    "DOC_TYPE": "PO", "BUSINESS_UNIT": "US001", "PO_ID": "", "CHNG_ORD_BATCH": 0,
    "PO_STATUS": "D", "HOLD_STATUS": "N", "PO_DT": "2026-11-20", "LAST_DTTM_UPDATE": "",
    "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007",
    "LINES": [{
      "LINE_NBR": 1, "ITM_SETID": "SHARE", "INV_ITEM_ID": "10001",
      "DESCR254_MIXED": "Valve, \"brass\" ½\"", "UNIT_OF_MEASURE": "EA", "PHYSICAL_NATURE": "G",
      "SCHEDULES": [{
        "SCHED_NBR": 1, "QTY_PO": "4.0000", "SHIPTO_SETID": "SHARE", "SHIPTO_ID": "L001"}]}]})");
  order["PO_ID"] = id;
  order["LAST_DTTM_UPDATE"] = updated;
  return order;
}

Json Requisition(const std::string& id) {
  Json requisition = Json::parse(R"({
    "DOC_TYPE": "REQ", "BUSINESS_UNIT": "US001", "REQ_ID": "", "REQ_STATUS": "A",
    "REQ_DT": "2026-11-20", "LAST_DTTM_UPDATE": "2026-11-23T14:30:00",
    "LINES": [{
      "LINE_NBR": 1, "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007",
      "SCHEDULES": [{"SCHED_NBR": 1, "QTY_REQ": 3, "SHIPTO_ID": "L001"}]}]})");
  requisition["REQ_ID"] = id;
  return requisition;
}

Json Tables() {
  return Json::parse(R"({
    "SET_CNTRL_REC": [
      {"SETCNTRLVALUE": "US001", "RECNAME": "VENDOR", "SETID": "SHARE"},
      {"SETCNTRLVALUE": "US001", "RECNAME": "SHIPTO_TBL", "SETID": "SHARE"},
      {"SETCNTRLVALUE": "US001", "RECNAME": "MASTER_ITEM_TBL", "SETID": "SHARE"}],
    "VENDOR": [{"SETID": "SHARE", "VENDOR_ID": "0000000007", "NAME1": "Acme Valves"}],
    "VENDOR_ADDR": [
      {"SETID": "SHARE", "VENDOR_ID": "0000000007", "ADDRESS_SEQ_NUM": 1, "EFFDT": "1901-01-01",
       "EFF_STATUS": "A", "ADDRESS1": "1 Main St", "CITY": "Chicago"},
      {"SETID": "SHARE", "VENDOR_ID": "0000000007", "ADDRESS_SEQ_NUM": 2, "EFFDT": "1901-01-01",
       "EFF_STATUS": "A", "ADDRESS1": "2 Billing Way"}],
    "LOCATION_TBL": [
      {"SETID": "SHARE", "LOCATION": "L001", "EFFDT": "1901-01-01", "EFF_STATUS": "A",
       "DESCR": "Main Campus", "ATTN_TO": "Receiving", "ADDRESS1": "10 Dock Rd"}],
    "INV_ITEMS": [
      {"SETID": "SHARE", "INV_ITEM_ID": "10001", "EFFDT": "1901-01-01",
       "INV_ITEM_WEIGHT": "12.5000", "UNIT_MEASURE_WT": "LB", "INV_ITEM_LENGTH": 12}],
    "INV_ITEM_UOM": [
      {"SETID": "SHARE", "INV_ITEM_ID": "10001", "UNIT_OF_MEASURE": "EA", "CONVERSION_RATE": 1,
       "SHIPPING_WEIGHT": 0, "UNIT_MEASURE_WT": ""}]})");
}

Json Message(const std::string& message_id, const std::string& po_id = "0000000123") {
  Json message = Json::parse(R"({
    "MSG_ID": "", "DOC_TYPE": "PO", "BUSINESS_UNIT": "US001", "DOC_ID": "", "LINE_NBR": 1,
    "SCHED_NBR": 1, "SEQ_NBR": 1, "TRACKING_NBR": "1ZA1B2C30312345678", "CARRIER_ID": "UPS",
    "STATUS": "DELIVERED", "STATUS_DETAIL": "", "UPS_TYPE": "D", "UPS_CODE": "FS",
    "EVENT_DTTM": "2026-11-23T10:01:02", "EVENT_DTTM_UTC": "2026-11-23T15:01:02Z",
    "IS_CURRENT": "Y", "QTY": "3.0000", "DESCR": ""})");
  message["MSG_ID"] = message_id;
  message["DOC_ID"] = po_id;
  return message;
}

std::string MessageId(int n) {
  std::string id = absl::StrCat(absl::Hex(n));
  return std::string(32 - id.size(), '0') + id;
}

std::string Messages(const std::vector<Json>& messages) {
  return Dump({{"MESSAGES", Json(messages)}});
}

// A site with one order ready to ship, asked in-process at a time that the test sets.
class PeopleSoftSandboxTest : public testing::Test {
 protected:
  PeopleSoftSandboxTest() {
    options_ = {{"node", "PSFT_EP"},
                {"oprid", "PSUPS"},
                {"password", "secret"},
                {"service_status", "Development"}};
    Open(nlohmann::json::object());
  }

  // Starts anew with these options beside the usual ones.
  void Open(const nlohmann::json& more) {
    nlohmann::json options = options_;
    options.update(more);
    absl::StatusOr<SiteConfig> config = ParseConfig(options.dump());
    ASSERT_TRUE(config.ok()) << config.status();
    site_.emplace(*std::move(config), [this] { return now_; });
    Load({PurchaseOrder("0000000123")}, Tables());
  }

  void Load(const std::vector<Json>& documents, const Json& tables = Json::object()) {
    const auto loaded = site_->Load({{"tables", tables}, {"documents", Json(documents)}});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
  }

  std::string LoadProblem(const Json& orders) {
    return std::string(site_->Load(orders).status().message());
  }

  // The reply, or nothing if the site withheld it.
  std::optional<HttpServerReply> Send(HttpServerRequest request) {
    const std::size_t mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
    request.headers.emplace_back("Authorization", BasicAuthorization("PSUPS", password_));
    request.headers.emplace_back("X-Request-ID", "call-1");
    std::optional<HttpServerReply> answer;
    site_->Handle(request, [&](HttpServerReply reply) { answer = std::move(reply); });
    return answer;
  }

  HttpResponse Get(const std::string& target) {
    return Send({.method = "GET", .target = target}).value().response;
  }

  static std::string QueryTarget(const std::string& name, const std::string& from,
                                 const std::string& to, int maxrows = 1000) {
    return absl::StrCat(kBase, "ExecuteQuery.v1/public/", name,
                        "/JSON/NONFILE?isconnectedquery=N&maxrows=", maxrows,
                        "&prompt_uniquepromptname=FROM_DTTM,TO_DTTM&prompt_fieldvalue=",
                        absl::StrReplaceAll(from, {{" ", "%20"}}), ",",
                        absl::StrReplaceAll(to, {{" ", "%20"}}), "&json_resp=true");
  }

  static std::string WholeDay(const std::string& name = "PSUPS_PO", int maxrows = 1000) {
    return QueryTarget(name, "2026-11-23 00:00:00", "2026-11-23 23:59:59", maxrows);
  }

  // data.query of a query that must succeed.
  Json Query(const std::string& target) {
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 200) << response.body;
    const Json body = Json::parse(response.body, nullptr, false);
    EXPECT_TRUE(body.is_object()) << response.body;
    if (!body.is_object()) return Json::object();
    EXPECT_EQ(body["status"], "success");
    return body["data"]["query"];
  }

  // Its rows, by value: one looks at them after the whole answer is gone.
  Json Rows(const std::string& target) { return Query(target)["rows"]; }

  std::vector<std::string> Ids(const std::string& target, const std::string& column = "A.PO_ID") {
    std::vector<std::string> ids;
    for (const Json& row : Rows(target)) ids.push_back(row[column]);
    return ids;
  }

  Json OnlyRow(const std::string& target = WholeDay()) {
    const Json rows = Rows(target);
    EXPECT_EQ(rows.size(), 1U);
    return rows.empty() ? Json::object() : rows[0];
  }

  HttpResponse Post(const std::string& body) {
    return Send({.method = "POST", .target = kTracking, .body = body}).value().response;
  }

  // The keys of all rows as they stand in the text, where a doubled one does not vanish.
  static std::vector<std::string> RawKeys(const std::string& body) {
    std::vector<std::string> keys;
    const Json parsed = Json::parse(body, [&](int depth, Json::parse_event_t event, Json& key) {
      if (event == Json::parse_event_t::key && depth == 5) keys.push_back(key);
      return true;
    });
    return keys;
  }

  std::vector<std::string> Results(const std::string& body) {
    const Json answer = Json::parse(Post(body).body, nullptr, false);
    EXPECT_TRUE(answer.contains("RESULTS")) << body;
    std::vector<std::string> results;
    for (const Json& result : answer["RESULTS"]) results.push_back(result["STATUS"]);
    return results;
  }

  Json Truth() { return Json::parse(site_->Truth()); }
  Json Journal() { return Json::parse(site_->JournalSince(0)); }

  void Fault(const Json& rule) {
    const absl::Status status = site_->ChangeFaults({{"add", Json::array({rule})}});
    ASSERT_TRUE(status.ok()) << status;
  }

  nlohmann::json options_ = {};
  absl::Time now_ = Utc(11, 23, 20, 0);  // 15:00 in New York
  std::string password_ = "secret";
  std::optional<Site> site_ = {};
};

TEST_F(PeopleSoftSandboxTest, AnswersWithPeopleSoftsOddKeys) {
  const std::string body = Get(WholeDay()).body;
  EXPECT_THAT(body, StartsWith("{\"status\":\"success\",\"data\":{\"query\":{\"numrows\":1,"
                               "\"queryname=\":\"PSUPS_PO\",\"rows\":[{\"attr:rownumber\":1,"
                               "\"A.BUSINESS_UNIT\":\"US001\",\"A.PO_ID\":\"0000000123\","
                               "\"A.CHNG_ORD_BATCH\":0,\"A.PO_STATUS\":\"D\""));
  EXPECT_THAT(body, HasSubstr("\"C.QTY_PO\":4,"));
  EXPECT_THAT(body, HasSubstr("\"G.INV_ITEM_WEIGHT\":12.5,"));
}

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

TEST_F(PeopleSoftSandboxTest, HasTheAgreedColumnsInTheirOrder) {
  std::vector<std::string> keys;
  const Json row = OnlyRow();
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  EXPECT_THAT(
      keys,
      ElementsAre("attr:rownumber", "A.BUSINESS_UNIT", "A.PO_ID", "A.CHNG_ORD_BATCH", "A.PO_STATUS",
                  "A.HOLD_STATUS", "A.PO_REF", "A.PO_DT", "A.LAST_DTTM_UPDATE", "A.VENDOR_SETID",
                  "A.VENDOR_ID", "A.BUYER_ID", "B.LINE_NBR", "B.CANCEL_STATUS", "B.ITM_SETID",
                  "B.INV_ITEM_ID", "B.DESCR254_MIXED", "B.UNIT_OF_MEASURE", "B.PHYSICAL_NATURE",
                  "B.AMT_ONLY_FLG", "B.RECV_REQ", "C.SCHED_NBR", "C.CANCEL_STATUS", "C.QTY_PO",
                  "C.DUE_DT", "C.SHIP_DATE", "C.SHIPTO_SETID", "C.SHIPTO_ID", "C.CARRIER_ID",
                  "C.SHIP_TYPE_ID", "C.FREIGHT_TERMS", "C.PRICE_PO", "C.CURRENCY_CD",
                  "C.SHIP_TO_CUST_ID", "E.NAME1", "D.ADDRESS1", "D.ADDRESS2", "D.ADDRESS3",
                  "D.ADDRESS4", "D.CITY", "D.STATE", "D.POSTAL", "D.COUNTRY", "D.PHONE", "F.DESCR",
                  "F.ADDRESS1", "F.ADDRESS2", "F.ADDRESS3", "F.ADDRESS4", "F.CITY", "F.STATE",
                  "F.POSTAL", "F.COUNTRY", "F.ATTN_TO", "F.PHONE", "G.INV_ITEM_WEIGHT",
                  "G.UNIT_MEASURE_WT", "G.INV_ITEM_LENGTH", "G.INV_ITEM_WIDTH", "G.INV_ITEM_HEIGHT",
                  "G.UNIT_MEASURE_DIM", "H.CONVERSION_RATE", "H.SHIPPING_WEIGHT",
                  "H.UNIT_MEASURE_WT", "QTY_RECEIVED"));
}

TEST_F(PeopleSoftSandboxTest, BareRowKeysAreUniqueInBothQueries) {
  Open({{"row_keys", "bare"}});
  Load({Requisition("0000000009")});
  for (const std::string name : {"PSUPS_PO", "PSUPS_REQ"}) {
    const std::vector<std::string> keys = RawKeys(Get(WholeDay(name)).body);
    EXPECT_EQ(keys.size(), 65U);
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 65U) << name;
    const Json row = OnlyRow(WholeDay(name));
    EXPECT_THAT(Dump(row), Not(HasSubstr("\"A.")));
    for (const char* const key : {"LINE_CANCEL_STATUS", "SCHED_CANCEL_STATUS", "VENDOR_NAME",
                                  "VNDR_ADDRESS1", "VNDR_PHONE", "SHIPTO_NAME", "SHIPTO_CITY",
                                  "SHIPTO_PHONE", "ITEM_UNIT_MEASURE_WT", "UOM_UNIT_MEASURE_WT"}) {
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

TEST_F(PeopleSoftSandboxTest, WrongPasswordIs401With158_45) {
  password_ = "wrong";
  const HttpResponse response = Get(WholeDay());
  EXPECT_EQ(response.status, 401);
  EXPECT_THAT(response.body, HasSubstr("<IBResponse type=\"error\">"));
  EXPECT_THAT(response.body, HasSubstr("<MessageSet>158</MessageSet><MessageID>45</MessageID>"));
  EXPECT_THAT(response.body, HasSubstr("<Parameter>ANONYMOUS</Parameter>"));
  EXPECT_EQ(FindHeader(response.headers, "WWW-Authenticate"), "");
  EXPECT_EQ(Post(Messages({Message(MessageId(1))})).status, 401);
  EXPECT_THAT(Truth()["updates"], IsEmpty());

  Open({{"auth_failure_status", 500}, {"www_authenticate", true}});
  EXPECT_EQ(Get(WholeDay()).status, 500);
  EXPECT_THAT(std::string(FindHeader(Get(WholeDay()).headers, "WWW-Authenticate")),
              StartsWith("Basic"));
}

TEST_F(PeopleSoftSandboxTest, OperationNotGrantedIs158_536) {
  Open({{"operations", {"PSUPS_TRACKING_POST"}}});
  const HttpResponse response = Get(WholeDay());
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("User PSUPS not authorized to invoke Service Operation "
                                       "QAS_EXECUTEQRY_REST_GET. (158,536)"));
  EXPECT_THAT(Results(Messages({Message(MessageId(1))})), ElementsAre("OK"));
}

TEST_F(PeopleSoftSandboxTest, UnknownQueryIs200WithAnErrorInDevelopment) {
  for (const char* const name : {"NO_SUCH", "psups_po"}) {
    const HttpResponse response = Get(WholeDay(name));
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("<IBResponse type=\"error\">"));
    EXPECT_NE(FindHeader(response.headers, "transactionid"), "");
  }
  EXPECT_THAT(Get(absl::StrReplaceAll(WholeDay(), {{"public", "PRIVATE"}})).body,
              HasSubstr("IBResponse"));
  EXPECT_THAT(Ids(absl::StrReplaceAll(WholeDay(), {{"public", "PUBLIC"}})),
              ElementsAre("0000000123"));
}

TEST_F(PeopleSoftSandboxTest, UnknownQueryIsABare500InProduction) {
  Open({{"service_status", "Production"}});
  const HttpResponse response = Get(WholeDay("NO_SUCH"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(Get(WholeDay() + "&filterfields=X").status, 500);
}

TEST_F(PeopleSoftSandboxTest, QueryErrorsCanComeInJson) {
  Open({{"query_error_form", "json"}});
  EXPECT_EQ(Json::parse(Get(WholeDay("NO_SUCH")).body)["status"], "error");
}

TEST_F(PeopleSoftSandboxTest, WrongNodePrefixAndPathFail) {
  EXPECT_THAT(Get(absl::StrReplaceAll(WholeDay(), {{"PSFT_EP", "PSFT_HR"}})).body,
              HasSubstr("(158,10721)"));
  EXPECT_EQ(Get("/erp" + WholeDay()).status, 404);
  EXPECT_EQ(Get(std::string(kBase) + "QAS_EXECUTEQUERY.v1/x").status, 404);
  EXPECT_EQ(Send({.method = "POST", .target = WholeDay()})->response.status, 405);
  Open({{"path_prefix", "/erp"}});
  EXPECT_THAT(Ids("/erp" + WholeDay()), ElementsAre("0000000123"));
  EXPECT_EQ(Get(WholeDay()).status, 404);
}

TEST_F(PeopleSoftSandboxTest, WriteBackIsIdempotentOnTheMessageId) {
  const Json message = Message(MessageId(1));
  Json other = Message(MessageId(1));
  other["STATUS"] = "LOST";
  EXPECT_THAT(Results(Messages({message, Message(MessageId(2)), message})),
              ElementsAre("OK", "OK", "DUPLICATE"));
  EXPECT_THAT(Results(Messages({other})), ElementsAre("DUPLICATE"));
  const Json updates = Truth()["updates"];
  ASSERT_EQ(updates.size(), 4U);
  EXPECT_EQ(updates[0]["n"], 1);
  EXPECT_EQ(updates[0]["message"], message);
  EXPECT_EQ(updates[0]["result"], "OK");
  EXPECT_EQ(updates[3]["message"]["STATUS"], "LOST");
  EXPECT_EQ(updates[3]["result"], "DUPLICATE");
}

TEST_F(PeopleSoftSandboxTest, TakesAHundredMessagesAndRefusesMore) {
  std::vector<Json> messages;
  for (int n = 1; n <= 100; ++n) messages.push_back(Message(MessageId(n)));
  EXPECT_EQ(Results(Messages(messages)).size(), 100U);
  messages.push_back(Message(MessageId(101)));
  EXPECT_THAT(Post(Messages(messages)).body, HasSubstr("IBResponse"));
  EXPECT_EQ(Truth()["updates"].size(), 100U);
  EXPECT_THAT(Post("not json").body, HasSubstr("IBResponse"));
  EXPECT_THAT(Post("{\"MESSAGES\":[]}").body, HasSubstr("IBResponse"));
  Open({{"service_status", "Production"}});
  EXPECT_EQ(Post(Messages(messages)).status, 500);
}

TEST_F(PeopleSoftSandboxTest, OneBadMessageDoesNotStopTheOthers) {
  Json unknown = Message(MessageId(2), "0000000999");
  Json text_line = Message(MessageId(3));
  text_line["LINE_NBR"] = "1";
  Json long_text = Message(MessageId(4));
  long_text["DESCR"] = std::string(61, 'x');
  Json no_schedule = Message(MessageId(5));
  no_schedule["SCHED_NBR"] = 2;
  Json offset = Message(MessageId(6));
  offset["EVENT_DTTM"] = "2026-11-23T10:01:02-05:00";
  EXPECT_THAT(Results(Messages({Message("short"), unknown, text_line, long_text, no_schedule,
                                offset, Message(MessageId(7))})),
              ElementsAre("ERROR", "ERROR", "ERROR", "ERROR", "ERROR", "ERROR", "OK"));
  EXPECT_EQ(Truth()["updates"][1]["result"], "ERROR");
  EXPECT_THAT(Results(Messages({Message(MessageId(2))})), ElementsAre("OK"))
      << "an id that failed may come again";
}

TEST_F(PeopleSoftSandboxTest, WriteBackIsKeptAsItCame) {
  Json message = Message(MessageId(1));
  message["DESCR"] = "  Løbenhavn  ";
  message["EXTRA"] = {{"a", 1.50}};
  Results(Messages({message}));
  EXPECT_EQ(Dump(Truth()["updates"][0]["message"]), Dump(message));
}

TEST_F(PeopleSoftSandboxTest, TruthHoldsDocumentsAsLoaded) {
  EXPECT_EQ(Dump(Truth()["documents"]), Dump(Json::array({PurchaseOrder("0000000123")})));
  Get(WholeDay());
  const Json reads = Truth()["reads"];
  EXPECT_EQ(reads, Json::array({{{"time", "2026-11-23T20:00:00.000Z"},
                                 {"query", "PSUPS_PO"},
                                 {"from", "2026-11-23 00:00:00"},
                                 {"to", "2026-11-23 23:59:59"},
                                 {"rows", 1}}}));
}

TEST_F(PeopleSoftSandboxTest, RefusesWhatPeopleSoftCouldNotHold) {
  const auto problem = [&](const std::string& pointer, const Json& value) {
    Json order = PurchaseOrder("0000000200");
    order[Json::json_pointer(pointer)] = value;
    return LoadProblem({{"documents", Json::array({order})}});
  };
  EXPECT_THAT(problem("/PO_ID", 200), HasSubstr("documents[0].PO_ID: want a string"));
  EXPECT_THAT(problem("/PO_ID", ""), HasSubstr("PO_ID: want a key value"));
  EXPECT_THAT(problem("/BUSINESS_UNIT", "TOOLONG"), HasSubstr("at most 5"));
  EXPECT_THAT(problem("/LINES/0/SCHEDULES/0/QTY_PO", "four"),
              HasSubstr("documents[0].LINES[0].SCHEDULES[0].QTY_PO: want a number"));
  EXPECT_THAT(problem("/PO_DT", "2026-02-29"), HasSubstr("PO_DT: want YYYY-MM-DD"));
  EXPECT_THAT(problem("/LAST_DTTM_UPDATE", "2026-11-23T10:00:00Z"), HasSubstr("LAST_DTTM_UPDATE"));
  EXPECT_THAT(problem("/LINES/0/LINE_NBR", 0), HasSubstr("LINE_NBR"));
  EXPECT_THAT(problem("/DOC_TYPE", "SO"), HasSubstr("DOC_TYPE"));
  EXPECT_THAT(LoadProblem({{"tables", {{"VENDORS", Json::array()}}}}), HasSubstr("tables.VENDORS"));
  EXPECT_THAT(LoadProblem({{"tables", {{"VENDOR", {{{"SETID", "SHARE"}}}}}}}),
              HasSubstr("tables.VENDOR[0].VENDOR_ID"));
  EXPECT_EQ(Truth()["documents"].size(), 1U) << "nothing of a bad load is stored";
}

TEST_F(PeopleSoftSandboxTest, ConfigNamesEveryProblemAtOnce) {
  const auto config = ParseConfig(
      R"({"node":"N","oprid":"O","row_keys":"both","base_time_zone":"Mars/Base","colour":"red"})");
  const std::string message(config.status().message());
  EXPECT_THAT(message, HasSubstr("password: want a string"));
  EXPECT_THAT(message, HasSubstr("row_keys: want alias|bare"));
  EXPECT_THAT(message, HasSubstr("base_time_zone"));
  EXPECT_THAT(message, HasSubstr("unknown key colour"));
}

TEST_F(PeopleSoftSandboxTest, JournalHasEveryRequestButNoCredential) {
  Get(WholeDay());
  password_ = "wrong";
  Post("{\"MESSAGES\":[]}");
  const Json journal = Journal();
  ASSERT_EQ(journal.size(), 2U);
  EXPECT_EQ(journal[0]["n"], 1);
  EXPECT_EQ(journal[0]["time"], "2026-11-23T20:00:00.000Z");
  EXPECT_EQ(journal[0]["route"], "query");
  EXPECT_EQ(journal[0]["target"], WholeDay());
  EXPECT_EQ(journal[0]["call_id"], "call-1");
  EXPECT_EQ(journal[0]["status"], 200);
  EXPECT_TRUE(journal[0]["fault"].is_null());
  EXPECT_THAT(journal[0]["headers"]["Authorization"].get<std::string>(),
              testing::MatchesRegex("sha256:[0-9a-f]{12}"));
  EXPECT_EQ(journal[1]["route"], "writeback");
  EXPECT_EQ(journal[1]["status"], 401);
  EXPECT_EQ(journal[1]["body"], (Json{{"MESSAGES", Json::array()}}));
  EXPECT_EQ(Json::parse(site_->JournalSince(1)).size(), 1U);
}

TEST_F(PeopleSoftSandboxTest, AdminApiLoadsResetsAndShows) {
  const auto admin = [&](const std::string& method, const std::string& path,
                         const std::string& body = "", const std::string& query = "") {
    return Administer(*site_, {.method = method, .path = path, .query = query, .body = body});
  };
  EXPECT_EQ(admin("GET", "/admin/health").status, 200);
  EXPECT_EQ(admin("GET", "/admin/nothing").status, 404);
  EXPECT_EQ(admin("GET", "/admin/reset").status, 405);

  const std::string orders = Dump(
      {{"documents", Json::array({PurchaseOrder("0000000200"), PurchaseOrder("0000000300")})}});
  EXPECT_EQ(admin("POST", "/admin/orders", orders).body, "{\"documents\":2}");
  EXPECT_EQ(admin("POST", "/admin/orders", "[").status, 400);
  EXPECT_EQ(Json::parse(admin("GET", "/admin/truth").body)["documents"].size(), 3U);

  Get(WholeDay());
  EXPECT_EQ(Json::parse(admin("GET", "/admin/journal").body)["entries"].size(), 1U);
  EXPECT_EQ(admin("GET", "/admin/journal", "", "since=1").body, "{\"entries\":[]}");
  EXPECT_EQ(admin("GET", "/admin/journal", "", "since=x").status, 400);

  const std::string rule = R"({"add":[{"id":"f","route":"*","kind":"bare_500","count":2}]})";
  EXPECT_EQ(admin("POST", "/admin/faults", rule).status, 200);
  Get(WholeDay());
  const Json faults = Json::parse(admin("GET", "/admin/faults").body)["faults"];
  EXPECT_EQ(faults[0]["hits"], 1);
  EXPECT_EQ(faults[0]["kind"], "bare_500");
  EXPECT_EQ(admin("POST", "/admin/faults", R"({"remove":["f"]})").body, "{\"faults\":[]}");

  EXPECT_EQ(admin("POST", "/admin/reset").status, 200);
  EXPECT_THAT(Truth()["documents"], IsEmpty());
  EXPECT_THAT(Journal(), IsEmpty());
}

TEST_F(PeopleSoftSandboxTest, AFaultHitsAsOftenAsItsCountAndIsJournalled) {
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "bare_500"}, {"count", 2}});
  EXPECT_EQ(Get(WholeDay()).status, 500);
  EXPECT_THAT(Results(Messages({Message(MessageId(1))})), ElementsAre("OK")) << "another route";
  EXPECT_EQ(Get(WholeDay()).status, 500);
  EXPECT_EQ(Get(WholeDay()).status, 200);
  EXPECT_EQ(Journal()[0]["fault"], "x");
  EXPECT_TRUE(Journal()[3]["fault"].is_null());
}

TEST_F(PeopleSoftSandboxTest, AFaultMatchesASubstringOfTargetOrBody) {
  Fault({{"id", "x"}, {"route", "*"}, {"kind", "bare_500"}, {"match", MessageId(77)}});
  EXPECT_EQ(Get(WholeDay()).status, 200);
  EXPECT_EQ(Post(Messages({Message(MessageId(76))})).status, 200);
  EXPECT_EQ(Post(Messages({Message(MessageId(77))})).status, 500);
}

TEST_F(PeopleSoftSandboxTest, AProbabilityIsTheSameForTheSameSeed) {
  const auto hits = [&](int seed) {
    Fault({{"id", "x"},
           {"route", "query"},
           {"kind", "bare_500"},
           {"probability", 0.3},
           {"seed", seed}});
    std::string drawn;
    for (int i = 0; i < 200; ++i) drawn += Get(WholeDay()).status == 500 ? '1' : '0';
    return drawn;
  };
  const std::string first = hits(7);
  EXPECT_EQ(hits(7), first);
  EXPECT_NE(hits(8), first);
  const auto count = std::count(first.begin(), first.end(), '1');
  EXPECT_GT(count, 30);
  EXPECT_LT(count, 90);
}

TEST_F(PeopleSoftSandboxTest, BadFaultsAreRefusedWhole) {
  const auto refused = [&](const Json& rule) {
    const absl::Status status = site_->ChangeFaults(
        {{"add", Json::array({{{"id", "good"}, {"route", "*"}, {"kind", "bare_500"}}, rule})}});
    return std::string(status.message());
  };
  EXPECT_THAT(refused({{"id", "x"}, {"route", "query"}, {"kind", "explode"}}), HasSubstr("kind"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "ship"}, {"kind", "slow"}}), HasSubstr("route"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "*"}, {"kind", "slow"}}), HasSubstr("delay_ms"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "writeback"}, {"kind", "wrong_numrows"}}),
              HasSubstr("kind"));
  EXPECT_THAT(refused({{"route", "*"}, {"kind", "slow"}}), HasSubstr("id"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "*"}, {"kind", "bare_500"}, {"often", 1}}),
              HasSubstr("often"));
  EXPECT_THAT(site_->DescribeFaults(), IsEmpty());
}

struct InPlace {
  std::string kind = {};
  int status = 0;
  std::string body = {};
};

class InPlaceFaultTest : public PeopleSoftSandboxTest,
                         public testing::WithParamInterface<InPlace> {};

TEST_P(InPlaceFaultTest, AnswersWithoutDoingAnything) {
  Fault({{"id", "x"},
         {"route", "*"},
         {"kind", GetParam().kind},
         {"body", "custom"},
         {"status", 429}});
  const HttpResponse written = Post(Messages({Message(MessageId(1))}));
  const HttpResponse read = Get(WholeDay());
  for (const HttpResponse& response : {written, read}) {
    EXPECT_EQ(response.status, GetParam().status);
    EXPECT_THAT(response.body, HasSubstr(GetParam().body));
  }
  EXPECT_THAT(Truth()["updates"], IsEmpty());
  EXPECT_THAT(Truth()["reads"], IsEmpty());
  EXPECT_EQ(Journal()[0]["status"], GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, InPlaceFaultTest,
    testing::Values(InPlace{"status", 429, "custom"},
                    InPlace{"ib_error_200", 200, "<IBResponse type=\"error\">"},
                    InPlace{"bare_500", 500, ""}, InPlace{"unauthorized", 401, "(158,45)"},
                    InPlace{"permission_158_536", 403, "(158,536)"},
                    InPlace{"contact_158_10721", 500, "(158,10721)"},
                    InPlace{"html_login", 200, "<!DOCTYPE html>"},
                    InPlace{"redirect_302", 302, "<!DOCTYPE html>"},
                    InPlace{"status_503", 503, "<!DOCTYPE html>"}),
    [](const auto& info) { return info.param.kind; });

TEST_F(PeopleSoftSandboxTest, RedirectPointsToALoginPage) {
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "redirect_302"}});
  EXPECT_THAT(std::string(FindHeader(Get(WholeDay()).headers, "Location")), HasSubstr("cmd=login"));
}

struct OnWire {
  std::string kind = {};
  WireFault fault = WireFault::kSend;
  bool done = true;
  bool replied = false;
};

class OnWireFaultTest : public PeopleSoftSandboxTest, public testing::WithParamInterface<OnWire> {};

TEST_P(OnWireFaultTest, DoesTheWorkOrNotAndHurtsTheReply) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", GetParam().kind}, {"delay_ms", 5}});
  const auto reply =
      Send({.method = "POST", .target = kTracking, .body = Messages({Message(MessageId(1))})});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->fault, GetParam().fault);
  EXPECT_EQ(reply->delay, std::chrono::milliseconds(5));
  EXPECT_EQ(Truth()["updates"].size(), GetParam().done ? 1U : 0U);
  EXPECT_EQ(Journal()[0]["status"], GetParam().replied ? Json(200) : Json());
}

INSTANTIATE_TEST_SUITE_P(Kinds, OnWireFaultTest,
                         testing::Values(OnWire{"slow", WireFault::kSend, true, true},
                                         OnWire{"reset_before", WireFault::kReset, false, false},
                                         OnWire{"done_then_reset", WireFault::kReset, true, false},
                                         OnWire{"done_then_close", WireFault::kClose, true, false},
                                         OnWire{"truncate", WireFault::kTruncate, true, true}),
                         [](const auto& info) { return info.param.kind; });

TEST_F(PeopleSoftSandboxTest, WithheldReplyIsNeverGivenThoughTheWorkIsDone) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", "withhold"}, {"count", 1}});
  const HttpServerRequest request = {
      .method = "POST", .target = kTracking, .body = Messages({Message(MessageId(1))})};
  EXPECT_FALSE(Send(request).has_value());
  EXPECT_TRUE(Journal()[0]["status"].is_null());
  EXPECT_THAT(Results(request.body), ElementsAre("DUPLICATE"));
}

TEST_F(PeopleSoftSandboxTest, DuplicateRowsComeTwiceAndAreCutLikeOthers) {
  Load({PurchaseOrder("0000000200")});
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "duplicate_rows"}});
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123", "0000000123", "0000000200", "0000000200"));
  EXPECT_EQ(Query(WholeDay("PSUPS_PO", 3))["numrows"], 3);
}

TEST_F(PeopleSoftSandboxTest, WrongNumrowsClaimsARowTooMany) {
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "wrong_numrows"}});
  const Json answer = Query(WholeDay());
  EXPECT_EQ(answer["numrows"], 2);
  EXPECT_EQ(answer["rows"].size(), 1U);
}

TEST_F(PeopleSoftSandboxTest, AcceptedButFailedSaysOkAndStoresNothing) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", "accepted_but_failed"}, {"count", 1}});
  const std::string body = Messages({Message(MessageId(1))});
  EXPECT_THAT(Results(body), ElementsAre("OK"));
  EXPECT_EQ(Truth()["updates"][0]["result"], "ERROR");
  EXPECT_THAT(Results(body), ElementsAre("OK")) << "it had not been stored, so it is no duplicate";
  EXPECT_EQ(Truth()["updates"][1]["result"], "OK");
}

TEST(PeopleSoftSandboxWireTest, ServesBothPortsAndHurtsTheWireAsAsked) {
  const std::string journal = testing::TempDir() + "/peoplesoft_sandbox_journal.jsonl";
  std::remove(journal.c_str());
  absl::StatusOr<SiteConfig> config =
      ParseConfig(R"({"node":"PSFT_EP","oprid":"PSUPS","password":"secret"})");
  ASSERT_TRUE(config.ok()) << config.status();
  auto sandbox = Sandbox::Start(*std::move(config), journal);
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  const std::unique_ptr<HttpClient> client = HttpClient::Create();
  const std::string api = "http://" + (*sandbox)->api_address();
  const std::string admin = "http://" + (*sandbox)->admin_address();

  const auto send = [&](const std::string& method, const std::string& url,
                        const std::string& body) {
    return client
        ->Send({.method = method,
                .url = url,
                .headers = {{"Authorization", BasicAuthorization("PSUPS", "secret")},
                            {"Content-Type", "application/json"}},
                .body = body,
                .total_timeout = std::chrono::milliseconds(300)})
        .response;
  };
  const auto fault = [&](const std::string& kind) {
    const Json change = {
        {"remove", Json::array({"x"})},
        {"add", Json::array({{{"id", "x"}, {"route", "*"}, {"kind", kind}, {"count", 1}}})}};
    const auto reply = send("POST", admin + "/admin/faults", Dump(change));
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->status, 200) << reply->body;
  };
  const auto update = [&](int n) {
    return send("POST", api + kTracking, Messages({Message(MessageId(n))}));
  };
  const Json orders = {{"documents", Json::array({PurchaseOrder("0000000123")})}};
  ASSERT_EQ(send("POST", admin + "/admin/orders", Dump(orders))->status, 200);

  ASSERT_TRUE(update(1).ok());
  fault("done_then_reset");
  EXPECT_EQ(update(2).status().code(), absl::StatusCode::kUnavailable);
  fault("done_then_close");
  EXPECT_EQ(update(3).status().code(), absl::StatusCode::kUnavailable);
  fault("truncate");
  EXPECT_EQ(update(4).status().code(), absl::StatusCode::kUnavailable);
  fault("withhold");
  EXPECT_EQ(update(5).status().code(), absl::StatusCode::kDeadlineExceeded);
  fault("reset_before");
  EXPECT_EQ(update(6).status().code(), absl::StatusCode::kUnavailable);
  const auto again = update(2);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->body, HasSubstr("DUPLICATE"));
  EXPECT_EQ(std::count_if(again->headers.begin(), again->headers.end(),
                          [](const auto& header) { return header.first == "Date"; }),
            1);

  const auto truth = send("GET", admin + "/admin/truth", "");
  ASSERT_TRUE(truth.ok());
  std::vector<std::string> stored;
  const Json updates = Json::parse(truth->body)["updates"];
  for (const Json& entry : updates) {
    if (entry["result"] == "OK") stored.push_back(entry["message"]["MSG_ID"]);
  }
  EXPECT_THAT(stored,
              ElementsAre(MessageId(1), MessageId(2), MessageId(3), MessageId(4), MessageId(5)));

  sandbox->reset();
  std::ifstream lines(journal);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(Json::parse(line)["n"], count + 1);
  }
  EXPECT_EQ(count, 7);
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
