#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/store/postgres_epoch.h"
#include "services/ups-gateway/store/postgres_errors.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr char kService[] = "ups-gateway";

absl::Duration Seconds(const Row& row, const char* column) {
  return row.IsNull(column) ? absl::ZeroDuration() : row.Seconds(column);
}

class PostgresTokenStore : public TokenStore {
 public:
  PostgresTokenStore(Db& db, Sealer& sealer, std::string run_id)
      : db_(db), sealer_(sealer), run_id_(std::move(run_id)) {}

  absl::StatusOr<TokenAnswer> Ask(const Account& account, const TokenWish& wish,
                                  std::string_view call_id, absl::Duration lease) override {
    TokenAnswer answer;
    // Before the count, so that a secret that does not open costs nothing.
    RETURN_IF_ERROR(NewestSecret(account.treasury_id, answer));
    answer.client_id = account.settings.client_id();
    std::string sealed_token;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows locked,
                       tx.Exec(absl::StrCat(kSelectRow, "FOR UPDATE"), {account.treasury_id}));
      if (locked.empty()) return absl::NotFoundError("the account's credential vanished");
      // Before the count: should commits be lost, it may lack requests that were made.
      RETURN_IF_ERROR(CheckEpoch(tx));
      // A statement of its own: it sees what was committed while this one waited for the lock.
      ASSIGN_OR_RETURN(const Rows counted, tx.Exec(kCount, {account.treasury_id, kCountedBefore}));
      const TreasuryFacts facts = ReadFacts(locked[0], counted[0]);
      answer.decision = Decide(facts, wish);
      answer.version = facts.token_version;
      answer.left = facts.token_left;
      answer.lifetime = facts.token_lifetime;
      sealed_token = locked[0].IsNull("token") ? "" : locked[0].Binary("token");
      if (answer.decision.kind != TokenDecision::Kind::kFetch) return absl::OkStatus();

