#pragma once

#include <cstddef>
#include <vector>

#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// The packages, by their position, without which a shipment holds exactly `wanted`, which is no
// more of any schedule than it holds now; at least one stays. None if no packages are just that.
std::vector<std::size_t> PackagesBeyond(const Shipment& shipment, const std::vector<Share>& wanted);

}  // namespace psups::shipment_builder
