#include "services/shipment-builder/held_leases.h"

#include <algorithm>

#include "common/status_macros.h"

namespace psups::shipment_builder {

absl::StatusOr<std::vector<Leased>> HeldLeases::Take(Work work, int limit) {
  {
    std::lock_guard lock(mutex_);
    if (held_.size() >= most_) {
      was_full_ = true;
      return std::vector<Leased>{};
    }
    limit = std::min(limit, static_cast<int>(most_ - held_.size()));
  }
  ASSIGN_OR_RETURN(std::vector<Leased> leased, store_.Lease(work, limit, lease_));
  std::lock_guard lock(mutex_);
  for (const Leased& one : leased) {
    held_[{one.lease_token, one.shipment.shipment_id}] = one.shipment.connection_id;
  }
  return leased;
}

void HeldLeases::Remove(const std::vector<Leased>& leased) {
  bool room = false;
  {
    std::lock_guard lock(mutex_);
    for (const Leased& one : leased) held_.erase({one.lease_token, one.shipment.shipment_id});
    if (was_full_ && held_.size() <= most_ - most_ / 4) {
      was_full_ = false;
      room = true;
    }
    // Under the lock: whoever waits for none may destroy this as soon as it is released.
    changed_.notify_all();
    if (room) {
      for (Wakeup* wakeup : freed_) wakeup->Notify();
    }
  }
}

absl::StatusOr<int> HeldLeases::Renew() {
  std::vector<ShipmentStore::LeaseKey> keys;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [token_and_shipment, connection] : held_) {
      keys.push_back({.connection_id = connection,
                      .shipment_id = token_and_shipment.second,
                      .lease_token = token_and_shipment.first});
    }
  }
  if (!keys.empty()) RETURN_IF_ERROR(store_.RenewLeases(keys, lease_));
  return 0;  // nothing that would make the next renewal due at once
}

void HeldLeases::WaitUntilNone() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return held_.empty(); });
}

}  // namespace psups::shipment_builder
