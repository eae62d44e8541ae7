#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "services/tracking-sync/tracker.h"
#include "tests/tracking-sync/fixture.h"

namespace psups::tracking_sync {
namespace {

using ::psups::testing::HasCode;

constexpr char kA[] = "1Z999AA10000000001";
constexpr char kB[] = "1Z999AA10000000002";

class StoreTest : public StoreFixture {
 protected:
  // A status of each number, in the order of positions.
  std::vector<std::string> Changes() {
    EXPECT_OK(store_->Publish(1000).status());
    auto response = store_->ReadChanges("", 1000);
    EXPECT_OK(response.status());
    std::vector<std::string> changes;
    for (const auto& change : response->changes()) {
      changes.push_back(
          absl::StrCat(change.tracking_number(), " ", pb::Status_Name(change.status())));
    }
    return changes;
  }

  const absl::Time start_ = absl::Now() - absl::Hours(1);
};

TEST_F(StoreTest, ATrackerBeginsWithOurOwnLabelCreatedReportedForEachSchedule) {
  ASSERT_OK(Create({NewTracker(kA, {1, 2})}));
  ASSERT_OK_AND_ASSIGN(const pb::Tracker tracker, store_->Get(kA));
  EXPECT_EQ(tracker.status(), pb::LABEL_CREATED);
  EXPECT_EQ(tracker.name(), absl::StrCat("trackers/", kA));
  EXPECT_EQ(tracker.document().document_id(), "0000000123");
  ASSERT_EQ(tracker.contents_size(), 2);
  EXPECT_EQ(tracker.contents(1).line_number(), 2);
  EXPECT_EQ(tracker.contents(1).quantity(), "2.5");
  EXPECT_EQ(tracker.subscription(), pb::Tracker::WANTED);
  ASSERT_EQ(tracker.events_size(), 1);
  EXPECT_EQ(tracker.events(0).source(), pb::Event::OWN);
  ASSERT_OK_AND_ASSIGN(const auto due, store_->DueUpdates(10, absl::Seconds(10)));
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].update.status(), "LABEL_CREATED");
  EXPECT_EQ(due[0].update.sequence_number(), 1);
  EXPECT_EQ(due[1].update.sequence_number(), 1);
  EXPECT_EQ(due[0].update.update_id().size(), 32u);
  EXPECT_NE(due[0].update.update_id(), due[1].update.update_id());
  EXPECT_TRUE(due[0].update.is_current());
}

TEST_F(StoreTest, EachWorkersOldestDueWorkHasAnAge) {
  const auto ages = [this] {
    std::map<std::string, int64_t> hours;
    const auto statistics = store_->Count();
    EXPECT_OK(statistics.status());
    for (const auto& [worker, age] : statistics->oldest_due) {
      hours[worker] = absl::ToInt64Hours(age);
    }
    return hours;
  };
  const std::map<std::string, int64_t> nothing = {
      {"process", 0}, {"subscribe", 0}, {"backfill", 0}, {"report", 0}};
  EXPECT_EQ(ages(), nothing);
  ASSERT_OK(Create({NewTracker(kA)}));
  Query(
      "UPDATE trackers SET subscribe_due_time = now() - interval '2 hours', "
      "read_due_time = now() - interval '3 hours'");
  Query("UPDATE updates SET due_time = now() - interval '4 hours'");
  const std::map<std::string, int64_t> old = {
      {"process", 0}, {"subscribe", 2}, {"backfill", 3}, {"report", 4}};
  EXPECT_EQ(ages(), old);
  Query(
      "UPDATE trackers SET subscribe_due_time = now() + interval '2 hours', "
      "read_due_time = NULL");
  Query("UPDATE updates SET reported_time = now()");
  EXPECT_EQ(ages(), nothing);
}

TEST_F(StoreTest, CreatingAgainChangesNothing) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(Create({NewTracker(kA), NewTracker(kB)}));
  EXPECT_EQ(Number("SELECT count(*) FROM events"), 2);
  EXPECT_EQ(Number("SELECT count(*) FROM updates"), 2);
  EXPECT_EQ(Number("SELECT count(*) FROM audit_outbox"), 2);
}

