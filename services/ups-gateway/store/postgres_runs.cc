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
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(
          tx.Exec("INSERT INTO runs (run_id, unrecorded_since) VALUES ($1, now() - "
                  "make_interval(secs => $2)) ON CONFLICT (run_id) DO UPDATE SET heartbeat_time = "
                  "excluded.heartbeat_time, unrecorded_since = excluded.unrecorded_since",
                  {run_id, unrecorded_for()})
              .status());
      ASSIGN_OR_RETURN(
          const Rows dead,
          tx.Exec("DELETE FROM runs WHERE run_id <> $1 AND heartbeat_time < now() - "
                  "make_interval(secs => $2) RETURNING run_id, unrecorded_since, now() AS noticed",
                  {run_id, silence}));
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
    });
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
  Db& db_;
};

}  // namespace

std::unique_ptr<RunStore> MakePostgresRunStore(Db& db) {
  return std::make_unique<PostgresRunStore>(db);
}

}  // namespace psups::ups_gateway