      ASSIGN_OR_RETURN(
          const Rows leased,
          tx.Exec("WITH used AS (SELECT count(*) AS n FROM token_requests WHERE treasury_id = $1 "
                  "AND state <> 'NOT_SENT' AND request_time > clock_timestamp() - interval '24 "
                  "hours' - make_interval(secs => $6)), "
                  "counted AS (INSERT INTO token_requests (treasury_id, call_id, request_time, "
                  "state) SELECT $1, $2, clock_timestamp(), 'COUNTED' FROM used WHERE used.n < $3 "
                  "RETURNING call_id) "
                  "UPDATE treasuries t SET lease_id = counted.call_id, lease_run_id = $7, "
                  "lease_until = "
                  "clock_timestamp() + make_interval(secs => $4), forced_time = CASE WHEN $5 THEN "
                  "clock_timestamp() ELSE forced_time END, retry_time = CASE WHEN "
                  "credential_refused THEN "
                  "clock_timestamp() + make_interval(secs => $8) ELSE retry_time END "
                  "FROM counted WHERE t.treasury_id = $1",
                  {account.treasury_id, call_id, facts.limit, lease, wish.refused, kCountedBefore,
                   run_id_, kRefusedInterval}));
      if (leased.affected() != 1) {
        return absl::ResourceExhaustedError("the account's token requests of 24 hours are used up");
      }
      return AppendAudit(tx, kService,
                         {{.action = "ups.token.intent",
                           .subject = "accounts/" + account.id,
                           .detail = {{"call_id", call_id},
                                      {"used", facts.used + 1},
                                      {"limit", facts.limit},
                                      {"forced", wish.refused}},
                           .event_id = absl::StrCat(std::string(call_id), ".intent")}});
    }));
    if (answer.decision.kind == TokenDecision::Kind::kUse) {
      ASSIGN_OR_RETURN(answer.token,
                       sealer_.Open({"treasuries", "token", account.treasury_id}, sealed_token));
    }
    return answer;
  }

  absl::Status Settle(const TokenOutcome& outcome) override {
    const TokenJudgement& judgement = outcome.judgement;
    const bool granted = judgement.end == TokenEnd::kGranted;
    std::optional<Bytes> sealed;
    if (granted) {
      ASSIGN_OR_RETURN(std::string bytes,
                       sealer_.Seal("treasuries/" + outcome.treasury_id,
                                    {"treasuries", "token", outcome.treasury_id}, judgement.token));
      sealed = Bytes{std::move(bytes)};
    }
    return db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows row,
                       tx.Exec("SELECT failure_count, credential_refused, problem FROM treasuries "
                               "WHERE treasury_id = $1 AND lease_id = $2 FOR UPDATE",
                               {outcome.treasury_id, outcome.call_id}));
      // A statement of its own: it sees a rotation that was committed while this one waited.
      ASSIGN_OR_RETURN(const Rows secret,
                       tx.Exec("SELECT max(secret_time) AS secret_time FROM accounts WHERE "
                               "treasury_id = $1",
                               {outcome.treasury_id}));
      ASSIGN_OR_RETURN(
          const Rows ended,
          tx.Exec("UPDATE token_requests SET state = $3 WHERE treasury_id = $1 AND call_id = $2 "
                  "AND state = 'COUNTED'",
                  {outcome.treasury_id, outcome.call_id, StateOf(judgement.end)}));
      // Without the lease another process has gone on: only the request's end is noted.
      if (!row.empty() && granted) {
        // Its life began after the request was counted, however long we slept since.
        RETURN_IF_ERROR(
            tx.Exec("UPDATE treasuries SET token = $2, token_version = $3, token_expire_time = "
                    "(SELECT request_time FROM token_requests WHERE treasury_id = $1 AND call_id = "
                    "$3) + make_interval(secs => $4), "
                    "token_lifetime = make_interval(secs => $4), failure_count = 0, retry_time = "
                    "'epoch', problem = '', credential_refused = false, lease_id = '', "
                    "lease_until = 'epoch' WHERE treasury_id = $1",
                    {outcome.treasury_id, sealed, outcome.call_id, judgement.lifetime})
                .status());
      } else if (!row.empty() && judgement.end == TokenEnd::kRefused &&
                 secret[0].Time("secret_time") > outcome.secret_time) {
        // It was rotated meanwhile: what UPS refused is no longer the secret.
        RETURN_IF_ERROR(tx.Exec("UPDATE treasuries SET retry_time = 'epoch', lease_id = '', "
                                "lease_until = 'epoch' WHERE treasury_id = $1",
                                {outcome.treasury_id})
                            .status());
      } else if (!row.empty()) {
        const int failures = static_cast<int>(row[0].Int("failure_count")) + 1;
        const TokenFailure failure = AfterFailure(
            judgement, failures, row[0].Bool("credential_refused"), row[0].Text("problem"));
        RETURN_IF_ERROR(
            tx.Exec("UPDATE treasuries SET failure_count = $2, retry_time = clock_timestamp() + "
                    "make_interval(secs => $3), problem = $4, credential_refused = $5, "
                    "closed_until = CASE WHEN $6 THEN clock_timestamp() + interval '1 hour' ELSE "
                    "closed_until END, lease_id = '', lease_until = 'epoch' WHERE treasury_id = $1",
                    {outcome.treasury_id, failures, failure.wait, failure.problem,
                     failure.credential_refused, judgement.end == TokenEnd::kQuota})
                .status());
      }
      if (!granted && ended.affected() > 0) {  // else it is told a second time
        RETURN_IF_ERROR(CountErrors(tx, {{{.account_id = outcome.account_id,
                                           .operation = std::string(NameOf(Operation::kToken)),
                                           .ups_code = judgement.ups_code,
                                           .http_status = judgement.http_status},
                                          1}}));
      }
      AuditEntry entry{.action = "ups.token.outcome",
                       .subject = "accounts/" + outcome.account_id,
                       .detail = {{"call_id", outcome.call_id},
                                  {"state", StateOf(judgement.end)},
                                  {"http_status", judgement.http_status}},
                       .event_id = outcome.call_id + ".outcome"};
      if (granted) entry.detail["lifetime_seconds"] = absl::ToInt64Seconds(judgement.lifetime);
      if (!judgement.ups_code.empty()) {
        entry.detail["ups_code"] = judgement.ups_code;
      }
      return AppendAudit(tx, kService, {entry});
    });
  }

  absl::StatusOr<TokenBudget> Budget(const Account& account) override {
    ASSIGN_OR_RETURN(const Rows row, db_.Exec(kSelectRow, {account.treasury_id}));
    if (row.empty()) return absl::NotFoundError("the account's credential vanished");
    ASSIGN_OR_RETURN(const Rows counted, db_.Exec(kCount, {account.treasury_id, kCountedBefore}));
    TokenBudget budget;
    budget.facts = ReadFacts(row[0], counted[0]);
    budget.expire_time = row[0].OptionalTime("token_expire_time").value_or(absl::InfinitePast());
    ASSIGN_OR_RETURN(budget.exhausted_in,
                     ExhaustedIn(account.treasury_id, budget.facts,
                                 static_cast<int>(counted[0].Int("last_hour"))));
    const int surplus = budget.facts.used - budget.facts.limit;
    if (surplus >= 0) {
      ASSIGN_OR_RETURN(
          const Rows oldest,
          db_.Exec("SELECT request_time + interval '24 hours' + make_interval(secs => $2) AS free "
                   "FROM token_requests WHERE treasury_id = $1 AND state <> 'NOT_SENT' AND "
                   "request_time > clock_timestamp() - interval '24 hours' - make_interval(secs => "
                   "$2) ORDER BY request_time OFFSET $3 LIMIT 1",
                   {account.treasury_id, kCountedBefore, surplus}));
      if (!oldest.empty()) budget.next_free_time = oldest[0].Time("free");
    }
    return budget;
  }

  absl::StatusOr<std::map<std::string, std::string>> Versions(
      const std::vector<std::string>& treasury_ids) override {
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec("SELECT treasury_id, token_version FROM treasuries "
                                               "WHERE treasury_id = ANY ($1::text[])",
                                               {treasury_ids}));
    std::map<std::string, std::string> versions;
    for (const Row row : rows) versions[row.Text("treasury_id")] = row.Text("token_version");
    return versions;
  }

 private:
  static constexpr char kSelectRow[] =
      "SELECT token, token_version, token_expire_time, "
      "extract(epoch FROM token_expire_time - clock_timestamp()) AS token_left, "
      "extract(epoch FROM token_lifetime) AS token_lifetime, "
      "extract(epoch FROM lease_until - clock_timestamp()) AS lease_left, "
      "extract(epoch FROM closed_until - clock_timestamp()) AS closed_left, "
      "extract(epoch FROM retry_time - clock_timestamp()) AS retry_left, "
      "extract(epoch FROM clock_timestamp() - forced_time) AS since_forced, "
      "credential_refused, problem FROM treasuries WHERE treasury_id = $1 ";
  // $2: how much longer than 24 hours the window is.
  static constexpr char kCount[] =
      "SELECT r.used, r.last_hour, r.since_request, a.token_limit, a.min_interval FROM "
      "(SELECT count(*) AS used, count(*) FILTER (WHERE request_time > clock_timestamp() - "
      "interval '1 hour') AS last_hour, extract(epoch FROM clock_timestamp() - max(request_time)) "
      "AS "
      "since_request FROM token_requests WHERE treasury_id = $1 AND state <> 'NOT_SENT' AND "
      "request_time > clock_timestamp() - interval '24 hours' - make_interval(secs => $2)) r, "
      "(SELECT min(token_limit) AS token_limit, extract(epoch FROM max(token_min_interval)) AS "
      "min_interval FROM accounts WHERE treasury_id = $1) a";

  static std::string StateOf(TokenEnd end) {
    switch (end) {
      case TokenEnd::kGranted:
        return "GRANTED";
      case TokenEnd::kRefused:
      case TokenEnd::kQuota:
        return "REFUSED";
      case TokenEnd::kLost:
        return "LOST";
      case TokenEnd::kNotSent:
        return "NOT_SENT";
    }
    return "LOST";
  }

  static TreasuryFacts ReadFacts(const Row& row, const Row& counted) {
    TreasuryFacts facts;
    facts.token_version = row.IsNull("token") ? "" : row.Text("token_version");
    facts.token_left = Seconds(row, "token_left");
    facts.token_lifetime = Seconds(row, "token_lifetime");
    facts.lease_left = Seconds(row, "lease_left");
    facts.closed_left = Seconds(row, "closed_left");
    facts.retry_left = Seconds(row, "retry_left");
    facts.since_forced = Seconds(row, "since_forced");
    facts.credential_refused = row.Bool("credential_refused");
    facts.problem = row.Text("problem");
    facts.used = static_cast<int>(counted.Int("used"));
    if (!counted.IsNull("since_request")) facts.since_request = Seconds(counted, "since_request");
    facts.limit = counted.IsNull("token_limit") ? 0 : static_cast<int>(counted.Int("token_limit"));
    facts.min_interval = Seconds(counted, "min_interval");
    return facts;
  }

  absl::StatusOr<absl::Duration> ExhaustedIn(const std::string& treasury_id,
                                             const TreasuryFacts& facts, int last_hour) {
    // Not even if nothing fell out of the window: the usual case, at the price of no query.
    if (facts.used + 25 * last_hour < facts.limit) return absl::InfiniteDuration();
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec("SELECT extract(epoch FROM clock_timestamp() - request_time) AS age FROM "
                 "token_requests WHERE treasury_id = $1 AND state <> 'NOT_SENT' AND request_time > "
                 "clock_timestamp() - interval '24 hours' - make_interval(secs => $2) ORDER BY "
                 "request_time",
                 {treasury_id, kCountedBefore}));
    std::vector<absl::Duration> ages;
    for (const Row row : rows) ages.push_back(Seconds(row, "age"));
    return TimeToExhaustion(ages, last_hour, facts.limit);
  }

  absl::Status NewestSecret(const std::string& treasury_id, TokenAnswer& answer) {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT account_id, secret, secret_time FROM accounts WHERE "
                              "treasury_id = $1 ORDER BY secret_time DESC LIMIT 1",
                              {treasury_id}));
    if (rows.empty()) return absl::NotFoundError("the account vanished");
    const std::string id = rows[0].Text("account_id");
    answer.secret_time = rows[0].Time("secret_time");
    ASSIGN_OR_RETURN(answer.client_secret,
                     sealer_.Open({"accounts", "secret", id}, rows[0].Binary("secret")));
    return absl::OkStatus();
  }

  Db& db_;
  Sealer& sealer_;
  const std::string run_id_;
};

}  // namespace

std::unique_ptr<TokenStore> MakePostgresTokenStore(Db& db, Sealer& sealer, std::string run_id) {
  return std::make_unique<PostgresTokenStore>(db, sealer, std::move(run_id));
}

}  // namespace psups::ups_gateway
