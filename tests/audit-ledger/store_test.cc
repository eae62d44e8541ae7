#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <pqxx/pqxx>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "services/audit-ledger/appender.h"
#include "services/audit-ledger/postgres.h"
#include "services/audit-ledger/proofs.h"
#include "tests/audit-ledger/fake_log_store.h"
#include "tests/audit-ledger/naive_tree.h"

namespace psups::audit_ledger {
namespace {

using ::psups::testing::HasCode;
using ::psups::testing::IsOk;
using ::psups::testing::IsOkAndHolds;
using ::psups::testing::ScratchSchema;
using ::testing::ElementsAre;
using ::testing::Not;

std::vector<Leaf> Leaves(int count, const std::string& prefix = "e") {
  std::vector<Leaf> leaves;
  for (int i = 0; i < count; ++i) {
    leaves.push_back(TestLeaf(absl::StrCat(prefix, i), absl::StrCat("orders/", i % 10)));
  }
  return leaves;
}

NaiveTree NaiveOf(const std::vector<Leaf>& leaves) {
  std::vector<std::string> entries;
  for (const Leaf& leaf : leaves) entries.push_back(leaf.entry);
  return NaiveTree(entries);
}

// What every store promises: the fake of the other tests, and the real one.
enum class Kind { kFake, kPostgres };

class LogStoreContract : public ::testing::TestWithParam<Kind> {
 protected:
  LogStoreContract() {
    if (GetParam() == Kind::kFake) {
      store_ = std::make_unique<FakeLogStore>();
    } else {
      schema_ = std::make_unique<ScratchSchema>("audit-ledger");
      store_ = MakePostgresLogStore(schema_->db());
    }
  }

  std::vector<int64_t> Indexes(const EntryFilter& filter, int limit = 100) {
    const std::vector<StoredEntry> entries = store_->List(filter, limit).value();
    std::vector<int64_t> indexes;
    for (const StoredEntry& entry : entries) indexes.push_back(entry.index);
    return indexes;
  }

