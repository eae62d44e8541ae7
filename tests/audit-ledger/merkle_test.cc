#include "services/audit-ledger/merkle.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/testing/status_matchers.h"
#include "tests/audit-ledger/naive_tree.h"

namespace psups::audit_ledger {
namespace {

using ::psups::testing::HasCode;
using ::psups::testing::IsOk;
using ::psups::testing::IsOkAndHolds;
using ::testing::Not;

constexpr int kMost = 300;

std::vector<std::string> Entries(int count) {
  std::vector<std::string> entries;
  for (int i = 0; i < count; ++i) entries.push_back(absl::StrCat("{\"n\":", i * i, "}"));
  return entries;
}

// A tree of 300 leaves with the hash of every full subtree in it.
class MerkleTest : public ::testing::Test {
 protected:
  MerkleTest() : entries_(Entries(kMost)), naive_(entries_) {
    CompactTree tree;
    for (int i = 0; i < kMost; ++i) {
      leaves_.push_back(LeafHash(entries_[i]));
      nodes_[{0, i}] = leaves_.back();
      tree.Append(leaves_.back(), [this](const Subtree& subtree, const std::string& hash) {
        nodes_[{subtree.height, subtree.position}] = hash;
      });
    }
  }

  std::vector<std::string> HashesOf(const std::vector<LeafRange>& ranges) {
    std::vector<std::string> hashes;
    for (const LeafRange& range : ranges) {
      std::vector<std::string> roots;
      for (const Subtree& subtree : FullSubtrees(range)) {
        roots.push_back(nodes_.at({subtree.height, subtree.position}));
      }
      hashes.push_back(FoldRoots(roots));
    }
    return hashes;
  }

  std::vector<std::string> entries_;
  NaiveTree naive_;
  std::vector<std::string> leaves_;
  std::map<std::pair<int, int64_t>, std::string> nodes_;
};

TEST(Rfc6962, KnownHashes) {
  EXPECT_EQ(Hex(CompactTree().Root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(LeafHash("")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST_F(MerkleTest, RootOfEverySizeIsTheNaiveOne) {
  CompactTree tree;
  EXPECT_EQ(tree.Root(), naive_.Root(0));
  for (int size = 1; size <= kMost; ++size) {
    tree.Append(leaves_[size - 1]);
    EXPECT_EQ(tree.size(), size);
    EXPECT_EQ(tree.Root(), naive_.Root(size)) << size;
  }
}

TEST_F(MerkleTest, TreeGoesOnFromItsFrontier) {
  for (int cut : {0, 1, 2, 7, 8, 255, 256, 299}) {
    CompactTree tree;
    for (int i = 0; i < cut; ++i) tree.Append(leaves_[i]);
    ASSERT_OK_AND_ASSIGN(CompactTree again, CompactTree::From(tree.size(), tree.frontier()));
    for (int i = cut; i < kMost; ++i) again.Append(leaves_[i]);
    EXPECT_EQ(again.Root(), naive_.Root(kMost)) << cut;
  }
}

TEST(CompactTree, RefusesAFrontierThatDoesNotFitItsSize) {
  const std::string hash(32, 'h');
  EXPECT_THAT(CompactTree::From(4, hash), IsOk());
  EXPECT_THAT(CompactTree::From(3, hash), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(CompactTree::From(0, hash), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(CompactTree::From(-1, hash), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(MerkleTest, InclusionProofsAreTheNaiveOnesAndVerify) {
  for (int size = 1; size <= kMost; ++size) {
    for (int index = 0; index < size; ++index) {
      const std::vector<std::string> proof = HashesOf(InclusionRanges(index, size));
      ASSERT_EQ(proof, naive_.Path(index, size)) << index << " of " << size;
      ASSERT_THAT(RootFromInclusion(index, size, leaves_[index], proof),
                  IsOkAndHolds(naive_.Root(size)))
          << index << " of " << size;
    }
  }
}

TEST_F(MerkleTest, ConsistencyProofsAreTheNaiveOnesAndVerify) {
  for (int second = 1; second <= kMost; ++second) {
    for (int first = 1; first <= second; ++first) {
      const std::vector<std::string> proof = HashesOf(ConsistencyRanges(first, second));
      ASSERT_EQ(proof, naive_.Proof(first, second)) << first << " to " << second;
      ASSERT_OK(VerifyConsistency(first, naive_.Root(first), second, naive_.Root(second), proof))
          << first << " to " << second;
    }
  }
}

TEST_F(MerkleTest, AChangedInclusionProofGivesAnotherRootOrNone) {
  for (int size : {1, 2, 3, 7, 8, 130, 300}) {
    for (int index : {0, size / 2, size - 1}) {
      const std::vector<std::string> proof = naive_.Path(index, size);
      const std::string root = naive_.Root(size);
      for (std::size_t i = 0; i < proof.size(); ++i) {
        std::vector<std::string> changed = proof;
        changed[i][5] ^= 1;
        EXPECT_THAT(RootFromInclusion(index, size, leaves_[index], changed),
                    IsOkAndHolds(::testing::Ne(root)));
      }
      std::vector<std::string> longer = proof;
      longer.push_back(root);
      EXPECT_THAT(RootFromInclusion(index, size, leaves_[index], longer), Not(IsOk()));
      if (!proof.empty()) {
        const std::vector<std::string> shorter(proof.begin(), proof.end() - 1);
        EXPECT_THAT(RootFromInclusion(index, size, leaves_[index], shorter), Not(IsOk()));
      }
      EXPECT_THAT(RootFromInclusion(size, size, leaves_[index], proof), Not(IsOk()));
    }
  }
}

TEST_F(MerkleTest, AChangedConsistencyProofIsRefused) {
  for (const auto& [first, second] :
       std::vector<std::pair<int, int>>{{1, 2}, {3, 7}, {4, 8}, {100, 300}, {256, 300}}) {
    const std::vector<std::string> proof = naive_.Proof(first, second);
    const std::string first_root = naive_.Root(first);
    const std::string second_root = naive_.Root(second);
    for (std::size_t i = 0; i < proof.size(); ++i) {
      std::vector<std::string> changed = proof;
      changed[i][31] ^= 0x80;
      EXPECT_THAT(VerifyConsistency(first, first_root, second, second_root, changed),
                  HasCode(absl::StatusCode::kDataLoss));
    }
    EXPECT_THAT(VerifyConsistency(first, naive_.Root(first + 1), second, second_root, proof),
                Not(IsOk()));
    EXPECT_THAT(VerifyConsistency(first, first_root, second, naive_.Root(second - 1), proof),
                Not(IsOk()));
    EXPECT_THAT(VerifyConsistency(first, first_root, second, second_root, {}), Not(IsOk()));
    EXPECT_THAT(VerifyConsistency(second, second_root, first, first_root, proof), Not(IsOk()));
  }
}

}  // namespace
}  // namespace psups::audit_ledger
