// Calls one RPC of a service for each line of standard input, many at once, and prints a line for
// each reply as it comes. See `grpc_call --help`.

#include <grpc/support/log.h>

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/channel.h"
#include "common/grpc_status.h"
#include "common/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "nlohmann/json.hpp"

namespace psups {
namespace {

using google::protobuf::Message;

constexpr char kHelp[] = R"(Calls METHOD, such as psups.ups.v1.UpsService/CreateShipment, by mTLS.
Each line of standard input is a request as protobuf's JSON; it is sent when it comes. Each reply is a line, in
the order of the replies: {"n":0,"code":"OK","message":"","seconds":0.0123,"reply":{...}}, where n is the
request's line, from 0, and reply is there if the code is OK, its fields named as in the proto.
Exit code 0 when every request has its reply, whatever its code.)";

struct Options {
  std::string address;
  TlsFiles tls;
  std::string method;
  int in_flight = 1;
  double deadline_seconds = 120;
};

absl::StatusOr<const google::protobuf::MethodDescriptor*> FindMethod(std::string name) {
  const size_t slash = name.find('/');
  if (slash != std::string::npos) name[slash] = '.';
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method == nullptr) return absl::NotFoundError("no such method: " + name);
  if (method->client_streaming() || method->server_streaming()) {
    return absl::UnimplementedError(name + " streams; only unary calls are made");
  }
  return method;
}

// Prints the replies and knows how many calls are on their way.
class Replies {
 public:
  explicit Replies(int in_flight) : most_(in_flight) {}

  // Waits until another call may start.
  void Begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ < most_; });
    ++running_;
  }

  void Print(int n, const absl::Status& status, absl::Duration took, const Message& reply) {
    nlohmann::ordered_json line = {{"n", n},
                                   {"code", absl::StatusCodeToString(status.code())},
                                   {"message", std::string(status.message())},
                                   {"seconds", absl::ToDoubleSeconds(took)}};
    if (status.ok()) {
      google::protobuf::util::JsonPrintOptions options;
      options.preserve_proto_field_names = true;
      std::string json;
      (void)google::protobuf::util::MessageToJsonString(reply, &json, options);
      line["reply"] = nlohmann::ordered_json::parse(json);
    }
    const std::string text =
        line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    const std::scoped_lock lock(mutex_);
    std::cout << text << std::endl;
    --running_;
    changed_.notify_all();
  }

  void WaitForAll() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  const int most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;
};

struct Call {
  grpc::ClientContext context;
  std::unique_ptr<Message> request;
  std::unique_ptr<Message> reply;
  std::chrono::steady_clock::time_point begun = {};
};

absl::Status CallForEachLine(const Options& options) {
  ASSIGN_OR_RETURN(const auto* method, FindMethod(options.method));
  RETURN_IF_ERROR(CheckTlsFiles(options.tls));
  const std::string path = "/" + method->service()->full_name() + "/" + method->name();
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  grpc::TemplatedGenericStub<Message, Message> stub(MakeChannel(options.address, options.tls));
  Replies replies(options.in_flight);
  absl::Status read;
  std::string line;
  for (int n = 0; read.ok() && std::getline(std::cin, line); ++n) {
    auto call = std::make_shared<Call>();
    call->request.reset(factory->GetPrototype(method->input_type())->New());
    call->reply.reset(factory->GetPrototype(method->output_type())->New());
    const auto parsed = google::protobuf::util::JsonStringToMessage(line, call->request.get());
    if (!parsed.ok()) {
      read = absl::InvalidArgumentError("line " + std::to_string(n) + ": " + parsed.ToString());
      break;
    }
    replies.Begin();
    PrepareCall(call->context, absl::Seconds(options.deadline_seconds), {});
    call->begun = std::chrono::steady_clock::now();
    stub.UnaryCall(&call->context, path, {}, call->request.get(), call->reply.get(),
                   [call, n, &replies](const grpc::Status& status) {
                     const auto took = std::chrono::steady_clock::now() - call->begun;
                     replies.Print(n, FromGrpc(status), absl::FromChrono(took), *call->reply);
                   });
  }
  replies.WaitForAll();
  return read;
}

}  // namespace
}  // namespace psups

int main(int argc, char** argv) {
  psups::Options options;
  CLI::App app(psups::kHelp);
  app.add_option("--address", options.address, "host:port of the service")->required();
  app.add_option("--ca", options.tls.authority, "PEM: who signed its certificate")->required();
  app.add_option("--cert", options.tls.certificate, "PEM: the certificate to call with")
      ->required();
  app.add_option("--key", options.tls.key, "PEM: its key")->required();
  app.add_option("--in-flight", options.in_flight, "the most calls at once; 1 if not given")
      ->check(CLI::PositiveNumber);
  app.add_option("--deadline", options.deadline_seconds, "seconds for each call; 120 if not given")
      ->check(CLI::PositiveNumber);
  app.add_option("method", options.method, "package.Service/Method")->required();
  CLI11_PARSE(app, argc, argv);
  // gRPC's own lines would stand between ours; what went wrong is in the status.
  gpr_set_log_function([](gpr_log_func_args*) {});
  const absl::Status status = psups::CallForEachLine(options);
  if (!status.ok()) std::cerr << "grpc_call: " << status.message() << '\n';
  // gRPC's thread may still be leaving the last callback: what is static has to outlive it.
  std::cout.flush();
  std::quick_exit(status.ok() ? 0 : 1);
}
