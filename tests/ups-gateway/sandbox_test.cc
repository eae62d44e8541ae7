
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// The gateway against the sandbox and a real database.
class UpsGatewaySandboxTest : public SandboxFixture {
 protected:
  void SetUp() override { StartSandbox(); }

  // Steps the resolver until the call has left IN_DOUBT, or wants a person.
  absl::StatusOr<pb::Call> Resolve(const pb::CreateShipmentRequest& request) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    absl::StatusOr<pb::Call> call = absl::UnknownError("not asked");
    while (std::chrono::steady_clock::now() < end) {
      EXPECT_OK(gateway_->resolver.Step());
      call = gateway_->Buy(request);
      const bool waits =
          absl::IsAborted(call.status()) ||
          (call.ok() && call->state() == pb::Call::IN_DOUBT && !call->needs_person());
      if (!waits) return call;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return call;
  }

  // Every call id in the ledger's entries.
  std::multiset<std::string> RecordedCalls() {
    std::multiset<std::string> ids;
    for (const auto& entry : Entries("")) {
      const auto& detail = entry["detail"];
      if (detail.contains("call_id")) ids.insert(detail["call_id"].get<std::string>());
      if (detail.contains("calls")) {
        for (const auto& call : detail["calls"]) ids.insert(call["call_id"].get<std::string>());
      }
    }
    return ids;
  }
};

TEST_F(UpsGatewaySandboxTest, BuysAShipmentAndKeepsItsLabelsUntilTheyAreAcknowledged) {
  Start();
  CreateAccount();
  const pb::CreateShipmentRequest request = TestPurchase("s1", 3);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  ASSERT_EQ(call.state(), pb::Call::DONE) << call.ShortDebugString();
  ASSERT_THAT(call.result().packages(), SizeIs(3));
  EXPECT_THAT(call.result().packages(0).label(), HasSubstr("^XA"));
  EXPECT_EQ(call.result().packages(0).label_format(), "ZPL");
  EXPECT_EQ(call.result().ups_shipment_id(), call.result().packages(0).tracking_number());
  EXPECT_GT(call.result().charges().amount_minor(), 0);
  EXPECT_EQ(call.result().charges().currency_code(), "USD");

  const nlohmann::json truth = Truth();
  const auto& shipments = truth["shipments"];
  ASSERT_THAT(shipments, SizeIs(1));
  EXPECT_EQ(shipments[0]["shipment_id"], call.result().ups_shipment_id());
  const auto& sent = shipments[0]["request"]["Shipment"];
  EXPECT_EQ(sent["ShipTo"]["Address"]["PostalCode"], "908021234");
  EXPECT_EQ(sent["Package"][2]["PackageWeight"]["Weight"], "12.5");

  // Asked again it is told again, and not bought again.
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(request));
  EXPECT_EQ(again.name(), call.name());
  EXPECT_EQ(again.result().packages(1).label(), call.result().packages(1).label());
  EXPECT_THAT(Journal("ship"), SizeIs(1));

  // Labels hold addresses: people get the call without them.
  pb::GetCallRequest get;
  get.set_request_id(request.request_id());
  ASSERT_OK_AND_ASSIGN(const pb::Call shown, gateway_->operations.GetCall(get, Caller{}));
  EXPECT_THAT(shown.result().packages(0).label(), IsEmpty());
  EXPECT_EQ(shown.result().ups_shipment_id(), call.result().ups_shipment_id());

  pb::AcknowledgeCallsRequest acknowledge;
  acknowledge.add_request_ids(request.request_id());
  acknowledge.add_request_ids("shipments/none/purchases/1");
  ASSERT_OK(gateway_->operations.AcknowledgeCalls(acknowledge));
  const Caller builder{.service = "shipment-builder"};
  ASSERT_OK_AND_ASSIGN(const pb::Call stored, gateway_->operations.GetCall(get, builder));
  EXPECT_EQ(stored.state(), pb::Call::DONE);
  EXPECT_THAT(stored.result().packages(0).label(), IsEmpty());
  EXPECT_EQ(stored.result().packages(0).tracking_number(),
            call.result().packages(0).tracking_number());
}

