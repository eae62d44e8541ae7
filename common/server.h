#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/channel.h"
#include "common/grpc_status.h"
#include "common/identity.h"
#include "common/postgres.h"
#include "common/settings.h"
#include "common/worker.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace psups {

// Threads for handlers that block (on the database); gRPC's own threads never do.
class Executor {
 public:
  explicit Executor(int threads);
  ~Executor();  // runs what was posted, then joins
  void Post(std::function<void()> task);

 private:
  void Loop();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Who called, as the server's authorisation established it.
Caller CallerOf(const grpc::CallbackServerContext& context);

// An RPC whose handler may block:
//   grpc::ServerUnaryReactor* GetOrder(grpc::CallbackServerContext* context,
//                                      const pb::GetOrderRequest* request,
//                                      pb::Order* response) override {
//     return Handle(executor_, context, request, response,
//                   [this](const auto& request, const Caller& caller) { return Get(request); });
//   }
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* Handle(Executor& executor, grpc::CallbackServerContext* context,
                                 const Request* request, Response* response, Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  executor.Post([=, handler = std::move(handler), caller = CallerOf(*context)]() mutable {
    absl::StatusOr<Response> result = handler(*request, caller);
    const grpc::Status status = ToGrpc(result.status());
    if (result.ok()) *response = *std::move(result);
    reactor->Finish(status);
  });
  return reactor;
}

// An RPC whose handler answers later, from any thread, by calling `done` once:
// handler(request, caller, done).
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* HandleAsync(grpc::CallbackServerContext* context, const Request* request,
                                      Response* response, Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  handler(*request, CallerOf(*context), [=](absl::StatusOr<Response> result) {
    const grpc::Status status = ToGrpc(result.status());
    if (result.ok()) *response = *std::move(result);
    reactor->Finish(status);
  });
  return reactor;
}

// What makes the next message of a stream, nullopt at its end. May block.
template <typename Response>
using NextMessage = std::function<absl::StatusOr<std::optional<Response>>()>;

// The reactor of HandleStream; deletes itself.
template <typename Response>
class MessageStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit MessageStream(Executor& executor) : executor_(executor) {}

  void Go(std::function<absl::StatusOr<NextMessage<Response>>()> begin) {
    executor_.Post([this, begin = std::move(begin)] {
      absl::StatusOr<NextMessage<Response>> next = begin();
      if (!next.ok()) return this->Finish(ToGrpc(next.status()));
      next_ = *std::move(next);
      WriteNext();
    });
  }
  void OnWriteDone(bool sent) override {
    if (!sent) return this->Finish(ToGrpc(absl::CancelledError("the caller has hung up")));
    executor_.Post([this] { WriteNext(); });
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    absl::StatusOr<std::optional<Response>> next = next_();
    if (!next.ok() || !next->has_value()) return this->Finish(ToGrpc(next.status()));
    message_ = **std::move(next);
    this->StartWrite(&message_);
  }

  Executor& executor_;
  NextMessage<Response> next_;
  Response message_;  // being sent
};

// An RPC that answers with a stream of messages. begin(request, caller) checks the request and
// returns what makes them. Each is made when the one before was taken: a slow caller holds no
// thread and one message.
template <typename Request, typename Response, typename Begin>
grpc::ServerWriteReactor<Response>* HandleStream(Executor& executor,
                                                 grpc::CallbackServerContext* context,
                                                 const Request* request, Begin begin) {
  auto* const stream = new MessageStream<Response>(executor);
  stream->Go([request, begin = std::move(begin), caller = CallerOf(*context)]() mutable {
    return begin(*request, caller);
  });
  return stream;
}

struct ServerOptions {
  std::string listen = {};  // host:port, port 0 = any free one
  TlsFiles tls = {};
  std::vector<grpc::Service*> services = {};
  // Empty, or a second host:port that answers health in plaintext and nothing else: for kubelets,
  // which probe without TLS (ADR 11).
  std::string health_listen = {};
  // After that, give or take a tenth, a connection is told to go, once its calls have ended: a
  // client resolves names only when it connects anew, and so finds replicas that came later.
  absl::Duration connection_age = absl::Minutes(5);
};

// A gRPC server by mTLS with authorisation from the protos' access rules, health, reflection,
// metrics (psups_rpc_seconds) and a log line for every RPC that failed or that a person called. Any
// certificate of the authority may ask for health and reflection; an RPC without a rule is refused.
class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  virtual ~Server() = default;
  virtual int port() const = 0;
  virtual int health_port() const = 0;  // 0 without one
  // What health answers, for every service of the server. NOT_SERVING until set.
  virtual void SetServing(bool serving) = 0;
  // NOT_SERVING at once; RPCs in flight get `grace` to end.
  virtual void Shutdown(absl::Duration grace) = 0;
};

// What every service's main needs, read from the environment.
struct ServiceSettings {
  explicit ServiceSettings(Settings& settings);
  std::string database_url;
  std::string grpc_listen;
  std::string metrics_listen;
  std::string health_listen;
  TlsFiles tls;
};

struct ServeOptions {
  std::string schema_version = {};  // the newest migration the binary knows
  std::vector<grpc::Service*> services = {};
  std::vector<Worker> workers = {};
  // Called once, when the database answers and its schema is checked, before the workers start. An
  // error ends Serve.
  std::function<absl::Status()> on_ready = {};
  // Called after workers and server have stopped, before Serve returns.
  std::function<void()> on_stopped = {};
};

// The whole life of a service: waits for its database (NOT_SERVING meanwhile), refuses an older
// schema, serves gRPC, /metrics and health, runs the workers, and on SIGTERM or SIGINT stops in
// order: NOT_SERVING, workers, RPCs, return.
absl::Status Serve(const ServiceSettings& settings, Db& db, ServeOptions options);

// The first and last of main: --version, --check-config, --metrics, the log, signals blocked before
// any thread starts; an error of `body` becomes one clear line on stderr and exit code 1.
int RunService(const char* name, int argc, char** argv, absl::Status (*body)(Settings&));

// What `body` returns at once if --check-config was asked for (RunService prints and exits 0).
// Usage in body, after the last getter: RETURN_IF_ERROR(FinishSettings(settings));
absl::Status FinishSettings(Settings& settings);

}  // namespace psups
