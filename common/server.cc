#include "common/server.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/auth_metadata_processor.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/server_interceptor.h"

namespace psups {
namespace {

// What health answers for this name is SERVING as long as the process can answer.
constexpr char kLive[] = "live";
constexpr char kIdentityProperty[] = "peer_spiffe_id";
constexpr unsigned kCertificateRefreshSeconds = 10;
constexpr int kMostMessageBytes = 16 << 20;  // 500 label sets of a purchase batch

const SecondsMetric kRpcSeconds("psups_rpc_seconds",
                                "Time from an RPC's arrival here to its status.",
                                {"method", "code"});

// The access rule of "/psups.orders.v1.OrderService/GetOrder", or one that refuses everybody.
class AccessRules {
 public:
  access::v1::Rule Find(const std::string& path) {
    std::lock_guard lock(mutex_);
    const auto [entry, fresh] = rules_.try_emplace(path);
    if (fresh) {
      std::string name = path.substr(path.empty() ? 0 : 1);
      if (const auto slash = name.rfind('/'); slash != std::string::npos) name[slash] = '.';
      const auto* method =
          google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
      if (method != nullptr) entry->second = method->options().GetExtension(access::v1::rule);
    }
    return entry->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, access::v1::Rule> rules_;
};

// gRPC's health service lives in its core, without a descriptor, and reflection fails as a whole
// over the one service it cannot describe. So the process learns the published shape of it.
void DescribeHealthService() {
  using google::protobuf::FieldDescriptorProto;
  google::protobuf::FileDescriptorProto file;
  file.set_name("grpc/health/v1/health.proto");
  file.set_package("grpc.health.v1");
  file.set_syntax("proto3");
  auto* request = file.add_message_type();
  request->set_name("HealthCheckRequest");
  auto* service_name = request->add_field();
  service_name->set_name("service");
  service_name->set_number(1);
  service_name->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  service_name->set_type(FieldDescriptorProto::TYPE_STRING);
  auto* response = file.add_message_type();
  response->set_name("HealthCheckResponse");
  auto* states = response->add_enum_type();
  states->set_name("ServingStatus");
  for (const char* state : {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}) {
    auto* value = states->add_value();
    value->set_name(state);
    value->set_number(states->value_size() - 1);
  }
  auto* status = response->add_field();
  status->set_name("status");
  status->set_number(1);
  status->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  status->set_type(FieldDescriptorProto::TYPE_ENUM);
  status->set_type_name(".grpc.health.v1.HealthCheckResponse.ServingStatus");
  auto* health = file.add_service();
  health->set_name("Health");
  for (const char* name : {"Check", "Watch"}) {
    auto* method = health->add_method();
    method->set_name(name);
    method->set_input_type(".grpc.health.v1.HealthCheckRequest");
    method->set_output_type(".grpc.health.v1.HealthCheckResponse");
  }
  health->mutable_method(1)->set_server_streaming(true);
  static const std::string encoded = file.SerializeAsString();
  google::protobuf::DescriptorPool::InternalAddGeneratedFile(encoded.data(),
                                                             static_cast<int>(encoded.size()));
}

std::string IdentityUri(const grpc::AuthContext& context) {
  const auto values = context.FindPropertyValues(kIdentityProperty);
  return values.size() == 1 ? std::string(values[0].data(), values[0].size()) : "";
}

// Lets a call in if its method's access rule permits the peer's certificate.
class Authorizer : public grpc::AuthMetadataProcessor {
 public:
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* /*consumed*/, OutputMetadata* /*response*/) override {
    const auto path = metadata.find(":path");
    const std::string method =
        path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
    const absl::StatusOr<Caller> caller = CallerFromUri(IdentityUri(*context));
    if (!caller.ok()) return ToGrpc(caller.status());
    if (method.rfind("/grpc.health.v1.", 0) == 0 || method.rfind("/grpc.reflection.", 0) == 0) {
      return grpc::Status::OK;
    }
    if (Permits(rules_.Find(method), *caller)) return grpc::Status::OK;
    LogWarning("call_refused", {{"method", method}, {"identity", caller->identity}});
    return ToGrpc(absl::PermissionDeniedError(absl::StrCat(
        caller->identity, " may not call ", method, "; use a certificate of a role that may")));
  }

 private:
  AccessRules rules_;
};

// Measures each RPC, and logs those that failed or that a person called.
class Recorder : public grpc::experimental::Interceptor {
 public:
  explicit Recorder(grpc::experimental::ServerRpcInfo* info) : info_(info), start_(absl::Now()) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
      Record(FromGrpc(methods->GetSendStatus()));
    }
    methods->Proceed();
  }

