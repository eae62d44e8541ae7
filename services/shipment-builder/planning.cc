#include "services/shipment-builder/planning.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/crypto.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/measures.h"
#include "services/shipment-builder/service_map.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;
using Address = type::v1::Address;
using Key = std::pair<int, int>;

constexpr std::size_t kMostCharacters = 35;
constexpr std::size_t kMostCityCharacters = 30;
constexpr int kMostLines = 3;
constexpr std::string_view kOwnCountry = "US";

Key KeyOf(const Share& share) { return {share.line, share.schedule}; }

std::string Place(const Schedule& schedule) {
  return absl::StrCat("line ", schedule.line_number(), ", schedule ", schedule.schedule_number());
}

std::string Item(const Schedule& schedule) {
  if (schedule.item_id().empty()) {
    return absl::StrCat("the description-only item of ", Place(schedule));
  }
  return absl::StrCat("item ", schedule.item_setid(), "/", schedule.item_id(), " (",
                      Place(schedule), ")");
}

// Which field is too long, or empty.
std::string TooLong(const Address& address) {
  const auto over = [](const std::string& text, std::size_t most) {
    return CharacterCount(text) > most;
  };
  const auto say = [](std::string_view field, const std::string& text, std::size_t most) {
    return absl::StrCat(std::string(field), " has ", CharacterCount(text),
                        " characters, UPS prints ", most);
  };
  if (over(address.name(), kMostCharacters)) return say("name", address.name(), kMostCharacters);
  if (over(address.attention_name(), kMostCharacters)) {
    return say("attention name", address.attention_name(), kMostCharacters);
  }
  if (address.lines_size() > kMostLines) {
    return absl::StrCat("there are ", address.lines_size(), " address lines, UPS prints ",
                        kMostLines);
  }
  for (int i = 0; i < address.lines_size(); ++i) {
    if (over(address.lines(i), kMostCharacters)) {
      return say(absl::StrCat("address line ", i + 1), address.lines(i), kMostCharacters);
    }
  }
  if (over(address.city(), kMostCityCharacters)) {
    return say("city", address.city(), kMostCityCharacters);
  }
  return "";
}

bool Complete(const Address& address) {
  return !address.name().empty() && address.lines_size() > 0 && !address.city().empty() &&
         !address.postal_code().empty();
}

// Why the parties or the service stand in the way.
std::optional<ReviewDraft> PartiesProblem(const Schedule& schedule) {
  const std::string vendor =
      absl::StrCat("vendor ", schedule.vendor_setid(), "/", schedule.vendor_id());
  const std::string location =
      absl::StrCat("ship-to location ", schedule.ship_to_setid(), "/", schedule.ship_to_id());
  if (!schedule.has_ship_from() || !Complete(schedule.ship_from())) {
    return ReviewDraft{
        .reason = Reason::kNoShipFrom,
        .message = schedule.vendor_id().empty()
                       ? absl::StrCat("The document names no vendor for ", Place(schedule),
                                      ". Enter one in PeopleSoft, then retry.")
                       : absl::StrCat("The order's address of ", vendor,
                                      " has no name, street line, city or postal code. Complete "
                                      "it in PeopleSoft, then retry.")};
  }
  if (!schedule.has_ship_to() || !Complete(schedule.ship_to())) {
    return ReviewDraft{
        .reason = Reason::kNoShipTo,
        .message = absl::StrCat("The ", location, " of ", Place(schedule),
                                " has no name, street line, city or postal code. Complete it in "
                                "PeopleSoft, then retry.")};
  }
  struct Party {
    const Address& address;
    Side side;
    const std::string& who;
  };
  const Party parties[] = {{schedule.ship_to(), Side::kShipTo, location},
                           {schedule.ship_from(), Side::kShipFrom, vendor}};
  for (const Party& party : parties) {
    if (absl::AsciiStrToUpper(party.address.country_code()) == kOwnCountry) continue;
    return ReviewDraft{
        .reason = Reason::kCountryUnsupported,
        .message = absl::StrCat("The country of ", party.who, " is ", party.address.country_code(),
                                "; only shipments within the US are made. Ship it "
                                "by hand, then cancel.")};
  }
  for (const Party& party : parties) {
    const std::string what = TooLong(party.address);
    if (what.empty()) continue;
    return ReviewDraft{.reason = Reason::kFieldTooLong,
                       .message = absl::StrCat("In the address of ", party.who, " the ", what,
                                               ". Shorten it in PeopleSoft and retry, or give the "
                                               "address to print here."),
                       .side = party.side,
                       .address = party.address};
  }
  if (!ServiceFor(schedule.ship_type_id()).has_value()) {
    return ReviewDraft{
        .reason = Reason::kServiceUnmapped,
        .message = absl::StrCat("Ship via \"", schedule.ship_type_id(), "\" of ", Place(schedule),
                                " stands for no UPS service. Change SHIP_TYPE_ID in PeopleSoft to "
                                "GROUND, 3DAY, 2DAY or 1DAY, then retry.")};
  }
  return std::nullopt;
}

