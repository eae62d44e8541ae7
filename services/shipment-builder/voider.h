#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/worker.h"
#include "services/shipment-builder/held_leases.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// Voids labels that are wanted no more, or single packages: at UPS first, then closes their
// trackers, then gives the schedules' quantities back. Each step may be repeated. For a label older
// than `window` UPS is not asked.
class Voider {
 public:
  Voider(ShipmentStore& store, UpsPort& ups, TrackingPort& tracking, const Clock& clock,
         Wakeup& replan, Wakeup& tell, HeldLeases& leases, absl::Duration window)
      : store_(store),
        ups_(ups),
        tracking_(tracking),
        clock_(clock),
        replan_(replan),
        tell_(tell),
        leases_(leases),
        window_(window) {}
  absl::StatusOr<int> Step();

 private:
  std::vector<VoidOutcome> VoidAll(const std::vector<Leased>& leased);
  absl::Status CloseTrackers(const Shipment& shipment, const std::vector<std::string>& numbers);

  ShipmentStore& store_;
  UpsPort& ups_;
  TrackingPort& tracking_;
  const Clock& clock_;
  Wakeup& replan_;
  Wakeup& tell_;
  HeldLeases& leases_;
  const absl::Duration window_;
};

}  // namespace psups::shipment_builder
