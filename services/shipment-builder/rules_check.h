#pragma once

#include "absl/status/status.h"
#include "psups/shipments/v1/mapping_service.pb.h"

namespace psups::shipment_builder {

// The same rules with no blanks around texts, and codes in the case in which UPS has them.
shipments::v1::Rules NormalRules(shipments::v1::Rules rules);

// Whether a rule set says what its proto allows. INVALID_ARGUMENT names the field by its path, what
// came and what is wanted: `rules.boxes[2].max_weight_lb: "160", want …`. Of what may be somebody's
// own (accounts, names, phones) it names the length only. The rules must be normal.
absl::Status CheckRules(const shipments::v1::Rules& rules);

}  // namespace psups::shipment_builder