 private:
  void Record(const absl::Status& status) {
    const std::string method = info_->method();
    const std::string code = absl::StatusCodeToString(status.code());
    Histogram(method, code).Observe(absl::ToDoubleSeconds(absl::Now() - start_));
    const auto auth = info_->server_context()->auth_context();
    const std::string identity = auth == nullptr ? "" : IdentityUri(*auth);
    const bool person = identity.find("/service/") == std::string::npos;
    if (method.rfind("/grpc.", 0) == 0 || (status.ok() && !person)) return;
    LogInfo("rpc", {{"method", method}, {"identity", identity}, {"status", status}});
  }

  static prometheus::Histogram& Histogram(const std::string& method, const std::string& code) {
    static std::mutex mutex;
    static std::map<std::pair<std::string, std::string>, prometheus::Histogram*> made;
    std::lock_guard lock(mutex);
    auto& entry = made[{method, code}];
    if (entry == nullptr) entry = &kRpcSeconds(method, code);
    return *entry;
  }

  grpc::experimental::ServerRpcInfo* const info_;
  const absl::Time start_;
};

class RecorderFactory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new Recorder(info);  // gRPC owns it
  }
};

// A started server, or none.
struct Listener {
  std::unique_ptr<grpc::Server> server = nullptr;
  int port = 0;
};

absl::StatusOr<Listener> Build(grpc::ServerBuilder& builder, const std::string& listen,
                               const std::shared_ptr<grpc::ServerCredentials>& credentials,
                               const char* setting) {
  Listener listener;
  builder.AddListeningPort(listen, credentials, &listener.port);
  // Otherwise two servers could share a port, and a taken one would not be noticed.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  listener.server = builder.BuildAndStart();
  if (listener.server == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", listen,
                     ": taken by another process, or no address of this machine; stop the other or "
                     "set ",
                     setting));
  }
  return listener;
}

class GrpcServer : public Server {
 public:
  GrpcServer(Listener main, Listener health) : main_(std::move(main)), health_(std::move(health)) {
    SetServing(false);
  }
  ~GrpcServer() override { Shutdown(absl::ZeroDuration()); }

  int port() const override { return main_.port; }
  int health_port() const override { return health_.port; }
  void SetServing(bool serving) override {
    main_.server->GetHealthCheckService()->SetServingStatus(serving);
    if (health_.server == nullptr) return;
    grpc::HealthCheckServiceInterface* health = health_.server->GetHealthCheckService();
    health->SetServingStatus("", serving);
    health->SetServingStatus(kLive, true);
  }
  void Shutdown(absl::Duration grace) override {
    if (stopped_) return;
    stopped_ = true;
    SetServing(false);
    main_.server->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
    main_.server->Wait();
    if (health_.server == nullptr) return;
    health_.server->Shutdown(std::chrono::system_clock::now());
    health_.server->Wait();
  }

 private:
  const Listener main_;
  const Listener health_;
  bool stopped_ = false;
};

}  // namespace

Executor::Executor(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Executor::~Executor() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Executor::Post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void Executor::Loop() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

Caller CallerOf(const grpc::CallbackServerContext& context) {
  // The authoriser let the call in, so the identity is of a known form.
  Caller caller = CallerFromUri(IdentityUri(*context.auth_context())).value_or(Caller{});
  const auto& metadata = context.client_metadata();
  if (const auto found = metadata.find("traceparent"); found != metadata.end()) {
    caller.trace_id =
        TraceIdFromTraceparent(std::string_view(found->second.data(), found->second.size()));
  }
  if (caller.trace_id.empty()) caller.trace_id = RandomHex128();
  return caller;
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  if (absl::Status status = CheckTlsFiles(options.tls); !status.ok()) return status;
  grpc::EnableDefaultHealthCheckService(true);
  // Before reflection, which every server that is built after it has.
  Listener health;
  if (!options.health_listen.empty()) {
    grpc::ServerBuilder builder;
    ASSIGN_OR_RETURN(health, Build(builder, options.health_listen,
                                   grpc::InsecureServerCredentials(), "PSUPS_HEALTH_LISTEN"));
  }
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  static std::once_flag described;
  std::call_once(described, DescribeHealthService);

  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.tls.key, options.tls.certificate, options.tls.authority, kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions tls(provider);
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = grpc::experimental::TlsServerCredentials(tls);
  credentials->SetAuthMetadataProcessor(std::make_shared<Authorizer>());

  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(options.connection_age)));
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<RecorderFactory>());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  ASSIGN_OR_RETURN(Listener main, Build(builder, options.listen, credentials, "PSUPS_GRPC_LISTEN"));
  return std::make_unique<GrpcServer>(std::move(main), std::move(health));
}

}  // namespace psups
