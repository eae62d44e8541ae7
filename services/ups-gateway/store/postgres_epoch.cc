#include "services/ups-gateway/store/postgres_epoch.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/token/token_rules.h"

namespace psups::ups_gateway {
namespace {

constexpr char kService[] = "ups-gateway";
// The last one, and whether its sign of life is to be renewed.
constexpr char kLatest[] =
    "SELECT number, epoch = " PSUPS_CURRENT_EPOCH
    " AS same, alive_time < clock_timestamp() - interval '1 second' AS stale FROM database_epochs "
    "ORDER BY number DESC LIMIT 1";

class PostgresEpochStore : public EpochStore {
 public:
  explicit PostgresEpochStore(Db& db) : db_(db) {}

  absl::StatusOr<EpochComparison> Compare() override {
    ASSIGN_OR_RETURN(const Rows latest, db_.Exec(kLatest));
    if (!latest.empty() && latest[0].Bool("same")) {
      if (!latest[0].Bool("stale")) return EpochComparison{};
      // A statement may find itself on another server than the one before.
      RETURN_IF_ERROR(db_.Exec("UPDATE database_epochs SET alive_time = clock_timestamp() WHERE "
                               "number = $1 AND epoch = " PSUPS_CURRENT_EPOCH,
                               {latest[0].Int("number")})
                          .status());
      return EpochComparison{};
    }
    EpochComparison comparison;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      comparison = {};
      // One process notes it.
      RETURN_IF_ERROR(tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended('epoch of ' || "
                              "current_schema(), 0))")
                          .status());
      ASSIGN_OR_RETURN(const Rows now, tx.Exec(kLatest));
      if (now.empty()) {
        return tx
            .Exec("INSERT INTO database_epochs (number, epoch) VALUES (1, " PSUPS_CURRENT_EPOCH ")")
            .status();
      }
      if (now[0].Bool("same")) return absl::OkStatus();
      return Note(tx, now[0].Int("number"), comparison);
    }));
    return comparison;
  }

  absl::StatusOr<SearchOrder> LastLoss() override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT number, extract(epoch FROM clock_timestamp() - notice_time) "
                              "AS since_notice FROM database_epochs WHERE unseen_from IS NOT NULL "
                              "ORDER BY number DESC LIMIT 1"));
    SearchOrder loss;
    if (rows.empty()) return loss;
    loss.epoch = static_cast<int>(rows[0].Int("number"));
    loss.since_notice = rows[0].Seconds("since_notice");
    return loss;
  }

  absl::Status EndSearch(std::string_view account_id, int epoch, const AuditEntry& entry) override {
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(CheckEpoch(tx));
      ASSIGN_OR_RETURN(const Rows ended,
                       tx.Exec("UPDATE accounts SET search_since = NULL WHERE account_id = $1 AND "
                               "search_since IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
                               "database_epochs WHERE number > $2)",
                               {account_id, epoch}));
      return ended.affected() == 0 ? absl::OkStatus() : AppendAudit(tx, kService, {entry});
    });
  }

 private:
  static absl::Status Note(Tx& tx, int64_t last, EpochComparison& comparison) {
    ASSIGN_OR_RETURN(
        const Rows noted,
        tx.Exec("INSERT INTO database_epochs (number, epoch, unseen_from) SELECT number + "
                "1, " PSUPS_CURRENT_EPOCH
                ", alive_time FROM database_epochs WHERE number = $1 RETURNING unseen_from, "
                "greatest(extract(epoch FROM notice_time - unseen_from), 0) AS unseen",
                {last}));
    const double unseen = noted[0].Number("unseen");
    // The rows under whose locks intents are stored and tokens asked for.
    ASSIGN_OR_RETURN(
        const Rows accounts,
        tx.Exec(
            "UPDATE accounts SET search_since = coalesce(search_since, $1) FROM (SELECT account_id "
            "FROM accounts ORDER BY account_id FOR NO KEY UPDATE) AS locked WHERE "
            "accounts.account_id = locked.account_id",
            {noted[0].Time("unseen_from")}));
    RETURN_IF_ERROR(
        tx.Exec("SELECT treasury_id FROM treasuries ORDER BY treasury_id FOR UPDATE").status());
    // As many as may have been made, the latest times at which they may have been; and never more
    // than were left, for they too kept to the limit.
    ASSIGN_OR_RETURN(
        const Rows booked,
        tx.Exec("INSERT INTO token_requests (treasury_id, call_id, request_time, state) "
                "SELECT c.treasury_id, 'unseen-' || $1::text || '-' || n, clock_timestamp() - "
                "make_interval(secs => n * c.spacing), 'LOST' FROM (SELECT treasury_id, "
                "min(token_limit) AS token_limit, extract(epoch FROM max(token_min_interval))"
                "::float8 AS spacing, (SELECT count(*) FROM token_requests r WHERE r.treasury_id = "
                "a.treasury_id AND r.state <> 'NOT_SENT' AND r.request_time > clock_timestamp() - "
                "interval '24 hours' - make_interval(secs => $3)) AS used FROM accounts a GROUP BY "
                "treasury_id) AS c, generate_series(0, least(CASE WHEN c.spacing > 0 THEN "
                "least(floor($2::float8 / c.spacing), 1e6)::bigint + 1 ELSE c.token_limit END, "
                "c.token_limit - c.used) - 1) AS n",
                {absl::StrCat(last + 1), absl::StrCat(unseen), kCountedBefore}));
    comparison = {.changed = true,
                  .unseen = absl::Seconds(unseen),
                  .booked_tokens = static_cast<int>(booked.affected())};
    return AppendAudit(tx, kService,
                       {{.action = "service.database_changed",
                         .subject = "services/ups-gateway",
                         .detail = {{"epoch", last + 1},
                                    {"unseen_from", absl::FormatTime(absl::RFC3339_full,
                                                                     noted[0].Time("unseen_from"),
                                                                     absl::UTCTimeZone())},
                                    {"unseen_seconds", static_cast<int64_t>(unseen)},
                                    {"token_requests_booked", comparison.booked_tokens},
                                    {"accounts", static_cast<int64_t>(accounts.affected())}}}});
  }

  Db& db_;
};

}  // namespace

absl::Status EpochUnnoticed() {
  return absl::UnavailableError(
      "the database is not the one it was, and may have lost commits; that is being noted, try "
      "again");
}

absl::Status CheckEpoch(Tx& tx) {
  ASSIGN_OR_RETURN(const Rows latest, tx.Exec(kLatest));
  return latest.empty() || latest[0].Bool("same") ? absl::OkStatus() : EpochUnnoticed();
}

std::unique_ptr<EpochStore> MakePostgresEpochStore(Db& db) {
  return std::make_unique<PostgresEpochStore>(db);
}

}  // namespace psups::ups_gateway
