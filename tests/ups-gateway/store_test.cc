#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/testing/fake_clock.h"
#include "tests/ups-gateway/fake_token_store.h"
#include "tests/ups-gateway/gateway_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// What the treasury relies on, for the fake and the real store.
class TokenStoreContract : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto account = std::make_shared<Account>();
    account->id = "demo";
    account->settings = TestSettings("demo", "https://ups.example");
    account_ = account;
    if (!GetParam()) {
      store_ = std::make_unique<FakeTokenStore>(clock_);
      static_cast<FakeTokenStore*>(store_.get())->min_interval = absl::ZeroDuration();
      return;
    }
    schema_ = std::make_unique<testing::ScratchSchema>("ups-gateway");
    sealer_ = std::make_unique<Sealer>(schema_->db(), TestKeyRing());
    accounts_ = MakePostgresAccountStore(schema_->db(), *sealer_);
    account_ =
        *accounts_->Create(account->settings, "demo", "s3cret", {.action = "account.create"});
    store_ = MakePostgresTokenStore(schema_->db(), *sealer_, "run1");
  }

  TokenDecision::Kind Kind(const TokenWish& wish, const std::string& call_id) {
    absl::StatusOr<TokenAnswer> answer = store_->Ask(*account_, wish, call_id, absl::Seconds(30));
    EXPECT_OK(answer);
    if (answer->decision.kind == TokenDecision::Kind::kFetch) secret_time_ = answer->secret_time;
    return answer->decision.kind;
  }
  absl::Status Settle(const std::string& call_id, TokenEnd end,
                      absl::Duration lifetime = absl::Hours(1)) {
    return store_->Settle({.treasury_id = account_->treasury_id,
                           .account_id = "demo",
                           .call_id = call_id,
                           .judgement = {.end = end,
                                         .token = end == TokenEnd::kGranted ? "t-" + call_id : "",
                                         .lifetime = lifetime,
                                         .problem = end == TokenEnd::kGranted ? "" : "p"},
                           .secret_time = secret_time_});
  }

  testing::FakeClock clock_;
  std::unique_ptr<testing::ScratchSchema> schema_;
  std::unique_ptr<Sealer> sealer_;
  std::unique_ptr<AccountStore> accounts_;
  std::unique_ptr<TokenStore> store_;
  AccountPtr account_;
  absl::Time secret_time_ = absl::InfinitePast();
};

TEST_P(TokenStoreContract, OneRequestAtATimeAndItsTokenForAll) {
  EXPECT_EQ(Kind({}, "c1"), TokenDecision::Kind::kFetch);
  EXPECT_EQ(Kind({}, "c2"), TokenDecision::Kind::kWait);
  ASSERT_OK(Settle("c1", TokenEnd::kGranted));
  ASSERT_OK_AND_ASSIGN(const TokenAnswer answer,
                       store_->Ask(*account_, {}, "c3", absl::Seconds(30)));
  EXPECT_EQ(answer.decision.kind, TokenDecision::Kind::kUse);
  EXPECT_EQ(answer.token, "t-c1");
  EXPECT_EQ(answer.version, "c1");
  EXPECT_GT(answer.left, absl::Minutes(59));
  EXPECT_EQ(answer.lifetime, absl::Hours(1));
  EXPECT_EQ(Kind({.unwanted_version = "c1"}, "c4"), TokenDecision::Kind::kFetch);
  ASSERT_OK_AND_ASSIGN(const TokenBudget budget, store_->Budget(*account_));
  EXPECT_EQ(budget.facts.used, 2);
}

TEST_P(TokenStoreContract, EndsAreRemembered) {
  EXPECT_EQ(Kind({}, "c1"), TokenDecision::Kind::kFetch);
  ASSERT_OK(Settle("c1", TokenEnd::kNotSent));
  EXPECT_EQ(store_->Budget(*account_)->facts.used, 0);
  EXPECT_EQ(Kind({}, "c2"), TokenDecision::Kind::kRefuse);  // backing off
  EXPECT_GT(store_->Budget(*account_)->facts.retry_left, absl::ZeroDuration());
}

