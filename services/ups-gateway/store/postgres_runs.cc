#include <chrono>
#include <map>

#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres.h"

namespace psups::ups_gateway {
namespace {

constexpr char kService[] = "ups-gateway";

class PostgresRunStore : public RunStore {
 public:
  explicit PostgresRunStore(Db& db) : db_(db) {}

  absl::Status Beat(std::string_view run_id, const std::function<absl::Duration()>& unrecorded_for,
                    absl::Duration silence) override {
    std::map<std::string, Seen> seen;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(
          tx.Exec("INSERT INTO runs (run_id, unrecorded_since) VALUES ($1, now() - "
                  "make_interval(secs => $2)) ON CONFLICT (run_id) DO UPDATE SET heartbeat_time = "
                  "excluded.heartbeat_time, unrecorded_since = excluded.unrecorded_since",
                  {run_id, unrecorded_for()})
              .status());
      std::vector<std::string> silent, heartbeats;
      RETURN_IF_ERROR(Look(tx, run_id, silence, seen, silent, heartbeats));
      ASSIGN_OR_RETURN(
          const Rows dead,
          tx.Exec("DELETE FROM runs r USING unnest($1::text[], $2::timestamptz[]) AS s (run_id, "
                  "heartbeat_time) WHERE r.run_id = s.run_id AND r.heartbeat_time = "
                  "s.heartbeat_time RETURNING r.run_id, r.unrecorded_since, now() AS noticed",
                  {silent, heartbeats}));
      std::vector<AuditEntry> entries;
      for (const Row row : dead) {
        // Should it only have been slow, its fence keeps it from sending.
        RETURN_IF_ERROR(tx.Exec("UPDATE treasuries SET lease_until = 'epoch' WHERE lease_run_id = "
                                "$1 AND lease_until > now()",
                                {row.Text("run_id")})
                            .status());
        entries.push_back(
            {.action = "service.unclean_start",
             .subject = "services/ups-gateway",
             .detail = {{"from", absl::FormatTime(absl::RFC3339_full, row.Time("unrecorded_since"),
                                                  absl::UTCTimeZone())},
                        {"to", absl::FormatTime(absl::RFC3339_full, row.Time("noticed"),
                                                absl::UTCTimeZone())}},
             .event_id = row.Text("run_id") + ".unclean"});
      }
      return AppendAudit(tx, kService, entries);
    }));
    seen_ = std::move(seen);
    return absl::OkStatus();
  }

  absl::Status End(std::string_view run_id) override {
    return db_
        .Exec(
            "WITH ended AS (DELETE FROM runs WHERE run_id = $1) UPDATE treasuries SET "
            "lease_until = 'epoch' WHERE lease_run_id = $1 AND lease_until > now()",
            {run_id})
        .status();
  }

 private:
  // A heartbeat, and since when it is the latest, by a clock that nobody sets: were the database's
  // clock to jump, all others would seem dead.
  struct Seen {
    std::string heartbeat;
    std::chrono::steady_clock::time_point since;
  };

  // Fills `seen` with the heartbeats of all other runs; `silent` are those that have not changed
  // for `silence` since we look, with their `heartbeats`.
  absl::Status Look(Tx& tx, std::string_view run_id, absl::Duration silence,
                    std::map<std::string, Seen>& seen, std::vector<std::string>& silent,
                    std::vector<std::string>& heartbeats) const {
    seen.clear();
    ASSIGN_OR_RETURN(const Rows others,
                     tx.Exec("SELECT run_id, heartbeat_time::text AS heartbeat FROM runs WHERE "
                             "run_id <> $1",
                             {run_id}));
    const auto now = std::chrono::steady_clock::now();
    for (const Row row : others) {
      const std::string id = row.Text("run_id");
      Seen latest{row.Text("heartbeat"), now};
      const auto before = seen_.find(id);
      if (before != seen_.end() && before->second.heartbeat == latest.heartbeat) {
        latest.since = before->second.since;
      }
      if (absl::FromChrono(now - latest.since) > silence) {
        silent.push_back(id);
        heartbeats.push_back(latest.heartbeat);
      }
      seen.emplace(id, std::move(latest));
    }
    return absl::OkStatus();
  }

  Db& db_;
  std::map<std::string, Seen> seen_;  // by run_id; only Beat's thread has it
};

}  // namespace

std::unique_ptr<RunStore> MakePostgresRunStore(Db& db) {
  return std::make_unique<PostgresRunStore>(db);
}

}  // namespace psups::ups_gateway
