#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/order_service.h"
#include "services/ps-ingest/poller.h"
#include "services/ps-ingest/ps_api.h"
#include "services/ps-ingest/write_back.h"
#include "services/ps-ingest/write_backer.h"
#include "tests/ps-ingest/samples.h"
#include "tests/ps-ingest/stack.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kLease = absl::Seconds(30);
constexpr char kAnn[] = "spiffe://psups/admin/ann";

// The stores on real PostgreSQL.
class StoreTest : public ::testing::Test {
 protected:
  pb::Connection Connect(const std::string& id, const std::string& oprid = "PSUPS") {
    pb::Connection connection = TestConnection();
    connection.set_oprid(oprid);
    connection.add_document_types(type::v1::PURCHASE_ORDER);
    return stack_.Create(id, connection);
  }

  PollLease Lease() {
    auto polls = stack_.polls->LeasePolls(10, kLease);
    EXPECT_OK(polls.status());
    EXPECT_THAT(*polls, SizeIs(1));
    return polls->empty() ? PollLease() : polls->front();
  }

  // What a read of these rows by `poll` comes to, as the poller would find it.
  ReadOutcome Outcome(PollLease& poll, const std::vector<nlohmann::ordered_json>& rows) {
    const auto window = NextWindow(poll.cursor, WindowRulesOf(poll.connection), absl::Now());
    EXPECT_TRUE(window.has_value());
    ReadOutcome outcome = OutcomeOf(poll, *window, rows);
    EXPECT_EQ(outcome.error, "");
    return outcome;
  }
  ReadOutcome OutcomeOf(const PollLease& poll, const Window& window,
                        const std::vector<nlohmann::ordered_json>& rows) {
    Answer answer = Understand({.response = HttpResponse{.body = SampleBody(rows)}},
                               poll.connection, poll.type, 1000, "query Q");
    std::vector<std::string> ids;
    for (const Document& document : answer.documents.readable) {
      ids.push_back(OrderId(document.order.document(), stack_.derive));
    }
    const auto stored = stack_.polls->FindRevisions("c1", ids);
    EXPECT_OK(stored.status());
    return Settle(
        poll,
        {.window = window, .call_id = RandomHex128(), .asked = 1000, .answer = std::move(answer)},
        *stored, {}, stack_.derive);
  }

  // Reads by connection c1 to the end of a round, of these rows those that each window asks for.
  // True if an error was shown after every window.
  bool ReadRound(const std::vector<nlohmann::ordered_json>& rows) {
    stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = 'POLL'");
    bool shown = true;
    while (true) {
      PollLease poll = Lease();  // due at once
      const absl::TimeZone zone = ZoneOf(poll.connection);
      const auto window = NextWindow(poll.cursor, WindowRulesOf(poll.connection), absl::Now());
      std::vector<nlohmann::ordered_json> touched;
      for (const auto& row : rows) {
        const std::string time = row["A.LAST_DTTM_UPDATE"];
        if (time >= absl::FormatCivilTime(LocalStart(window->from, zone)) &&
            time <= absl::FormatCivilTime(LocalEnd(window->to, zone))) {
          touched.push_back(row);
        }
      }
      const ReadOutcome outcome = OutcomeOf(poll, *window, touched);
      EXPECT_OK(stack_.polls->StoreRead(poll, outcome));
      if (HasFailure() || !outcome.cursor.position.has_value()) return shown;
      shown &= !stack_.connections->Get("c1")->last_error().empty();
    }
  }
  std::string Watermark() {
    const auto rows = stack_.schema.db().Exec(
        "SELECT watermark_time::text AS t FROM "
        "source_cursors WHERE enabled AND purpose = 'POLL'");
    return (*rows)[0].Text("t");
  }

  // Reads these rows by connection c1, whole.
  void Read(const std::vector<nlohmann::ordered_json>& rows) {
    stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = 'POLL'");
    PollLease poll = Lease();
    ASSERT_OK(stack_.polls->StoreRead(poll, Outcome(poll, rows)));
  }

  static nlohmann::ordered_json Row(const std::string& id, const std::string& quantity = "4") {
    nlohmann::ordered_json row = SampleRow();
    row["A.PO_ID"] = id;
    row["C.QTY_PO"] = quantity;
    return row;
  }

  std::vector<OrderStore::Leased> HandOut() {
    auto leased = stack_.orders->LeaseOrders(100, absl::Seconds(60));
    EXPECT_OK(leased.status());
    return leased.ok() ? *leased : std::vector<OrderStore::Leased>();
  }

  std::vector<std::string> Acknowledge(const OrderStore::Leased& leased) {
    pb::AcknowledgeOrdersRequest::Acknowledgement acknowledgement;
    acknowledgement.set_name(leased.order.name());
    acknowledgement.set_revision(leased.order.revision());
    acknowledgement.set_lease_id(leased.lease_id);
    const auto stale = stack_.orders->Acknowledge({acknowledgement});
    EXPECT_OK(stale.status());
    return stale.ok() ? *stale : std::vector<std::string>();
  }

  void Activate() { stack_.Exec("UPDATE connections SET state = 'ACTIVE', activated = true"); }

