#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "common/decimal.h"
#include "services/shipment-builder/box_fit.h"
#include "services/shipment-builder/packing.h"

namespace psups::shipment_builder {

// A box of a connection's catalogue.
struct Box {
  std::string box_id = {};
  std::array<Length, 3> inner = {};  // the last is the height
  std::array<int, 3> outer_in = {};
  Decimal tare_lb = {};
  Decimal max_weight_lb = {};  // of contents and tare
  std::string packaging_code = {};
};

// What is to be packed of one schedule.
struct ToPack {
  int line = 0;
  int schedule = 0;
  Decimal quantity = {};
  Unit unit = {};
  bool own_carton = false;  // each unit is a package as it is
  bool upright = false;     // its last side is the height and stays vertical
};

// Where units lie in a package, in box_fit.h's parts of an inch.
struct Placement {
  std::size_t package = 0;  // of BoxPacking::packages
  std::size_t item = 0;     // one that these units are of, or are alike to
  Block block = {};
};

struct BoxPacking {
  std::vector<Package> packages = {};
  bool packed = false;
  PackingProblem problem = PackingProblem::kTooHeavy;  // if not packed
  std::size_t item = 0;                                // if not packed: which is in the way
  std::vector<Placement> placements = {};              // of what is in boxes
};

// Packs what is to leave together into boxes: as few packages as are found, then the least weight
// that UPS bills. Schedules may share a box. What travels in its own carton, or fits no box, is a
// package with the unit's own measures and no box_id. A part of a unit takes the room of a whole
// one. The same is packed the same way whatever the order of `items` and `boxes`; no two items are
// of one schedule. Numbers start at 1.
BoxPacking PackIntoBoxes(const std::vector<ToPack>& items, const std::vector<Box>& boxes);

}  // namespace psups::shipment_builder
