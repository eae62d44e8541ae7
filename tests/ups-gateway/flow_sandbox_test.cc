#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/fake_clock.h"
#include "common/testing/metric_value.h"
#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// Flow control and the verdicts' cache against the sandbox and a real database. Flow control's time
// stands still until it is moved.
class UpsFlowTest : public SandboxFixture {
 protected:
  void SetUp() override {
    StartSandbox();
    Start({.steady = &steady_});
  }

  std::size_t Asked(const std::string& route) { return Journal(route).size(); }
  void Sql(const std::string& statement) { ASSERT_OK(schema_.db().Exec(statement)); }

  absl::StatusOr<pb::ValidateAddressResponse> Validate(const std::string& line) {
    pb::ValidateAddressRequest request;
    request.set_account("accounts/demo");
    *request.mutable_address() = TestAddress("");
    request.mutable_address()->set_lines(0, line);
    return gateway_->Call(&UpsOperations::ValidateAddress, request);
  }

  // A purchase that is not waited for.
  std::future<absl::StatusOr<pb::Call>> BuyLater(Gateway& gateway, const std::string& shipment) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<pb::Call>>>();
    gateway.operations.CreateShipment(
        TestPurchase(shipment), Caller{.identity = "spiffe://psups/service/shipment-builder"},
        [promise](absl::StatusOr<pb::Call> call) { promise->set_value(std::move(call)); });
    return promise->get_future();
  }
  // Waits until that many ships wait for their turn.
  static void AwaitWaiting(double calls) {
    const auto waiting = [] { return MetricValue("psups_ups_flow_waiting", {{"op", "ship"}}); };
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (waiting() < calls && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    ASSERT_GE(waiting(), calls);
  }

  testing::FakeClock steady_;
};

// --- verdicts

TEST_F(UpsFlowTest, AnAddressIsAskedAboutOnceInItsLifeAndTheProofIsKept) {
  CreateAccount();
  ASSERT_OK_AND_ASSIGN(const auto first, Validate("12 Fern St"));
  EXPECT_THAT(first.call_id(), SizeIs(32));
  EXPECT_GT(first.verdict_time().seconds(), 0);
  const std::string kept =
      "SELECT (SELECT count(*) FROM exchanges) + (SELECT count(*) FROM "
      "audit_outbox) AS n";
  const int before = Count(kept);
  ASSERT_OK_AND_ASSIGN(const auto again, Validate(" 12 FERN  st."));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(Asked("xav"), 1u);
  EXPECT_EQ(Count(kept), before);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM exchanges WHERE call_id IN (SELECT call_id FROM "
                  "address_verdicts)"),
            1);
  // Another one is another question.
  ASSERT_OK(Validate("14 Fern St"));
  EXPECT_EQ(Asked("xav"), 2u);
}

TEST_F(UpsFlowTest, AVerdictThatHasExpiredIsAskedForAgain) {
  CreateAccount();
  ASSERT_OK_AND_ASSIGN(const auto first, Validate("12 Fern St"));
  Sql("UPDATE address_verdicts SET verdict_time = verdict_time - interval '23 hours 59 minutes', "
      "expire_time = expire_time - interval '23 hours 59 minutes'");
  ASSERT_OK_AND_ASSIGN(const auto young, Validate("12 Fern St"));
  EXPECT_EQ(young.call_id(), first.call_id());
  Sql("UPDATE address_verdicts SET verdict_time = verdict_time - interval '1 minute', "
      "expire_time = expire_time - interval '1 minute'");
  ASSERT_OK_AND_ASSIGN(const auto old, Validate("12 Fern St"));
  EXPECT_NE(old.call_id(), first.call_id());
  EXPECT_EQ(Asked("xav"), 2u);
  ASSERT_OK_AND_ASSIGN(const auto fresh, Validate("12 Fern St"));
  EXPECT_EQ(fresh.call_id(), old.call_id());
}

