#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The Merkle tree of RFC 6962 over SHA-256. Hashes are 32-byte strings.
namespace psups::audit_ledger {

inline constexpr std::size_t kHashSize = 32;

std::string LeafHash(std::string_view entry);
std::string NodeHash(std::string_view left, std::string_view right);

// A full subtree: the leaves [position << height, (position + 1) << height).
struct Subtree {
  int height = 0;
  int64_t position = 0;

  friend bool operator==(const Subtree&, const Subtree&) = default;
};

// Some leaves that follow each other: [begin, end).
struct LeafRange {
  int64_t begin = 0;
  int64_t end = 0;

  friend bool operator==(const LeafRange&, const LeafRange&) = default;
};

// A tree that grows: keeps the roots of the full subtrees it is made of, and no leaves.
class CompactTree {
 public:
  CompactTree() = default;
  // From what size() and frontier() gave. DATA_LOSS if they do not fit each other.
  static absl::StatusOr<CompactTree> From(int64_t size, std::string_view frontier);

  // Adds a leaf, and tells `on_full` of each full subtree of height ≥ 1 that it completes.
  void Append(std::string leaf_hash,
              const std::function<void(const Subtree&, const std::string&)>& on_full = nullptr);

  int64_t size() const { return size_; }
  std::string frontier() const;
  std::string Root() const;

 private:
  int64_t size_ = 0;
  std::vector<std::string> roots_;  // of the full subtrees, left to right
};

// The subtrees whose roots are the proof that leaf `index` stands in the tree of `size`, in RFC
// 6962's order. Wants 0 ≤ index < size.
std::vector<LeafRange> InclusionRanges(int64_t index, int64_t size);

// The same for: the tree of `second` begins with the tree of `first`. Wants 1 ≤ first ≤ second.
std::vector<LeafRange> ConsistencyRanges(int64_t first, int64_t second);

// The full subtrees that a range of a proof is made of, left to right; FoldRoots of their roots is
// the range's hash.
std::vector<Subtree> FullSubtrees(const LeafRange& range);
std::string FoldRoots(const std::vector<std::string>& roots);

// The root that follows from a leaf and its proof; to be compared with the one that is trusted.
// INVALID_ARGUMENT if the proof has not the length it must have.
absl::StatusOr<std::string> RootFromInclusion(int64_t index, int64_t size,
                                              std::string_view leaf_hash,
                                              const std::vector<std::string>& proof);

// OK if `proof` shows that the tree of `second` with `second_root` begins with the tree of `first`
// with `first_root`; DATA_LOSS if not.
absl::Status VerifyConsistency(int64_t first, std::string_view first_root, int64_t second,
                               std::string_view second_root, const std::vector<std::string>& proof);

}  // namespace psups::audit_ledger
