#include "tests/sandbox/peoplesoft/sandbox.h"

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
#include "services/ps-ingest/connection_service.h"
#include "services/ps-ingest/order_service.h"
#include "services/ps-ingest/poller.h"
#include "services/ps-ingest/ps_api.h"
#include "services/ps-ingest/write_backer.h"
#include "tests/ps-ingest/stack.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr char kAdmin[] = "spiffe://psups/admin/ann";

Json Order(const std::string& id, const std::string& updated = "now") {
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

Json Tables() {
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
  void Fault(const Json& rule) { Admin("POST", "/admin/faults", {{"add", Json::array({rule})}}); }
  Json Journal() { return Admin("GET", "/admin/journal")["entries"]; }
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
    stack_.Exec("UPDATE source_cursors SET due_time = now()");
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
    for (int i = 0; i < 20; ++i) {
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
  Wakeup wakeup_;
  std::unique_ptr<PeopleSoft> people_soft_ = MakePeopleSoft(HttpClient::Create());
  // A retry comes only when Poll makes it due.
  const Backoff retry_ = {.first = absl::Hours(9), .cap = absl::Hours(9)};
  std::unique_ptr<Poller> poller_ =
      std::make_unique<Poller>(*stack_.polls, *people_soft_, passwords_, calls_, post_,
                               stack_.derive, PollRules{.retry = retry_}, wakeup_);
  std::unique_ptr<WriteBacker> write_backer_ =
      std::make_unique<WriteBacker>(*stack_.write_backs, *people_soft_, passwords_, calls_, post_,
                                    WriteBackRules{.retry = retry_}, wakeup_);
};

TEST_F(SandboxTest, AnOrderIsReadNormalisedAndHandedOut) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(Settings());
  Poll();

  const auto leased = stack_.orders->LeaseOrders(10, absl::Seconds(60));
  ASSERT_OK(leased.status());
  ASSERT_THAT(*leased, SizeIs(1));
  const pb::Order& order = leased->front().order;
  EXPECT_EQ(order.document().document_id(), "0000000001");
  EXPECT_EQ(order.revision(), 1);
  EXPECT_EQ(order.document_date(), "2026-11-20");
  EXPECT_EQ(order.last_update_local_time(), "2026-11-20T10:00:00");
  EXPECT_THAT(order.trace_id(), SizeIs(32));
  ASSERT_EQ(order.schedules_size(), 1);
  const pb::Order::Schedule& schedule = order.schedules(0);
  EXPECT_EQ(schedule.ineligible_reason(), pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED);
  EXPECT_EQ(schedule.open_quantity(), "4");
  EXPECT_EQ(schedule.item_weight().value(), "12.5");
  EXPECT_EQ(schedule.item_weight().unit(), "LB");
  EXPECT_EQ(schedule.shipping_weight().value(), "");
  EXPECT_EQ(schedule.item_dimensions().length(), "12");
  EXPECT_EQ(schedule.ship_from().name(), "Acme Valves");
  EXPECT_EQ(schedule.ship_from().country_code(), "US");
  EXPECT_EQ(schedule.ship_to().name(), "Main Campus");
  EXPECT_EQ(schedule.ship_to().attention_name(), "Receiving");
  EXPECT_THAT(schedule.ship_to().lines(), ElementsAre("10 Dock Rd"));
  EXPECT_THAT(stack_.Audit("order.store"), SizeIs(1));
}

TEST_F(SandboxTest, AnOrderDatedAfterGoLiveIsFoundThoughItWasTouchedLastBefore) {
  Json old = Order("0000000002", "2026-10-20T10:00:00");
  old["PO_DT"] = "2026-10-20";
  Json post_dated = Order("0000000001", "2026-10-20T10:00:00");
  post_dated["PO_DT"] = "2026-11-02";
  Load({old, post_dated});
  Connect(Settings());
  Poll();
  const auto leased = stack_.orders->LeaseOrders(10, absl::Seconds(60));
  ASSERT_OK(leased.status());
  ASSERT_THAT(*leased, SizeIs(1));
  EXPECT_EQ(leased->front().order.document().document_id(), "0000000001");
}

TEST_F(SandboxTest, EveryReadIsRecordedUnderTheIdThatPeopleSoftSaw) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(Settings());
  Poll();
  EXPECT_GT(CallsSeen().size(), 1u);
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
}