  std::unique_ptr<ScratchSchema> schema_;
  std::unique_ptr<LogStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, LogStoreContract, ::testing::Values(Kind::kFake, Kind::kPostgres),
                         [](const auto& info) {
                           return info.param == Kind::kFake ? "Fake" : "Postgres";
                         });

TEST_P(LogStoreContract, EntriesStandInTheOrderTheyCameByteForByte) {
  const std::vector<Leaf> leaves = Leaves(3);
  ASSERT_OK_AND_ASSIGN(const Appended appended, store_->Append(leaves));
  EXPECT_EQ(appended.tree_size, 3);
  EXPECT_THAT(appended.duplicate, ElementsAre(false, false, false));
  ASSERT_OK_AND_ASSIGN(const auto entries, store_->List({}, 10));
  ASSERT_EQ(entries.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(entries[i].index, i);
    EXPECT_EQ(entries[i].entry, leaves[i].entry);
  }
}

TEST_P(LogStoreContract, ASecondOneOfAnEventIdIsLeftOut) {
  ASSERT_OK_AND_ASSIGN(const Appended first,
                       store_->Append({TestLeaf("a"), TestLeaf("b"), TestLeaf("a")}));
  EXPECT_THAT(first.duplicate, ElementsAre(false, false, true));
  EXPECT_EQ(first.tree_size, 2);
  ASSERT_OK_AND_ASSIGN(const Appended second, store_->Append({TestLeaf("c"), TestLeaf("b")}));
  EXPECT_THAT(second.duplicate, ElementsAre(false, true));
  EXPECT_EQ(second.tree_size, 3);
  ASSERT_OK_AND_ASSIGN(const Appended third, store_->Append({TestLeaf("a")}));
  EXPECT_THAT(third.duplicate, ElementsAre(true));
  EXPECT_EQ(third.tree_size, 3);
}

TEST_P(LogStoreContract, ListsByEachConditionAndRange) {
  const std::string trace(32, 'a');
  ASSERT_OK(store_->Append({TestLeaf("0", "orders/x", trace), TestLeaf("1", "orders/y", trace),
                            TestLeaf("2", "orders/x", "", "order.change"),
                            TestLeaf("3", "orders/x", trace)}));
  EXPECT_THAT(Indexes({.subject = "orders/x"}), ElementsAre(0, 2, 3));
  EXPECT_THAT(Indexes({.trace_id = trace}), ElementsAre(0, 1, 3));
  EXPECT_THAT(Indexes({.action = "order.change"}), ElementsAre(2));
  EXPECT_THAT(Indexes({.subject = "orders/x", .trace_id = trace}), ElementsAre(0, 3));
  EXPECT_THAT(Indexes({.begin = 1, .end = 3}), ElementsAre(1, 2));
  EXPECT_THAT(Indexes({.subject = "orders/x", .begin = 1}, 1), ElementsAre(2));
  EXPECT_THAT(Indexes({.subject = "orders/z"}), ElementsAre());
}

TEST_P(LogStoreContract, HeadAndProofsAreTheNaiveTrees) {
  // Over three stored nodes, and a rest.
  const std::vector<Leaf> leaves = Leaves(900);
  NaiveTree naive = NaiveOf(leaves);
  for (std::size_t at = 0; at < leaves.size(); at += 90) {
    ASSERT_OK(store_->Append({leaves.begin() + at, leaves.begin() + at + 90}));
  }
  EXPECT_EQ(store_->Head()->Root(), naive.Root(900));
  for (int size : {1, 2, 255, 256, 257, 512, 511, 770, 900}) {
    EXPECT_THAT(RootAt(*store_, size), IsOkAndHolds(naive.Root(size))) << size;
    for (int index : {0, size / 3, size - 1}) {
      EXPECT_THAT(HashRanges(*store_, InclusionRanges(index, size)),
                  IsOkAndHolds(naive.Path(index, size)))
          << index << " of " << size;
    }
    EXPECT_THAT(HashRanges(*store_, ConsistencyRanges(size, 900)),
                IsOkAndHolds(naive.Proof(size, 900)))
        << size;
  }
  EXPECT_THAT(RootAt(*store_, 901), HasCode(absl::StatusCode::kDataLoss));
}

TEST_P(LogStoreContract, ACheckpointOfASizeStandsForEver) {
  EXPECT_FALSE(store_->NewestCheckpoint(INT64_MAX)->has_value());
  SignedCheckpoint two = {.note = "two", .signature = "s2", .tree_size = 2, .root_hash = "r2"};
  SignedCheckpoint nine = {.note = "nine", .signature = "s9", .tree_size = 9, .root_hash = "r9"};
  ASSERT_OK(store_->AddCheckpoint(two));
  ASSERT_OK(store_->AddCheckpoint(nine));
  EXPECT_EQ(store_->NewestCheckpoint(8).value()->note, "two");
  EXPECT_EQ(store_->NewestCheckpoint(9).value()->signature, "s9");
  EXPECT_FALSE(store_->NewestCheckpoint(1)->has_value());
  two.note = "two again";
  EXPECT_EQ(store_->AddCheckpoint(two)->note, "two");
  two.root_hash = "another";
  EXPECT_THAT(store_->AddCheckpoint(two), HasCode(absl::StatusCode::kDataLoss));
}

TEST(PostgresLogStore, EightThreadsAppendWithoutGapOrLoss) {
  constexpr int kThreads = 8;
  constexpr int kEach = 200;
  ScratchSchema schema("audit-ledger");
  const auto store = MakePostgresLogStore(schema.db());
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        if (!store->Append({TestLeaf(absl::StrCat("t", t, "-", i))}).ok()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  ASSERT_OK_AND_ASSIGN(const auto entries, store->List({}, kThreads * kEach + 1));
  ASSERT_EQ(entries.size(), std::size_t{kThreads * kEach});
  std::vector<std::string> bytes;
  std::set<std::string> different;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSERT_EQ(entries[i].index, static_cast<int64_t>(i));
    if (i > 0) {
      EXPECT_GE(entries[i].append_time, entries[i - 1].append_time);
    }
    bytes.push_back(entries[i].entry);
    different.insert(entries[i].entry);
  }
  EXPECT_EQ(different.size(), entries.size());
  EXPECT_EQ(store->Head()->Root(), NaiveTree(bytes).Root(kThreads * kEach));
}

TEST(PostgresLogStore, ARestartGoesOnWhereItStopped) {
  ScratchSchema schema("audit-ledger");
  const std::vector<Leaf> leaves = Leaves(400);
  NaiveTree naive = NaiveOf(leaves);
  {
    Db db(schema.url(), 2);
    ASSERT_OK(MakePostgresLogStore(db)->Append({leaves.begin(), leaves.begin() + 301}));
  }
  Db db(schema.url(), 2);
  const auto store = MakePostgresLogStore(db);
  EXPECT_EQ(store->Head()->size(), 301);
  // The last of them comes again: its acknowledgement was lost.
  ASSERT_OK_AND_ASSIGN(const Appended appended,
                       store->Append({leaves.begin() + 300, leaves.end()}));
  EXPECT_TRUE(appended.duplicate[0]);
  EXPECT_EQ(appended.tree_size, 400);
  EXPECT_EQ(store->Head()->Root(), naive.Root(400));
  EXPECT_THAT(HashRanges(*store, ConsistencyRanges(301, 400)), IsOkAndHolds(naive.Proof(301, 400)));
}

TEST(PostgresLogStore, AppendsNothingWhenTheTransactionFails) {
  ScratchSchema schema("audit-ledger");
  const auto store = MakePostgresLogStore(schema.db());
  ASSERT_OK(store->Append({TestLeaf("a")}));
  Leaf impossible = TestLeaf("c");
  impossible.leaf_hash = "short";  // the table refuses it
  EXPECT_THAT(store->Append({TestLeaf("b"), impossible}), Not(IsOk()));
  EXPECT_EQ(store->Head()->size(), 1);
  EXPECT_EQ(store->List({}, 10)->size(), 1u);
  ASSERT_OK(store->Append({TestLeaf("b")}));
  EXPECT_EQ(store->Head()->size(), 2);
}

TEST(PostgresLogStore, AHoleIsSeen) {
  ScratchSchema schema("audit-ledger");
  const auto store = MakePostgresLogStore(schema.db());
  ASSERT_OK(store->Append(Leaves(20)));
  // Only the owner can do this, and must take the second lock off first.
  ASSERT_OK(schema.db().Exec("ALTER TABLE entries DISABLE TRIGGER append_only"));
  ASSERT_OK(schema.db().Exec("DELETE FROM entries WHERE entry_index = 7"));
  EXPECT_THAT(RootAt(*store, 20), HasCode(absl::StatusCode::kDataLoss));
}

// The service's role in a schema that deploy/postgres/roles.sql and the migrations prepared.
class AppRole {
 public:
  AppRole() : name_("ledger_test_" + Hex(RandomBytes(6))) {
    // As roles.sql does for each service: all four verbs on what the owner will create.
    Run("CREATE ROLE " + name_ + " LOGIN; CREATE SCHEMA " + name_ + "; GRANT USAGE ON SCHEMA " +
        name_ + " TO " + name_ + "; ALTER DEFAULT PRIVILEGES IN SCHEMA " + name_ +
        " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO " + name_);
    Run("SET search_path = " + name_ + ";" + Migration());
  }
  ~AppRole() { Run("DROP SCHEMA " + name_ + " CASCADE; DROP ROLE " + name_); }

