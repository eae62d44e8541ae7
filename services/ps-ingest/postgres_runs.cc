#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {
namespace {

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// Removes runs that ended without saying so and names the span that may lack records of calls.
absl::Status NameUncleanRuns(Tx& tx, const std::string& condition, std::vector<Param> params) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec("DELETE FROM runs WHERE " + condition +
                               " RETURNING run_id, oldest_call_time, now() AS found_time",
                           std::move(params)));
  std::vector<AuditEntry> entries;
  for (const Row row : rows) {
    const std::string from = Rfc3339(row.Time("oldest_call_time"));
    const std::string to = Rfc3339(row.Time("found_time"));
    LogWarning("unclean_start", {{"from", from}, {"to", to}});
    entries.push_back({.action = "service.unclean_start",
                       .subject = "services/ps-ingest",
                       .detail = {{"from", from}, {"to", to}}});
  }
  return AppendAudit(tx, kService, entries);
}

class PostgresRunStore : public RunStore {
 public:
  explicit PostgresRunStore(Db& db) : db_(db) {}

  absl::Status Begin(const std::string& run_id, const std::string& slot) override {
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(NameUncleanRuns(tx, "slot = $1", {slot}));
      return tx.Exec("INSERT INTO runs (run_id, slot) VALUES ($1, $2)", {run_id, slot}).status();
    });
  }

  absl::Status Beat(const std::string& run_id, const std::string& slot, absl::Time oldest_call,
                    absl::Duration dead_after, const std::vector<AuditEntry>& entries) override {
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO runs (run_id, slot, oldest_call_time) "
                              "VALUES ($1, $2, $3) ON CONFLICT (run_id) DO UPDATE SET "
                              "heartbeat_time = now(), oldest_call_time = $3",
                              {run_id, slot, oldest_call})
                          .status());
      RETURN_IF_ERROR(
          NameUncleanRuns(tx, "heartbeat_time < now() - make_interval(secs => $1)", {dead_after}));
      return AppendAudit(tx, kService, entries);
    });
  }

  absl::Status End(const std::string& run_id, const std::vector<AuditEntry>& entries) override {
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(AppendAudit(tx, kService, entries));
      return tx.Exec("DELETE FROM runs WHERE run_id = $1", {run_id}).status();
    });
  }

 private:
  Db& db_;
};

class PostgresGauges : public Gauges {
 public:
  explicit PostgresGauges(Db& db) : db_(db) {}

  absl::Status Refresh() override {
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec(
            "SELECT "
            "(SELECT coalesce(max(extract(epoch FROM now() - s.due_time)), 0)::bigint "
            "  FROM source_cursors s JOIN connections c USING (connection_id) "
            "  WHERE s.enabled AND c.state <> 'STOPPED') AS poll_age, "
            "(SELECT coalesce(extract(epoch FROM now() - min(revision_time)), 0)::bigint "
            "  FROM orders WHERE state = 'PENDING') AS order_age, "
            "(SELECT coalesce(extract(epoch FROM now() - min(w.create_time)), 0)::bigint "
            "  FROM write_backs w WHERE w.state IN ('PENDING', 'ACCEPTED')) AS write_back_age, "
            "(SELECT count(*) FROM write_backs WHERE state = 'PARKED') AS parked, "
            "(SELECT count(*) FROM audit_outbox) AS outbox, "
            "(SELECT count(*) FROM connections WHERE state = 'STOPPED') AS stopped, "
            "(SELECT count(*) FROM source_cursors WHERE enabled AND last_error <> '') AS failing"));
    const Row row = rows[0];
    const auto set = [&](const char* name, const char* help, const char* column,
                         const std::map<std::string, std::string>& labels = {}) {
      Gauge(name, help, labels).Set(static_cast<double>(std::max<int64_t>(0, row.Int(column))));
    };
    constexpr char kAge[] = "psups_worker_oldest_due_seconds";
    constexpr char kAgeHelp[] = "How long the oldest work that is due waits.";
    set(kAge, kAgeHelp, "poll_age", {{"worker", "poll"}});
    set(kAge, kAgeHelp, "order_age", {{"worker", "hand_out"}});
    set(kAge, kAgeHelp, "write_back_age", {{"worker", "write_back"}});
    set("psups_ps_write_backs_parked", "Statuses that PeopleSoft refused.", "parked");
    set("psups_audit_outbox_pending", "Audit entries not in the ledger yet.", "outbox");
    set("psups_ps_connections_stopped", "Connections that call nobody until mended.", "stopped");
    set("psups_ps_cursors_failing", "Queries whose last read failed.", "failing");
    return absl::OkStatus();
  }

 private:
  Db& db_;
};

}  // namespace

std::unique_ptr<RunStore> MakeRunStore(Db& db) { return std::make_unique<PostgresRunStore>(db); }
std::unique_ptr<Gauges> MakeGauges(Db& db) { return std::make_unique<PostgresGauges>(db); }

}  // namespace psups::ps_ingest
