#pragma once

#include "absl/status/status.h"
#include "psups/shipments/v1/mapping_service.pb.h"

namespace psups::shipment_builder {

// The part of CheckRules that is about what is packed: units, their conversions, boxes and items.
absl::Status CheckGoods(const shipments::v1::Rules& rules);

}  // namespace psups::shipment_builder