TEST_F(SandboxTest, TheSameRowsAgainChangeNothing) {
  Load({Order("0000000001")});
  Connect(Settings());
  site_ahead_ = absl::ZeroDuration();
  Poll();
  Poll();
  EXPECT_EQ(Orders().front().revision(), 1);
  EXPECT_THAT(stack_.Audit("order.store"), SizeIs(1));
}

TEST_F(SandboxTest, AnOrderCommittedLateIsFoundByTheOverlap) {
  Load({Order("0000000001")});
  Json late = Order("0000000002");
  late["VISIBLE_AFTER_MS"] = 60'000;
  Load({late});
  Connect(Settings());
  site_ahead_ = absl::ZeroDuration();
  Poll();
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001"));
  site_ahead_ = absl::Minutes(20);  // long past its timestamp, within the overlap of an hour
  Poll();
  EXPECT_GT(Stored().watermark(), Orders().front().last_update_local_time());
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001", "0000000002"));
}

TEST_F(SandboxTest, AFullAnswerHalvesTheWindowUntilAllHaveCome) {
  std::vector<Json> documents;
  for (int i = 0; i < 40; ++i) {
    documents.push_back(
        Order(absl::StrFormat("%010d", i + 1), absl::StrFormat("2026-11-20T10:00:%02d", i)));
  }
  Load(documents);
  pb::Connection settings = Settings();
  settings.set_max_rows(10);
  Connect(settings);
  Poll();
  EXPECT_THAT(Orders(), SizeIs(40));
  EXPECT_GT(stack_.Count("SELECT count(*) FROM windows WHERE truncated"), 3);
  EXPECT_EQ(Stored().last_error(), "");
}

TEST_F(SandboxTest, ASecondThatIsFullIsAnAlarmAndTheCursorStays) {
  std::vector<Json> documents;
  for (int i = 0; i < 10; ++i) {
    documents.push_back(Order(absl::StrFormat("%010d", i + 1), "2026-11-20T10:00:00"));
  }
  Load(documents);
  pb::Connection settings = Settings();
  settings.set_max_rows(10);
  Connect(settings);
  Poll();
  EXPECT_THAT(Orders(), IsEmpty());
  EXPECT_THAT(Stored().last_error(), HasSubstr("raise max_rows"));
  EXPECT_LE(Stored().watermark(), "2026-11-20T10:00:00");

  const auto stored = Stored();
  pb::Connection mended = stored;
  mended.set_max_rows(100);
  ASSERT_OK(stack_.connections->Update(mended, "", kAdmin).status());
  Poll();
  EXPECT_THAT(Orders(), SizeIs(10));
}

TEST_F(SandboxTest, AWrongPasswordStopsTheConnectionAfterOneRead) {
  Load({Order("0000000001")});
  pb::Connection settings = Settings();
  settings.add_document_types(type::v1::REQUISITION);
  Connect(settings, "wrong");
  Poll();
  Poll();
  EXPECT_THAT(Journal(), SizeIs(1));
  EXPECT_EQ(Stored().state(), pb::Connection::STOPPED);
  EXPECT_THAT(Stored().state_reason(), HasSubstr("psupsctl connection resume"));
  EXPECT_THAT(stack_.Audit("connection.stop"), SizeIs(1));

  ASSERT_OK(stack_.connections->Update(Stored(), "secret", kAdmin).status());
  ASSERT_OK(
      stack_.connections
          ->ChangeState("c1", "connection.resume", kAdmin,
                        [](pb::Connection& c, bool& activated) { return Resume(c, activated); })
          .status());
  site_ahead_ = absl::ZeroDuration();
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_THAT(Orders(), SizeIs(1));
}

