#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/tracking-sync/ports.h"

namespace psups::tracking_sync {

// Hands the numbered updates to ps-ingest, oldest first, one batch after the other.
class Reporter {
 public:
  Reporter(TrackerStore& store, StatusReporter& ingest, absl::Duration lease)
      : store_(store), ingest_(ingest), lease_(lease) {}

  absl::StatusOr<int> Step();

 private:
  TrackerStore& store_;
  StatusReporter& ingest_;
  const absl::Duration lease_;
};

}  // namespace psups::tracking_sync
