#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/ups-gateway/gateway_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// Caps, the kill switch and the database's epoch, where they count: in the intents' transaction.
class UpsGatewayCapsTest : public ::testing::Test {
 protected:
  UpsGatewayCapsTest() { MakeAccount({}); }

  void MakeAccount(const std::function<void(pb::Account&)>& change) {
    if (account_ != nullptr) {
      EXPECT_OK(schema_.db().Exec("DELETE FROM accounts"));
    }
    pb::Account settings = TestSettings("demo", "https://ups.example");
    settings.mutable_token_min_interval()->set_seconds(60);
    if (change) change(settings);
    account_ = *accounts_->Create(settings, "demo", "s3cret",
                                  {.action = "account.create", .subject = "accounts/demo"});
  }
  void CapPerHour(int cap) {
    MakeAccount([cap](pb::Account& a) { a.mutable_caps()->set_purchases_per_hour(cap); });
  }

  Intent MakeIntent(const std::string& shipment) {
    return {.call_id = NewCallId(absl::Now()),
            .account = account_,
            .request = TestPurchase(shipment),
            .actor = "spiffe://psups/service/shipment-builder",
            .trace_id = std::string(32, 'a'),
            .answer_within = absl::Hours(1)};
  }
  IntentAnswer Store(const Intent& intent) {
    auto answers = calls_->StoreIntents({intent});
    EXPECT_OK(answers);
    return answers.ok() ? answers->front() : IntentAnswer{};
  }
  int Count(const std::string& sql) {
    auto rows = schema_.db().Exec(sql);
    EXPECT_OK(rows);
    return static_cast<int>((*rows)[0].Int("n"));
  }
  int Calls() { return Count("SELECT count(*) AS n FROM calls"); }
  int Counted() {
    return Count("SELECT coalesce(sum(purchases), 0)::bigint AS n FROM purchase_counts");
  }
  absl::StatusOr<AccountPtr> Stop(const std::string& reason) {
    return accounts_->Stop("demo", reason, {.action = "account.stop", .subject = "accounts/demo"});
  }
  absl::StatusOr<AccountPtr> StartBuying() {
    return accounts_->Start("demo", {.action = "account.start", .subject = "accounts/demo"});
  }
  // As after a restore: the row says another database than the server does.
  void LoseCommits(const std::string& ago) {
    EXPECT_OK(
        schema_.db().Exec("UPDATE database_epochs SET epoch = 'another', alive_time = "
                          "clock_timestamp() - $1::interval",
                          {ago}));
  }

  testing::ScratchSchema schema_{"ups-gateway"};
  Sealer sealer_{schema_.db(), TestKeyRing()};
  std::unique_ptr<AccountStore> accounts_ = MakePostgresAccountStore(schema_.db(), sealer_);
  std::unique_ptr<TokenStore> tokens_ = MakePostgresTokenStore(schema_.db(), sealer_, "run1");
  std::unique_ptr<CallStore> calls_ = MakePostgresCallStore(schema_.db(), sealer_);
  std::unique_ptr<EpochStore> epochs_ = MakePostgresEpochStore(schema_.db());
  AccountPtr account_;
};

// --- the kill switch

TEST_F(UpsGatewayCapsTest, AStoppedAccountBuysNothingNewAndStillAnswersForWhatItBought) {
  const Intent before = MakeIntent("before");
  ASSERT_TRUE(Store(before).ours);
  ASSERT_OK(Stop("a feed went mad"));
  const Intent after = MakeIntent("after");
  ASSERT_OK_AND_ASSIGN(const auto answers, calls_->StoreIntents({after, before}));
  EXPECT_THAT(answers[0].refusal, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(std::string(answers[0].refusal.message()), HasSubstr("a feed went mad"));
  EXPECT_EQ(answers[0].refused_by, "stopped");
  EXPECT_FALSE(answers[0].ours);
  EXPECT_OK(answers[1].refusal);
  EXPECT_EQ(answers[1].call.state(), pb::Call::SENT);
  EXPECT_EQ(Calls(), 1);
  EXPECT_EQ(Counted(), 1);
  // The same request is bought once it goes on: the refusal left nothing.
  ASSERT_OK(StartBuying());
  EXPECT_TRUE(Store(after).ours);
}

TEST_F(UpsGatewayCapsTest, OnceAStopIsAnsweredNoIntentCommits) {
  std::atomic<bool> over = false;
  std::atomic<int> stored = 0;
  std::vector<std::thread> replicas;
  for (int t = 0; t < 4; ++t) {
    replicas.emplace_back([&, t] {
      const auto calls = MakePostgresCallStore(schema_.db(), sealer_);
      for (int i = 0; !over; ++i) {
        std::vector<Intent> group;
        for (int k = 0; k < 5; ++k)
          group.push_back(MakeIntent(absl::StrCat("r", t, "-", i, "-", k)));
        const auto answers = calls->StoreIntents(group);
        ASSERT_OK(answers);
        for (const IntentAnswer& answer : *answers) stored += answer.ours ? 1 : 0;
      }
    });
  }
  while (stored < 100) std::this_thread::yield();
  ASSERT_OK(Stop("enough"));
  const int when_stopped = Calls();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Store(MakeIntent(absl::StrCat("late", i))).ours);
  over = true;
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(Calls(), when_stopped);
  EXPECT_EQ(Counted(), when_stopped);
}

