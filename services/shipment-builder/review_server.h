#pragma once

#include <set>
#include <string>
#include <utility>

#include "common/server.h"
#include "common/worker.h"
#include "psups/shipments/v1/review_service.grpc.pb.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/service_fields.h"

namespace psups::shipment_builder {

shipments::v1::Review ToProto(const ReviewRecord& record, Parties parties);

class ReviewServer final : public shipments::v1::ReviewService::CallbackService {
 public:
  // `act_for_others`: the identities that may decide on somebody's behalf.
  ReviewServer(ShipmentStore& store, const Planner& planner, Wakeup& validate, Wakeup& tell,
               Executor& executor, std::set<std::string> act_for_others)
      : store_(store),
        planner_(planner),
        validate_(validate),
        tell_(tell),
        executor_(executor),
        act_for_others_(std::move(act_for_others)) {}

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
  absl::StatusOr<shipments::v1::Review> Resolve(const shipments::v1::ResolveReviewRequest& request,
                                                const Caller& caller);
  absl::Status CheckPermission(const shipments::v1::ResolveReviewRequest& request,
                               const Caller& caller) const;

  ShipmentStore& store_;
  const Planner& planner_;
  Wakeup& validate_;
  Wakeup& tell_;
  Executor& executor_;
  const std::set<std::string> act_for_others_;
};

}  // namespace psups::shipment_builder
