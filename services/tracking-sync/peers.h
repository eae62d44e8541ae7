#pragma once

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "services/tracking-sync/ports.h"

namespace psups::tracking_sync {

std::unique_ptr<UpsTracking> MakeUpsTracking(std::shared_ptr<grpc::Channel> channel,
                                             absl::Duration timeout);
std::unique_ptr<StatusReporter> MakeStatusReporter(std::shared_ptr<grpc::Channel> channel,
                                                   absl::Duration timeout);

}  // namespace psups::tracking_sync
