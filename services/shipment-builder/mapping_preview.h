#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "psups/shipments/v1/mapping_service.pb.h"
#include "services/shipment-builder/planning.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// What `proposed` would make of stored orders, beside what the connection's newest rules make of
// them. What has a label, or is decided by a person, is left out on both sides: rules do not touch
// it.
shipments::v1::PreviewMappingResponse Preview(
    const std::vector<MappingStore::OrderWithShipments>& orders, const Basis& active,
    const Rules& proposed, const std::vector<PastCost>& costs);

}  // namespace psups::shipment_builder
