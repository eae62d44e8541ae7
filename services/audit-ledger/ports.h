#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/audit-ledger/checkpoint.h"
#include "services/audit-ledger/entry.h"
#include "services/audit-ledger/merkle.h"

namespace psups::audit_ledger {

// An entry in its place.
struct StoredEntry {
  int64_t index = 0;
  std::string entry = {};
  absl::Time append_time = {};
};

// Which entries to list; an empty text is no condition.
struct EntryFilter {
  std::string subject = {};
  std::string trace_id = {};
  std::string action = {};
  int64_t begin = 0;
  int64_t end = INT64_MAX;
};

// What became of the leaves of one Append.
struct Appended {
  std::vector<bool> duplicate = {};  // for each leaf: its event_id stood already
  int64_t tree_size = 0;
};

// The log: entries without gaps, the tree over them, and what was signed.
class LogStore {
 public:
  virtual ~LogStore() = default;

  // Appends the leaves in one transaction, in their order, but those whose event_id stands in the
  // log or earlier in `leaves`. Appends nothing if it fails; concurrent ones queue.
  virtual absl::StatusOr<Appended> Append(const std::vector<Leaf>& leaves) = 0;

  virtual absl::StatusOr<CompactTree> Head() = 0;

  // By position, at most `limit`.
  virtual absl::StatusOr<std::vector<StoredEntry>> List(const EntryFilter& filter, int limit) = 0;

  // The roots of full subtrees that are within the log. DATA_LOSS if the log has a hole there.
  virtual absl::StatusOr<std::vector<std::string>> Roots(const std::vector<Subtree>& subtrees) = 0;

  // Keeps a checkpoint and returns what stands for its size: it, or the one that was there.
  // DATA_LOSS if that one has another root.
  virtual absl::StatusOr<SignedCheckpoint> AddCheckpoint(const SignedCheckpoint& checkpoint) = 0;

  // The newest of at most that size; nullopt if there is none.
  virtual absl::StatusOr<std::optional<SignedCheckpoint>> NewestCheckpoint(int64_t max_size) = 0;
};

}  // namespace psups::audit_ledger
