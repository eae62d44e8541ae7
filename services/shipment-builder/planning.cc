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
#include "services/shipment-builder/order_now.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;
using Key = std::pair<int, int>;

Key KeyOf(const Share& share) { return {share.line, share.schedule}; }

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

// Its day had passed when it was planned.
bool IsPastDue(const Order& order, const Shipment& shipment, absl::CivilDay today) {
  return std::any_of(shipment.shares.begin(), shipment.shares.end(), [&](const Share& share) {
    const Schedule* const schedule = FindSchedule(order, share.line, share.schedule);
    absl::CivilDay day;
    return schedule != nullptr && absl::ParseCivilTime(schedule->ship_date(), &day) && day < today;
  });
}

// Where a planned shipment starts, and when it is due.
void Start(const Order& order, Shipment& shipment, std::optional<ReviewDraft> problem,
           const Basis& basis, Effects& effects) {
  const Calendar& calendar = basis.calendar;
  const Rules& rules = basis.rules.newest();
  Progress(shipment);
  shipment.validated = false;
  if (!problem.has_value() && rules.past_due_is_asked() && !shipment.Waived(Reason::kPastDue) &&
      IsPastDue(order, shipment, calendar.today())) {
    problem = ReviewDraft{.reason = Reason::kPastDue,
                          .message =
                              "Its ship date had passed when the order came. Ship it "
                              "anyway, or change SHIP_DATE in PeopleSoft and retry, or "
                              "cancel."};
  }
  if (problem.has_value()) {
    shipment.state = State::kNeedsReview;
    effects.detail["reason"] = std::string(Name(problem->reason));
    effects.review = std::move(problem);
    return;
  }
  shipment.state = State::kValidating;
  absl::CivilDay day;
  if (!absl::ParseCivilTime(shipment.ship_date, &day)) return;
  const int ahead = rules.days_ahead();
  if (day - calendar.today() <= ahead) return;
  shipment.state = State::kReceived;
  shipment.due_in = absl::FromCivil(absl::CivilDay(day - ahead), calendar.zone) - calendar.now;
}

void FillFromPlan(Shipment& shipment, PlannedShipment plan) {
  shipment.service_code = std::move(plan.service_code);
  shipment.ship_date = std::move(plan.ship_date);
  shipment.shares = std::move(plan.shares);
  shipment.fingerprint = std::move(plan.fingerprint);
  shipment.ship_from = std::move(plan.ship_from);
  shipment.ship_to = std::move(plan.ship_to);
  shipment.packages = std::move(plan.packages);
  shipment.terms = std::move(plan.terms);
  shipment.mapping_version = plan.mapping_version;
  shipment.vendor = std::move(plan.vendor);
  shipment.due_date = std::move(plan.due_date);
  shipment.estimate.reset();
  shipment.waits_for.clear();
}

// What has no label stays as it is, and goes on by the newest rules: what they ask before a
// purchase is asked anew.
Effects StayUnderRules(const Order& order, Shipment& shipment, const PlannedShipment& plan,
                       const Basis& basis) {
  const bool news = shipment.mapping_version != basis.rules.newest().version() ||
                    shipment.due_date != plan.due_date;
  Effects effects = StayWith(shipment, order);
  shipment.mapping_version = basis.rules.newest().version();
  shipment.due_date = plan.due_date;
  shipment.shares = plan.shares;  // the same quantities, received by now or not
  const bool waits = shipment.state == State::kReceived || shipment.state == State::kValidating ||
                     shipment.state == State::kLabeling;
  if (!news || !waits) return effects;
  if (!shipment.service_chosen) shipment.service_code = plan.service_code;
  if (shipment.packages.size() == plan.packages.size()) shipment.terms = plan.terms;
  shipment.estimate.reset();
  shipment.waits_for.clear();
  // Whoever holds it under the old rules loses it.
  effects = Effects{.parties_changed = true};
  Start(order, shipment, std::nullopt, basis, effects);
  effects.action = "shipment.plan";
  effects.detail["to"] = std::string(Name(shipment.state));
  effects.detail["mapping_version"] = shipment.mapping_version;
  return effects;
}

