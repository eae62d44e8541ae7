#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/identity.h"
#include "common/server.h"
#include "common/worker.h"
#include "psups/shipments/v1/review_service.grpc.pb.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// Applies the decision of `who` to a review's shipment; FAILED_PRECONDITION if the review does not
// allow it.
absl::Status Decide(const Review& review, const orders::v1::Order& order,
                    const shipments::v1::ResolveReviewRequest& request, const std::string& who,
                    const Planner& planner, Shipment& shipment, Effects& effects);

class ShipmentServer final : public shipments::v1::ShipmentService::CallbackService {
 public:
  ShipmentServer(ShipmentStore& store, Wakeup& undo, Executor& executor)
      : store_(store), undo_(undo), executor_(executor) {}

  grpc::ServerUnaryReactor* GetShipment(grpc::CallbackServerContext* context,
                                        const shipments::v1::GetShipmentRequest* request,
                                        shipments::v1::Shipment* response) override;
  grpc::ServerUnaryReactor* ListShipments(grpc::CallbackServerContext* context,
                                          const shipments::v1::ListShipmentsRequest* request,
                                          shipments::v1::ListShipmentsResponse* response) override;
  grpc::ServerUnaryReactor* GetLabel(grpc::CallbackServerContext* context,
                                     const shipments::v1::GetLabelRequest* request,
                                     shipments::v1::GetLabelResponse* response) override;
  grpc::ServerUnaryReactor* VoidShipment(grpc::CallbackServerContext* context,
                                         const shipments::v1::VoidShipmentRequest* request,
                                         shipments::v1::Shipment* response) override;
  grpc::ServerUnaryReactor* RetryShipment(grpc::CallbackServerContext* context,
                                          const shipments::v1::RetryShipmentRequest* request,
                                          shipments::v1::Shipment* response) override;

 private:
  ShipmentStore& store_;
  Wakeup& undo_;
  Executor& executor_;
};

class ReviewServer final : public shipments::v1::ReviewService::CallbackService {
 public:
  ReviewServer(ShipmentStore& store, const Planner& planner, Wakeup& validate, Wakeup& tell,
               Executor& executor)
      : store_(store), planner_(planner), validate_(validate), tell_(tell), executor_(executor) {}

  grpc::ServerUnaryReactor* GetReview(grpc::CallbackServerContext* context,
                                      const shipments::v1::GetReviewRequest* request,
                                      shipments::v1::Review* response) override;
  grpc::ServerUnaryReactor* ListReviews(grpc::CallbackServerContext* context,
                                        const shipments::v1::ListReviewsRequest* request,
                                        shipments::v1::ListReviewsResponse* response) override;
  grpc::ServerUnaryReactor* ResolveReview(grpc::CallbackServerContext* context,
                                          const shipments::v1::ResolveReviewRequest* request,
                                          shipments::v1::Review* response) override;

 private:
  ShipmentStore& store_;
  const Planner& planner_;
  Wakeup& validate_;
  Wakeup& tell_;
  Executor& executor_;
};

}  // namespace psups::shipment_builder
