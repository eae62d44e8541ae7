#pragma once

#include <set>
#include <string>

#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {

inline ups::v1::Call CallIn(ups::v1::Call::State state) {
  ups::v1::Call call;
  call.set_state(state);
  return call;
}

// The loops of one replica, stepped until nothing is left to do.
class Loops : public World {
 protected:
  // An order whose label is neither found nor known not to be.
  void LetOneBeDoubtedForGood() {
    ups::v1::Call doubt = CallIn(ups::v1::Call::IN_DOUBT);
    doubt.set_needs_person(true);
    ups.next = {doubt};
    orders.Put(PlainOrder("o1"));
    RunAndWait();
    ASSERT_EQ(Reviews().size(), 1u);
  }
  // Line 1 goes to Denver now, line 2 in ten days.
  orders::v1::Order TwoLines(const std::string& id = "o1") {
    orders::v1::Order order = PlainOrder(id);
    *order.add_schedules() = PlainSchedule(2, 1);
    order.mutable_schedules(1)->set_ship_date(
        absl::FormatCivilTime(absl::ToCivilDay(clock.Now(), absl::UTCTimeZone()) + 10));
    return order;
  }
  // Both lines are to go elsewhere, now and together.
  orders::v1::Order TwoLinesElsewhere(int64_t revision, const std::string& id = "o1") {
    orders::v1::Order order = PlainOrder(id, revision);
    *order.add_schedules() = PlainSchedule(2, 1);
    for (Schedule& schedule : *order.mutable_schedules()) {
      schedule.set_ship_to_id("AUSTIN");
      *schedule.mutable_ship_to() = AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
    }
    return order;
  }
  // The lines of the order that have a label, each as often as it has one.
  std::multiset<int> LinesLabelled(const std::string& id = "o1") {
    std::multiset<int> lines;
    for (const ShipmentRecord& record : Shipments(id)) {
      if (record.shipment.state != State::kLabeled) continue;
      for (const Share& share : record.shipment.shares) lines.insert(share.line);
    }
    return lines;
  }
};

}  // namespace psups::shipment_builder::testing
