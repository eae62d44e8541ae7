#include "services/shipment-builder/shipment.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/purchase.h"

namespace psups::shipment_builder {
namespace {

using Allocation = Effects::Allocation;
using OutcomeKind = PurchaseOutcome::Kind;

Shipment Buying() {
  Shipment shipment{.connection_id = "c1", .shipment_id = "c1-s", .order_id = "o1"};
  shipment.state = State::kLabeling;
  shipment.purchase = {.number = 1, .account = "accounts/a", .reference = "REF"};
  shipment.shares = {{.line = 1, .schedule = 1, .quantity = Decimal(4)}};
  shipment.packages = {{.number = 1}, {.number = 2}};
  return shipment;
}

PurchaseOutcome Done() {
  PurchaseOutcome outcome{.kind = OutcomeKind::kDone};
  outcome.result.set_ups_shipment_id("1Z1");
  for (const char* number : {"1Z1", "1Z2"}) {
    auto& package = *outcome.result.add_packages();
    package.set_tracking_number(number);
    package.set_label("label");
    package.set_label_format("ZPL");
  }
  outcome.result.mutable_charges()->set_amount_minor(2000);
  outcome.result.mutable_charges()->set_currency_code("USD");
  return outcome;
}

TEST(SettlePurchase, DoneIsALabel) {
  Shipment shipment = Buying();
  const Effects effects = SettlePurchase(shipment, Done());
  EXPECT_EQ(shipment.state, State::kLabeled);
  EXPECT_EQ(shipment.packages[1].tracking_number, "1Z2");
  EXPECT_EQ(shipment.charges.amount_minor, 2000);
  EXPECT_EQ(effects.labels.size(), 2u);
  EXPECT_EQ(effects.allocation, Allocation::kKeep);
  EXPECT_EQ(effects.action, "shipment.label");
  EXPECT_EQ(WorkOf(shipment), Work::kHandOver);
}

TEST(SettlePurchase, TheAccountsOwnRateIsWhatItCost) {
  Shipment shipment = Buying();
  PurchaseOutcome outcome = Done();
  outcome.result.mutable_negotiated_charges()->set_amount_minor(1500);
  outcome.result.mutable_negotiated_charges()->set_currency_code("USD");
  SettlePurchase(shipment, outcome);
  EXPECT_EQ(shipment.charges.amount_minor, 1500);
}

TEST(SettlePurchase, DoneThatIsWantedNoMoreIsVoided) {
  for (const Undo undo : {Undo::kChange, Undo::kPerson}) {
    Shipment shipment = Buying();
    shipment.undo = undo;
    const Effects effects = SettlePurchase(shipment, Done());
    EXPECT_EQ(shipment.state, State::kVoiding);
    EXPECT_EQ(WorkOf(shipment), Work::kVoid);
    EXPECT_EQ(effects.allocation, Allocation::kKeep);
    EXPECT_EQ(effects.labels.size(), 2u);
  }
}

// Only an end without a label gives the quantity back.
TEST(SettlePurchase, DoneThatAPersonHadEndedIsVoidedAndBoughtAnew) {
  Shipment shipment = Buying();
  shipment.purchase.confirmed_by = "spiffe://psups/clerk/a";
  SettlePurchase(shipment, Done());
  EXPECT_EQ(shipment.state, State::kVoiding);
  EXPECT_EQ(shipment.undo, Undo::kChange);
}

TEST(SettlePurchase, OnlyRejectedAndNotMadeFreeTheQuantity) {
  for (const OutcomeKind kind :
       {OutcomeKind::kRejected, OutcomeKind::kRejectedForNow, OutcomeKind::kNotMade}) {
    Shipment shipment = Buying();
    EXPECT_EQ(SettlePurchase(shipment, {.kind = kind}).allocation, Allocation::kFree);
    EXPECT_FALSE(shipment.purchase.MayBeLive());
  }
  for (const OutcomeKind kind :
       {OutcomeKind::kInDoubt, OutcomeKind::kInDoubtForPerson, OutcomeKind::kLater,
        OutcomeKind::kOurs, OutcomeKind::kMalformed}) {
    Shipment shipment = Buying();
    EXPECT_EQ(SettlePurchase(shipment, {.kind = kind}).allocation, Allocation::kKeep);
    EXPECT_TRUE(shipment.purchase.MayBeLive());
  }
}

// Goods may have arrived while it was being bought.
TEST(SettlePurchase, NothingBoughtIsPlannedAgainHoweverItEnded) {
  for (const OutcomeKind kind :
       {OutcomeKind::kRejected, OutcomeKind::kRejectedForNow, OutcomeKind::kNotMade}) {
    Shipment shipment = Buying();
    EXPECT_TRUE(SettlePurchase(shipment, {.kind = kind}).replan);
  }
}

TEST(SettlePurchase, NothingBoughtOfAChangedOrderIsWithdrawnAndPlannedAnew) {
  Shipment shipment = Buying();
  shipment.undo = Undo::kChange;
  const Effects effects = SettlePurchase(shipment, {.kind = OutcomeKind::kNotMade});
  EXPECT_EQ(shipment.state, State::kWithdrawn);
  EXPECT_FALSE(shipment.holds);
  EXPECT_TRUE(effects.replan);
}

TEST(SettlePurchase, NothingBoughtOfACancelledOneIsCancelled) {
  Shipment shipment = Buying();
  shipment.undo = Undo::kPerson;
  const Effects effects = SettlePurchase(shipment, {.kind = OutcomeKind::kRejected});
  EXPECT_EQ(shipment.state, State::kCancelled);
  EXPECT_FALSE(effects.review.has_value());
  EXPECT_TRUE(shipment.holds);
  EXPECT_TRUE(effects.replan);  // of what waits for it: its own schedules are held
}

TEST(SettlePurchase, DoubtsNeverCountAsFailures) {
  Shipment shipment = Buying();
  for (int i = 0; i < 100; ++i) SettlePurchase(shipment, {.kind = OutcomeKind::kInDoubt});
  EXPECT_EQ(shipment.state, State::kLabeling);
  EXPECT_EQ(shipment.failure_count, 0);
  EXPECT_LE(shipment.due_in, absl::Minutes(1));
}

TEST(SettlePurchase, WhatMayBeLiveNeverFails) {
  for (const OutcomeKind first : {OutcomeKind::kLater, OutcomeKind::kInDoubt}) {
    Shipment shipment = Buying();
    SettlePurchase(shipment, {.kind = first});
    for (int i = 0; i < 2 * kMostFailures; ++i) {
      SettlePurchase(shipment, {.kind = OutcomeKind::kOurs, .message = "bug"});
    }
    EXPECT_EQ(shipment.state, State::kLabeling);
    EXPECT_TRUE(shipment.purchase.MayBeLive());
    EXPECT_EQ(WorkOf(shipment), Work::kLabel);
  }
}

TEST(SettlePurchase, OnlyFailuresInARowCount) {
  for (const OutcomeKind between : {OutcomeKind::kLater, OutcomeKind::kInDoubt}) {
    Shipment shipment = Buying();
    for (int i = 0; i < 2 * kMostFailures; ++i) {
      SettlePurchase(shipment, {.kind = OutcomeKind::kMalformed, .message = "bug"});
      SettlePurchase(shipment, {.kind = between});
    }
    EXPECT_EQ(shipment.state, State::kLabeling);
  }
}

TEST(SettlePurchase, ADoubtForAPersonIsAskedOnceInFewWordsUntilTheyDecide) {
  Shipment shipment = Buying();
  Effects effects = SettlePurchase(shipment, {.kind = OutcomeKind::kInDoubtForPerson});
  ASSERT_TRUE(effects.review.has_value());
  const std::vector<std::string> words = absl::StrSplit(effects.review->message, ' ');
  EXPECT_LE(words.size(), 25u);
  EXPECT_NE(effects.review->message.find(shipment.purchase.reference), std::string::npos);
  effects = SettlePurchase(shipment, {.kind = OutcomeKind::kInDoubtForPerson});
  EXPECT_FALSE(effects.review.has_value());
  // Decided, and the gateway has not heard of it yet.
  shipment.state = State::kLabeling;
  shipment.purchase.confirmed_by = "spiffe://psups/clerk/a";
  effects = SettlePurchase(shipment, {.kind = OutcomeKind::kInDoubtForPerson});
  EXPECT_FALSE(effects.review.has_value());
  EXPECT_EQ(shipment.state, State::kLabeling);
}

TEST(SettlePurchase, WaitsGrow) {
  Shipment shipment = Buying();
  absl::Duration last = absl::ZeroDuration();
  for (int i = 0; i < 6; ++i) {
    SettlePurchase(shipment, {.kind = OutcomeKind::kLater});
    EXPECT_GT(shipment.due_in, last);
    last = shipment.due_in;
  }
}

TEST(SettlePurchase, FiveFailuresOfOursEndInFailed) {
  Shipment shipment = Buying();
  for (int i = 1; i < kMostFailures; ++i) {
    SettlePurchase(shipment, {.kind = OutcomeKind::kMalformed, .message = "bug"});
    EXPECT_EQ(shipment.state, State::kLabeling);
  }
  SettlePurchase(shipment, {.kind = OutcomeKind::kMalformed, .message = "bug"});
  EXPECT_EQ(shipment.state, State::kFailed);
  EXPECT_EQ(shipment.failure, "bug");
  EXPECT_EQ(WorkOf(shipment), Work::kNone);
  Effects effects;
  EXPECT_TRUE(RequestRetry(shipment, effects).ok());
  EXPECT_EQ(shipment.state, State::kLabeling);
  EXPECT_EQ(RequestRetry(shipment, effects).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SettleVoid, VoidedFreesTheQuantityAndPlansAChangedOrderAnew) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kChange);
  const Effects effects = SettleVoid(shipment, {.kind = VoidOutcome::Kind::kVoided});
  EXPECT_EQ(shipment.state, State::kVoided);
  EXPECT_EQ(effects.allocation, Allocation::kFree);
  EXPECT_TRUE(effects.replan);
  EXPECT_FALSE(shipment.holds);
}

TEST(SettleVoid, APersonsVoidIsNotShippedAgain) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kPerson);
  const Effects effects = SettleVoid(shipment, {.kind = VoidOutcome::Kind::kVoided});
  EXPECT_TRUE(effects.replan);  // of what waits for it: its own schedules are held
  EXPECT_TRUE(shipment.holds);
}

