#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "psups/orders/v1/order_service.pb.h"
#include "psups/shipments/v1/shipment_service.pb.h"
#include "psups/type/v1/address.pb.h"
#include "services/shipment-builder/grouping.h"
#include "services/shipment-builder/packing.h"
#include "services/shipment-builder/review.h"
#include "services/shipment-builder/rules.h"

namespace psups::shipment_builder {

// Where a shipment goes from and to, as UPS and customs count it.
struct Lane {
  std::string from = {};  // ISO 3166-1 alpha-2
  std::string to = {};

  // Within or between the US and Puerto Rico.
  bool domestic() const;
  // A commercial invoice goes with it.
  bool wants_customs() const { return from != to && !domestic(); }
  // UPS wants the goods' value: from the US to Canada or Puerto Rico.
  bool wants_value() const { return from == "US" && (to == "CA" || to == "PR"); }
  // UPS wants somebody to call at the destination, and a description.
  bool wants_contact() const { return from != to; }
};
Lane LaneOf(const type::v1::Address& from, const type::v1::Address& to);

// Whether UPS has the service on that lane.
bool IsOnLane(const std::string& service_code, const Lane& lane);

// What a group's shipment is bought with, or why a person has to say more. `packages` are those of
// the group's schedules.
std::variant<Terms, ReviewDraft> TermsFor(const orders::v1::Order& order, const Group& group,
                                          const std::vector<Package>& packages, const Lane& lane,
                                          const Rules& rules);

// One text that is equal for terms that buy the same; empty for the usual ones.
std::string TermsText(const Terms& terms);

}  // namespace psups::shipment_builder