TEST_F(UpsFlowTest, AShorterLifeOfTheAccountCountsForWhatIsKeptToo) {
  CreateAccount();
  ASSERT_OK(Validate("12 Fern St"));
  Sql("UPDATE address_verdicts SET verdict_time = verdict_time - interval '2 hours'");
  pb::Account settings = TestSettings("other", "http://" + sandbox_->api_address());
  settings.mutable_address_verdict_life()->set_seconds(3600);
  ASSERT_OK(gateway_->CreateAccount(settings, "s3cret"));
  pb::ValidateAddressRequest request;
  request.set_account("accounts/other");
  *request.mutable_address() = TestAddress("");
  ASSERT_OK(gateway_->Call(&UpsOperations::ValidateAddress, request));
  EXPECT_EQ(Asked("xav"), 2u);
}

TEST_F(UpsFlowTest, WithALifeOfZeroUpsIsAskedEveryTime) {
  CreateAccount(
      [](pb::Account& account) { account.mutable_address_verdict_life()->set_seconds(0); });
  ASSERT_OK(Validate("12 Fern St"));
  ASSERT_OK(Validate("12 Fern St"));
  EXPECT_EQ(Asked("xav"), 2u);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM address_verdicts"), 0);
}

TEST_F(UpsFlowTest, WhatWasNoAnswerIsNotKept) {
  CreateAccount();
  AddFault({{"id", "x"}, {"route", "xav"}, {"kind", "status"}, {"status", 503}, {"count", 1}});
  EXPECT_THAT(Validate("12 Fern St"), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_OK(Validate("12 Fern St"));
  EXPECT_EQ(Asked("xav"), 2u);
}

TEST_F(UpsFlowTest, AVerdictIsStoredWithTheRecordOfItsCallOrNotAtAll) {
  CreateAccount();
  CallRecord record{.exchanges = {{.call_id = "c1", .account_id = "demo"}},
                    .entry = {.action = "ups.xav", .subject = "accounts/demo"},
                    .account_id = "demo",
                    .verdict = AddressVerdict{"key", {}, absl::Hours(1)}};
  record.verdict->answer.mutable_verdict_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  Sql("ALTER TABLE audit_outbox RENAME TO away");
  EXPECT_FALSE(gateway_->calls->Record({record}).ok());
  Sql("ALTER TABLE away RENAME TO audit_outbox");
  ASSERT_OK_AND_ASSIGN(auto found, gateway_->calls->FindVerdict("key", absl::Hours(1)));
  EXPECT_FALSE(found.has_value());
  ASSERT_OK(gateway_->calls->Record({record, record}));
  ASSERT_OK_AND_ASSIGN(found, gateway_->calls->FindVerdict("key", absl::Hours(1)));
  EXPECT_TRUE(found.has_value());
}

TEST_F(UpsFlowTest, NothingOfTheAddressCanBeReadInTheDatabase) {
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
  ASSERT_OK_AND_ASSIGN(const auto valid, Validate("12 Fern St"));
  ASSERT_EQ(valid.verdict(), pb::ValidateAddressResponse::VALID);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM address_verdicts"), 1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM address_verdicts WHERE position('FERN'::bytea IN "
                  "verdict) > 0 OR position('FERN'::bytea IN verdict_key) > 0"),
            0);
}

TEST_F(UpsFlowTest, ExpiredVerdictsAreDroppedAFewAtATime) {
  CreateAccount();
  for (const char* line : {"1 Fern St", "2 Fern St", "3 Fern St"}) ASSERT_OK(Validate(line));
  Sql("UPDATE address_verdicts SET expire_time = now()");
  ASSERT_OK(Validate("4 Fern St"));
  EXPECT_EQ(*gateway_->calls->DropVerdicts(2), 2);
  EXPECT_EQ(*gateway_->calls->DropVerdicts(2), 1);
  EXPECT_EQ(*gateway_->calls->DropVerdicts(2), 0);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM address_verdicts"), 1);
}

// --- what the replicas share

class FlowStoreTest : public ::testing::Test {
 protected:
  FlowStanding Told(const std::string& run, const std::vector<FlowReport>& reports) {
    const absl::StatusOr<FlowView> view = store_->Exchange(run, reports, absl::Minutes(5));
    EXPECT_OK(view);
    EXPECT_THAT(view->standings, SizeIs(1));
    return view->standings[0];
  }

