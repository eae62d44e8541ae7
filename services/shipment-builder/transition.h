#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// The action's entry tells the path: from where, to where.
inline void Record(Effects& effects, std::string_view action, State from,
                   const Shipment& shipment) {
  effects.action = std::string(action);
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
}

// Whether packages of it are to go alone.
inline bool AnyToVoid(const Shipment& shipment) {
  return std::any_of(
      shipment.packages.begin(), shipment.packages.end(),
      [](const Package& package) { return package.void_state == PackageVoid::kWanted; });
}

}  // namespace psups::shipment_builder