ReviewDraft MeasureReview(const Schedule& schedule, const MeasureProblem& problem) {
  switch (problem.kind) {
    case MeasureProblem::Kind::kWeightMissing:
      return {.reason = Reason::kItemWeightMissing,
              .message = absl::StrCat("No weight is kept for ", Item(schedule), " in unit ",
                                      schedule.unit_of_measure(),
                                      ". Enter its weight and weight unit in PeopleSoft, then "
                                      "retry.")};
    case MeasureProblem::Kind::kDimensionsMissing:
      return {.reason = Reason::kItemDimensionsMissing,
              .message = absl::StrCat("Length, width or height of ", Item(schedule),
                                      " is not kept. Enter all three and their unit in "
                                      "PeopleSoft, then retry.")};
    case MeasureProblem::Kind::kUnitUnknown:
      return {.reason = Reason::kUomUnknown,
              .message = absl::StrCat("Unit of measure \"", problem.unit_of_measure, "\" of ",
                                      Item(schedule),
                                      " is not known. Known are LB, KG, OZ, G and IN, CM, FT, M. "
                                      "Correct it in PeopleSoft, then retry.")};
    case MeasureProblem::Kind::kRateUnknown:
      return {.reason = Reason::kUomUnknown,
              .message = absl::StrCat("How many ", problem.standard_unit, " one ",
                                      problem.unit_of_measure, " of ", Item(schedule),
                                      " holds is not kept. Enter the conversion rate in "
                                      "PeopleSoft, then retry.")};
    case MeasureProblem::Kind::kImplausible:
      return {.reason = Reason::kItemWeightMissing,
              .message = absl::StrCat("Weight or dimensions kept for ", Item(schedule),
                                      " cannot be right: ", problem.suspicion,
                                      " Correct them in PeopleSoft, then retry.")};
    case MeasureProblem::Kind::kTooHeavy:
      return {.reason = Reason::kPackageTooHeavy,
              .message = absl::StrCat("The weight kept for ", Item(schedule),
                                      " cannot be right. Correct it in PeopleSoft, then retry.")};
    case MeasureProblem::Kind::kTooLarge:
      return {.reason = Reason::kPackageTooLarge,
              .message = absl::StrCat("The dimensions kept for ", Item(schedule),
                                      " cannot be right. Correct them in PeopleSoft, then retry.")};
  }
  std::abort();
}

ReviewDraft PackingReview(const Schedule& schedule, PackingProblem problem) {
  switch (problem) {
    case PackingProblem::kTooHeavy:
      return {.reason = Reason::kPackageTooHeavy,
              .message = absl::StrCat("One unit of ", Item(schedule), " weighs more than ",
                                      kMostPoundsPerPackage,
                                      " lb, which UPS does not carry in a package. Ship it as "
                                      "freight, then cancel; or correct its weight in PeopleSoft "
                                      "and retry.")};
    case PackingProblem::kTooLarge:
      return {.reason = Reason::kPackageTooLarge,
              .message = absl::StrCat("One unit of ", Item(schedule), " is longer than ",
                                      kMostInchesLong, " in, or than ", kMostLengthAndGirth,
                                      " in with its girth. Ship it as freight, then cancel; or "
                                      "correct its dimensions in PeopleSoft and retry.")};
    case PackingProblem::kTooMany:
      return {.reason = Reason::kPackageTooLarge,
              .message = absl::StrCat("The shipment would be more than ", kMostPackages,
                                      " packages because of ", Item(schedule),
                                      ". Split the schedule in PeopleSoft or ship it as freight, "
                                      "then cancel.")};
  }
  std::abort();
}