TEST_F(SandboxTest, AMissingPermissionIsShownAndHealsByItself) {
  Load({Order("0000000001")});
  Connect(Settings());
  site_ahead_ = absl::ZeroDuration();
  Fault({{"id", "p"}, {"route", "query"}, {"kind", "permission_158_536"}, {"count", 1}});
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_THAT(Stored().last_error(), HasSubstr("158,536"));
  EXPECT_THAT(Journal(), SizeIs(1));
  Poll();
  EXPECT_EQ(Stored().last_error(), "");
  EXPECT_THAT(Orders(), SizeIs(1));
}

class TransientFaultTest : public SandboxTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(TransientFaultTest, HealsWithoutLossOrDouble) {
  Load({Order("0000000001")});
  pb::Connection settings = Settings();
  const std::string kind = GetParam();
  if (kind == "slow" || kind == "withhold") settings.set_read_timeout_seconds(2);
  Connect(settings);
  site_ahead_ = absl::ZeroDuration();
  Json rule = {{"id", "f"}, {"route", "query"}, {"kind", kind}, {"count", 2}};
  if (kind == "slow") rule["delay_ms"] = 3000;
  Fault(rule);
  Poll();
  Poll();
  if (kind != "duplicate_rows") {
    EXPECT_NE(Stored().last_error(), "");
    EXPECT_THAT(Orders(), IsEmpty());
  }
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_EQ(Stored().last_error(), "");
  ASSERT_THAT(Orders(), SizeIs(1));
  EXPECT_EQ(Orders().front().revision(), 1);
}

INSTANTIATE_TEST_SUITE_P(EachKind, TransientFaultTest,
                         ::testing::Values("ib_error_200", "bare_500", "contact_158_10721",
                                           "html_login", "redirect_302", "status_503",
                                           "reset_before", "slow", "done_then_reset",
                                           "done_then_close", "truncate", "withhold",
                                           "duplicate_rows", "wrong_numrows"),
                         [](const auto& info) { return std::string(info.param); });

class RowFormTest : public SandboxTest, public ::testing::WithParamInterface<int> {};

TEST_P(RowFormTest, IsUnderstoodTheSame) {
  const std::vector<Json> forms = {{{"row_keys", "bare"}},
                                   {{"codes", "long"}},
                                   {{"blank", "empty"}},
                                   {{"datetime_form", "blank"}},
                                   {{"datetime_form", "dash"}},
                                   {{"numbers", "string"}},
                                   {{"zero_rows", "absent"}},
                                   {{"zero_rows", "null"}},
                                   {{"query_name_key", "queryname"}},
                                   {{"timestamps", "fractions"}},
                                   {{"datetime_offset", "offset"}}};
  Open(forms[static_cast<std::size_t>(GetParam())]);
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  if (GetParam() == 0) {
    auto& map = *settings.mutable_column_map();
    map["B.CANCEL_STATUS"] = "LINE_CANCEL_STATUS";
    map["C.CANCEL_STATUS"] = "SCHED_CANCEL_STATUS";
    map["E.NAME1"] = "VENDOR_NAME";
    map["F.DESCR"] = "SHIPTO_NAME";
    map["G.UNIT_MEASURE_WT"] = "ITEM_UNIT_MEASURE_WT";
    map["H.UNIT_MEASURE_WT"] = "UOM_UNIT_MEASURE_WT";
    for (const char* field : {"ADDRESS1", "ADDRESS2", "ADDRESS3", "ADDRESS4", "CITY", "STATE",
                              "POSTAL", "COUNTRY", "PHONE"}) {
      map[absl::StrCat("D.", field)] = absl::StrCat("VNDR_", field);
      map[absl::StrCat("F.", field)] = absl::StrCat("SHIPTO_", field);
    }
  }
  Connect(settings);
  Poll();
  EXPECT_EQ(Stored().last_error(), "");
  const auto leased = stack_.orders->LeaseOrders(10, absl::Seconds(60));
  ASSERT_OK(leased.status());
  ASSERT_THAT(*leased, SizeIs(1));
  const pb::Order& order = leased->front().order;
  EXPECT_EQ(order.document_status(), "D");
  EXPECT_TRUE(absl::StartsWith(order.last_update_local_time(), "2026-11-20T10:00:00"));
  EXPECT_EQ(order.schedules(0).ineligible_reason(), 0);
  EXPECT_EQ(order.schedules(0).ordered_quantity(), "4");
  EXPECT_EQ(order.schedules(0).ship_from().city(), "Chicago");
  EXPECT_EQ(order.schedules(0).ship_to().city(), "Columbus");
  EXPECT_EQ(order.schedules(0).item_weight().unit(), "LB");
}

