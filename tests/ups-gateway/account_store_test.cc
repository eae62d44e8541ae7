#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "services/ups-gateway/account/account_update.h"
#include "tests/ups-gateway/gateway_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// A key file that rotates while replicas run.
class KeyFile {
 public:
  KeyFile() { Write("k1", {"k1"}); }
  ~KeyFile() { std::remove(path_.c_str()); }
  void Write(const std::string& current, const std::vector<std::string>& ids) {
    nlohmann::json keys = nlohmann::json::object();
    for (const std::string& id : ids) {
      if (!keys_.contains(id)) keys_[id] = Base64(RandomBytes(32));
      keys[id] = keys_[id];
    }
    std::ofstream(path_) << nlohmann::json{
        {"current", current}, {"keys", keys}, {"derivation_key", derivation_}};
  }
  void ReplaceDerivationKey() { derivation_ = Base64(RandomBytes(32)); }
  KeyRing Read() const { return KeyRing::FromFile(path_).value(); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_ = ::testing::TempDir() + "/ups_gateway_keys_" + RandomHex128();
  std::string derivation_ = Base64(RandomBytes(32));
  std::map<std::string, std::string> keys_;
};

class AccountStoreTest : public ::testing::Test {
 protected:
  AccountPtr Create(const std::string& id, const std::string& client_id = "app") {
    pb::Account settings = TestSettings(id, "https://ups.example");
    settings.set_client_id(client_id);
    return *accounts_->Create(settings, id, "s3cret",
                              {.action = "account.create", .subject = settings.name()});
  }
  absl::StatusOr<AccountPtr> Update(const AccountStore::Change& change) {
    return accounts_->Update("demo", change,
                             {.action = "account.update", .subject = "accounts/demo"});
  }
  absl::StatusOr<pb::RewrapKeysResponse> Rewrap() {
    return accounts_->RewrapKeys({.action = "keys.rewrap", .subject = "services/ups-gateway"});
  }
  int Count(const std::string& sql) {
    auto rows = schema_.db().Exec(sql);
    EXPECT_OK(rows);
    return static_cast<int>((*rows)[0].Int("n"));
  }
  int Under(const std::string& key_id) {
    return Count("SELECT count(*) AS n FROM data_keys WHERE key_id = '" + key_id + "'");
  }
  nlohmann::json Entry(const std::string& action) {
    auto rows = schema_.db().Exec("SELECT entry FROM audit_outbox ORDER BY create_time DESC");
    EXPECT_OK(rows);
    for (const Row row : *rows) {
      auto entry = nlohmann::json::parse(row.Binary("entry"));
      if (entry["action"] == action) return entry;
    }
    return nullptr;
  }

  // One exchange that is recorded as a read's would be.
  absl::Status Met(Operation operation, int status, const std::string& code,
                   const std::string& call_id = RandomHex128(),
                   const std::string& account = "demo") {
    CallRecord record{.entry = {.action = "ups.track", .event_id = call_id + ".outcome"},
                      .account_id = account};
    record.exchanges.push_back({.call_id = call_id,
                                .account_id = account,
                                .operation = operation,
                                .http_status = status,
                                .code = code});
    return calls_->Record({record});
  }