std::string Fingerprint(const PlannedShipment& plan, const Derive& derive) {
  std::string text =
      JoinUnambiguously({plan.service_code, FullAddress(plan.ship_from), FullAddress(plan.ship_to),
                         plan.problem.has_value() ? std::string(Name(plan.problem->reason)) : "",
                         plan.problem.has_value() ? plan.problem->message : ""});
  for (const Share& share : plan.shares) {
    absl::StrAppend(&text, "s", share.line, "/", share.schedule, "=", share.quantity.ToString());
  }
  for (const Package& package : plan.packages) {
    absl::StrAppend(&text, "p", package.weight_lb.ToString(), ",", package.length_in, ",",
                    package.width_in, ",", package.height_in);
    for (const Content& content : package.contents) {
      absl::StrAppend(&text, ":", content.line, "/", content.schedule, "=",
                      content.quantity.ToString());
    }
  }
  return Hex(derive("shipment-fingerprint", text).substr(0, 16));
}

// The share of a schedule that a held shipment would have by what the order says now: the same
// quantity if nothing but receipts of it came in between. Nullopt: the order does not say.
std::optional<Share> ShareNow(const Order& order, const Share& share) {
  const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
  if (schedule == nullptr) return std::nullopt;
  const std::optional<Quantities> now = QuantitiesOf(*schedule);
  if (!now.has_value()) return std::nullopt;
  Share result = share;
  result.quantity = now->ordered - share.received;
  return result;
}

// Everything of it arrived: whatever the order says afterwards is history.
bool ReceivedInFull(const Order& order, const Share& share) {
  const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
  if (schedule == nullptr) return false;
  const std::optional<Quantities> now = QuantitiesOf(*schedule);
  return now.has_value() && now->open.is_zero() &&
         now->received() >= share.received + share.quantity;
}

// A requisition's label that was there before the purchase order stays: it is the purchase order
// that does not ship then.
bool Ships(const Schedule& schedule) {
  return schedule.ineligible_reason() == Schedule::INELIGIBLE_REASON_UNSPECIFIED ||
         schedule.ineligible_reason() == Schedule::SOURCED_TO_PO;
}

// True unless a schedule of the shipment may not ship for now, or not any more.
bool MayShip(const Order& order, const Shipment& shipment) {
  return std::all_of(shipment.shares.begin(), shipment.shares.end(), [&](const Share& share) {
    const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
    return ReceivedInFull(order, share) ||
           (schedule != nullptr && QuantitiesOf(*schedule).has_value() && Ships(*schedule));
  });
}

// True unless the order asks for something else than what the shipment is.
bool Unchanged(const Order& order, const Shipment& shipment, const Derive& derive) {
  const bool received =
      std::all_of(shipment.shares.begin(), shipment.shares.end(),
                  [&](const Share& share) { return ReceivedInFull(order, share); });
  return received || FingerprintNow(order, shipment, derive) == shipment.fingerprint;
}

// What Reconcile is to do with a shipment that holds schedules.
enum class Standing {
  kNoLabel,    // nothing was bought, nothing is being bought
  kBuying,     // a label may come to be
  kLabel,      // a label that UPS has not scanned
  kGoingAway,  // its label is being voided
  kScanned,    // UPS has it, or had it
  kDecided,    // a person decided that it is not sent
};

Standing StandingOf(const Shipment& shipment) {
  if (shipment.purchase.MayBeLive()) return Standing::kBuying;
  switch (shipment.state) {
    case State::kReceived:
    case State::kValidating:
    case State::kLabeling:
    case State::kNeedsReview:
      return Standing::kNoLabel;
    case State::kFailed:
      return shipment.labelled() ? Standing::kGoingAway : Standing::kNoLabel;
    case State::kLabeled:
      return Standing::kLabel;
    case State::kVoiding:
      return Standing::kGoingAway;
    case State::kInTransit:
    case State::kDelivered:
    case State::kReturned:
    case State::kLost:
      return Standing::kScanned;
    case State::kWithdrawn:
    case State::kVoided:
    case State::kCancelled:
      return Standing::kDecided;
  }
  std::abort();
}