  pb::TrackingUpdate Update(int sequence, int schedule = 1, const std::string& connection = "c1") {
    pb::TrackingUpdate update;
    update.set_update_id(
        Hex(Sha256(absl::StrCat(connection, " ", schedule, " ", sequence))).substr(0, 32));
    update.mutable_document()->set_connection("connections/" + connection);
    update.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
    update.mutable_document()->set_business_unit("US001");
    update.mutable_document()->set_document_id("0000000123");
    update.mutable_schedule()->set_line_number(1);
    update.mutable_schedule()->set_schedule_number(schedule);
    update.mutable_schedule()->set_quantity("1");
    update.set_sequence_number(sequence);
    update.set_tracking_number("1ZA1B2C30312345678");
    update.set_status("IN_TRANSIT");
    update.mutable_event_time()->set_seconds(1'795'446'062);
    return update;
  }

  std::vector<WriteBackLane> Lanes() {
    auto lanes = stack_.write_backs->LeaseLanes(10, kLease);
    EXPECT_OK(lanes.status());
    return lanes.ok() ? *lanes : std::vector<WriteBackLane>();
  }

  static std::vector<std::string> Sent(const WriteBackLane& lane) {
    std::vector<std::string> sent;
    for (const auto& update : lane.updates) {
      sent.push_back(
          absl::StrCat(update.schedule().schedule_number(), "/", update.sequence_number()));
    }
    return sent;
  }

  Stack stack_;
};

using ConnectionStoreTest = StoreTest;

TEST_F(ConnectionStoreTest, AConnectionStartsInObserveWithItsPasswordSealed) {
  const pb::Connection created = stack_.Create("c1", TestConnection(), "Tr0ub4dor");
  EXPECT_EQ(created.state(), pb::Connection::OBSERVE);
  EXPECT_EQ(created.version(), 1);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM connections WHERE "
                         "position('Tr0ub4dor'::bytea IN password) > 0 OR "
                         "position('Tr0ub4dor'::bytea IN settings) > 0"),
            0);
  EXPECT_THAT(stack_.connections->OpenPassword("c1"), IsOkAndHolds("Tr0ub4dor"));
  EXPECT_THAT(stack_.Audit("connection.create"), SizeIs(1));
  EXPECT_EQ(stack_.Audit("connection.create")[0]["actor"], kAnn);
  EXPECT_THAT(stack_.Audit("credential.open"), SizeIs(1));
  for (const char* action : {"connection.create", "credential.open"}) {
    EXPECT_THAT(stack_.Audit(action)[0].dump(), Not(HasSubstr("Tr0ub4dor")));
  }
}