TEST(SettleVoid, RefusedLeavesTheLabelWhereItIs) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  shipment.packages[0].tracking_status = "PICKED_UP";
  BeginVoid(shipment, Undo::kChange);
  const Effects effects =
      SettleVoid(shipment, {.kind = VoidOutcome::Kind::kRefused, .message = "Picked up."});
  EXPECT_EQ(shipment.state, State::kInTransit);
  EXPECT_EQ(effects.allocation, Allocation::kKeep);
  ASSERT_TRUE(effects.review.has_value());
  EXPECT_EQ(effects.review->reason, Reason::kVoidRefused);
  EXPECT_TRUE(effects.replan);  // of what waited for it to go: its own schedules stay with it
  EXPECT_EQ(shipment.undo, Undo::kChange);  // what was wanted, for whoever asks once more
}

TEST(SettleVoid, TooOldIsAReviewThatSaysSo) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kPerson);
  const Effects effects = SettleVoid(shipment, {.kind = VoidOutcome::Kind::kTooLate});
  EXPECT_EQ(shipment.state, State::kLabeled);
  ASSERT_TRUE(effects.review.has_value());
  EXPECT_EQ(effects.review->reason, Reason::kVoidRefused);
  EXPECT_NE(effects.review->message.find("1Z1 is too old"), std::string::npos);
}

