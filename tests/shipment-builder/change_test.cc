#include "gmock/gmock.h"
#include "tests/shipment-builder/loops.h"

namespace psups::shipment_builder::testing {
namespace {

using ::testing::IsEmpty;
using UpsCall = ups::v1::Call;

// ---- Changes ----

TEST_F(Loops, ARedispatchWithNothingChangedDoesNothing) {
  orders.Put(PlainOrder("o1"));
  Run();
  const Shipment before = Only("o1");
  orders.Put(PlainOrder("o1", 2));
  RunAndWait();
  const Shipment after = Only("o1");
  EXPECT_EQ(after.shipment_id, before.shipment_id);
  EXPECT_EQ(after.state, State::kLabeled);
  EXPECT_EQ(after.order_revision, 2);
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_THAT(ups.voided, IsEmpty());
}

TEST_F(Loops, AChangeAfterTheLabelVoidsItThenShipsTheNewRevision) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string old_number = Only("o1").packages[0].tracking_number;
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.voided.count(old_number), 1u);
  EXPECT_EQ(tracking.closed.count(old_number), 1u);
  const Shipment shipment = Only("o1");
  EXPECT_EQ(shipment.state, State::kLabeled);
  EXPECT_EQ(shipment.shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "2");
  const auto& tracker = tracking.trackers.at(shipment.packages[0].tracking_number);
  ASSERT_EQ(tracker.replaces_size(), 1);
  EXPECT_EQ(tracker.replaces(0), old_number);
}

TEST_F(Loops, AWithdrawnOrderLosesItsLabel) {
  orders.Put(PlainOrder("o1"));
  Run();
  orders::v1::Order newer = PlainOrder("o1", 2);
  newer.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  EXPECT_EQ(Shipments("o1").size(), 1u);
  EXPECT_EQ(Allocated(), "0");
  newer = PlainOrder("o1", 3);
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, AChangeAfterTheFirstScanIsAReviewOnce) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::IN_TRANSIT);
  Run();
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kInTransit);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kChangedAfterPickup);
  EXPECT_THAT(ups.voided, IsEmpty());
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  newer.set_revision(3);
  orders.Put(newer);
  RunAndWait();
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(Loops, ReceivingTheParcelIsNoChange) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  orders::v1::Order received = PlainOrder("o1", 2);
  received.mutable_schedules(0)->set_open_quantity("0");
  received.mutable_schedules(0)->set_ineligible_reason(Schedule::NOTHING_OPEN);
  orders.Put(received);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(Loops, GoodsThatCameBeforeTheLabelAreNoChangeAfterIt) {
  orders.AddConnection("c1", orders::v1::Connection::PAUSED);
  const auto revision = [](int number, const char* ordered) {
    orders::v1::Order order = PlainOrder("o1", number);
    order.mutable_schedules(0)->set_ordered_quantity(ordered);  // of which 4 are open
    return order;
  };
  orders.Put(revision(1, "10"));
  Run();
  orders.Put(revision(2, "12"));
  Run();
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  orders.Put(revision(3, "12"));
  RunAndWait();
  EXPECT_EQ(ups.voids, 0);
}

TEST_F(Loops, AChangeWhileTheLabelIsBoughtVoidsIt) {
  ups.hold = true;
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(replica->validator.Step());
  for (int i = 0; i < 2000 && ups.creates == 0; ++i) absl::SleepFor(absl::Milliseconds(5));
  ASSERT_EQ(ups.creates, 1);
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  ASSERT_OK(replica->intake.Step());
  ups.Release();
  replica->leases.WaitUntilNone();
  EXPECT_EQ(Shipments("o1").at(0).shipment.state, State::kVoiding);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(Allocated(), "2");
}

TEST_F(Loops, AChangeWhileInDoubtWaitsForTheTruth) {
  ups.next = {CallIn(UpsCall::IN_DOUBT)};
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  const std::string request_id = Only("o1").request_id();
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);  // nothing else is bought meanwhile
  ups.Finish(request_id, UpsCall::NOT_MADE);
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_THAT(ups.voided, IsEmpty());
}

TEST_F(Loops, AVoidThatUpsRefusesIsAReviewAndTheLabelStays) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  EXPECT_EQ(ups.requests.size(), 1u);
  ups.void_fails = absl::OkStatus();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, WhatWaitedForALabelThatStaysGoesByItself) {
  orders.Put(TwoLines());
  Run();
  EXPECT_EQ(LinesLabelled(), (std::multiset<int>{1}));
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders.Put(TwoLinesElsewhere(2));
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  EXPECT_EQ(ups.voids, 1);
  // "Let it go, then cancel."
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  RunAndWait();
  EXPECT_EQ(LinesLabelled(), (std::multiset<int>{1, 2}));
  EXPECT_EQ(ups.voids, 1);
  EXPECT_EQ(Allocated(), "8");
}

TEST_F(Loops, ARefusedVoidIsAskedAboutOnceUntilAPersonDecides) {
  orders.Put(TwoLines());
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders.Put(TwoLinesElsewhere(2));
  RunAndWait();
  const std::string review = Reviews().at(0).review.review_id;
  ASSERT_OK(db().Exec("INSERT INTO replans (connection_id, order_id) VALUES ('c1', 'o1')"));
  RunAndWait();
  orders.Put(TwoLinesElsewhere(3));
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.review_id, review);
  EXPECT_EQ(ups.voids, 1);
}

