#include "services/shipment-builder/shipment.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/crypto.h"
#include "services/shipment-builder/transition.h"

namespace psups::shipment_builder {
namespace {

using Allocation = Effects::Allocation;

constexpr absl::Duration kMostOutageWait = absl::Minutes(1);
constexpr absl::Duration kDoubtWithPersonAskedAgain = absl::Minutes(5);
constexpr absl::Duration kMostWait = absl::Minutes(10);

// Doubles with each try, half a second first.
absl::Duration Doubling(int tries) {
  return std::min(kMostWait,
                  absl::Milliseconds(500) * (int64_t{1} << std::min(std::max(tries, 0), 16)));
}

void TakeLabels(Shipment& shipment, const PurchaseOutcome& outcome, Effects& effects) {
  shipment.ups_shipment_id = outcome.result.ups_shipment_id();
  const auto& charges = outcome.result.has_negotiated_charges()
                            ? outcome.result.negotiated_charges()
                            : outcome.result.charges();
  shipment.charges = {charges.amount_minor(), charges.currency_code()};
  shipment.purchase.published = {outcome.result.charges().amount_minor(),
                                 outcome.result.charges().currency_code()};
  for (const std::string& alert : outcome.result.alerts()) {
    shipment.purchase.alerts.push_back(absl::StrReplaceAll(alert, {{"\n", " "}}));
  }
  shipment.label_time = outcome.label_time;
  nlohmann::json numbers = nlohmann::json::array();
  for (int i = 0; i < outcome.result.packages_size(); ++i) {
    const auto& label = outcome.result.packages(i);
    if (i < static_cast<int>(shipment.packages.size())) {
      Package& package = shipment.packages[static_cast<std::size_t>(i)];
      package.tracking_number = label.tracking_number();
      package.label_sha256 = Hex(Sha256(label.label()));
      package.label_format = label.label_format();
    }
    numbers.push_back(label.tracking_number());
    effects.labels.push_back(label);
  }
  effects.packages_updated = true;
  effects.detail["ups_shipment_id"] = shipment.ups_shipment_id;
  effects.detail["tracking_numbers"] = std::move(numbers);
  effects.detail["charges_minor"] = shipment.charges.amount_minor;
  effects.detail["currency_code"] = shipment.charges.currency_code;
}

// The purchase came to nothing: what next?
void AfterNothingBought(Shipment& shipment, Effects& effects) {
  effects.allocation = Allocation::kFree;
  effects.purchase_changed = true;
  // Meanwhile some of it may have arrived, or other schedules wait to travel with it.
  effects.replan = true;
  switch (shipment.undo) {
    case Undo::kNone:
      shipment.state = State::kLabeling;
      shipment.due_in = Doubling(shipment.purchase.number - 1);
      return;
    case Undo::kChange:
      shipment.state = State::kWithdrawn;
      shipment.holds = false;
      effects.close_reviews = true;
      return;
    case Undo::kPerson:
      shipment.state = State::kCancelled;
      effects.close_reviews = true;
      return;
  }
}

}  // namespace

Work WorkOf(const Shipment& shipment) {
  switch (shipment.state) {
    case State::kReceived:
      return shipment.validated ? Work::kLabel : Work::kValidate;
    case State::kValidating:
      return Work::kValidate;
    case State::kLabeling:
      return Work::kLabel;
    case State::kNeedsReview:
      // The gateway goes on asking UPS; when it knows, no person is needed.
      return shipment.purchase.MayBeLive() ? Work::kLabel : Work::kNone;
    case State::kLabeled:
    case State::kInTransit:
    case State::kDelivered:
    case State::kReturned:
    case State::kLost:
      // First the trackers are there, then they can be closed.
      if (!shipment.handed_over) return Work::kHandOver;
      return AnyToVoid(shipment) ? Work::kVoid : Work::kNone;
    case State::kVoiding:
      return Work::kVoid;
    case State::kFailed:
    case State::kWithdrawn:
    case State::kVoided:
    case State::kCancelled:
      return Work::kNone;
  }
  std::abort();
}

Effects SettlePurchase(Shipment& shipment, const PurchaseOutcome& outcome) {
  Effects effects;
  const State from = shipment.state;
  using Kind = PurchaseOutcome::Kind;
  effects.detail["request_id"] = shipment.request_id();
  switch (outcome.kind) {
    case Kind::kDone:
      shipment.purchase.state = PurchaseState::kDone;
      effects.purchase_changed = true;
      TakeLabels(shipment, outcome, effects);
      effects.close_reviews = from == State::kNeedsReview;
      Progress(shipment);
      // Whoever ended the purchase did not find it, or voided it at UPS: either way it is not what
      // ships.
      if (shipment.undo == Undo::kNone && !shipment.purchase.confirmed_by.empty()) {
        shipment.undo = Undo::kChange;
      }
      if (shipment.undo == Undo::kNone) {
        shipment.state = State::kLabeled;
      } else {
        shipment.state = State::kVoiding;
        ++shipment.void_number;
      }
      Record(effects, "shipment.label", from, shipment);
      return effects;
    case Kind::kRejected:
      shipment.purchase.state = PurchaseState::kRejected;
      shipment.purchase.ups_code = outcome.ups_code;
      shipment.purchase.message = outcome.message;
      AfterNothingBought(shipment, effects);
      if (shipment.state == State::kLabeling) {
        shipment.state = State::kNeedsReview;
        effects.close_reviews = true;
        effects.review = ReviewDraft{
            .reason = Reason::kUpsRejected,
            .message = outcome.message.empty()
                           ? "UPS refused the shipment without a reason. Retry it once; if it is "
                             "refused again, ask UPS."
                           : outcome.message,
            .side = Side::kShipTo,
            .address = shipment.ship_to};
      }
      shipment.lease_count = shipment.wait_count = shipment.failure_count = 0;
      effects.detail["ups_code"] = outcome.ups_code;
      Record(effects, "shipment.refuse", from, shipment);
      return effects;
    case Kind::kRejectedForNow:
    case Kind::kNotMade:
      shipment.purchase.state = outcome.kind == Kind::kRejectedForNow ? PurchaseState::kRejected
                                                                      : PurchaseState::kNotMade;
      shipment.purchase.ups_code = outcome.ups_code;
      shipment.purchase.message = outcome.message;
      AfterNothingBought(shipment, effects);
      effects.close_reviews = from == State::kNeedsReview;
      shipment.lease_count = shipment.wait_count = shipment.failure_count = 0;
      effects.detail["ups_code"] = outcome.ups_code;
      effects.detail["outcome"] = std::string(Name(shipment.purchase.state));
      Record(effects, "shipment.refuse", from, shipment);
      return effects;
    case Kind::kInDoubt:
    case Kind::kInDoubtForPerson: {
      const bool news = shipment.purchase.state != PurchaseState::kInDoubt;
      shipment.purchase.state = PurchaseState::kInDoubt;
      shipment.purchase.message = outcome.message;
      effects.purchase_changed = true;
      Postpone(shipment);
      // Whoever confirmed it was asked already.
      if (outcome.kind == Kind::kInDoubtForPerson && shipment.purchase.confirmed_by.empty()) {
        shipment.due_in = kDoubtWithPersonAskedAgain;
        if (shipment.state == State::kLabeling) {
          shipment.state = State::kNeedsReview;
          effects.review = ReviewDraft{
              .reason = Reason::kInDoubtUnresolved,
              .message = absl::StrCat(outcome.message, outcome.message.empty() ? "" : " ",
                                      "UPS may have made this label: look for reference ",
                                      shipment.purchase.reference,
                                      " at UPS. If found, void it there. Then retry to buy again, "
                                      "or cancel.")};
        }
      }
      if (news || shipment.state != from) Record(effects, "shipment.doubt", from, shipment);
      return effects;
    }
    case Kind::kLater:
      return Postpone(shipment);
    case Kind::kOurs:
      // It may be live: whoever gave up on it would leave a label that nobody knows of.
      return Postpone(shipment);
    case Kind::kMalformed:
      return Fail(shipment, outcome.message);
  }
  std::abort();
}

void Progress(Shipment& shipment) {
  shipment.lease_count = shipment.wait_count = shipment.failure_count = 0;
  shipment.due_in = absl::ZeroDuration();
}

Effects Postpone(Shipment& shipment) {
  shipment.lease_count = shipment.failure_count = 0;
  shipment.due_in = std::min(kMostOutageWait, Doubling(shipment.wait_count++));
  return {};
}

Effects Fail(Shipment& shipment, std::string_view what) {
  Effects effects;
  shipment.lease_count = 0;
  if (++shipment.failure_count < kMostFailures) {
    shipment.due_in = Doubling(shipment.failure_count);
    return effects;
  }
  const State from = shipment.state;
  shipment.resume_state = from;
  shipment.state = State::kFailed;
  shipment.failure = std::string(what);
  effects.detail["failure"] = shipment.failure;
  Record(effects, "shipment.fail", from, shipment);
  return effects;
}

Effects Withdraw(Shipment& shipment) {
  Effects effects;
  const State from = shipment.state;
  shipment.state = State::kWithdrawn;
  shipment.holds = false;
  effects.close_reviews = true;
  Record(effects, "shipment.withdraw", from, shipment);
  return effects;
}

Effects OpenReview(Shipment& shipment, ReviewDraft review) {
  Effects effects;
  const State from = shipment.state;
  if (!shipment.labelled()) shipment.state = State::kNeedsReview;
  Progress(shipment);
  effects.detail["reason"] = std::string(Name(review.reason));
  effects.review = std::move(review);
  Record(effects, "shipment.review", from, shipment);
  return effects;
}

absl::Status RequestRetry(Shipment& shipment, Effects& effects) {
  if (shipment.state != State::kFailed) {
    return absl::FailedPreconditionError(
        absl::StrCat(shipment.name(), ": is ", std::string(Name(shipment.state)), ", want FAILED"));
  }
  shipment.state = shipment.resume_state;
  shipment.failure.clear();
  Progress(shipment);
  Record(effects, "shipment.retry", State::kFailed, shipment);
  return absl::OkStatus();
}

absl::Status CancelByPerson(Shipment& shipment, Effects& effects) {
  const State from = shipment.state;
  if (shipment.purchase.MayBeLive()) {
    effects = BeginVoid(shipment, Undo::kPerson);
    effects.lease = Effects::Lease::kEnd;
    shipment.state = State::kLabeling;
    shipment.due_in = absl::ZeroDuration();
    Record(effects, "shipment.undo", from, shipment);
    return absl::OkStatus();
  }
  if (shipment.labelled()) {
    return absl::FailedPreconditionError(
        absl::StrCat(shipment.name(), ": has a label; void it instead"));
  }
  shipment.state = State::kCancelled;
  Record(effects, "shipment.cancel", from, shipment);
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