TEST_P(TokenStoreContract, ARefusalStands) {
  EXPECT_EQ(Kind({}, "c1"), TokenDecision::Kind::kFetch);
  ASSERT_OK(Settle("c1", TokenEnd::kRefused));
  EXPECT_EQ(Kind({.money = true}, "c2"), TokenDecision::Kind::kRefuse);
  EXPECT_EQ(store_->Budget(*account_)->facts.used, 1);
}

TEST_P(TokenStoreContract, AQuotaClosesForAnHour) {
  EXPECT_EQ(Kind({}, "c1"), TokenDecision::Kind::kFetch);
  ASSERT_OK(Settle("c1", TokenEnd::kQuota));
  const absl::Duration left = store_->Budget(*account_)->facts.closed_left;
  EXPECT_GT(left, absl::Minutes(59));
  EXPECT_LE(left, absl::Hours(1));
}

TEST_P(TokenStoreContract, ForcedRenewalsAreRemembered) {
  EXPECT_EQ(Kind({}, "c1"), TokenDecision::Kind::kFetch);
  ASSERT_OK(Settle("c1", TokenEnd::kGranted));
  EXPECT_EQ(Kind({.unwanted_version = "c1", .refused = true}, "c2"), TokenDecision::Kind::kFetch);
  ASSERT_OK(Settle("c2", TokenEnd::kGranted));
  ASSERT_OK_AND_ASSIGN(
      const TokenAnswer answer,
      store_->Ask(*account_, {.unwanted_version = "c2", .refused = true}, "c3", absl::Seconds(30)));
  EXPECT_EQ(answer.decision.kind, TokenDecision::Kind::kUse);
  EXPECT_GT(answer.decision.pause, absl::Minutes(5));
  EXPECT_EQ(answer.token, "t-c2");
}

TEST_P(TokenStoreContract, WhoLostTheLeaseChangesNothing) {
  EXPECT_EQ(Kind({}, "c1"), TokenDecision::Kind::kFetch);
  ASSERT_OK(Settle("c9", TokenEnd::kGranted));
  EXPECT_EQ(Kind({}, "c2"), TokenDecision::Kind::kWait);
}

INSTANTIATE_TEST_SUITE_P(Stores, TokenStoreContract, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& info) {
                           return info.param ? std::string("Postgres") : std::string("Fake");
                         });

class UpsGatewayStoreTest : public ::testing::Test {
 protected:
  UpsGatewayStoreTest() {
    account_ = *accounts_->Create(TestSettings("demo", "https://ups.example"), "demo", "s3cret",
                                  {.action = "account.create", .subject = "accounts/demo"});
  }
  Intent MakeIntent(const std::string& shipment, absl::Duration answer_within = absl::Hours(1)) {
    return {.call_id = NewCallId(absl::Now()),
            .account = account_,
            .request = TestPurchase(shipment),
            .actor = "spiffe://psups/service/shipment-builder",
            .trace_id = std::string(32, 'a'),
            .answer_within = answer_within};
  }
  CallOutcome Done(const Intent& intent) {
    CallOutcome outcome{
        .call_id = intent.call_id,
        .request_id = intent.request.request_id(),
        .account_id = "demo",
        .state = pb::Call::DONE,
        .entry = {
            .action = "ups.ship.outcome", .subject = "s", .event_id = intent.call_id + ".outcome"}};
    outcome.result.set_ups_shipment_id("1Z1");
    pb::Call::Result::Package& package = *outcome.result.add_packages();
    package.set_tracking_number("1Z1");
    package.set_label("^XA^XZ");
    return outcome;
  }
  int Count(const std::string& sql) {
    auto rows = schema_.db().Exec(sql);
    EXPECT_OK(rows);
    return static_cast<int>((*rows)[0].Int("n"));
  }

  testing::ScratchSchema schema_{"ups-gateway"};
  Sealer sealer_{schema_.db(), TestKeyRing()};
  std::unique_ptr<AccountStore> accounts_ = MakePostgresAccountStore(schema_.db(), sealer_);
  std::unique_ptr<TokenStore> tokens_ = MakePostgresTokenStore(schema_.db(), sealer_, "run1");
  std::unique_ptr<CallStore> calls_ = MakePostgresCallStore(schema_.db(), sealer_);
  std::unique_ptr<RunStore> runs_ = MakePostgresRunStore(schema_.db());
  AccountPtr account_;
};

