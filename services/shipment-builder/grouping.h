#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/rules.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

using Schedule = orders::v1::Order::Schedule;

// Stand on a purchase order's schedule, in memory only: purchases hold all, or a part, of the
// requisitions' schedules that it came from.
inline constexpr auto kShippedAsRequisition = static_cast<Schedule::IneligibleReason>(1000);
inline constexpr auto kPartlyShippedAsRequisition = static_cast<Schedule::IneligibleReason>(1001);

// What an order says of one schedule's quantities.
struct Quantities {
  Decimal ordered = {};
  Decimal open = {};

  Decimal received() const { return ordered - open; }
};
// Nullopt unless they are decimals and 0 ≤ open ≤ ordered: such a schedule is not ours to ship.
std::optional<Quantities> QuantitiesOf(const Schedule& schedule);

// "" and days up to `today`: "", as soon as possible; else the day itself.
std::string LeavingDay(const std::string& ship_date, absl::CivilDay today);

// A part of an order that becomes one shipment.
struct Group {
  std::vector<const Schedule*> schedules = {};  // by line and schedule number
  std::vector<Share> shares = {};               // one for each
  std::string ship_date = {};                   // as LeavingDay has it
};

// The schedules that leave from one address to one address by one service on one day, paid by one,
// together. `shares` names the schedules to be grouped.
std::vector<Group> GroupSchedules(const orders::v1::Order& order, const std::vector<Share>& shares,
                                  const Rules& rules, absl::CivilDay today);

// The schedule of that number, or null.
const Schedule* FindSchedule(const orders::v1::Order& order, int line, int schedule);

}  // namespace psups::shipment_builder
