#include "services/audit-ledger/merkle.h"

#include <bit>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"

namespace psups::audit_ledger {
namespace {

using Hashes = std::span<const std::string>;

// Where a tree of `size` leaves, at least 2, splits: the greatest power of two below `size`.
int64_t Split(int64_t size) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(size - 1)));
}

void AddInclusion(int64_t index, LeafRange tree, std::vector<LeafRange>& ranges) {
  if (tree.end - tree.begin == 1) return;
  const int64_t middle = tree.begin + Split(tree.end - tree.begin);
  const LeafRange left = {tree.begin, middle};
  const LeafRange right = {middle, tree.end};
  if (index < middle) {
    AddInclusion(index, left, ranges);
    ranges.push_back(right);
  } else {
    AddInclusion(index, right, ranges);
    ranges.push_back(left);
  }
}

// `known`: the verifier has the root of the smaller tree, so that it need not be in the proof.
void AddConsistency(int64_t first_end, LeafRange tree, bool known, std::vector<LeafRange>& ranges) {
  if (first_end == tree.end) {
    if (!known) ranges.push_back(tree);
    return;
  }
  const int64_t middle = tree.begin + Split(tree.end - tree.begin);
  const LeafRange left = {tree.begin, middle};
  const LeafRange right = {middle, tree.end};
  if (first_end <= middle) {
    AddConsistency(first_end, left, known, ranges);
    ranges.push_back(right);
  } else {
    AddConsistency(first_end, right, false, ranges);
    ranges.push_back(left);
  }
}

std::optional<std::string> InclusionRoot(int64_t index, int64_t size, std::string_view leaf_hash,
                                         Hashes proof) {
  if (size == 1) return proof.empty() ? std::optional(std::string(leaf_hash)) : std::nullopt;
  if (proof.empty()) return std::nullopt;
  const int64_t split = Split(size);
  const std::string& sibling = proof.back();
  const Hashes rest = proof.first(proof.size() - 1);
  if (index < split) {
    const auto left = InclusionRoot(index, split, leaf_hash, rest);
    return left ? std::optional(NodeHash(*left, sibling)) : std::nullopt;
  }
  const auto right = InclusionRoot(index - split, size - split, leaf_hash, rest);
  return right ? std::optional(NodeHash(sibling, *right)) : std::nullopt;
}

struct TwoRoots {
  std::string first;
  std::string second;
};

std::optional<TwoRoots> ConsistencyRoots(int64_t first, int64_t second,
                                         const std::string* known_root, Hashes proof) {
  if (first == second) {
    if (known_root != nullptr) {
      return proof.empty() ? std::optional(TwoRoots{*known_root, *known_root}) : std::nullopt;
    }
    return proof.size() == 1 ? std::optional(TwoRoots{proof[0], proof[0]}) : std::nullopt;
  }
  if (proof.empty()) return std::nullopt;
  const int64_t split = Split(second);
  const std::string& sibling = proof.back();
  const Hashes rest = proof.first(proof.size() - 1);
  if (first <= split) {
    const auto left = ConsistencyRoots(first, split, known_root, rest);
    if (!left) return std::nullopt;
    return TwoRoots{left->first, NodeHash(left->second, sibling)};
  }
  const auto right = ConsistencyRoots(first - split, second - split, nullptr, rest);
  if (!right) return std::nullopt;
  return TwoRoots{NodeHash(sibling, right->first), NodeHash(sibling, right->second)};
}

}  // namespace

std::string LeafHash(std::string_view entry) {
  std::string bytes(1, '\x00');
  bytes.append(entry);
  return Sha256(bytes);
}

std::string NodeHash(std::string_view left, std::string_view right) {
  std::string bytes(1, '\x01');
  bytes.append(left).append(right);
  return Sha256(bytes);
}

absl::StatusOr<CompactTree> CompactTree::From(int64_t size, std::string_view frontier) {
  const int count = std::popcount(static_cast<uint64_t>(size));
  if (size < 0 || frontier.size() != count * kHashSize) {
    return absl::DataLossError(absl::StrCat("the head of the log is broken: size ", size, " with ",
                                            frontier.size(), " bytes of frontier, want ",
                                            count * kHashSize));
  }
  CompactTree tree;
  tree.size_ = size;
  for (; !frontier.empty(); frontier.remove_prefix(kHashSize)) {
    tree.roots_.emplace_back(frontier.substr(0, kHashSize));
  }
  return tree;
}

void CompactTree::Append(std::string leaf_hash,
                         const std::function<void(const Subtree&, const std::string&)>& on_full) {
  std::string hash = std::move(leaf_hash);
  for (int height = 0; (size_ >> height) & 1; ++height) {
    hash = NodeHash(roots_.back(), hash);
    roots_.pop_back();
    if (on_full) on_full({.height = height + 1, .position = size_ >> (height + 1)}, hash);
  }
  roots_.push_back(std::move(hash));
  ++size_;
}

std::string CompactTree::frontier() const {
  std::string bytes;
  for (const std::string& root : roots_) bytes += root;
  return bytes;
}

std::string CompactTree::Root() const { return FoldRoots(roots_); }

std::vector<LeafRange> InclusionRanges(int64_t index, int64_t size) {
  std::vector<LeafRange> ranges;
  AddInclusion(index, {0, size}, ranges);
  return ranges;
}

std::vector<LeafRange> ConsistencyRanges(int64_t first, int64_t second) {
  std::vector<LeafRange> ranges;
  AddConsistency(first, {0, second}, /*known=*/true, ranges);
  return ranges;
}

std::vector<Subtree> FullSubtrees(const LeafRange& range) {
  std::vector<Subtree> subtrees;
  int64_t begin = range.begin;
  while (begin < range.end) {
    const int height = std::bit_width(static_cast<uint64_t>(range.end - begin)) - 1;
    subtrees.push_back({.height = height, .position = begin >> height});
    begin += int64_t{1} << height;
  }
  return subtrees;
}

std::string FoldRoots(const std::vector<std::string>& roots) {
  if (roots.empty()) return Sha256("");
  std::string hash = roots.back();
  for (std::size_t i = roots.size() - 1; i > 0; --i) hash = NodeHash(roots[i - 1], hash);
  return hash;
}

absl::StatusOr<std::string> RootFromInclusion(int64_t index, int64_t size,
                                              std::string_view leaf_hash,
                                              const std::vector<std::string>& proof) {
  std::optional<std::string> root;
  if (index >= 0 && index < size) root = InclusionRoot(index, size, leaf_hash, proof);
  if (!root) {
    return absl::InvalidArgumentError(absl::StrCat("a proof of ", proof.size(),
                                                   " hashes cannot be that of entry ", index,
                                                   " in a tree of ", size));
  }
  return *std::move(root);
}

absl::Status VerifyConsistency(int64_t first, std::string_view first_root, int64_t second,
                               std::string_view second_root,
                               const std::vector<std::string>& proof) {
  std::optional<TwoRoots> roots;
  const std::string known(first_root);
  if (first >= 1 && first <= second) roots = ConsistencyRoots(first, second, &known, proof);
  if (!roots || roots->first != first_root || roots->second != second_root) {
    return absl::DataLossError(absl::StrCat(
        "the log of ", second, " entries is not shown to begin with the one of ", first));
  }
  return absl::OkStatus();
}

}  // namespace psups::audit_ledger