TEST_F(ConnectionStoreTest, TheSameIdIsRefusedAndAnUnknownOneNotFound) {
  Connect("c1");
  pb::Connection again = TestConnection();
  SetDefaults(again, "c1");
  EXPECT_THAT(stack_.connections->Create(again, "x", kAnn),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(stack_.connections->Get("c2"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ConnectionStoreTest, ASwappedPasswordDoesNotOpen) {
  stack_.Create("c1", TestConnection(), "one");
  stack_.Create("c2", TestConnection(), "two");
  stack_.Exec(
      "UPDATE connections a SET password = b.password FROM connections b "
      "WHERE a.connection_id <> b.connection_id");
  EXPECT_THAT(stack_.connections->OpenPassword("c1"), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(ConnectionStoreTest, AnUpdateNeedsTheStoredVersionAndKeepsThePassword) {
  pb::Connection connection = Connect("c1");
  connection.set_poll_interval_seconds(7);
  const auto updated = stack_.connections->Update(connection, "", kAnn);
  ASSERT_OK(updated.status());
  EXPECT_EQ(updated->version(), 2);
  EXPECT_EQ(updated->poll_interval_seconds(), 7);
  EXPECT_THAT(stack_.connections->OpenPassword("c1"), IsOkAndHolds("secret"));
  EXPECT_THAT(stack_.connections->Update(connection, "", kAnn),
              HasCode(absl::StatusCode::kAborted));
  ASSERT_OK(stack_.connections->Update(*updated, "new", kAnn).status());
  EXPECT_THAT(stack_.connections->OpenPassword("c1"), IsOkAndHolds("new"));
}

TEST_F(ConnectionStoreTest, ReadingStartsAnewOnlyIfWhatMayShipChanged) {
  pb::Connection connection = Connect("c1");
  Read({});
  const std::string watermark = stack_.connections->Get("c1")->watermark();
  EXPECT_GT(watermark, "2026-10-02T00:00:00");
  connection.set_poll_interval_seconds(7);
  ASSERT_OK_AND_ASSIGN(connection, stack_.connections->Update(connection, "", kAnn));
  EXPECT_EQ(connection.watermark(), watermark);
  connection.set_ship_orders_since("2026-10-01");
  ASSERT_OK_AND_ASSIGN(connection, stack_.connections->Update(connection, "", kAnn));
  EXPECT_EQ(connection.watermark(), "2026-09-01T00:00:00");
}

TEST_F(ConnectionStoreTest, AFailingWriteBackIsShownWhereReadingDoesNotFail) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  ASSERT_OK(
      stack_.write_backs->StoreOutcome(Lanes().at(0), {.failure_count = 1, .error = "no node"}));
  EXPECT_EQ(stack_.connections->Get("c1")->last_error(), "no node");
  EXPECT_EQ(stack_.connections->List({})->items.at(0).last_error(), "no node");
  ASSERT_OK(stack_.polls->ShowProblem(Lease(), "no query"));
  EXPECT_EQ(stack_.connections->Get("c1")->last_error(), "no query");
}

TEST_F(ConnectionStoreTest, ListsByIdInPages) {
  for (const char* id : {"c3", "c1", "c2"}) stack_.Create(id, TestConnection());
  ASSERT_OK_AND_ASSIGN(const auto first, stack_.connections->List({.size = 2}));
  ASSERT_THAT(first.items, SizeIs(2));
  EXPECT_EQ(first.items[1].name(), "connections/c2");
  ASSERT_OK_AND_ASSIGN(const auto second,
                       stack_.connections->List({.token = first.next_token, .size = 2}));
  ASSERT_THAT(second.items, SizeIs(1));
  EXPECT_EQ(second.next_token, "");
}

using PollStoreTest = StoreTest;

TEST_F(PollStoreTest, ACursorIsLeasedOnceAndAgainWhenTheLeaseIsOver) {
  Connect("c1");
  const PollLease first = Lease();
  EXPECT_THAT(*stack_.polls->LeasePolls(10, kLease), IsEmpty());
  stack_.Exec("UPDATE readers SET lease_expire_time = now()");
  EXPECT_EQ(Lease().epoch, first.epoch + 1);
}

TEST_F(PollStoreTest, OneReadIsInFlightForEachOprid) {
  pb::Connection both = TestConnection();  // purchase orders and requisitions
  stack_.Create("c1", both);
  stack_.Create("c2", both);
  both.set_oprid("OTHER");
  stack_.Create("c3", both);
  const auto polls = stack_.polls->LeasePolls(10, kLease);
  ASSERT_OK(polls.status());
  std::multiset<std::string> users;
  for (const PollLease& poll : *polls) users.insert(poll.connection.oprid());
  EXPECT_THAT(users, ElementsAre("OTHER", "PSUPS"));
  EXPECT_THAT(stack_.connections->TakeReader(ReaderKey(both), "t", kLease),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(PollStoreTest, AStoppedConnectionIsNotRead) {
  Connect("c1");
  stack_.Exec("UPDATE connections SET state = 'STOPPED'");
  EXPECT_THAT(*stack_.polls->LeasePolls(10, kLease), IsEmpty());
}

TEST_F(PollStoreTest, ARenewedLeaseIsNotTakenOver) {
  Connect("c1");
  const PollLease poll = Lease();
  stack_.Exec("UPDATE readers SET lease_expire_time = now()");
  ASSERT_OK(stack_.polls->RenewPolls({poll}, kLease));
  EXPECT_THAT(*stack_.polls->LeasePolls(10, kLease), IsEmpty());
}

TEST_F(PollStoreTest, RowsCursorWindowAndRecordMoveTogether) {
  Connect("c1");
  PollLease poll = Lease();
  const ReadOutcome outcome = Outcome(poll, {Row("1"), Row("2")});
  ASSERT_OK(stack_.polls->StoreRead(poll, outcome));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders"), 2);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM order_revisions"), 2);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM windows WHERE stored_count = 2 AND row_count = 2"),
            1);
  EXPECT_THAT(stack_.Audit("order.store"), SizeIs(2));
  EXPECT_THAT(stack_.Audit("ps.query"), SizeIs(1));
  EXPECT_EQ(stack_.Audit("ps.query")[0]["detail"]["call_id"], outcome.call_id);
  EXPECT_EQ(Lease().cursor.watermark, outcome.cursor.watermark);
}

TEST_F(PollStoreTest, AStaleEpochStoresNothing) {
  Connect("c1");
  PollLease stale = Lease();
  stack_.Exec("UPDATE readers SET lease_expire_time = now()");
  const PollLease current = Lease();
  EXPECT_THAT(stack_.polls->StoreRead(stale, Outcome(stale, {Row("1")})),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders"), 0);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM windows"), 0);
  EXPECT_THAT(stack_.Audit("ps.query"), IsEmpty());
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM source_cursors WHERE last_read_time IS NOT NULL"),
            0);
  // The one who holds the lease still holds the user, too.
  EXPECT_THAT(*stack_.polls->LeasePolls(10, kLease), IsEmpty());
  PollLease mine = current;
  EXPECT_OK(stack_.polls->StoreRead(mine, Outcome(mine, {Row("1")})));
}

TEST_F(PollStoreTest, AReadUnderOldSettingsStoresNothing) {
  pb::Connection connection = Connect("c1");
  PollLease poll = Lease();
  connection.set_ship_orders_since("2026-11-22");
  ASSERT_OK(stack_.connections->Update(connection, "", kAnn).status());
  EXPECT_THAT(stack_.polls->StoreRead(poll, Outcome(poll, {Row("1")})),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders"), 0);
}

TEST_F(PollStoreTest, TheCursorStaysIfTheRowsCannotBeStored) {
  Connect("c1");
  Read({Row("1")});
  stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = 'POLL'");
  PollLease poll = Lease();
  const absl::Time before = poll.cursor.watermark;
  const ReadOutcome outcome = Outcome(poll, {Row("1", "5")});
  stack_.Exec("UPDATE orders SET revision = 7");
  EXPECT_THAT(stack_.polls->StoreRead(poll, outcome), HasCode(absl::StatusCode::kAborted));
  stack_.Exec("UPDATE readers SET lease_expire_time = now()");
  EXPECT_EQ(Lease().cursor.watermark, before);
}

TEST_F(PollStoreTest, ADocumentThatCannotBeReadIsShownAndTheOthersOfItsWindowAreStored) {
  Connect("c1");
  PollLease poll = Lease();
  const auto window = NextWindow(poll.cursor, WindowRulesOf(poll.connection), absl::Now());
  nlohmann::ordered_json bad = Row("1", "four");
  bad["C.SCHED_NBR"] = 2;
  ASSERT_OK(stack_.polls->StoreRead(poll, OutcomeOf(poll, *window, {Row("1"), bad, Row("2")})));
  ASSERT_OK_AND_ASSIGN(const auto found, stack_.orders->List({}, {}));
  ASSERT_THAT(found.items, SizeIs(1));
  EXPECT_EQ(found.items[0].document().document_id(), "2");
  EXPECT_THAT(stack_.connections->Get("c1")->last_error(), HasSubstr("US001 1 line 1 schedule 2"));
}

TEST_F(PollStoreTest, ADocumentThatCannotBeReadHoldsUpTheWatermarkAndNoLaterDocument) {
  Connect("c1");
  nlohmann::ordered_json bad = Row("1", "four");
  bad["A.LAST_DTTM_UPDATE"] = "2026-10-05T10:00:00";
  nlohmann::ordered_json good = Row("2");
  good["A.LAST_DTTM_UPDATE"] = "2026-10-08T10:00:00";
  ReadRound({bad, good});
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders WHERE document_id = '2'"), 1);
  EXPECT_THAT(stack_.connections->Get("c1")->last_error(), HasSubstr("US001 1 line 1 schedule 1"));
  const std::string held = Watermark();
  EXPECT_LT(held, "2026-10-05 14:00:00");

  EXPECT_TRUE(ReadRound({bad, good}));  // it is met again, and shown all the while
  EXPECT_EQ(Watermark(), held);

  nlohmann::ordered_json mended = Row("1");
  mended["A.LAST_DTTM_UPDATE"] = "2026-10-05T10:00:00";
  EXPECT_TRUE(ReadRound({mended, good}));  // shown until the round is over
  EXPECT_EQ(stack_.connections->Get("c1")->last_error(), "");
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders"), 2);
  EXPECT_GT(Watermark(), "2026-10-08 14:00:00");
}

TEST_F(PollStoreTest, ARefusedCredentialStopsTheConnectionInTheSameTransaction) {
  Connect("c1");
  PollLease poll = Lease();
  const auto window = NextWindow(poll.cursor, WindowRulesOf(poll.connection), absl::Now());
  const ReadOutcome outcome = Settle(poll,
                                     {.window = *window,
                                      .call_id = RandomHex128(),
                                      .answer = {.error = PsError{PsErrorKind::kAuth, "refused"}}},
                                     {}, {}, stack_.derive);
  ASSERT_OK(stack_.polls->StoreRead(poll, outcome));
  const auto connection = stack_.connections->Get("c1");
  EXPECT_EQ(connection->state(), pb::Connection::STOPPED);
  EXPECT_EQ(connection->state_reason(), "refused");
  EXPECT_THAT(stack_.Audit("connection.stop"), SizeIs(1));
}

TEST_F(PollStoreTest, NamesAndAddressesAreNotReadableInTheDatabase) {
  Connect("c1");
  Read({Row("1")});
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM order_revisions WHERE "
                         "position('Dock Rd'::bytea IN content) > 0"),
            0);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders o WHERE o::text LIKE '%Dock%' OR "
                         "position('Dock'::bytea IN open_schedules) > 0"),
            0);
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM audit_outbox WHERE "
                         "position('Dock'::bytea IN entry) > 0"),
            0);
}