TEST_F(UpsGatewaySandboxTest, EveryCallStandsInTheLedgerUnderItsTransId) {
  Start();
  CreateAccount();
  ASSERT_OK(gateway_->Buy(TestPurchase("s1")));
  pb::ValidateAddressRequest validate;
  validate.set_account("accounts/demo");
  *validate.mutable_address() = TestAddress("");
  ASSERT_OK(gateway_->Call(&UpsOperations::ValidateAddress, validate));
  pb::TrackPackageRequest track;
  track.set_account("accounts/demo");
  track.set_tracking_number("1Z023E2X0214323462");
  ASSERT_OK(gateway_->Call(&UpsOperations::TrackPackage, track));
  const std::multiset<std::string> recorded = RecordedCalls();
  int seen = 0;
  for (const char* route : {"token", "ship", "xav", "track"}) {
    for (const auto& entry : Journal(route)) {
      EXPECT_THAT(entry["call_id"].get<std::string>(), SizeIs(32));
      EXPECT_GE(recorded.count(entry["call_id"].get<std::string>()), 1u) << route;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 4);
  EXPECT_THAT(Entries("ups.ship.intent"), SizeIs(1));
  EXPECT_THAT(Entries("ups.ship.outcome"), SizeIs(1));
  EXPECT_EQ(Entries("ups.ship.intent")[0]["subject"], "shipments/s1");
  EXPECT_EQ(Entries("ups.ship.intent")[0]["trace_id"], std::string(32, '7'));
  // Evidence of all but the token.
  EXPECT_EQ(Count("SELECT count(*) AS n FROM exchanges"), 3);
  // Two commits for the purchase's own rows: the intent and the outcome.
  EXPECT_EQ(Count("SELECT count(DISTINCT xmin::text) AS n FROM audit_outbox WHERE "
                  "convert_from(entry, 'UTF8') LIKE '%ups.ship.%'"),
            2);
}

// Whatever happens on the wire, in the end there is one live shipment and the call is DONE.
struct WireCase {
  const char* kind;
  bool made_by_first;
};
class WireFaultTest : public UpsGatewaySandboxTest,
                      public ::testing::WithParamInterface<WireCase> {};

TEST_P(WireFaultTest, EndsWithExactlyOneLiveShipment) {
  Start();
  CreateAccount([](pb::Account& account) { account.mutable_rebuy_window()->set_seconds(1); });
  ASSERT_OK(gateway_->Buy(TestPurchase("warm")));  // so that the connection is a kept one
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", GetParam().kind}, {"count", 1}});
  pb::CreateShipmentRequest request = TestPurchase("s1", 2);
  ASSERT_OK_AND_ASSIGN(const pb::Call first, gateway_->Buy(request));
  EXPECT_EQ(first.state(), pb::Call::IN_DOUBT) << first.ShortDebugString();
  EXPECT_THAT(first.doubt(), Not(IsEmpty()));
  EXPECT_FALSE(first.needs_person());
  // Known to exist, of like age: what a denial is checked by.
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));

  absl::StatusOr<pb::Call> resolved = Resolve(request);
  ASSERT_OK(resolved);
  if (GetParam().made_by_first) {
    ASSERT_EQ(resolved->state(), pb::Call::DONE) << resolved->ShortDebugString();
    EXPECT_TRUE(resolved->result().recovered());
    EXPECT_THAT(resolved->result().packages(1).label(), HasSubstr("^XA"));
    EXPECT_THAT(Journal("ship"), SizeIs(3));  // one POST each
  } else {
    ASSERT_EQ(resolved->state(), pb::Call::NOT_MADE) << resolved->ShortDebugString();
    request.set_request_id("shipments/s1/purchases/2");
    request.mutable_shipment()->set_derived_reference("secondpurchase");
    resolved = gateway_->Buy(request);
    ASSERT_OK(resolved);
    ASSERT_EQ(resolved->state(), pb::Call::DONE);
  }
  EXPECT_EQ(LiveShipments(), 3);
  // Each POST in the journal is another purchase's.
  std::set<std::string> ids;
  for (const auto& post : Journal("ship")) {
    EXPECT_TRUE(ids.insert(post["call_id"].get<std::string>()).second);
  }
  // And everything UPS saw is in the ledger.
  const std::multiset<std::string> recorded = RecordedCalls();
  for (const char* route : {"token", "ship", "recovery", "track"}) {
    for (const auto& entry : Journal(route)) {
      EXPECT_GE(recorded.count(entry["call_id"].get<std::string>()), 1u) << route;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, WireFaultTest,
    ::testing::Values(WireCase{"done_then_reset", true}, WireCase{"done_then_close", true},
                      WireCase{"withhold", true}, WireCase{"done_then_truncate", true},
                      WireCase{"done_then_status", true}, WireCase{"reset_before", false},
                      WireCase{"status", false}, WireCase{"html", false}),
    [](const ::testing::TestParamInfo<WireCase>& info) { return std::string(info.param.kind); });

TEST_F(UpsGatewaySandboxTest, TwinRequestsBuyOnce) {
  Start();
  CreateAccount();
  Gateway replica(schema_.db(), ring_, {});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  std::vector<std::future<absl::StatusOr<pb::Call>>> futures;
  for (int i = 0; i < 16; ++i) {
    Gateway& gateway = i % 2 == 0 ? *gateway_ : replica;
    futures.push_back(std::async(std::launch::async, [&] { return gateway.Buy(request); }));
  }
  int done = 0;
  for (auto& future : futures) {
    const absl::StatusOr<pb::Call> call = future.get();
    if (call.ok()) {
      EXPECT_EQ(call->state(), pb::Call::DONE);
      ++done;
    } else {
      EXPECT_THAT(call, HasCode(absl::StatusCode::kAborted));
    }
  }
  EXPECT_GE(done, 1);
  EXPECT_EQ(LiveShipments(), 1);
  EXPECT_THAT(Journal("ship"), SizeIs(1));
  EXPECT_THAT(Journal("token"), SizeIs(1));  // shared by both replicas
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 1);
}

