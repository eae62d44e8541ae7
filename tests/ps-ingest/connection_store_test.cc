#include <string>
#include <vector>

#include "tests/ps-ingest/store_fixture.h"

namespace psups::ps_ingest {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::SizeIs;

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

}  // namespace
}  // namespace psups::ps_ingest
