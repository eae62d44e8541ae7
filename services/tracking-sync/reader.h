#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/batcher.h"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/service.h"

namespace psups::tracking_sync {

// Reads Track for the trackers that are due: right after subscribing, then slowly while they are
// under way, once more after the end. So a push that was lost is healed. Keeps up to `most` calls
// in flight over its steps; what they bring is stored in groups.
class TrackReader {
 public:
  // `lease` is how long the numbers of a process that died are held up.
  TrackReader(TrackerStore& store, UpsTracking& ups, int most, absl::Duration lease,
              Wakeups& wakeups);
  ~TrackReader();

  absl::StatusOr<int> Step();
  // Keeps the leases of what is in flight; due at least thrice a lease. From any thread.
  absl::Status RenewLeases();

  // Waits until nothing is in flight and everything is stored.
  void WaitUntilIdle();

 private:
  void Store(std::vector<ReadOutcome> reads);

  TrackerStore& store_;
  UpsTracking& ups_;
  const int most_;
  const absl::Duration lease_;
  Wakeups& wakeups_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<HeldLease> held_;   // until what the read brought is stored
  Batcher<ReadOutcome> done_;  // last: its thread uses the others
};

}  // namespace psups::tracking_sync
