#include <atomic>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "gmock/gmock.h"
#include "tests/shipment-builder/shipment_door.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Watching : public ShipmentDoor {
 protected:
  void SetUp() override {
    ShipmentDoor::SetUp();
    As("service/tracking-sync");
  }
  void Publish() {
    ASSERT_OK(views->Publish(1000).status());
    watchers_.Notify();
  }
  absl::StatusOr<pb::WatchShipmentsResponse> Watch(const std::string& cursor,
                                                   absl::Duration wait = absl::ZeroDuration(),
                                                   int limit = 0) {
    pb::WatchShipmentsRequest request;
    request.set_cursor(cursor);
    request.set_limit(limit);
    request.mutable_wait()->set_seconds(absl::ToInt64Seconds(wait));
    return Call(&Stub::WatchShipments, request);
  }
  // All that is published after the cursor, which moves.
  std::vector<pb::Shipment> Rest(std::string& cursor) {
    Publish();
    const auto response = Watch(cursor, absl::ZeroDuration(), 1000);
    EXPECT_OK(response);
    if (!response.ok()) return {};
    cursor = response->next_cursor();
    return {response->shipments().begin(), response->shipments().end()};
  }
  static std::vector<std::string> Orders(const std::vector<pb::Shipment>& shipments) {
    std::vector<std::string> names;
    for (const pb::Shipment& shipment : shipments) names.push_back(shipment.order());
    return names;
  }
  static std::vector<std::string> Orders(const pb::WatchShipmentsResponse& response) {
    return Orders(
        std::vector<pb::Shipment>(response.shipments().begin(), response.shipments().end()));
  }
  void Ship(const std::string& order) {
    orders.Put(PlainOrder(order));
    Run();
  }
  template <typename Answer>
  static bool Waits(const Answer& answer) {
    return answer.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout;
  }
};

TEST_F(Watching, EachShipmentIsToldAsItIsWithoutNamesAndAddresses) {
  Ship("o1");
  std::string cursor;
  const std::vector<pb::Shipment> told = Rest(cursor);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].order(), "orders/o1");
  EXPECT_EQ(told[0].state(), pb::Shipment::LABELED);
  EXPECT_EQ(told[0].packages(0).tracking_number(), Only("o1").packages[0].tracking_number);
  EXPECT_FALSE(told[0].has_ship_to());
  EXPECT_FALSE(told[0].has_ship_from());
  EXPECT_THAT(Rest(cursor), IsEmpty());
}

TEST_F(Watching, WhatIsNotPublishedIsNotSeenAndTheCursorStays) {
  Ship("o1");
  ASSERT_OK_AND_ASSIGN(const auto nothing, Watch(""));
  EXPECT_THAT(Orders(nothing), IsEmpty());
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto first, Watch(nothing.next_cursor()));
  EXPECT_THAT(Orders(first), ElementsAre("orders/o1"));
  ASSERT_OK_AND_ASSIGN(const auto again, Watch(first.next_cursor()));
  EXPECT_EQ(again.next_cursor(), first.next_cursor());
}

TEST_F(Watching, AScanAndAReviewAreChangesALeaseIsNone) {
  Ship("o1");
  std::string cursor;
  Rest(cursor);
  ASSERT_OK(Exec("UPDATE shipments SET work = 'HAND_OVER', due_time = now()"));
  ASSERT_OK(store->Lease(Work::kHandOver, 10, absl::Minutes(1)).status());
  EXPECT_THAT(Rest(cursor), IsEmpty());
  const std::string number = Only("o1").packages[0].tracking_number;
  tracking.Scan(number, tracking::v1::IN_TRANSIT);
  Run();
  std::vector<pb::Shipment> told = Rest(cursor);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].packages(0).tracking_status(), "IN_TRANSIT");
  // The shipment stays IN_TRANSIT.
  tracking.Scan(number, tracking::v1::OUT_FOR_DELIVERY);
  Run();
  told = Rest(cursor);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].packages(0).tracking_status(), "OUT_FOR_DELIVERY");
  // A review beside the state.
  orders::v1::Order changed = PlainOrder("o1", 2);
  changed.mutable_schedules(0)->mutable_ship_to()->set_lines(0, "9 Other Street");
  orders.Put(changed);
  Run();
  told = Rest(cursor);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_FALSE(told[0].review().empty());
}