State AfterStatuses(const std::vector<std::pair<const char*, const char*>>& statuses) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  for (const auto& [number, status] : statuses) SettleTracking(shipment, number, status);
  return shipment.state;
}

TEST(SettleTracking, TheShipmentIsWhatItsPackagesAre) {
  EXPECT_EQ(AfterStatuses({{"1Z1", "LABEL_CREATED"}}), State::kLabeled);
  EXPECT_EQ(AfterStatuses({{"1Z1", "UNKNOWN"}}), State::kLabeled);
  EXPECT_EQ(AfterStatuses({{"1Z1", "PICKED_UP"}}), State::kInTransit);
  EXPECT_EQ(AfterStatuses({{"1Z1", "EXCEPTION"}}), State::kInTransit);
  EXPECT_EQ(AfterStatuses({{"1Z1", "DELIVERED"}}), State::kInTransit);
  EXPECT_EQ(AfterStatuses({{"1Z1", "DELIVERED"}, {"1Z2", "DELIVERED"}}), State::kDelivered);
  EXPECT_EQ(AfterStatuses({{"1Z1", "DELIVERED"}, {"1Z2", "RETURNED"}}), State::kReturned);
  EXPECT_EQ(AfterStatuses({{"1Z1", "LOST"}, {"1Z2", "RETURNED"}}), State::kLost);
  EXPECT_EQ(AfterStatuses({{"1Z1", "DELIVERED"}, {"1Z2", "DELIVERED"}, {"1Z2", "EXCEPTION"}}),
            State::kInTransit);  // a later correction
}

