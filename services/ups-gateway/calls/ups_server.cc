#include <utility>

#include "services/ups-gateway/calls/service.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

grpc::ServerUnaryReactor* UpsServer::ValidateAddress(grpc::CallbackServerContext* context,
                                                     const pb::ValidateAddressRequest* request,
                                                     pb::ValidateAddressResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.ValidateAddress(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::CreateShipment(grpc::CallbackServerContext* context,
                                                    const pb::CreateShipmentRequest* request,
                                                    pb::Call* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.CreateShipment(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::QuoteRates(grpc::CallbackServerContext* context,
                                                const pb::QuoteRatesRequest* request,
                                                pb::QuoteRatesResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.QuoteRates(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::VoidShipment(grpc::CallbackServerContext* context,
                                                  const pb::VoidShipmentRequest* request,
                                                  pb::VoidShipmentResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.VoidShipment(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::TrackPackage(grpc::CallbackServerContext* context,
                                                  const pb::TrackPackageRequest* request,
                                                  pb::TrackPackageResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.TrackPackage(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::SubscribePackages(grpc::CallbackServerContext* context,
                                                       const pb::SubscribePackagesRequest* request,
                                                       pb::SubscribePackagesResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.SubscribePackages(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::RecoverLabel(grpc::CallbackServerContext* context,
                                                  const pb::RecoverLabelRequest* request,
                                                  pb::RecoverLabelResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.RecoverLabel(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::FindShipmentByReference(
    grpc::CallbackServerContext* context, const pb::FindShipmentByReferenceRequest* request,
    pb::FindShipmentByReferenceResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.FindShipment(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::TrackByReference(grpc::CallbackServerContext* context,
                                                      const pb::TrackByReferenceRequest* request,
                                                      pb::TrackByReferenceResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, auto done) {
                       operations_.TrackByReference(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* UpsServer::GetCall(grpc::CallbackServerContext* context,
                                             const pb::GetCallRequest* request,
                                             pb::Call* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller& caller) {
                  return operations_.GetCall(asked, caller);
                });
}

grpc::ServerUnaryReactor* UpsServer::CloseCall(grpc::CallbackServerContext* context,
                                               const pb::CloseCallRequest* request,
                                               pb::Call* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller& caller) {
                  return operations_.CloseCall(asked, caller);
                });
}

grpc::ServerUnaryReactor* UpsServer::ListCalls(grpc::CallbackServerContext* context,
                                               const pb::ListCallsRequest* request,
                                               pb::ListCallsResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller&) { return operations_.ListCalls(asked); });
}

grpc::ServerUnaryReactor* UpsServer::AcknowledgeCalls(grpc::CallbackServerContext* context,
                                                      const pb::AcknowledgeCallsRequest* request,
                                                      pb::AcknowledgeCallsResponse* response) {
  return Handle(executor_, context, request, response, [this](const auto& asked, const Caller&) {
    return operations_.AcknowledgeCalls(asked);
  });
}

}  // namespace psups::ups_gateway
