#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/worker.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// The shipments that this process holds, from their lease to what is stored of them: so that their
// leases are renewed however long a peer takes, a loop leases no more than fit, and a stop waits
// for what is under way. The leases themselves can be short: the rows of a process that died come
// back soon. From any thread.
class HeldLeases {
 public:
  // `freed` are woken when there is room again after there was none.
  HeldLeases(ShipmentStore& store, int most, absl::Duration lease, std::vector<Wakeup*> freed)
      : store_(store), most_(most), lease_(lease), freed_(std::move(freed)) {}

  absl::Duration lease() const { return lease_; }

  // Leases up to `limit` that are due and fit; they are held until removed.
  absl::StatusOr<std::vector<Leased>> Take(Work work, int limit);
  void Remove(const std::vector<Leased>& leased);

  // Prolongs all leases; the number of them.
  absl::StatusOr<int> Renew();
  // Every call has a deadline, so this ends.
  void WaitUntilNone();

 private:
  ShipmentStore& store_;
  const std::size_t most_;
  const absl::Duration lease_;
  const std::vector<Wakeup*> freed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Token and shipment → connection: a lease that was lost may stand beside its successor.
  std::map<std::pair<std::string, std::string>, std::string> held_;
  bool was_full_ = false;
};

}  // namespace psups::shipment_builder
