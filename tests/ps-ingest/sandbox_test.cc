#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/ps-ingest/order_service.h"
#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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
  WithoutAfterPrompts(settings);
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
  WithoutAfterPrompts(settings);
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

}  // namespace
}  // namespace psups::ps_ingest
