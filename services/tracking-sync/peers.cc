#include "services/tracking-sync/peers.h"

#include <utility>

#include "common/channel.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "psups/ups/v1/ups_service.grpc.pb.h"

namespace psups::tracking_sync {
namespace {

class GrpcUpsTracking : public UpsTracking {
 public:
  GrpcUpsTracking(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(ups::v1::UpsService::NewStub(std::move(channel))), timeout_(timeout) {}

  void Subscribe(
      const std::string& account, const std::vector<std::string>& tracking_numbers,
      std::function<void(absl::StatusOr<ups::v1::SubscribePackagesResponse>)> done) override {
    ups::v1::SubscribePackagesRequest request;
    request.set_account(account);
    request.mutable_tracking_numbers()->Assign(tracking_numbers.begin(), tracking_numbers.end());
    CallPeerAsync<ups::v1::SubscribePackagesResponse>(
        timeout_, {}, std::move(request),
        [this](auto* context, auto* request, auto* response, auto callback) {
          stub_->async()->SubscribePackages(context, request, response, std::move(callback));
        },
        std::move(done));
  }

  void Track(const std::string& account, const std::string& tracking_number,
             const std::string& trace_id,
             std::function<void(absl::StatusOr<ups::v1::TrackPackageResponse>)> done) override {
    ups::v1::TrackPackageRequest request;
    request.set_account(account);
    request.set_tracking_number(tracking_number);
    CallPeerAsync<ups::v1::TrackPackageResponse>(
        timeout_, trace_id, std::move(request),
        [this](auto* context, auto* request, auto* response, auto callback) {
          stub_->async()->TrackPackage(context, request, response, std::move(callback));
        },
        std::move(done));
  }

 private:
  const std::unique_ptr<ups::v1::UpsService::Stub> stub_;
  const absl::Duration timeout_;
};

class GrpcStatusReporter : public StatusReporter {
 public:
  GrpcStatusReporter(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(orders::v1::OrderService::NewStub(std::move(channel))), timeout_(timeout) {}

  absl::Status Report(const std::vector<orders::v1::TrackingUpdate>& updates) override {
    orders::v1::ReportTrackingRequest request;
    request.mutable_updates()->Assign(updates.begin(), updates.end());
    return CallPeer(*stub_, &orders::v1::OrderService::Stub::ReportTracking, request, timeout_)
        .status();
  }

 private:
  const std::unique_ptr<orders::v1::OrderService::Stub> stub_;
  const absl::Duration timeout_;
};

}  // namespace

std::unique_ptr<UpsTracking> MakeUpsTracking(std::shared_ptr<grpc::Channel> channel,
                                             absl::Duration timeout) {
  return std::make_unique<GrpcUpsTracking>(std::move(channel), timeout);
}

std::unique_ptr<StatusReporter> MakeStatusReporter(std::shared_ptr<grpc::Channel> channel,
                                                   absl::Duration timeout) {
  return std::make_unique<GrpcStatusReporter>(std::move(channel), timeout);
}

}  // namespace psups::tracking_sync
