#include "services/shipment-builder/peers.h"

#include <utility>

#include "common/channel.h"
#include "common/status_macros.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "psups/tracking/v1/tracking_service.grpc.pb.h"
#include "psups/ups/v1/account_service.grpc.pb.h"
#include "psups/ups/v1/ups_service.grpc.pb.h"

namespace psups::shipment_builder {
namespace {

namespace opb = psups::orders::v1;
namespace tpb = psups::tracking::v1;
namespace upb = psups::ups::v1;

// How long the peer may wait before it answers.
template <typename Request>
absl::Duration WaitOf(const Request& request) {
  return absl::Seconds(request.wait().seconds()) + absl::Nanoseconds(request.wait().nanos());
}

class GrpcOrderSource : public OrderSource {
 public:
  GrpcOrderSource(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(opb::OrderService::NewStub(channel)), timeout_(timeout) {}

  absl::StatusOr<opb::LeaseOrdersResponse> LeaseOrders(
      const opb::LeaseOrdersRequest& request) override {
    return CallPeer(*stub_, &opb::OrderService::Stub::LeaseOrders, request,
                    timeout_ + WaitOf(request));
  }
  absl::Status AcknowledgeOrders(const opb::AcknowledgeOrdersRequest& request) override {
    return CallPeer(*stub_, &opb::OrderService::Stub::AcknowledgeOrders, request, timeout_)
        .status();
  }
  absl::StatusOr<opb::CheckOrdersResponse> CheckOrders(
      const opb::CheckOrdersRequest& request) override {
    return CallPeer(*stub_, &opb::OrderService::Stub::CheckOrders, request, timeout_);
  }

 private:
  const std::unique_ptr<opb::OrderService::Stub> stub_;
  const absl::Duration timeout_;
};

class GrpcUpsPort : public UpsPort {
 public:
  GrpcUpsPort(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout,
              absl::Duration ship_timeout)
      : stub_(upb::UpsService::NewStub(channel)),
        accounts_(upb::AccountService::NewStub(channel)),
        timeout_(timeout),
        ship_timeout_(ship_timeout) {}

  void ValidateAddress(const upb::ValidateAddressRequest& request, const std::string& trace_id,
                       Done<upb::ValidateAddressResponse> done) override {
    CallPeerAsync<upb::ValidateAddressResponse>(
        timeout_, trace_id, request,
        [this](auto&&... a) { stub_->async()->ValidateAddress(std::forward<decltype(a)>(a)...); },
        std::move(done));
  }
  void CreateShipment(const upb::CreateShipmentRequest& request, const std::string& trace_id,
                      Done<upb::Call> done) override {
    CallPeerAsync<upb::Call>(
        ship_timeout_, trace_id, request,
        [this](auto&&... a) { stub_->async()->CreateShipment(std::forward<decltype(a)>(a)...); },
        std::move(done));
  }
  void GetCall(const std::string& request_id, const std::string& trace_id,
               Done<upb::Call> done) override {
    upb::GetCallRequest request;
    request.set_request_id(request_id);
    CallPeerAsync<upb::Call>(
        ship_timeout_, trace_id, std::move(request),
        [this](auto&&... a) { stub_->async()->GetCall(std::forward<decltype(a)>(a)...); },
        std::move(done));
  }
  void CloseCall(const upb::CloseCallRequest& request, const std::string& trace_id,
                 Done<upb::Call> done) override {
    CallPeerAsync<upb::Call>(
        ship_timeout_, trace_id, request,
        [this](auto&&... a) { stub_->async()->CloseCall(std::forward<decltype(a)>(a)...); },
        std::move(done));
  }
  void VoidShipment(const upb::VoidShipmentRequest& request, const std::string& trace_id,
                    Done<upb::VoidShipmentResponse> done) override {
    CallPeerAsync<upb::VoidShipmentResponse>(
        ship_timeout_, trace_id, request,
        [this](auto&&... a) { stub_->async()->VoidShipment(std::forward<decltype(a)>(a)...); },
        std::move(done));
  }
  absl::Status AcknowledgeCalls(const std::vector<std::string>& request_ids) override {
    upb::AcknowledgeCallsRequest request;
    request.mutable_request_ids()->Assign(request_ids.begin(), request_ids.end());
    return CallPeer(*stub_, &upb::UpsService::Stub::AcknowledgeCalls, request, timeout_).status();
  }
  absl::StatusOr<upb::RecoverLabelResponse> RecoverLabel(const upb::RecoverLabelRequest& request,
                                                         const std::string& trace_id) override {
    return CallPeer(*stub_, &upb::UpsService::Stub::RecoverLabel, request, ship_timeout_, trace_id);
  }
  void QuoteRates(const upb::QuoteRatesRequest& request, const std::string& trace_id,
                  Done<upb::QuoteRatesResponse> done) override {
    CallPeerAsync<upb::QuoteRatesResponse>(
        timeout_, trace_id, request,
        [this](auto&&... a) { stub_->async()->QuoteRates(std::forward<decltype(a)>(a)...); },
        std::move(done));
  }
  void FindShipmentByReference(const upb::FindShipmentByReferenceRequest& request,
                               const std::string& trace_id,
                               Done<upb::FindShipmentByReferenceResponse> done) override {
    CallPeerAsync<upb::FindShipmentByReferenceResponse>(
        timeout_, trace_id, request,
        [this](auto&&... a) {
          stub_->async()->FindShipmentByReference(std::forward<decltype(a)>(a)...);
        },
        std::move(done));
  }
  absl::StatusOr<AccountFacts> GetAccountFacts(const std::string& account) override {
    upb::GetAccountRequest request;
    request.set_name(account);
    ASSIGN_OR_RETURN(
        const upb::Account found,
        CallPeer(*accounts_, &upb::AccountService::Stub::GetAccount, request, timeout_));
    return AccountFacts{.production = found.environment() != upb::Account::CIE,
                        .country_code = found.shipper().country_code()};
  }