TEST_F(PollStoreTest, ASwappedRevisionDoesNotOpen) {
  Connect("c1");
  Read({Row("1"), Row("2")});
  stack_.Exec(
      "UPDATE order_revisions a SET content = b.content FROM order_revisions b "
      "WHERE a.order_id <> b.order_id");
  const auto rows = stack_.schema.db().Exec("SELECT order_id FROM orders LIMIT 1");
  EXPECT_THAT(stack_.orders->Get("orders/" + (*rows)[0].Text("order_id")),
              HasCode(absl::StatusCode::kDataLoss));
}

using OrderStoreTest = StoreTest;

TEST_F(OrderStoreTest, ARevisionIsHandedOutOnceUntilItsLeaseIsOver) {
  Connect("c1");
  Read({Row("1")});
  ASSERT_THAT(HandOut(), SizeIs(1));
  EXPECT_THAT(HandOut(), IsEmpty());
  stack_.Exec("UPDATE orders SET lease_expire_time = now()");
  EXPECT_THAT(HandOut(), SizeIs(1));
}

TEST_F(OrderStoreTest, ARevisionThatDoesNotOpenStaysBehindAndKeepsNoOther) {
  Connect("c1");
  Read({Row("1"), Row("2")});
  stack_.Exec(
      "UPDATE order_revisions r SET content = '\\x00' FROM orders o "
      "WHERE o.order_id = r.order_id AND o.document_id = '1'");
  const auto leased = HandOut();
  ASSERT_THAT(leased, SizeIs(1));
  EXPECT_EQ(leased[0].order.document().document_id(), "2");
}

TEST_F(OrderStoreTest, AnAcknowledgementEndsItForGoodAndMayComeTwice) {
  Connect("c1");
  Read({Row("1")});
  const auto leased = HandOut();
  EXPECT_THAT(Acknowledge(leased[0]), IsEmpty());
  EXPECT_THAT(Acknowledge(leased[0]), IsEmpty());
  stack_.Exec("UPDATE orders SET lease_expire_time = now()");
  EXPECT_THAT(HandOut(), IsEmpty());
  EXPECT_EQ(stack_.orders->Get(leased[0].order.name())->state(), pb::Order::ACKNOWLEDGED);
}

TEST_F(OrderStoreTest, ALostLeaseIsNamedNotAcknowledged) {
  Connect("c1");
  Read({Row("1")});
  const auto first = HandOut();
  stack_.Exec("UPDATE orders SET lease_expire_time = now()");
  const auto second = HandOut();
  EXPECT_THAT(Acknowledge(first[0]), ElementsAre(first[0].order.name()));
  EXPECT_THAT(Acknowledge(second[0]), IsEmpty());
}

TEST_F(OrderStoreTest, ANewerRevisionReplacesALeasedOneAndIsHandedOut) {
  Connect("c1");
  Read({Row("1")});
  const auto first = HandOut();
  Read({Row("1", "5")});
  EXPECT_THAT(Acknowledge(first[0]), ElementsAre(first[0].order.name()));
  const auto second = HandOut();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].order.revision(), 2);
  EXPECT_EQ(second[0].order.schedules(0).open_quantity(), "5");
  EXPECT_EQ(second[0].order.trace_id(), first[0].order.trace_id());
  EXPECT_FALSE(second[0].order.withdrawn());
}

