#include "services/shipment-builder/decide.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_format.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/overrides.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

// OK if the address can stand on a label; errors name the field, never its text. `address` is
// complete: it has a country.
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
  const std::string country = absl::AsciiStrToUpper(address.country_code());
  if (country == "US" || country == "PR") {
    if (address.state().size() != 2) return error("state: want two letters");
    const std::size_t digits = Digits(address.postal_code()).size();
    if (digits != 5 && digits != 9) return error("postal_code: want five or nine digits");
  } else if (const auto problem = CheckFormat(address)) {
    return error(absl::StrCat(problem->field, ": want ", problem->want));
  }
  if (CharacterCount(address.name()) > 35) return error("name: want at most 35 characters");
  if (CharacterCount(address.attention_name()) > 35) {
    return error("attention_name: want at most 35 characters");
  }
  return absl::OkStatus();
}

// Two digits; which of them exist on a lane is planning's to say.
absl::Status CheckServiceCode(const std::string& code) {
  if (code.size() == 2 && absl::ascii_isdigit(static_cast<unsigned char>(code[0])) &&
      absl::ascii_isdigit(static_cast<unsigned char>(code[1]))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "service_code: \"", code.substr(0, 20), "\", want UPS's two digits, such as 03 for Ground"));
}

std::string MeasuresText(const pb::ResolveReviewRequest& request) {
  std::string text;
  if (request.has_weight()) {
    absl::StrAppend(&text, request.weight().value(), " ", request.weight().unit());
  }
  if (request.has_dimensions()) {
    const auto& sides = request.dimensions();
    absl::StrAppend(&text, text.empty() ? "" : ", ", sides.length(), "x", sides.width(), "x",
                    sides.height(), " ", sides.unit());
  }
  return text;
}

// All that a decision is made from.
struct Desk {
  const Review& review;
  const orders::v1::Order& order;
  const pb::ResolveReviewRequest& request;
  const Basis basis;
};

// ---- What planning says, asked nowhere else ----

std::string ContentsNow(const Desk& desk, const Shipment& shipment) {
  return ContentNow(desk.order, shipment, desk.basis);
}

Choices ChoicesOf(const Shipment& shipment, const std::string& service_code) {
  return {.service_code = service_code,
          .implausible_measures_ship = shipment.Waived(Reason::kMeasuresImplausible)};
}

absl::Status PlanFromOrder(const Desk& desk, Shipment& shipment, Effects& effects) {
  return PlanAgain(desk.order, shipment, effects, desk.basis, ChoicesOf(shipment, ""));
}

Basis By(const Basis& basis, const pb::Rules& rules, int64_t version) {
  Basis result{.calendar = basis.calendar, .derive = basis.derive};
  result.rules.Add(std::make_shared<const Rules>(rules, version));
  return result;
}

// Plans the shipment's schedules as if the order, and `desk.basis`, said what people decided. What
// the shipment is compared with later is what the order itself says: its fingerprint and its
// quantities.
absl::Status PlanAsDecided(const Desk& desk, Shipment& shipment, Effects& effects) {
  const Overrides overrides = OverridesOf(desk.review, desk.request);
  Shipment plain = shipment;
  Effects unused;
  RETURN_IF_ERROR(PlanFromOrder(desk, plain, unused));
  const Rules& rules = desk.basis.rules.newest();
  ASSIGN_OR_RETURN(const orders::v1::Order decided,
                   Overridden(desk.order, shipment.shares, overrides, rules));
  pb::Rules text = WithMeasures(rules, desk.order, overrides.measures);
  text.clear_address_lines();  // they are where they belong
  RETURN_IF_ERROR(PlanAgain(decided, shipment, effects, By(desk.basis, text, rules.version()),
                            ChoicesOf(shipment, overrides.service_code)));
  RETURN_IF_ERROR(CountAsOrdered(desk.order, overrides, shipment.packages));
  shipment.fingerprint = plain.fingerprint;
  shipment.shares = plain.shares;
  return absl::OkStatus();
}

// ---- Decisions ----

void Waive(Reason reason, Shipment& shipment) {
  if (!shipment.Waived(reason)) shipment.waived.emplace_back(Name(reason));
}

// Goes on with the packages that there are; plans them if there are none.
absl::Status GoOn(const Desk& desk, Shipment& shipment, Effects& effects) {
  if (shipment.packages.empty()) return PlanAsDecided(desk, shipment, effects);
  const State from = shipment.state;
  shipment.validated = false;
  shipment.state = State::kValidating;
  Progress(shipment);
  effects.action = "shipment.decide";
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
  return absl::OkStatus();
}

