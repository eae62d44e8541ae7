#include "services/shipment-builder/decide.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

// OK if the address can stand on a label; errors name the field, never its text.
absl::Status CheckOverride(const type::v1::Address& address) {
  const auto error = [](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("address.", std::string(what)));
  };
  if (address.lines().empty()) return error("lines: none, want 1 to 3");
  if (address.lines_size() > 3) {
    return error(absl::StrCat("lines: ", address.lines_size(), ", want 1 to 3"));
  }
  for (const std::string& line : address.lines()) {
    if (line.empty() || CharacterCount(line) > 35) {
      return error(
          absl::StrCat("lines: one of ", CharacterCount(line), " characters, want 1 to 35"));
    }
  }
  if (address.city().empty() || CharacterCount(address.city()) > 30) {
    return error(
        absl::StrCat("city: ", CharacterCount(address.city()), " characters, want 1 to 30"));
  }
  if (address.state().size() != 2) return error("state: want two letters");
  const std::size_t digits = Digits(address.postal_code()).size();
  if (digits != 5 && digits != 9) return error("postal_code: want five or nine digits");
  if (CharacterCount(address.name()) > 35) return error("name: want at most 35 characters");
  if (CharacterCount(address.attention_name()) > 35) {
    return error("attention_name: want at most 35 characters");
  }
  return absl::OkStatus();
}

// Has the shipment validated again with another address on one side.
void UseAddress(Shipment& shipment, Side side, type::v1::Address address, Effects& effects) {
  type::v1::Address& place = side == Side::kShipFrom ? shipment.ship_from : shipment.ship_to;
  if (address.name().empty()) address.set_name(place.name());
  if (address.attention_name().empty()) address.set_attention_name(place.attention_name());
  if (address.phone().empty()) address.set_phone(place.phone());
  if (address.country_code().empty()) address.set_country_code(place.country_code());
  place = std::move(address);
  effects.parties_changed = true;
}

}  // namespace

absl::StatusOr<Action> ActionOf(pb::Review::Action action) {
  switch (action) {
    case pb::Review::ACCEPT_CANDIDATE:
      return Action::kAcceptCandidate;
    case pb::Review::OVERRIDE_ADDRESS:
      return Action::kOverrideAddress;
    case pb::Review::RETRY:
      return Action::kRetry;
    case pb::Review::CANCEL:
      return Action::kCancel;
    default:
      return absl::InvalidArgumentError(
          "action: not set, want ACCEPT_CANDIDATE, OVERRIDE_ADDRESS, RETRY or CANCEL");
  }
}

absl::Status Decide(const Review& review, const orders::v1::Order& order,
                    const pb::ResolveReviewRequest& request, const std::string& who,
                    const Planner& planner, Shipment& shipment, Effects& effects) {
  ASSIGN_OR_RETURN(const Action action, ActionOf(request.action()));
  const std::vector<Action> allowed = ActionsFor(review.asked);
  if (std::find(allowed.begin(), allowed.end(), action) == allowed.end()) {
    std::vector<std::string> names;
    for (const Action one : allowed) names.emplace_back(Name(one));
    return absl::FailedPreconditionError(absl::StrCat(
        "action: ", std::string(Name(action)), " is not possible for ",
        std::string(Name(review.asked.reason)), ", want ", absl::StrJoin(names, " or ")));
  }
  const State from = shipment.state;
  effects.lease = Effects::Lease::kEnd;
  switch (review.asked.reason) {
    case Reason::kChangedAfterPickup:
      // It is dealt with by hand: what the order says now is what was shipped.
      shipment.fingerprint = FingerprintNow(order, shipment, planner.derive());
      effects.lease = Effects::Lease::kKeep;
      return absl::OkStatus();
    case Reason::kVoidedLabelScanned:
      effects.lease = Effects::Lease::kKeep;
      return absl::OkStatus();
    case Reason::kVoidRefused:
      if (action == Action::kCancel) {
        shipment.fingerprint = FingerprintNow(order, shipment, planner.derive());
        effects.lease = Effects::Lease::kKeep;
        effects.replan = true;  // other schedules may have waited for it to go
        return absl::OkStatus();
      }
      effects = BeginVoid(shipment,
                          FingerprintNow(order, shipment, planner.derive()) == shipment.fingerprint
                              ? Undo::kPerson
                              : Undo::kChange);
      effects.close_reviews = false;
      return absl::OkStatus();
    case Reason::kInDoubtUnresolved:
      if (action == Action::kCancel) {
        RETURN_IF_ERROR(CancelByPerson(shipment, effects));
        // What the order says now of these schedules is what is not to be sent.
        shipment.fingerprint = ContentNow(order, shipment, planner.derive());
      } else {
        shipment.state = State::kLabeling;
        Progress(shipment);
      }
      // Who decides has looked at UPS: the purchase is ended in this name.
      shipment.purchase.confirmed_by = who;
      effects.purchase_changed = true;
      break;
    default:
      if (action == Action::kCancel) return CancelByPerson(shipment, effects);
      if (action == Action::kRetry) {
        return PlanAgain(order, shipment, effects, planner.calendar(), planner.derive());
      }
      if (action == Action::kAcceptCandidate) {
        const int index = request.candidate_index();
        const int count = static_cast<int>(review.asked.candidates.size());
        if (index < 0 || index >= count) {
          return absl::InvalidArgumentError(
              absl::StrCat("candidate_index: ", index, ", want 0 to ", count - 1));
        }
        type::v1::Address address = review.asked.candidates[static_cast<std::size_t>(index)];
        UseAddress(shipment, review.asked.side, std::move(address), effects);
      } else {
        RETURN_IF_ERROR(CheckOverride(request.address()));
        UseAddress(shipment, review.asked.side, request.address(), effects);
      }
      shipment.validated = false;
      shipment.state = State::kValidating;
      Progress(shipment);
      break;
  }
  effects.action = "shipment.decide";
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
