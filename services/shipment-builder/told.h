#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/worker.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// After a commit: a log line for each shipment that failed by a bug of ours; `tell` is woken for
// the reviews that were opened.
void TellPeople(const std::vector<Stored>& stored, Wakeup& tell);

// The tell loop: a log line and a count for each open review that nobody was told of.
absl::StatusOr<int> TellOfReviews(ShipmentStore& store);

}  // namespace psups::shipment_builder