TEST_F(UpsGatewayStoreTest, AGroupOfIntentsIsOneCommitWithItsEntries) {
  std::vector<Intent> intents;
  for (int i = 0; i < 40; ++i) intents.push_back(MakeIntent(absl::StrCat("s", i)));
  intents.push_back(MakeIntent("s7"));  // a twin in the same group
  ASSERT_OK_AND_ASSIGN(const auto answers, calls_->StoreIntents(intents));
  const std::size_t first = answers[7].ours ? 7 : 40;  // either of the twins
  const IntentAnswer& twin = answers[first == 7 ? 40 : 7];
  EXPECT_TRUE(answers[first].ours);
  EXPECT_FALSE(twin.ours);
  EXPECT_TRUE(twin.same_content);
  EXPECT_EQ(twin.call.state(), pb::Call::SENT);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 40);
  EXPECT_EQ(Count("SELECT count(DISTINCT xmin::text) AS n FROM calls"), 1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox o JOIN calls c ON o.event_id = c.call_id "
                  "|| '.intent' WHERE o.xmin::text = c.xmin::text"),
            40);
  // Tried again because COMMIT's end was not known: the same answer, nothing more stored.
  ASSERT_OK_AND_ASSIGN(const auto again, calls_->StoreIntents(intents));
  for (std::size_t i = 0; i < intents.size(); ++i) EXPECT_EQ(again[i].ours, answers[i].ours) << i;
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 40);
}

TEST_F(UpsGatewayStoreTest, AnOutcomeIsStoredOnceWithItsEntryInTheSameTransaction) {
  const Intent intent = MakeIntent("s1");
  ASSERT_OK(calls_->StoreIntents({intent}));
  ASSERT_OK_AND_ASSIGN(const auto first, calls_->StoreOutcomes({Done(intent)}));
  EXPECT_TRUE(first[0].applied);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls c JOIN audit_outbox o ON o.event_id = c.call_id "
                  "|| '.outcome' WHERE c.xmin::text = o.xmin::text"),
            1);
  // What came first is for ever.
  CallOutcome refused{.call_id = intent.call_id,
                      .request_id = intent.request.request_id(),
                      .account_id = "demo",
                      .state = pb::Call::REJECTED,
                      .entry = {.action = "ups.ship.outcome", .event_id = "x"}};
  ASSERT_OK_AND_ASSIGN(const auto second, calls_->StoreOutcomes({refused}));
  EXPECT_FALSE(second[0].applied);
  EXPECT_EQ(second[0].standing, pb::Call::DONE);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, calls_->Get(intent.request.request_id()));
  EXPECT_EQ(call.state(), pb::Call::DONE);
  EXPECT_EQ(call.result().packages(0).label(), "^XA^XZ");
}

TEST_F(UpsGatewayStoreTest, OpenCallsAreCountedWithTheAgesOfDoubtsAndOfDueWork) {
  ASSERT_OK_AND_ASSIGN(const CallStore::OpenCalls none, calls_->CountOpen());
  EXPECT_EQ(none.sent + none.in_doubt + none.needs_person, 0);
  EXPECT_EQ(none.oldest_doubt, absl::ZeroDuration());
  EXPECT_EQ(none.oldest_due, absl::ZeroDuration());
  ASSERT_OK(calls_->StoreIntents({MakeIntent("fresh")}));
  ASSERT_OK(calls_->StoreIntents({MakeIntent("overdue", absl::ZeroDuration())}));
  ASSERT_OK(calls_->LeaseDoubts(10, absl::Minutes(1)).status());
  ASSERT_OK(schema_.db()
                .Exec("UPDATE calls SET create_time = now() - CASE state WHEN 'SENT' THEN "
                      "interval '3 hours' ELSE interval '2 hours' END")
                .status());
  ASSERT_OK_AND_ASSIGN(const CallStore::OpenCalls leased, calls_->CountOpen());
  EXPECT_EQ(leased.sent, 1);
  EXPECT_EQ(leased.in_doubt, 1);
  EXPECT_EQ(absl::Floor(leased.oldest_doubt, absl::Hours(1)), absl::Hours(2));
  EXPECT_EQ(leased.oldest_due, absl::ZeroDuration());  // the resolver has it
  ASSERT_OK(schema_.db()
                .Exec("UPDATE calls SET due_time = now() - interval '1 hour' WHERE state = "
                      "'IN_DOUBT'")
                .status());
  ASSERT_OK_AND_ASSIGN(const CallStore::OpenCalls due, calls_->CountOpen());
  EXPECT_EQ(absl::Floor(due.oldest_due, absl::Hours(1)), absl::Hours(1));
}

