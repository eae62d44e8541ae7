#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/service.h"

namespace psups::tracking_sync {

// Subscribes trackers to UPS's push, and renews before UPS forgets them. Each 200 makes a Track
// read due: what happened before it comes that way, what happens after it by the push.
class Subscriber {
 public:
  // `lease` is how long the numbers of a process that died are held up.
  Subscriber(TrackerStore& store, UpsTracking& ups, absl::Duration lease, Wakeups& wakeups)
      : store_(store), ups_(ups), lease_(lease), wakeups_(wakeups) {}

  absl::StatusOr<int> Step();
  // Keeps the leases of a step that is under way; due at least thrice a lease. From any thread.
  absl::Status RenewLeases();

 private:
  struct Batch {
    std::string account;
    std::vector<std::string> tracking_numbers;
    absl::StatusOr<ups::v1::SubscribePackagesResponse> response = absl::UnknownError("not asked");
  };
  absl::StatusOr<int> Subscribe(const TrackerStore::Lease& lease);
  void Send(std::vector<Batch>& batches);

  TrackerStore& store_;
  UpsTracking& ups_;
  const absl::Duration lease_;
  Wakeups& wakeups_;
  std::mutex mutex_;
  std::vector<HeldLease> held_;
};

}  // namespace psups::tracking_sync
