#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/shipment-builder/box_fit.h"

namespace psups::shipment_builder {

// What UPS bills for the box: its dimensional weight or what it weighs, in whole pounds up.
int64_t BilledPounds(const FilledBox& box, const std::vector<Kind>& kinds,
                     const std::vector<Room>& rooms);

// All units in as few boxes as are found, and among those for the least billed weight; never more
// boxes than FirstFit needs, where that ends. `kinds` and `rooms` the largest
// first; each kind fits some room. Empty if that takes more than `most_boxes`.
std::optional<std::vector<FilledBox>> FewestBoxes(const std::vector<Kind>& kinds,
                                                  const std::vector<int64_t>& counts,
                                                  const std::vector<Room>& rooms,
                                                  std::size_t most_boxes);

}  // namespace psups::shipment_builder