TEST_F(UpsGatewayStoreTest, OnlyOverdueCallsAreDoubtedAndNoneIsLeasedTwice) {
  const Intent fresh = MakeIntent("fresh");
  const Intent overdue = MakeIntent("overdue", absl::ZeroDuration());
  ASSERT_OK(calls_->StoreIntents({fresh}));
  ASSERT_OK(calls_->StoreIntents({overdue}));
  ASSERT_OK_AND_ASSIGN(const auto doubts, calls_->LeaseDoubts(10, absl::Minutes(1)));
  ASSERT_THAT(doubts, SizeIs(1));
  EXPECT_EQ(doubts[0].call_id, overdue.call_id);
  EXPECT_EQ(doubts[0].package_count, 1);
  EXPECT_EQ(doubts[0].lane, "US-US");
  EXPECT_EQ(calls_->Get(overdue.request.request_id())->state(), pb::Call::IN_DOUBT);
  EXPECT_EQ(calls_->Get(fresh.request.request_id())->state(), pb::Call::SENT);
  EXPECT_THAT(*calls_->LeaseDoubts(10, absl::Minutes(1)), IsEmpty());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE event_id LIKE '%.doubt'"), 1);

  // The sender was only slow: its answer wins, and the resolver's finding comes too late.
  ASSERT_OK_AND_ASSIGN(const auto answer, calls_->StoreOutcomes({Done(overdue)}));
  EXPECT_TRUE(answer[0].applied);
  ASSERT_OK(calls_->StoreFindings(
      {{.doubt = doubts[0],
        .finding = {.state = pb::Call::NOT_MADE, .next_wait = absl::InfiniteDuration()},
        .entry = {.action = "ups.recovery", .event_id = "f"}}}));
  EXPECT_EQ(calls_->Get(overdue.request.request_id())->state(), pb::Call::DONE);
}

TEST_F(UpsGatewayStoreTest, AFindingNeedsTheLeaseItWasMadeUnder) {
  const Intent intent = MakeIntent("s1", absl::ZeroDuration());
  ASSERT_OK(calls_->StoreIntents({intent}));
  ASSERT_OK_AND_ASSIGN(const auto old, calls_->LeaseDoubts(10, absl::ZeroDuration()));
  ASSERT_OK_AND_ASSIGN(const auto current, calls_->LeaseDoubts(10, absl::Minutes(1)));
  ASSERT_THAT(old, SizeIs(1));
  ASSERT_THAT(current, SizeIs(1));
  const auto find = [&](const Doubt& doubt, const std::string& text) {
    return calls_->StoreFindings({{.doubt = doubt,
                                   .finding = {.doubt = text, .next_wait = absl::Hours(1)},
                                   .entry = {.action = "ups.recovery", .event_id = text}}});
  };
  ASSERT_OK(find(old[0], "old"));
  EXPECT_THAT(calls_->Get(intent.request.request_id())->doubt(), HasSubstr("gateway stopped"));
  ASSERT_OK(find(current[0], "current"));
  EXPECT_EQ(calls_->Get(intent.request.request_id())->doubt(), "current");
}

TEST_F(UpsGatewayStoreTest, ADoubtWhoseLeaseIsRenewedStaysAndOneOfADeadResolverComesBack) {
  const Intent held = MakeIntent("held", absl::ZeroDuration());
  const Intent lost = MakeIntent("lost", absl::ZeroDuration());
  ASSERT_OK(calls_->StoreIntents({held, lost}));
  ASSERT_OK_AND_ASSIGN(const auto doubts, calls_->LeaseDoubts(10, absl::ZeroDuration()));
  ASSERT_THAT(doubts, SizeIs(2));
  ASSERT_OK(calls_->RenewDoubts(
      {{held.call_id, doubts[0].lease_id}, {lost.call_id, "a lease before"}}, absl::Minutes(1)));
  ASSERT_OK_AND_ASSIGN(const auto again, calls_->LeaseDoubts(10, absl::Minutes(1)));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].call_id, lost.call_id);
}

