#include "services/audit-ledger/service.h"

#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/testing/metric_value.h"
#include "common/testing/status_matchers.h"
#include "tests/audit-ledger/fake_log_store.h"
#include "tests/audit-ledger/test_key.h"

namespace psups::audit_ledger {
namespace {

namespace pb = psups::audit::v1;
using ::psups::testing::HasCode;
using ::psups::testing::IsOk;
using ::psups::testing::IsOkAndHolds;
using ::testing::HasSubstr;
using ::testing::Not;

class ServiceTest : public ::testing::Test {
 protected:
  void Fill(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_OK(store_.Append({TestLeaf(absl::StrCat("e", filled_++))}));
    }
  }

  FakeLogStore store_;
  Checkpointer checkpointer_{store_, Signer::FromPem(NewKeyPem()).value(), "psups/test"};
  int filled_ = 0;
};

TEST_F(ServiceTest, AppendRefusesTheRequestThatHoldsABadEntryAndNamesIt) {
  pb::AppendEntriesRequest request;
  const Caller caller = {.service = "ps-ingest"};
  EXPECT_THAT(LeavesOf(request, caller), HasCode(absl::StatusCode::kInvalidArgument));
  for (const char* id : {"a", "b"}) {
    pb::NewEntry* entry = request.add_entries();
    entry->set_event_id(id);
    entry->set_entry(TestLeaf(id).entry);
  }
  EXPECT_THAT(LeavesOf(request, caller), IsOk());
  request.mutable_entries(1)->set_entry("{}");
  const auto leaves = LeavesOf(request, caller);
  EXPECT_THAT(leaves, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(leaves.status().message()), HasSubstr("entries[1].event_id"));
}

TEST_F(ServiceTest, AStepShowsTheHeadAndWhatOfItIsSigned) {
  Fill(3);
  ASSERT_OK(checkpointer_.Step());
  EXPECT_EQ(MetricValue("psups_log_tree_size"), 3);
  EXPECT_EQ(MetricValue("psups_log_checkpoint_size"), 3);
  EXPECT_EQ(MetricValue("psups_worker_oldest_due_seconds", {{"worker", "checkpoint"}}), 0);
}

TEST_F(ServiceTest, AppendTakesAtMostAThousand) {
  pb::AppendEntriesRequest request;
  for (int i = 0; i < 1001; ++i) {
    pb::NewEntry* entry = request.add_entries();
    entry->set_event_id(absl::StrCat("e", i));
    entry->set_entry(TestLeaf(entry->event_id()).entry);
  }
  EXPECT_THAT(LeavesOf(request, {.service = "ps-ingest"}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(ServiceTest, EachOfManyRequestsHearsOfItsOwnDuplicates) {
  Appender appender(store_);
  std::vector<std::future<absl::StatusOr<Appender::Result>>> results;
  for (int i = 0; i < 100; ++i) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Appender::Result>>>();
    results.push_back(promise->get_future());
    // Every request brings "same" and one of its own.
    appender.Append({TestLeaf("same"), TestLeaf(absl::StrCat("own", i))},
                    [promise](auto result) { promise->set_value(std::move(result)); });
  }
  int duplicates = 0;
  for (auto& result : results) {
    const auto value = result.get();
    ASSERT_OK(value);
    duplicates += value->duplicate_count;
  }
  EXPECT_EQ(duplicates, 99);
  EXPECT_EQ(store_.Head()->size(), 101);
  EXPECT_LE(store_.append_count, 100);
}

TEST_F(ServiceTest, AFailedAppendIsToldToEveryRequestOfTheGroup) {
  store_.error = absl::UnavailableError("the database is down");
  Appender appender(store_);
  std::promise<absl::StatusOr<Appender::Result>> promise;
  appender.Append({TestLeaf("a")}, [&](auto result) { promise.set_value(std::move(result)); });
  EXPECT_THAT(promise.get_future().get(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ServiceTest, PagesLeadThroughTheWholeLog) {
  Fill(250);
  pb::ListEntriesRequest request;
  request.set_page_size(100);
  std::vector<int64_t> seen;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, List(store_, request));
    for (const pb::Entry& entry : page.entries()) seen.push_back(entry.index());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(seen.size(), 250u);
  for (int i = 0; i < 250; ++i) EXPECT_EQ(seen[i], i);
}

TEST_F(ServiceTest, APageEndsBeforeItIsTooLargeToSend) {
  for (int i = 0; i < 100; ++i) {
    Leaf leaf = TestLeaf(absl::StrCat("e", i));
    leaf.entry.append(kMostEntryBytes - leaf.entry.size(), ' ');
    ASSERT_OK(store_.Append({leaf}));
  }
  pb::ListEntriesRequest request;
  request.set_page_size(1000);
  ASSERT_OK_AND_ASSIGN(const auto page, List(store_, request));
  EXPECT_LT(page.ByteSizeLong(), 4u << 20);
  EXPECT_EQ(page.next_page_token(), absl::StrCat(page.entries_size()));
}

TEST_F(ServiceTest, ListRefusesWhatItCannotMean) {
  pb::ListEntriesRequest request;
  request.set_page_size(1001);
  EXPECT_THAT(List(store_, request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_page_size(0);
  request.set_page_token("x");
  EXPECT_THAT(List(store_, request), HasCode(absl::StatusCode::kInvalidArgument));
  request.clear_page_token();
  request.set_start_index(-1);
  EXPECT_THAT(List(store_, request), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(ServiceTest, GetEntryKnowsWhatIsThere) {
  Fill(3);
  pb::GetEntryRequest request;
  request.set_index(2);
  ASSERT_OK_AND_ASSIGN(const pb::Entry entry, Get(store_, request));
  EXPECT_EQ(entry.index(), 2);
  EXPECT_EQ(entry.entry(), TestLeaf("e2").entry);
  request.set_index(3);
  EXPECT_THAT(Get(store_, request), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ServiceTest, CheckpointSignsTheHeadOnceAndAgainWhenItMoved) {
  Fill(5);
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint first, GetCheckpointAt(store_, checkpointer_, {}));
  EXPECT_EQ(first.tree_size(), 5);
  EXPECT_EQ(first.note(), absl::StrCat("psups/test\n5\n", Base64(store_.Head()->Root()), "\n"));
  EXPECT_OK(VerifySignature(checkpointer_.public_key_pem(), first.note(), first.signature()));
  EXPECT_THAT(
      VerifySignature(checkpointer_.public_key_pem(), first.note() + " ", first.signature()),
      HasCode(absl::StatusCode::kDataLoss));
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint again, GetCheckpointAt(store_, checkpointer_, {}));
  EXPECT_EQ(again.note(), first.note());
  Fill(1);
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint second, GetCheckpointAt(store_, checkpointer_, {}));
  EXPECT_EQ(second.tree_size(), 6);
  pb::GetCheckpointRequest older;
  older.set_max_size(5);
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint found, GetCheckpointAt(store_, checkpointer_, older));
  EXPECT_EQ(found.note(), first.note());
  older.set_max_size(4);
  EXPECT_THAT(GetCheckpointAt(store_, checkpointer_, older), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ServiceTest, AnEmptyLogHasACheckpointToo) {
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint empty, GetCheckpointAt(store_, checkpointer_, {}));
  EXPECT_EQ(empty.tree_size(), 0);
  EXPECT_EQ(empty.root_hash(), Sha256(""));
  Fill(1);
  EXPECT_THAT(checkpointer_.Step(), IsOkAndHolds(0));
  EXPECT_EQ(store_.NewestCheckpoint(INT64_MAX).value()->tree_size, 1);
}

TEST_F(ServiceTest, NothingIsSignedOverALogThatWasChanged) {
  Fill(5);
  ASSERT_OK(checkpointer_.Step());
  store_.Tamper(2, "{\"nothing\":\"happened\"}");
  EXPECT_THAT(checkpointer_.Step(), HasCode(absl::StatusCode::kDataLoss));
  Fill(3);
  EXPECT_THAT(checkpointer_.Step(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_EQ(store_.NewestCheckpoint(INT64_MAX).value()->tree_size, 5);
}

TEST_F(ServiceTest, ProofsVerifyAgainstTheCheckpoint) {
  Fill(77);
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint first, GetCheckpointAt(store_, checkpointer_, {}));
  Fill(200);
  ASSERT_OK_AND_ASSIGN(const pb::Checkpoint second, GetCheckpointAt(store_, checkpointer_, {}));
  pb::GetInclusionProofRequest inclusion;
  inclusion.set_index(33);
  inclusion.set_tree_size(277);
  ASSERT_OK_AND_ASSIGN(const pb::Proof proof, ProveInclusion(store_, inclusion));
  EXPECT_THAT(RootFromInclusion(33, 277, TestLeaf("e33").leaf_hash,
                                {proof.hashes().begin(), proof.hashes().end()}),
              IsOkAndHolds(second.root_hash()));
  pb::GetConsistencyProofRequest consistency;
  consistency.set_first_size(77);
  consistency.set_second_size(277);
  ASSERT_OK_AND_ASSIGN(const pb::Proof steps, ProveConsistency(store_, consistency));
  EXPECT_OK(VerifyConsistency(77, first.root_hash(), 277, second.root_hash(),
                              {steps.hashes().begin(), steps.hashes().end()}));
}

TEST_F(ServiceTest, ProofsOfWhatIsNotThereAreOutOfRange) {
  Fill(5);
  pb::GetInclusionProofRequest inclusion;
  inclusion.set_index(4);
  inclusion.set_tree_size(6);
  EXPECT_THAT(ProveInclusion(store_, inclusion), HasCode(absl::StatusCode::kOutOfRange));
  inclusion.set_index(5);
  inclusion.set_tree_size(5);
  EXPECT_THAT(ProveInclusion(store_, inclusion), HasCode(absl::StatusCode::kOutOfRange));
  inclusion.set_index(-1);
  EXPECT_THAT(ProveInclusion(store_, inclusion), HasCode(absl::StatusCode::kInvalidArgument));
  pb::GetConsistencyProofRequest consistency;
  consistency.set_first_size(0);
  consistency.set_second_size(5);
  EXPECT_THAT(ProveConsistency(store_, consistency), HasCode(absl::StatusCode::kInvalidArgument));
  consistency.set_first_size(5);
  consistency.set_second_size(4);
  EXPECT_THAT(ProveConsistency(store_, consistency), HasCode(absl::StatusCode::kOutOfRange));
  consistency.set_second_size(6);
  EXPECT_THAT(ProveConsistency(store_, consistency), HasCode(absl::StatusCode::kOutOfRange));
}

TEST(Signer, RefusesWhatIsNoEd25519KeyAndDoesNotRepeatIt) {
  const auto signer = Signer::FromPem("-----BEGIN PRIVATE KEY-----\nsecret\n");
  EXPECT_THAT(signer, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(signer.status().message()), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace psups::audit_ledger