  testing::ScratchSchema schema_{"ups-gateway"};
  std::unique_ptr<FlowStore> store_ = MakePostgresFlowStore(schema_.db());
  std::unique_ptr<RunStore> runs_ = MakePostgresRunStore(schema_.db());
};

TEST_F(FlowStoreTest, OneBurstHalvesOnceWhateverReplicasItHits) {
  const FlowReport before{
      .account_id = "demo", .throttled = true, .sent_ago = absl::Seconds(2), .full_rate = 100};
  EXPECT_DOUBLE_EQ(Told("r1", {before}).share, 0.5);
  EXPECT_DOUBLE_EQ(Told("r2", {before, before}).share, 0.5);
  FlowReport after = before;
  after.sent_ago = absl::ZeroDuration();
  EXPECT_NEAR(Told("r2", {after}).share, 0.25, 0.02);
  const FlowStanding seen = Told("r1", {});
  EXPECT_NEAR(seen.share, 0.25, 0.02);
  EXPECT_DOUBLE_EQ(seen.full_rate, 100);
}

TEST_F(FlowStoreTest, AWaitIsSharedAndTheLongestOneCounts) {
  FlowReport report{.account_id = "demo", .operation = "track", .wait = absl::Minutes(10)};
  Told("r1", {report});
  report.wait = absl::Minutes(1);
  const FlowStanding standing = Told("r2", {report});
  EXPECT_GT(standing.wait, absl::Minutes(9));
  EXPECT_EQ(standing.operation, "track");
  EXPECT_DOUBLE_EQ(standing.share, 1);
}

TEST_F(FlowStoreTest, ReplicasThatLiveAreCountedAndThoseThatWentAreNot) {
  const auto replicas = [&](const std::string& run) {
    return store_->Exchange(run, {}, absl::Minutes(5))->replicas;
  };
  const auto idle = [] { return absl::ZeroDuration(); };
  EXPECT_EQ(replicas("r1"), 1);
  ASSERT_OK(runs_->Beat("r1", idle, absl::Hours(1)));
  ASSERT_OK(runs_->Beat("r2", idle, absl::Hours(1)));
  EXPECT_EQ(replicas("r1"), 2);
  EXPECT_EQ(replicas("r3"), 3);  // which has not said yet that it lives
  ASSERT_OK(schema_.db().Exec(
      "UPDATE runs SET heartbeat_time = now() - interval '4 seconds' WHERE run_id = 'r2'"));
  EXPECT_EQ(replicas("r1"), 1);
}

// --- calls

TEST_F(UpsFlowTest, WhatUpsSaysToOneReplicaHoldsTheOtherBack) {
  CreateAccount();
  Gateway other(schema_.db(), ring_, {.steady = &steady_});
  AddFault({{"id", "x"},
            {"route", "xav"},
            {"kind", "status"},
            {"status", 429},
            {"body", R"({"response":{"errors":[{"code":"10429","MinimumRetrySeconds":"600"}]}})"},
            {"count", 1}});
  EXPECT_THAT(Validate("12 Fern St"), HasCode(absl::StatusCode::kResourceExhausted));
  ASSERT_OK(gateway_->flow.Share());
  ASSERT_OK(other.flow.Share());
  EXPECT_THAT(other.Buy(TestPurchase("s1")), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Asked("ship"), 0u);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 0);
  steady_.Advance(absl::Seconds(601));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, other.Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::DONE);
}

TEST_F(UpsFlowTest, APurchaseWaitsForItsTurnBeforeItsIntentIsStored) {
  CreateAccount();
  AddFault({{"id", "x"},
            {"route", "xav"},
            {"kind", "status"},
            {"status", 429},
            {"body", R"({"MinimumRetrySeconds":10})"},
            {"count", 1}});
  EXPECT_THAT(Validate("12 Fern St"), HasCode(absl::StatusCode::kResourceExhausted));
  std::future<absl::StatusOr<pb::Call>> call = BuyLater(*gateway_, "s1");
  AwaitWaiting(1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 0);
  steady_.Advance(absl::Seconds(11));
  gateway_->flow.Pump();
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, call.get());
  EXPECT_EQ(bought.state(), pb::Call::DONE);
}

