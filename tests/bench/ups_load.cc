// Makes the same calls to ups-gateway, or straight to UPS, and says how long they took. See
// `ups_load --help`.

#include <grpc/support/log.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "common/channel.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "nlohmann/json.hpp"
#include "psups/ups/v1/ups_service.grpc.pb.h"
#include "services/ups-gateway/wire/ups_api.h"
#include "services/ups-gateway/wire/ups_replies.h"
#include "services/ups-gateway/wire/ups_requests.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;
using Steady = std::chrono::steady_clock;

constexpr char kHelp[] =
    R"(Makes --calls calls, --in-flight at once, each of them another address or shipment.
With --gateway by ups-gateway's gRPC, with --ups straight by UPS's HTTPS over kept connections. After
--warm-up calls that do not count it prints {"warm":true} and waits for a line on standard input; at the end it
prints {"calls","failed","first_failure","seconds","p50_us","p99_us"}.)";

struct Options {
  std::string gateway;
  std::string ups;
  TlsFiles tls;
  std::string client_id;
  std::string secret_file;
  std::string account = "demo";
  std::string what = "validate";
  std::string run = "r1";
  int calls = 1000;
  int in_flight = 1;
  int warm_up = 100;
};

type::v1::Address Place(const std::string& line) {
  type::v1::Address address;
  address.set_name("Mill Supplies");
  address.add_lines(line);
  address.set_city("Springfield");
  address.set_state("IL");
  address.set_postal_code("62701");
  address.set_country_code("US");
  address.set_phone("2175550100");
  return address;
}

type::v1::Address AddressOf(int n) { return Place(absl::StrCat(n, " Main Street")); }

pb::CreateShipmentRequest PurchaseOf(const Options& options, int n) {
  pb::CreateShipmentRequest request;
  request.set_request_id(absl::StrCat("shipments/", options.run, "-", n, "/purchases/1"));
  request.set_account("accounts/" + options.account);
  request.set_connection("connections/c1");
  pb::ShipmentSpec& shipment = *request.mutable_shipment();
  *shipment.mutable_ship_from() = Place("12 Mill Road");
  *shipment.mutable_ship_to() = AddressOf(n);
  shipment.set_service_code("03");
  pb::PackageSpec& package = *shipment.add_packages();
  package.set_weight_lb("12.5");
  package.set_length_in(12);
  package.set_width_in(10);
  package.set_height_in(4);
  shipment.set_derived_reference(Base32(Sha256(request.request_id())).substr(0, 26));
  return request;
}

// How one call ended: empty if well.
using Ended = std::function<void(std::string)>;
using Caller = std::function<void(int, Ended)>;

class GatewayCaller {
 public:
  explicit GatewayCaller(const Options& options)
      : options_(options),
        stub_(pb::UpsService::NewStub(MakeChannel(options.gateway, options.tls))) {}

  void operator()(int n, Ended ended) {
    if (options_.what == "create") {
      CallPeerAsync<pb::Call>(
          kDeadline, "", PurchaseOf(options_, n),
          [this](auto&&... a) { stub_->async()->CreateShipment(std::forward<decltype(a)>(a)...); },
          [ended = std::move(ended)](const absl::StatusOr<pb::Call>& call) {
            if (!call.ok()) return ended(call.status().ToString());
            ended(call->state() == pb::Call::DONE ? "" : pb::Call::State_Name(call->state()));
          });
      return;
    }
    pb::ValidateAddressRequest request;
    request.set_account("accounts/" + options_.account);
    *request.mutable_address() = AddressOf(n);
    CallPeerAsync<pb::ValidateAddressResponse>(
        kDeadline, "", std::move(request),
        [this](auto&&... a) { stub_->async()->ValidateAddress(std::forward<decltype(a)>(a)...); },
        [ended = std::move(ended)](const absl::StatusOr<pb::ValidateAddressResponse>& reply) {
          ended(reply.ok() ? "" : reply.status().ToString());
        });
  }

 private:
  static constexpr absl::Duration kDeadline = absl::Seconds(120);
  const Options options_;
  const std::unique_ptr<pb::UpsService::Stub> stub_;
};