TEST_F(UpsGatewayStoreTest, TheControlIsOfTheSameAccountLaneAndAge) {
  const Intent doubtful = MakeIntent("doubtful", absl::ZeroDuration());
  ASSERT_OK(calls_->StoreIntents({doubtful}));
  ASSERT_OK_AND_ASSIGN(const auto doubts, calls_->LeaseDoubts(10, absl::Minutes(1)));
  EXPECT_EQ(*calls_->FindControl(doubts[0], absl::Minutes(10)), "");
  Intent other = MakeIntent("other");
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ASSERT_OK(calls_->StoreIntents({other}));
  EXPECT_EQ(*calls_->FindControl(doubts[0], absl::Minutes(10)), "");  // not known to exist
  ASSERT_OK(calls_->StoreOutcomes({Done(other)}));
  EXPECT_EQ(*calls_->FindControl(doubts[0], absl::Minutes(10)),
            other.request.shipment().derived_reference());
  Doubt elsewhere = doubts[0];
  elsewhere.lane = "US-CA";
  EXPECT_EQ(*calls_->FindControl(elsewhere, absl::Minutes(10)), "");
  elsewhere = doubts[0];
  elsewhere.account_id = "another";
  EXPECT_EQ(*calls_->FindControl(elsewhere, absl::Minutes(10)), "");
  elsewhere = doubts[0];
  elsewhere.create_time -= absl::Hours(5);
  elsewhere.call_id = NewCallId(elsewhere.create_time);
  EXPECT_EQ(*calls_->FindControl(elsewhere, absl::Minutes(10)), "");
}

TEST_F(UpsGatewayStoreTest, ListsNewestFirstByPage) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(calls_->StoreIntents({MakeIntent(absl::StrCat("s", i))}));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ASSERT_OK_AND_ASSIGN(const auto page, calls_->List(pb::Call::STATE_UNSPECIFIED, "", 3));
  ASSERT_THAT(page, SizeIs(3));
  EXPECT_EQ(page[0].request_id(), "shipments/s4/purchases/1");
  ASSERT_OK_AND_ASSIGN(const auto rest, calls_->List(pb::Call::SENT, page[2].name().substr(6), 3));
  ASSERT_THAT(rest, SizeIs(2));
  EXPECT_EQ(rest[1].request_id(), "shipments/s0/purchases/1");
  EXPECT_THAT(*calls_->List(pb::Call::DONE, "", 3), IsEmpty());
}

// Many processes at once; the count is checked under the lock, by a statement that sees what was
// committed while it waited.
TEST_F(UpsGatewayStoreTest, ATokensLifeIsCountedFromItsRequestHoweverLateItIsStored) {
  ASSERT_OK_AND_ASSIGN(const TokenAnswer answer,
                       tokens_->Ask(*account_, {}, "c1", absl::Minutes(30)));
  ASSERT_EQ(answer.decision.kind, TokenDecision::Kind::kFetch);
  // The process sleeps for ten minutes between UPS's answer and the commit.
  ASSERT_OK(schema_.db().Exec(
      "UPDATE token_requests SET request_time = request_time - interval '10 minutes'"));
  ASSERT_OK(tokens_->Settle(
      {.treasury_id = account_->treasury_id,
       .account_id = "demo",
       .call_id = "c1",
       .judgement = {.end = TokenEnd::kGranted, .token = "t", .lifetime = absl::Hours(1)},
       .secret_time = answer.secret_time}));
  ASSERT_OK_AND_ASSIGN(const TokenAnswer later,
                       tokens_->Ask(*account_, {}, "c2", absl::Minutes(1)));
  EXPECT_EQ(later.decision.kind, TokenDecision::Kind::kUse);
  EXPECT_LE(later.left, absl::Minutes(50));
  EXPECT_GT(later.left, absl::Minutes(49));
}

TEST_F(UpsGatewayStoreTest, RacingProcessesNeverPassTheLimit) {
  ASSERT_OK(schema_.db().Exec("UPDATE accounts SET token_limit = 5"));
  std::atomic<int> fetches = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 12; ++i) {
        const std::string call_id = RandomHex128();
        auto answer = tokens_->Ask(*account_, {.money = true}, call_id, absl::Seconds(-1));
        if (answer.ok() && answer->decision.kind == TokenDecision::Kind::kFetch) ++fetches;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fetches, 5);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM token_requests"), 5);
}

