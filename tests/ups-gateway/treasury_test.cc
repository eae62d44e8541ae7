#include "services/ups-gateway/token/treasury.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "tests/ups-gateway/fake_token_store.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// UPS's token service; the test answers.
class FakeUpsApi : public UpsApi {
 public:
  struct Pending {
    UpsRequest request;
    std::function<void(HttpOutcome)> done;
  };
  explicit FakeUpsApi(FakeTokenStore& store) : store_(store) {}

  void Send(const Account&, UpsRequest request, std::function<void(HttpOutcome)> done) override {
    ++sent;
    // The promise: it was counted, and committed, before.
    EXPECT_GE(store_.ever_counted, sent);
    pending.push_back({std::move(request), std::move(done)});
  }

  void Answer(int status, const std::string& body) {
    Pending first = std::move(pending.front());
    pending.erase(pending.begin());
    const bool started = first.request.before_body();
    if (started) {
      first.done({.response = HttpResponse{.status = status, .body = body}, .body_started = true});
    } else {
      first.done({.response = absl::AbortedError("abandoned"), .body_started = false});
    }
  }
  void Grant(const std::string& token, const std::string& seconds = "3599") {
    Answer(200, absl::StrCat(R"({"access_token":")", token, R"(","expires_in":")", seconds, "\"}"));
  }

  std::vector<Pending> pending;
  int sent = 0;

 private:
  FakeTokenStore& store_;
};

class TreasuryTest : public ::testing::Test {
 protected:
  TreasuryTest() {
    auto account = std::make_shared<Account>();
    account->id = "demo";
    account->treasury_id = "t1";
    account->settings.set_read_timeout_seconds(5);
    account_ = std::move(account);
  }

  // What a call gets; "" while it waits.
  struct Got {
    absl::StatusOr<Token> token = absl::UnknownError("waiting");
    bool answered = false;
    std::string value() const { return answered && token.ok() ? *token->value : ""; }
  };
  std::shared_ptr<Got> Get(Treasury& treasury, Operation operation = Operation::kAddress) {
    auto got = std::make_shared<Got>();
    treasury.Get(account_, operation, [got](absl::StatusOr<Token> token) {
      EXPECT_FALSE(got->answered);
      *got = {std::move(token), true};
    });
    return got;
  }
  std::shared_ptr<Got> Get(Operation operation = Operation::kAddress) {
    return Get(treasury_, operation);
  }

  void HaveToken(const std::string& seconds = "3599") {
    auto first = Get();
    ASSERT_OK(treasury_.Step());
    api_.Grant("first", seconds);
    ASSERT_OK(treasury_.Step());
    ASSERT_EQ(first->value(), "first");
  }

  testing::FakeClock clock_;
  FakeTokenStore store_{clock_};
  FakeUpsApi api_{store_};
  Treasury treasury_{store_, api_, clock_, [] { return 0.0; }};
  AccountPtr account_;
};

TEST_F(TreasuryTest, ManyWaitingCallsShareOneRequest) {
  std::vector<std::shared_ptr<Got>> got;
  for (int i = 0; i < 50; ++i) got.push_back(Get());
  for (int i = 0; i < 3; ++i) ASSERT_OK(treasury_.Step());
  EXPECT_EQ(api_.sent, 1);
  EXPECT_EQ(api_.pending[0].request.authorization, "Basic " + Base64("app:s3cret"));
  EXPECT_EQ(api_.pending[0].request.wire.body, "grant_type=client_credentials");
  api_.Grant("first");
  ASSERT_OK(treasury_.Step());
  for (const auto& one : got) EXPECT_EQ(one->value(), "first");
  // From memory from now on.
  const int asks = store_.asks;
  EXPECT_EQ(Get()->value(), "first");
  EXPECT_EQ(store_.asks, asks);
  EXPECT_THAT(store_.counted, SizeIs(1));
}

TEST_F(TreasuryTest, ProcessesShareOneToken) {
  FakeUpsApi other_api(store_);
  Treasury other(store_, other_api, clock_, [] { return 0.0; });
  auto here = Get();
  ASSERT_OK(treasury_.Step());
  auto there = Get(other);
  ASSERT_OK(other.Step());
  EXPECT_EQ(other_api.sent, 0);  // the row is leased
  api_.Grant("first");
  ASSERT_OK(treasury_.Step());
  clock_.Advance(absl::Milliseconds(200));
  ASSERT_OK(other.Step());
  EXPECT_EQ(there->value(), "first");
  EXPECT_EQ(other_api.sent, 0);
}

