#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/shipment-builder/held_leases.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// The shipment's labelled packages as tracking is to follow them, in place of the labels
// `replaced`.
std::vector<tracking::v1::CreateTrackersRequest::NewTracker> TrackersOf(
    const Shipment& shipment, const std::vector<std::string>& replaced);

// After the labels are stored: tells the gateway that it may forget them, and tracking to follow
// the packages. Both are idempotent, so dying in between is harmless.
class HandOver {
 public:
  HandOver(ShipmentStore& store, UpsPort& ups, TrackingPort& tracking, HeldLeases& leases)
      : store_(store), ups_(ups), tracking_(tracking), leases_(leases) {}
  absl::StatusOr<int> Step();

 private:
  ShipmentStore& store_;
  UpsPort& ups_;
  TrackingPort& tracking_;
  HeldLeases& leases_;
};

}  // namespace psups::shipment_builder