TEST_F(StoreTest, ANumberOfAnotherShipmentIsRefusedAndNothingOfTheRequestStands) {
  ASSERT_OK(Create({NewTracker(kA)}));
  auto other = NewTracker(kA);
  other.set_shipment("shipments/s2");
  const absl::Status refused = Create({NewTracker(kB), other});
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_NE(refused.message().find(kA), absl::string_view::npos);
  EXPECT_THAT(store_->Get(kB), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(StoreTest, EventCounterUpdateChangeAndAuditStandInOneCommit) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(Process(ScanAt(kA, start_, "I", "OR")));
  EXPECT_EQ(Number("SELECT count(*) FROM events"), 2);
  EXPECT_EQ(Number("SELECT last_sequence FROM schedule_counters"), 2);
  EXPECT_EQ(Text("SELECT string_agg(sequence_number::text, ',' ORDER BY update_order) "
                 "FROM updates"),
            "1,2");
  // Six rows, one transaction id.
  EXPECT_EQ(Text("SELECT count(*) || ' in ' || count(DISTINCT xmin::text) FROM ("
                 "SELECT xmin FROM events WHERE source = 'WEBHOOK' UNION ALL "
                 "SELECT xmin FROM updates WHERE sequence_number = 2 UNION ALL "
                 "SELECT xmin FROM schedule_counters UNION ALL "
                 "SELECT xmin FROM changes WHERE status = 'PICKED_UP' UNION ALL "
                 "SELECT xmin FROM audit_outbox WHERE convert_from(entry, 'UTF8') LIKE "
                 "'%tracking.event%' UNION ALL "
                 "SELECT xmin FROM received_events WHERE state = 'DONE') AS all_rows"),
            "6 in 1");
}

TEST_F(StoreTest, OneThatCannotBeRecordedLeavesNothing) {
  ASSERT_OK(Create({NewTracker(kA)}));
  Query("ALTER TABLE audit_outbox ADD CONSTRAINT refuse CHECK (false) NOT VALID");
  EXPECT_FALSE(Process(ScanAt(kA, start_, "I", "OR")).ok());
  EXPECT_EQ(Number("SELECT count(*) FROM events"), 1);
  EXPECT_EQ(Number("SELECT last_sequence FROM schedule_counters"), 1);
  EXPECT_EQ(StatusOf(kA), pb::LABEL_CREATED);
  EXPECT_EQ(Number("SELECT count(*) FROM received_events WHERE state = 'NEW'"), 1);
}

TEST_F(StoreTest, DoublesFallOutWhicheverChannelTheyComeBy) {
  ASSERT_OK(Create({NewTracker(kA)}));
  const Scan scan = ScanAt(kA, start_, "I", "DP");
  ASSERT_OK(Process(scan));
  ASSERT_OK(Process(scan));
  Scan upper = scan;
  upper.status_code = "005";
  ASSERT_OK(store_->StoreReads(
      {{.tracking_number = kA, .answered = true, .found = true, .scans = {upper, upper}}}));
  EXPECT_EQ(Number("SELECT count(*) FROM events WHERE source <> 'OWN'"), 1);
  EXPECT_EQ(Number("SELECT last_sequence FROM schedule_counters"), 2);
  EXPECT_EQ(Number("SELECT count(*) FROM received_events WHERE state = 'DONE'"), 2);
}

TEST_F(StoreTest, ScansOutOfOrderAreNumberedAsTheyComeAndLateOnesAreNotCurrent) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(Process(ScanAt(kA, start_ + absl::Minutes(3), "D", "FS")));
  ASSERT_OK(Process(ScanAt(kA, start_ + absl::Minutes(1), "I", "OR")));
  ASSERT_OK(Process(ScanAt(kA, start_ + absl::Minutes(2), "I", "OT")));
  EXPECT_EQ(StatusOf(kA), pb::DELIVERED);
  EXPECT_EQ(Text("SELECT string_agg(status || ':' || sequence_number || ':' || is_current, ' ' "
                 "ORDER BY sequence_number) FROM updates JOIN events USING (tracking_number, "
                 "event_id)"),
            "LABEL_CREATED:1:true DELIVERED:2:true PICKED_UP:3:false OUT_FOR_DELIVERY:4:false");
  EXPECT_THAT(Changes(), ::testing::ElementsAre(absl::StrCat(kA, " LABEL_CREATED"),
                                                absl::StrCat(kA, " DELIVERED")));
}

TEST_F(StoreTest, TwoPackagesOfOneScheduleShareItsNumbers) {
  ASSERT_OK(Create({NewTracker(kA), NewTracker(kB)}));
  ASSERT_OK(store_->StoreReads({{.tracking_number = kA,
                                 .answered = true,
                                 .found = true,
                                 .scans = {ScanAt(kA, start_ + absl::Minutes(2), "I", "DP")}},
                                {.tracking_number = kB,
                                 .answered = true,
                                 .found = true,
                                 .scans = {ScanAt(kB, start_ + absl::Minutes(1), "I", "OR")}}}));
  EXPECT_EQ(Text("SELECT string_agg(sequence_number::text || right(tracking_number, 1), ',' ORDER "
                 "BY sequence_number) FROM updates WHERE sequence_number > 2"),
            "32,41");
}

