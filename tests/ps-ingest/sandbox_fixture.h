#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/http_client.h"
#include "common/server.h"
#include "services/ps-ingest/checker.h"
#include "services/ps-ingest/connection_service.h"
#include "services/ps-ingest/poller.h"
#include "services/ps-ingest/ps_api.h"
#include "services/ps-ingest/write_backer.h"
#include "tests/ps-ingest/stack.h"
#include "tests/sandbox/peoplesoft/sandbox.h"

namespace psups::ps_ingest {

namespace pb = orders::v1;
using Json = nlohmann::json;

inline constexpr char kAdmin[] = "spiffe://psups/admin/ann";

inline Json Order(const std::string& id, const std::string& updated = "now") {
  Json order = Json::parse(R"({
    "DOC_TYPE": "PO", "BUSINESS_UNIT": "US001", "PO_ID": "", "CHNG_ORD_BATCH": 0,
    "PO_STATUS": "D", "HOLD_STATUS": "N", "PO_DT": "2026-11-20", "LAST_DTTM_UPDATE": "",
    "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007", "PO_REF": "ref 1",
    "LINES": [{
      "LINE_NBR": 1, "ITM_SETID": "SHARE", "INV_ITEM_ID": "10001",
      "DESCR254_MIXED": "Valve, \"brass\"", "UNIT_OF_MEASURE": "EA", "PHYSICAL_NATURE": "G",
      "SCHEDULES": [{
        "SCHED_NBR": 1, "QTY_PO": "4.0000", "SHIPTO_SETID": "SHARE", "SHIPTO_ID": "L001"}]}]})");
  order["PO_ID"] = id;
  order["LAST_DTTM_UPDATE"] = updated;
  return order;
}

inline Json Tables() {
  return Json::parse(R"({
    "VENDOR": [{"SETID": "SHARE", "VENDOR_ID": "0000000007", "NAME1": "Acme Valves"}],
    "VENDOR_ADDR": [
      {"SETID": "SHARE", "VENDOR_ID": "0000000007", "ADDRESS_SEQ_NUM": 1, "EFFDT": "1901-01-01",
       "EFF_STATUS": "A", "ADDRESS1": "1 Main St", "CITY": "Chicago", "STATE": "IL",
       "POSTAL": "60601", "COUNTRY": "USA"}],
    "LOCATION_TBL": [
      {"SETID": "SHARE", "LOCATION": "L001", "EFFDT": "1901-01-01", "EFF_STATUS": "A",
       "DESCR": "Main Campus", "ATTN_TO": "Receiving", "ADDRESS1": "10 Dock Rd",
       "CITY": "Columbus", "STATE": "OH", "POSTAL": "43215", "COUNTRY": "USA"}],
    "MASTER_ITEM_TBL": [
      {"SETID": "SHARE", "INV_ITEM_ID": "10001", "UNIT_MEASURE_STD": "EA"}],
    "INV_ITEMS": [
      {"SETID": "SHARE", "INV_ITEM_ID": "10001", "EFFDT": "1901-01-01",
       "INV_ITEM_WEIGHT": "12.5000", "UNIT_MEASURE_WT": "LB", "INV_ITEM_LENGTH": 12,
       "INV_ITEM_WIDTH": 10, "INV_ITEM_HEIGHT": 4, "UNIT_MEASURE_DIM": "IN"}],
    "INV_ITEM_UOM": [
      {"SETID": "SHARE", "INV_ITEM_ID": "10001", "UNIT_OF_MEASURE": "EA", "CONVERSION_RATE": 1,
       "SHIPPING_WEIGHT": 0, "UNIT_MEASURE_WT": ""}]})");
}

// ps-ingest against a real sandbox site over loopback, step by step.
class SandboxTest : public ::testing::Test {
 protected:
  SandboxTest() { Open(Json::object()); }

  ~SandboxTest() override {
    people_soft_.reset();
    if (poller_) poller_->Drain();
    if (write_backer_) write_backer_->Drain();
  }

  // Starts the site with these options beside the usual ones, and a connection to it.
  void Open(const Json& more) {
    Json options = {{"node", "PSFT_EP"},     {"oprid", "PSUPS"},
                    {"password", "secret"},  {"base_time_zone", "America/New_York"},
                    {"path_prefix", "/erp"}, {"service_status", "Development"}};
    options.update(more);
    auto config = peoplesoft_sandbox::ParseConfig(options.dump());
    ASSERT_OK(config.status());
    auto sandbox =
        peoplesoft_sandbox::Sandbox::Start(*std::move(config), "", [this] { return SiteNow(); });
    ASSERT_OK(sandbox.status());
    sandbox_ = *std::move(sandbox);
  }

  absl::Time SiteNow() const { return absl::Now() + site_ahead_.load(); }

  pb::Connection Settings() const {
    pb::Connection connection = TestConnection(
        absl::StrCat("http://", sandbox_->api_address(), "/erp/PSIGW/RESTListeningConnector"));
    connection.set_overlap_seconds(3600);
    connection.set_lag_seconds(1);
    connection.set_read_timeout_seconds(20);
    connection.add_document_types(type::v1::PURCHASE_ORDER);
    return connection;
  }

  // A query that cannot go on after a document.
  static void WithoutAfterPrompts(pb::Connection& settings) {
    settings.add_window_prompts("FROM_DTTM");
    settings.add_window_prompts("TO_DTTM");
  }