absl::Status UseAddress(const Desk& desk, Action action, Shipment& shipment, Effects& effects) {
  const ReviewDraft& asked = desk.review.asked;
  auto& place = asked.side == Side::kShipFrom ? shipment.ship_from : shipment.ship_to;
  type::v1::Address address = Completed(desk.request.address(), place);
  if (action == Action::kAcceptCandidate) {
    const int index = desk.request.candidate_index();
    const int count = static_cast<int>(asked.candidates.size());
    if (count == 0) {
      return absl::FailedPreconditionError(
          "action: ACCEPT_CANDIDATE is not possible: UPS offers none, want OVERRIDE_ADDRESS");
    }
    if (index < 0 || index >= count) {
      return absl::InvalidArgumentError(
          absl::StrCat("candidate_index: ", index, ", want 0 to ", count - 1));
    }
    address = Completed(asked.candidates[static_cast<std::size_t>(index)], place);
  } else {
    RETURN_IF_ERROR(CheckOverride(address));
  }
  const bool elsewhere = address.country_code() != place.country_code();
  place = std::move(address);
  effects.parties_changed = true;
  // In another country customs, services and contacts are others.
  if (elsewhere) return PlanAsDecided(desk, shipment, effects);
  return GoOn(desk, shipment, effects);
}

// The same for all shipments of the item to come: it becomes a rule, and this shipment is the first
// that is planned by it.
absl::Status RememberMeasures(const Desk& desk, Shipment& shipment, Effects& effects) {
  const ItemInQuestion& item = *desk.review.asked.item;
  if (item.item_id.empty()) {
    return absl::FailedPreconditionError(
        "remember: the line names no item to remember it of; set it for this shipment only");
  }
  const Rules& rules = desk.basis.rules.newest();
  const pb::Rules taught = WithMeasures(
      rules, desk.order,
      {{.item = item, .weight = desk.request.weight(), .dimensions = desk.request.dimensions()}});
  const bool news = taught.SerializeAsString() != rules.text().SerializeAsString();
  if (news) effects.taught = {.rules = taught, .replaces = rules.version()};
  const Desk by_taught{.review = desk.review,
                       .order = desk.order,
                       .request = desk.request,
                       .basis = By(desk.basis, taught, rules.version() + (news ? 1 : 0))};
  return PlanAsDecided(by_taught, shipment, effects);
}

absl::Status SetMeasures(const Desk& desk, Shipment& shipment, Effects& effects) {
  RETURN_IF_ERROR(CheckMeasures(desk.request));
  effects.detail["measures"] = MeasuresText(desk.request);
  if (desk.request.remember()) return RememberMeasures(desk, shipment, effects);
  return PlanAsDecided(desk, shipment, effects);
}

absl::Status ChooseService(const Desk& desk, Shipment& shipment, Effects& effects) {
  RETURN_IF_ERROR(CheckServiceCode(desk.request.service_code()));
  effects.detail["service_code"] = desk.request.service_code();
  shipment.service_chosen = true;
  // Whoever chose knows when it arrives; what it may cost is asked anew.
  if (desk.review.asked.reason == Reason::kNoServiceInTime) {
    Waive(Reason::kNoServiceInTime, shipment);
  }
  return PlanAsDecided(desk, shipment, effects);
}

absl::Status ShipAnyway(const Desk& desk, Shipment& shipment, Effects& effects) {
  Waive(desk.review.asked.reason, shipment);
  return GoOn(desk, shipment, effects);
}

// What may be decided of a shipment that waits for an answer before its label.
absl::Status DecideBeforeLabel(const Desk& desk, Action action, Shipment& shipment,
                               Effects& effects) {
  switch (action) {
    case Action::kCancel:
      return CancelByPerson(shipment, effects);
    case Action::kRetry:
      shipment.service_chosen = false;
      return PlanFromOrder(desk, shipment, effects);
    case Action::kAcceptCandidate:
    case Action::kOverrideAddress:
      return UseAddress(desk, action, shipment, effects);
    case Action::kSetMeasures:
      return SetMeasures(desk, shipment, effects);
    case Action::kChooseService:
      return ChooseService(desk, shipment, effects);
    case Action::kSplit:
      return PlanAsDecided(desk, shipment, effects);
    case Action::kShipAnyway:
      return ShipAnyway(desk, shipment, effects);
  }
  std::abort();
}

