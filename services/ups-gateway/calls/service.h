#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/server.h"
#include "psups/ups/v1/ups_service.grpc.pb.h"
#include "services/ups-gateway/account/account_book.h"
#include "services/ups-gateway/calls/asker.h"
#include "services/ups-gateway/calls/lookups.h"
#include "services/ups-gateway/purchase/purchaser.h"

namespace psups::ups_gateway {

// UPS's operations, without gRPC: what may be asked, asked of UPS, recorded, and only then told.
class UpsOperations {
 public:
  UpsOperations(CallStore& store, AccountBook& accounts, Asker& asker, CallRecorder& recorder,
                Purchaser& purchaser, const Clock& clock, Post post)
      : store_(store),
        accounts_(accounts),
        asker_(asker),
        recorder_(recorder),
        purchaser_(purchaser),
        clock_(clock),
        post_(std::move(post)),
        lookups_(accounts, asker, recorder, clock) {}

  void ValidateAddress(const ups::v1::ValidateAddressRequest& request, const Caller& caller,
                       Reply<ups::v1::ValidateAddressResponse> done);
  void CreateShipment(const ups::v1::CreateShipmentRequest& request, const Caller& caller,
                      Reply<ups::v1::Call> done);
  void VoidShipment(const ups::v1::VoidShipmentRequest& request, const Caller& caller,
                    Reply<ups::v1::VoidShipmentResponse> done);
  void RecoverLabel(const ups::v1::RecoverLabelRequest& request, const Caller& caller,
                    Reply<ups::v1::RecoverLabelResponse> done) {
    lookups_.RecoverLabel(request, caller, std::move(done));
  }
  void FindShipment(const ups::v1::FindShipmentByReferenceRequest& request, const Caller& caller,
                    Reply<ups::v1::FindShipmentByReferenceResponse> done) {
    lookups_.FindShipment(request, caller, std::move(done));
  }
  void QuoteRates(const ups::v1::QuoteRatesRequest& request, const Caller& caller,
                  Reply<ups::v1::QuoteRatesResponse> done) {
    lookups_.QuoteRates(request, caller, std::move(done));
  }
  void TrackPackage(const ups::v1::TrackPackageRequest& request, const Caller& caller,
                    Reply<ups::v1::TrackPackageResponse> done) {
    lookups_.TrackPackage(request, caller, std::move(done));
  }
  void TrackByReference(const ups::v1::TrackByReferenceRequest& request, const Caller& caller,
                        Reply<ups::v1::TrackByReferenceResponse> done) {
    lookups_.TrackByReference(request, caller, std::move(done));
  }
  void SubscribePackages(const ups::v1::SubscribePackagesRequest& request, const Caller& caller,
                         Reply<ups::v1::SubscribePackagesResponse> done);

  // People get it without the labels, which hold names and addresses.
  absl::StatusOr<ups::v1::Call> GetCall(const ups::v1::GetCallRequest& request,
                                        const Caller& caller);
  absl::StatusOr<ups::v1::Call> CloseCall(const ups::v1::CloseCallRequest& request,
                                          const Caller& caller);
  absl::StatusOr<ups::v1::ListCallsResponse> ListCalls(const ups::v1::ListCallsRequest& request);
  absl::StatusOr<ups::v1::AcknowledgeCallsResponse> AcknowledgeCalls(
      const ups::v1::AcknowledgeCallsRequest& request);

 private:
  template <typename Response>
  void AskAndRecord(AccountPtr account, WireRequest wire, AuditEntry entry,
                    std::function<absl::StatusOr<Response>(const HttpResponse&)> read,
                    Reply<Response> done, std::string intended = {},
                    std::function<void(Response&, CallRecord&)> complete = {});
  void AskVerdict(const AccountPtr& account, const type::v1::Address& address, AuditEntry entry,
                  Reply<ups::v1::ValidateAddressResponse> done);
  template <typename Response>
  void RecordNotSent(const AccountPtr& account, AuditEntry entry, const std::string& call_id,
                     absl::StatusOr<Response> result, Reply<Response> done);
  void DoVoid(const AccountPtr& account, const ups::v1::VoidShipmentRequest& request,
              const Caller& caller, Reply<ups::v1::VoidShipmentResponse> done);

  CallStore& store_;
  AccountBook& accounts_;
  Asker& asker_;
  CallRecorder& recorder_;
  Purchaser& purchaser_;
  const Clock& clock_;
  const Post post_;
  Lookups lookups_;
};

// psups.ups.v1.UpsService.
class UpsServer : public ups::v1::UpsService::CallbackService {
 public:
  UpsServer(UpsOperations& operations, Executor& executor)
      : operations_(operations), executor_(executor) {}

  grpc::ServerUnaryReactor* ValidateAddress(grpc::CallbackServerContext* context,
                                            const ups::v1::ValidateAddressRequest* request,
                                            ups::v1::ValidateAddressResponse* response) override;
  grpc::ServerUnaryReactor* CreateShipment(grpc::CallbackServerContext* context,
                                           const ups::v1::CreateShipmentRequest* request,
                                           ups::v1::Call* response) override;
  grpc::ServerUnaryReactor* QuoteRates(grpc::CallbackServerContext* context,
                                       const ups::v1::QuoteRatesRequest* request,
                                       ups::v1::QuoteRatesResponse* response) override;
  grpc::ServerUnaryReactor* VoidShipment(grpc::CallbackServerContext* context,
                                         const ups::v1::VoidShipmentRequest* request,
                                         ups::v1::VoidShipmentResponse* response) override;
  grpc::ServerUnaryReactor* GetCall(grpc::CallbackServerContext* context,
                                    const ups::v1::GetCallRequest* request,
                                    ups::v1::Call* response) override;
  grpc::ServerUnaryReactor* CloseCall(grpc::CallbackServerContext* context,
                                      const ups::v1::CloseCallRequest* request,
                                      ups::v1::Call* response) override;
  grpc::ServerUnaryReactor* ListCalls(grpc::CallbackServerContext* context,
                                      const ups::v1::ListCallsRequest* request,
                                      ups::v1::ListCallsResponse* response) override;
  grpc::ServerUnaryReactor* AcknowledgeCalls(grpc::CallbackServerContext* context,
                                             const ups::v1::AcknowledgeCallsRequest* request,
                                             ups::v1::AcknowledgeCallsResponse* response) override;
  grpc::ServerUnaryReactor* RecoverLabel(grpc::CallbackServerContext* context,
                                         const ups::v1::RecoverLabelRequest* request,
                                         ups::v1::RecoverLabelResponse* response) override;
  grpc::ServerUnaryReactor* FindShipmentByReference(
      grpc::CallbackServerContext* context, const ups::v1::FindShipmentByReferenceRequest* request,
      ups::v1::FindShipmentByReferenceResponse* response) override;
  grpc::ServerUnaryReactor* TrackByReference(grpc::CallbackServerContext* context,
                                             const ups::v1::TrackByReferenceRequest* request,
                                             ups::v1::TrackByReferenceResponse* response) override;
  grpc::ServerUnaryReactor* TrackPackage(grpc::CallbackServerContext* context,
                                         const ups::v1::TrackPackageRequest* request,
                                         ups::v1::TrackPackageResponse* response) override;
  grpc::ServerUnaryReactor* SubscribePackages(
      grpc::CallbackServerContext* context, const ups::v1::SubscribePackagesRequest* request,
      ups::v1::SubscribePackagesResponse* response) override;

 private:
  UpsOperations& operations_;
  Executor& executor_;
};

}  // namespace psups::ups_gateway