  testing::ScratchSchema schema_{"ups-gateway"};
  KeyFile keys_;
  Sealer sealer_{schema_.db(), keys_.Read()};
  std::unique_ptr<AccountStore> accounts_ = MakePostgresAccountStore(schema_.db(), sealer_);
  std::unique_ptr<TokenStore> tokens_ = MakePostgresTokenStore(schema_.db(), sealer_, "run1");
  std::unique_ptr<CallStore> calls_ = MakePostgresCallStore(schema_.db(), sealer_);
};

// --- update

TEST_F(AccountStoreTest, AnUpdateIsStoredWithItsEntryAndTheTokenLimitFollows) {
  const AccountPtr account = Create("demo");
  ASSERT_OK_AND_ASSIGN(const AccountPtr updated, Update([](const pb::Account& stored) {
                         pb::Account settings = stored;
                         settings.set_token_limit_per_day(7);
                         settings.mutable_token_min_interval()->set_seconds(33);
                         return settings;
                       }));
  EXPECT_EQ(updated->settings.token_limit_per_day(), 7);
  EXPECT_EQ(accounts_->Get("demo").value()->settings.token_limit_per_day(), 7);
  ASSERT_OK_AND_ASSIGN(const TokenBudget budget, tokens_->Budget(*account));
  EXPECT_EQ(budget.facts.limit, 7);
  EXPECT_EQ(budget.facts.min_interval, absl::Seconds(33));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM accounts a JOIN audit_outbox o ON o.xmin::text = "
                  "a.xmin::text"),
            1);
  EXPECT_THAT(Update([](const pb::Account&) { return absl::InvalidArgumentError("no"); }),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM audit_outbox"), 2);
  EXPECT_THAT(accounts_->Update("nobody", [](const pb::Account& a) { return a; }, {}),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(AccountStoreTest, UpdatesAtTheSameTimeLoseNothing) {
  Create("demo");
  bool first = true;
  ASSERT_OK(Update([&](const pb::Account& stored) -> absl::StatusOr<pb::Account> {
    if (std::exchange(first, false)) {  // another one comes between
      EXPECT_OK(Update([](const pb::Account& other) {
        pb::Account settings = other;
        settings.set_display_name("by another");
        return settings;
      }));
    }
    pb::Account settings = stored;
    settings.set_ship_timeout_seconds(77);
    return settings;
  }));
  const pb::Account settings = (*accounts_->Get("demo"))->settings;
  EXPECT_EQ(settings.display_name(), "by another");
  EXPECT_EQ(settings.ship_timeout_seconds(), 77);
}

TEST_F(AccountStoreTest, AnAccountOfAnOlderReleaseHasTheDefaultsOfThisOne) {
  Create("demo");
  ASSERT_OK(Update([](const pb::Account& stored) {
    pb::Account settings = stored;
    settings.clear_caps();
    settings.clear_flow();
    settings.clear_address_verdict_life();
    return settings;
  }));
  const pb::Account settings = (*accounts_->Get("demo"))->settings;
  EXPECT_EQ(settings.caps().purchases_per_day(), 10000);
  EXPECT_EQ(settings.flow().calls_in_flight(), 400);
  EXPECT_EQ(settings.address_verdict_life().seconds(), 86400);
}

TEST_F(AccountStoreTest, TheServiceTakesAnUpdateAtOnceAndRecordsWhichFields) {
  Gateway gateway(schema_.db(), keys_.Read(), {});
  Create("demo");
  std::promise<AccountPtr> before, after;
  gateway.book.Find("accounts/demo", [&](auto account) { before.set_value(*account); });
  EXPECT_EQ(before.get_future().get()->settings.read_timeout_seconds(), 5);
  pb::UpdateAccountRequest request;
  request.mutable_account()->set_name("accounts/demo");
  request.mutable_account()->set_read_timeout_seconds(17);
  request.mutable_update_mask()->add_paths("read_timeout_seconds");
  ASSERT_OK_AND_ASSIGN(
      const pb::Account updated,
      gateway.account_server.Update(request, Caller{.identity = "spiffe://psups/admin/ann"}));
  EXPECT_EQ(updated.read_timeout_seconds(), 17);
  gateway.book.Find("accounts/demo", [&](auto account) { after.set_value(*account); });
  EXPECT_EQ(after.get_future().get()->settings.read_timeout_seconds(), 17);
  const nlohmann::json entry = Entry("account.update");
  EXPECT_EQ(entry["actor"], "spiffe://psups/admin/ann");
  EXPECT_EQ(entry["detail"]["fields"], nlohmann::json::array({"read_timeout_seconds"}));

  request.mutable_update_mask()->add_paths("client_id");
  EXPECT_THAT(gateway.account_server.Update(request, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  request.mutable_account()->set_name("accounts/nobody");
  request.mutable_update_mask()->clear_paths();
  request.mutable_update_mask()->add_paths("caps");
  EXPECT_THAT(gateway.account_server.Update(request, {}), HasCode(absl::StatusCode::kNotFound));
}

// --- keys

TEST_F(AccountStoreTest, KeysRotateWhileAnOlderReplicaRunsAndTheOldKeyCanGo) {
  Create("demo");
  Sealer older(schema_.db(), keys_.Read());  // a replica that will never be restarted
  const auto older_accounts = MakePostgresAccountStore(schema_.db(), older);
  keys_.Write("k2", {"k1", "k2"});
  Create("other", "app2");  // meanwhile: under the new key, without a restart
  EXPECT_EQ(Under("k1"), 1);
  EXPECT_EQ(Under("k2"), 1);
  EXPECT_OK(older_accounts->Get("other"));  // by a key that it did not know

  ASSERT_OK_AND_ASSIGN(const pb::RewrapKeysResponse done, Rewrap());
  EXPECT_EQ(done.rewrapped(), 1);
  EXPECT_EQ(done.total(), 2);
  EXPECT_EQ(done.key_id(), "k2");
  EXPECT_EQ(Under("k2"), 2);
  EXPECT_EQ(Entry("keys.rewrap")["detail"]["rewrapped"], 1);
  ASSERT_OK_AND_ASSIGN(const pb::RewrapKeysResponse again, Rewrap());
  EXPECT_EQ(again.rewrapped(), 0);

  keys_.Write("k2", {"k2"});
  Sealer fresh(schema_.db(), keys_.Read());
  const auto fresh_accounts = MakePostgresAccountStore(schema_.db(), fresh);
  for (AccountStore* store : {accounts_.get(), older_accounts.get(), fresh_accounts.get()}) {
    for (const char* id : {"demo", "other"}) EXPECT_OK(store->Get(id)) << id;
  }
  // The older replica makes new keys of the file as it is now.
  pb::Account third = TestSettings("third", "https://ups.example");
  ASSERT_OK(older_accounts->Create(third, "third", "s", {.action = "account.create"}));
  EXPECT_OK(fresh_accounts->Get("third"));
  EXPECT_EQ(Under("k2"), 3);
}

TEST_F(AccountStoreTest, AReplicaThatMeetsADataKeyUnderANewKeyReadsTheFileAgain) {
  Create("demo");
  Sealer older(schema_.db(), keys_.Read());  // it has not opened anything yet
  keys_.Write("k2", {"k1", "k2"});
  ASSERT_OK(Rewrap());
  keys_.Write("k2", {"k2"});
  EXPECT_OK(MakePostgresAccountStore(schema_.db(), older)->Get("demo"));
}

TEST_F(AccountStoreTest, ARewrapThatLacksAKeyInUseChangesNothing) {
  Create("a");
  Create("b");
  keys_.Write("k2", {"k1", "k2"});
  Create("c");
  keys_.Write("k3", {"k2", "k3"});
  const absl::Status missing = Rewrap().status();
  EXPECT_THAT(missing, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("\"k1\" is missing"));
  EXPECT_EQ(Under("k1"), 2);
  EXPECT_EQ(Under("k2"), 1);
  EXPECT_EQ(Entry("keys.rewrap"), nullptr);
  // Nor does a file that cannot be read, or whose references would be others.
  std::ofstream(keys_.path()) << "{";
  EXPECT_THAT(Rewrap(), HasCode(absl::StatusCode::kFailedPrecondition));
  keys_.ReplaceDerivationKey();
  keys_.Write("k3", {"k1", "k2", "k3"});
  EXPECT_THAT(Rewrap(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Under("k3"), 0);
  for (const char* id : {"a", "b", "c"}) EXPECT_OK(accounts_->Get(id));
}

TEST_F(AccountStoreTest, SealingGoesOnBesideRewrapsAndLeavesNoneBehind) {
  constexpr int kScopes = 60;
  std::atomic<bool> sealing = true;
  std::vector<std::string> sealed(kScopes);
  std::vector<std::thread> replicas;
  for (int replica = 0; replica < 2; ++replica) {
    replicas.emplace_back([&, replica] {
      Sealer own(schema_.db(), keys_.Read());
      for (int i = replica; i < kScopes; i += 2) {
        auto text = own.Seal(absl::StrCat("accounts/s", i), {"t", "c", absl::StrCat(i)}, "text");
        EXPECT_OK(text);
        if (text.ok()) sealed[i] = *text;
      }
    });
  }
  keys_.Write("k2", {"k1", "k2"});
  ASSERT_OK(Rewrap());
  std::thread rewrapper([&] {
    while (sealing) EXPECT_OK(Rewrap());
  });
  for (std::thread& replica : replicas) replica.join();
  sealing = false;
  rewrapper.join();
  // Whoever read the file before it was rewrapped has stored its key before, too.
  EXPECT_EQ(Under("k1"), 0);
  keys_.Write("k2", {"k2"});
  Sealer fresh(schema_.db(), keys_.Read());
  for (int i = 0; i < kScopes; ++i) {
    EXPECT_THAT(fresh.Open({"t", "c", absl::StrCat(i)}, sealed[i]),
                testing::IsOkAndHolds(std::string("text")));
  }
}

// --- errors

TEST_F(AccountStoreTest, ErrorsAreCountedByOperationCodeAndStatusLatestFirst) {
  Create("demo");
  ASSERT_OK(Met(Operation::kTrack, 200, ""));
  ASSERT_OK(Met(Operation::kShip, 400, "120802"));
  ASSERT_OK(Met(Operation::kAddress, 0, ""));
  ASSERT_OK(Met(Operation::kAddress, 503, ""));
  ASSERT_OK(Met(Operation::kShip, 400, "120802"));
  ASSERT_OK(Met(Operation::kShip, 200, "250002"));  // a success with an error inside
  ASSERT_OK(Met(Operation::kShip, 400, "120802", RandomHex128(), "other"));
  ASSERT_OK_AND_ASSIGN(const std::vector<MetError> errors,
                       accounts_->ListErrors("demo", std::nullopt, 10));
  std::vector<std::string> seen;
  for (const MetError& e : errors) {
    seen.push_back(absl::StrCat(e.operation, " ", e.ups_code, " ", e.http_status, " ", e.count));
    EXPECT_LE(e.first_time, e.last_time);
  }
  EXPECT_THAT(seen,
              ElementsAre("ship 250002 200 1", "ship 120802 400 2", "xav  503 1", "xav  0 1"));
  EXPECT_LT(errors[1].first_time, errors[1].last_time);
  EXPECT_THAT(*accounts_->ListErrors("other", std::nullopt, 10), SizeIs(1));
}

TEST_F(AccountStoreTest, AnErrorThatIsStoredTwiceOrWasProvokedCountsOnceOrNotAtAll) {
  Create("demo");
  const std::string call_id = RandomHex128();
  ASSERT_OK(Met(Operation::kTrack, 503, "", call_id));
  ASSERT_OK(Met(Operation::kTrack, 503, "", call_id));  // COMMIT's end was not known
  EXPECT_EQ(Count("SELECT sum(count)::bigint AS n FROM account_errors"), 1);
  CallRecord record{.entry = {.action = "ups.test", .event_id = "p"}, .account_id = "demo"};
  record.exchanges.push_back({.call_id = "p",
                              .account_id = "demo",
                              .operation = Operation::kRecovery,
                              .http_status = 400,
                              .code = "300007",
                              .provoked = true});
  ASSERT_OK(calls_->Record({record}));
  EXPECT_EQ(Count("SELECT sum(count)::bigint AS n FROM account_errors"), 1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM exchanges"), 2);
}

TEST_F(AccountStoreTest, TokenErrorsAreCountedToo) {
  const AccountPtr account = Create("demo");
  ASSERT_OK_AND_ASSIGN(const TokenAnswer answer,
                       tokens_->Ask(*account, {}, "c1", absl::Seconds(30)));
  const TokenOutcome refused{.treasury_id = account->treasury_id,
                             .account_id = "demo",
                             .call_id = "c1",
                             .judgement = {.end = TokenEnd::kRefused,
                                           .problem = "p",
                                           .http_status = 401,
                                           .ups_code = "10401"},
                             .secret_time = answer.secret_time};
  ASSERT_OK(tokens_->Settle(refused));
  ASSERT_OK(tokens_->Settle(refused));
  ASSERT_OK_AND_ASSIGN(const auto errors, accounts_->ListErrors("demo", std::nullopt, 10));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].operation, "token");
  EXPECT_EQ(errors[0].ups_code, "10401");
  EXPECT_EQ(errors[0].count, 1);
}

TEST_F(AccountStoreTest, ARefusedCredentialIsAskedOnceAnHourEvenByProcessesThatDie) {
  const AccountPtr account = Create("demo");
  const auto ask = [&](const char* call_id) {
    return tokens_->Ask(*account, {.money = true}, call_id, absl::Seconds(30))->decision;
  };
  const auto an_hour_later = [&] {
    ASSERT_OK(
        schema_.db().Exec("UPDATE treasuries SET retry_time = retry_time - interval '1 hour', "
                          "lease_until = 'epoch'"));
  };
  const auto refuse = [&](const char* call_id, TokenEnd end) {
    ASSERT_OK(tokens_->Settle({.treasury_id = account->treasury_id,
                               .account_id = "demo",
                               .call_id = call_id,
                               .judgement = {.end = end, .problem = call_id},
                               .secret_time = absl::InfiniteFuture()}));
  };
  EXPECT_EQ(ask("c1").kind, TokenDecision::Kind::kFetch);
  refuse("c1", TokenEnd::kRefused);
  EXPECT_THAT(ask("c2").refusal, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_GT(tokens_->Budget(*account)->facts.retry_left, absl::Minutes(59));
  an_hour_later();
  EXPECT_EQ(ask("c3").kind, TokenDecision::Kind::kFetch);
  // It dies: its lease ends, the hour does not.
  ASSERT_OK(schema_.db().Exec("UPDATE treasuries SET lease_until = 'epoch'"));
  EXPECT_THAT(ask("c4").refusal, HasCode(absl::StatusCode::kUnauthenticated));
  an_hour_later();
  EXPECT_EQ(ask("c5").kind, TokenDecision::Kind::kFetch);
  refuse("c5", TokenEnd::kLost);  // UPS is away: it says nothing of the credential
  EXPECT_THAT(ask("c6").refusal, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(tokens_->Budget(*account)->facts.problem, "c1");
  EXPECT_TRUE((*accounts_->Get("demo"))->settings.credential_refused());
  // Put right in the portal, it heals by itself.
  an_hour_later();
  EXPECT_EQ(ask("c7").kind, TokenDecision::Kind::kFetch);
  ASSERT_OK(tokens_->Settle(
      {.treasury_id = account->treasury_id,
       .account_id = "demo",
       .call_id = "c7",
       .judgement = {.end = TokenEnd::kGranted, .token = "t", .lifetime = absl::Hours(1)}}));
  EXPECT_EQ(ask("c8").kind, TokenDecision::Kind::kUse);
  EXPECT_FALSE((*accounts_->Get("demo"))->settings.credential_refused());
}

TEST_F(AccountStoreTest, AFloodOfCodesIsBounded) {
  Create("demo");
  std::vector<CallRecord> records;
  for (int i = 0; i < 520; ++i) {
    CallRecord record{.entry = {.action = "ups.track", .event_id = absl::StrCat("e", i)},
                      .account_id = "demo"};
    record.exchanges.push_back({.call_id = absl::StrCat("c", i),
                                .account_id = "demo",
                                .operation = Operation::kTrack,
                                .http_status = 400,
                                .code = absl::StrCat("F", i)});
    records.push_back(std::move(record));
    if (records.size() == 100 || i == 519) {
      ASSERT_OK(calls_->Record(records));
      records.clear();
    }
  }
  EXPECT_EQ(Count("SELECT count(*) AS n FROM account_errors"), 501);
  EXPECT_EQ(Count("SELECT count AS n FROM account_errors WHERE ups_code = ''"), 20);
  ASSERT_OK(Met(Operation::kTrack, 400, "F3"));  // one that is known goes on
  EXPECT_EQ(Count("SELECT count AS n FROM account_errors WHERE ups_code = 'F3'"), 2);
  // And another account has room of its own.
  ASSERT_OK(Met(Operation::kTrack, 400, "F900", RandomHex128(), "other"));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM account_errors WHERE ups_code = 'F900'"), 1);
}

TEST_F(AccountStoreTest, ReplicasThatMeetTheSameErrorsInAnyOrderDoNotBlockEachOther) {
  Create("demo");
  std::vector<std::thread> replicas;
  for (int replica = 0; replica < 4; ++replica) {
    replicas.emplace_back([&, replica] {
      for (int round = 0; round < 25; ++round) {
        CallRecord record{
            .entry = {.action = "ups.track", .event_id = absl::StrCat("e", replica, "-", round)},
            .account_id = "demo"};
        for (int i = 0; i < 10; ++i) {
          const int code = replica % 2 == 0 ? i : 9 - i;
          record.exchanges.push_back({.call_id = absl::StrCat(replica, "-", round, "-", i),
                                      .account_id = "demo",
                                      .operation = Operation::kTrack,
                                      .http_status = 400,
                                      .code = absl::StrCat("C", code)});
        }
        EXPECT_OK(calls_->Record({record}));
      }
    });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(Count("SELECT sum(count)::bigint AS n FROM account_errors"), 1000);
  EXPECT_EQ(Count("SELECT deadlocks AS n FROM pg_stat_database WHERE datname = "
                  "current_database()"),
            0);
}

TEST_F(AccountStoreTest, TheServiceListsErrorsByPage) {
  Gateway gateway(schema_.db(), keys_.Read(), {});
  Create("demo");
  for (int i = 0; i < 5; ++i) ASSERT_OK(Met(Operation::kShip, 400, absl::StrCat(120800 + i)));
  pb::ListAccountErrorsRequest request;
  request.set_name("accounts/demo");
  request.set_page_size(2);
  std::vector<std::string> codes;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, gateway.account_server.ListErrors(request));
    EXPECT_LE(page.errors_size(), 2);
    for (const auto& error : page.errors()) codes.push_back(error.ups_code());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(codes, ElementsAre("120804", "120803", "120802", "120801", "120800"));
  request.set_name("accounts/nobody");
  EXPECT_THAT(gateway.account_server.ListErrors(request), HasCode(absl::StatusCode::kNotFound));
  request.set_page_size(1001);
  EXPECT_THAT(gateway.account_server.ListErrors(request),
              HasCode(absl::StatusCode::kInvalidArgument));
}

// --- budget

TEST_F(AccountStoreTest, TokenStatusSaysWhatIsLeftAndWhenItIsUsedUp) {
  Gateway gateway(schema_.db(), keys_.Read(), {});
  const AccountPtr account = Create("demo");
  pb::GetTokenStatusRequest request;
  request.set_name("accounts/demo");
  ASSERT_OK_AND_ASSIGN(pb::TokenStatus status, gateway.account_server.Status(request));
  EXPECT_EQ(status.requests_left(), 250);
  EXPECT_FALSE(status.has_exhaust_time());
  // Two an hour go on for ever; fifty an hour do not.
  const auto use = [&](int number, const char* ago) {
    ASSERT_OK(schema_.db().Exec(
        "INSERT INTO token_requests (treasury_id, call_id, request_time, state) SELECT $1, $2 || "
        "g, now() - $2::interval, 'GRANTED' FROM generate_series(1, $3) g",
        {account->treasury_id, ago, number}));
  };
  use(2, "30 minutes");
  status = *gateway.account_server.Status(request);
  EXPECT_EQ(status.requests_left(), 248);
  EXPECT_FALSE(status.has_exhaust_time());
  use(48, "20 minutes");
  status = *gateway.account_server.Status(request);
  EXPECT_EQ(status.requests_left(), 200);
  ASSERT_TRUE(status.has_exhaust_time());
  EXPECT_NEAR(static_cast<double>(status.exhaust_time().seconds()),
              static_cast<double>(absl::ToUnixSeconds(absl::Now() + absl::Hours(4))), 60);
  use(250, "2 hours");
  status = *gateway.account_server.Status(request);
  EXPECT_EQ(status.requests_left(), 0);
  EXPECT_NEAR(static_cast<double>(status.exhaust_time().seconds()),
              static_cast<double>(absl::ToUnixSeconds(absl::Now())), 60);
}

}  // namespace
}  // namespace psups::ups_gateway
