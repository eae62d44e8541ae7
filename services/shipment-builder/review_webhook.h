#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/http_client.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// Posts that reviews were opened and closed, so that mail or chat can be fed: each event at least
// once and, of one review, in order. While nobody takes them they wait, longer each time, for a
// week.
class ReviewWebhook {
 public:
  struct Target {
    std::string url = {};
    std::string key = {};      // signs what is posted
    std::string ca_file = {};  // PEM; empty: the system's certificates
  };

  // `random` gives numbers in [0, 1).
  ReviewWebhook(ShipmentStore& store, HttpClient& http, const Clock& clock, Target target,
                std::function<double()> random)
      : store_(store),
        http_(http),
        clock_(clock),
        target_(std::move(target)),
        random_(std::move(random)) {}

  // The number of events that were tried.
  absl::StatusOr<int> Step();

 private:
  HttpRequest RequestOf(const ReviewEvent& event) const;
  absl::Status Settle(const ReviewEvent& event, const HttpOutcome& outcome);

  ShipmentStore& store_;
  HttpClient& http_;
  const Clock& clock_;
  const Target target_;
  const std::function<double()> random_;
};

}  // namespace psups::shipment_builder
