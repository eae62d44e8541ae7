#pragma once

#include "common/server.h"
#include "common/watchers.h"
#include "common/worker.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/shipment-builder/labels.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/service_fields.h"
#include "services/shipment-builder/views.h"

namespace psups::shipment_builder {

shipments::v1::Shipment ToProto(const ShipmentRecord& record, Parties parties);

using ShipmentWatchers = Watchers<shipments::v1::WatchShipmentsResponse>;
// For ShipmentWatchers.
bool HasShipments(const shipments::v1::WatchShipmentsResponse& response);

class ShipmentServer final : public shipments::v1::ShipmentService::CallbackService {
 public:
  struct Parts {
    ShipmentStore& store;
    ShipmentViews& views;
    UpsPort& ups;
    ShipmentWatchers& watchers;  // to be notified when changes were published
    Wakeup& undo;
    Executor& executor;
    Executor& labels;  // may wait for UPS
  };
  explicit ShipmentServer(Parts parts) : parts_(parts), labels_(parts.views, parts.ups) {}

  grpc::ServerUnaryReactor* GetShipment(grpc::CallbackServerContext* context,
                                        const shipments::v1::GetShipmentRequest* request,
                                        shipments::v1::Shipment* response) override;
  grpc::ServerUnaryReactor* ListShipments(grpc::CallbackServerContext* context,
                                          const shipments::v1::ListShipmentsRequest* request,
                                          shipments::v1::ListShipmentsResponse* response) override;
  grpc::ServerUnaryReactor* WatchShipments(
      grpc::CallbackServerContext* context, const shipments::v1::WatchShipmentsRequest* request,
      shipments::v1::WatchShipmentsResponse* response) override;
  grpc::ServerUnaryReactor* GetOrderDelivery(grpc::CallbackServerContext* context,
                                             const shipments::v1::GetOrderDeliveryRequest* request,
                                             shipments::v1::OrderDelivery* response) override;
  grpc::ServerUnaryReactor* EstimateCost(grpc::CallbackServerContext* context,
                                         const shipments::v1::EstimateCostRequest* request,
                                         shipments::v1::EstimateCostResponse* response) override;
  grpc::ServerUnaryReactor* GetLabel(grpc::CallbackServerContext* context,
                                     const shipments::v1::GetLabelRequest* request,
                                     shipments::v1::GetLabelResponse* response) override;
  grpc::ServerWriteReactor<shipments::v1::GetLabelResponse>* ReadLabels(
      grpc::CallbackServerContext* context,
      const shipments::v1::ReadLabelsRequest* request) override;
  grpc::ServerUnaryReactor* VoidShipment(grpc::CallbackServerContext* context,
                                         const shipments::v1::VoidShipmentRequest* request,
                                         shipments::v1::Shipment* response) override;
  grpc::ServerUnaryReactor* RetryShipment(grpc::CallbackServerContext* context,
                                          const shipments::v1::RetryShipmentRequest* request,
                                          shipments::v1::Shipment* response) override;

 private:
  absl::StatusOr<shipments::v1::ListShipmentsResponse> List(
      const shipments::v1::ListShipmentsRequest& request);
  absl::StatusOr<shipments::v1::WatchShipmentsResponse> Watch(
      const shipments::v1::WatchShipmentsRequest& request);

  const Parts parts_;
  Labels labels_;
};

}  // namespace psups::shipment_builder
