// What becomes of a label: it is voided, whole or package by package, or followed.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/shipment-builder/shipment.h"
#include "services/shipment-builder/transition.h"

namespace psups::shipment_builder {
namespace {

using Allocation = Effects::Allocation;

bool IsEnd(std::string_view status) {
  return status == "DELIVERED" || status == "RETURNED" || status == "LOST";
}

// UPS has, or had, the parcel.
bool IsScan(std::string_view status) {
  return IsEnd(status) || status == "PICKED_UP" || status == "IN_TRANSIT" ||
         status == "OUT_FOR_DELIVERY" || status == "EXCEPTION" || status == "RETURNING";
}

// What the packages' statuses make of a labelled shipment.
State StateByPackages(const Shipment& shipment) {
  bool scanned = false, all_ended = true, lost = false, returned = false;
  for (const Package& package : shipment.packages) {
    const std::string& status = package.tracking_status;
    // One that somebody voided at UPS alone comes nowhere: the others end the shipment.
    if (package.void_state == PackageVoid::kDone || status == "VOIDED") continue;
    scanned |= IsScan(status);
    all_ended &= IsEnd(status);
    lost |= status == "LOST";
    returned |= status == "RETURNED";
  }
  if (!scanned) return State::kLabeled;
  if (!all_ended) return State::kInTransit;
  if (lost) return State::kLost;
  return returned ? State::kReturned : State::kDelivered;
}

ReviewDraft VoidedLabelScanned(const std::vector<std::string>& numbers) {
  return {.reason = Reason::kVoidedLabelScanned,
          .message = absl::StrCat("UPS scanned ", absl::StrJoin(numbers, ", "),
                                  ", voided before: what has that label is on its way. Ask UPS to "
                                  "stop it, then cancel to close this.")};
}

// No package goes alone any more; as a whole the shipment is nothing that the order says.
void KeepPackages(Shipment& shipment) {
  if (shipment.undo != Undo::kPerson) shipment.undo = Undo::kChange;
  shipment.fingerprint.clear();
  for (Package& package : shipment.packages) {
    if (package.void_state == PackageVoid::kWanted) package.void_state = PackageVoid::kNone;
  }
}

// `shares` without what is in `package`; what nothing is left of is dropped.
void Subtract(const Package& package, std::vector<Share>& shares) {
  for (const Content& content : package.contents) {
    for (auto share = shares.begin(); share != shares.end();) {
      if (share->line == content.line && share->schedule == content.schedule) {
        share->quantity = share->quantity - content.quantity;
      }
      share = share->quantity.is_zero() ? shares.erase(share) : std::next(share);
    }
  }
}

ReviewDraft VoidRefused(const Shipment& shipment, const VoidOutcome& outcome) {
  const std::string what =
      outcome.kind == VoidOutcome::Kind::kTooLate
          ? absl::StrCat("The label ", shipment.ups_shipment_id, " is too old for UPS to void it.")
          : absl::StrCat("UPS refused to void the label ", shipment.ups_shipment_id, ": ",
                         outcome.message);
  return {.reason = Reason::kVoidRefused,
          .message = absl::StrCat(what,
                                  " Stop the parcel by hand or let it go, then cancel to close "
                                  "this; retry asks UPS once more.")};
}

}  // namespace

std::vector<Share> WantedShares(const Shipment& shipment) {
  std::vector<Share> shares = shipment.shares;
  for (const Package& package : shipment.packages) {
    if (package.void_state == PackageVoid::kWanted) Subtract(package, shares);
  }
  return shares;
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

Effects SettleVoid(Shipment& shipment, const VoidOutcome& outcome) {
  Effects effects;
  const State from = shipment.state;
  std::vector<std::string> scanned;
  effects.detail["ups_shipment_id"] = shipment.ups_shipment_id;
  switch (outcome.kind) {
    case VoidOutcome::Kind::kVoided:
      shipment.state = State::kVoided;
      shipment.purchase.state = PurchaseState::kVoided;
      effects.purchase_changed = true;
      effects.allocation = Allocation::kFree;
      effects.close_reviews = true;
      for (const Package& package : shipment.packages) {
        const bool goes = IsScan(package.tracking_status) &&
                          package.void_state != PackageVoid::kDone;  // of that one a person heard
        if (goes) scanned.push_back(package.tracking_number);
      }
      if (!scanned.empty()) effects.review = VoidedLabelScanned(scanned);
      effects.replan = true;  // other schedules may wait for it
      Progress(shipment);
      if (shipment.undo == Undo::kChange) shipment.holds = false;
      Record(effects, "shipment.void", from, shipment);
      return effects;
    case VoidOutcome::Kind::kRefused:
    case VoidOutcome::Kind::kTooLate:
      // Why it was to go stays noted: whoever decides to ask again asks for the same.
      shipment.state = StateByPackages(shipment);
      Progress(shipment);
      // Of packages that were to go alone before nobody knows; they are asked for again.
      if (AnyToVoid(shipment)) ++shipment.void_number;
      effects.replan = true;  // other schedules waited for it to go
      effects.review = VoidRefused(shipment, outcome);
      Record(effects, "shipment.void_refused", from, shipment);
      return effects;
    case VoidOutcome::Kind::kLater:
      return Postpone(shipment);
    case VoidOutcome::Kind::kOurs:
      return Fail(shipment, outcome.message);
  }
  std::abort();
}

Effects BeginPartVoid(Shipment& shipment, const std::vector<std::size_t>& packages,
                      std::string fingerprint) {
  Effects effects;
  nlohmann::json numbers = nlohmann::json::array();
  for (const std::size_t index : packages) {
    shipment.packages[index].void_state = PackageVoid::kWanted;
    numbers.push_back(shipment.packages[index].tracking_number);
  }
  shipment.fingerprint = std::move(fingerprint);
  ++shipment.void_number;
  Progress(shipment);
  effects.lease = Effects::Lease::kYield;
  effects.packages_updated = true;
  effects.detail["tracking_numbers"] = std::move(numbers);
  Record(effects, "shipment.void_part_begin", shipment.state, shipment);
  return effects;
}

Effects SettlePartVoid(Shipment& shipment, const std::vector<std::string>& numbers,
                       const VoidOutcome& outcome) {
  Effects effects;
  const auto is_named = [&](const Package& package) {
    return package.void_state == PackageVoid::kWanted &&
           std::find(numbers.begin(), numbers.end(), package.tracking_number) != numbers.end();
  };
  if (std::none_of(shipment.packages.begin(), shipment.packages.end(), is_named)) return effects;
  const State from = shipment.state;
  std::vector<std::string> scanned;
  switch (outcome.kind) {
    case VoidOutcome::Kind::kVoided:
      for (Package& package : shipment.packages) {
        if (!is_named(package)) continue;
        package.void_state = PackageVoid::kDone;
        for (const Content& content : package.contents) {
          effects.part.push_back(
              {.line = content.line, .schedule = content.schedule, .quantity = content.quantity});
        }
        Subtract(package, shipment.shares);
        if (IsScan(package.tracking_status)) scanned.push_back(package.tracking_number);
      }
      if (!scanned.empty()) effects.review = VoidedLabelScanned(scanned);
      effects.packages_updated = true;
      effects.allocation = Allocation::kFreePart;
      effects.replan = true;
      Progress(shipment);
      if (AnyToVoid(shipment)) ++shipment.void_number;  // UPS takes so many at once
      effects.detail["tracking_numbers"] = numbers;
      shipment.state = StateByPackages(shipment);
      Record(effects, "shipment.void_part", from, shipment);
      return effects;
    case VoidOutcome::Kind::kRefused:
    case VoidOutcome::Kind::kOurs:
      if (shipment.state == State::kLabeled) {
        // Perhaps UPS voids this one as a whole only; then the rest is bought anew.
        KeepPackages(shipment);
        effects = BeginVoid(shipment, shipment.undo);
        effects.packages_updated = true;
        effects.lease = Effects::Lease::kEnd;
        return effects;
      }
      [[fallthrough]];
    case VoidOutcome::Kind::kTooLate:
      KeepPackages(shipment);
      effects.packages_updated = true;
      effects.replan = true;
      effects.review = VoidRefused(shipment, outcome);
      Progress(shipment);
      Record(effects, "shipment.void_refused", from, shipment);
      return effects;
    case VoidOutcome::Kind::kLater:
      return Postpone(shipment);
  }
  std::abort();
}

Effects SettleTracking(Shipment& shipment, std::string_view tracking_number,
                       std::string_view status) {
  Effects effects;
  bool void_scanned = false, all_voided = true;
  for (Package& package : shipment.packages) {
    const bool is_void =
        shipment.state == State::kVoided || package.void_state == PackageVoid::kDone;
    const bool scanned = IsScan(package.tracking_status);
    // What UPS scanned stays scanned, whatever else is said of its label.
    if (package.tracking_number == tracking_number && package.tracking_status != status &&
        (IsScan(status) || !scanned)) {
      void_scanned |= is_void && IsScan(status) && !scanned;
      package.tracking_status = std::string(status);
      effects.packages_updated = true;
    }
    all_voided &= is_void || package.tracking_status == "VOIDED";
  }
  if (!effects.packages_updated) return effects;
  effects.lease = Effects::Lease::kKeep;
  const State from = shipment.state;
  const auto ask_about_scan = [&] {
    effects.review = VoidedLabelScanned({std::string(tracking_number)});
    effects.detail["tracking_number"] = std::string(tracking_number);
    Record(effects, "shipment.review", from, shipment);
  };
  switch (from) {
    case State::kLabeled:
      if (all_voided) {
        // Somebody voided it at UPS. It is asked for here too, which is done at once.
        effects = BeginVoid(shipment, Undo::kPerson);
        effects.packages_updated = true;
        effects.detail["tracking_number"] = std::string(tracking_number);
        return effects;
      }
      [[fallthrough]];
    case State::kInTransit:
    case State::kDelivered:
    case State::kReturned:
    case State::kLost:
      shipment.state = StateByPackages(shipment);
      if (void_scanned) {
        ask_about_scan();
      } else if (shipment.state != from) {
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
    case State::kCancelled:
      return effects;
    case State::kVoiding:  // a package of it that was voided alone before
    case State::kVoided:
      if (!void_scanned) return effects;
      ask_about_scan();
      return effects;
  }
  std::abort();
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

}  // namespace psups::shipment_builder