class UpsCaller {
 public:
  static absl::StatusOr<std::shared_ptr<UpsCaller>> Create(const Options& options) {
    auto caller = std::make_shared<UpsCaller>(options);
    std::ifstream in(options.secret_file);
    const std::string secret{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    std::promise<HttpOutcome> promise;
    caller->Send(TokenRequest(), "Basic " + Base64(options.client_id + ":" + secret),
                 [&promise](HttpOutcome outcome) { promise.set_value(std::move(outcome)); });
    const HttpOutcome outcome = promise.get_future().get();
    RETURN_IF_ERROR(outcome.response.status());
    ASSIGN_OR_RETURN(const TokenReply reply, ParseTokenReply(outcome.response->body));
    caller->authorization_ = "Bearer " + reply.access_token;
    return caller;
  }

  explicit UpsCaller(const Options& options)
      : options_(options), api_(HttpClient::Create(options.in_flight)) {
    account_.settings.set_base_url(options.ups);
    account_.settings.set_shipper_number("A1B2C3");
    *account_.settings.mutable_shipper() = Place("1200 Commerce Parkway");
    for (const auto& [api, version] :
         {std::pair{"xav", "v2"}, std::pair{"ship", "v2409"}, std::pair{"void", "v2409"}}) {
      (*account_.settings.mutable_api_versions())[api] = version;
    }
    std::ifstream in(options.tls.authority);
    account_.settings.set_ca_bundle_pem(
        {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  }

  void operator()(int n, Ended ended) {
    WireRequest request = options_.what == "create"
                              ? ShipRequest(account_.settings, PurchaseOf(options_, n).shipment())
                              : AddressRequest(account_.settings, AddressOf(n));
    Send(std::move(request), authorization_,
         [ended = std::move(ended)](const HttpOutcome& outcome) {
           if (!outcome.response.ok()) return ended(outcome.response.status().ToString());
           ended(outcome.response->status == 200 ? "" : outcome.response->body);
         });
  }

 private:
  void Send(WireRequest request, std::string authorization, std::function<void(HttpOutcome)> done) {
    api_.Send(account_,
              {.wire = std::move(request),
               .call_id = RandomHex128(),
               .authorization = std::move(authorization),
               .timeout = absl::Seconds(60)},
              std::move(done));
  }

  const Options options_;
  Account account_;
  std::string authorization_;
  HttpUpsApi api_;
};

// Calls `caller` for each number of [first, first + count), `in_flight` at once.
class Round {
 public:
  Round(Caller& caller, int first, int count, int in_flight)
      : caller_(caller), next_(first), end_(first + count), left_(count) {
    took_.reserve(static_cast<std::size_t>(count));
    const auto begun = Steady::now();
    for (int i = 0; i < std::min(in_flight, count); ++i) Next();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return left_ == 0; });
    seconds_ = std::chrono::duration<double>(Steady::now() - begun).count();
  }

  nlohmann::ordered_json Report() {
    std::sort(took_.begin(), took_.end());
    const auto at = [this](double share) {
      return took_.empty() ? 0.0
                           : took_[static_cast<std::size_t>(share * double(took_.size() - 1))];
    };
    return {{"calls", took_.size()}, {"failed", failed_},  {"first_failure", first_failure_},
            {"seconds", seconds_},   {"p50_us", at(0.50)}, {"p99_us", at(0.99)}};
  }

 private:
  void Next() {
    int n = 0;
    {
      std::lock_guard lock(mutex_);
      if (next_ == end_) return;
      n = next_++;
    }
    const auto begun = Steady::now();
    caller_(n, [this, begun](const std::string& failure) {
      const std::chrono::duration<double, std::micro> took = Steady::now() - begun;
      Next();
      std::lock_guard lock(mutex_);
      took_.push_back(took.count());
      if (!failure.empty() && failed_++ == 0) first_failure_ = failure.substr(0, 300);
      if (--left_ == 0) done_.notify_all();
    });
  }

  Caller& caller_;
  std::mutex mutex_;
  std::condition_variable done_;
  int next_;
  const int end_;
  int left_;
  int failed_ = 0;
  std::string first_failure_;
  double seconds_ = 0;
  std::vector<double> took_;
};

absl::Status Main(const Options& options) {
  Caller caller;
  if (!options.gateway.empty()) {
    RETURN_IF_ERROR(CheckTlsFiles(options.tls));
    caller = [made = std::make_shared<GatewayCaller>(options)](int n, Ended ended) {
      (*made)(n, std::move(ended));
    };
  } else {
    ASSIGN_OR_RETURN(const std::shared_ptr<UpsCaller> made, UpsCaller::Create(options));
    caller = [made](int n, Ended ended) { (*made)(n, std::move(ended)); };
  }
  const Round warm_up(caller, 1, options.warm_up, options.in_flight);
  std::cout << R"({"warm":true})" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  Round round(caller, options.warm_up + 1, options.calls, options.in_flight);
  std::cout << round.Report().dump() << std::endl;
  return absl::OkStatus();
}

}  // namespace
}  // namespace psups::ups_gateway

int main(int argc, char** argv) {
  psups::ups_gateway::Options options;
  CLI::App app(psups::ups_gateway::kHelp);
  auto* gateway = app.add_option("--gateway", options.gateway, "host:port of ups-gateway");
  app.add_option("--ups", options.ups, "UPS's base URL")->excludes(gateway);
  app.add_option("--ca", options.tls.authority, "PEM: who signed the certificates")->required();
  app.add_option("--cert", options.tls.certificate, "gateway: PEM, whom to call as");
  app.add_option("--key", options.tls.key, "gateway: PEM, its key");
  app.add_option("--client-id", options.client_id, "ups: the client id");
  app.add_option("--secret-file", options.secret_file, "ups: file with the client's secret");
  app.add_option("--account", options.account, "gateway: id of the account");
  app.add_option("--what", options.what, "validate or create")
      ->check(CLI::IsMember({"validate", "create"}));
  app.add_option("--run", options.run, "makes the request ids of this run its own");
  app.add_option("--calls", options.calls, "how many")->check(CLI::PositiveNumber);
  app.add_option("--in-flight", options.in_flight, "how many at once")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up, "how many before")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  gpr_set_log_function([](gpr_log_func_args*) {});
  const absl::Status status = psups::ups_gateway::Main(options);
  if (status.ok()) return 0;
  std::cerr << "ups_load: " << status << '\n';
  return 1;
}
