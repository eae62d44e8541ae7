#pragma once

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
  // `lease` must be longer than a call to the gateway can last.
  Subscriber(TrackerStore& store, UpsTracking& ups, absl::Duration lease, Wakeups& wakeups)
      : store_(store), ups_(ups), lease_(lease), wakeups_(wakeups) {}

  absl::StatusOr<int> Step();

 private:
  struct Batch {
    std::string account;
    std::vector<std::string> tracking_numbers;
    absl::StatusOr<ups::v1::SubscribePackagesResponse> response = absl::UnknownError("not asked");
  };
  void Send(std::vector<Batch>& batches);

  TrackerStore& store_;
  UpsTracking& ups_;
  const absl::Duration lease_;
  Wakeups& wakeups_;
};

}  // namespace psups::tracking_sync
