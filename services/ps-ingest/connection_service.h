#pragma once

#include "common/server.h"
#include "psups/orders/v1/connection_service.grpc.pb.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// ConnectionService over its store; only TestConnection calls PeopleSoft.
class ConnectionServer : public orders::v1::ConnectionService::CallbackService {
 public:
  // `slow` runs tests of connections, which wait for PeopleSoft. `changed` is notified when a
  // connection may have something to do.
  ConnectionServer(ConnectionStore& store, PeopleSoft& people_soft, OpenCalls& calls,
                   Executor& executor, Executor& slow, std::function<void()> changed)
      : store_(store),
        people_soft_(people_soft),
        calls_(calls),
        executor_(executor),
        slow_(slow),
        changed_(std::move(changed)) {}

  grpc::ServerUnaryReactor* CreateConnection(grpc::CallbackServerContext* context,
                                             const orders::v1::CreateConnectionRequest* request,
                                             orders::v1::Connection* response) override;
  grpc::ServerUnaryReactor* GetConnection(grpc::CallbackServerContext* context,
                                          const orders::v1::GetConnectionRequest* request,
                                          orders::v1::Connection* response) override;
  grpc::ServerUnaryReactor* ListConnections(grpc::CallbackServerContext* context,
                                            const orders::v1::ListConnectionsRequest* request,
                                            orders::v1::ListConnectionsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateConnection(grpc::CallbackServerContext* context,
                                             const orders::v1::UpdateConnectionRequest* request,
                                             orders::v1::Connection* response) override;
  grpc::ServerUnaryReactor* TestConnection(grpc::CallbackServerContext* context,
                                           const orders::v1::TestConnectionRequest* request,
                                           orders::v1::TestConnectionResponse* response) override;
  grpc::ServerUnaryReactor* ActivateConnection(grpc::CallbackServerContext* context,
                                               const orders::v1::ActivateConnectionRequest* request,
                                               orders::v1::Connection* response) override;
  grpc::ServerUnaryReactor* PauseConnection(grpc::CallbackServerContext* context,
                                            const orders::v1::PauseConnectionRequest* request,
                                            orders::v1::Connection* response) override;
  grpc::ServerUnaryReactor* ResumeConnection(grpc::CallbackServerContext* context,
                                             const orders::v1::ResumeConnectionRequest* request,
                                             orders::v1::Connection* response) override;
  grpc::ServerUnaryReactor* BackfillConnection(
      grpc::CallbackServerContext* context, const orders::v1::BackfillConnectionRequest* request,
      orders::v1::BackfillConnectionResponse* response) override;
  grpc::ServerUnaryReactor* ListWindows(grpc::CallbackServerContext* context,
                                        const orders::v1::ListWindowsRequest* request,
                                        orders::v1::ListWindowsResponse* response) override;

  // The handlers without gRPC.
  absl::StatusOr<orders::v1::Connection> Create(const orders::v1::CreateConnectionRequest& request,
                                                const std::string& actor);
  absl::StatusOr<orders::v1::Connection> Update(const orders::v1::UpdateConnectionRequest& request,
                                                const std::string& actor);
  absl::StatusOr<orders::v1::BackfillConnectionResponse> Backfill(
      const orders::v1::BackfillConnectionRequest& request, const std::string& actor);
  absl::StatusOr<orders::v1::TestConnectionResponse> Test(const std::string& name,
                                                          const std::string& actor);

 private:
  absl::StatusOr<orders::v1::Connection> ChangeState(const std::string& name,
                                                     const std::string& action,
                                                     const std::string& actor,
                                                     const ConnectionStore::Change& change);

  ConnectionStore& store_;
  PeopleSoft& people_soft_;
  OpenCalls& calls_;
  Executor& executor_;
  Executor& slow_;
  const std::function<void()> changed_;
};

// `size` within 1 to 1000, 100 if 0; else INVALID_ARGUMENT.
absl::StatusOr<Page> PageFrom(int size, const std::string& token);

}  // namespace psups::ps_ingest
