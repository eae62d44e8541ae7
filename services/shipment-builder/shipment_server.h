#pragma once

#include "common/server.h"
#include "common/worker.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/service_fields.h"

namespace psups::shipment_builder {

shipments::v1::Shipment ToProto(const ShipmentRecord& record, Parties parties);

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

}  // namespace psups::shipment_builder
