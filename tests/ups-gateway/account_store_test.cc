#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "common/status_macros.h"
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

  // Requests that wait for a lock of the table.
  int WaitingFor(const std::string& table) {
    return Count("SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = '" + table +
                 "'::regclass");
  }
  static bool BecomesTrue(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
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

// The file is a pipe here, so that the test says when it is read, and what is read.
TEST_F(AccountStoreTest, ADataKeyThatIsMadeBesideARewrapIsNotLeftUnderTheOldKey) {
  const auto content = [&](const std::string& current) {
    keys_.Write(current, {"k1", "k2"});
    std::ifstream file(keys_.path());
    return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  };
  const std::string before = content("k1");
  const std::string after = content("k2");
  std::remove(keys_.path().c_str());
  ASSERT_EQ(mkfifo(keys_.path().c_str(), 0600), 0);

  std::thread seals([&] { EXPECT_OK(sealer_.Seal("accounts/a", {"t", "c", "r"}, "text")); });
  std::ofstream to_seal(keys_.path());  // opens once the file is being read
  std::thread rewraps([&] { EXPECT_OK(Rewrap()); });
  const bool waits = BecomesTrue([&] { return WaitingFor("data_keys") == 1; });
  EXPECT_TRUE(waits) << "the rewrap does not wait for the key that is being made";
  to_seal << before;
  to_seal.close();
  seals.join();
  if (waits) std::ofstream(keys_.path()) << after;  // else it was read too early
  rewraps.join();
  EXPECT_EQ(Under("k1"), 0);
  EXPECT_EQ(Under("k2"), 1);
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

TEST_F(AccountStoreTest, ErrorsAreCountedInTheOrderOfTheirKeysSoThatReplicasCannotDeadlock) {
  Create("demo");
  for (const char* code : {"C1", "C2", "C3"}) ASSERT_OK(Met(Operation::kTrack, 400, code));
  std::thread replica;
  const absl::Status looked = schema_.db().Transact([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(
        tx.Exec("SELECT 1 FROM account_errors WHERE ups_code = 'C1' FOR UPDATE").status());
    replica = std::thread([&] {
      CallRecord record{.entry = {.action = "ups.track", .event_id = "e"}, .account_id = "demo"};
      for (const char* code : {"C3", "C2", "C1"}) {
        record.exchanges.push_back({.call_id = code,
                                    .account_id = "demo",
                                    .operation = Operation::kTrack,
                                    .http_status = 400,
                                    .code = code});
      }
      EXPECT_OK(calls_->Record({record}));
    });
    EXPECT_TRUE(BecomesTrue([&] {
      return Count(
                 "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                 "query LIKE '%INTO account_errors%' AND datname = current_database()") == 1;
    }));
    // It waits for the first of its rows and holds none of the others.
    EXPECT_OK(tx.Exec("SELECT 1 FROM account_errors WHERE ups_code = 'C3' FOR UPDATE NOWAIT"));
    return absl::OkStatus();
  });
  replica.join();
  EXPECT_OK(looked);
  EXPECT_EQ(Count("SELECT sum(count)::bigint AS n FROM account_errors"), 6);
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