TEST_F(UpsGatewayStoreTest, AccountsOfOneCredentialShareItsBudgetAndTheStricterLimit) {
  pb::Account second = TestSettings("second", "https://ups.example");
  second.set_token_limit_per_day(1);
  ASSERT_OK_AND_ASSIGN(const AccountPtr account,
                       accounts_->Create(second, "second", "s3cret", {.action = "account.create"}));
  EXPECT_EQ(account->treasury_id, account_->treasury_id);
  ASSERT_OK(tokens_->Ask(*account_, {}, "c1", absl::Seconds(-1)));
  EXPECT_EQ(tokens_->Budget(*account)->facts.used, 1);
  EXPECT_EQ(tokens_->Ask(*account_, {}, "c2", absl::Seconds(1))->decision.kind,
            TokenDecision::Kind::kRefuse);
  pb::Account elsewhere = TestSettings("elsewhere", "https://cie.example");
  ASSERT_OK_AND_ASSIGN(const AccountPtr apart, accounts_->Create(elsewhere, "elsewhere", "s3cret",
                                                                 {.action = "account.create"}));
  EXPECT_NE(apart->treasury_id, account_->treasury_id);
  EXPECT_THAT(accounts_->Create(second, "second", "s3cret", {.action = "account.create"}),
              HasCode(absl::StatusCode::kAlreadyExists));
}

TEST_F(UpsGatewayStoreTest, ARefusalOfASecretThatWasRotatedMeanwhileIsForgotten) {
  ASSERT_OK_AND_ASSIGN(const TokenAnswer asked,
                       tokens_->Ask(*account_, {}, "c1", absl::Seconds(30)));
  ASSERT_OK(accounts_->Rotate("demo", "another", {.action = "account.rotate"}));
  ASSERT_OK(tokens_->Settle({.treasury_id = account_->treasury_id,
                             .account_id = "demo",
                             .call_id = "c1",
                             .judgement = {.end = TokenEnd::kRefused, .problem = "p"},
                             .secret_time = asked.secret_time}));
  EXPECT_FALSE(tokens_->Budget(*account_)->facts.credential_refused);
  ASSERT_OK_AND_ASSIGN(const TokenAnswer again,
                       tokens_->Ask(*account_, {}, "c2", absl::Seconds(30)));
  EXPECT_EQ(again.decision.kind, TokenDecision::Kind::kFetch);
  EXPECT_EQ(again.client_secret, "another");
}

TEST_F(UpsGatewayStoreTest, APurchaseThatWasClosedBeforeItCameIsNeverMade) {
  const Intent late = MakeIntent("late");
  pb::CloseCallRequest close;
  close.set_request_id(late.request.request_id());
  close.set_account("accounts/demo");
  close.set_connection("connections/c1");
  const AuditEntry entry{.action = "ups.ship.closed", .subject = "s"};
  ASSERT_OK_AND_ASSIGN(const pb::Call closed,
                       calls_->Close(close, NewCallId(absl::Now()), entry, absl::Minutes(1)));
  EXPECT_EQ(closed.state(), pb::Call::NOT_MADE);
  ASSERT_OK_AND_ASSIGN(const auto answers, calls_->StoreIntents({late}));
  EXPECT_FALSE(answers[0].ours);
  EXPECT_TRUE(answers[0].same_content);
  EXPECT_EQ(answers[0].call.state(), pb::Call::NOT_MADE);
  ASSERT_OK(calls_->Close(close, NewCallId(absl::Now()), entry, absl::Minutes(1)));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE "
                  "convert_from(entry, 'UTF8') LIKE '%ups.ship.closed%'"),
            1);
}

