#pragma once

#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/server.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "services/ups-gateway/account/account_server.h"
#include "services/ups-gateway/calls/service.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/purchase/resolver.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/wire/ups_api.h"

namespace psups::ups_gateway {

// A key ring of its own for each test run; the file is gone when this returns.
inline KeyRing TestKeyRing() {
  const std::string path = ::testing::TempDir() + "/ups_gateway_keys_" + RandomHex128();
  std::ofstream(path) << nlohmann::json{{"current", "k1"},
                                        {"keys", {{"k1", Base64(RandomBytes(32))}}},
                                        {"derivation_key", Base64(RandomBytes(32))}};
  absl::StatusOr<KeyRing> ring = KeyRing::FromFile(path);
  std::remove(path.c_str());
  return *std::move(ring);
}

inline type::v1::Address TestAddress(const std::string& name) {
  type::v1::Address address;
  address.set_name(name);
  address.add_lines("12 Fern St");
  address.set_city("Macon");
  address.set_state("GA");
  address.set_postal_code("31201");
  address.set_country_code("US");
  return address;
}

// Settings as AccountService makes them, but of any base URL.
inline ups::v1::Account TestSettings(const std::string& id, const std::string& base_url) {
  ups::v1::Account asked;
  asked.set_environment(ups::v1::Account::PRODUCTION);
  asked.set_client_id("app");
  asked.set_shipper_number("F3R1N0");
  *asked.mutable_shipper() = TestAddress("Fern Street Tools");
  asked.mutable_token_min_interval();  // 0 s
  asked.set_ship_timeout_seconds(5);
  asked.set_read_timeout_seconds(5);
  ups::v1::Account settings = *CheckNewAccount(id, asked);
  settings.set_base_url(base_url);
  return settings;
}

inline ups::v1::CreateShipmentRequest TestPurchase(const std::string& shipment, int packages = 1) {
  ups::v1::CreateShipmentRequest request;
  request.set_request_id("shipments/" + shipment + "/purchases/1");
  request.set_account("accounts/demo");
  request.set_connection("connections/c1");
  ups::v1::ShipmentSpec& spec = *request.mutable_shipment();
  *spec.mutable_ship_from() = TestAddress("Fern Depot");
  *spec.mutable_ship_to() = TestAddress("Harbor Works");
  spec.mutable_ship_to()->set_city("Long Beach");
  spec.mutable_ship_to()->set_state("CA");
  spec.mutable_ship_to()->set_postal_code("908021234");
  spec.set_service_code("03");
  for (int i = 0; i < packages; ++i) {
    ups::v1::PackageSpec& package = *spec.add_packages();
    package.set_weight_lb("12.5");
    package.set_length_in(12);
    package.set_width_in(10);
    package.set_height_in(4);
  }
  ups::v1::Reference& reference = *spec.add_references();
  reference.set_code("PO");
  reference.set_value("US001 0000000123");
  // Derived, as the builder does it: of the shipment, not drawn.
  spec.set_derived_reference(Base32(Sha256(shipment)).substr(0, 26));
  return request;
}

// The whole of the service but gRPC, as main wires it, on a database of its own. A second one on
// the same schema and keys is another replica, or the same one after a crash.
class Gateway {
 public:
  struct Options {
    DoubtSettings doubt = {.first_wait = absl::Milliseconds(50), .most_wait = absl::Seconds(1)};
    absl::Duration fence = kSendFence;
    absl::Duration patience = absl::Seconds(5);
    std::shared_ptr<ManifestSource> manifest = MakeManifestNotYet();
    SearchSettings search = {.settle = absl::ZeroDuration(), .window = absl::Hours(2)};
    FlowControl::Options flow = {};
    const Clock* steady = nullptr;  // of flow control; null: the real one
  };

