#include "common/postgres.h"

#include <cstdio>
#include <fstream>
#include <thread>

#include "common/crypto.h"
#include "common/envelope.h"
#include "common/outbox.h"
#include "common/testing/metric_value.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace psups {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScratchSchema;

class PostgresTest : public ::testing::Test {
 protected:
  PostgresTest() {
    for (const char* table :
         {"CREATE TABLE things (id text PRIMARY KEY, n bigint CHECK (n < 100), b bytea, "
          "t timestamptz)",
          "CREATE TABLE audit_outbox (event_id text PRIMARY KEY, entry bytea NOT NULL, "
          "create_time timestamptz NOT NULL DEFAULT now())",
          "CREATE TABLE data_keys (data_key_id text PRIMARY KEY, scope text NOT NULL UNIQUE, "
          "key_id text NOT NULL, wrapped bytea NOT NULL, "
          "create_time timestamptz NOT NULL DEFAULT now())",
          "INSERT INTO schema_migrations VALUES ('0001')"}) {
      EXPECT_OK(db().Exec(table));
    }
  }
  Db& db() { return schema_.db(); }
  ScratchSchema schema_{""};
};

TEST_F(PostgresTest, ValuesOfEveryKindComeBack) {
  const absl::Time time = absl::FromUnixMicros(1'700'000'000'123'456);
  const std::string bytes("\x00\xff'\\", 4);
  ASSERT_OK(db().Exec("INSERT INTO things VALUES ($1, $2, $3, $4)",
                      {"a\"b\\c{,}", 7, Bytes{bytes}, time}));
  ASSERT_OK_AND_ASSIGN(const Rows rows, db().Exec("SELECT * FROM things WHERE id = ANY($1::text[])",
                                                  {std::vector<std::string>{"x", "a\"b\\c{,}"}}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].Text("id"), "a\"b\\c{,}");
  EXPECT_EQ(rows[0].Int("n"), 7);
  EXPECT_EQ(rows[0].Binary("b"), bytes);
  EXPECT_EQ(rows[0].Time("t"), time);
  ASSERT_OK(
      db().Exec("INSERT INTO things SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])",
                {std::vector<std::string>{"p", "q"}, std::vector<int64_t>{1, 2},
                 std::vector<Bytes>{{"x"}, {bytes}}}));
  ASSERT_OK_AND_ASSIGN(const Rows q, db().Exec("SELECT b, t FROM things WHERE id = 'q'"));
  EXPECT_EQ(q[0].Binary("b"), bytes);
  EXPECT_EQ(q[0].OptionalTime("t"), std::nullopt);
}

TEST_F(PostgresTest, StatementsThatDifferOnlyLateAreToldApart) {
  const std::string same = "SELECT '" + std::string(100, 'x') + "' AS filler, ";
  for (const int n : {1, 2, 1}) {
    ASSERT_OK_AND_ASSIGN(const Rows rows, db().Exec(same + std::to_string(n) + " AS n"));
    EXPECT_EQ(rows[0].Int("n"), n);
  }
}

TEST_F(PostgresTest, AFailedBodyLeavesNothing) {
  EXPECT_THAT(db().Transact([](Tx& tx) -> absl::Status {
    EXPECT_OK(tx.Exec("INSERT INTO things (id) VALUES ('a')"));
    return absl::NotFoundError("changed my mind");
  }),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(db().Exec("SELECT 1 AS one FROM things")->size(), 0u);
}

TEST_F(PostgresTest, ViolationsNameTheConstraintAndNoValue) {
  ASSERT_OK(db().Exec("INSERT INTO things (id) VALUES ('secret street')"));
  const absl::Status twice = db().Exec("INSERT INTO things (id) VALUES ('secret street')").status();
  EXPECT_THAT(twice, HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(std::string(twice.message()), HasSubstr("things_pkey"));
  EXPECT_THAT(std::string(twice.message()), Not(HasSubstr("street")));
  EXPECT_THAT(db().Exec("INSERT INTO things (id, n) VALUES ('b', 100)"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  const absl::Status bad = db().Exec("SELECT $1::bigint", {"secret street"}).status();
  EXPECT_THAT(bad, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(std::string(bad.message()), Not(HasSubstr("street")));
}

TEST_F(PostgresTest, ADeadlockIsRunAgain) {
  ASSERT_OK(db().Exec("INSERT INTO things (id, n) VALUES ('a', 0), ('b', 0)"));
  const auto both = [&](const char* first, const char* second) {
    return db().Transact([&](Tx& tx) -> absl::Status {
      if (auto r = tx.Exec("UPDATE things SET n = n + 1 WHERE id = $1", {first}); !r.ok())
        return r.status();
      if (auto r = tx.Exec("SELECT pg_sleep(0.05)"); !r.ok()) return r.status();
      return tx.Exec("UPDATE things SET n = n + 1 WHERE id = $1", {second}).status();
    });
  };
  absl::Status one, two;
  std::thread other([&] { one = both("a", "b"); });
  two = both("b", "a");
  other.join();
  EXPECT_OK(one);
  EXPECT_OK(two);
  EXPECT_EQ((*db().Exec("SELECT sum(n)::bigint AS n FROM things"))[0].Int("n"), 4);
}

TEST_F(PostgresTest, AKilledConnectionIsAnOutageAndTheNextCallWorks) {
  const absl::Status killed = db().Transact(
      [](Tx& tx) { return tx.Exec("SELECT pg_terminate_backend(pg_backend_pid())").status(); });
  EXPECT_THAT(killed, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_OK(db().Ping());
}

TEST_F(PostgresTest, AServerThatIsReadOnlyOrCancelsAStatementIsAnOutageAndNoBug) {
  EXPECT_THAT(db().Transact([](Tx& tx) -> absl::Status {
    if (auto r = tx.Exec("SET TRANSACTION READ ONLY"); !r.ok()) return r.status();
    return tx.Exec("INSERT INTO things (id) VALUES ('a')").status();
  }),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(db().Transact([](Tx& tx) -> absl::Status {
    if (auto r = tx.Exec("SET LOCAL statement_timeout = 20"); !r.ok()) return r.status();
    return tx.Exec("SELECT pg_sleep(10)").status();
  }),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_OK(db().Ping());
}

TEST(PostgresDownTest, NoServerIsUnavailable) {
  Db db("host=/nonexistent port=1 dbname=x user=x password=hunter2", 2);
  const absl::Status status = db.Ping();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
}

TEST_F(PostgresTest, AnOlderSchemaIsRefusedWithTheNextStep) {
  EXPECT_OK(db().CheckSchema("0001"));
  const absl::Status older = db().CheckSchema("9999");
  EXPECT_THAT(older, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(older.message()),
              HasSubstr("this binary needs 9999; run the migrations"));
}

class EnvelopeTest : public PostgresTest {
 protected:
  static std::string KeyFile(const std::string& current) {
    const std::string path = ::testing::TempDir() + "/psups_keys_" + RandomHex128();
    static const std::string k1 = Base64(RandomBytes(32)), k2 = Base64(RandomBytes(32)),
                             d = Base64(RandomBytes(32));
    std::ofstream(path) << nlohmann::json{
        {"current", current}, {"keys", {{"k1", k1}, {"k2", k2}}}, {"derivation_key", d}};
    return path;
  }
  Sealer sealer_{db(), KeyRing::FromFile(KeyFile("k1")).value()};
};

TEST_F(EnvelopeTest, WhatIsSealedOpensInItsCellOnly) {
  const Cell cell{"accounts", "secret", "demo"};
  ASSERT_OK_AND_ASSIGN(const std::string sealed, sealer_.Seal("accounts/demo", cell, "hunter2"));
  EXPECT_THAT(sealed, Not(HasSubstr("hunter2")));
  EXPECT_EQ(sealer_.Open(cell, sealed).value(), "hunter2");
  EXPECT_THAT(sealer_.Open({"accounts", "secret", "other"}, sealed),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(sealer_.Open({"accounts", "token", "demo"}, sealed),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(sealer_.Open({"calls", "secret", "demo"}, sealed),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EnvelopeTest, TwoRowsCiphertextsSwappedInTheDatabaseAreRefused) {
  for (const char* id : {"a", "b"}) {
    ASSERT_OK_AND_ASSIGN(const std::string sealed, sealer_.Seal("s", {"things", "b", id}, id));
    ASSERT_OK(db().Exec("INSERT INTO things (id, b) VALUES ($1, $2)", {id, Bytes{sealed}}));
  }
  ASSERT_OK(db().Exec("UPDATE things SET b = (SELECT b FROM things o WHERE o.id <> things.id)"));
  ASSERT_OK_AND_ASSIGN(const Rows rows, db().Exec("SELECT id, b FROM things"));
  for (const Row row : rows) {
    EXPECT_THAT(sealer_.Open({"things", "b", row.Text("id")}, row.Binary("b")),
                HasCode(absl::StatusCode::kDataLoss));
  }
}

TEST_F(EnvelopeTest, AnotherReplicaAndAnotherCurrentKeyOpenIt) {
  const Cell cell{"t", "c", "r"};
  ASSERT_OK_AND_ASSIGN(const std::string sealed, sealer_.Seal("s", cell, "text"));
  Sealer other(db(), KeyRing::FromFile(KeyFile("k2")).value());
  EXPECT_EQ(other.Open(cell, sealed).value(), "text");
  ASSERT_OK_AND_ASSIGN(const std::string by_other, other.Seal("s", cell, "again"));
  EXPECT_EQ(sealer_.Open(cell, by_other).value(), "again");
  EXPECT_EQ((*db().Exec("SELECT count(*)::bigint AS n FROM data_keys"))[0].Int("n"), 1);
}

TEST_F(EnvelopeTest, ARotatedKeyFileIsReadWithoutARestartAndTheOldKeyCanGo) {
  const std::string path = ::testing::TempDir() + "/psups_keys_" + RandomHex128();
  const std::string k1 = Base64(RandomBytes(32)), k2 = Base64(RandomBytes(32)),
                    d = Base64(RandomBytes(32));
  const auto write = [&](const char* current, const nlohmann::json& keys) {
    std::ofstream(path) << nlohmann::json{
        {"current", current}, {"keys", keys}, {"derivation_key", d}};
  };
  write("k1", {{"k1", k1}});
  Sealer first(db(), KeyRing::FromFile(path).value());
  Sealer second(db(), KeyRing::FromFile(path).value());
  const Cell cell{"t", "c", "r"};
  ASSERT_OK_AND_ASSIGN(const std::string old, first.Seal("old", cell, "old"));
  write("k2", {{"k1", k1}, {"k2", k2}});
  ASSERT_OK_AND_ASSIGN(const std::string anew, first.Seal("new", cell, "new"));
  EXPECT_EQ(second.Open(cell, anew).value(), "new");
  const auto nothing = [](Tx&, const Sealer::Rewrapped&) { return absl::OkStatus(); };
  // Nothing changes unless what comes with it is stored too.
  EXPECT_THAT(first.Rewrap([](Tx&, const Sealer::Rewrapped&) { return absl::AbortedError("no"); }),
              HasCode(absl::StatusCode::kAborted));
  ASSERT_OK_AND_ASSIGN(const Sealer::Rewrapped done, first.Rewrap(nothing));
  EXPECT_EQ(done.rewrapped, 1);
  EXPECT_EQ(done.total, 2);
  EXPECT_EQ(done.key_id, "k2");
  write("k2", {{"k2", k2}});
  EXPECT_EQ(second.Open(cell, old).value(), "old");  // met for the first time, under a new key
  Sealer third(db(), KeyRing::FromFile(path).value());
  EXPECT_EQ(third.Open(cell, old).value(), "old");
  EXPECT_EQ(third.Open(cell, anew).value(), "new");
  // A file that is away stops nobody who has read it before.
  std::remove(path.c_str());
  EXPECT_OK(third.Seal("another", cell, "text"));
  EXPECT_THAT(third.Rewrap(nothing), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EnvelopeTest, ABadKeyFileIsNamedWithTheNextStep) {
  const absl::Status missing = KeyRing::FromFile("/nowhere/keys.json").status();
  EXPECT_THAT(std::string(missing.message()), HasSubstr("/nowhere/keys.json"));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("psupsctl keygen"));
}

class FakeSink : public AuditSink {
 public:
  absl::Status Append(const std::vector<Entry>& entries) override {
    if (!next.ok()) return next;
    for (const Entry& entry : entries) delivered.push_back(entry.bytes);
    return absl::OkStatus();
  }
  absl::Status next;
  std::vector<std::string> delivered;
};

TEST_F(PostgresTest, AnEntryIsDeliveredIfAndOnlyIfItsTransactionCommitted) {
  EXPECT_OK(db().Transact([](Tx& tx) {
    return AppendAudit(tx, "svc",
                       {{.action = "thing.make", .subject = "things/a", .detail = {{"n", 1}}}});
  }));
  EXPECT_FALSE(db().Transact([](Tx& tx) -> absl::Status {
                     EXPECT_OK(
                         AppendAudit(tx, "svc", {{.action = "thing.lose", .subject = "things/b"}}));
                     return absl::AbortedError("no");
                   })
                   .ok());
  FakeSink sink;
  AuditRelay relay(db(), sink);
  sink.next = absl::UnavailableError("ledger down");
  EXPECT_THAT(relay.Step(), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_OK(db().Exec("UPDATE audit_outbox SET create_time = now() - interval '1 hour'").status());
  EXPECT_OK(relay.ShowBacklog());
  EXPECT_EQ(MetricValue("psups_audit_outbox_pending"), 1);
  EXPECT_GE(MetricValue("psups_audit_outbox_oldest_seconds"), 3600);
  EXPECT_LT(MetricValue("psups_audit_outbox_oldest_seconds"), 3900);
  sink.next = absl::OkStatus();
  EXPECT_THAT(relay.Step(), testing::IsOkAndHolds(1));
  EXPECT_THAT(relay.Step(), testing::IsOkAndHolds(0));
  EXPECT_OK(relay.ShowBacklog());
  EXPECT_EQ(MetricValue("psups_audit_outbox_pending"), 0);
  EXPECT_EQ(MetricValue("psups_audit_outbox_oldest_seconds"), 0);
  ASSERT_EQ(sink.delivered.size(), 1u);
  const auto json = nlohmann::json::parse(sink.delivered[0]);
  EXPECT_EQ(json["action"], "thing.make");
  EXPECT_EQ(json["actor"], "svc");
  EXPECT_EQ(json["detail"]["n"], 1);
}

}  // namespace
}  // namespace psups