TEST_F(UpsGatewaySandboxTest, AnIdStandsForOneContentOnly) {
  Start();
  CreateAccount();
  pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK(gateway_->Buy(request));
  request.mutable_shipment()->mutable_packages(0)->set_weight_lb("13");
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Journal("ship"), SizeIs(1));
}

TEST_F(UpsGatewaySandboxTest, WhatUpsWouldRefuseIsRefusedBeforeMoneyMoves) {
  Start();
  CreateAccount();
  pb::CreateShipmentRequest request = TestPurchase("s1");
  request.mutable_shipment()->mutable_packages(0)->set_weight_lb("0");
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 0);
  EXPECT_THAT(Journal("ship"), IsEmpty());
  request.set_account("accounts/none");
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(UpsGatewaySandboxTest, AStoredAnswerOutlivesWhatWouldRefuseItToday) {
  Start();
  CreateAccount();
  pb::CreateShipmentRequest request = TestPurchase("s1");
  request.mutable_shipment()->set_ship_date(
      absl::FormatTime("%Y%m%d", absl::Now() - absl::Hours(240), absl::UTCTimeZone()));
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kInvalidArgument));
  // As it was stored ten days ago.
  ASSERT_OK_AND_ASSIGN(const AccountPtr account, gateway_->accounts->Get("demo"));
  ASSERT_OK(gateway_->calls->StoreIntents({{.call_id = NewCallId(absl::Now()),
                                            .account = account,
                                            .request = request,
                                            .answer_within = absl::Hours(1)}}));
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kAborted));
}

TEST_F(UpsGatewaySandboxTest, ARefusalOfUpsIsForEverAndSaysWhatToDo) {
  Start();
  CreateAccount();
  AddFault({{"id", "f"},
            {"route", "ship"},
            {"kind", "status"},
            {"status", 400},
            {"body", R"({"response":{"errors":[{"code":"120802","message":"Address"}]}})"}});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  EXPECT_EQ(call.state(), pb::Call::REJECTED);
  EXPECT_EQ(call.error().ups_code(), "120802");
  EXPECT_FALSE(call.error().retryable());
  EXPECT_THAT(call.error().clerk_message(), HasSubstr("ship-to"));
  Admin("POST", "/admin/faults", {{"remove", {"f"}}});
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(request));
  EXPECT_EQ(again.state(), pb::Call::REJECTED);
  EXPECT_EQ(again.error().clerk_message(), call.error().clerk_message());
  EXPECT_THAT(Journal("ship"), SizeIs(1));
}

TEST_F(UpsGatewaySandboxTest, AnIntentOlderThanTheFenceIsNeverSent) {
  Start({.fence = absl::ZeroDuration()});
  CreateAccount();
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::NOT_MADE);
  EXPECT_THAT(Journal("ship"), IsEmpty());
  EXPECT_EQ(LiveShipments(), 0);
}

TEST_F(UpsGatewaySandboxTest, WhileUpsCannotBeReachedNothingIsStoredOrLost) {
  Start();
  CreateAccount([](pb::Account& account) { account.set_base_url("http://127.0.0.1:1"); });
  EXPECT_THAT(gateway_->Buy(TestPurchase("s1")), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 0);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM token_requests WHERE state <> 'NOT_SENT'"), 0);
}

// --- resolving

