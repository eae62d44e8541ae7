#include <string>
#include <vector>

#include "tests/ps-ingest/store_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using ::testing::SizeIs;

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

TEST_F(WriteBackStoreTest, WhatWaitsForAPersonAPeerOrItsTurnIsNoDueWork) {
  Connect("c1");
  Activate();
  EXPECT_THAT(stack_.write_backs->OldestDue(), IsOkAndHolds(absl::ZeroDuration()));
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2)}, kAnn));
  stack_.Exec("UPDATE write_backs SET create_time = now() - interval '1 hour'");
  // The lane has been free since a moment ago: nobody could take it before.
  ASSERT_OK_AND_ASSIGN(const absl::Duration young, stack_.write_backs->OldestDue());
  EXPECT_LT(young, absl::Minutes(5));
  stack_.Exec("UPDATE write_back_lanes SET due_time = now() - interval '30 minutes'");
  ASSERT_OK_AND_ASSIGN(const absl::Duration due, stack_.write_backs->OldestDue());
  EXPECT_GE(due, absl::Minutes(30));
  EXPECT_LT(due, absl::Minutes(35));

  stack_.Exec("UPDATE write_back_lanes SET due_time = now() + interval '1 hour'");  // PeopleSoft
  EXPECT_THAT(stack_.write_backs->OldestDue(), IsOkAndHolds(absl::ZeroDuration()));
  stack_.Exec("UPDATE write_back_lanes SET due_time = now() - interval '30 minutes'");
  stack_.Exec("UPDATE write_backs SET state = 'PARKED' WHERE sequence_number = 1");
  EXPECT_THAT(stack_.write_backs->OldestDue(), IsOkAndHolds(absl::ZeroDuration()));
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

}  // namespace
}  // namespace psups::ps_ingest
