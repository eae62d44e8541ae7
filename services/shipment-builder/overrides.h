#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "psups/orders/v1/order_service.pb.h"
#include "psups/type/v1/address.pb.h"
#include "psups/type/v1/measure.pb.h"
#include "services/shipment-builder/review.h"
#include "services/shipment-builder/rules.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// What people decided about one shipment, over what its order says.
struct Overrides {
  struct Measures {
    ItemInQuestion item = {};
    type::v1::Measure weight = {};         // without a value: as it is
    type::v1::Dimensions dimensions = {};  // without a length: as they are
  };
  std::optional<type::v1::Address> ship_from = {};
  std::optional<type::v1::Address> ship_to = {};
  std::vector<Measures> measures = {};
  std::vector<ItemInQuestion> split = {};  // packed as the standard units that a unit consists of
  std::string service_code = {};           // empty: as it is
};

// Of all decisions about the review's shipment, `request` the last of them. RETRY, which plans from
// the order alone, takes back what was decided before it.
Overrides OverridesOf(const Review& review, const shipments::v1::ResolveReviewRequest& request);

// The address with its blank name, attention, phone and country taken from `place`.
type::v1::Address Completed(type::v1::Address address, const type::v1::Address& place);

// INVALID_ARGUMENT names the field.
absl::Status CheckMeasures(const shipments::v1::ResolveReviewRequest& request);

// The order as it would be if it said so of these schedules; its addresses have their lines put
// where `rules` want them, but those that a person gave. FAILED_PRECONDITION: why a unit cannot be
// split.
absl::StatusOr<orders::v1::Order> Overridden(const orders::v1::Order& order,
                                             const std::vector<Share>& shares,
                                             const Overrides& overrides, const Rules& rules);

// The rules as they would be if they said so of these items.
shipments::v1::Rules WithMeasures(const Rules& rules, const orders::v1::Order& order,
                                  const std::vector<Overrides::Measures>& measures);

// Has what is inside the packages counted in the units that `order` counts in. FAILED_PRECONDITION
// if a package holds no exact part of one.
absl::Status CountAsOrdered(const orders::v1::Order& order, const Overrides& overrides,
                            std::vector<Package>& packages);

}  // namespace psups::shipment_builder