TEST_F(OrderStoreTest, WhatMayNotShipIsStoredAndNotHandedOut) {
  Connect("c1");
  nlohmann::ordered_json held = Row("1");
  held["A.HOLD_STATUS"] = "Y";
  Read({held});
  EXPECT_THAT(HandOut(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto found, stack_.orders->List({}, {}));
  ASSERT_THAT(found.items, SizeIs(1));
  EXPECT_EQ(found.items[0].state(), pb::Order::INELIGIBLE);
  EXPECT_EQ(found.items[0].schedules(0).ineligible_reason(), pb::Order::Schedule::HOLD);
  Read({Row("1")});  // the hold is lifted
  EXPECT_THAT(HandOut(), SizeIs(1));
}

TEST_F(OrderStoreTest, WhatWasHandedOutAndMayNoLongerShipIsHandedOutAsWithdrawn) {
  Connect("c1");
  Read({Row("1"), Row("2")});
  auto leased = stack_.orders->LeaseOrders(1, kLease);
  ASSERT_THAT(*leased, SizeIs(1));
  Acknowledge((*leased)[0]);
  std::vector<nlohmann::ordered_json> held = {Row("1"), Row("2")};
  for (auto& row : held) row["A.HOLD_STATUS"] = "Y";
  Read(held);
  const auto withdrawn = HandOut();  // the other one never left here
  ASSERT_THAT(withdrawn, SizeIs(1));
  EXPECT_EQ(withdrawn[0].order.name(), (*leased)[0].order.name());
  EXPECT_TRUE(withdrawn[0].order.withdrawn());
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders WHERE state = 'INELIGIBLE'"), 1);
}

TEST_F(OrderStoreTest, ADispatchAgainMovesTheUpdateTimeButIsNoRevision) {
  Connect("c1");
  Read({Row("1")});
  const auto leased = HandOut();
  Acknowledge(leased[0]);
  nlohmann::ordered_json again = Row("1");
  again["A.LAST_DTTM_UPDATE"] = "2026-11-23T15:00:00";
  again["A.CHNG_ORD_BATCH"] = 1;
  Read({again});
  EXPECT_THAT(HandOut(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const pb::Order order, stack_.orders->Get(leased[0].order.name()));
  EXPECT_EQ(order.revision(), 1);
  EXPECT_EQ(order.change_order_batch(), 1);
  EXPECT_EQ(order.last_update_local_time(), "2026-11-23T15:00:00");
}

TEST_F(OrderStoreTest, ACheckTellsTheNewestRevisionAndWhatMayShip) {
  Connect("c1");
  nlohmann::ordered_json closed = Row("1");
  closed["C.SCHED_NBR"] = 2;
  closed["C.CANCEL_STATUS"] = "X";
  Read({Row("1"), closed});
  const std::string name = HandOut()[0].order.name();
  ASSERT_OK_AND_ASSIGN(const auto checked,
                       stack_.orders->Check({name, "orders/c1-aaaaaaaaaaaaaaaaaaaa"}));
  ASSERT_THAT(checked, SizeIs(1));
  EXPECT_LT(checked[0].age, absl::Minutes(1));
  EXPECT_EQ(checked[0].document.document_id(), "1");
  const auto& standing = checked[0].standing;
  EXPECT_EQ(standing.revision(), 1);
  ASSERT_EQ(standing.open_schedules_size(), 1);
  EXPECT_EQ(standing.open_schedules(0).schedule_number(), 1);
  EXPECT_EQ(standing.open_schedules(0).quantity(), "4");
}

TEST_F(OrderStoreTest, ListsNewestFirstInPagesWithoutParties) {
  Connect("c1");
  for (const char* id : {"1", "2", "3", "4", "5"}) Read({Row(id)});
  std::vector<std::string> ids;
  std::string token;
  do {
    ASSERT_OK_AND_ASSIGN(const auto found,
                         stack_.orders->List({.business_unit = "US001"}, {token, 2}));
    EXPECT_LE(found.items.size(), 2u);
    for (const pb::Order& order : found.items) {
      ids.push_back(order.document().document_id());
      EXPECT_FALSE(order.schedules(0).has_ship_to());
      EXPECT_FALSE(order.schedules(0).has_ship_from());
    }
    token = found.next_token;
  } while (!token.empty());
  EXPECT_THAT(ids, ElementsAre("5", "4", "3", "2", "1"));
  EXPECT_THAT(stack_.orders->List({.document_id = "3"}, {})->items, SizeIs(1));
  EXPECT_THAT(stack_.orders->List({.connection_id = "c2"}, {})->items, IsEmpty());
  EXPECT_THAT(stack_.orders->List({.state = pb::Order::ACKNOWLEDGED}, {})->items, IsEmpty());
}

TEST_F(OrderStoreTest, OneKeyInTwoConnectionsIsTwoOrders) {
  const auto document = [](const char* connection) {
    type::v1::DocumentKey key;
    key.set_connection(connection);
    key.set_business_unit("US001");
    key.set_document_id("1");
    return key;
  };
  EXPECT_NE(OrderId(document("connections/c1"), stack_.derive).substr(3),
            OrderId(document("connections/c2"), stack_.derive).substr(3));
}

using WriteBackStoreTest = StoreTest;

TEST_F(WriteBackStoreTest, TheSameUpdateAgainChangesNothing) {
  Connect("c1");
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2)}, kAnn));
  ASSERT_OK(stack_.write_backs->Report({Update(2), Update(3)}, kAnn));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs"), 3);
  const auto entries = stack_.Audit("write_back.store");
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_THAT(entries[1]["detail"]["update_ids"], ElementsAre(Update(3).update_id()));
}

TEST_F(WriteBackStoreTest, AnUnknownConnectionIsNamedAndNothingStored) {
  Connect("c1");
  const absl::Status status = stack_.write_backs->Report({Update(1), Update(1, 1, "c9")}, kAnn);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(status.message(), HasSubstr("connections/c9"));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs"), 0);
}

TEST_F(WriteBackStoreTest, ASchedulesUpdatesAreSentByNumberWhateverOrderTheyCameIn) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(3), Update(1, 2)}, kAnn));
  ASSERT_OK(stack_.write_backs->Report({Update(2)}, kAnn));
  auto lanes = Lanes();
  ASSERT_THAT(lanes, SizeIs(1));
  EXPECT_THAT(Sent(lanes[0]), ElementsAre("2/1"));  // number 1 of the first is not here yet
  ASSERT_OK(stack_.write_backs->StoreOutcome(lanes[0], {.written = {Update(1, 2).update_id()}}));
  EXPECT_THAT(Lanes(), IsEmpty());
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  for (int number = 1; number <= 3; ++number) {
    lanes = Lanes();  // at once
    ASSERT_THAT(lanes, SizeIs(1));
    EXPECT_THAT(Sent(lanes[0]), ElementsAre(absl::StrCat("1/", number)));
    ASSERT_OK(
        stack_.write_backs->StoreOutcome(lanes[0], {.written = {Update(number).update_id()}}));
  }
  EXPECT_THAT(Lanes(), IsEmpty());
}