TEST_F(Loops, WhatWaitedForADoubtThatAPersonEndsGoesByItself) {
  for (const bool turns_up : {false, true}) {
    const std::string end = turns_up ? "VOIDED" : "CANCELLED";
    UpsCall doubt = CallIn(UpsCall::IN_DOUBT);
    doubt.set_needs_person(true);
    ups.next = {doubt};
    orders.Put(TwoLines(end));
    RunAndWait();
    ASSERT_EQ(Reviews().size(), 1u);
    const std::string request_id = "shipments/" + Reviews()[0].review.shipment_id + "/purchases/1";
    orders.Put(TwoLinesElsewhere(2, end));
    RunAndWait();
    ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
    if (turns_up) ups.Finish(request_id, UpsCall::DONE);
    RunAndWait();
    // Line 1 is what the person cancelled: it is not bought again, now or later.
    EXPECT_EQ(LinesLabelled(end), (std::multiset<int>{2})) << end;
    orders.Put(TwoLinesElsewhere(3, end));
    RunAndWait();
    EXPECT_EQ(LinesLabelled(end), (std::multiset<int>{2})) << end;
    EXPECT_EQ(One("SELECT state AS v FROM shipments WHERE holds AND share_lines = '{1}' AND "
                  "order_id = '" +
                  end + "'"),
              end);
  }
}

TEST_F(Loops, GoodsThatCameWhileItWasBoughtAreNotWaitedFor) {
  UpsCall rejected = CallIn(UpsCall::REJECTED);
  rejected.mutable_error()->set_retryable(true);
  for (const UpsCall::State end : {UpsCall::NOT_MADE, UpsCall::REJECTED}) {
    const std::string id = UpsCall::State_Name(end);
    ups.next = {CallIn(UpsCall::IN_DOUBT)};
    orders::v1::Order order = PlainOrder(id);
    *order.mutable_schedules(0) = PlainSchedule(1, 1, "10");
    orders.Put(order);
    RunAndWait();
    order.set_revision(2);
    order.mutable_schedules(0)->set_open_quantity("7");
    orders.Put(order);
    RunAndWait();
    UpsCall& call = ups.calls.at(Only(id).request_id());
    *call.mutable_error() = rejected.error();
    call.set_state(end);
    RunAndWait();
    EXPECT_EQ(Only(id).state, State::kLabeled);
    EXPECT_EQ(Only(id).shares[0].quantity.ToString(), "7");
  }
  EXPECT_EQ(ups.LiveLabels(), 2);
}

TEST_F(Loops, AHoldAndItsReleaseDoNotShipWhatAPersonVoided) {
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  orders::v1::Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(held);
  RunAndWait();
  orders.Put(PlainOrder("o1", 3));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, AScanOfAVoidedParcelIsAReviewThatAPersonCloses) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  tracking.Scan(number, tracking::v1::VOIDED);
  tracking.Scan(number, tracking::v1::PICKED_UP);
  Run();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidedLabelScanned);
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  tracking.Scan(number, tracking::v1::DELIVERED);
  RunAndWait();
  EXPECT_THAT(Reviews(), IsEmpty());
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, WhatAPersonVoidedIsNotShippedAgainByItself) {
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  orders.Put(PlainOrder("o1", 2));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
  orders::v1::Order changed = PlainOrder("o1", 3);
  *changed.mutable_schedules(0) = PlainSchedule(1, 1, "5");
  orders.Put(changed);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, SeveralChangesBeforeTheNextLookAreOne) {
  orders.Put(PlainOrder("o1"));
  Run();
  for (int revision = 2; revision < 6; ++revision) {
    orders::v1::Order newer = PlainOrder("o1", revision);
    *newer.mutable_schedules(0) = PlainSchedule(1, 1, std::to_string(revision));
    orders.Put(newer);
  }
  RunAndWait();
  EXPECT_EQ(ups.voids, 1);
  EXPECT_EQ(ups.requests.size(), 2u);
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "5");
}

TEST_F(Loops, AChangeThatIsTakenBackWhileTheLabelIsVoidedIsBoughtAgain) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::UnavailableError("down");
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  orders.Put(PlainOrder("o1", 3));
  RunAndWait();
  // Whether the void was done nobody knows: nothing else may be bought.
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(Allocated(), "4");
  ups.void_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(ups.requests.size(), 2u);
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "4");
}

TEST_F(Loops, AChangeAfterTheDeliveryIsNoQuestion) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  orders::v1::Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(held);
  RunAndWait();
  EXPECT_THAT(Reviews(), IsEmpty());  // a hold comes too late to mean anything
  orders::v1::Order more = PlainOrder("o1", 3);
  *more.mutable_schedules(0) = PlainSchedule(1, 1, "6");
  orders.Put(more);
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);  // two more are wanted, which nobody ships by itself
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kChangedAfterPickup);
  EXPECT_EQ(ups.requests.size(), 1u);
}

}  // namespace
}  // namespace psups::shipment_builder::testing