TEST_F(TreasuryTest, ATokenThatAnotherProcessReplacedIsNotUsedAnyMore) {
  FakeUpsApi other_api(store_);
  Treasury other(store_, other_api, clock_, [] { return 0.0; });
  HaveToken();
  auto there = Get(other);
  ASSERT_OK(other.Step());
  ASSERT_EQ(there->value(), "first");
  clock_.Advance(absl::Minutes(7));
  // UPS refuses it here; there nobody has called since.
  treasury_.Refused(*account_, Operation::kAddress, *there->token);
  Get();
  ASSERT_OK(treasury_.Step());
  api_.Grant("second");
  ASSERT_OK(treasury_.Step());
  ASSERT_OK(other.Step());
  EXPECT_EQ(Get(other)->value(), "second");
  EXPECT_EQ(other_api.sent, 0);
}

TEST_F(TreasuryTest, RenewsEarlyAndServesMeanwhile) {
  HaveToken();
  clock_.Advance(absl::Seconds(3599 - 271));
  EXPECT_EQ(Get()->value(), "first");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(api_.sent, 1);
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Get()->value(), "first");
  ASSERT_OK(treasury_.Step());
  ASSERT_EQ(api_.sent, 2);
  EXPECT_EQ(Get()->value(), "first");
  api_.Grant("second");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(Get()->value(), "second");
}

TEST_F(TreasuryTest, WithoutACallNothingIsRenewed) {
  HaveToken();
  clock_.Advance(absl::Hours(30));
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(api_.sent, 1);
}

TEST_F(TreasuryTest, ExpiresInIsObeyedToTheSecond) {
  store_.min_interval = absl::ZeroDuration();
  HaveToken("5");
  clock_.Advance(absl::Seconds(4));
  EXPECT_EQ(Get()->value(), "first");
  clock_.Advance(absl::Seconds(1));
  auto late = Get();
  EXPECT_FALSE(late->answered);
  ASSERT_OK(treasury_.Step());
  api_.Grant("second", "5");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(late->value(), "second");
}

TEST_F(TreasuryTest, ATokenThatUpsRefusedIsGivenToNobodyAndRenewedOnce) {
  HaveToken();
  clock_.Advance(absl::Minutes(10));
  auto used = Get();
  treasury_.Refused(*account_, Operation::kShip, *used->token);
  auto next = Get(Operation::kAddress);
  EXPECT_FALSE(next->answered);
  ASSERT_OK(treasury_.Step());
  ASSERT_EQ(api_.sent, 2);
  api_.Grant("second");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(next->value(), "second");
  // An old call's 401 comes late: it is about the old token.
  treasury_.Refused(*account_, Operation::kShip, *used->token);
  EXPECT_EQ(Get()->value(), "second");
}

