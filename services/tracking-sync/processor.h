#pragma once

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/service.h"

namespace psups::tracking_sync {

// Turns received webhook messages into events.
class Processor {
 public:
  Processor(TrackerStore& store, const Clock& clock, Wakeups& wakeups)
      : store_(store), clock_(clock), wakeups_(wakeups) {}

  absl::StatusOr<int> Step();

 private:
  TrackerStore& store_;
  const Clock& clock_;
  Wakeups& wakeups_;
};

}  // namespace psups::tracking_sync
