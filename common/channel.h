#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/grpc_status.h"
#include "common/identity.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace psups {

// The files of our own certificate and of the authority that signs everybody's.
struct TlsFiles {
  std::string certificate = {};
  std::string key = {};
  std::string authority = {};
};

// OK if the three files can be read, belong together and are valid now; else which one is not, and
// what to do.
absl::Status CheckTlsFiles(const TlsFiles& tls);

// A channel to a peer by mTLS, keep-alive and reconnect set; the certificate files are read again
// when they change. Connects lazily; round-robin over what the name resolves to. Several fixed
// addresses are one peer, too: `ipv4:10.0.0.5:7403,10.0.0.6:7403`, each with a certificate that is
// good for the first one's host.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const TlsFiles& tls);

// Sets the deadline and the trace of a call.
void PrepareCall(grpc::ClientContext& context, absl::Duration timeout, std::string_view trace_id);

// One blocking call of a generated stub:
//   CallPeer(*stub, &pb::OrderService::Stub::GetOrder, request, timeout, trace_id)
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> CallPeer(
    Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request, absl::Duration timeout, std::string_view trace_id = {}) {
  grpc::ClientContext context;
  PrepareCall(context, timeout, trace_id);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

// One call that does not block; `done` runs on a gRPC thread and must not block:
//   CallPeerAsync<pb::Call>(timeout, trace_id, request,
//       [&](auto*... a) { stub->async()->CreateShipment(a...); }, done)
// where the lambda gets (context, request, response, callback).
template <typename Response, typename Request, typename Start>
void CallPeerAsync(absl::Duration timeout, std::string_view trace_id, Request request, Start start,
                   std::function<void(absl::StatusOr<Response>)> done) {
  struct State {
    grpc::ClientContext context;
    Request request;
    Response response;
    std::function<void(absl::StatusOr<Response>)> done;
  };
  auto state = std::make_shared<State>();
  PrepareCall(state->context, timeout, trace_id);
  state->request = std::move(request);
  state->done = std::move(done);
  start(&state->context, &state->request, &state->response, [state](grpc::Status status) {
    if (status.ok()) {
      state->done(std::move(state->response));
    } else {
      state->done(FromGrpc(status));
    }
  });
}

}  // namespace psups
