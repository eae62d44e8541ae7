#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/review.h"

namespace psups::shipment_builder {

absl::StatusOr<Action> ActionOf(shipments::v1::Review::Action action);

// Applies the decision of `who` to a review's shipment; FAILED_PRECONDITION if the review does not
// allow it.
absl::Status Decide(const Review& review, const orders::v1::Order& order,
                    const shipments::v1::ResolveReviewRequest& request, const std::string& who,
                    const Planner& planner, Shipment& shipment, Effects& effects);

}  // namespace psups::shipment_builder
