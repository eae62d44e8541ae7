#pragma once

#include <optional>
#include <string>

namespace psups::shipment_builder {

// UPS's service code for a SHIP_TYPE_ID (ship via): blank and GROUND are 03. Nullopt: not mapped.
std::optional<std::string> ServiceFor(const std::string& ship_type_id);

}  // namespace psups::shipment_builder