TEST_F(WriteBackStoreTest, OnePostHoldsOneUpdateOfEachSchedule) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report(
      {Update(1), Update(2), Update(3), Update(1, 2), Update(2, 2), Update(1, 3)}, kAnn));
  const auto lanes = Lanes();
  ASSERT_THAT(lanes, SizeIs(1));
  EXPECT_THAT(Sent(lanes[0]), ::testing::UnorderedElementsAre("1/1", "2/1", "3/1"));
}

TEST_F(WriteBackStoreTest, AParkedUpdateBlocksItsScheduleOnly) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2), Update(1, 2)}, kAnn));
  ASSERT_OK(stack_.write_backs->StoreOutcome(Lanes()[0], {.written = {Update(1, 2).update_id()},
                                                          .parked = {Update(1).update_id()},
                                                          .parked_error = "refused"}));
  ASSERT_OK(stack_.write_backs->Report({Update(3), Update(2, 2)}, kAnn));
  const auto lanes = Lanes();
  ASSERT_THAT(lanes, SizeIs(1));
  EXPECT_THAT(Sent(lanes[0]), ElementsAre("2/2"));
  ASSERT_OK_AND_ASSIGN(const auto parked,
                       stack_.write_backs->List({.state = pb::WriteBack::PARKED}, {}));
  ASSERT_THAT(parked.items, SizeIs(1));
  EXPECT_EQ(parked.items[0].last_error(), "refused");
  EXPECT_EQ(parked.items[0].attempt_count(), 1);
}

TEST_F(WriteBackStoreTest, WhatAnUpdateSaysIsNotReadableInTheDatabase) {
  Connect("c1");
  Activate();
  pb::TrackingUpdate update = Update(1);
  update.set_description("LEFT WITH J SMITH, COLUMBUS");
  ASSERT_OK(stack_.write_backs->Report({update}, kAnn));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE "
                         "position('SMITH'::bytea IN content) > 0"),
            0);
  EXPECT_EQ(Lanes().at(0).updates.at(0).description(), update.description());
  EXPECT_EQ(stack_.write_backs->List({}, {})->items.at(0).update().description(),
            update.description());
  // Moved to another row it does not open; what stands beside it is shown all the same.
  stack_.Exec("UPDATE write_backs SET update_id = 'another'");
  ASSERT_OK_AND_ASSIGN(const auto moved, stack_.write_backs->List({}, {}));
  ASSERT_THAT(moved.items, SizeIs(1));
  EXPECT_EQ(moved.items[0].update().description(), "");
  EXPECT_EQ(moved.items[0].update().sequence_number(), 1);
  EXPECT_THAT(moved.items[0].last_error(), HasSubstr("do not open"));
}

TEST_F(WriteBackStoreTest, APersonResendsOrSkipsWhatIsParkedAndTheScheduleGoesOn) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2)}, kAnn));
  const WriteBackStore::Key key{.connection_id = "c1", .update_id = Update(1).update_id()};
  const auto park = [&] {
    EXPECT_OK(stack_.write_backs->StoreOutcome(
        Lanes().at(0), {.parked = {key.update_id}, .parked_error = "refused"}));
  };
  EXPECT_THAT(stack_.write_backs->Decide(key, pb::WriteBack::SKIPPED, kAnn, "gone"),
              HasCode(absl::StatusCode::kFailedPrecondition));  // it is on its way
  park();
  EXPECT_THAT(Lanes(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const pb::WriteBack again,
                       stack_.write_backs->Decide(key, pb::WriteBack::PENDING, kAnn, ""));
  EXPECT_EQ(again.name(), "connections/c1/writeBacks/" + key.update_id);
  park();
  ASSERT_OK(stack_.write_backs->Decide(key, pb::WriteBack::SKIPPED, kAnn, "gone"));
  ASSERT_OK(stack_.write_backs->Decide(key, pb::WriteBack::SKIPPED, kAnn, "gone"));  // no news
  const auto lanes = Lanes();
  ASSERT_THAT(lanes, SizeIs(1));
  EXPECT_THAT(Sent(lanes[0]), ElementsAre("1/2"));
  EXPECT_THAT(stack_.write_backs->Decide({"c1", "nothing"}, pb::WriteBack::SKIPPED, kAnn, "gone"),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM audit_outbox WHERE "
                         "convert_from(entry, 'UTF8') LIKE '%write_back.skip%'"),
            1);
}

TEST_F(WriteBackStoreTest, AnUnknownConnectionGetsNoKey) {
  EXPECT_FALSE(stack_.write_backs->Report({Update(1, 1, "c9")}, kAnn).ok());
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM data_keys"), 0);
}

TEST_F(WriteBackStoreTest, AnUpdateThatDoesNotOpenStaysBehindAndKeepsNoOther) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(1, 2)}, kAnn));
  stack_.Exec("UPDATE write_backs SET content = '\\x00' WHERE schedule_number = 1");
  const auto lanes = Lanes();
  ASSERT_THAT(lanes, SizeIs(1));
  EXPECT_THAT(Sent(lanes[0]), ElementsAre("2/1"));
}

TEST_F(WriteBackStoreTest, OnePostIsInFlightForAConnectionAndOnlyWhileActive) {
  Connect("c1");
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  EXPECT_THAT(Lanes(), IsEmpty());  // it only observes
  Activate();
  EXPECT_THAT(Lanes(), SizeIs(1));
  EXPECT_THAT(Lanes(), IsEmpty());
}

