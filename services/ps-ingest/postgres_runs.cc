#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "common/worker.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {
namespace {

const GaugeMetric kParked("psups_ps_write_backs_parked", "Statuses that PeopleSoft refused.");
const GaugeMetric kOldestWriteBack(
    "psups_ps_write_backs_oldest_seconds",
    "Age of the oldest status that PeopleSoft has not taken yet, parked ones left out; 0 if none.");
const GaugeMetric kFailing("psups_ps_cursors_failing", "Queries whose last read failed.");
const GaugeMetric kConnections(
    "psups_ps_connections",
    "Connections by state. A STOPPED one was refused by PeopleSoft, and calls nobody until mended.",
    {"state"});
const GaugeMetric kOrders("psups_orders", "Orders that are stored, by state.", {"state"});

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
            // Sweeps and backfills wait while what is new is read; one read a user is under way.
            "(SELECT coalesce(max(extract(epoch FROM now() - greatest(s.due_time, "
            "  r.lease_expire_time))), 0)::bigint FROM source_cursors s JOIN readers r USING "
            "  (reader_key) JOIN connections c USING (connection_id) "
            "  WHERE s.enabled AND s.purpose = 'POLL' AND c.state <> 'STOPPED') AS poll_age, "
            // An order that the builder cannot take is handed out again and again, and never late.
            "(SELECT coalesce(extract(epoch FROM now() - min(greatest(revision_time, "
            "  lease_expire_time))), 0)::bigint FROM orders WHERE state = 'PENDING') AS order_age, "
            // Written so that each state's partial index serves.
            "(SELECT coalesce(extract(epoch FROM now() - min(w.create_time)), 0)::bigint "
            "  FROM write_backs w WHERE w.state = 'PENDING' OR w.state = 'ACCEPTED') "
            "AS write_back_age, "
            "(SELECT count(*) FROM write_backs WHERE state = 'PARKED') AS parked, "
            "(SELECT count(*) FROM source_cursors WHERE enabled AND last_error <> '') AS failing"));
    const Row row = rows[0];
    const auto set = [&](prometheus::Gauge& gauge, const char* column) {
      gauge.Set(static_cast<double>(std::max<int64_t>(0, row.Int(column))));
    };
    set(OldestDueSeconds("poll"), "poll_age");
    set(OldestDueSeconds("hand_out"), "order_age");
    set(kOldestWriteBack(), "write_back_age");
    set(kParked(), "parked");
    set(kFailing(), "failing");
    return ShowStates(kConnections, {"OBSERVE", "ACTIVE", "PAUSED", "STOPPED"},
                      "SELECT state, count(*) AS n FROM connections GROUP BY state");
  }

  absl::Status CountOrders() override {
    return ShowStates(kOrders, {"INELIGIBLE", "PENDING", "ACKNOWLEDGED"},
                      "SELECT state, count(*) AS n FROM orders GROUP BY state");
  }

 private:
  absl::Status ShowStates(const GaugeMetric& gauge, std::vector<std::string> states,
                          const char* query) {
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(query));
    std::map<std::string, int64_t> counts;
    for (const Row row : rows) counts[row.Text("state")] = row.Int("n");
    for (const std::string& state : states) gauge(state).Set(static_cast<double>(counts[state]));
    return absl::OkStatus();
  }

  Db& db_;
};

}  // namespace

std::unique_ptr<RunStore> MakeRunStore(Db& db) { return std::make_unique<PostgresRunStore>(db); }
std::unique_ptr<Gauges> MakeGauges(Db& db) { return std::make_unique<PostgresGauges>(db); }

}  // namespace psups::ps_ingest