TEST_F(TreasuryTest, WhereRenewingDoesNotHelpTheOperationPausesAndTheOthersGoOn) {
  HaveToken();
  clock_.Advance(absl::Minutes(10));
  treasury_.Refused(*account_, Operation::kSubscribe, *Get()->token);
  auto retried = Get(Operation::kSubscribe);
  ASSERT_OK(treasury_.Step());
  api_.Grant("second");
  ASSERT_OK(treasury_.Step());
  ASSERT_EQ(retried->value(), "second");
  treasury_.Refused(*account_, Operation::kSubscribe, *retried->token);
  auto ship = Get(Operation::kShip);
  auto subscribe = Get(Operation::kSubscribe);
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(ship->value(), "second");
  EXPECT_THAT(subscribe->token, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(Get(Operation::kSubscribe)->token, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(api_.sent, 2);
  // A storm of refusals for a whole day spends less than half the budget.
  for (int minute = 0; minute < 24 * 60; ++minute) {
    clock_.Advance(absl::Minutes(1));
    auto got = Get(Operation::kSubscribe);
    for (int i = 0; i < 3; ++i) {
      ASSERT_OK(treasury_.Step());
      if (!api_.pending.empty()) api_.Grant(absl::StrCat("t", minute), "14399");
    }
    if (got->answered && got->token.ok()) {
      treasury_.Refused(*account_, Operation::kSubscribe, *got->token);
    }
  }
  EXPECT_LT(store_.counted.size(), 140u);  // half of 250, and the day's own renewals
}

constexpr char kWrongSecret[] =
    R"({"response":{"errors":[{"code":"10401","message":"ClientId is Invalid"}]}})";

TEST_F(TreasuryTest, AWrongSecretIsAskedOnceAndThenOnceAnHourUntilItIsRotated) {
  auto got = Get();
  ASSERT_OK(treasury_.Step());
  api_.Answer(401, kWrongSecret);
  ASSERT_OK(treasury_.Step());
  ASSERT_OK(treasury_.Step());
  EXPECT_THAT(got->token, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(std::string(got->token.status().message()), HasSubstr("account rotate"));
  for (int minute = 0; minute < 24 * 60; ++minute) {
    clock_.Advance(absl::Minutes(1));
    Get(Operation::kShip);
    ASSERT_OK(treasury_.Step());
    // Now and then UPS says something else; it is no new chance.
    if (!api_.pending.empty()) api_.Answer(minute % 5 == 0 ? 503 : 401, kWrongSecret);
    ASSERT_OK(treasury_.Step());
  }
  EXPECT_LE(api_.sent, 25);  // the first, and one an hour
  EXPECT_GE(api_.sent, 20);
  for (std::size_t i = 1; i < store_.counted.size(); ++i) {
    EXPECT_GE(store_.counted[i] - store_.counted[i - 1], absl::Hours(1));
  }
  const int before = api_.sent;
  store_.Rotate("new");
  clock_.Advance(absl::Minutes(1));
  auto rotated = Get();
  ASSERT_OK(treasury_.Step());
  ASSERT_EQ(api_.sent, before + 1);
  EXPECT_EQ(api_.pending[0].request.authorization, "Basic " + Base64("app:new"));
  api_.Grant("first");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(rotated->value(), "first");
}

TEST_F(TreasuryTest, ASecretThatIsPutRightInThePortalHealsByItself) {
  Get();
  ASSERT_OK(treasury_.Step());
  api_.Answer(401, kWrongSecret);
  ASSERT_OK(treasury_.Step());
  clock_.Advance(absl::Minutes(61));
  auto healed = Get();
  ASSERT_OK(treasury_.Step());
  ASSERT_EQ(api_.sent, 2);
  api_.Grant("first");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(healed->value(), "first");
  EXPECT_FALSE(store_.refused);
}

TEST_F(TreasuryTest, AProcessThatDiesWithARefusedCredentialCostsTheHoursRequest) {
  Get();
  ASSERT_OK(treasury_.Step());
  api_.Answer(401, kWrongSecret);
  ASSERT_OK(treasury_.Step());
  clock_.Advance(absl::Minutes(61));
  Get();
  ASSERT_OK(treasury_.Step());
  ASSERT_EQ(api_.sent, 2);  // and nothing is ever heard of it
  clock_.Advance(absl::Minutes(30));
  FakeUpsApi other_api(store_);
  Treasury other(store_, other_api, clock_, [] { return 0.0; });
  auto got = Get(other);
  ASSERT_OK(other.Step());
  EXPECT_THAT(got->token, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(other_api.sent, 0);
}

TEST_F(TreasuryTest, ATokenOfFiveSecondsIsUsedForFiveSecondsAndAskedForOnceInAMinute) {
  HaveToken("5");
  absl::Time granted = clock_.Now();
  for (int second = 1; second <= 600; ++second) {
    clock_.Advance(absl::Seconds(1));
    const bool expired = clock_.Now() - granted >= absl::Seconds(5);
    auto got = Get();
    if (expired) {
      EXPECT_EQ(got->value(), "") << second;
    }
    ASSERT_OK(treasury_.Step());
    if (!api_.pending.empty()) {
      granted = clock_.Now();
      api_.Grant("first", "5");
      ASSERT_OK(treasury_.Step());
    }
  }
  EXPECT_LE(api_.sent, 11);
  EXPECT_GE(api_.sent, 9);
}

// Every product refuses every token, in three processes, for a day.
TEST_F(TreasuryTest, AStormOfForcedRenewalsDoesNotSpendTheDay) {
  FakeUpsApi apis[] = {FakeUpsApi(store_), FakeUpsApi(store_), FakeUpsApi(store_)};
  std::vector<std::unique_ptr<Treasury>> treasuries;
  for (FakeUpsApi& api : apis) {
    treasuries.push_back(std::make_unique<Treasury>(store_, api, clock_, [] { return 0.0; }));
  }
  int granted = 0;
  for (int step = 0; step < 24 * 60 * 2; ++step) {
    clock_.Advance(absl::Seconds(30));
    for (int i = 0; i < 3; ++i) {
      for (const Operation operation :
           {Operation::kShip, Operation::kVoid, Operation::kAddress, Operation::kTrack}) {
        auto got = Get(*treasuries[i], operation);
        ASSERT_OK(treasuries[i]->Step());
        if (!apis[i].pending.empty()) apis[i].Grant(absl::StrCat("t", ++granted));
        ASSERT_OK(treasuries[i]->Step());
        if (got->answered && got->token.ok()) {
          treasuries[i]->Refused(*account_, operation, *got->token);
        }
      }
    }
  }
  // Half of the budget, and the renewals of a day of one-hour tokens.
  EXPECT_GE(store_.counted.size(), 100u);
  EXPECT_LE(store_.counted.size(), 125u + 26u);
  // The cause gone, shipping goes on at once.
  clock_.Advance(absl::Hours(1));
  auto ship = Get(*treasuries[0], Operation::kShip);
  ASSERT_OK(treasuries[0]->Step());
  if (!apis[0].pending.empty()) apis[0].Grant("healed");
  ASSERT_OK(treasuries[0]->Step());
  EXPECT_NE(ship->value(), "");
}

TEST_F(TreasuryTest, A429ClosesItForAnHour) {
  auto got = Get();
  ASSERT_OK(treasury_.Step());
  api_.Answer(429, R"({"response":{"errors":[{"code":"10429","message":"m"}]}})");
  ASSERT_OK(treasury_.Step());
  EXPECT_THAT(got->token, HasCode(absl::StatusCode::kResourceExhausted));
  for (int i = 0; i < 59; ++i) {
    clock_.Advance(absl::Minutes(1));
    Get();
    ASSERT_OK(treasury_.Step());
  }
  EXPECT_EQ(api_.sent, 1);
  clock_.Advance(absl::Minutes(2));
  Get();
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(api_.sent, 2);
}

TEST_F(TreasuryTest, WithALimitOfFiveThereIsNeverASixthInADay) {
  store_.limit = 5;
  store_.min_interval = absl::ZeroDuration();
  for (int hour = 0; hour < 72; ++hour) {
    for (int i = 0; i < 6; ++i) {
      clock_.Advance(absl::Minutes(10));
      Get(Operation::kShip);
      ASSERT_OK(treasury_.Step());
      if (!api_.pending.empty()) api_.Grant("t", "300");
      ASSERT_OK(treasury_.Step());
    }
  }
  EXPECT_GE(store_.counted.size(), 15u);
  for (std::size_t i = 5; i < store_.counted.size(); ++i) {
    EXPECT_GE(store_.counted[i] - store_.counted[i - 5], absl::Hours(24));
  }
}

TEST_F(TreasuryTest, TheLastTenthReachesShippingHoweverManyReadersAskBefore) {
  store_.limit = 10;
  for (int i = 0; i < 9; ++i) store_.counted.push_back(clock_.Now() - absl::Hours(1));
  store_.ever_counted = 9;
  auto reader = Get(Operation::kTrack);
  ASSERT_OK(treasury_.Step());
  EXPECT_THAT(reader->token, HasCode(absl::StatusCode::kResourceExhausted));
  auto ship = Get(Operation::kShip);  // within the second of the readers' refusal
  EXPECT_FALSE(ship->answered);
  ASSERT_OK(treasury_.Step());
  ASSERT_THAT(api_.pending, SizeIs(1));
  api_.Grant("last");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(ship->value(), "last");
}

TEST_F(TreasuryTest, ALifetimeBeginsWithUpssAnswerHoweverLateItIsStored) {
  auto got = Get();
  ASSERT_OK(treasury_.Step());
  const absl::Time sent = clock_.Now();
  api_.Grant("first");
  store_.outage = absl::UnavailableError("database: away");
  clock_.Advance(absl::Minutes(20));
  EXPECT_FALSE(treasury_.Step().ok());
  store_.outage = absl::OkStatus();
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(store_.Budget(*account_)->expire_time, sent + absl::Seconds(3599));
}

TEST_F(TreasuryTest, ARequestOlderThanTheFenceIsAbandonedUnsent) {
  auto got = Get();
  ASSERT_OK(treasury_.Step());
  clock_.Advance(absl::Seconds(6));
  EXPECT_FALSE(api_.pending[0].request.before_body());
  api_.Grant("never");
  ASSERT_OK(treasury_.Step());
  EXPECT_FALSE(got->answered && got->token.ok());
  EXPECT_THAT(store_.counted, SizeIs(0));  // surely not sent: not counted any more
  clock_.Advance(absl::Seconds(2));
  auto again = Get();
  ASSERT_OK(treasury_.Step());
  api_.Grant("first");
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(again->value(), "first");
}

TEST_F(TreasuryTest, ACallWaitsThroughAnOutageOfTheDatabaseButNotForEver) {
  store_.outage = absl::UnavailableError("database: away");
  auto got = Get();
  EXPECT_THAT(treasury_.Step(), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(got->answered);
  store_.outage = absl::OkStatus();
  ASSERT_OK(treasury_.Step());
  api_.Grant("first");
  store_.outage = absl::UnavailableError("database: away");
  EXPECT_FALSE(treasury_.Step().ok());
  EXPECT_FALSE(got->answered);  // the token is not used before it is stored
  store_.outage = absl::OkStatus();
  ASSERT_OK(treasury_.Step());
  EXPECT_EQ(got->value(), "first");

  clock_.Advance(absl::Hours(2));
  store_.outage = absl::UnavailableError("database: away");
  auto late = Get();
  clock_.Advance(absl::Seconds(16));
  EXPECT_FALSE(treasury_.Step().ok());
  EXPECT_THAT(late->token, HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace psups::ups_gateway
