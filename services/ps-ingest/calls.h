#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/outbox.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// The calls to PeopleSoft that are not on record yet: in flight, or answered while the database was
// away. So the run's heartbeat can say which span may lack some. From any thread.
class OpenCalls {
 public:
  void Begin(const std::string& call_id, absl::Time now);
  // On record, with the outcome's transaction.
  void Recorded(const std::string& call_id);
  // The outcome could not be stored; its entry waits for the next heartbeat.
  void Unrecorded(const std::string& call_id, AuditEntry entry);

  // When the oldest open call began, or `now`.
  absl::Time Oldest(absl::Time now) const;
  std::vector<AuditEntry> Waiting() const;
  // Those entries are on record now.
  void Flushed(const std::vector<AuditEntry>& entries);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, absl::Time> begun_;
  std::map<std::string, AuditEntry> waiting_;  // by call id
};

// This run's sign of life.
class Heartbeat {
 public:
  Heartbeat(RunStore& store, OpenCalls& calls, std::string slot, absl::Duration dead_after);
  // Before the first call of the run.
  absl::Status Begin();
  absl::StatusOr<int> Step();
  // The run ends in order.
  void End();

 private:
  RunStore& store_;
  OpenCalls& calls_;
  const std::string run_id_;
  const std::string slot_;
  const absl::Duration dead_after_;
};

}  // namespace psups::ps_ingest