TEST_F(StoreTest, NumbersHaveNoGapsThoughManyWriteAtOnce) {
  std::vector<pb::CreateTrackersRequest::NewTracker> trackers;
  std::vector<std::string> numbers;
  for (int i = 0; i < 8; ++i) {
    numbers.push_back(absl::StrCat("1Z999AA1000000010", i));
    trackers.push_back(NewTracker(numbers.back(), {1, 2, 3}));
  }
  ASSERT_OK(Create(trackers));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        std::vector<ReadOutcome> reads;
        for (int n = 0; n < 2; ++n) {
          const std::string& number = numbers[static_cast<std::size_t>((t * 2 + i + n * 3) % 8)];
          reads.push_back({.tracking_number = number,
                           .answered = true,
                           .found = true,
                           .scans = {ScanAt(number, start_ + absl::Seconds(i), "I", "DP")}});
        }
        EXPECT_OK(store_->StoreReads(reads));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Number("SELECT count(*) FROM (SELECT line_number, count(*) AS n, max(sequence_number) "
                   "AS most, count(DISTINCT sequence_number) AS distinct_n FROM updates GROUP BY "
                   "line_number) s WHERE n <> most OR n <> distinct_n"),
            0);
  EXPECT_EQ(Number("SELECT max(last_sequence) FROM schedule_counters"),
            Number("SELECT count(*) FROM events"));
}

TEST_F(StoreTest, PositionsHaveNoGapsAndNothingIsSkippedThoughCommitsInterleave) {
  std::atomic<bool> writing = true;
  std::vector<std::string> seen;
  std::thread reader([&] {
    std::string cursor;
    while (true) {
      const bool last = !writing;
      EXPECT_OK(store_->Publish(7).status());
      auto page = store_->ReadChanges(cursor, 5);
      ASSERT_OK(page.status());
      for (const auto& change : page->changes()) seen.push_back(change.tracking_number());
      cursor = page->next_cursor();
      if (last && page->changes().empty()) return;
    }
  });
  std::thread publisher([&] {
    while (writing) EXPECT_OK(store_->Publish(3).status());
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        auto tracker = NewTracker(absl::StrCat("1Z999AA100000", 10000 + t * 100 + i));
        tracker.mutable_document()->set_document_id(absl::StrCat("D", t));
        EXPECT_OK(Create({tracker}));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  while (*store_->Publish(100) > 0) {
  }
  writing = false;
  publisher.join();
  reader.join();
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 100u);
  EXPECT_EQ(Number("SELECT max(position) FROM changes"), 100);
  EXPECT_EQ(Number("SELECT count(DISTINCT position) FROM changes"), 100);
}

// A change that was made before another but committed after it gets the later position.
TEST_F(StoreTest, ACommitThatComesLateIsNotSkipped) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(schema_.db().Transact([&](Tx& tx) -> absl::Status {
    EXPECT_OK(tx.Exec("INSERT INTO changes (tracking_number, shipment, status, detail, event_time) "
                      "VALUES ('late', '', 'LOST', '', now())")
                  .status());
    EXPECT_OK(Create({NewTracker(kB)}));
    EXPECT_THAT(Changes(), ::testing::ElementsAre(absl::StrCat(kA, " LABEL_CREATED"),
                                                  absl::StrCat(kB, " LABEL_CREATED")));
    return absl::OkStatus();
  }));
  EXPECT_THAT(Changes(), ::testing::ElementsAre(absl::StrCat(kA, " LABEL_CREATED"),
                                                absl::StrCat(kB, " LABEL_CREATED"), "late LOST"));
}

