#pragma once

#include <functional>
#include <utility>

#include "common/server.h"
#include "common/watchers.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "services/ps-ingest/checker.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// Those who wait for orders: at most so long do they not see what another replica stored.
class OrderNews {
 public:
  explicit OrderNews(absl::Duration poll = absl::Milliseconds(250))
      : leases(poll, [](const auto& response) { return !response.orders().empty(); }),
        changes(poll, [](const auto& response) { return !response.orders().empty(); }) {}

  // Orders were stored.
  void Stored() {
    leases.Notify();
    publisher.Notify();
  }
  void Stop() {
    leases.Stop();
    changes.Stop();
  }

  Watchers<orders::v1::LeaseOrdersResponse> leases;
  Watchers<orders::v1::WatchOrdersResponse> changes;  // notified when some were published
  Wakeup publisher;
};

// OrderService over its stores; only CheckOrders calls PeopleSoft.
class OrderServer : public orders::v1::OrderService::CallbackService {
 public:
  // `reported` is notified when there is something to write back.
  // `slow` runs CheckOrders, which may wait for PeopleSoft.
  OrderServer(OrderStore& orders, WriteBackStore& write_backs, Checker& checker, Executor& executor,
              Executor& slow, std::function<void()> reported, OrderNews& news)
      : orders_(orders),
        write_backs_(write_backs),
        checker_(checker),
        executor_(executor),
        slow_(slow),
        reported_(std::move(reported)),
        news_(news) {}

  grpc::ServerUnaryReactor* LeaseOrders(grpc::CallbackServerContext* context,
                                        const orders::v1::LeaseOrdersRequest* request,
                                        orders::v1::LeaseOrdersResponse* response) override;
  grpc::ServerUnaryReactor* AcknowledgeOrders(
      grpc::CallbackServerContext* context, const orders::v1::AcknowledgeOrdersRequest* request,
      orders::v1::AcknowledgeOrdersResponse* response) override;
  grpc::ServerUnaryReactor* CheckOrders(grpc::CallbackServerContext* context,
                                        const orders::v1::CheckOrdersRequest* request,
                                        orders::v1::CheckOrdersResponse* response) override;
  grpc::ServerUnaryReactor* GetOrder(grpc::CallbackServerContext* context,
                                     const orders::v1::GetOrderRequest* request,
                                     orders::v1::Order* response) override;
  grpc::ServerUnaryReactor* ListOrders(grpc::CallbackServerContext* context,
                                       const orders::v1::ListOrdersRequest* request,
                                       orders::v1::ListOrdersResponse* response) override;
  grpc::ServerUnaryReactor* WatchOrders(grpc::CallbackServerContext* context,
                                        const orders::v1::WatchOrdersRequest* request,
                                        orders::v1::WatchOrdersResponse* response) override;
  grpc::ServerUnaryReactor* ReportTracking(grpc::CallbackServerContext* context,
                                           const orders::v1::ReportTrackingRequest* request,
                                           orders::v1::ReportTrackingResponse* response) override;
  grpc::ServerUnaryReactor* ListWriteBacks(grpc::CallbackServerContext* context,
                                           const orders::v1::ListWriteBacksRequest* request,
                                           orders::v1::ListWriteBacksResponse* response) override;

  grpc::ServerUnaryReactor* ResendWriteBack(grpc::CallbackServerContext* context,
                                            const orders::v1::ResendWriteBackRequest* request,
                                            orders::v1::WriteBack* response) override;
  grpc::ServerUnaryReactor* SkipWriteBack(grpc::CallbackServerContext* context,
                                          const orders::v1::SkipWriteBackRequest* request,
                                          orders::v1::WriteBack* response) override;

  // The handlers without gRPC, and without waiting.
  absl::StatusOr<orders::v1::LeaseOrdersResponse> Lease(
      const orders::v1::LeaseOrdersRequest& request);
  absl::StatusOr<orders::v1::AcknowledgeOrdersResponse> Acknowledge(
      const orders::v1::AcknowledgeOrdersRequest& request);
  absl::StatusOr<orders::v1::CheckOrdersResponse> Check(
      const orders::v1::CheckOrdersRequest& request);
  absl::StatusOr<orders::v1::ListOrdersResponse> List(const orders::v1::ListOrdersRequest& request);
  absl::StatusOr<orders::v1::WatchOrdersResponse> Watch(
      const orders::v1::WatchOrdersRequest& request);
  absl::StatusOr<orders::v1::ReportTrackingResponse> Report(
      const orders::v1::ReportTrackingRequest& request, const std::string& actor);
  absl::StatusOr<orders::v1::ListWriteBacksResponse> ListWritten(
      const orders::v1::ListWriteBacksRequest& request);
  absl::StatusOr<orders::v1::WriteBack> Resend(const orders::v1::ResendWriteBackRequest& request,
                                               const std::string& actor);
  absl::StatusOr<orders::v1::WriteBack> Skip(const orders::v1::SkipWriteBackRequest& request,
                                             const std::string& actor);

 private:
  OrderStore& orders_;
  WriteBackStore& write_backs_;
  Checker& checker_;
  Executor& executor_;
  Executor& slow_;
  const std::function<void()> reported_;
  OrderNews& news_;
};

}  // namespace psups::ps_ingest