TEST_F(UpsGatewaySandboxTest, WithoutOptInADenialIsForAPersonAndNothingIsBoughtAgain) {
  Start({.doubt = {.first_wait = absl::Milliseconds(50),
                   .most_wait = absl::Milliseconds(200),
                   .window = absl::Seconds(1)}});
  CreateAccount();
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "reset_before"}, {"count", 1}});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::IN_DOUBT);
  EXPECT_TRUE(call.needs_person());
  EXPECT_THAT(call.doubt(), HasSubstr("ups.com"));
  EXPECT_THAT(Journal("ship"), SizeIs(2));
  EXPECT_EQ(LiveShipments(), 1);
}

// UPS gives no label again of a shipment of more than 100 packages.
TEST_F(UpsGatewaySandboxTest, AShipmentThatRecoveryRefusesIsFoundByTrackingAndIsForAPerson) {
  Start({.doubt = {.first_wait = absl::Milliseconds(50),
                   .most_wait = absl::Milliseconds(200),
                   .window = absl::Seconds(1)}});
  CreateAccount();
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "done_then_reset"}, {"count", 1}});
  const pb::CreateShipmentRequest request = TestPurchase("s1", /*packages=*/101);
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::IN_DOUBT);
  EXPECT_TRUE(call.needs_person());
  EXPECT_THAT(call.doubt(), HasSubstr("UPS made the shipment, 1Z"));
  EXPECT_EQ(LiveShipments(), 1);
}

TEST_F(UpsGatewaySandboxTest, WithoutAControlADenialIsNotBelieved) {
  Start({.doubt = {.first_wait = absl::Milliseconds(50),
                   .most_wait = absl::Milliseconds(200),
                   .window = absl::Seconds(2)}});
  CreateAccount([](pb::Account& account) { account.mutable_rebuy_window()->set_seconds(1); });
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "reset_before"}, {"count", 1}});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::IN_DOUBT);
  EXPECT_TRUE(call.needs_person());
}

TEST_F(UpsGatewaySandboxTest, RecoveryThatNeverMatchesNeverBuysAgain) {
  Start({.doubt = {.first_wait = absl::Milliseconds(50),
                   .most_wait = absl::Milliseconds(200),
                   .window = absl::Seconds(2)}});
  CreateAccount([](pb::Account& account) { account.mutable_rebuy_window()->set_seconds(1); });
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  AddFault({{"id", "r"}, {"route", "recovery"}, {"kind", "not_found"}});
  AddFault({{"id", "t"}, {"route", "track"}, {"kind", "not_found"}});
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "done_then_reset"}, {"count", 1}});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::IN_DOUBT);  // the control is denied too
  EXPECT_TRUE(call.needs_person());
  // When UPS finds its memory again it is resolved without a person.
  Admin("POST", "/admin/faults", {{"remove", {"r", "t"}}});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  absl::StatusOr<pb::Call> now = call;
  while (now.ok() && now->state() == pb::Call::IN_DOUBT && std::chrono::steady_clock::now() < end) {
    ASSERT_OK(gateway_->resolver.Step());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    now = gateway_->Buy(request);
  }
  ASSERT_OK(now);
  EXPECT_EQ(now->state(), pb::Call::DONE);
  EXPECT_FALSE(now->needs_person());
  EXPECT_EQ(LiveShipments(), 2);
}

TEST_F(UpsGatewaySandboxTest, TrackingOpensTheLabelThatTheReferenceDoesNot) {
  Start();
  CreateAccount();
  ASSERT_OK(gateway_->Buy(TestPurchase("warm")));
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  AddFault({{"id", "r"},
            {"route", "recovery"},
            {"kind", "not_found"},
            {"match", request.shipment().derived_reference()}});
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "done_then_close"}, {"count", 1}});
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::DONE);
  EXPECT_THAT(call.result().packages(0).label(), HasSubstr("^XA"));
}

// A gateway that dies after the commit and before, or while, it sends.
TEST_F(UpsGatewaySandboxTest, ACallWhoseSenderDiedBecomesADoubtAndIsResolved) {
  Start();
  CreateAccount([](pb::Account& account) { account.mutable_rebuy_window()->set_seconds(1); });
  ASSERT_OK_AND_ASSIGN(const AccountPtr account, gateway_->accounts->Get("demo"));
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK(gateway_->calls->StoreIntents({{.call_id = NewCallId(absl::Now()),
                                            .account = account,
                                            .request = request,
                                            .answer_within = absl::Milliseconds(300)}}));
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kAborted));
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::NOT_MADE);
  EXPECT_THAT(Entries("ups.ship.doubt"), SizeIs(1));
  EXPECT_EQ(LiveShipments(), 1);
}