TEST_F(UpsFlowTest, APurchaseThatWaitedInVainIsNotStoredAndMayBeTriedAgain) {
  CreateAccount([](pb::Account& account) { account.mutable_flow()->set_calls_per_second(1); });
  ASSERT_OK(gateway_->Buy(TestPurchase("s1")));
  std::future<absl::StatusOr<pb::Call>> call = BuyLater(*gateway_, "s2");
  AwaitWaiting(1);
  std::future<absl::StatusOr<pb::Call>> late = BuyLater(*gateway_, "s3");
  AwaitWaiting(2);
  steady_.Advance(absl::Seconds(21));
  gateway_->flow.Pump();
  EXPECT_THAT(call.get(), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(late.get(), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 1);
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(TestPurchase("s2")));
  EXPECT_EQ(again.state(), pb::Call::DONE);
}

TEST_F(UpsFlowTest, WhileUpsIsAwayNothingIsStoredAndAStoredAnswerIsStillGiven) {
  CreateAccount();
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, gateway_->Buy(TestPurchase("s0")));
  AddFault({{"id", "x"}, {"route", "ship"}, {"kind", "status"}, {"status", 503}, {"count", 5}});
  for (int i = 1; i <= 5; ++i) {
    ASSERT_OK_AND_ASSIGN(const pb::Call lost, gateway_->Buy(TestPurchase(absl::StrCat("s", i))));
    EXPECT_EQ(lost.state(), pb::Call::IN_DOUBT);
  }
  EXPECT_THAT(gateway_->Buy(TestPurchase("s6")), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Asked("ship"), 6u);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 6);
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(TestPurchase("s0")));
  EXPECT_EQ(again.result().ups_shipment_id(), bought.result().ups_shipment_id());
  // Other operations go on.
  EXPECT_OK(Validate("12 Fern St"));
  steady_.Advance(absl::Seconds(1));
  ASSERT_OK_AND_ASSIGN(const pb::Call probe, gateway_->Buy(TestPurchase("s6")));
  EXPECT_EQ(probe.state(), pb::Call::DONE);
}

TEST_F(UpsFlowTest, AskingAgainForAStoredAnswerTakesNoTurnFromOthers) {
  CreateAccount([](pb::Account& account) { account.mutable_flow()->set_calls_per_second(1); });
  ASSERT_OK(gateway_->Buy(TestPurchase("s1")));
  steady_.Advance(absl::Seconds(1));
  for (int i = 0; i < 5; ++i) ASSERT_OK(gateway_->Buy(TestPurchase("s1")));
  ASSERT_OK_AND_ASSIGN(const pb::Call next, gateway_->Buy(TestPurchase("s2")));
  EXPECT_EQ(next.state(), pb::Call::DONE);
}

TEST_F(UpsFlowTest, AnotherShipByDateIsTheSamePurchase) {
  CreateAccount();
  pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK_AND_ASSIGN(const pb::Call first, gateway_->Buy(request));
  request.set_ship_by_date("20270131");
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(request));
  EXPECT_EQ(again.name(), first.name());
  request.set_ship_by_date("soon");
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(UpsFlowTest, ConnectionsToUpsAreCountedNewAndKept) {
  CreateAccount();
  const auto count = [](const std::string& reused) {
    return MetricValue("psups_http_connections_total", {{"peer", "ups"}, {"reused", reused}});
  };
  const double made = count("false");
  const double kept = count("true");
  for (int i = 0; i < 10; ++i) ASSERT_OK(gateway_->Buy(TestPurchase(absl::StrCat("s", i))));
  EXPECT_EQ(count("false") - made, 1);  // the token's
  EXPECT_EQ(count("true") - kept, 10);
}

}  // namespace
}  // namespace psups::ups_gateway
