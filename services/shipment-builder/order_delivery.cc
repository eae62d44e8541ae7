#include "services/shipment-builder/order_delivery.h"

#include <algorithm>
#include <map>
#include <utility>

namespace psups::shipment_builder {

Decimal ScheduleDelivery::outstanding() const {
  if (ordered.cancelled) return Decimal(0);
  return std::max(Decimal(0),
                  std::min(ordered.open, ordered.ordered - ordered.received_before - delivered));
}

std::vector<ScheduleDelivery> DeliveryOf(std::vector<OrderedSchedule> schedules,
                                         const std::vector<Package>& live) {
  std::map<std::pair<int, int>, ScheduleDelivery> by_number;
  for (const OrderedSchedule& one : schedules) {
    by_number[{one.line, one.schedule}] = {.ordered = one};
  }
  for (const Package& package : live) {
    const std::string& status = package.tracking_status;
    for (const Content& content : package.contents) {
      ScheduleDelivery& delivery = by_number[{content.line, content.schedule}];
      delivery.ordered.line = content.line;
      delivery.ordered.schedule = content.schedule;
      delivery.shipped = delivery.shipped + content.quantity;
      if (status == "DELIVERED") delivery.delivered = delivery.delivered + content.quantity;
      if (status == "RETURNED" || status == "LOST") {
        delivery.returned = delivery.returned + content.quantity;
      }
      // A package may hold one schedule in several pieces.
      std::vector<std::string>& numbers = delivery.tracking_numbers;
      if (std::find(numbers.begin(), numbers.end(), package.tracking_number) == numbers.end()) {
        numbers.push_back(package.tracking_number);
      }
    }
  }
  std::vector<ScheduleDelivery> result;
  for (auto& [number, delivery] : by_number) result.push_back(std::move(delivery));
  return result;
}

}  // namespace psups::shipment_builder