 private:
  const std::unique_ptr<upb::UpsService::Stub> stub_;
  const std::unique_ptr<upb::AccountService::Stub> accounts_;
  const absl::Duration timeout_;
  const absl::Duration ship_timeout_;
};

class GrpcTrackingPort : public TrackingPort {
 public:
  GrpcTrackingPort(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(tpb::TrackingService::NewStub(channel)), timeout_(timeout) {}

  absl::Status CreateTrackers(const tpb::CreateTrackersRequest& request) override {
    return CallPeer(*stub_, &tpb::TrackingService::Stub::CreateTrackers, request, timeout_)
        .status();
  }
  absl::Status CloseTrackers(const tpb::CloseTrackersRequest& request) override {
    return CallPeer(*stub_, &tpb::TrackingService::Stub::CloseTrackers, request, timeout_).status();
  }
  absl::StatusOr<tpb::WatchEventsResponse> WatchEvents(
      const tpb::WatchEventsRequest& request) override {
    return CallPeer(*stub_, &tpb::TrackingService::Stub::WatchEvents, request,
                    timeout_ + WaitOf(request));
  }

 private:
  const std::unique_ptr<tpb::TrackingService::Stub> stub_;
  const absl::Duration timeout_;
};

}  // namespace

std::unique_ptr<OrderSource> MakeOrderSource(std::shared_ptr<grpc::Channel> ps_ingest,
                                             absl::Duration timeout) {
  return std::make_unique<GrpcOrderSource>(std::move(ps_ingest), timeout);
}

std::unique_ptr<UpsPort> MakeUpsPort(std::shared_ptr<grpc::Channel> ups_gateway,
                                     absl::Duration timeout, absl::Duration ship_timeout) {
  return std::make_unique<GrpcUpsPort>(std::move(ups_gateway), timeout, ship_timeout);
}

std::unique_ptr<TrackingPort> MakeTrackingPort(std::shared_ptr<grpc::Channel> tracking_sync,
                                               absl::Duration timeout) {
  return std::make_unique<GrpcTrackingPort>(std::move(tracking_sync), timeout);
}

}  // namespace psups::shipment_builder