TEST(SettleTracking, ASecondTimeTheSameChangesNothing) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  SettleTracking(shipment, "1Z1", "PICKED_UP");
  const Effects effects = SettleTracking(shipment, "1Z1", "PICKED_UP");
  EXPECT_FALSE(effects.packages_updated);
  EXPECT_EQ(effects.action, "");
}

TEST(SettleTracking, AVoidGoesOnWhateverIsScanned) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kPerson);
  SettleTracking(shipment, "1Z1", "PICKED_UP");
  EXPECT_EQ(shipment.state, State::kVoiding);
}

TEST(SettleTracking, APhysicalScanOfAVoidLabelIsAReviewOnce) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kPerson);
  EXPECT_FALSE(SettleVoid(shipment, {.kind = VoidOutcome::Kind::kVoided}).review.has_value());
  EXPECT_FALSE(SettleTracking(shipment, "1Z1", "VOIDED").review.has_value());
  const Effects effects = SettleTracking(shipment, "1Z1", "PICKED_UP");
  ASSERT_TRUE(effects.review.has_value());
  EXPECT_EQ(effects.review->reason, Reason::kVoidedLabelScanned);
  EXPECT_EQ(shipment.state, State::kVoided);
  EXPECT_FALSE(SettleTracking(shipment, "1Z1", "DELIVERED").review.has_value());
}

TEST(SettleTracking, AScanOfAVoidLabelIsToldOnceWhoeverWasFirst) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kChange);
  SettleTracking(shipment, "1Z2", "PICKED_UP");
  SettleTracking(shipment, "1Z2", "VOIDED");  // tracking hears of the void before it is stored here
  const Effects voided = SettleVoid(shipment, {.kind = VoidOutcome::Kind::kVoided});
  ASSERT_TRUE(voided.review.has_value());
  EXPECT_NE(voided.review->message.find("1Z2"), std::string::npos);
  SettleTracking(shipment, "1Z2", "VOIDED");
  EXPECT_FALSE(SettleTracking(shipment, "1Z2", "IN_TRANSIT").review.has_value());
  // The other parcel is on its way, too.
  EXPECT_TRUE(SettleTracking(shipment, "1Z1", "PICKED_UP").review.has_value());
}

TEST(SettleTracking, WhatUpsScannedStaysScanned) {
  EXPECT_EQ(AfterStatuses({{"1Z1", "PICKED_UP"}, {"1Z1", "UNKNOWN"}}), State::kInTransit);
  EXPECT_EQ(AfterStatuses({{"1Z1", "DELIVERED"}, {"1Z2", "DELIVERED"}, {"1Z2", "LABEL_CREATED"}}),
            State::kDelivered);
}

TEST(SettleTracking, ALabelThatSomebodyVoidedAtUpsIsVoidedHere) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  SettleTracking(shipment, "1Z1", "VOIDED");
  EXPECT_EQ(shipment.state, State::kLabeled);  // the other parcel still goes
  const Effects effects = SettleTracking(shipment, "1Z2", "VOIDED");
  EXPECT_EQ(shipment.state, State::kVoiding);
  EXPECT_EQ(shipment.undo, Undo::kPerson);  // and is not bought again by itself
  EXPECT_TRUE(effects.packages_updated);
}

TEST(SettleTracking, AScanDuringTheVoidIsAReviewWhenItIsVoid) {
  Shipment shipment = Buying();
  SettlePurchase(shipment, Done());
  BeginVoid(shipment, Undo::kChange);
  EXPECT_FALSE(SettleTracking(shipment, "1Z1", "PICKED_UP").review.has_value());
  const Effects effects = SettleVoid(shipment, {.kind = VoidOutcome::Kind::kVoided});
  ASSERT_TRUE(effects.review.has_value());
  EXPECT_EQ(effects.review->reason, Reason::kVoidedLabelScanned);
}

TEST(RequestVoid, OnlyALabelThatWasNotScanned) {
  for (const State state :
       {State::kReceived, State::kValidating, State::kLabeling, State::kLabeled, State::kInTransit,
        State::kDelivered, State::kNeedsReview, State::kFailed, State::kWithdrawn, State::kVoiding,
        State::kVoided, State::kCancelled, State::kReturned, State::kLost}) {
    Shipment shipment = Buying();
    shipment.purchase.state = PurchaseState::kDone;
    shipment.state = state;
    Effects effects;
    const bool allowed = RequestVoid(shipment, effects).ok();
    EXPECT_EQ(allowed,
              state == State::kLabeled || state == State::kVoiding || state == State::kVoided)
        << Name(state);
    EXPECT_EQ(StateFromName(Name(state)), state);
  }
}

