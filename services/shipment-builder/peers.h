#pragma once

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// The peers over gRPC. No call is repeated here: the loops do that.
std::unique_ptr<OrderSource> MakeOrderSource(std::shared_ptr<grpc::Channel> ps_ingest,
                                             absl::Duration timeout);
// `ship_timeout` is that of CreateShipment, VoidShipment and GetCall.
std::unique_ptr<UpsPort> MakeUpsPort(std::shared_ptr<grpc::Channel> ups_gateway,
                                     absl::Duration timeout, absl::Duration ship_timeout);
std::unique_ptr<TrackingPort> MakeTrackingPort(std::shared_ptr<grpc::Channel> tracking_sync,
                                               absl::Duration timeout);

}  // namespace psups::shipment_builder