TEST_F(StoreTest, ACursorOfAnotherEpochIsOutOfRange) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(store_->Publish(10).status());
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ReadChanges("", 10));
  ASSERT_OK_AND_ASSIGN(const auto end, store_->ReadChanges(page.next_cursor(), 10));
  EXPECT_EQ(end.next_cursor(), page.next_cursor());
  EXPECT_THAT(store_->ReadChanges("0000000000000000-1", 10),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(store_->ReadChanges("1", 10), HasCode(absl::StatusCode::kInvalidArgument));
  // A position that this database has not given: it lost commits.
  Query("UPDATE change_head SET last_position = 0");
  EXPECT_THAT(store_->ReadChanges(page.next_cursor(), 10), HasCode(absl::StatusCode::kOutOfRange));
  Query("UPDATE change_head SET last_position = 1");
  // The table made anew, as a restore makes it.
  Query("CREATE TABLE changes_2 (LIKE changes INCLUDING ALL)");
  Query("ALTER TABLE changes RENAME TO changes_1");
  Query("ALTER TABLE changes_2 RENAME TO changes");
  EXPECT_THAT(store_->ReadChanges(page.next_cursor(), 10), HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(StoreTest, UpdateIdsAreTheSameInADatabaseMadeAnew) {
  const absl::Time time = start_;
  const auto ids = [&](TrackerStore& store) {
    pb::CreateTrackersRequest request;
    *request.add_trackers() = NewTracker(kA);
    EXPECT_OK(store.Create(request, builder_));
    EXPECT_OK(store.StoreReads({{.tracking_number = kA,
                                 .answered = true,
                                 .found = true,
                                 .scans = {ScanAt(kA, time, "I", "OR")}}}));
    std::vector<std::string> ids;
    auto due = store.DueUpdates(10, absl::Seconds(1));
    EXPECT_OK(due.status());
    for (const auto& one : *due) ids.push_back(one.update.update_id());
    return ids;
  };
  const std::vector<std::string> first = ids(*store_);
  testing::ScratchSchema other("tracking-sync");
  Sealer sealer(other.db(), TestKeys());
  EXPECT_EQ(ids(*MakePostgresTrackerStore(other.db(), sealer, {})), first);
  EXPECT_EQ(first.size(), 2u);
}

TEST_F(StoreTest, ClosingReportsVoidedOnceAndEndsTheSubscription) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(Close(kA));
  ASSERT_OK(Close(kA));
  ASSERT_OK(Process(ScanAt(kA, absl::Now(), "MV", "VP")));
  ASSERT_OK_AND_ASSIGN(const pb::Tracker tracker, store_->Get(kA));
  EXPECT_EQ(tracker.status(), pb::VOIDED);
  EXPECT_EQ(tracker.subscription(), pb::Tracker::ENDED);
  EXPECT_EQ(tracker.events_size(), 2);
  EXPECT_EQ(Number("SELECT last_sequence FROM schedule_counters"), 2);
  EXPECT_EQ(Text("SELECT subscribe_due_time FROM trackers"), "NULL");
  const absl::Status unknown = Close(kB);
  EXPECT_THAT(unknown, HasCode(absl::StatusCode::kNotFound));
  EXPECT_NE(unknown.message().find(kB), absl::string_view::npos);
}

TEST_F(StoreTest, AScanOfAVoidedParcelIsSeenAndFollowedAgain) {
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(Close(kA));
  ASSERT_OK(Process(ScanAt(kA, absl::Now() + absl::Seconds(5), "I", "OR")));
  EXPECT_EQ(StatusOf(kA), pb::PICKED_UP);
  EXPECT_EQ(Text("SELECT subscription FROM trackers"), "WANTED");
  EXPECT_EQ(Changes().back(), absl::StrCat(kA, " PICKED_UP"));
}

TEST_F(StoreTest, AMessageThatCameBeforeItsTrackerIsAdopted) {
  const std::string id = Receive(ScanAt(kA, start_, "I", "OR"));
  const NewScan scan = {.scan = ScanAt(kA, start_, "I", "OR"), .received_id = id};
  ASSERT_OK(store_->StoreScans({scan}, {}));
  EXPECT_EQ(Text("SELECT state FROM received_events"), "UNKNOWN");
  ASSERT_OK_AND_ASSIGN(const auto none, store_->DueReceived(10));
  EXPECT_TRUE(none.empty());
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK_AND_ASSIGN(const auto due, store_->DueReceived(10));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].body, Message(scan.scan));
  ASSERT_OK(store_->StoreScans({scan}, {}));
  EXPECT_EQ(StatusOf(kA), pb::PICKED_UP);
  EXPECT_EQ(Text("SELECT state FROM received_events"), "DONE");
}

// The message is processed while the tracker's transaction has not committed: neither sees the
// other.
TEST_F(StoreTest, AMessageThatCrossesItsTrackersCommitIsLookedAtAgainByItself) {
  const NewScan scan = {.scan = ScanAt(kA, start_, "I", "OR"),
                        .received_id = Receive(ScanAt(kA, start_, "I", "OR"))};
  ASSERT_OK(store_->StoreScans({scan}, {}));
  EXPECT_EQ(Number("SELECT count(*) FROM received_events WHERE due_time > now() AND due_time <= "
                   "now() + interval '2 seconds'"),
            1);
}

