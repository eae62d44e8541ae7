#include "services/ps-ingest/calls.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace psups::ps_ingest {

void OpenCalls::Begin(const std::string& call_id, absl::Time now) {
  std::lock_guard lock(mutex_);
  begun_.emplace(call_id, now);
}

void OpenCalls::Recorded(const std::string& call_id) {
  std::lock_guard lock(mutex_);
  begun_.erase(call_id);
  waiting_.erase(call_id);
}

void OpenCalls::Unrecorded(const std::string& call_id, AuditEntry entry) {
  std::lock_guard lock(mutex_);
  waiting_.insert_or_assign(call_id, std::move(entry));
}

absl::Time OpenCalls::Oldest(absl::Time now) const {
  std::lock_guard lock(mutex_);
  absl::Time oldest = now;
  for (const auto& [call_id, begun] : begun_) oldest = std::min(oldest, begun);
  return oldest;
}

std::vector<AuditEntry> OpenCalls::Waiting() const {
  std::lock_guard lock(mutex_);
  std::vector<AuditEntry> entries;
  for (const auto& [call_id, entry] : waiting_) entries.push_back(entry);
  return entries;
}

void OpenCalls::Flushed(const std::vector<AuditEntry>& entries) {
  for (const AuditEntry& entry : entries) Recorded(entry.event_id);
}

Heartbeat::Heartbeat(RunStore& store, OpenCalls& calls, std::string slot, absl::Duration dead_after)
    : store_(store),
      calls_(calls),
      run_id_(RandomHex128()),
      slot_(std::move(slot)),
      dead_after_(dead_after) {}

absl::Status Heartbeat::Begin() { return store_.Begin(run_id_, slot_); }

absl::StatusOr<int> Heartbeat::Step() {
  const std::vector<AuditEntry> waiting = calls_.Waiting();
  const absl::Time oldest = calls_.Oldest(WallTime());
  RETURN_IF_ERROR(store_.Beat(run_id_, slot_, oldest, dead_after_, waiting));
  calls_.Flushed(waiting);
  return 0;
}

void Heartbeat::End() {
  // A call that is still open leaves the run's end unclean: the next run names the span.
  const absl::Time now = WallTime();
  const std::vector<AuditEntry> waiting = calls_.Waiting();
  calls_.Flushed(waiting);
  if (calls_.Oldest(now) < now) return;
  if (const absl::Status ended = store_.End(run_id_, waiting); !ended.ok()) {
    LogWarning("run_end_not_stored", {{"status", ended}});
  }
}

}  // namespace psups::ps_ingest