TEST_F(UpsGatewaySandboxTest, ALateAnswerChangesNothingAndItsTwinIsVoided) {
  Start({.doubt = {.first_wait = absl::Milliseconds(50), .most_wait = absl::Milliseconds(200)}});
  CreateAccount();
  // UPS has the shipment; our row says that it was not made.
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  ASSERT_OK(schema_.db().Exec("UPDATE calls SET state = 'NOT_MADE', result = NULL"));
  CallOutcome late{.call_id = call.name().substr(6),
                   .request_id = request.request_id(),
                   .account_id = "demo",
                   .state = pb::Call::DONE,
                   .result = call.result(),
                   .entry = {.action = "ups.ship.outcome", .event_id = "late"}};
  ASSERT_OK_AND_ASSIGN(const auto answers, gateway_->calls->StoreOutcomes({late}));
  EXPECT_FALSE(answers[0].applied);
  EXPECT_EQ(answers[0].standing, pb::Call::NOT_MADE);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (LiveShipments() > 0 && std::chrono::steady_clock::now() < end) {
    ASSERT_OK(gateway_->resolver.Step());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(LiveShipments(), 0);
  pb::GetCallRequest get;
  get.set_request_id(request.request_id());
  EXPECT_EQ(gateway_->operations.GetCall(get, Caller{})->state(), pb::Call::NOT_MADE);
}

// --- tokens

TEST_F(UpsGatewaySandboxTest, ATokenRequestIsCountedBeforeItIsSent) {
  Start({.patience = absl::Milliseconds(300)});
  CreateAccount([](pb::Account& account) { account.set_read_timeout_seconds(1); });
  AddFault({{"id", "t"}, {"route", "token"}, {"kind", "withhold"}, {"count", 1}});
  EXPECT_FALSE(gateway_->Buy(TestPurchase("s1")).ok());
  gateway_.reset();  // dies with its request on the way
  EXPECT_THAT(Journal("token"), SizeIs(1));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM token_requests WHERE state <> 'NOT_SENT'"), 1);
  EXPECT_THAT(Entries("ups.token.intent"), SizeIs(1));
  EXPECT_EQ(Entries("ups.token.intent")[0]["detail"]["call_id"], Journal("token")[0]["call_id"]);
}

TEST_F(UpsGatewaySandboxTest, WithALimitOfFiveUpsNeverSeesASixth) {
  StartSandbox({}, /*token_seconds=*/1);  // each is used up at once
  Start({.patience = absl::Milliseconds(500)});
  Gateway replica(schema_.db(), ring_, {.patience = absl::Milliseconds(500)});
  CreateAccount([](pb::Account& account) { account.set_token_limit_per_day(5); });
  absl::Status last = absl::OkStatus();
  for (int i = 0; i < 60 && !absl::IsResourceExhausted(last); ++i) {
    Gateway& gateway = i % 2 == 0 ? *gateway_ : replica;
    last = gateway.Buy(TestPurchase(absl::StrCat("s", i))).status();
    std::this_thread::sleep_for(std::chrono::milliseconds(450));
  }
  EXPECT_THAT(Journal("token"), SizeIs(5));
  EXPECT_THAT(last, HasCode(absl::StatusCode::kResourceExhausted));
  pb::GetTokenStatusRequest status;
  status.set_name("accounts/demo");
  ASSERT_OK_AND_ASSIGN(const pb::TokenStatus token, gateway_->account_server.Status(status));
  EXPECT_EQ(token.requests_used(), 5);
  EXPECT_EQ(token.requests_limit(), 5);
  EXPECT_TRUE(token.has_next_free_time());
  EXPECT_THAT(token.problem(), HasSubstr("5 of 5"));
}

TEST_F(UpsGatewaySandboxTest, AWrongSecretCostsAHandfulAndIsToldUntilItIsRotated) {
  Start();
  CreateAccount({}, "wrong");
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(gateway_->Buy(TestPurchase(absl::StrCat("s", i))),
                HasCode(absl::StatusCode::kUnauthenticated));
  }
  EXPECT_LE(Journal("token").size(), 3u);
  ASSERT_OK_AND_ASSIGN(const AccountPtr account, gateway_->accounts->Get("demo"));
  EXPECT_TRUE(account->settings.credential_refused());
  EXPECT_THAT(account->settings.last_error(), HasSubstr("account rotate"));

  pb::RotateAccountSecretRequest rotate;
  rotate.set_name("accounts/demo");
  rotate.set_client_secret("s3cret");
  ASSERT_OK_AND_ASSIGN(const pb::Account rotated, gateway_->account_server.Rotate(rotate, {}));
  EXPECT_FALSE(rotated.credential_refused());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_OK(gateway_->Buy(TestPurchase("s1")));
}