TEST_F(StoreTest, TheSameMessagesInTwoReplicasAreProcessedOnce) {
  ASSERT_OK(Create({NewTracker(kA)}));
  std::vector<NewScan> scans;
  for (int i = 0; i < 50; ++i) {
    const Scan scan = ScanAt(kA, start_ + absl::Seconds(i), "I", "DP");
    scans.push_back({.scan = scan, .received_id = Receive(scan)});
  }
  std::vector<std::thread> replicas;
  for (int i = 0; i < 4; ++i) {
    replicas.emplace_back([&] { EXPECT_OK(store_->StoreScans(scans, {})); });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(Number("SELECT count(*) FROM events"), 51);
  EXPECT_EQ(Number("SELECT last_sequence FROM schedule_counters"), 51);
}

TEST_F(StoreTest, WhatIsStoredTellsNoPlaceAndNoName) {
  nlohmann::json message = nlohmann::json::parse(Message(ScanAt(kA, start_, "D", "FS")));
  message["receivedBy"] = "JOHNSMITH";
  ASSERT_OK(store_->Store({{.received_id = "r1", .tracking_number = kA, .body = message.dump()}}));
  ASSERT_OK(Create({NewTracker(kA)}));
  ASSERT_OK(store_->StoreScans({{.scan = ScanAt(kA, start_, "D", "FS"), .received_id = "r1"}}, {}));
  for (const char* table :
       {"received_events", "events", "updates", "changes", "trackers", "audit_outbox"}) {
    const std::string rows =
        Text(absl::StrCat("SELECT string_agg(t::text || coalesce(encode(",
                          std::string(table) == "audit_outbox" ? "entry" : "''::bytea",
                          ", 'escape'), ''), ' ') FROM ", table, " t"));
    for (const char* secret : {"JOHNSMITH", "CHARLOTTE", "Charlotte", "4a4f484e", "43484152"}) {
      EXPECT_EQ(rows.find(secret), std::string::npos) << table << " " << secret;
    }
  }
  ASSERT_OK_AND_ASSIGN(const pb::Tracker tracker, store_->Get(kA));
  EXPECT_EQ(tracker.events(1).activity().city(), "CHARLOTTE");
}

TEST_F(StoreTest, OneReplicaReportsAtATimeAndAnotherTakesOverWhenItIsGone) {
  ASSERT_OK(Create({NewTracker(kA)}));
  const auto other = MakePostgresTrackerStore(schema_.db(), sealer_, {});
  ASSERT_OK_AND_ASSIGN(const auto mine, store_->DueUpdates(10, absl::Milliseconds(200)));
  EXPECT_EQ(mine.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto none, other->DueUpdates(10, absl::Seconds(10)));
  EXPECT_TRUE(none.empty());
  Query("UPDATE loop_leases SET until = now() - interval '1 second'");
  ASSERT_OK_AND_ASSIGN(const auto taken, other->DueUpdates(10, absl::Seconds(10)));
  EXPECT_EQ(taken.size(), 1u);
  ASSERT_OK(other->MarkReported({taken[0].order}));
  ASSERT_OK_AND_ASSIGN(const auto done, other->DueUpdates(10, absl::Seconds(10)));
  EXPECT_TRUE(done.empty());
}

TEST_F(StoreTest, AnUpdateWhoseEventDoesNotOpenIsReportedWithoutItsWords) {
  ASSERT_OK(Create({NewTracker(kA), NewTracker(kB)}));
  Query(
      absl::StrCat("UPDATE events SET payload = (SELECT payload FROM events WHERE "
                   "tracking_number = '",
                   kA, "')"));
  ASSERT_OK_AND_ASSIGN(const auto due, store_->DueUpdates(10, absl::Seconds(10)));
  std::map<std::string, std::string> words;
  for (const auto& [order, update] : due) {
    EXPECT_EQ(update.status(), "LABEL_CREATED");
    words[update.tracking_number()] = update.description();
  }
  EXPECT_THAT(
      words, ::testing::ElementsAre(::testing::Pair(kA, "Label created"), ::testing::Pair(kB, "")));
}

TEST_F(StoreTest, ALeaseThatIsRenewedStaysAndOneOfADeadProcessComesBack) {
  ASSERT_OK(Create({NewTracker(kA), NewTracker(kB)}));
  Query("UPDATE trackers SET read_due_time = now()");
  const auto lost = [&](const auto& lease, const auto& renew) {
    const auto first = lease(absl::ZeroDuration());
    EXPECT_EQ(first.trackers.size(), 2u);
    EXPECT_OK(renew({{first.token, kA}, {"a lease before", kB}}));
    std::vector<std::string> numbers;
    for (const auto& tracker : lease(absl::Minutes(1)).trackers) {
      numbers.push_back(tracker.tracking_number);
    }
    return numbers;
  };
  EXPECT_THAT(lost([&](absl::Duration d) { return *store_->LeaseForSubscribing(10, d); },
                   [&](const std::vector<HeldLease>& held) {
                     return store_->RenewSubscribing(held, absl::Minutes(1));
                   }),
              ::testing::ElementsAre(kB));
  EXPECT_THAT(lost([&](absl::Duration d) { return *store_->LeaseForReading(10, d); },
                   [&](const std::vector<HeldLease>& held) {
                     return store_->RenewReading(held, absl::Minutes(1));
                   }),
              ::testing::ElementsAre(kB));
}

TEST_F(StoreTest, LeasedTrackersAreNotHandedOutTwiceAndALostLeaseChangesNothing) {
  ASSERT_OK(Create({NewTracker(kA), NewTracker(kB)}));
  ASSERT_OK_AND_ASSIGN(const auto lease, store_->LeaseForSubscribing(10, absl::Minutes(1)));
  EXPECT_EQ(lease.trackers.size(), 2u);
  ASSERT_OK_AND_ASSIGN(const auto none, store_->LeaseForSubscribing(10, absl::Minutes(1)));
  EXPECT_TRUE(none.trackers.empty());
  Query("UPDATE trackers SET subscribe_due_time = now()");
  ASSERT_OK_AND_ASSIGN(const auto second, store_->LeaseForSubscribing(10, absl::Minutes(1)));
  const std::vector<SubscribeOutcome> outcomes = {
      {kA, SubscribeOutcome::Result::kSubscribed, absl::Now() + absl::Hours(24 * 14)}};
  ASSERT_OK(store_->StoreSubscriptions(lease.token, outcomes));
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE subscription = 'SUBSCRIBED'"), 0);
  ASSERT_OK(store_->StoreSubscriptions(second.token, outcomes));
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE subscription = 'SUBSCRIBED'"), 1);
}

TEST_F(StoreTest, AReadThatWasUnderWayWhenTheParcelWasDeliveredIsNotTheLastOne) {
  ASSERT_OK(Create({NewTracker(kA)}));
  Query("UPDATE trackers SET read_due_time = now()");
  ASSERT_OK_AND_ASSIGN(const auto lease, store_->LeaseForReading(10, absl::Minutes(1)));
  ASSERT_EQ(lease.trackers.size(), 1u);
  ASSERT_OK(Process(ScanAt(kA, start_, "D", "FS")));
  ASSERT_OK(store_->StoreReads({{.tracking_number = kA,
                                 .lease_token = lease.token,
                                 .start_time = lease.trackers[0].lease_time,
                                 .answered = true,
                                 .found = true}}));
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE read_due_time BETWEEN now() + interval "
                   "'59 minutes' AND now() + interval '61 minutes'"),
            1);
  Query("UPDATE trackers SET read_due_time = now()");
  ASSERT_OK_AND_ASSIGN(const auto last, store_->LeaseForReading(10, absl::Minutes(1)));
  ASSERT_OK(store_->StoreReads({{.tracking_number = kA,
                                 .lease_token = last.token,
                                 .start_time = last.trackers[0].lease_time,
                                 .answered = true,
                                 .found = true}}));
  EXPECT_EQ(Text("SELECT read_due_time FROM trackers"), "NULL");
}