// Whoever adds a column says here whether others are told of its changes.
TEST_F(Watching, EveryColumnThatIsShownIsFollowed) {
  const std::set<std::string> silent = {
      // Never changed.
      "connection_id", "shipment_id", "order_id", "document_type", "business_unit", "document_id",
      "trace_id", "create_time", "package_number",
      // Of the queue, or of planning: not shown.
      "resume_state", "share_lines", "share_schedules", "share_quantities", "share_received",
      "validated", "ship_from_call", "holds", "undo", "void_number", "acknowledged", "handed_over",
      "work", "due_time", "lease_token", "lease_count", "wait_count", "failure_count",
      "packaging_code", "waived", "service_chosen", "vendor", "due_date", "label_stored_time",
      // With the state, always.
      "update_time"};
  Ship("o1");
  std::string cursor;
  Rest(cursor);
  int followed = 0;
  for (const std::string table : {"shipments", "packages"}) {
    ASSERT_OK_AND_ASSIGN(
        const Rows columns,
        db().Exec("SELECT column_name::text AS name, data_type::text AS type FROM "
                  "information_schema.columns WHERE table_schema = current_schema() AND "
                  "table_name = $1",
                  {table}));
    for (const Row& column : columns) {
      const std::string name = column.Text("name");
      const std::string type = column.Text("type");
      if (silent.count(name) > 0) continue;
      const std::string other = name == "state"        ? "'LOST'"
                                : name == "void_state" ? "'DONE'"
                                : type == "text"       ? "'other'"
                                : type == "bytea"      ? "'other'::bytea"
                                : type == "boolean"    ? absl::StrCat("NOT ", name)
                                : type == "ARRAY"      ? absl::StrCat(name, " || ", name, "[1]")
                                : type == "timestamp with time zone"
                                    ? "now()"
                                    : absl::StrCat("coalesce(", name, ", 0) + 1");
      const absl::Status changed = db().Transact([&](Tx& tx) -> absl::Status {
        RETURN_IF_ERROR(
            tx.Exec(absl::StrCat("UPDATE ", table, " SET ", name, " = ", other)).status());
        ASSIGN_OR_RETURN(const Rows noted,
                         tx.Exec("SELECT count(*) AS n FROM changes WHERE position IS NULL"));
        EXPECT_EQ(noted[0].Int("n"), 1) << table << "." << name;
        ++followed;
        return absl::CancelledError("only to see");
      });
      EXPECT_THAT(changed, HasCode(absl::StatusCode::kCancelled)) << table << "." << name;
    }
  }
  EXPECT_GT(followed, 20);
}

TEST_F(Watching, ALimitedResponseGoesOnWhereItStopped) {
  for (const char* id : {"o1", "o2", "o3"}) Ship(id);
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto first, Watch("", absl::ZeroDuration(), 2));
  EXPECT_THAT(Orders(first), SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const auto second, Watch(first.next_cursor(), absl::ZeroDuration(), 2));
  EXPECT_THAT(Orders(second), SizeIs(1));
}

TEST_F(Watching, OfAShipmentThatChangedAgainOnlyTheNewestChangeIsKept) {
  Ship("o1");
  Ship("o2");
  std::string cursor;
  EXPECT_THAT(Orders(Rest(cursor)), ElementsAre("orders/o1", "orders/o2"));
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  EXPECT_THAT(Orders(Rest(cursor)), ElementsAre("orders/o1"));
  std::string begin;
  EXPECT_THAT(Orders(Rest(begin)), ElementsAre("orders/o2", "orders/o1"));
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM changes"), "2");
}

// Written before another change but committed after it: it gets the later position.
TEST_F(Watching, ACommitThatComesLateIsNotSkipped) {
  Ship("o1");
  std::string cursor;
  Rest(cursor);
  ASSERT_OK(db().Transact([&](Tx& tx) -> absl::Status {
    EXPECT_OK(tx.Exec("UPDATE shipments SET failure = 'late' WHERE order_id = 'o1'"));
    Ship("o2");
    EXPECT_THAT(Orders(Rest(cursor)), ElementsAre("orders/o2"));
    return absl::OkStatus();
  }));
  const std::vector<pb::Shipment> late = Rest(cursor);
  ASSERT_THAT(Orders(late), ElementsAre("orders/o1"));
  EXPECT_EQ(late[0].failure(), "late");
}

