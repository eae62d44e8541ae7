#pragma once

#include "common/server.h"
#include "common/worker.h"
#include "psups/shipments/v1/mapping_service.grpc.pb.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

class MappingServer final : public shipments::v1::MappingService::CallbackService {
 public:
  MappingServer(MappingStore& store, const Planner& planner, Wakeup& replan, Executor& executor)
      : store_(store), planner_(planner), replan_(replan), executor_(executor) {}

  grpc::ServerUnaryReactor* GetMapping(grpc::CallbackServerContext* context,
                                       const shipments::v1::GetMappingRequest* request,
                                       shipments::v1::Mapping* response) override;
  grpc::ServerUnaryReactor* SetMapping(grpc::CallbackServerContext* context,
                                       const shipments::v1::SetMappingRequest* request,
                                       shipments::v1::Mapping* response) override;
  grpc::ServerUnaryReactor* PreviewMapping(
      grpc::CallbackServerContext* context, const shipments::v1::PreviewMappingRequest* request,
      shipments::v1::PreviewMappingResponse* response) override;

 private:
  MappingStore& store_;
  const Planner& planner_;
  Wakeup& replan_;
  Executor& executor_;
};

}  // namespace psups::shipment_builder