Effects StayWith(Shipment& shipment, const Order& order) {
  shipment.order_revision = order.revision();
  return {.lease = Effects::Lease::kKeep};
}

ReviewDraft ChangedAfterPickup(const Order& order) {
  return {.reason = Reason::kChangedAfterPickup,
          .message = absl::StrCat(
              "The order was changed (change order ", order.change_order_batch(),
              ") after UPS picked this shipment up. Ask UPS to intercept it, or arrange the "
              "difference with the vendor; then cancel to close this. The parcel is followed "
              "either way.")};
}

nlohmann::json SharesJson(const std::vector<Share>& shares) {
  nlohmann::json result = nlohmann::json::array();
  for (const Share& share : shares) {
    result.push_back({{"line", share.line},
                      {"schedule", share.schedule},
                      {"quantity", share.quantity.ToString()}});
  }
  return result;
}

// Where a planned shipment starts, and when it is due.
void Start(Shipment& shipment, const std::optional<ReviewDraft>& problem, const Calendar& calendar,
           Effects& effects) {
  Progress(shipment);
  shipment.validated = false;
  if (problem.has_value()) {
    shipment.state = State::kNeedsReview;
    effects.review = problem;
    effects.detail["reason"] = std::string(Name(problem->reason));
    return;
  }
  shipment.state = State::kValidating;
  absl::CivilDay day;
  if (!absl::ParseCivilTime(shipment.ship_date, &day)) return;
  if (day - calendar.today() <= kDaysAhead) return;
  shipment.state = State::kReceived;
  shipment.due_in = absl::FromCivil(absl::CivilDay(day - kDaysAhead), calendar.zone) - calendar.now;
}

void FillFromPlan(Shipment& shipment, PlannedShipment plan) {
  shipment.service_code = std::move(plan.service_code);
  shipment.ship_date = std::move(plan.ship_date);
  shipment.shares = std::move(plan.shares);
  shipment.fingerprint = std::move(plan.fingerprint);
  shipment.ship_from = std::move(plan.ship_from);
  shipment.ship_to = std::move(plan.ship_to);
  shipment.packages = std::move(plan.packages);
}

NewShipment Build(const Order& order, PlannedShipment plan, int64_t number,
                  const Calendar& calendar, const Derive& derive) {
  NewShipment result;
  Shipment& shipment = result.shipment;
  const auto& document = order.document();
  shipment.connection_id = document.connection().substr(document.connection().find('/') + 1);
  shipment.order_id = order.name().substr(order.name().find('/') + 1);
  shipment.shipment_id = absl::StrCat(
      shipment.connection_id, "-",
      Base32(derive("shipment-id", JoinUnambiguously({shipment.connection_id, shipment.order_id,
                                                      std::to_string(number)}))
                 .substr(0, 10)));
  shipment.document_type = document.document_type() == type::v1::REQUISITION ? "REQ" : "PO";
  shipment.business_unit = document.business_unit();
  shipment.document_id = document.document_id();
  shipment.order_revision = order.revision();
  shipment.trace_id = order.trace_id();
  const std::optional<ReviewDraft> problem = plan.problem;
  FillFromPlan(shipment, std::move(plan));
  Effects& effects = result.effects;
  Start(shipment, problem, calendar, effects);
  effects.action = "shipment.create";
  effects.detail["order"] = order.name();
  effects.detail["revision"] = order.revision();
  effects.detail["to"] = std::string(Name(shipment.state));
  effects.detail["service_code"] = shipment.service_code;
  effects.detail["packages"] = shipment.packages.size();
  effects.detail["schedules"] = SharesJson(shipment.shares);
  return result;
}

}  // namespace

