#pragma once

#include <string>
#include <variant>

#include "common/decimal.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/packing.h"

namespace psups::shipment_builder {

// Why one unit of a schedule has no weight or no dimensions.
struct MeasureProblem {
  enum class Kind { kWeightMissing, kDimensionsMissing, kUnitUnknown, kTooHeavy, kTooLarge };
  Kind kind = Kind::kWeightMissing;
  std::string unit_of_measure = {};  // when kUnitUnknown: the code that came
};

// Weight and sides of one unit_of_measure of a schedule: the weight kept for the unit of measure,
// else the item's times the conversion rate; the item's dimensions. 0 and blank mean: not kept.
std::variant<Unit, MeasureProblem> UnitOf(const orders::v1::Order::Schedule& schedule);

}  // namespace psups::shipment_builder