TEST_F(StoreTest, CoverageTellsWhichChannelWatchedWhen) {
  ASSERT_OK(Create({NewTracker(kA)}));
  const auto subscribe = [&](absl::Duration life) {
    Query("UPDATE trackers SET subscribe_due_time = now()");
    ASSERT_OK_AND_ASSIGN(const auto lease, store_->LeaseForSubscribing(10, absl::Minutes(1)));
    ASSERT_OK(store_->StoreSubscriptions(
        lease.token, {{kA, SubscribeOutcome::Result::kSubscribed, absl::Now() + life}}));
  };
  subscribe(absl::Hours(24 * 14));
  subscribe(absl::Hours(24 * 15));
  ASSERT_OK_AND_ASSIGN(const auto lease, store_->LeaseForReading(10, absl::Minutes(1)));
  ASSERT_OK(store_->StoreReads({{.tracking_number = kA,
                                 .lease_token = lease.token,
                                 .start_time = lease.trackers.at(0).lease_time,
                                 .answered = true,
                                 .found = true}}));
  ASSERT_OK_AND_ASSIGN(const pb::Tracker tracker, store_->Get(kA));
  ASSERT_EQ(tracker.coverage_size(), 2);
  EXPECT_EQ(tracker.coverage(0).channel(), pb::Event::TRACK);
  EXPECT_EQ(FromProto(tracker.coverage(0).to_time()), lease.trackers[0].lease_time);
  EXPECT_EQ(tracker.coverage(1).channel(), pb::Event::WEBHOOK);
  EXPECT_GT(FromProto(tracker.coverage(1).to_time()), absl::Now() + absl::Hours(24 * 14 + 23));
}