PlannedShipment PlanGroup(const Order&, const Group& group, const Derive& derive) {
  const Schedule& first = *group.schedules.front();
  PlannedShipment plan{.service_code = ServiceFor(first.ship_type_id()).value_or(""),
                       .ship_date = group.ship_date,
                       .shares = group.shares,
                       .ship_from = first.ship_from(),
                       .ship_to = first.ship_to(),
                       .problem = PartiesProblem(first)};
  for (std::size_t i = 0; i < group.schedules.size() && !plan.problem.has_value(); ++i) {
    const Schedule& schedule = *group.schedules[i];
    const auto unit = UnitOf(schedule);
    if (const auto* problem = std::get_if<MeasureProblem>(&unit)) {
      plan.problem = MeasureReview(schedule, *problem);
      break;
    }
    const Share& share = group.shares[i];
    Packing packing =
        PackSchedule(share.line, share.schedule, share.quantity, std::get<Unit>(unit));
    if (packing.packed && plan.packages.size() + packing.packages.size() > kMostPackages) {
      packing = {.problem = PackingProblem::kTooMany};
    }
    if (!packing.packed) {
      plan.problem = PackingReview(schedule, packing.problem);
      break;
    }
    for (Package& package : packing.packages) {
      package.number = static_cast<int>(plan.packages.size()) + 1;
      plan.packages.push_back(std::move(package));
    }
  }
  if (plan.problem.has_value()) plan.packages.clear();
  plan.fingerprint = Fingerprint(plan, derive);
  return plan;
}

std::string FingerprintNow(const Order& order, const Shipment& shipment, const Derive& derive) {
  if (!MayShip(order, shipment)) return "not to be shipped";
  return ContentNow(order, shipment, derive);
}

std::string ContentNow(const Order& order, const Shipment& shipment, const Derive& derive) {
  std::vector<Share> shares;
  for (const Share& share : shipment.shares) {
    // What has arrived in full is as it was shipped.
    const std::optional<Share> now =
        ReceivedInFull(order, share) ? std::optional(share) : ShareNow(order, share);
    if (!now.has_value()) return "not in the order";
    shares.push_back(*now);
  }
  // Days pass, which is no change: all of it is looked at as leaving now.
  const std::vector<Group> groups = GroupSchedules(order, shares, absl::CivilDay::max());
  if (groups.size() != 1) return "in several shipments";
  return PlanGroup(order, groups.front(), derive).fingerprint;
}