// The purchase is in doubt; whoever decides has looked at UPS, and it is ended in this name.
absl::Status DecideDoubt(const Desk& desk, Action action, const std::string& who,
                         Shipment& shipment, Effects& effects) {
  const State from = shipment.state;
  if (action == Action::kCancel) {
    RETURN_IF_ERROR(CancelByPerson(shipment, effects));
    // What the order says now of these schedules is what is not to be sent.
    shipment.fingerprint = ContentsNow(desk, shipment);
  } else {
    shipment.state = State::kLabeling;
    Progress(shipment);
  }
  shipment.purchase.confirmed_by = who;
  effects.purchase_changed = true;
  effects.action = "shipment.decide";
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
  return absl::OkStatus();
}

// It is dealt with by hand: what the order says now is what was shipped.
void LetGo(const Desk& desk, Shipment& shipment) {
  shipment.fingerprint = ContentsNow(desk, shipment);
  Waive(desk.review.asked.reason, shipment);
}

absl::Status DecideRefusedVoid(const Desk& desk, Action action, Shipment& shipment,
                               Effects& effects) {
  if (action == Action::kCancel) {
    LetGo(desk, shipment);
    shipment.undo = Undo::kNone;
    effects.lease = Effects::Lease::kKeep;
    effects.replan = true;  // other schedules may have waited for it to go
    return absl::OkStatus();
  }
  // What a person wants to be void is not shipped again unless the order is another; a hold that
  // came meanwhile makes it none. What the order did not want at that time may be wanted again.
  const std::string now = ContentsNow(desk, shipment);
  if (shipment.undo == Undo::kPerson && shipment.fingerprint.empty()) shipment.fingerprint = now;
  const bool by_person = shipment.undo == Undo::kPerson && shipment.fingerprint == now;
  effects = BeginVoid(shipment, by_person ? Undo::kPerson : Undo::kChange);
  effects.close_reviews = false;
  return absl::OkStatus();
}

// OK if the review allows the action; the error says what it does allow.
absl::Status CheckAllowed(const ReviewDraft& asked, Action action) {
  const std::vector<Action> allowed = ActionsFor(asked);
  if (std::find(allowed.begin(), allowed.end(), action) == allowed.end()) {
    std::vector<std::string> names;
    for (const Action one : allowed) names.emplace_back(Name(one));
    return absl::FailedPreconditionError(
        absl::StrCat("action: ", std::string(Name(action)), " is not possible for ",
                     std::string(Name(asked.reason)), ", want ", absl::StrJoin(names, " or ")));
  }
  const bool about_item = action == Action::kSetMeasures || action == Action::kSplit;
  if (about_item && !asked.item.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "action: ", std::string(Name(action)),
        " is not possible: the review was opened by a version that did not note the item; RETRY "
        "has it asked anew"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Action> ActionOf(pb::Review::Action action) {
  for (const Action one :
       {Action::kAcceptCandidate, Action::kOverrideAddress, Action::kRetry, Action::kCancel,
        Action::kSetMeasures, Action::kChooseService, Action::kSplit, Action::kShipAnyway}) {
    if (pb::Review::Action_Name(action) == Name(one)) return one;
  }
  return absl::InvalidArgumentError(
      "action: not set, want one of the review's actions, such as RETRY or CANCEL");
}

absl::Status Decide(const Review& review, const orders::v1::Order& order,
                    const pb::ResolveReviewRequest& request, const std::string& who,
                    const Planner& planner, Shipment& shipment, Effects& effects) {
  ASSIGN_OR_RETURN(const Action action, ActionOf(request.action()));
  RETURN_IF_ERROR(CheckAllowed(review.asked, action));
  const Desk desk{.review = review,
                  .order = order,
                  .request = request,
                  .basis = planner.BasisFor(shipment.connection_id)};
  effects.lease = Effects::Lease::kEnd;
  switch (review.asked.reason) {
    case Reason::kChangedAfterPickup:
      LetGo(desk, shipment);
      effects.lease = Effects::Lease::kKeep;
      return absl::OkStatus();
    case Reason::kVoidedLabelScanned:
      effects.lease = Effects::Lease::kKeep;
      return absl::OkStatus();
    case Reason::kVoidRefused:
      return DecideRefusedVoid(desk, action, shipment, effects);
    case Reason::kInDoubtUnresolved:
      return DecideDoubt(desk, action, who, shipment, effects);
    default:
      return DecideBeforeLabel(desk, action, shipment, effects);
  }
}

}  // namespace psups::shipment_builder
