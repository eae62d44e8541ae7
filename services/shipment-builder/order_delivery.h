#pragma once

#include <string>
#include <vector>

#include "common/decimal.h"
#include "services/shipment-builder/packing.h"

namespace psups::shipment_builder {

// A schedule as its order has it.
struct OrderedSchedule {
  int line = 0;
  int schedule = 0;
  Decimal ordered = {};
  Decimal received_before = {};  // what PeopleSoft had received when the order was first seen
  Decimal open = {};             // what PeopleSoft has not received by now
  bool cancelled = false;        // or of a kind that is never shipped
};

// How much of a schedule arrived.
struct ScheduleDelivery {
  OrderedSchedule ordered = {};
  Decimal shipped = {};    // with a live label, delivered or not
  Decimal delivered = {};  // by UPS
  Decimal returned = {};   // brought back or lost
  std::vector<std::string> tracking_numbers = {};

  // Ordered, not received by PeopleSoft, before or meanwhile, and not delivered: what came back is
  // to come again. Of what was cancelled nothing is.
  Decimal outstanding() const;
};

// By line and schedule number. `live` are the packages whose labels are not void; of a schedule
// that is in them and that the order has no more nothing is ordered.
std::vector<ScheduleDelivery> DeliveryOf(std::vector<OrderedSchedule> schedules,
                                         const std::vector<Package>& live);

}  // namespace psups::shipment_builder