TEST_F(UpsGatewayStoreTest, OnlyAPersonEndsADoubtAndOnlyOneThatNeedsAPerson) {
  const Intent intent = MakeIntent("s1", absl::ZeroDuration());
  ASSERT_OK(calls_->StoreIntents({intent}));
  pb::CloseCallRequest close;
  close.set_request_id(intent.request.request_id());
  close.set_account("accounts/demo");
  close.set_connection("connections/c1");
  const auto closed = [&] {
    auto call = calls_->Close(close, NewCallId(absl::Now()), {.action = "ups.ship.closed"},
                              absl::ZeroDuration());
    EXPECT_OK(call);
    return call->state();
  };
  EXPECT_EQ(closed(), pb::Call::SENT);
  ASSERT_OK_AND_ASSIGN(auto doubts, calls_->LeaseDoubts(1, absl::Minutes(1)));
  close.set_confirmed_by("spiffe://psups/clerk/ann");
  EXPECT_EQ(closed(), pb::Call::IN_DOUBT);
  ASSERT_OK(calls_->StoreFindings(
      {{.doubt = doubts[0],
        .finding = {.doubt = "look", .needs_person = true, .next_wait = absl::Hours(1)},
        .entry = {.action = "ups.recovery", .event_id = "f"}}}));
  close.clear_confirmed_by();
  EXPECT_EQ(closed(), pb::Call::IN_DOUBT);
  close.set_confirmed_by("spiffe://psups/clerk/ann");
  EXPECT_EQ(closed(), pb::Call::NOT_MADE);
  // A late twin is looked for, from then on.
  ASSERT_OK(schema_.db().Exec("UPDATE calls SET create_time = now() - interval '8 days'"));
  ASSERT_OK_AND_ASSIGN(doubts, calls_->LeaseDoubts(1, absl::Minutes(1)));
  ASSERT_THAT(doubts, SizeIs(1));
  EXPECT_TRUE(doubts[0].not_made);
  EXPECT_LT(doubts[0].age, absl::Hours(1));
}

TEST_F(UpsGatewayStoreTest, AClockThatJumpsMakesNoRunDead) {
  const auto beat = [&](const char* run_id) {
    return runs_->Beat(
        run_id, [] { return absl::ZeroDuration(); }, absl::Minutes(1));
  };
  ASSERT_OK(beat("run1"));
  ASSERT_OK(beat("run2"));
  // As if the database's clock were an hour ahead since.
  ASSERT_OK(schema_.db().Exec("UPDATE runs SET heartbeat_time = now() - interval '1 hour'"));
  ASSERT_OK(beat("run2"));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM runs"), 2);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE event_id LIKE '%.unclean'"), 0);
}

TEST_F(UpsGatewayStoreTest, ARunThatVanishedIsNamedOnceAndItsTokenLeaseEnds) {
  ASSERT_OK(runs_->Beat(
      "run1", [] { return absl::Seconds(7); }, absl::Hours(1)));
  ASSERT_OK(runs_->Beat(
      "clean", [] { return absl::ZeroDuration(); }, absl::Hours(1)));
  ASSERT_OK(runs_->End("clean"));
  ASSERT_OK(tokens_->Ask(*account_, {}, "c1", absl::Hours(1)));
  EXPECT_EQ(tokens_->Ask(*account_, {}, "c2", absl::Hours(1))->decision.kind,
            TokenDecision::Kind::kWait);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE event_id LIKE '%.unclean'"), 0);

  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_OK(runs_->Beat(
      "run2", [] { return absl::ZeroDuration(); }, absl::Milliseconds(10)));
  ASSERT_OK(runs_->Beat(
      "run3", [] { return absl::ZeroDuration(); }, absl::Hours(1)));
  auto rows = schema_.db().Exec("SELECT entry FROM audit_outbox WHERE event_id = 'run1.unclean'");
  ASSERT_OK(rows);
  ASSERT_EQ(rows->size(), 1u);
  const auto entry = nlohmann::json::parse((*rows)[0].Binary("entry"));
  EXPECT_EQ(entry["action"], "service.unclean_start");
  absl::Time from, to;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, entry["detail"]["from"].get<std::string>(), &from,
                              &error));
  ASSERT_TRUE(
      absl::ParseTime(absl::RFC3339_full, entry["detail"]["to"].get<std::string>(), &to, &error));
  EXPECT_GE(to - from, absl::Seconds(7));
  EXPECT_EQ(tokens_->Ask(*account_, {}, "c3", absl::Hours(1))->decision.kind,
            TokenDecision::Kind::kFetch);
  // A clean stop ends them too, and is worth no entry.
  ASSERT_OK(runs_->End("run1"));
  EXPECT_EQ(tokens_->Ask(*account_, {}, "c4", absl::Hours(1))->decision.kind,
            TokenDecision::Kind::kFetch);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE event_id LIKE '%.unclean'"), 1);
}

}  // namespace
}  // namespace psups::ups_gateway
