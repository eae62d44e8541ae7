#include "services/audit-ledger/checkpointer.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "common/worker.h"
#include "services/audit-ledger/proofs.h"

namespace psups::audit_ledger {
namespace {

const GaugeMetric kTreeSize("psups_log_tree_size", "Entries in the log.");
const GaugeMetric kCheckpointSize("psups_log_checkpoint_size",
                                  "Entries under the newest signed checkpoint.");

}  // namespace

// Whether the stored leaves give the head, and begin with what was signed last.
absl::StatusOr<bool> Checkpointer::Extends(const CompactTree& head,
                                           const std::optional<SignedCheckpoint>& last) {
  ASSIGN_OR_RETURN(const std::string root, RootAt(store_, head.size()));
  if (root != head.Root()) return false;
  if (!last) return true;
  if (last->tree_size >= head.size()) return false;
  ASSIGN_OR_RETURN(const std::string last_root, RootAt(store_, last->tree_size));
  return last_root == last->root_hash;
}

absl::StatusOr<SignedCheckpoint> Checkpointer::Current() {
  ASSIGN_OR_RETURN(const std::optional<SignedCheckpoint> last, store_.NewestCheckpoint(INT64_MAX));
  ASSIGN_OR_RETURN(const CompactTree head, store_.Head());
  kTreeSize().Set(static_cast<double>(head.size()));
  if (last && last->tree_size == head.size() && last->root_hash == head.Root()) return *last;
  ASSIGN_OR_RETURN(const bool sound, Extends(head, last));
  if (!sound) {
    LogError("log_does_not_extend_checkpoint",
             {{"checkpoint_size", last ? last->tree_size : 0}, {"tree_size", head.size()}});
    return absl::DataLossError(absl::StrCat(
        "the log of ", head.size(), " entries does not begin with the ", last ? last->tree_size : 0,
        " that were signed: the database was changed; keep it as evidence"));
  }
  SignedCheckpoint checkpoint;
  checkpoint.tree_size = head.size();
  checkpoint.root_hash = head.Root();
  checkpoint.note = MakeNote(origin_, checkpoint.tree_size, checkpoint.root_hash);
  ASSIGN_OR_RETURN(checkpoint.signature, signer_.Sign(checkpoint.note));
  return store_.AddCheckpoint(checkpoint);
}

absl::StatusOr<int> Checkpointer::Step() {
  const absl::StatusOr<SignedCheckpoint> checkpoint = Current();
  if (checkpoint.ok()) last_signed_ = WallTime();
  // What the database's absence puts off waits safely, and is no due work.
  if (checkpoint.ok()) OldestDueSeconds("checkpoint").Set(0);
  if (absl::IsDataLoss(checkpoint.status())) {
    OldestDueSeconds("checkpoint").Set(absl::ToDoubleSeconds(WallTime() - last_signed_));
  }
  RETURN_IF_ERROR(checkpoint.status());
  kCheckpointSize().Set(static_cast<double>(checkpoint->tree_size));
  return 0;
}

}  // namespace psups::audit_ledger