TEST_F(WriteBackStoreTest, ALostLaneStoresNothing) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  const auto stale = Lanes();
  stack_.Exec("UPDATE write_back_lanes SET lease_expire_time = now()");
  const auto current = Lanes();
  ASSERT_THAT(current, SizeIs(1));
  EXPECT_THAT(stack_.write_backs->StoreOutcome(stale[0], {.written = {Update(1).update_id()}}),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_backs WHERE state = 'PENDING'"), 1);
  EXPECT_OK(stack_.write_backs->StoreOutcome(current[0], {.written = {Update(1).update_id()}}));
}

TEST_F(WriteBackStoreTest, APostWhoseEndNobodyRecordedIsNamedByTheNextOne) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2)}, kAnn));
  const std::string lost = CallIdOf(Lanes()[0].lease_token);
  stack_.Exec(
      "UPDATE write_back_lanes SET lease_time = '2026-11-23T15:00:00Z', lease_expire_time = now()");
  ASSERT_OK(stack_.write_backs->StoreOutcome(Lanes()[0], {.written = {Update(1).update_id()}}));
  Lanes();
  const auto entries = stack_.Audit("ps.write_back.intent");
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0]["detail"]["call_id"], lost);
  EXPECT_EQ(entries[0]["detail"]["since"], "2026-11-23T15:00:00.000000Z");
}

TEST_F(WriteBackStoreTest, AnOutageCountsAsNoAttempt) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  ASSERT_OK(stack_.write_backs->StoreOutcome(
      Lanes()[0], {.wait = absl::Minutes(5), .failure_count = 1, .error = "down"}));
  EXPECT_EQ(stack_.Count("SELECT max(attempt_count) FROM write_backs"), 0);
  EXPECT_THAT(Lanes(), IsEmpty());  // not before the wait is over
}

TEST_F(WriteBackStoreTest, ListsByDocumentScheduleAndNumberInPages) {
  Connect("c1");
  ASSERT_OK(stack_.write_backs->Report(
      {Update(2), Update(1), Update(3), Update(1, 3), Update(1, 2)}, kAnn));
  std::vector<std::string> seen;
  std::string token;
  do {
    ASSERT_OK_AND_ASSIGN(const auto found,
                         stack_.write_backs->List({.connection_id = "c1"}, {token, 2}));
    for (const pb::WriteBack& item : found.items) {
      seen.push_back(absl::StrCat(item.update().schedule().schedule_number(), "/",
                                  item.update().sequence_number()));
    }
    token = found.next_token;
  } while (!token.empty());
  EXPECT_THAT(seen, ElementsAre("1/1", "1/2", "1/3", "2/1", "3/1"));
}

using RunStoreTest = StoreTest;

TEST_F(RunStoreTest, ARunThatDidNotEndIsNamedByTheNextInItsPlace) {
  ASSERT_OK(stack_.runs->Begin("r1", "host 1"));
  ASSERT_OK(stack_.runs->Beat("r1", "host 1", absl::FromUnixSeconds(1'795'446'000),
                              absl::Seconds(10), {}));
  ASSERT_OK(stack_.runs->Begin("r2", "host 1"));
  const auto entries = stack_.Audit("service.unclean_start");
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0]["detail"]["from"], "2026-11-23T15:00:00.000Z");
  ASSERT_OK(stack_.runs->Begin("r3", "host 2"));
  EXPECT_THAT(stack_.Audit("service.unclean_start"), SizeIs(1));
}

TEST_F(RunStoreTest, ARunThatEndedInOrderIsNotNamed) {
  ASSERT_OK(stack_.runs->Begin("r1", "host 1"));
  ASSERT_OK(stack_.runs->End("r1", {}));
  ASSERT_OK(stack_.runs->Begin("r2", "host 1"));
  EXPECT_THAT(stack_.Audit("service.unclean_start"), IsEmpty());
}

TEST_F(RunStoreTest, ASilentRunIsNamedByAnotherAndComesBack) {
  ASSERT_OK(stack_.runs->Begin("r1", "host 1"));
  stack_.Exec("UPDATE runs SET heartbeat_time = now() - interval '1 minute'");
  ASSERT_OK(stack_.runs->Beat("r2", "host 2", absl::Now(), absl::Seconds(10), {}));
  EXPECT_THAT(stack_.Audit("service.unclean_start"), SizeIs(1));
  ASSERT_OK(stack_.runs->Beat("r1", "host 1", absl::Now(), absl::Seconds(10), {}));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM runs"), 2);
}

