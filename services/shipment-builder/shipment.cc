#include "services/shipment-builder/shipment.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/crypto.h"

namespace psups::shipment_builder {
namespace {

using Allocation = Effects::Allocation;

constexpr absl::Duration kMostOutageWait = absl::Minutes(1);
constexpr absl::Duration kDoubtWithPersonAskedAgain = absl::Minutes(5);
constexpr absl::Duration kMostWait = absl::Minutes(10);

constexpr std::array<std::pair<State, std::string_view>, 14> kStates = {{
    {State::kReceived, "RECEIVED"},
    {State::kValidating, "VALIDATING"},
    {State::kLabeling, "LABELING"},
    {State::kLabeled, "LABELED"},
    {State::kInTransit, "IN_TRANSIT"},
    {State::kDelivered, "DELIVERED"},
    {State::kNeedsReview, "NEEDS_REVIEW"},
    {State::kFailed, "FAILED"},
    {State::kWithdrawn, "WITHDRAWN"},
    {State::kVoiding, "VOIDING"},
    {State::kVoided, "VOIDED"},
    {State::kCancelled, "CANCELLED"},
    {State::kReturned, "RETURNED"},
    {State::kLost, "LOST"},
}};

constexpr std::array<std::pair<PurchaseState, std::string_view>, 6> kPurchaseStates = {{
    {PurchaseState::kOpen, "OPEN"},
    {PurchaseState::kInDoubt, "IN_DOUBT"},
    {PurchaseState::kDone, "DONE"},
    {PurchaseState::kRejected, "REJECTED"},
    {PurchaseState::kNotMade, "NOT_MADE"},
    {PurchaseState::kVoided, "VOIDED"},
}};

// Doubles with each try, half a second first.
absl::Duration Doubling(int tries) {
  return std::min(kMostWait,
                  absl::Milliseconds(500) * (int64_t{1} << std::min(std::max(tries, 0), 16)));
}

// The action's entry tells the path: from where, to where.
void Record(Effects& effects, std::string_view action, State from, const Shipment& shipment) {
  effects.action = std::string(action);
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
}

// What the packages' statuses make of a labelled shipment.
State StateByPackages(const Shipment& shipment) {
  bool scanned = false, all_ended = true, lost = false, returned = false;
  for (const Package& package : shipment.packages) {
    const std::string& status = package.tracking_status;
    const bool ended = status == "DELIVERED" || status == "RETURNED" || status == "LOST";
    scanned |= ended || status == "PICKED_UP" || status == "IN_TRANSIT" ||
               status == "OUT_FOR_DELIVERY" || status == "EXCEPTION" || status == "RETURNING";
    all_ended &= ended;
    lost |= status == "LOST";
    returned |= status == "RETURNED";
  }
  if (!scanned) return State::kLabeled;
  if (!all_ended) return State::kInTransit;
  if (lost) return State::kLost;
  return returned ? State::kReturned : State::kDelivered;
}

ReviewDraft VoidedLabelScanned(std::string_view number) {
  return {.reason = Reason::kVoidedLabelScanned,
          .message = absl::StrCat("UPS scanned ", std::string(number),
                                  ", whose label was voided: the parcel is on its way. Ask UPS to "
                                  "stop it, then cancel to close this.")};
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

std::string_view Name(State state) {
  for (const auto& [known, name] : kStates) {
    if (known == state) return name;
  }
  std::abort();
}

State StateFromName(std::string_view name) {
  for (const auto& [known, text] : kStates) {
    if (text == name) return known;
  }
  std::abort();  // the column's CHECK lets no other in
}

std::string_view Name(PurchaseState state) {
  for (const auto& [known, name] : kPurchaseStates) {
    if (known == state) return name;
  }
  std::abort();
}

PurchaseState PurchaseStateFromName(std::string_view name) {
  for (const auto& [known, text] : kPurchaseStates) {
    if (text == name) return known;
  }
  std::abort();
}

std::string_view Name(Work work) {
  switch (work) {
    case Work::kNone:
      return "";
    case Work::kValidate:
      return "VALIDATE";
    case Work::kLabel:
      return "LABEL";
    case Work::kHandOver:
      return "HAND_OVER";
    case Work::kVoid:
      return "VOID";
  }
  std::abort();
}

std::string_view Name(Undo undo) {
  switch (undo) {
    case Undo::kNone:
      return "";
    case Undo::kChange:
      return "CHANGE";
    case Undo::kPerson:
      return "PERSON";
  }
  std::abort();
}

Undo UndoFromName(std::string_view name) {
  if (name == "CHANGE") return Undo::kChange;
  if (name == "PERSON") return Undo::kPerson;
  return Undo::kNone;
}

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
      return shipment.handed_over ? Work::kNone : Work::kHandOver;
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

Effects SettleVoid(Shipment& shipment, const VoidOutcome& outcome) {
  Effects effects;
  const State from = shipment.state;
  effects.detail["ups_shipment_id"] = shipment.ups_shipment_id;
  switch (outcome.kind) {
    case VoidOutcome::Kind::kVoided:
      shipment.state = State::kVoided;
      shipment.purchase.state = PurchaseState::kVoided;
      effects.purchase_changed = true;
      effects.allocation = Allocation::kFree;
      effects.close_reviews = true;
      if (StateByPackages(shipment) != State::kLabeled) {
        effects.review = VoidedLabelScanned(shipment.ups_shipment_id);
      }
      effects.replan = true;  // other schedules may wait for it
      Progress(shipment);
      if (shipment.undo == Undo::kChange) shipment.holds = false;
      Record(effects, "shipment.void", from, shipment);
      return effects;
    case VoidOutcome::Kind::kRefused:
      shipment.undo = Undo::kNone;
      shipment.state = StateByPackages(shipment);
      Progress(shipment);
      effects.review = ReviewDraft{
          .reason = Reason::kVoidRefused,
          .message = absl::StrCat(
              "UPS refused to void the label ", shipment.ups_shipment_id, ": ", outcome.message,
              " Stop the parcel by hand or let it go, then cancel to close this; retry "
              "asks UPS once more.")};
      Record(effects, "shipment.void_refused", from, shipment);
      return effects;
    case VoidOutcome::Kind::kLater:
      return Postpone(shipment);
    case VoidOutcome::Kind::kOurs:
      return Fail(shipment, outcome.message);
  }
  std::abort();
}

Effects SettleTracking(Shipment& shipment, std::string_view tracking_number,
                       std::string_view status) {
  Effects effects;
  const bool was_scanned = StateByPackages(shipment) != State::kLabeled;
  for (Package& package : shipment.packages) {
    if (package.tracking_number != tracking_number || package.tracking_status == status) continue;
    package.tracking_status = std::string(status);
    effects.packages_updated = true;
  }
  if (!effects.packages_updated) return effects;
  effects.lease = Effects::Lease::kKeep;
  const State from = shipment.state;
  switch (from) {
    case State::kLabeled:
    case State::kInTransit:
    case State::kDelivered:
    case State::kReturned:
    case State::kLost:
      shipment.state = StateByPackages(shipment);
      if (shipment.state != from) {
        effects.detail["tracking_number"] = std::string(tracking_number);
        Record(effects, "shipment.track", from, shipment);
      }
      return effects;
    case State::kReceived:
    case State::kValidating:
    case State::kLabeling:
    case State::kNeedsReview:
    case State::kFailed:
    case State::kWithdrawn:
    case State::kVoiding:
    case State::kCancelled:
      return effects;
    case State::kVoided:
      if (was_scanned || StateByPackages(shipment) == State::kLabeled) return effects;
      effects.review = VoidedLabelScanned(tracking_number);
      effects.detail["tracking_number"] = std::string(tracking_number);
      Record(effects, "shipment.review", from, shipment);
      return effects;
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

Effects BeginVoid(Shipment& shipment, Undo undo) {
  Effects effects;
  const State from = shipment.state;
  shipment.undo = undo;
  if (shipment.purchase.MayBeLive()) {
    // Whatever becomes of the purchase ends it: DONE is voided, NOT_MADE has nothing to void.
    effects.lease = Effects::Lease::kKeep;
    effects.detail["undo"] = std::string(Name(undo));
    Record(effects, "shipment.undo", from, shipment);
    return effects;
  }
  shipment.state = State::kVoiding;
  ++shipment.void_number;
  Progress(shipment);
  // A hand-over that is under way ends first, so that its trackers are there to be closed.
  effects.lease = Effects::Lease::kYield;
  effects.close_reviews = true;
  Record(effects, "shipment.void_begin", from, shipment);
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

absl::Status RequestVoid(Shipment& shipment, Effects& effects) {
  switch (shipment.state) {
    case State::kLabeled:
      effects = BeginVoid(shipment, Undo::kPerson);
      return absl::OkStatus();
    case State::kVoiding:
    case State::kVoided:
      return absl::OkStatus();  // asked for before
    case State::kInTransit:
    case State::kDelivered:
    case State::kReturned:
    case State::kLost:
      return absl::FailedPreconditionError(
          absl::StrCat(shipment.name(), ": UPS has scanned it (", std::string(Name(shipment.state)),
                       "), want LABELED; ask UPS to intercept it"));
    case State::kReceived:
    case State::kValidating:
    case State::kLabeling:
    case State::kNeedsReview:
    case State::kFailed:
    case State::kWithdrawn:
    case State::kCancelled:
      return absl::FailedPreconditionError(absl::StrCat(shipment.name(), ": has no label (",
                                                        std::string(Name(shipment.state)),
                                                        "), want LABELED"));
  }
  std::abort();
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
