#pragma once

#include <memory>

#include "absl/time/time.h"
#include "common/outbox.h"
#include "grpcpp/channel.h"

namespace psups {

// The ledger over gRPC.
std::unique_ptr<AuditSink> MakeLedgerSink(std::shared_ptr<grpc::Channel> channel,
                                          absl::Duration timeout = absl::Seconds(10));

}  // namespace psups