  Gateway(Db& db, const KeyRing& ring, Options options)
      : sealer(db, ring),
        accounts(MakePostgresAccountStore(db, sealer)),
        tokens(MakePostgresTokenStore(db, sealer, run_id)),
        calls(MakePostgresCallStore(db, sealer)),
        epochs(MakePostgresEpochStore(db)),
        flow_limits(MakePostgresFlowStore(db)),
        flow(
            *flow_limits, run_id, options.steady == nullptr ? steady : *options.steady, clock,
            [] { return 0.5; }, options.flow),
        recorder(*calls),
        executor(std::make_unique<Executor>(2)),
        api(HttpClient::Create(64)),
        treasury(
            *tokens, api, clock, [] { return 0.5; }, options.patience),
        book(*accounts, clock, post()),
        line{api, treasury, flow, clock, unrecorded, drift, post()},
        asker(line),
        search_first(*calls, asker, recorder, clock, options.search),
        purchaser(*calls, line, search_first, doubts,
                  {.fence = options.fence, .first_wait = options.doubt.first_wait}),
        manifest(options.manifest),
        resolver(*calls, book, asker, *manifest, clock, options.doubt),
        reconciler(*calls, *accounts, *epochs, *manifest, clock, options.doubt.window),
        operations(*calls, book, asker, recorder, purchaser, clock, post()),
        doctor(line, asker, recorder),
        account_server(*accounts, *tokens, book, doctor, reconciler, clock, *executor) {
    treasury_thread.emplace(std::vector<Worker>{{.name = "treasury",
                                                 .idle_wait = absl::Milliseconds(20),
                                                 .step = [this] { return treasury.Step(); },
                                                 .wakeup = &treasury.wakeup()},
                                                {.name = "flow",
                                                 .step = [this] { return flow.Pump(); },
                                                 .wakeup = &flow.wakeup(),
                                                 .due_in = [this] { return flow.DueIn(); }}},
                            stop);
  }

  ~Gateway() {
    stop.Request();
    treasury.wakeup().Notify();
    flow.wakeup().Notify();
    treasury_thread.reset();
    flow.Close();
    treasury.Close();
    api.Close();
    executor.reset();
  }

  absl::Status CreateAccount(const ups::v1::Account& settings, const std::string& secret) {
    return accounts
        ->Create(settings, settings.name().substr(9), secret,
                 {.action = "account.create", .subject = settings.name()})
        .status();
  }

  // One call of UpsOperations, waited for.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(void (UpsOperations::*method)(const Request&, const Caller&,
                                                              Reply<Response>),
                                const Request& request) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
    auto future = promise->get_future();
    (operations.*method)(
        request,
        Caller{.identity = "spiffe://psups/service/shipment-builder",
               .trace_id = std::string(32, '7')},
        [promise](absl::StatusOr<Response> result) { promise->set_value(std::move(result)); });
    return future.get();
  }

  absl::StatusOr<ups::v1::Call> Buy(const ups::v1::CreateShipmentRequest& request) {
    return Call(&UpsOperations::CreateShipment, request);
  }

  Post post() {
    return [to = executor.get()](std::function<void()> task) { to->Post(std::move(task)); };
  }

  const std::string run_id = RandomHex128();
  Clock clock;
  Sealer sealer;
  std::unique_ptr<AccountStore> accounts;
  std::unique_ptr<TokenStore> tokens;
  std::unique_ptr<CallStore> calls;
  std::unique_ptr<EpochStore> epochs;
  const SteadyClock steady;
  std::unique_ptr<FlowStore> flow_limits;
  FlowControl flow;
  Wakeup doubts;
  Unrecorded unrecorded{clock};
  CallRecorder recorder;
  Drift drift;
  std::unique_ptr<Executor> executor;
  HttpUpsApi api;
  Treasury treasury;
  AccountBook book;
  UpsLine line;
  Asker asker;
  SearchFirst search_first;
  Purchaser purchaser;
  std::shared_ptr<ManifestSource> manifest;
  Resolver resolver;
  Reconciler reconciler;
  UpsOperations operations;
  Doctor doctor;
  AccountServer account_server;
  Stop stop;
  std::optional<WorkerThreads> treasury_thread;
};

}  // namespace psups::ups_gateway
