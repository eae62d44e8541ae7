#pragma once

#include "absl/status/statusor.h"
#include "common/server.h"
#include "psups/audit/v1/audit_service.grpc.pb.h"
#include "services/audit-ledger/appender.h"
#include "services/audit-ledger/checkpointer.h"
#include "services/audit-ledger/ports.h"

namespace psups::audit_ledger {

// The handlers, without gRPC.
absl::StatusOr<std::vector<Leaf>> LeavesOf(const audit::v1::AppendEntriesRequest& request,
                                           const Caller& caller);
absl::StatusOr<audit::v1::ListEntriesResponse> List(LogStore& store,
                                                    const audit::v1::ListEntriesRequest& request);
absl::StatusOr<audit::v1::Entry> Get(LogStore& store, const audit::v1::GetEntryRequest& request);
absl::StatusOr<audit::v1::Checkpoint> GetCheckpointAt(
    LogStore& store, Checkpointer& checkpointer, const audit::v1::GetCheckpointRequest& request);
absl::StatusOr<audit::v1::Proof> ProveInclusion(LogStore& store,
                                                const audit::v1::GetInclusionProofRequest& request);
absl::StatusOr<audit::v1::Proof> ProveConsistency(
    LogStore& store, const audit::v1::GetConsistencyProofRequest& request);

// AuditService.
class LedgerServer : public audit::v1::AuditService::CallbackService {
 public:
  LedgerServer(LogStore& store, Appender& appender, Checkpointer& checkpointer, Executor& executor)
      : store_(store), appender_(appender), checkpointer_(checkpointer), executor_(executor) {}

  grpc::ServerUnaryReactor* AppendEntries(grpc::CallbackServerContext* context,
                                          const audit::v1::AppendEntriesRequest* request,
                                          audit::v1::AppendEntriesResponse* response) override;
  grpc::ServerUnaryReactor* ListEntries(grpc::CallbackServerContext* context,
                                        const audit::v1::ListEntriesRequest* request,
                                        audit::v1::ListEntriesResponse* response) override;
  grpc::ServerUnaryReactor* GetEntry(grpc::CallbackServerContext* context,
                                     const audit::v1::GetEntryRequest* request,
                                     audit::v1::Entry* response) override;
  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* context,
                                          const audit::v1::GetCheckpointRequest* request,
                                          audit::v1::Checkpoint* response) override;
  grpc::ServerUnaryReactor* GetInclusionProof(grpc::CallbackServerContext* context,
                                              const audit::v1::GetInclusionProofRequest* request,
                                              audit::v1::Proof* response) override;
  grpc::ServerUnaryReactor* GetConsistencyProof(
      grpc::CallbackServerContext* context, const audit::v1::GetConsistencyProofRequest* request,
      audit::v1::Proof* response) override;
  grpc::ServerUnaryReactor* GetKey(grpc::CallbackServerContext* context,
                                   const audit::v1::GetKeyRequest* request,
                                   audit::v1::GetKeyResponse* response) override;

 private:
  LogStore& store_;
  Appender& appender_;
  Checkpointer& checkpointer_;
  Executor& executor_;
};

}  // namespace psups::audit_ledger
