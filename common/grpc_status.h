#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace psups {

// The same codes on both sides.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace psups
