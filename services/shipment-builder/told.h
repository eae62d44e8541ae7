#pragma once

#include <vector>

#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// After a commit: a log line and a count for each review that was opened, and for each shipment
// that failed by a bug of ours.
void TellPeople(const std::vector<Stored>& stored);

}  // namespace psups::shipment_builder