  void Run(const std::string& sql) {
    pqxx::connection connection(std::getenv("PSUPS_TEST_DATABASE_URL"));
    pqxx::nontransaction tx(connection);
    tx.exec(sql);
  }

  // As the role, although it cannot log in to the test cluster by itself.
  std::string url() const {
    return absl::StrCat(std::getenv("PSUPS_TEST_DATABASE_URL"), " options='-c search_path=", name_,
                        " -c role=", name_, "'");
  }

 private:
  static std::string Migration() {
    const auto file =
        std::filesystem::path(PSUPS_SOURCE_DIR) / "services/audit-ledger/migrations/0001_init.sql";
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return text.substr(0, text.find("-- migrate:down"));
  }

  std::string name_;
};

TEST(AppRole, AppendsAndSignsButCannotChangeOrRemove) {
  AppRole role;
  Db db(role.url(), 2);
  const auto store = MakePostgresLogStore(db);
  ASSERT_OK(store->Append(Leaves(300)));
  ASSERT_OK(RootAt(*store, 300));
  ASSERT_OK(store->AddCheckpoint({.note = "n", .signature = "s", .tree_size = 300}));
  constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
  for (const char* sql :
       {"UPDATE entries SET entry = ''", "DELETE FROM entries", "TRUNCATE entries",
        "UPDATE nodes SET hash = hash", "DELETE FROM nodes", "TRUNCATE nodes",
        "UPDATE checkpoints SET note = ''", "DELETE FROM checkpoints", "TRUNCATE checkpoints",
        "DELETE FROM log_head", "TRUNCATE log_head",
        "INSERT INTO log_head (head_id, tree_size, frontier) VALUES (1, 0, '')"}) {
    EXPECT_THAT(db.Exec(sql), HasCode(kDenied)) << sql;
  }
  EXPECT_EQ(store->List({}, 1000)->size(), 300u);
}

TEST(AppRole, EvenARoleThatWasGrantedTooMuchIsRefused) {
  ScratchSchema schema("audit-ledger");
  const auto store = MakePostgresLogStore(schema.db());
  ASSERT_OK(store->Append(Leaves(300)));
  constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
  for (const char* sql :
       {"UPDATE entries SET entry = ''", "DELETE FROM entries", "TRUNCATE entries",
        "DELETE FROM nodes", "DELETE FROM checkpoints", "DELETE FROM log_head"}) {
    EXPECT_THAT(schema.db().Exec(sql), HasCode(kDenied)) << sql;
  }
}

}  // namespace
}  // namespace psups::audit_ledger
