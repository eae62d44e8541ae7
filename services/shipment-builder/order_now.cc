// Shipments beside what their order says now.
#include "services/shipment-builder/order_now.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "services/shipment-builder/part_void.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;

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

// What the schedules are, whether or not they may ship.
Order AsIfAllShipped(Order order) {
  for (Schedule& schedule : *order.mutable_schedules()) {
    if (!IsAskedFor(schedule)) schedule.clear_ineligible_reason();
  }
  return order;
}

// True unless a schedule of the shipment may not ship for now, or not any more.
bool MayShip(const Order& order, const Shipment& shipment) {
  const std::vector<Share> shares = WantedShares(shipment);
  return std::all_of(shares.begin(), shares.end(), [&](const Share& share) {
    const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
    return ReceivedInFull(order, share) ||
           (schedule != nullptr && QuantitiesOf(*schedule).has_value() && Ships(*schedule));
  });
}

}  // namespace

bool IsAskedFor(const Schedule& schedule) {
  return schedule.ineligible_reason() == Schedule::INELIGIBLE_REASON_UNSPECIFIED ||
         schedule.ineligible_reason() == kPartlyShippedAsRequisition;
}

std::string ContentNow(const Order& order, const Shipment& shipment, const Basis& basis) {
  const Rules& rules = basis.rules.Of(shipment.mapping_version);
  std::vector<Share> shares;
  for (const Share& share : WantedShares(shipment)) {
    // What has arrived in full is as it was shipped.
    const std::optional<Share> now =
        ReceivedInFull(order, share) ? std::optional(share) : ShareNow(order, share);
    if (!now.has_value()) return "not in the order";
    shares.push_back(*now);
  }
  // Days pass, which is no change: all of it is looked at as leaving now.
  const Order all = AsIfAllShipped(order);
  const std::vector<Group> groups = GroupSchedules(all, shares, rules, absl::CivilDay::max());
  if (groups.size() != 1) return "in several shipments";
  return PlanGroup(all, groups.front(), rules, basis.derive).fingerprint;
}

bool Unchanged(const Order& order, const Shipment& shipment, const Basis& basis) {
  const bool received =
      std::all_of(shipment.shares.begin(), shipment.shares.end(),
                  [&](const Share& share) { return ReceivedInFull(order, share); });
  if (received) return true;
  // What a person let go stays as it is while its content does, whether it may ship or not.
  const bool let_go =
      shipment.Waived(Reason::kVoidRefused) || shipment.Waived(Reason::kChangedAfterPickup);
  if (!let_go && !MayShip(order, shipment)) return false;
  return ContentNow(order, shipment, basis) == shipment.fingerprint;
}

std::optional<Effects> VoidPart(const Order& order, Shipment& shipment, const Basis& basis) {
  // UPS does that within a country only.
  if (shipment.ship_from.country_code() != shipment.ship_to.country_code()) return std::nullopt;
  const Rules& rules = basis.rules.Of(shipment.mapping_version);
  const Order all = AsIfAllShipped(order);
  const auto fingerprint = [&](const std::vector<Share>& shares) -> std::string {
    const std::vector<Group> groups = GroupSchedules(all, shares, rules, absl::CivilDay::max());
    if (groups.size() != 1 || groups.front().shares.size() != shares.size()) return "";
    return PlanGroup(all, groups.front(), rules, basis.derive).fingerprint;
  };
  // But for the quantities it is what it was.
  if (fingerprint(shipment.shares) != shipment.fingerprint) return std::nullopt;
  std::vector<Share> wanted;
  for (const Share& share : shipment.shares) {
    const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
    const std::optional<Share> now =
        ReceivedInFull(order, share) ? std::optional(share) : ShareNow(order, share);
    if (!now.has_value() || !(Ships(*schedule) || ReceivedInFull(order, share))) continue;
    if (now->quantity > Decimal(0)) wanted.push_back(*now);
  }
  const std::vector<std::size_t> packages = PackagesBeyond(shipment, wanted);
  if (packages.empty()) return std::nullopt;
  shipment.order_revision = order.revision();
  return BeginPartVoid(shipment, packages, fingerprint(wanted));
}

}  // namespace psups::shipment_builder
