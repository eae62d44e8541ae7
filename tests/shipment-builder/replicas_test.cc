#include <thread>

#include "tests/shipment-builder/loops.h"

namespace psups::shipment_builder::testing {
namespace {

using UpsCall = ups::v1::Call;

// ---- Deaths ----

TEST_F(Loops, DyingBeforeTheAcknowledgementTakesTheOrderInOnce) {
  orders.acknowledge_fails = absl::UnavailableError("dead");
  orders.Put(PlainOrder("o1"));
  EXPECT_FALSE(replica->intake.Step().ok());
  Restart();
  orders.acknowledge_fails = absl::OkStatus();
  Run();
  EXPECT_EQ(Shipments("o1").size(), 1u);
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_TRUE(orders.IsAcknowledged("orders/o1"));
}

TEST_F(Loops, DyingBetweenIntentAndCallBuysOnceUnderTheSameRequest) {
  ups.create_fails = absl::CancelledError("it never left");
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string request_id = Only("o1").request_id();
  EXPECT_EQ(Allocated(), "4");
  Restart();
  ups.create_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").request_id(), request_id);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, AChangeBetweenIntentAndCallNeitherBuysNorHangs) {
  ups.create_fails = absl::CancelledError("it never left");
  orders.Put(PlainOrder("o1"));
  Run();
  const ups::v1::CreateShipmentRequest first = RequestOf(Only("o1"));
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  ups.create_fails = absl::OkStatus();
  ups.close_fails = absl::UnavailableError("down");
  RunAndWait();
  // The request may still be on its way to the gateway: silence proves nothing.
  EXPECT_EQ(Only("o1").undo, Undo::kChange);
  EXPECT_EQ(Allocated(), "4");
  ups.close_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(Allocated(), "2");
  // It comes at last, and buys nothing.
  ups.CreateShipment(first, "", [](const absl::StatusOr<UpsCall>& call) {
    ASSERT_OK(call);
    EXPECT_EQ(call->state(), UpsCall::NOT_MADE);
  });
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, APausedConnectionHearsOfItsPurchasesAndBuysNothing) {
  ups.hold = true;
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(replica->validator.Step());
  for (int i = 0; i < 2000 && ups.creates == 0; ++i) absl::SleepFor(absl::Milliseconds(5));
  orders.AddConnection("c1", orders::v1::Connection::PAUSED);
  orders.Put(PlainOrder("o2"));
  LetTimePass();
  const std::unique_ptr<Replica> other = NewReplica();
  ups.hold = false;
  for (int i = 0; i < 5; ++i) other->Round();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o2").state, State::kReceived);
  EXPECT_EQ(ups.creates, 1);
  ups.Release();
  replica->leases.WaitUntilNone();
}

TEST_F(Loops, APausedConnectionEndsWhatItBeganAndGoesOnWhenItIsActiveAgain) {
  tracking.create_fails = absl::UnavailableError("down");
  orders.Put(PlainOrder("o1"));
  orders.Put(PlainOrder("o2"));
  Run();
  orders.AddConnection("c1", orders::v1::Connection::PAUSED);
  tracking.create_fails = absl::OkStatus();
  orders::v1::Order cancelled = PlainOrder("o2", 2);
  cancelled.mutable_schedules(0)->set_ineligible_reason(Schedule::LINE_CANCELLED);
  orders.Put(cancelled);
  orders.Put(PlainOrder("o3"));
  RunAndWait();
  // What was bought is handed over, and void if the order says so; nothing is bought.
  EXPECT_TRUE(Only("o1").handed_over);
  EXPECT_EQ(ups.voids, 1);
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Only("o3").state, State::kReceived);
  EXPECT_EQ(ups.creates, 2);
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE);
  RunAndWait();
  EXPECT_EQ(Only("o3").state, State::kLabeled);
}

TEST_F(Loops, DyingBetweenLabelAndStoreAsksForTheSameLabel) {
  ups.hold = true;
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(replica->validator.Step());
  for (int i = 0; i < 2000 && ups.creates == 0; ++i) absl::SleepFor(absl::Milliseconds(5));
  // Another replica gets the row when the lease is over; the first one's answer comes too late.
  LetTimePass();
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->intake.Step());
  ups.hold = false;
  ASSERT_OK(other->buyer.Step());
  other->leases.WaitUntilNone();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  ups.Release();
  replica->leases.WaitUntilNone();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM labels"), "1");
}

TEST_F(Loops, DyingAfterTheLabelHandsItOverLater) {
  tracking.create_fails = absl::UnavailableError("down");
  ups.acknowledge_fails = absl::UnavailableError("down");
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_FALSE(Only("o1").handed_over);
  Restart();
  tracking.create_fails = ups.acknowledge_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_TRUE(Only("o1").handed_over);
  EXPECT_EQ(tracking.trackers.size(), 1u);
}

TEST_F(Loops, OneTrackerThatIsRefusedDoesNotHoldTheOthers) {
  orders.Put(PlainOrder("o1"));
  orders.Put(PlainOrder("o2"));
  ups.next = {};
  tracking::v1::CreateTrackersRequest::NewTracker foreign;
  foreign.set_shipment("shipments/else");
  tracking.trackers["1ZA1B2C30300010001"] = foreign;
  Run();
  int handed_over = 0;
  for (const auto& record : Shipments()) handed_over += record.shipment.handed_over;
  EXPECT_EQ(handed_over, 1);
}

TEST_F(Loops, TwoReplicasAtOnceBuyEachOrderOnce) {
  constexpr int kOrders = 40;
  for (int i = 0; i < kOrders; ++i) orders.Put(PlainOrder(absl::StrCat("o", i)));
  ASSERT_OK(replica->intake.Step());
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->intake.Step());
  std::vector<std::thread> threads;
  for (Replica* one : {replica.get(), other.get()}) {
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([one] {
        for (int round = 0; round < 20; ++round) {
          (void)one->validator.Step();
          (void)one->buyer.Step();
          (void)one->handing_over.Step();
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  replica->leases.WaitUntilNone();
  other->leases.WaitUntilNone();
  Run();
  EXPECT_EQ(ups.requests.size(), static_cast<std::size_t>(kOrders));
  EXPECT_EQ(ups.LiveLabels(), kOrders);
  EXPECT_EQ(Allocated(), absl::StrCat(4 * kOrders));
}

TEST_F(Loops, ARestoredTrackingDatabaseIsReadFromItsBeginning) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::PICKED_UP);
  Run();
  tracking.epoch = "b.";
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
}

TEST_F(Loops, AReplicaThatComesLateToANewEpochGoesOn) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  tracking.Scan(number, tracking::v1::PICKED_UP);
  Run();
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->watcher.Step());
  tracking.epoch = "b.";
  Run();
  EXPECT_FALSE(other->watcher.Step().ok());
  tracking.Scan(number, tracking::v1::DELIVERED);
  ASSERT_OK(other->watcher.Step());
  EXPECT_EQ(Only("o1").state, State::kDelivered);
}

TEST_F(Loops, OneNumberInTwoConnectionsNeverMixes) {
  orders.Put(PlainOrder("o1", 1, "c1"));
  orders.Put(PlainOrder("o2", 1, "c2"));
  Run();
  EXPECT_EQ(ups.LiveLabels(), 2);
  EXPECT_EQ(Only("o1").connection_id, "c1");
  EXPECT_EQ(Only("o2").connection_id, "c2");
}

}  // namespace
}  // namespace psups::shipment_builder::testing