INSTANTIATE_TEST_SUITE_P(EachForm, RowFormTest, ::testing::Range(0, 11));

TEST_F(SandboxTest, AChangedOrderIsANewRevisionAndAHeldOneIsWithdrawn) {
  Load({Order("0000000001")});
  Connect(Settings());
  site_ahead_ = absl::ZeroDuration();
  Poll();
  ASSERT_OK(stack_.orders->LeaseOrders(10, absl::Seconds(60)).status());

  Json changed = Order("0000000001");
  changed["HOLD_STATUS"] = "Y";
  changed["CHNG_ORD_BATCH"] = 1;
  Load({changed});
  site_ahead_ = absl::Seconds(20);
  Poll();  // learns the site's clock
  Poll();
  const auto leased = stack_.orders->LeaseOrders(10, absl::Seconds(60));
  ASSERT_OK(leased.status());
  ASSERT_THAT(*leased, SizeIs(1));
  EXPECT_EQ(leased->front().order.revision(), 2);
  EXPECT_TRUE(leased->front().order.withdrawn());
  EXPECT_EQ(leased->front().order.schedules(0).ineligible_reason(), pb::Order::Schedule::HOLD);
}

TEST_F(SandboxTest, APeopleSoftClockThatIsBehindLosesNothing) {
  site_ahead_ = -absl::Minutes(10);
  pb::Connection settings = Settings();
  settings.set_overlap_seconds(1);
  Connect(settings);
  Poll();  // asks up to our clock, ten minutes ahead of the site's
  EXPECT_LE(Stored().watermark(),
            absl::FormatTime("%Y-%m-%dT%H:%M:%S", SiteNow(), ZoneOf(Stored())));
  Load({Order("0000000001")});
  site_ahead_ = site_ahead_.load() + absl::Seconds(5);
  Poll();  // learns that the clock went on
  Poll();
  EXPECT_THAT(Orders(), SizeIs(1));
}

TEST_F(SandboxTest, RequisitionsAreReadToo) {
  Json requisition = Json::parse(R"({
    "DOC_TYPE": "REQ", "BUSINESS_UNIT": "US001", "REQ_ID": "0000000009", "REQ_STATUS": "A",
    "REQ_DT": "2026-11-20", "LAST_DTTM_UPDATE": "2026-11-20T14:30:00",
    "LINES": [{
      "LINE_NBR": 1, "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007",
      "SCHEDULES": [{"SCHED_NBR": 1, "QTY_REQ": 3, "SHIPTO_SETID": "SHARE",
                     "SHIPTO_ID": "L001"}]}]})");
  Load({requisition, Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  settings.add_document_types(type::v1::REQUISITION);
  Connect(settings);
  Poll();
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001", "0000000009"));
  for (const pb::Order& order : Orders()) EXPECT_EQ(order.state(), pb::Order::PENDING);
}

TEST_F(SandboxTest, AStatusIsWrittenBackOnceThoughTheAnswerIsLost) {
  Load({Order("0000000001")});
  Connect(Settings());
  Fault({{"id", "f"}, {"route", "writeback"}, {"kind", "done_then_reset"}, {"count", 2}});
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2), Update(3, "DELIVERED")}, ""));
  WriteBack();
  WriteBack();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE state = 'PENDING'"), 3);
  EXPECT_EQ(stack_.Count("SELECT max(attempt_count) FROM write_backs"), 0);
  WriteBack();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE state = 'WRITTEN'"), 3);

  std::vector<int> applied;
  const Json updates = Updates();
  for (const Json& update : updates) {
    if (update["result"] == "OK") applied.push_back(update["message"]["SEQ_NBR"]);
  }
  EXPECT_THAT(applied, ElementsAre(1, 2, 3));
  // Every POST is on record under the id that PeopleSoft saw.
  EXPECT_EQ(CallsRecorded("ps.write_back"), CallsSeen());
}

