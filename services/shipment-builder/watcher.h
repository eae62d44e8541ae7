#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// Follows tracking's stream of status changes; its cursor moves in the transaction that applies
// them, so none is lost and none is applied twice.
class Watcher {
 public:
  Watcher(ShipmentStore& store, TrackingPort& tracking, absl::Duration wait)
      : store_(store), tracking_(tracking), wait_(wait) {}
  absl::StatusOr<int> Step();

 private:
  ShipmentStore& store_;
  TrackingPort& tracking_;
  const absl::Duration wait_;
  std::optional<std::string> cursor_;
};

}  // namespace psups::shipment_builder
