#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/http_message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sandbox/peoplesoft/config.h"
#include "tests/sandbox/peoplesoft/site.h"

namespace psups::peoplesoft_sandbox {

inline constexpr char kBase[] = "/PSIGW/RESTListeningConnector/PSFT_EP/";
inline constexpr char kTracking[] = "/PSIGW/RESTListeningConnector/PSFT_EP/PSUPS_TRACKING.v1/";

inline absl::Time Utc(int month, int day, int hour, int minute, int second = 0) {
  return absl::FromCivil(absl::CivilSecond(2026, month, day, hour, minute, second),
                         absl::UTCTimeZone());
}

// A purchase order with one schedule that can be shipped.
inline Json PurchaseOrder(const std::string& id,
                          const std::string& updated = "2026-11-23T14:30:00") {
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

inline Json Requisition(const std::string& id) {
  Json requisition = Json::parse(R"({
    "DOC_TYPE": "REQ", "BUSINESS_UNIT": "US001", "REQ_ID": "", "REQ_STATUS": "A",
    "REQ_DT": "2026-11-20", "LAST_DTTM_UPDATE": "2026-11-23T14:30:00",
    "LINES": [{
      "LINE_NBR": 1, "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007",
      "SCHEDULES": [{"SCHED_NBR": 1, "QTY_REQ": 3, "SHIPTO_ID": "L001"}]}]})");
  requisition["REQ_ID"] = id;
  return requisition;
}

inline Json Tables() {
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

inline Json Message(const std::string& message_id, const std::string& po_id = "0000000123") {
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

inline std::string MessageId(int n) {
  std::string id = absl::StrCat(absl::Hex(n));
  return std::string(32 - id.size(), '0') + id;
}

inline std::string Messages(const std::vector<Json>& messages) {
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
    const std::string authorization =
        authorization_.value_or(BasicAuthorization("PSUPS", password_));
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    request.headers.emplace_back("X-Request-ID", "call-1");
    std::optional<HttpServerReply> answer;
    site_->Handle(request, [&](HttpServerReply reply) { answer = std::move(reply); });
    return answer;
  }

  HttpResponse Get(const std::string& target) {
    return Send({.method = "GET", .target = target}).value().response;
  }

  using Prompts = std::vector<std::pair<std::string, std::string>>;

  static std::string Target(const std::string& name, const Prompts& prompts, int maxrows = 1000) {
    std::vector<std::string> names;
    std::vector<std::string> values;
    for (const auto& [prompt, value] : prompts) {
      names.push_back(prompt);
      values.push_back(absl::StrReplaceAll(value, {{" ", "%20"}}));
    }
    return absl::StrCat(kBase, "ExecuteQuery.v1/public/", name,
                        "/JSON/NONFILE?isconnectedquery=N&maxrows=", maxrows,
                        "&prompt_uniquepromptname=", absl::StrJoin(names, ","),
                        "&prompt_fieldvalue=", absl::StrJoin(values, ","), "&json_resp=true");
  }

  static std::string QueryTarget(const std::string& name, const std::string& from,
                                 const std::string& to, int maxrows = 1000) {
    return Target(name, {{"FROM_DTTM", from}, {"TO_DTTM", to}}, maxrows);
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

  void Configure(const nlohmann::json& change) {
    const absl::Status status = site_->Configure(change.dump());
    ASSERT_TRUE(status.ok()) << status;
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
  std::optional<std::string> authorization_ = {};  // in place of Basic; empty: none
  std::optional<Site> site_ = {};
};

}  // namespace psups::peoplesoft_sandbox