  void Connect(pb::Connection settings, const std::string& password = "secret") {
    stack_.Create("c1", std::move(settings), password);
    ASSERT_OK(
        stack_.connections
            ->ChangeState("c1", "connection.activate", kAdmin,
                          [](pb::Connection& c, bool& activated) { return Activate(c, activated); })
            .status());
  }

  Json Admin(const std::string& method, const std::string& path, const Json& body = nullptr) {
    const HttpOutcome outcome =
        admin_client_->Send({.method = method,
                             .url = absl::StrCat("http://", sandbox_->admin_address(), path),
                             .body = body.is_null() ? "" : body.dump()});
    EXPECT_OK(outcome.response.status());
    EXPECT_EQ(outcome.response->status, 200) << outcome.response->body;
    return Json::parse(outcome.response->body);
  }
  void Load(const std::vector<Json>& documents) {
    Admin("POST", "/admin/orders", {{"tables", Tables()}, {"documents", Json(documents)}});
  }
  void Configure(const Json& keys) { Admin("POST", "/admin/site", keys); }
  void Fault(const Json& rule) { Admin("POST", "/admin/faults", {{"add", Json::array({rule})}}); }
  Json Journal() { return Admin("GET", "/admin/journal")["entries"]; }
  std::size_t CallsTo(const std::string& query) {
    std::size_t count = 0;
    const Json journal = Journal();
    for (const Json& entry : journal) {
      count += absl::StrContains(entry["target"].get<std::string>(), "/" + query + "/");
    }
    return count;
  }
  // The ids of the calls that PeopleSoft saw.
  std::multiset<std::string> CallsSeen() {
    std::multiset<std::string> ids;
    const Json journal = Journal();
    for (const Json& entry : journal) ids.insert(entry["call_id"].get<std::string>());
    return ids;
  }
  std::multiset<std::string> CallsRecorded(const std::string& action) {
    std::multiset<std::string> ids;
    for (const Json& entry : stack_.Audit(action)) {
      ids.insert(entry["detail"]["call_id"].get<std::string>());
    }
    return ids;
  }
  Json Updates() { return Admin("GET", "/admin/truth")["updates"]; }

  // Makes everything due and reads until nothing is.
  void Poll() {
    stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = 'POLL'");
    for (int i = 0; i < 200; ++i) {
      const auto count = poller_->Step();
      ASSERT_OK(count.status());
      poller_->Drain();
      if (*count == 0) return;
    }
    FAIL() << "reading does not come to an end";
  }
  void WriteBack() {
    stack_.Exec("UPDATE write_back_lanes SET due_time = now()");
    for (int i = 0; i < 100; ++i) {
      const auto count = write_backer_->Step();
      ASSERT_OK(count.status());
      write_backer_->Drain();
      if (*count == 0) return;
    }
    FAIL() << "writing back does not come to an end";
  }

  std::vector<pb::Order> Orders() {
    const auto found = stack_.orders->List({}, {.size = 1000});
    EXPECT_OK(found.status());
    return found.ok() ? found->items : std::vector<pb::Order>();
  }
  pb::Connection Stored() { return *stack_.connections->Get("c1"); }

  std::vector<std::string> DocumentIds() {
    std::vector<std::string> ids;
    for (const pb::Order& order : Orders()) ids.push_back(order.document().document_id());
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  pb::TrackingUpdate Update(int sequence, const std::string& status = "IN_TRANSIT") {
    pb::TrackingUpdate update;
    update.set_update_id(Hex(Sha256(absl::StrCat(sequence))).substr(0, 32));
    update.mutable_document()->set_connection("connections/c1");
    update.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
    update.mutable_document()->set_business_unit("US001");
    update.mutable_document()->set_document_id("0000000001");
    update.mutable_schedule()->set_line_number(1);
    update.mutable_schedule()->set_schedule_number(1);
    update.mutable_schedule()->set_quantity("3");
    update.set_sequence_number(sequence);
    update.set_tracking_number("1ZA1B2C30312345678");
    update.set_status(status);
    update.mutable_event_time()->set_seconds(1'795'446'062);
    update.set_is_current(true);
    return update;
  }

  // What is loaded at first is ten seconds old when it is read.
  std::atomic<absl::Duration> site_ahead_ = -absl::Seconds(10);
  std::unique_ptr<peoplesoft_sandbox::Sandbox> sandbox_;
  std::unique_ptr<HttpClient> admin_client_ = HttpClient::Create();
  Stack stack_;
  Executor executor_{2};
  const Post post_ = [this](std::function<void()> task) { executor_.Post(std::move(task)); };
  OpenCalls calls_;
  Passwords passwords_{*stack_.connections};
  MasterData master_data_;
  Wakeup wakeup_;
  std::unique_ptr<PeopleSoft> people_soft_ = MakePeopleSoft(HttpClient::Create());
  // A retry comes only when Poll makes it due.
  const Backoff retry_ = {.first = absl::Hours(9), .cap = absl::Hours(9)};
  std::unique_ptr<Poller> poller_ =
      std::make_unique<Poller>(*stack_.polls, *people_soft_, passwords_, master_data_, calls_,
                               post_, stack_.derive, PollRules{.retry = retry_}, wakeup_);
  std::unique_ptr<WriteBacker> write_backer_ =
      std::make_unique<WriteBacker>(*stack_.write_backs, *people_soft_, passwords_, calls_, post_,
                                    WriteBackRules{.retry = retry_}, wakeup_);
};

}  // namespace psups::ps_ingest