NewShipment Build(const Order& order, PlannedShipment plan, int64_t number, const Basis& basis) {
  NewShipment result;
  Shipment& shipment = result.shipment;
  const auto& document = order.document();
  shipment.connection_id = document.connection().substr(document.connection().find('/') + 1);
  shipment.order_id = order.name().substr(order.name().find('/') + 1);
  shipment.shipment_id =
      absl::StrCat(shipment.connection_id, "-",
                   Base32(basis
                              .derive("shipment-id",
                                      JoinUnambiguously({shipment.connection_id, shipment.order_id,
                                                         std::to_string(number)}))
                              .substr(0, 10)));
  shipment.document_type = document.document_type() == type::v1::REQUISITION ? "REQ" : "PO";
  shipment.business_unit = document.business_unit();
  shipment.document_id = document.document_id();
  shipment.order_revision = order.revision();
  shipment.trace_id = order.trace_id();
  std::optional<ReviewDraft> problem = std::move(plan.problem);
  FillFromPlan(shipment, std::move(plan));
  Effects& effects = result.effects;
  Start(order, shipment, std::move(problem), basis, effects);
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

Reconciliation Reconcile(const Order& order, std::vector<Shipment>& existing, int64_t built,
                         const Basis& basis) {
  Reconciliation result;
  const Rules& rules = basis.rules.newest();
  const absl::CivilDay today = basis.calendar.today();
  result.changes.resize(existing.size());
  std::set<Key> taken;    // held by a shipment that stays, or whose fate a person decides
  std::set<Key> leaving;  // held by a label that goes away: planned when it is gone
  for (std::size_t i = 0; i < existing.size(); ++i) {
    Shipment& shipment = existing[i];
    const Standing standing = StandingOf(shipment);
    if (standing == Standing::kNoLabel) continue;  // below, when it is known what would be planned
    const bool unchanged = Unchanged(order, shipment, basis);
    // The same as ever, but it may not ship: no reason to do again what a person undid.
    const bool same_content =
        unchanged || ContentNow(order, shipment, basis) == shipment.fingerprint;
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
              unchanged ? StayWith(shipment, order) : VoidPart(order, shipment, basis);
          if (result.changes[i].has_value()) {
            holder = &taken;  // the rest of it stays; what goes is planned when it is gone
          } else {
            result.changes[i] = BeginVoid(shipment, Undo::kChange);
          }
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
    if (!IsAskedFor(schedule)) continue;
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
  for (const Group& group : GroupSchedules(order, wanted, rules, today)) {
    const bool waits = std::any_of(group.shares.begin(), group.shares.end(),
                                   [&](const Share& s) { return leaving.count(KeyOf(s)) > 0; });
    if (!waits) plans.push_back(PlanGroup(order, group, rules, basis.derive));
  }
  for (std::size_t i = 0; i < existing.size(); ++i) {
    Shipment& shipment = existing[i];
    if (StandingOf(shipment) != Standing::kNoLabel) continue;
    const auto same = std::find_if(plans.begin(), plans.end(), [&](const PlannedShipment& plan) {
      return plan.fingerprint == shipment.fingerprint &&
             plan.ship_date == LeavingDay(shipment.ship_date, today);
    });
    if (same == plans.end()) {
      result.changes[i] = Withdraw(shipment);
      shipment.order_revision = order.revision();
    } else {
      result.changes[i] = StayUnderRules(order, shipment, *same, basis);
      plans.erase(same);
    }
  }
  for (PlannedShipment& plan : plans) {
    result.fresh.push_back(Build(order, std::move(plan), ++built, basis));
  }
  return result;
}

absl::Status PlanAgain(const Order& order, Shipment& shipment, Effects& effects, const Basis& basis,
                       const Choices& choices) {
  const Rules& rules = basis.rules.newest();
  std::vector<Share> shares;
  for (const Share& share : shipment.shares) {
    const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
    const auto now = schedule == nullptr ? std::nullopt : QuantitiesOf(*schedule);
    if (!now.has_value() || now->open.is_zero() || !IsAskedFor(*schedule)) {
      return absl::FailedPreconditionError(
          absl::StrCat(shipment.name(), ": line ", share.line, ", schedule ", share.schedule,
                       " may not ship any more; cancel it instead"));
    }
    shares.push_back({.line = share.line,
                      .schedule = share.schedule,
                      .quantity = now->open,
                      .received = now->received()});
  }
  const std::vector<Group> groups = GroupSchedules(order, shares, rules, basis.calendar.today());
  if (groups.size() != 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        shipment.name(), ": its schedules now go to several places; change the order"));
  }
  const State from = shipment.state;
  PlannedShipment plan = PlanGroup(order, groups.front(), rules, basis.derive, choices);
  std::optional<ReviewDraft> problem = std::move(plan.problem);
  FillFromPlan(shipment, std::move(plan));
  shipment.order_revision = order.revision();
  effects.parties_changed = true;
  effects.packages_changed = true;
  Start(order, shipment, std::move(problem), basis, effects);
  effects.action = "shipment.plan";
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
