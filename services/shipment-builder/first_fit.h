#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/shipment-builder/box_fit.h"

namespace psups::shipment_builder {

// First-fit-decreasing: the largest units first, each into the first box that has a place for it
// at a corner (the lowest, then the rearmost, then the leftmost), else into a new one of the first
// room that takes it. `kinds` in the order in which they are to be placed; each fits some room.
// Empty if it takes more than `most_boxes`, or ten times the work of 10,000 units in a hundred
// boxes.
std::optional<std::vector<FilledBox>> FirstFit(const std::vector<Kind>& kinds,
                                               const std::vector<int64_t>& counts,
                                               const std::vector<Room>& rooms,
                                               std::size_t most_boxes);

}  // namespace psups::shipment_builder