TEST_F(RunStoreTest, ACallWhoseOutcomeWasNotStoredIsRecordedByTheNextBeat) {
  OpenCalls calls;
  Heartbeat pulse(*stack_.runs, calls, "host 1", absl::Seconds(10));
  ASSERT_OK(pulse.Begin());
  calls.Begin("call1", absl::FromUnixSeconds(1'795'446'000));
  calls.Unrecorded("call1",
                   {.action = "ps.query", .subject = "connections/c1", .event_id = "call1"});
  ASSERT_OK(pulse.Step().status());
  ASSERT_OK(pulse.Step().status());
  EXPECT_THAT(stack_.Audit("ps.query"), SizeIs(1));
  EXPECT_EQ(calls.Oldest(absl::InfiniteFuture()), absl::InfiniteFuture());
  pulse.End();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM runs"), 0);
}

TEST_F(RunStoreTest, ARunWithACallInFlightDoesNotEndInOrder) {
  OpenCalls calls;
  Heartbeat pulse(*stack_.runs, calls, "host 1", absl::Seconds(10));
  ASSERT_OK(pulse.Begin());
  calls.Begin("call1", absl::Now() - absl::Seconds(3));
  pulse.End();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM runs"), 1);
}

// The handlers, without gRPC.
class HandlerTest : public StoreTest {
 protected:
  Executor executor_{1};
  int reported_ = 0;
  // Nothing is asked of PeopleSoft here.
  std::unique_ptr<PeopleSoft> people_soft_ = MakePeopleSoft(HttpClient::Create());
  Passwords passwords_{*stack_.connections};
  MasterData master_data_;
  OpenCalls calls_;
  Checker checker_{{*stack_.connections, *stack_.polls, *stack_.orders, *people_soft_, passwords_,
                    master_data_, calls_},
                   stack_.derive,
                   [] {}};
  OrderNews news_;
  OrderServer server_{*stack_.orders, *stack_.write_backs,     checker_, executor_,
                      executor_,      [this] { ++reported_; }, news_};
};

TEST_F(HandlerTest, ALeaseCarriesTheConnectionsStates) {
  Connect("c1");
  Connect("c2");
  stack_.Exec("UPDATE connections SET state = 'PAUSED' WHERE connection_id = 'c2'");
  Read({Row("1")});
  ASSERT_OK_AND_ASSIGN(const pb::LeaseOrdersResponse response, server_.Lease({}));
  EXPECT_EQ(response.orders_size(), 1);
  ASSERT_EQ(response.connections_size(), 2);
  EXPECT_EQ(response.connections(0).state(), pb::Connection::OBSERVE);
  EXPECT_EQ(response.connections(0).environment(), pb::Connection::TEST);
  EXPECT_EQ(response.connections(0).ups_account(), "accounts/demo");
  EXPECT_EQ(response.connections(1).state(), pb::Connection::PAUSED);
}

TEST_F(HandlerTest, LimitsAreNamed) {
  pb::LeaseOrdersRequest lease;
  lease.set_limit(501);
  EXPECT_THAT(server_.Lease(lease), HasCode(absl::StatusCode::kInvalidArgument));
  lease.set_limit(1);
  lease.mutable_lease_duration()->set_seconds(601);
  EXPECT_THAT(server_.Lease(lease).status().message(), HasSubstr("lease_duration"));
  EXPECT_THAT(server_.Acknowledge({}).status().message(), HasSubstr("acknowledgements: 0"));
  EXPECT_THAT(server_.Check({}).status().message(), HasSubstr("names: 0"));
  EXPECT_THAT(server_.Report({}, kAnn).status().message(), HasSubstr("updates: 0"));
  pb::ListOrdersRequest list;
  list.set_page_size(1001);
  EXPECT_THAT(server_.List(list).status().message(), HasSubstr("page_size: 1001"));
  list.set_page_size(1);
  list.set_connection("c1");
  EXPECT_THAT(server_.List(list), HasCode(absl::StatusCode::kInvalidArgument));
  list.set_connection("");
  list.set_page_token("?");
  EXPECT_THAT(server_.List(list).status().message(), HasSubstr("page_token"));
}

TEST_F(HandlerTest, AReportWakesTheLoopOnceItIsStored) {
  Connect("c1");
  pb::ReportTrackingRequest request;
  *request.add_updates() = Update(1);
  ASSERT_OK(server_.Report(request, kAnn).status());
  EXPECT_EQ(reported_, 1);
  request.mutable_updates(0)->set_status("NO_SUCH");
  EXPECT_THAT(server_.Report(request, kAnn), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(reported_, 1);
}

// The loops, with a PeopleSoft that must not be called.
class LoopTest : public StoreTest {
 protected:
  class NoPeopleSoft : public PeopleSoft {
   public:
    void Send(const Call&, std::function<void(Reply)>) override { ADD_FAILURE() << "called"; }
  };

  NoPeopleSoft people_soft_;
  OpenCalls calls_;
  Wakeup wakeup_;
  Executor executor_{1};
  const Post post_ = [this](std::function<void()> task) { executor_.Post(std::move(task)); };
  const Backoff soon_ = {.first = absl::Milliseconds(1), .cap = absl::Milliseconds(1)};
  // Of the passwords' database only.
  Db away_{"host=/nowhere dbname=psups", 1};
  std::unique_ptr<ConnectionStore> lost_ = MakeConnectionStore(away_, stack_.sealer);
  Passwords no_passwords_{*lost_};
  MasterData master_data_;
};

TEST_F(LoopTest, APasswordThatTheDatabaseDidNotGiveIsAskedForAgainSoon) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  Poller poller(*stack_.polls, people_soft_, no_passwords_, master_data_, calls_, post_,
                stack_.derive, {.retry = soon_, .setup_retry = absl::Hours(9)}, wakeup_);
  ASSERT_THAT(poller.Step(), IsOkAndHolds(1));
  poller.Drain();
  WriteBacker write_backer(*stack_.write_backs, people_soft_, no_passwords_, calls_, post_,
                           {.retry = soon_, .setup_retry = absl::Hours(9)}, wakeup_);
  ASSERT_THAT(write_backer.Step(), IsOkAndHolds(1));
  write_backer.Drain();
  for (const char* table : {"source_cursors", "write_back_lanes"}) {
    EXPECT_EQ(stack_.Count(absl::StrCat("SELECT count(*) FROM ", table,
                                        " WHERE due_time < now() + interval '8 hours' AND "
                                        "failure_count = 1 AND last_error LIKE 'not %'")),
              1)
        << table;
  }
}

TEST_F(LoopTest, ALaneWithNothingThatCanBeReadIsLookedAtAgainSoon) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  stack_.Exec("UPDATE write_backs SET content = '\\x00'");
  Passwords passwords(*stack_.connections);
  WriteBacker write_backer(*stack_.write_backs, people_soft_, passwords, calls_, post_,
                           {.retry = soon_, .setup_retry = absl::Hours(9)}, wakeup_);
  ASSERT_THAT(write_backer.Step(), IsOkAndHolds(1));
  write_backer.Drain();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_back_lanes WHERE last_error <> '' AND "
                         "due_time < now() + interval '8 hours'"),
            1);
}

TEST_F(StoreTest, GaugesTellAgesAndCounts) {
  Connect("c1");
  Read({Row("1")});
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  EXPECT_OK(MakeGauges(stack_.schema.db())->Refresh());
}

}  // namespace
}  // namespace psups::ps_ingest