TEST_F(UpsGatewaySandboxTest, ARefusedTokenIsRenewedOnceAndTheReadRepeated) {
  Start();
  CreateAccount();
  ASSERT_OK(gateway_->Buy(TestPurchase("s0")));
  AddFault({{"id", "e"}, {"route", "track"}, {"kind", "expire_token"}, {"count", 1}});
  pb::TrackPackageRequest track;
  track.set_account("accounts/demo");
  track.set_tracking_number("1Z023E2X0214323462");
  ASSERT_OK(gateway_->Call(&UpsOperations::TrackPackage, track));
  EXPECT_THAT(Journal("token"), SizeIs(2));
  EXPECT_THAT(Journal("track"), SizeIs(2));
  const auto recorded = RecordedCalls();
  for (const auto& entry : Journal("track")) {
    EXPECT_EQ(recorded.count(entry["call_id"].get<std::string>()), 1u);
  }
  // At once again: the token is not to blame, so the one product pauses and shipping goes on.
  AddFault({{"id", "e2"}, {"route", "track"}, {"kind", "expire_token"}});
  EXPECT_THAT(gateway_->Call(&UpsOperations::TrackPackage, track),
              HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(gateway_->Call(&UpsOperations::TrackPackage, track),
              HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_LE(Journal("track").size(), 4u);
  EXPECT_OK(gateway_->Buy(TestPurchase("s1")));
  EXPECT_THAT(Journal("token"), SizeIs(2));
}

TEST_F(UpsGatewaySandboxTest, APurchaseRefusedForItsTokenIsRetryableAndTheNextOneGoesThrough) {
  Start();
  CreateAccount();
  AddFault({{"id", "e"}, {"route", "ship"}, {"kind", "expire_token"}, {"count", 1}});
  pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK_AND_ASSIGN(const pb::Call refused, gateway_->Buy(request));
  EXPECT_EQ(refused.state(), pb::Call::REJECTED);
  EXPECT_TRUE(refused.error().retryable());
  request.set_request_id("shipments/s1/purchases/2");
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, gateway_->Buy(request));
  EXPECT_EQ(bought.state(), pb::Call::DONE);
  EXPECT_THAT(Journal("token"), SizeIs(2));
}

// --- the other operations

TEST_F(UpsGatewaySandboxTest, ValidatesAddressesInTheCountriesThatUpsKnows) {
  Start();
  CreateAccount();
  Admin("POST", "/admin/addresses",
        nlohmann::json::array(
            {{{"input",
               {{"lines", {"12 Fern St"}},
                {"city", "Macon"},
                {"state", "GA"},
                {"postal", "31201"},
                {"country", "US"}}},
              {"verdict", "valid"},
              {"candidates", nlohmann::json::array({{{"lines", {"12 FERN ST"}},
                                                     {"city", "MACON"},
                                                     {"state", "GA"},
                                                     {"postal", "31201"},
                                                     {"postal_extended", "4321"},
                                                     {"classification", "1"}}})}}}));
  pb::ValidateAddressRequest request;
  request.set_account("accounts/demo");
  *request.mutable_address() = TestAddress("");
  ASSERT_OK_AND_ASSIGN(auto valid, gateway_->Call(&UpsOperations::ValidateAddress, request));
  EXPECT_EQ(valid.verdict(), pb::ValidateAddressResponse::VALID);
  ASSERT_THAT(valid.candidates(), SizeIs(1));
  EXPECT_EQ(valid.candidates(0).address().postal_code(), "31201-4321");
  EXPECT_EQ(valid.call_id(), Journal("xav")[0]["call_id"]);
  request.mutable_address()->set_lines(0, "9 Nowhere Ln");
  ASSERT_OK_AND_ASSIGN(auto none, gateway_->Call(&UpsOperations::ValidateAddress, request));
  EXPECT_EQ(none.verdict(), pb::ValidateAddressResponse::NO_CANDIDATES);
  request.mutable_address()->set_country_code("DE");
  ASSERT_OK_AND_ASSIGN(auto foreign, gateway_->Call(&UpsOperations::ValidateAddress, request));
  EXPECT_EQ(foreign.verdict(), pb::ValidateAddressResponse::NOT_SUPPORTED);
  EXPECT_THAT(Journal("xav"), SizeIs(2));
  request.mutable_address()->set_country_code("US");
  request.mutable_address()->set_lines(0, "10 Nowhere Ln");
  AddFault({{"id", "x"}, {"route", "xav"}, {"kind", "status"}, {"status", 503}});
  EXPECT_THAT(gateway_->Call(&UpsOperations::ValidateAddress, request),
              HasCode(absl::StatusCode::kUnavailable));
  // What failed reached UPS, so it is recorded too.
  EXPECT_THAT(Entries("ups.xav"), SizeIs(3));
  EXPECT_EQ(Entries("ups.xav")[2]["detail"]["calls"][0]["http_status"], 503);
}

TEST_F(UpsGatewaySandboxTest, VoidsOnceAndTakesVoidedForDone) {
  Start();
  CreateAccount();
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1", 2)));
  pb::VoidShipmentRequest request;
  request.set_request_id("shipments/s1/voids/1");
  request.set_account("accounts/demo");
  request.set_ups_shipment_id(call.result().ups_shipment_id());
  ASSERT_OK_AND_ASSIGN(auto first, gateway_->Call(&UpsOperations::VoidShipment, request));
  EXPECT_FALSE(first.already_voided());
  EXPECT_EQ(LiveShipments(), 0);
  // The same id: told from the record.
  ASSERT_OK_AND_ASSIGN(auto again, gateway_->Call(&UpsOperations::VoidShipment, request));
  EXPECT_FALSE(again.already_voided());
  EXPECT_THAT(Journal("void"), SizeIs(1));
  request.set_request_id("shipments/s1/voids/2");
  ASSERT_OK_AND_ASSIGN(auto second, gateway_->Call(&UpsOperations::VoidShipment, request));
  EXPECT_TRUE(second.already_voided());
  EXPECT_THAT(Entries("ups.void.intent"), SizeIs(2));
  EXPECT_THAT(Entries("ups.void.outcome"), SizeIs(2));
  request.set_ups_shipment_id("1Z0000000000000000");
  EXPECT_THAT(gateway_->Call(&UpsOperations::VoidShipment, request),
              HasCode(absl::StatusCode::kAlreadyExists));
  request.set_request_id("shipments/s1/voids/3");
  EXPECT_THAT(gateway_->Call(&UpsOperations::VoidShipment, request),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(UpsGatewaySandboxTest, TracksAndSubscribes) {
  Start();
  CreateAccount();
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  const std::string number = call.result().packages(0).tracking_number();
  pb::TrackPackageRequest track;
  track.set_account("accounts/demo");
  track.set_tracking_number(number);
  ASSERT_OK_AND_ASSIGN(auto tracked, gateway_->Call(&UpsOperations::TrackPackage, track));
  EXPECT_TRUE(tracked.found());
  ASSERT_THAT(tracked.activities(), SizeIs(1));
  EXPECT_EQ(tracked.activities(0).type(), "M");
  EXPECT_EQ(tracked.activities(0).time_precision(), pb::TrackingActivity::GMT_GIVEN);
  track.set_tracking_number("1Z023E2X0214323462");
  ASSERT_OK_AND_ASSIGN(auto unknown, gateway_->Call(&UpsOperations::TrackPackage, track));
  EXPECT_FALSE(unknown.found());

  pb::SubscribePackagesRequest subscribe;
  subscribe.set_account("accounts/demo");
  subscribe.add_tracking_numbers(number);
  subscribe.add_tracking_numbers("9400100000000000000000");
  ASSERT_OK_AND_ASSIGN(auto some, gateway_->Call(&UpsOperations::SubscribePackages, subscribe));
  EXPECT_THAT(some.valid_tracking_numbers(), ::testing::ElementsAre(number));
  EXPECT_THAT(some.invalid_tracking_numbers(), SizeIs(1));
  EXPECT_NEAR(static_cast<double>(some.expire_time().seconds()),
              static_cast<double>(absl::ToUnixSeconds(absl::Now() + absl::Hours(24 * 14))), 60);
  subscribe.clear_tracking_numbers();
  subscribe.add_tracking_numbers("9400100000000000000000");
  ASSERT_OK_AND_ASSIGN(auto none, gateway_->Call(&UpsOperations::SubscribePackages, subscribe));
  EXPECT_THAT(none.valid_tracking_numbers(), IsEmpty());
  EXPECT_THAT(none.invalid_tracking_numbers(), SizeIs(1));
  for (int i = 0; i < 101; ++i) subscribe.add_tracking_numbers(number);
  EXPECT_THAT(gateway_->Call(&UpsOperations::SubscribePackages, subscribe),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(UpsGatewaySandboxTest, HundredsInFlightNeedNoThreadEach) {
  Start();
  CreateAccount();
  AddFault({{"id", "s"}, {"route", "ship"}, {"kind", "slow"}, {"delay_ms", 500}});
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::promise<absl::StatusOr<pb::Call>>> promises(60);
  for (std::size_t i = 0; i < promises.size(); ++i) {
    gateway_->operations.CreateShipment(
        TestPurchase(absl::StrCat("s", i)), Caller{},
        [&promises, i](absl::StatusOr<pb::Call> call) { promises[i].set_value(std::move(call)); });
  }
  for (auto& promise : promises) {
    const absl::StatusOr<pb::Call> call = promise.get_future().get();
    ASSERT_OK(call);
    EXPECT_EQ(call->state(), pb::Call::DONE);
  }
  // One after the other they would take half a minute; two threads make 60 at a time.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(LiveShipments(), 60);
  // Two commits for many: what the outbox's rows say of their transactions.
  EXPECT_LT(Count("SELECT count(DISTINCT xmin::text) AS n FROM calls"), 60);
}

// --- secrets

TEST_F(UpsGatewaySandboxTest, NothingInTheDatabaseCanBeReadOrMoved) {
  Start();
  CreateAccount();
  pb::Account other = TestSettings("other", Url());
  other.set_client_id("app2");
  ASSERT_OK(gateway_->CreateAccount(other, "0ther-secret"));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  ASSERT_OK(gateway_->Buy(TestPurchase("s2")));
  const std::string bearer = Admin("GET", "/admin/truth")["tokens"].dump();
  auto tables = schema_.db().Exec(
      "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = "
      "current_schema()::regnamespace");
  ASSERT_OK(tables);
  EXPECT_GE(tables->size(), 10u);
  for (const Row row : *tables) {
    const std::string table = row.Text("relname");
    auto dump = schema_.db().Exec("SELECT t::text AS line FROM " + table + " t");
    ASSERT_OK(dump);
    for (const Row line : *dump) {
      const std::string text = line.Text("line");
      for (const std::string& canary :
           {std::string("s3cret"), std::string("0ther-secret"), std::string("Fern St"),
            std::string("Harbor Works"), std::string("sandbox-"), std::string("^XA")}) {
        EXPECT_EQ(text.find(canary), text.npos) << table;
        EXPECT_EQ(text.find(Hex(canary)), text.npos) << table;
        EXPECT_EQ(text.find(Base64(canary).substr(0, 8)), text.npos) << table;
      }
    }
  }
  // Swapped, they do not open.
  ASSERT_OK(
      schema_.db().Exec("UPDATE accounts a SET secret = b.secret FROM accounts b WHERE "
                        "a.account_id <> b.account_id"));
  ASSERT_OK_AND_ASSIGN(const AccountPtr account, gateway_->accounts->Get("demo"));
  EXPECT_THAT(gateway_->tokens->Ask(*account, {.unwanted_version = "x", .refused = true}, "c",
                                    absl::Seconds(1)),
              HasCode(absl::StatusCode::kDataLoss));
  ASSERT_OK(
      schema_.db().Exec("UPDATE call_labels a SET labels = b.labels FROM call_labels b WHERE "
                        "a.call_id <> b.call_id"));
  pb::GetCallRequest get;
  get.set_request_id(call.request_id());
  EXPECT_THAT(gateway_->operations.GetCall(get, Caller{}), HasCode(absl::StatusCode::kDataLoss));
  ASSERT_OK(schema_.db().Exec("UPDATE accounts SET secret = settings, settings = secret"));
  EXPECT_THAT(gateway_->accounts->Get("demo"), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(UpsGatewaySandboxTest, TheAccountsAuthoritiesCountAndNoOthers) {
  const std::string folder = ::testing::TempDir();
  const std::string certificate = folder + "/ups_gateway_cert.pem";
  const std::string key = folder + "/ups_gateway_key.pem";
  ASSERT_EQ(std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                         "-nodes -days 30 -subj /CN=127.0.0.1 -addext "
                         "subjectAltName=IP:127.0.0.1 -keyout " +
                         key + " -out " + certificate + " 2>/dev/null")
                            .c_str()),
            0);
  StartSandbox({.tls_certificate_file = certificate, .tls_key_file = key});
  Start();
  std::ifstream file(certificate);
  const std::string pem{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string url = "https://" + sandbox_->api_address();
  pb::Account trusting = TestSettings("demo", url);
  trusting.set_ca_bundle_pem(pem);
  ASSERT_OK(gateway_->CreateAccount(trusting, "s3cret"));
  pb::Account doubting = TestSettings("other", url);
  doubting.set_client_id("app2");
  ASSERT_OK(gateway_->CreateAccount(doubting, "s3cret"));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::DONE);
  pb::CreateShipmentRequest request = TestPurchase("s2");
  request.set_account("accounts/other");
  const absl::Status refused = gateway_->Buy(request).status();
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("certificate"));
}

}  // namespace
}  // namespace psups::ups_gateway
