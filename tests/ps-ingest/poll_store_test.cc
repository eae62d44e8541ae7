#include <string>
#include <vector>

#include "tests/ps-ingest/store_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

}  // namespace
}  // namespace psups::ps_ingest
