#include "common/server.h"

#include <future>
#include <mutex>
#include <set>

#include "common/metrics.h"
#include "common/testing/status_matchers.h"
#include "common/testing/test_authority.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "psups/audit/v1/audit_service.grpc.pb.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "psups/orders/v1/order_service.pb.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "psups/shipments/v1/shipment_service.pb.h"
#include "psups/tracking/v1/tracking_service.pb.h"
#include "psups/ups/v1/account_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"

namespace psups {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using testing::TestAuthority;
namespace pb = audit::v1;

// Answers with the caller's identity and trace, so that tests see what a handler sees.
class EchoService : public pb::AuditService::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetKey(grpc::CallbackServerContext* context,
                                   const pb::GetKeyRequest* request,
                                   pb::GetKeyResponse* response) override {
    {
      std::lock_guard lock(mutex_);
      connections_.insert(context->peer());
    }
    return Handle(
        executor_, context, request, response,
        [](const pb::GetKeyRequest&, const Caller& caller) -> absl::StatusOr<pb::GetKeyResponse> {
          pb::GetKeyResponse reply;
          reply.set_origin(caller.identity);
          reply.set_public_key_pem(caller.trace_id);
          return reply;
        });
  }
  grpc::ServerUnaryReactor* AppendEntries(grpc::CallbackServerContext* context,
                                          const pb::AppendEntriesRequest* request,
                                          pb::AppendEntriesResponse* response) override {
    return HandleAsync(context, request, response, [](const auto&, const Caller&, auto done) {
      std::thread([done] { done(absl::ResourceExhaustedError("later")); }).detach();
    });
  }

  std::size_t connections() {
    std::lock_guard lock(mutex_);
    return connections_.size();
  }

 private:
  std::mutex mutex_;
  std::set<std::string> connections_;
  Executor executor_{2};
};

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/audit-ledger"),
                                .services = {&service_}}));
  }
  std::unique_ptr<pb::AuditService::Stub> StubOf(const TlsFiles& tls) {
    return pb::AuditService::NewStub(
        MakeChannel("localhost:" + std::to_string(server_->port()), tls));
  }
  absl::StatusOr<pb::GetKeyResponse> GetKey(const TlsFiles& tls, std::string_view trace = {}) {
    return CallPeer(*StubOf(tls), &pb::AuditService::Stub::GetKey, pb::GetKeyRequest(),
                    absl::Seconds(10), trace);
  }
  absl::StatusOr<pb::AppendEntriesResponse> Append(const TlsFiles& tls) {
    return CallPeer(*StubOf(tls), &pb::AuditService::Stub::AppendEntries,
                    pb::AppendEntriesRequest(), absl::Seconds(10));
  }
  TestAuthority authority_;
  EchoService service_;
  std::unique_ptr<Server> server_;
};

// What gRPC's published health protocol answers for `service` on a plaintext port: field 1 of the
// reply is the status; NOT_FOUND for a name that nobody knows.
absl::StatusOr<int> PlaintextHealth(int port, const std::string& service) {
  const auto channel =
      grpc::CreateChannel("localhost:" + std::to_string(port), grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  const std::string field =
      service.empty() ? "" : std::string("\x0a") + static_cast<char>(service.size()) + service;
  const grpc::Slice slice(field);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer reply;
  grpc::ClientContext context;
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &reply,
                 [&](grpc::Status status) { ended.set_value(std::move(status)); });
  const grpc::Status status = ended.get_future().get();
  if (!status.ok()) return FromGrpc(status);
  grpc::Slice bytes;
  if (!reply.DumpToSingleSlice(&bytes).ok() || bytes.size() != 2) return 0;
  return bytes.begin()[1];
}