TEST_F(SandboxTest, ARefusedStatusBlocksItsScheduleOnly) {
  Load({Order("0000000001"), Order("0000000002")});
  Connect(Settings());
  pb::TrackingUpdate bad = Update(1);
  bad.mutable_document()->set_document_id("0000000404");
  pb::TrackingUpdate after_bad = Update(2);
  after_bad.mutable_document()->set_document_id("0000000404");
  pb::TrackingUpdate good = Update(3);
  good.set_sequence_number(1);
  good.mutable_document()->set_document_id("0000000002");
  ASSERT_OK(stack_.write_backs->Report({bad, after_bad, good}, ""));
  WriteBack();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE state = 'PARKED'"), 1);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE state = 'PENDING'"), 1);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE state = 'WRITTEN'"), 1);
  EXPECT_THAT(Updates(), SizeIs(2));
}

TEST_F(SandboxTest, NothingIsWrittenBackWhilePausedOrObserving) {
  Load({Order("0000000001")});
  Connect(Settings());
  ASSERT_OK(stack_.connections
                ->ChangeState("c1", "connection.pause", kAdmin,
                              [](pb::Connection& c, bool&) { return Pause(c, "month's end"); })
                .status());
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, ""));
  WriteBack();
  EXPECT_THAT(Updates(), IsEmpty());
  ASSERT_OK(
      stack_.connections
          ->ChangeState("c1", "connection.resume", kAdmin,
                        [](pb::Connection& c, bool& activated) { return Resume(c, activated); })
          .status());
  WriteBack();
  EXPECT_THAT(Updates(), SizeIs(1));
}

TEST_F(SandboxTest, ATestOfAConnectionSaysWhatCameByEachQuery) {
  Load({Order("0000000001", "now")});
  pb::Connection settings = Settings();
  settings.set_purchase_order_query("NO_SUCH_QUERY");
  settings.add_document_types(type::v1::REQUISITION);
  stack_.Create("c1", settings);
  Executor slow(1);
  ConnectionServer server(*stack_.connections, *people_soft_, calls_, executor_, slow, [] {});
  const auto tested = server.Test("connections/c1", kAdmin);
  ASSERT_OK(tested.status());
  ASSERT_GE(tested->checks_size(), 2);
  EXPECT_EQ(tested->checks(0).subject(), "query NO_SUCH_QUERY");
  EXPECT_FALSE(tested->checks(0).ok());
  EXPECT_THAT(tested->checks(0).finding(), HasSubstr("docs/peoplesoft-setup.md"));
  EXPECT_EQ(tested->checks(1).subject(), "query PSUPS_REQ");
  EXPECT_TRUE(tested->checks(1).ok());
}

TEST_F(SandboxTest, ATestWithAWrongPasswordAsksOnce) {
  pb::Connection settings = Settings();
  settings.add_document_types(type::v1::REQUISITION);
  stack_.Create("c1", settings, "wrong");
  Executor slow(1);
  ConnectionServer server(*stack_.connections, *people_soft_, calls_, executor_, slow, [] {});
  const auto tested = server.Test("connections/c1", kAdmin);
  ASSERT_OK(tested.status());
  ASSERT_EQ(tested->checks_size(), 1);
  EXPECT_THAT(tested->checks(0).finding(), HasSubstr("password"));
  EXPECT_THAT(Journal(), SizeIs(1));
}

}  // namespace
}  // namespace psups::ps_ingest
