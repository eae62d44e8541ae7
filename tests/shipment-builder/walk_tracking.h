#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/shipment-builder/fake_peers.h"
#include "tests/shipment-builder/walk_orders.h"

namespace psups::shipment_builder::testing {

// tracking-sync whose answers get lost and whose news of scans come later, in whatever order.
class WalkTracking : public TrackingPort {
 public:
  explicit WalkTracking(uint64_t seed) : random_(seed) {}

  absl::Status CreateTrackers(const tracking::v1::CreateTrackersRequest& request) override {
    if (Lost()) return kLost;
    const absl::Status status = fake_.CreateTrackers(request);
    return Lost() ? kLost : status;
  }
  absl::Status CloseTrackers(const tracking::v1::CloseTrackersRequest& request) override {
    if (Lost()) return kLost;
    const std::set<std::string> before = fake_.closed;
    const absl::Status status = fake_.CloseTrackers(request);
    for (const std::string& number : request.tracking_numbers()) {
      if (status.ok() && before.count(number) == 0) fake_.Scan(number, tracking::v1::VOIDED);
    }
    return Lost() ? kLost : status;
  }
  absl::StatusOr<tracking::v1::WatchEventsResponse> WatchEvents(
      const tracking::v1::WatchEventsRequest& request) override {
    if (Lost()) return kLost;
    return fake_.WatchEvents(request);
  }

  // UPS saw the parcel; it is told some time after.
  void Happen(const std::string& number, tracking::v1::Status status) {
    unheard_.emplace_back(number, status);
  }
  void LetHear(int percent) {
    std::shuffle(unheard_.begin(), unheard_.end(), random_);
    std::vector<std::pair<std::string, tracking::v1::Status>> left;
    for (const auto& [number, status] : unheard_) {
      // One that is not followed yet is kept until it is.
      if (fake_.trackers.count(number) > 0 && Chance(random_, percent)) {
        fake_.Scan(number, status);
      } else {
        left.emplace_back(number, status);
      }
    }
    unheard_ = std::move(left);
  }

  bool Follows(const std::string& number) const { return fake_.trackers.count(number) > 0; }
  bool Closed(const std::string& number) const { return fake_.closed.count(number) > 0; }

  bool calm = false;

 private:
  inline static const absl::Status kLost = absl::UnavailableError("no answer");
  bool Lost() { return !calm && Chance(random_, 4); }

  Random random_;
  FakeTracking fake_;
  std::vector<std::pair<std::string, tracking::v1::Status>> unheard_;
};

}  // namespace psups::shipment_builder::testing