TEST(CancelByPerson, WhatMayBeLiveIsUndoneFirst) {
  Shipment shipment = Buying();
  shipment.state = State::kNeedsReview;
  Effects effects;
  ASSERT_TRUE(CancelByPerson(shipment, effects).ok());
  EXPECT_EQ(shipment.state, State::kLabeling);
  EXPECT_EQ(shipment.undo, Undo::kPerson);
  EXPECT_EQ(effects.allocation, Allocation::kKeep);
}

TEST(OutcomeOf, WhatErrorsMean) {
  const auto kind = [](absl::Status status) { return OutcomeOf(status, absl::UnixEpoch()).kind; };
  for (const absl::Status& outage :
       {absl::UnavailableError(""), absl::DeadlineExceededError(""), absl::AbortedError(""),
        absl::ResourceExhaustedError(""), absl::UnknownError(""), absl::CancelledError(""),
        absl::UnauthenticatedError(""), absl::PermissionDeniedError(""), absl::NotFoundError("")}) {
    EXPECT_EQ(kind(outage), OutcomeKind::kLater) << outage;
  }
  for (const absl::Status& bug :
       {absl::InternalError(""), absl::AlreadyExistsError(""), absl::DataLossError(""),
        absl::InvalidArgumentError(""), absl::FailedPreconditionError("")}) {
    EXPECT_EQ(kind(bug), OutcomeKind::kOurs) << bug;
  }
}

TEST(OutcomeOf, WhatRefusalsMeanWhenNothingWasBought) {
  const auto kind = [](const absl::Status& refusal) { return OutcomeOfRefusal(refusal).kind; };
  EXPECT_EQ(kind(absl::InvalidArgumentError("shipment.ship_to.city: 31 characters")),
            OutcomeKind::kRejected);
  EXPECT_EQ(kind(absl::FailedPreconditionError("")), OutcomeKind::kRejected);
  // Its day passed while UPS was away: the next purchase has another.
  EXPECT_EQ(kind(absl::InvalidArgumentError("shipment.ship_date: \"20261123\"")),
            OutcomeKind::kNotMade);
  // Nobody to call at the shipper, who needs one across a border: an administrator's to set.
  EXPECT_EQ(kind(absl::InvalidArgumentError("account.shipper.phone: none")),
            OutcomeKind::kRejected);
  // A field that no order fills is our own fault.
  EXPECT_EQ(kind(absl::InvalidArgumentError("account: \"\"")), OutcomeKind::kMalformed);
}

TEST(OutcomeOf, WhatCallsMean) {
  ups::v1::Call call;
  const auto kind = [&] { return OutcomeOf(call, absl::UnixEpoch()).kind; };
  call.set_state(ups::v1::Call::SENT);
  EXPECT_EQ(kind(), OutcomeKind::kLater);
  call.set_state(ups::v1::Call::DONE);
  EXPECT_EQ(kind(), OutcomeKind::kDone);
  call.set_state(ups::v1::Call::REJECTED);
  EXPECT_EQ(kind(), OutcomeKind::kRejected);
  call.mutable_error()->set_retryable(true);
  EXPECT_EQ(kind(), OutcomeKind::kRejectedForNow);
  call.set_state(ups::v1::Call::NOT_MADE);
  EXPECT_EQ(kind(), OutcomeKind::kNotMade);
  call.set_state(ups::v1::Call::IN_DOUBT);
  EXPECT_EQ(kind(), OutcomeKind::kInDoubt);
  call.set_needs_person(true);
  EXPECT_EQ(kind(), OutcomeKind::kInDoubtForPerson);
}

TEST(Reviews, EveryReasonHasAWayOut) {
  for (int i = 0; i <= static_cast<int>(Reason::kVoidedLabelScanned); ++i) {
    const Reason reason = static_cast<Reason>(i);
    EXPECT_EQ(ReasonFromName(Name(reason)), reason);
    const std::vector<Action> actions = ActionsFor({.reason = reason});
    ASSERT_FALSE(actions.empty()) << Name(reason);
    EXPECT_EQ(actions.back(), Action::kCancel) << Name(reason);
  }
}

}  // namespace
}  // namespace psups::shipment_builder
