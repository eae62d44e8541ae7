#include "common/outbox.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/metrics.h"
#include "common/status_macros.h"

namespace psups {
namespace {

const GaugeMetric kPending("psups_audit_outbox_pending", "Audit entries not in the ledger yet.");
const GaugeMetric kOldest(
    "psups_audit_outbox_oldest_seconds",
    "Age of the oldest audit entry that is not in the ledger yet; 0 if none.");

constexpr int kBatch = 500;
// Below what a gRPC server takes in one message, with room for a last large entry.
constexpr std::size_t kMostBytes = 8 << 20;

}  // namespace

OutboxRows ToOutboxRows(std::string_view service, const std::vector<AuditEntry>& entries) {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", WallTime(), absl::UTCTimeZone());
  OutboxRows rows;
  for (const AuditEntry& entry : entries) {
    const std::string id = entry.event_id.empty() ? RandomHex128() : entry.event_id;
    const nlohmann::ordered_json json = {{"event_id", id},
                                         {"time", time},
                                         {"service", service},
                                         {"actor", entry.actor.empty() ? service : entry.actor},
                                         {"action", entry.action},
                                         {"subject", entry.subject},
                                         {"trace_id", entry.trace_id},
                                         {"detail", entry.detail}};
    rows.event_ids.push_back(id);
    rows.entries.push_back(
        {json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)});
  }
  return rows;
}

std::string InsertIntoOutbox(std::string_view rows) {
  return absl::StrCat("INSERT INTO audit_outbox (event_id, entry) ",
                      absl::string_view(rows.data(), rows.size()),
                      " ON CONFLICT (event_id) DO NOTHING");
}

absl::Status AppendAudit(Tx& tx, std::string_view service, const std::vector<AuditEntry>& entries) {
  if (entries.empty()) return absl::OkStatus();
  OutboxRows rows = ToOutboxRows(service, entries);
  return tx
      .Exec(InsertIntoOutbox("SELECT * FROM unnest($1::text[], $2::bytea[])"),
            {rows.event_ids, rows.entries})
      .status();
}

absl::StatusOr<int> AuditRelay::Step() {
  // No transaction stays open over the call. Two replicas may deliver the same entries; the ledger
  // drops the second by event_id.
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT event_id, entry FROM audit_outbox ORDER BY create_time LIMIT $1", {kBatch}));
  if (rows.empty()) return 0;
  std::vector<AuditSink::Entry> entries;
  std::vector<std::string> ids;
  std::size_t bytes = 0;
  for (const Row row : rows) {
    if (bytes > kMostBytes) break;
    ids.push_back(row.Text("event_id"));
    entries.push_back({ids.back(), row.Binary("entry")});
    bytes += entries.back().bytes.size();
  }
  RETURN_IF_ERROR(sink_.Append(entries));
  RETURN_IF_ERROR(
      db_.Exec("DELETE FROM audit_outbox WHERE event_id = ANY($1::text[])", {ids}).status());
  return static_cast<int>(entries.size());
}

absl::Status AuditRelay::ShowBacklog() {
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT count(*) AS pending, coalesce(extract(epoch FROM now() - min(create_time)), "
               "0)::bigint AS oldest FROM audit_outbox"));
  kPending().Set(static_cast<double>(rows[0].Int("pending")));
  kOldest().Set(static_cast<double>(rows[0].Int("oldest")));
  return absl::OkStatus();
}

}  // namespace psups
