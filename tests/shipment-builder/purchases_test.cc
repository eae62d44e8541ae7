#include "gmock/gmock.h"
#include "tests/shipment-builder/loops.h"

namespace psups::shipment_builder::testing {
namespace {

using ::testing::IsEmpty;
using UpsCall = ups::v1::Call;

// ---- Purchases that do not go straight ----

TEST_F(Loops, ARefusalForNowIsBoughtAgainUnderTheNextNumber) {
  UpsCall rejected = CallIn(UpsCall::REJECTED);
  rejected.mutable_error()->set_retryable(true);
  ups.next = {rejected, CallIn(UpsCall::NOT_MADE)};
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 3);
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "4");
  EXPECT_EQ(ups.requests.size(), 3u);
  std::set<std::string> references;
  for (const auto& [id, request] : ups.requests) {
    references.insert(request.shipment().derived_reference());
  }
  EXPECT_EQ(references.size(), 3u);
}

TEST_F(Loops, InDoubtThenDoneIsOneLabel) {
  ups.next = {CallIn(UpsCall::IN_DOUBT)};
  orders.Put(PlainOrder("o1"));
  RunAndWait(5);
  const Shipment waiting = Only("o1");
  EXPECT_EQ(waiting.state, State::kLabeling);
  EXPECT_EQ(waiting.purchase.state, PurchaseState::kInDoubt);
  EXPECT_EQ(waiting.failure_count, 0);
  EXPECT_EQ(Allocated(), "4");
  ups.Finish(waiting.request_id(), UpsCall::DONE);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatNeedsAPersonHealsItselfWhenUpsKnows) {
  LetOneBeDoubtedForGood();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kInDoubtUnresolved);
  ups.Finish(Only("o1").request_id(), UpsCall::DONE);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_THAT(Reviews(), IsEmpty());
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, ADoubtThatIsCancelledIsVoidedWhenTheLabelTurnsUp) {
  LetOneBeDoubtedForGood();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  EXPECT_EQ(Allocated(), "4");        // it may be live
  EXPECT_THAT(Reviews(), IsEmpty());  // and nobody is asked again
  const std::string request_id = Only("o1").request_id();
  ups.Finish(request_id, UpsCall::DONE);
  RunAndWait();
  EXPECT_EQ(Shipments("o1").at(0).shipment.state, State::kVoided);
  EXPECT_EQ(ups.LiveLabels(), 0);
  EXPECT_EQ(Allocated(), "0");
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatAPersonCancelsEndsAndNothingIsBoughtAgain) {
  LetOneBeDoubtedForGood();
  const std::string request_id = Only("o1").request_id();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kCancelled);
  EXPECT_EQ(ups.closed_by[request_id], "spiffe://psups/clerk/a");
  EXPECT_EQ(Allocated(), "0");
  orders.Put(PlainOrder("o1", 2));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatAPersonLookedIntoIsBoughtAgain) {
  LetOneBeDoubtedForGood();
  const std::string request_id = Only("o1").request_id();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  // The gateway is away, and the process dies: the decision outlives both.
  ups.close_fails = absl::UnavailableError("down");
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(Allocated(), "4");
  EXPECT_THAT(Reviews(), IsEmpty());
  Restart();
  ups.close_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(ups.closed_by[request_id], "spiffe://psups/clerk/a");
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 2);
  EXPECT_EQ(Only("o1").purchase.confirmed_by, "");  // that was said of the first one
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "4");
}

TEST_F(Loops, WhatTheGatewayTookInAnotherFormIsAskedAbout) {
  ups.create_fails = absl::UnavailableError("503");
  orders.Put(PlainOrder("o1"));
  Run();
  ups.create_fails = absl::OkStatus();
  ups::v1::CreateShipmentRequest other = RequestOf(Only("o1"));
  other.mutable_shipment()->set_label_format("GIF");
  ups.CreateShipment(other, "", [](const absl::StatusOr<UpsCall>&) {});
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, AnAnswerThatSaysNothingIsAskedForUntilItDoes) {
  ups.create_fails = absl::InternalError("bug");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kLabeling);
  EXPECT_EQ(Allocated(), "4");
  ups.create_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 1);
}

TEST_F(Loops, AnOutageWaitsAndCountsNothing) {
  ups.create_fails = absl::UnavailableError("503");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kLabeling);
  EXPECT_EQ(Only("o1").failure_count, 0);
  ups.create_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 1);
}

TEST_F(Loops, ABugOfOursEndsInFailedAndARetryGoesOnUnderTheSameRequest) {
  ups.create_fails = ups.close_fails = absl::InvalidArgumentError("account: …");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kFailed);
  EXPECT_EQ(Allocated(), "4");
  ups.create_fails = ups.close_fails = absl::OkStatus();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, [](Shipment& shipment, Effects& e) {
    e.lease = Effects::Lease::kEnd;
    return RequestRetry(shipment, e);
  }));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 1);
}

TEST_F(Loops, ARequestThatTheGatewayNeverTookIsAReview) {
  ups.create_fails = absl::InvalidArgumentError("shipment.ship_to.name: …");
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kUpsRejected);
  EXPECT_EQ(Allocated(), "0");
  // Nor will it ever: a copy of the request that is still on its way buys nothing.
  EXPECT_EQ(ups.calls.at(Only("o1").request_id()).state(), UpsCall::NOT_MADE);
}

TEST_F(Loops, ARefusedRequestThatCannotBeClosedKeepsItsQuantity) {
  ups.create_fails = absl::InvalidArgumentError("shipment.ship_to.name: …");
  ups.close_fails = absl::UnavailableError("down");
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeling);
  EXPECT_EQ(Allocated(), "4");
}

// ---- Who may buy ----

TEST_F(Loops, AnObservedConnectionValidatesAndBuysWhenActivated) {
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kReceived);
  EXPECT_TRUE(Only("o1").validated);
  EXPECT_EQ(ups.creates, 0);
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE);
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, WithoutWordFromPsIngestForAMinuteNothingIsBought) {
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  orders.down = absl::UnavailableError("down");
  uptime += absl::Seconds(61);
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  orders.down = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, WordThatCameSlowlyIsAsOldAsItsQuestion) {
  orders.on_lease = [this] { uptime += absl::Seconds(61); };
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  orders.on_lease = nullptr;
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, APauseInTheLastMomentStopsThePurchase) {
  orders.on_check = [this] {
    orders.AddConnection("c1", orders::v1::Connection::PAUSED);
    EXPECT_OK(replica->intake.Step());
  };
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  EXPECT_EQ(Only("o1").state, State::kReceived);
  EXPECT_EQ(Allocated(), "0");
}

TEST_F(Loops, ATestConnectionIsRefusedAProductionAccount) {
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE, orders::v1::Connection::TEST);
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  EXPECT_EQ(Only("o1").state, State::kReceived);
  ups.production = false;
  uptime += absl::Minutes(11);  // the account is looked at again
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, AScheduleThatIsClosedInTheLastMomentIsNotBought) {
  orders.Put(PlainOrder("o1"));
  orders.closed.insert("orders/o1");
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  EXPECT_EQ(Allocated(), "0");
}

TEST_F(Loops, ARevisionThatIsNotTakenInYetHoldsTheOldOneBack) {
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "6");
  orders.Put(newer);
  ASSERT_OK(replica->validator.Step());
  replica->leases.WaitUntilNone();
  EXPECT_EQ(ups.creates, 0);
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "6");
  EXPECT_EQ(ups.LiveLabels(), 1);
}

}  // namespace
}  // namespace psups::shipment_builder::testing