class DoorTest : public StoreTest {
 protected:
  // One number, subscribed an hour ago and read every six hours.
  void Follow() {
    ASSERT_OK(Create({NewTracker(kA)}));
    ASSERT_OK_AND_ASSIGN(const auto lease, store_->LeaseForSubscribing(10, absl::Minutes(1)));
    ASSERT_OK(store_->StoreSubscriptions(lease.token, {{kA, SubscribeOutcome::Result::kSubscribed,
                                                        absl::Now() + absl::Hours(24 * 14)}}));
    Query("UPDATE coverage SET from_time = now() - interval '1 hour'");
    ReadLater();
  }
  void ReadLater() { Query("UPDATE trackers SET read_due_time = now() + interval '6 hours'"); }
  absl::Status Beat(const std::string& run, absl::Time refused_since = absl::InfiniteFuture()) {
    return store_->Heartbeat(run, absl::Seconds(20), refused_since);
  }
  // As if `run` had said nothing for so long.
  void Silence(const std::string& run, const std::string& interval = "30 seconds") {
    Query(absl::StrCat("UPDATE door_runs SET heartbeat_time = heartbeat_time - interval '",
                       interval, "' WHERE run_id = '", run, "'"));
  }

  // The number is read at once, and its coverage has a hole.
  bool GapFound() {
    return Number("SELECT count(*) FROM trackers WHERE read_due_time <= now()") == 1 &&
           Number("SELECT count(*) FROM coverage a JOIN coverage b ON b.from_time > a.to_time") ==
               1;
  }
  bool NoGap() {
    return Number("SELECT count(*) FROM trackers WHERE read_due_time <= now()") == 0 &&
           Number("SELECT count(*) FROM coverage") == 1;
  }
  int64_t UncleanStarts() {
    return Number(
        "SELECT count(*) FROM audit_outbox WHERE convert_from(entry, 'UTF8') LIKE "
        "'%service.unclean_start%'");
  }
};

TEST_F(DoorTest, ADoorThatWasLostIsAGapThatTrackFills) {
  ASSERT_OK(Beat("run1"));
  ASSERT_OK(Beat("run2"));
  Follow();
  ASSERT_OK(Beat("run2"));
  EXPECT_TRUE(NoGap());
  Silence("run1");
  ASSERT_OK(Beat("run2"));
  EXPECT_TRUE(GapFound());
  EXPECT_EQ(UncleanStarts(), 1);
  ReadLater();
  ASSERT_OK(Beat("run2"));  // told once
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE read_due_time <= now()"), 0);
}

TEST_F(DoorTest, ADoorThatWasClosedInOrderWhileAnotherWasOpenIsNoGap) {
  ASSERT_OK(Beat("run1"));
  ASSERT_OK(Beat("run2"));
  Follow();
  ASSERT_OK(store_->EndRun("run1"));
  Silence("run1", "1 hour");
  ASSERT_OK(Beat("run2"));
  ASSERT_OK(Beat("run3"));
  EXPECT_TRUE(NoGap());
}

TEST_F(DoorTest, TheTimeInWhichNoDoorWasOpenIsAGapThoughEachWasClosedInOrder) {
  ASSERT_OK(Beat("run1"));
  Follow();
  ASSERT_OK(store_->EndRun("run1"));
  ASSERT_OK(Beat("run2"));
  EXPECT_TRUE(GapFound());
  EXPECT_EQ(UncleanStarts(), 0);
  ReadLater();
  ASSERT_OK(Beat("run2"));  // told once
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE read_due_time <= now()"), 0);
}

