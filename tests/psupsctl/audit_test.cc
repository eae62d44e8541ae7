#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/audit-ledger/appender.h"
#include "services/audit-ledger/checkpointer.h"
#include "services/audit-ledger/postgres.h"
#include "services/audit-ledger/service.h"
#include "tests/audit-ledger/fake_log_store.h"
#include "tests/audit-ledger/test_key.h"
#include "tests/psupsctl/runner.h"

// The ledger's own handlers on PostgreSQL, asked by the command line, exported, and verified by the
// program that shares nothing with either.
namespace psups::psupsctl {
namespace {

using audit_ledger::TestLeaf;
using ::psups::testing::ScratchSchema;
using ::testing::HasSubstr;

class AuditCommandTest : public ::testing::Test {
 protected:
  void Append(int count) {
    std::vector<audit_ledger::Leaf> leaves;
    for (int i = 0; i < count; ++i, ++appended_) {
      leaves.push_back(
          TestLeaf(absl::StrCat("e", appended_), absl::StrCat("orders/", appended_ % 3)));
    }
    ASSERT_OK(store_->Append(leaves));
  }

  // Somebody with the database owner's password.
  void Tamper(const std::string& sql) {
    for (const char* table : {"entries", "checkpoints"}) {
      ASSERT_OK(
          schema_.db().Exec(absl::StrCat("ALTER TABLE ", table, " DISABLE TRIGGER append_only")));
    }
    ASSERT_OK(schema_.db().Exec(sql));
  }

  int Python(const std::string& arguments) {
    return std::system(absl::StrCat("python3 ", PSUPS_SOURCE_DIR,
                                    "/tests/harness/verify_ledger.py ", arguments, " > ",
                                    runner_.Path("said"), " 2>&1")
                           .c_str());
  }

  ScratchSchema schema_{"audit-ledger"};
  std::unique_ptr<audit_ledger::LogStore> store_ = audit_ledger::MakePostgresLogStore(schema_.db());
  audit_ledger::Checkpointer checkpointer_{
      *store_, audit_ledger::Signer::FromPem(audit_ledger::NewKeyPem()).value(), "psups/test"};
  Executor executor_{2};
  audit_ledger::Appender appender_{*store_};
  audit_ledger::LedgerServer service_{*store_, appender_, checkpointer_, executor_};
  Runner runner_{{&service_}, "spiffe://psups/auditor/uma"};
  int appended_ = 0;
};

TEST_F(AuditCommandTest, AnExportIsVerifiedByTheIndependentProgram) {
  Append(1234);
  const Ran ran = runner_.Run({"audit", "export", "-o", runner_.Path("ledger.jsonl")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Python(runner_.Path("ledger.jsonl")), 0) << runner_.Read("said");
  EXPECT_EQ(runner_.Read("said"), "verified: 1234 entries under one signed checkpoint\n");
  const Ran verified = runner_.Run({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_EQ(verified.out, "verified: 1234 entries give the root that was signed\n");
}

TEST_F(AuditCommandTest, AnEmptyLedgerExportsAndVerifies) {
  EXPECT_EQ(runner_.Run({"audit", "export", "-o", runner_.Path("l")}).code, 0);
  EXPECT_EQ(Python(runner_.Path("l")), 0) << runner_.Read("said");
  EXPECT_EQ(runner_.Run({"audit", "verify"}).code, 0);
}

TEST_F(AuditCommandTest, AnEntryThatWasChangedInTheDatabaseIsFoundByBoth) {
  Append(50);
  ASSERT_EQ(runner_.Run({"audit", "checkpoint"}).code, 0);
  Tamper("UPDATE entries SET entry = '{\"event_id\":\"e7\"}' WHERE entry_index = 7");
  const Ran ran = runner_.Run({"audit", "verify"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("do not give the root that was signed"));
  EXPECT_EQ(runner_.Run({"audit", "proof", "7"}).code, 1);
  EXPECT_EQ(runner_.Run({"audit", "proof", "8"}).code, 0);
  ASSERT_EQ(runner_.Run({"audit", "export", "-o", runner_.Path("l")}).code, 0);
  EXPECT_NE(Python(runner_.Path("l")), 0);
  EXPECT_THAT(runner_.Read("said"), HasSubstr("do not give the root that was signed"));
}

TEST_F(AuditCommandTest, ALogThatWasMadeAnewIsFoundByACheckpointKeptOutside) {
  Append(20);
  runner_.Write("kept.json", runner_.Run({"audit", "checkpoint", "-o", "json"}).out);
  Append(10);
  EXPECT_EQ(runner_.Run({"audit", "verify", "--since", runner_.Path("kept.json")}).code, 0);
  // All of it is replaced, consistently, by somebody who has the signing key, too.
  Tamper("DELETE FROM entries");
  ASSERT_OK(schema_.db().Exec("DELETE FROM checkpoints"));
  ASSERT_OK(schema_.db().Exec("UPDATE log_head SET tree_size = 0, frontier = ''"));
  appended_ = 100;
  Append(30);
  EXPECT_EQ(runner_.Run({"audit", "verify"}).code, 0);
  const Ran ran = runner_.Run({"audit", "verify", "--since", runner_.Path("kept.json")});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("the first 20 entries are not those of the checkpoint"));
}

TEST_F(AuditCommandTest, ASignatureByAnotherKeyIsFound) {
  Append(5);
  runner_.Write("known.pem",
                audit_ledger::Signer::FromPem(audit_ledger::NewKeyPem())->public_key_pem());
  EXPECT_EQ(runner_.Run({"audit", "verify", "--key", runner_.Path("known.pem")}).code, 1);
  runner_.Write("right.pem", runner_.Run({"audit", "key"}).out);
  EXPECT_EQ(runner_.Run({"audit", "verify", "--key", runner_.Path("right.pem")}).code, 0);
}

TEST_F(AuditCommandTest, EntriesAreListedAndShownAsJson) {
  Append(9);
  const auto rows = runner_.Run({"audit", "list", "--subject", "orders/1", "-o", "json"}).json();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1]["index"], 4);
  EXPECT_EQ(rows[1]["entry"]["event_id"], "e4");
  EXPECT_EQ(runner_.Run({"audit", "get", "4"}).json()["entry"]["subject"], "orders/1");
  EXPECT_EQ(runner_.Run({"audit", "get", "9"}).code, 3);
  EXPECT_THAT(runner_.Run({"audit", "list"}).out, HasSubstr("order.store"));
  const Ran proof = runner_.Run({"audit", "proof", "4"});
  EXPECT_EQ(proof.code, 0) << proof.err;
  EXPECT_THAT(proof.out, HasSubstr("one of the 9 under the signed checkpoint"));
}

}  // namespace
}  // namespace psups::psupsctl