TEST_F(UpsGatewayCapsTest, AStopSaysWhyAndSinceWhenAndEachChangeIsAudited) {
  EXPECT_FALSE(account_->settings.stopped());
  ASSERT_OK_AND_ASSIGN(const AccountPtr stopped, Stop("first"));
  EXPECT_TRUE(stopped->settings.stopped());
  EXPECT_EQ(stopped->settings.stop_reason(), "first");
  ASSERT_OK_AND_ASSIGN(const AccountPtr again, Stop("second"));
  EXPECT_EQ(again->settings.stop_reason(), "second");
  EXPECT_EQ(again->settings.stop_time().seconds(), stopped->settings.stop_time().seconds());
  ASSERT_OK(Stop("second"));  // changes nothing
  ASSERT_OK_AND_ASSIGN(const AccountPtr started, StartBuying());
  ASSERT_OK(StartBuying());
  EXPECT_FALSE(started->settings.stopped());
  EXPECT_EQ(started->settings.stop_reason(), "");
  EXPECT_FALSE(started->settings.has_stop_time());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE entry::text LIKE '%' || "
                  "encode('account.st', 'hex') || '%'"),
            3);
  EXPECT_THAT(accounts_->Stop("none", "x", {.action = "account.stop"}),
              HasCode(absl::StatusCode::kNotFound));
}

// --- caps