TEST_F(DoorTest, ADoorWhoseOwnHeartStoodStillIsAGap) {
  ASSERT_OK(Beat("run1"));
  Follow();
  Silence("run1");
  ASSERT_OK(Beat("run1"));
  EXPECT_TRUE(GapFound());
  EXPECT_EQ(UncleanStarts(), 1);
  ReadLater();
  ASSERT_OK(Beat("run1"));
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE read_due_time <= now()"), 0);
}

TEST_F(DoorTest, WhatADoorRefusedIsAGapThoughItsHeartNeverStoodStill) {
  ASSERT_OK(Beat("run1"));
  Follow();
  ASSERT_OK(Beat("run1", absl::Now() - absl::Minutes(20)));
  EXPECT_TRUE(GapFound());
  EXPECT_EQ(Number("SELECT count(*) FROM coverage WHERE to_time < now() - interval '19 minutes'"),
            1);
  EXPECT_EQ(UncleanStarts(), 0);
  ReadLater();
  ASSERT_OK(Beat("run1"));
  EXPECT_EQ(Number("SELECT count(*) FROM trackers WHERE read_due_time <= now()"), 0);
}

TEST_F(DoorTest, TheEarlierOfARefusalAndALossBeginsTheGap) {
  for (const char* silence : {"10 minutes", "30 minutes"}) {
    Query("TRUNCATE trackers, coverage, door_runs CASCADE");
    ASSERT_OK(Beat("run1"));
    Follow();
    Silence("run1", silence);
    ASSERT_OK(Beat("run1", absl::Now() - absl::Minutes(20)));
    EXPECT_TRUE(GapFound());
    EXPECT_EQ(Number(absl::StrCat("SELECT count(*) FROM coverage WHERE to_time < now() - greatest("
                                  "interval '",
                                  silence, "', interval '19 minutes')")),
              1)
        << silence;
  }
}

TEST_F(DoorTest, ADoorThatWasTakenForLostAndComesBackCanBeLostAgain) {
  ASSERT_OK(Beat("run1"));
  ASSERT_OK(Beat("run2"));
  Follow();
  Silence("run1");
  ASSERT_OK(Beat("run2"));
  ReadLater();
  ASSERT_OK(Beat("run1"));  // until now it could store nothing
  EXPECT_TRUE(GapFound());
  ReadLater();
  Silence("run1");
  ASSERT_OK(Beat("run2"));
  EXPECT_TRUE(GapFound());
  EXPECT_EQ(UncleanStarts(), 3);
}

TEST_F(StoreTest, ListsComeInPagesNewestFirst) {
  for (int i = 0; i < 5; ++i) {
    auto tracker = NewTracker(absl::StrCat("1Z999AA1000000020", i));
    tracker.mutable_document()->set_document_id(i < 3 ? "D1" : "D2");
    ASSERT_OK(Create({tracker}));
  }
  pb::ListTrackersRequest request;
  request.set_page_size(2);
  std::vector<std::string> numbers;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, store_->List(request));
    for (const auto& tracker : page.trackers()) numbers.push_back(tracker.tracking_number());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(numbers, ::testing::ElementsAre("1Z999AA10000000204", "1Z999AA10000000203",
                                              "1Z999AA10000000202", "1Z999AA10000000201",
                                              "1Z999AA10000000200"));
  request.set_page_size(10);
  request.set_document_id("D2");
  ASSERT_OK_AND_ASSIGN(const auto of_document, store_->List(request));
  EXPECT_EQ(of_document.trackers_size(), 2);
  request.set_status(pb::DELIVERED);
  ASSERT_OK_AND_ASSIGN(const auto delivered, store_->List(request));
  EXPECT_EQ(delivered.trackers_size(), 0);
}

TEST_F(StoreTest, OldMessagesAreDeletedAndFreshOnesKept) {
  Receive(ScanAt(kA, start_, "I", "OR"));
  ASSERT_OK(Create({NewTracker(kB)}));
  ASSERT_OK(Process(ScanAt(kB, start_, "I", "OR")));
  EXPECT_THAT(store_->DeleteOldReceived(10), testing::IsOkAndHolds(0));
  Query("UPDATE received_events SET receive_time = now() - interval '31 days'");
  EXPECT_THAT(store_->DeleteOldReceived(10), testing::IsOkAndHolds(1));
  EXPECT_EQ(Number("SELECT count(*) FROM received_events WHERE state = 'NEW'"), 1);
}

}  // namespace
}  // namespace psups::tracking_sync
