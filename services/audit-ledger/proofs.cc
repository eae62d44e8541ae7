#include "services/audit-ledger/proofs.h"

#include "common/status_macros.h"

namespace psups::audit_ledger {

absl::StatusOr<std::vector<std::string>> HashRanges(LogStore& store,
                                                    const std::vector<LeafRange>& ranges) {
  std::vector<Subtree> wanted;
  std::vector<std::size_t> counts;
  for (const LeafRange& range : ranges) {
    const std::vector<Subtree> subtrees = FullSubtrees(range);
    wanted.insert(wanted.end(), subtrees.begin(), subtrees.end());
    counts.push_back(subtrees.size());
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> roots, store.Roots(wanted));
  std::vector<std::string> hashes;
  auto next = roots.begin();
  for (const std::size_t count : counts) {
    const auto end = next + static_cast<std::ptrdiff_t>(count);
    hashes.push_back(FoldRoots({next, end}));
    next = end;
  }
  return hashes;
}

absl::StatusOr<std::string> RootAt(LogStore& store, int64_t size) {
  ASSIGN_OR_RETURN(const std::vector<std::string> hashes, HashRanges(store, {{0, size}}));
  return hashes.front();
}

}  // namespace psups::audit_ledger