TEST_F(UpsGatewayCapsTest, ReplicasTogetherNeverPassACapAndFillIt) {
  CapPerHour(40);
  std::atomic<int> stored = 0;
  std::vector<std::thread> replicas;
  for (int t = 0; t < 4; ++t) {
    replicas.emplace_back([&, t] {
      const auto calls = MakePostgresCallStore(schema_.db(), sealer_);
      for (int i = 0; i < 8; ++i) {
        std::vector<Intent> group;
        for (int k = 0; k <= i; ++k)
          group.push_back(MakeIntent(absl::StrCat("r", t, "-", i, "-", k)));
        const auto answers = calls->StoreIntents(group);
        ASSERT_OK(answers);
        for (const IntentAnswer& answer : *answers) {
          stored += answer.ours ? 1 : 0;
          if (answer.ours) continue;
          EXPECT_THAT(answer.refusal, HasCode(absl::StatusCode::kResourceExhausted));
          EXPECT_EQ(answer.refused_by, "cap");
        }
      }
    });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(stored, 40);
  EXPECT_EQ(Calls(), 40);
  EXPECT_EQ(Counted(), 40);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE event_id LIKE '%.intent'"), 40);
}

TEST_F(UpsGatewayCapsTest, ARequestIdCountsOnceHoweverOftenItComes) {
  CapPerHour(2);
  const Intent first = MakeIntent("s1");
  ASSERT_OK(calls_->StoreIntents({first, MakeIntent("s1"), MakeIntent("s1")}));
  ASSERT_OK(calls_->StoreIntents({first}));  // tried again after an unknown COMMIT
  EXPECT_EQ(Counted(), 1);
  EXPECT_TRUE(Store(MakeIntent("s2")).ours);
  // The cap is reached: what stood there is answered all the same.
  EXPECT_OK(Store(first).refusal);
  EXPECT_TRUE(Store(first).ours);
  EXPECT_THAT(Store(MakeIntent("s3")).refusal, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Counted(), 2);
}

TEST_F(UpsGatewayCapsTest, WhereRoomIsShortTheEarliestDayGoesFirst) {
  CapPerHour(2);
  std::vector<Intent> group = {MakeIntent("late"), MakeIntent("today"), MakeIntent("early")};
  group[0].request.set_ship_by_date("29991231");
  group[2].request.set_ship_by_date("20200101");
  ASSERT_OK_AND_ASSIGN(const auto answers, calls_->StoreIntents(group));
  EXPECT_THAT(std::string(answers[0].refusal.message()),
              AllOf(HasSubstr("the cap of 2 purchases in an hour"), HasSubstr("next free at 2")));
  EXPECT_TRUE(answers[1].ours);
  EXPECT_TRUE(answers[2].ours);
}

TEST_F(UpsGatewayCapsTest, WindowsRollAndABucketThatOnlyTouchesOneCounts) {
  MakeAccount([](pb::Account& a) {
    a.mutable_caps()->set_purchases_per_hour(1);
    a.mutable_caps()->set_purchases_per_day(2);
  });
  const auto age = [&](const char* by) {
    EXPECT_OK(schema_.db().Exec("UPDATE purchase_counts SET bucket = bucket - $1::interval", {by}));
  };
  EXPECT_TRUE(Store(MakeIntent("s1")).ours);
  age("59 minutes");  // the bucket began up to five minutes before
  EXPECT_FALSE(Store(MakeIntent("s2")).ours);
  age("6 minutes");
  EXPECT_TRUE(Store(MakeIntent("s2")).ours);
  age("72 minutes");
  EXPECT_THAT(std::string(Store(MakeIntent("s3")).refusal.message()), HasSubstr("in 24 hours"));
  age("23 hours");
  EXPECT_TRUE(Store(MakeIntent("s3")).ours);
  ASSERT_OK_AND_ASSIGN(const auto bought, calls_->CountBought());
  EXPECT_EQ(bought.at("demo").in_hour, 1);
  // Nothing counts what is older than a day and a bucket: it is let go.
  age("2 hours");
  ASSERT_OK(calls_->CountBought());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM purchase_counts"), 1);
}

TEST_F(UpsGatewayCapsTest, MoneyIsReservedByWhatIsExpected) {
  MakeAccount([](pb::Account& a) {
    a.mutable_caps()->mutable_spend_per_day()->set_amount_minor(12'000);
    a.mutable_caps()->mutable_spend_per_day()->set_currency_code("USD");
  });
  Intent dear = MakeIntent("dear");
  dear.request.mutable_expected_cost()->set_amount_minor(11'000);
  dear.request.mutable_expected_cost()->set_currency_code("USD");
  EXPECT_TRUE(Store(dear).ours);
  const IntentAnswer refused = Store(MakeIntent("assumed"));  // 50 USD
  EXPECT_THAT(std::string(refused.refusal.message()), HasSubstr("caps.spend_per_day"));
  Intent cheap = MakeIntent("cheap");
  cheap.request.mutable_expected_cost()->set_amount_minor(1'000);
  cheap.request.mutable_expected_cost()->set_currency_code("USD");
  EXPECT_TRUE(Store(cheap).ours);
  EXPECT_EQ(calls_->CountBought()->at("demo").spend_in_day, 12'000);
}

TEST_F(UpsGatewayCapsTest, WhenItLeavesAndWhatItMayCostDoNotChangeWhatIsBought) {
  Intent intent = MakeIntent("s1");
  EXPECT_TRUE(Store(intent).ours);
  intent.call_id = NewCallId(absl::Now());
  intent.request.set_ship_by_date("20991231");
  intent.request.mutable_expected_cost()->set_amount_minor(5);
  intent.request.mutable_expected_cost()->set_currency_code("USD");
  const IntentAnswer again = Store(intent);
  EXPECT_FALSE(again.ours);
  EXPECT_TRUE(again.same_content);
}

// --- the database's epoch

TEST_F(UpsGatewayCapsTest, TheFirstStartLosesNothingAndTheSameDatabaseStaysTheSame) {
  ASSERT_OK_AND_ASSIGN(const EpochComparison first, epochs_->Compare());
  EXPECT_FALSE(first.changed);
  ASSERT_OK(
      schema_.db().Exec("UPDATE database_epochs SET alive_time = alive_time - interval '1 hour'"));
  ASSERT_OK_AND_ASSIGN(const EpochComparison second, epochs_->Compare());
  EXPECT_FALSE(second.changed);
  // The sign of life was renewed.
  EXPECT_EQ(Count("SELECT count(*) AS n FROM database_epochs WHERE alive_time > now() - interval "
                  "'1 minute'"),
            1);
  EXPECT_FALSE((*accounts_->Get("demo"))->settings.searches_first());
  EXPECT_TRUE(Store(MakeIntent("s1")).ours);
}

TEST_F(UpsGatewayCapsTest, OnAnotherDatabaseNothingIsBoughtBeforeThatIsNotedThenAllSearchFirst) {
  ASSERT_OK(epochs_->Compare());
  const Intent known = MakeIntent("known");
  EXPECT_TRUE(Store(known).ours);
  LoseCommits("10 seconds");
  EXPECT_THAT(calls_->StoreIntents({MakeIntent("s1")}), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(tokens_->Ask(*account_, {.money = true}, "c1", absl::Seconds(30)),
              HasCode(absl::StatusCode::kUnavailable));
  ASSERT_OK_AND_ASSIGN(const EpochComparison noted, epochs_->Compare());
  EXPECT_TRUE(noted.changed);
  EXPECT_GE(noted.unseen, absl::Seconds(10));
  EXPECT_FALSE(epochs_->Compare()->changed);
  EXPECT_TRUE((*accounts_->Get("demo"))->settings.searches_first());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox WHERE entry::text LIKE '%' || "
                  "encode('service.database_changed', 'hex') || '%'"),
            1);

  Intent intent = MakeIntent("s1");
  const IntentAnswer search = Store(intent);
  ASSERT_TRUE(search.search.has_value());
  EXPECT_FALSE(search.ours);
  EXPECT_EQ(Calls(), 1);
  EXPECT_EQ(Counted(), 1);
  EXPECT_TRUE(Store(known).ours);  // it stands there
  // Searched under an epoch that is over: not searched.
  intent.searched_epoch = search.search->epoch - 1;
  EXPECT_TRUE(Store(intent).search.has_value());
  intent.searched_epoch = search.search->epoch;
  EXPECT_TRUE(Store(intent).ours);
}

TEST_F(UpsGatewayCapsTest, WhatWasFoundAtUpsIsADoubtAtOnceEvenWhileTheAccountIsStopped) {
  ASSERT_OK(Stop("x"));
  Intent intent = MakeIntent("s1");
  intent.at_ups = true;
  EXPECT_TRUE(Store(intent).ours);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, calls_->Get(intent.request.request_id()));
  EXPECT_EQ(call.state(), pb::Call::IN_DOUBT);
  EXPECT_THAT(*calls_->LeaseDoubts(10, absl::Minutes(1)), SizeIs(1));
  EXPECT_EQ(Counted(), 1);  // it was bought
}

TEST_F(UpsGatewayCapsTest, TokenRequestsThatMayHaveBeenMadeUnseenAreBooked) {
  ASSERT_OK(epochs_->Compare());
  LoseCommits("10 minutes 30 seconds");
  ASSERT_OK_AND_ASSIGN(const EpochComparison noted, epochs_->Compare());
  EXPECT_EQ(noted.booked_tokens, 11);
  ASSERT_OK_AND_ASSIGN(const TokenBudget budget, tokens_->Budget(*account_));
  EXPECT_EQ(budget.facts.used, 11);
  // A second loss on top of it.
  LoseCommits("90 seconds");
  EXPECT_EQ(epochs_->Compare()->booked_tokens, 2);
  EXPECT_EQ(tokens_->Budget(*account_)->facts.used, 13);
}

TEST_F(UpsGatewayCapsTest, NoMoreTokenRequestsAreBookedThanWereLeft) {
  MakeAccount([](pb::Account& a) { a.set_token_limit_per_day(5); });
  ASSERT_OK(epochs_->Compare());
  ASSERT_OK(tokens_->Ask(*account_, {.money = true}, "c1", absl::Seconds(30)));
  LoseCommits("30 days");
  EXPECT_EQ(epochs_->Compare()->booked_tokens, 4);
  ASSERT_OK_AND_ASSIGN(const TokenBudget budget, tokens_->Budget(*account_));
  EXPECT_EQ(budget.facts.used, 5);
  ASSERT_OK_AND_ASSIGN(const TokenAnswer answer,
                       tokens_->Ask(*account_, {.money = true}, "c2", absl::Seconds(30)));
  EXPECT_NE(answer.decision.kind, TokenDecision::Kind::kFetch);
}

TEST_F(UpsGatewayCapsTest, WithoutALeastTimeBetweenThemAllThatWereLeftMayHaveBeenMade) {
  MakeAccount([](pb::Account& a) { a.mutable_token_min_interval()->set_seconds(0); });
  ASSERT_OK(epochs_->Compare());
  LoseCommits("1 second");
  EXPECT_EQ(epochs_->Compare()->booked_tokens, 250);
}

TEST_F(UpsGatewayCapsTest, AnAccountMadeAfterALossMayBeALostOneAndSearchesToo) {
  ASSERT_OK(epochs_->Compare());
  LoseCommits("10 seconds");
  ASSERT_OK(epochs_->Compare());
  MakeAccount({});
  EXPECT_TRUE(account_->settings.searches_first());
}

}  // namespace
}  // namespace psups::ups_gateway
