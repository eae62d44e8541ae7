#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/audit_client.h"
#include "common/server.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "common/testing/test_authority.h"
#include "services/audit-ledger/postgres.h"
#include "services/audit-ledger/service.h"
#include "tests/audit-ledger/fake_log_store.h"
#include "tests/audit-ledger/test_key.h"

// The service as its peers see it: by gRPC and mTLS, on PostgreSQL.
namespace psups::audit_ledger {
namespace {

namespace pb = psups::audit::v1;
using ::psups::testing::HasCode;
using ::psups::testing::ScratchSchema;
using ::psups::testing::TestAuthority;

class LedgerRpcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/audit-ledger"),
                                .services = {&service_}}));
  }

  std::shared_ptr<grpc::Channel> ChannelAs(const std::string& identity) {
    return MakeChannel(absl::StrCat("localhost:", server_->port()),
                       authority_.Issue("spiffe://psups/" + identity));
  }

  static AuditSink::Entry EntryOf(const std::string& id) { return {id, TestLeaf(id).entry}; }

  ScratchSchema schema_{"audit-ledger"};
  std::unique_ptr<LogStore> store_ = MakePostgresLogStore(schema_.db());
  Checkpointer checkpointer_{*store_, Signer::FromPem(NewKeyPem()).value(), "psups/test"};
  Executor executor_{2};
  Appender appender_{*store_};
  LedgerServer service_{*store_, appender_, checkpointer_, executor_};
  TestAuthority authority_;
  std::unique_ptr<Server> server_;
};

TEST_F(LedgerRpcTest, RelaysThatSendAgainAddNothing) {
  const auto sink = MakeLedgerSink(ChannelAs("service/ps-ingest"));
  ASSERT_OK(sink->Append({EntryOf("a"), EntryOf("b")}));
  ASSERT_OK(sink->Append({EntryOf("a"), EntryOf("b"), EntryOf("c")}));
  EXPECT_EQ(store_->Head()->size(), 3);
}

TEST_F(LedgerRpcTest, ManyCallersShareTheLogWithoutLoss) {
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const auto sink = MakeLedgerSink(ChannelAs("service/ps-ingest"));
      for (int i = 0; i < 25; ++i) {
        // Of each two neighbours one is another thread's as well.
        if (!sink->Append({EntryOf(absl::StrCat("t", t, "-", i)),
                           EntryOf(absl::StrCat("shared-", t / 2, "-", i))})
                 .ok()) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(store_->Head()->size(), 8 * 25 + 4 * 25);
  EXPECT_OK(checkpointer_.Step());
}

TEST_F(LedgerRpcTest, NobodyAppendsButServicesAndEachInItsOwnName) {
  EXPECT_THAT(MakeLedgerSink(ChannelAs("admin/ann"))->Append({EntryOf("a")}),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(MakeLedgerSink(ChannelAs("service/audit-ledger"))->Append({EntryOf("a")}),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(MakeLedgerSink(ChannelAs("service/ups-gateway"))->Append({EntryOf("a")}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(store_->Head()->size(), 0);
}

TEST_F(LedgerRpcTest, ABadEntryHarmsNoOtherRequest) {
  const auto sink = MakeLedgerSink(ChannelAs("service/ps-ingest"));
  std::thread bad([&] {
    EXPECT_THAT(sink->Append({EntryOf("x"), {"y", "no JSON"}}),
                HasCode(absl::StatusCode::kInvalidArgument));
  });
  EXPECT_OK(sink->Append({EntryOf("a")}));
  bad.join();
  EXPECT_EQ(store_->Head()->size(), 1);
}

TEST_F(LedgerRpcTest, AViewerReads) {
  ASSERT_OK(store_->Append({TestLeaf("a")}));
  pb::AuditService::Stub stub(ChannelAs("viewer/vic"));
  ASSERT_OK_AND_ASSIGN(const pb::Entry entry, CallPeer(stub, &pb::AuditService::Stub::GetEntry,
                                                       pb::GetEntryRequest(), absl::Seconds(10)));
  EXPECT_EQ(entry.entry(), TestLeaf("a").entry);
  EXPECT_GT(entry.append_time().seconds(), 1'700'000'000);
}

}  // namespace
}  // namespace psups::audit_ledger