TEST_F(ServerTest, HealthIsAnsweredInPlaintextOnAPortOfItsOwnAndNothingElseIs) {
  ASSERT_OK_AND_ASSIGN(
      const auto server,
      Server::Start({.listen = "localhost:0",
                     .tls = authority_.Issue("spiffe://psups/service/audit-ledger"),
                     .services = {&service_},
                     .health_listen = "localhost:0"}));
  constexpr int kServing = 1;
  constexpr int kNotServing = 2;
  EXPECT_THAT(PlaintextHealth(server->health_port(), ""), IsOkAndHolds(kNotServing));
  EXPECT_THAT(PlaintextHealth(server->health_port(), "live"), IsOkAndHolds(kServing));
  server->SetServing(true);
  EXPECT_THAT(PlaintextHealth(server->health_port(), ""), IsOkAndHolds(kServing));
  server->SetServing(false);  // its database went away
  EXPECT_THAT(PlaintextHealth(server->health_port(), ""), IsOkAndHolds(kNotServing));
  EXPECT_THAT(PlaintextHealth(server->health_port(), "live"), IsOkAndHolds(kServing));

  const auto stub = pb::AuditService::NewStub(grpc::CreateChannel(
      "localhost:" + std::to_string(server->health_port()), grpc::InsecureChannelCredentials()));
  EXPECT_THAT(
      CallPeer(*stub, &pb::AuditService::Stub::GetKey, pb::GetKeyRequest(), absl::Seconds(10)),
      HasCode(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(PlaintextHealth(server->port(), ""), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ServerTest, AConnectionThatIsOldIsReplacedAndNoCallSuffers) {
  ASSERT_OK_AND_ASSIGN(
      const auto server,
      Server::Start({.listen = "localhost:0",
                     .tls = authority_.Issue("spiffe://psups/service/audit-ledger"),
                     .services = {&service_},
                     .connection_age = absl::Milliseconds(50)}));
  const auto stub =
      pb::AuditService::NewStub(MakeChannel("localhost:" + std::to_string(server->port()),
                                            authority_.Issue("spiffe://psups/viewer/ann")));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (service_.connections() < 3 && std::chrono::steady_clock::now() < deadline) {
    ASSERT_OK(
        CallPeer(*stub, &pb::AuditService::Stub::GetKey, pb::GetKeyRequest(), absl::Seconds(10)));
  }
  EXPECT_GE(service_.connections(), 3);
}

TEST_F(ServerTest, WithoutTheSettingNoPlaintextPortIsOpen) { EXPECT_EQ(server_->health_port(), 0); }

TEST_F(ServerTest, EachCallIsMeasuredWhereItIsMadeAndWhereItIsAnswered) {
  const auto measured = [](const std::string& metric, const std::string& code) {
    uint64_t count = 0;
    for (const prometheus::MetricFamily& family : MetricsRegistry().Collect()) {
      if (family.name != metric) continue;
      for (const prometheus::ClientMetric& one : family.metric) {
        std::map<std::string, std::string> labels;
        for (const auto& label : one.label) labels[label.name] = label.value;
        if (labels["method"] == "/psups.audit.v1.AuditService/AppendEntries" &&
            labels["code"] == code) {
          count += one.histogram.sample_count;
        }
      }
    }
    return count;
  };
  const auto asked = measured("psups_rpc_client_seconds", "RESOURCE_EXHAUSTED");
  const auto answered = measured("psups_rpc_seconds", "RESOURCE_EXHAUSTED");
  EXPECT_FALSE(Append(authority_.Issue("spiffe://psups/service/ups-gateway")).ok());
  EXPECT_EQ(measured("psups_rpc_client_seconds", "RESOURCE_EXHAUSTED"), asked + 1);
  EXPECT_EQ(measured("psups_rpc_seconds", "RESOURCE_EXHAUSTED"), answered + 1);
}

TEST_F(ServerTest, TheHandlerSeesTheCertificatesIdentityAndTheTrace) {
  const std::string trace = "0123456789abcdef0123456789abcdef";
  ASSERT_OK_AND_ASSIGN(const auto reply,
                       GetKey(authority_.Issue("spiffe://psups/viewer/ann"), trace));
  EXPECT_EQ(reply.origin(), "spiffe://psups/viewer/ann");
  EXPECT_EQ(reply.public_key_pem(), trace);
}

TEST_F(ServerTest, ACallThatTheRuleDoesNotNameIsRefused) {
  // GetKey: persons only. AppendEntries: four services only.
  EXPECT_THAT(GetKey(authority_.Issue("spiffe://psups/service/ups-gateway")),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Append(authority_.Issue("spiffe://psups/admin/root")),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Append(authority_.Issue("spiffe://psups/service/psupsctl")),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(ServerTest, AnAsynchronousHandlerAnswersWithItsStatus) {
  EXPECT_THAT(Append(authority_.Issue("spiffe://psups/service/ups-gateway")),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(ServerTest, ACertificateOfAnotherAuthorityOrAStrangeIdentityIsRefused) {
  TestAuthority other;
  TlsFiles stranger = other.Issue("spiffe://psups/admin/mallory");
  stranger.authority = authority_.folder() + "/ca.pem";
  EXPECT_THAT(GetKey(stranger), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(GetKey(authority_.Issue("spiffe://elsewhere/admin/ann")),
              HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(GetKey(authority_.Issue("spiffe://psups/emperor/ann")),
              HasCode(absl::StatusCode::kUnauthenticated));
}

TEST_F(ServerTest, AnAsyncCallOfAPeerComesBackOnce) {
  const auto stub = StubOf(authority_.Issue("spiffe://psups/viewer/ann"));
  std::promise<absl::StatusOr<pb::GetKeyResponse>> done;
  CallPeerAsync<pb::GetKeyResponse>(
      absl::Seconds(10), "", pb::GetKeyRequest(),
      [&](auto... arguments) { stub->async()->GetKey(arguments...); },
      [&](absl::StatusOr<pb::GetKeyResponse> reply) { done.set_value(std::move(reply)); });
  EXPECT_OK(done.get_future().get());
}

TEST_F(ServerTest, AListOfAddressesIsOnePeerAsLongAsOneOfThemAnswers) {
  const TlsFiles tls = authority_.Issue("spiffe://psups/viewer/ann");
  ASSERT_OK_AND_ASSIGN(
      auto gone, Server::Start({.listen = "127.0.0.1:0", .tls = tls, .services = {&service_}}));
  const std::string dead = absl::StrCat("127.0.0.1:", gone->port());
  gone.reset();
  const std::string alive = absl::StrCat("127.0.0.1:", server_->port());
  for (const std::string& list : {dead + "," + alive, alive + "," + dead}) {
    const auto stub = pb::AuditService::NewStub(MakeChannel("ipv4:" + list, tls));
    EXPECT_OK(
        CallPeer(*stub, &pb::AuditService::Stub::GetKey, pb::GetKeyRequest(), absl::Seconds(10)));
  }
}

TEST_F(ServerTest, InAListACertificateHasToBeForTheFirstHost) {
  const TlsFiles tls = authority_.Issue("spiffe://psups/viewer/ann");
  const std::string list =
      absl::StrCat("ipv4:127.0.0.2:", server_->port(), ",127.0.0.1:", server_->port());
  const auto stub = pb::AuditService::NewStub(MakeChannel(list, tls));
  const auto refused =
      CallPeer(*stub, &pb::AuditService::Stub::GetKey, pb::GetKeyRequest(), absl::Seconds(10));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ServerTest, ATakenPortIsNamed) {
  const absl::Status taken =
      Server::Start({.listen = "localhost:" + std::to_string(server_->port()),
                     .tls = authority_.Issue("spiffe://psups/service/audit-ledger")})
          .status();
  EXPECT_THAT(taken, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(taken.message()), HasSubstr("taken by another process"));
}

TEST_F(ServerTest, AnExpiredCertificateIsNamedAtStart) {
  const absl::Status expired =
      Server::Start({.listen = "localhost:0",
                     .tls = authority_.Issue("spiffe://psups/service/x", -absl::Hours(1))})
          .status();
  EXPECT_THAT(std::string(expired.message()), HasSubstr("expired; issue a new one"));
}

TEST(IdentityTest, RolesCoverTheOnesBelowButAnAuditorOnlyReads) {
  using access::v1::Rule;
  const auto may = [](const char* role, Rule::Role least) {
    Rule rule;
    rule.set_role(least);
    return Permits(rule, *CallerFromUri(std::string("spiffe://psups/") + role + "/ann"));
  };
  EXPECT_TRUE(may("viewer", Rule::VIEWER));
  EXPECT_FALSE(may("viewer", Rule::CLERK));
  EXPECT_TRUE(may("operator", Rule::CLERK));
  EXPECT_FALSE(may("operator", Rule::ADMIN));
  EXPECT_TRUE(may("auditor", Rule::VIEWER));
  EXPECT_TRUE(may("auditor", Rule::AUDITOR));
  EXPECT_FALSE(may("auditor", Rule::CLERK));
  EXPECT_FALSE(may("auditor", Rule::OPERATOR));
  EXPECT_FALSE(may("auditor", Rule::ADMIN));
  EXPECT_TRUE(may("admin", Rule::OPERATOR));
  EXPECT_FALSE(may("admin", Rule::AUDITOR));
  EXPECT_FALSE(may("admin", Rule::ROLE_UNSPECIFIED));
}

TEST(IdentityTest, AnyServiceIsEveryServiceButNoPerson) {
  access::v1::Rule rule;
  Caller service;
  service.service = "warehouse-portal";
  EXPECT_FALSE(Permits(rule, service));
  rule.add_services("*");
  EXPECT_TRUE(Permits(rule, service));
  ASSERT_OK_AND_ASSIGN(const Caller person, CallerFromUri("spiffe://psups/admin/ann"));
  EXPECT_FALSE(Permits(rule, person));
}

TEST(IdentityTest, ATraceparentIsReadAndAMalformedOneIsNot) {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  EXPECT_EQ(TraceIdFromTraceparent("00-" + trace + "-b7ad6b7169203331-01"), trace);
  EXPECT_EQ(TraceIdFromTraceparent(MakeTraceparent(trace)), trace);
  EXPECT_EQ(TraceIdFromTraceparent("00-" + std::string(32, '0') + "-b7ad6b7169203331-01"), "");
  EXPECT_EQ(TraceIdFromTraceparent("nonsense"), "");
}

// Every RPC of the suite, from the protos: the table of who may call what.
std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const google::protobuf::Descriptor* message :
       {pb::Entry::descriptor(), orders::v1::Connection::descriptor(),
        orders::v1::Order::descriptor(), shipments::v1::Review::descriptor(),
        shipments::v1::Shipment::descriptor(), tracking::v1::Tracker::descriptor(),
        ups::v1::Account::descriptor(), ups::v1::Call::descriptor()}) {
    const auto* service = message->file()->service(0);
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

TEST(AccessTest, EveryRpcHasARuleThatLetsSomebodyInAndAClass) {
  for (const auto* method : AllMethods()) {
    const access::v1::Rule& rule = method->options().GetExtension(access::v1::rule);
    EXPECT_TRUE(rule.services_size() > 0 || rule.role() != access::v1::Rule::ROLE_UNSPECIFIED)
        << method->full_name();
    EXPECT_NE(rule.class_(), access::v1::Rule::CLASS_UNSPECIFIED) << method->full_name();
  }
}

TEST(AccessTest, ServicesCallOnlyAlongTheDesignsGraph) {
  // design.md §2: builder → tracking → {ingest, gateway}; builder → both; all → ledger.
  const std::map<std::string, std::vector<std::string>> callers = {
      {"psups.orders.v1", {"shipment-builder", "tracking-sync"}},
      {"psups.ups.v1", {"shipment-builder", "tracking-sync"}},
      {"psups.tracking.v1", {"shipment-builder"}},
      {"psups.shipments.v1", {}},
      {"psups.audit.v1", {"ps-ingest", "shipment-builder", "ups-gateway", "tracking-sync"}}};
  for (const auto* method : AllMethods()) {
    const auto& allowed = callers.at(method->file()->package());
    for (const std::string& service : method->options().GetExtension(access::v1::rule).services()) {
      if (service == "*") continue;
      EXPECT_THAT(allowed, ::testing::Contains(service)) << method->full_name();
    }
  }
}

TEST(AccessTest, AnyServiceMayReadShipmentsAndAtUpsAddressesAndParcelsAndNothingElse) {
  Caller stranger;
  stranger.service = "warehouse-portal";
  std::vector<std::string> open;
  for (const auto* method : AllMethods()) {
    const access::v1::Rule& rule = method->options().GetExtension(access::v1::rule);
    if (!Permits(rule, stranger)) continue;
    open.push_back(method->name());
    EXPECT_EQ(rule.class_(), access::v1::Rule::READ) << method->full_name();
  }
  EXPECT_THAT(
      open, ::testing::UnorderedElementsAre("ValidateAddress", "TrackPackage", "TrackByReference",
                                            // Without names and addresses.
                                            "ListShipments", "WatchShipments", "GetOrderDelivery"));
}

}  // namespace
}  // namespace psups