// Two transactions change one shipment; the publisher sees the one that began later first.
TEST_F(Watching, AChangeIsNotTakenForOneThatIsNotCommittedYet) {
  Ship("o1");
  std::string cursor;
  Rest(cursor);
  ASSERT_OK(Exec("UPDATE shipments SET failure = 'first'"));
  ASSERT_OK(db().Transact([&](Tx& tx) -> absl::Status {
    EXPECT_OK(tx.Exec("UPDATE shipments SET failure = 'second'"));
    const std::vector<pb::Shipment> seen = Rest(cursor);
    EXPECT_THAT(seen, SizeIs(1));
    EXPECT_EQ(seen.at(0).failure(), "first");
    return absl::OkStatus();
  }));
  const std::vector<pb::Shipment> last = Rest(cursor);
  ASSERT_THAT(last, SizeIs(1));
  EXPECT_EQ(last[0].failure(), "second");
}

TEST_F(Watching, NothingIsSkippedThoughWritersPublishersAndReadersInterleave) {
  constexpr int kWriters = 3;
  constexpr int kWrites = 40;
  for (int i = 0; i < kWriters; ++i) Ship(absl::StrCat("o", i));
  std::atomic<int> writing = kWriters;
  std::atomic<bool> publishing = true;
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 1; n <= kWrites; ++n) {
        // Two changes in one transaction, the shipment's and its package's.
        EXPECT_OK(db().Transact([&](Tx& tx) -> absl::Status {
          const std::string order = absl::StrCat("o", i);
          RETURN_IF_ERROR(tx.Exec("UPDATE shipments SET failure = $2 WHERE order_id = $1",
                                  {order, std::to_string(n)})
                              .status());
          return tx
              .Exec(
                  "UPDATE packages p SET tracking_status = $2 FROM shipments s WHERE s.order_id "
                  "= $1 AND p.shipment_id = s.shipment_id",
                  {order, std::to_string(n)})
              .status();
        }));
      }
      --writing;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (writing > 0) EXPECT_OK(views->Publish(2).status());
    });
  }
  // What the reader knows last of each shipment must be what there is.
  std::map<std::string, std::string> known;
  std::thread reader([&] {
    std::string cursor;
    for (bool last = false; !last;) {
      last = !publishing;
      const auto page = views->ReadChanges(cursor, 2);
      ASSERT_OK(page.status());
      for (const ShipmentRecord& record : page->records) {
        const std::string& status = record.shipment.packages[0].tracking_status;
        EXPECT_EQ(record.shipment.failure, status);  // both of one commit
        known[record.shipment.order_id] = status;
      }
      last = last && page->records.empty();
      cursor = page->next_cursor;
    }
  });
  for (std::thread& thread : threads) thread.join();
  while (One("SELECT count(*)::text AS v FROM changes WHERE position IS NULL") != "0") Publish();
  publishing = false;
  reader.join();
  for (int i = 0; i < kWriters; ++i) {
    EXPECT_EQ(known[absl::StrCat("o", i)], std::to_string(kWrites));
  }
}

TEST_F(Watching, WhoWaitsHearsOfTheFirstChangeAndHoldsNoThread) {
  auto waiting = std::async(std::launch::async, [&] { return Watch("", absl::Seconds(30)); });
  EXPECT_TRUE(Waits(waiting));
  EXPECT_OK(Watch(""));  // the only handler thread is free
  Ship("o1");
  Publish();
  const auto response = waiting.get();
  ASSERT_OK(response);
  EXPECT_THAT(Orders(*response), ElementsAre("orders/o1"));
}

TEST_F(Watching, WhoWaitsIsAnsweredWhenTheServiceStops) {
  auto waiting = std::async(std::launch::async, [&] { return Watch("", absl::Seconds(30)); });
  EXPECT_TRUE(Waits(waiting));
  watchers_.Stop();
  EXPECT_OK(waiting.get());
}

TEST_F(Watching, ACursorOfAnotherDatabaseIsOutOfRange) {
  EXPECT_THAT(Watch("0000000000000000-4"), HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Watch("x"), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Watch("", absl::Seconds(31)), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Watch("", absl::ZeroDuration(), 1001), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(Watching, AnyServiceAndAnyPersonMayWatch) {
  for (const char* who : {"service/ps-ingest", "service/audit-ledger", "viewer/ann"}) {
    As(who);
    EXPECT_OK(Watch("")) << who;
  }
}

}  // namespace
}  // namespace psups::shipment_builder::testing