Reconciliation Reconcile(const Order& order, std::vector<Shipment>& existing, int64_t built,
                         const Calendar& calendar, const Derive& derive) {
  Reconciliation result;
  result.changes.resize(existing.size());
  std::set<Key> taken;    // held by a shipment that stays, or whose fate a person decides
  std::set<Key> leaving;  // held by a label that goes away: planned when it is gone
  for (std::size_t i = 0; i < existing.size(); ++i) {
    Shipment& shipment = existing[i];
    const Standing standing = StandingOf(shipment);
    if (standing == Standing::kNoLabel) continue;  // below, when it is known what would be planned
    const bool unchanged = Unchanged(order, shipment, derive);
    // The same as ever, but it may not ship: no reason to do again what a person undid.
    const bool same_content =
        unchanged || ContentNow(order, shipment, derive) == shipment.fingerprint;
    std::set<Key>* holder = unchanged ? &taken : &leaving;
    switch (standing) {
      case Standing::kBuying:
        if (shipment.undo == Undo::kPerson) {
          holder = &taken;
        } else if (unchanged) {
          shipment.undo = Undo::kNone;
          result.changes[i] = StayWith(shipment, order);
        } else if (shipment.undo == Undo::kNone) {
          result.changes[i] = BeginVoid(shipment, Undo::kChange);
        }
        break;
      case Standing::kLabel:
        if (shipment.void_refused) {
          holder = &taken;
        } else {
          result.changes[i] =
              unchanged ? StayWith(shipment, order) : BeginVoid(shipment, Undo::kChange);
        }
        break;
      case Standing::kGoingAway:
        if (shipment.undo == Undo::kPerson && same_content) {
          holder = &taken;
        } else if (!unchanged) {
          shipment.undo = Undo::kChange;
          result.changes[i] = Effects{.lease = Effects::Lease::kKeep};
        } else if (shipment.undo == Undo::kChange) {
          holder = &leaving;
        }
        break;
      case Standing::kScanned:
        holder = &taken;
        if (shipment.void_refused) break;
        if (unchanged || (same_content && shipment.state != State::kInTransit)) {
          result.changes[i] = StayWith(shipment, order);
        } else if (shipment.order_revision < order.revision()) {
          shipment.order_revision = order.revision();
          Effects effects = OpenReview(shipment, ChangedAfterPickup(order));
          effects.lease = Effects::Lease::kKeep;
          result.changes[i] = std::move(effects);
        }
        break;
      case Standing::kDecided:
        if (same_content) {
          holder = &taken;  // nothing of it goes away
          result.changes[i] = StayWith(shipment, order);
        } else {
          shipment.holds = false;
          result.changes[i] = Effects{};
          holder = nullptr;
        }
        break;
      case Standing::kNoLabel:
        break;
    }
    if (holder == nullptr) continue;
    for (const Share& share : shipment.shares) holder->insert(KeyOf(share));
  }

  std::vector<Share> wanted;
  for (const Schedule& schedule : order.schedules()) {
    if (schedule.ineligible_reason() != Schedule::INELIGIBLE_REASON_UNSPECIFIED) continue;
    const std::optional<Quantities> now = QuantitiesOf(schedule);
    if (!now.has_value() || now->open.is_zero()) continue;
    const Key key{schedule.line_number(), schedule.schedule_number()};
    if (taken.count(key) > 0) continue;
    wanted.push_back({.line = key.first,
                      .schedule = key.second,
                      .quantity = now->open,
                      .received = now->received()});
  }
  std::vector<PlannedShipment> plans;
  for (const Group& group : GroupSchedules(order, wanted, calendar.today())) {
    const bool waits = std::any_of(group.shares.begin(), group.shares.end(),
                                   [&](const Share& s) { return leaving.count(KeyOf(s)) > 0; });
    if (!waits) plans.push_back(PlanGroup(order, group, derive));
  }
  for (std::size_t i = 0; i < existing.size(); ++i) {
    Shipment& shipment = existing[i];
    if (StandingOf(shipment) != Standing::kNoLabel) continue;
    const auto same = std::find_if(plans.begin(), plans.end(), [&](const PlannedShipment& plan) {
      return plan.fingerprint == shipment.fingerprint &&
             plan.ship_date == LeavingDay(shipment.ship_date, calendar.today());
    });
    if (same == plans.end()) {
      result.changes[i] = Withdraw(shipment);
      shipment.order_revision = order.revision();
    } else {
      plans.erase(same);
      result.changes[i] = StayWith(shipment, order);
    }
  }
  for (PlannedShipment& plan : plans) {
    result.fresh.push_back(Build(order, std::move(plan), ++built, calendar, derive));
  }
  return result;
}

absl::Status PlanAgain(const Order& order, Shipment& shipment, Effects& effects,
                       const Calendar& calendar, const Derive& derive) {
  std::vector<Share> shares;
  for (const Share& share : shipment.shares) {
    const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
    const auto now = schedule == nullptr ? std::nullopt : QuantitiesOf(*schedule);
    if (!now.has_value() || now->open.is_zero() ||
        schedule->ineligible_reason() != Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
      return absl::FailedPreconditionError(
          absl::StrCat(shipment.name(), ": line ", share.line, ", schedule ", share.schedule,
                       " may not ship any more; cancel it instead"));
    }
    shares.push_back({.line = share.line,
                      .schedule = share.schedule,
                      .quantity = now->open,
                      .received = now->received()});
  }
  const std::vector<Group> groups = GroupSchedules(order, shares, calendar.today());
  if (groups.size() != 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        shipment.name(), ": its schedules now go to several places; change the order"));
  }
  const State from = shipment.state;
  PlannedShipment plan = PlanGroup(order, groups.front(), derive);
  const std::optional<ReviewDraft> problem = plan.problem;
  FillFromPlan(shipment, std::move(plan));
  shipment.order_revision = order.revision();
  effects.parties_changed = true;
  effects.packages_changed = true;
  Start(shipment, problem, calendar, effects);
  effects.action = "shipment.plan";
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
