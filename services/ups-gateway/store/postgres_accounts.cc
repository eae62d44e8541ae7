#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/store/postgres_errors.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr char kService[] = "ups-gateway";

std::string Scope(std::string_view account_id) {
  return absl::StrCat("accounts/", std::string(account_id));
}

absl::Duration MinInterval(const pb::Account& settings) {
  return absl::Seconds(settings.token_min_interval().seconds()) +
         absl::Nanoseconds(settings.token_min_interval().nanos());
}

class PostgresAccountStore : public AccountStore {
 public:
  PostgresAccountStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  absl::StatusOr<AccountPtr> Create(const pb::Account& settings, std::string_view account_id,
                                    std::string_view secret, const AuditEntry& entry) override {
    const std::string id(account_id);
    const std::string treasury_id =
        Hex(sealer_.ring().Derive("treasury",
                                  JoinUnambiguously({HostOf(settings), settings.client_id()})))
            .substr(0, 32);
    ASSIGN_OR_RETURN(
        const std::string sealed_settings,
        sealer_.Seal(Scope(id), {"accounts", "settings", id}, settings.SerializeAsString()));
    ASSIGN_OR_RETURN(const std::string sealed_secret,
                     sealer_.Seal(Scope(id), {"accounts", "secret", id}, secret));
    const absl::Status created = db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(
          tx.Exec("INSERT INTO treasuries (treasury_id) VALUES ($1) ON CONFLICT DO NOTHING",
                  {treasury_id})
              .status());
      RETURN_IF_ERROR(
          tx.Exec("INSERT INTO accounts (account_id, treasury_id, settings, secret, token_limit, "
                  "token_min_interval, search_since) VALUES ($1, $2, $3, $4, $5, "
                  "make_interval(secs => $6), "
                  // It may be one that was lost, and so may what it bought.
                  "(SELECT min(unseen_from) FROM database_epochs WHERE notice_time > now() - "
                  "interval '7 days'))",
                  {id, treasury_id, Bytes{sealed_settings}, Bytes{sealed_secret},
                   settings.token_limit_per_day(), MinInterval(settings)})
              .status());
      RETURN_IF_ERROR(ForgetRefusal(tx, treasury_id));
      return AppendAudit(tx, kService, {entry});
    });
    if (absl::IsAlreadyExists(created)) {
      return absl::AlreadyExistsError(
          absl::StrCat("account_id: \"", id, "\" is taken, want another"));
    }
    RETURN_IF_ERROR(created);
    return Get(id);
  }

  absl::StatusOr<AccountPtr> Get(std::string_view account_id) override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec(absl::StrCat(kSelect, "WHERE a.account_id = $1"), {account_id}));
    if (rows.empty()) {
      return absl::NotFoundError(
          absl::StrCat("accounts/", std::string(account_id), ": no such account"));
    }
    return FromRow(rows[0]);
  }

  absl::StatusOr<std::vector<AccountPtr>> List(std::string_view after_id, int limit) override {
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec(absl::StrCat(kSelect, "WHERE a.account_id > $1 ORDER BY a.account_id LIMIT $2"),
                 {after_id, limit}));
    std::vector<AccountPtr> accounts;
    for (const Row row : rows) {
      ASSIGN_OR_RETURN(AccountPtr account, FromRow(row));
      accounts.push_back(std::move(account));
    }
    return accounts;
  }

  absl::StatusOr<AccountPtr> Rotate(std::string_view account_id, std::string_view secret,
                                    const AuditEntry& entry) override {
    const std::string id(account_id);
    RETURN_IF_ERROR(Get(id).status());
    ASSIGN_OR_RETURN(const std::string sealed,
                     sealer_.Seal(Scope(id), {"accounts", "secret", id}, secret));
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("UPDATE accounts SET secret = $2, secret_time = clock_timestamp(), "
                               "last_error = '' WHERE account_id = $1 RETURNING treasury_id",
                               {id, Bytes{sealed}}));
      if (rows.empty()) return absl::AbortedError("the account vanished");
      RETURN_IF_ERROR(ForgetRefusal(tx, rows[0].Text("treasury_id")));
      return AppendAudit(tx, kService, {entry});
    }));
    return Get(id);
  }

  absl::StatusOr<AccountPtr> Stop(std::string_view account_id, std::string_view reason,
                                  const AuditEntry& entry) override {
    // It waits for the intents that hold the row; those that come after see it.
    return Switch(account_id, entry,
                  "UPDATE accounts SET stop_time = coalesce(stop_time, clock_timestamp()), "
                  "stop_reason = $2 WHERE account_id = $1 AND (stop_time IS NULL OR stop_reason <> "
                  "$2)",
                  {account_id, reason});
  }

  absl::StatusOr<AccountPtr> Start(std::string_view account_id, const AuditEntry& entry) override {
    return Switch(
        account_id, entry,
        "UPDATE accounts SET stop_time = NULL, stop_reason = '' WHERE account_id = $1 AND "
        "stop_time IS NOT NULL",
        {account_id});
  }

 private:
  absl::StatusOr<AccountPtr> Switch(std::string_view account_id, const AuditEntry& entry,
                                    const std::string& update, const std::vector<Param>& params) {
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows rows, tx.Exec(update, params));
      return rows.affected() == 0 ? absl::OkStatus() : AppendAudit(tx, kService, {entry});
    }));
    return Get(account_id);
  }

  absl::StatusOr<AccountPtr> Update(std::string_view account_id, const Change& change,
                                    const AuditEntry& entry) override {
    const std::string id(account_id);
    // Sealed bytes are never twice the same, so they tell whether somebody else changed them.
    for (int attempt = 0; attempt < kUpdateAttempts; ++attempt) {
      ASSIGN_OR_RETURN(const Rows read,
                       db_.Exec("SELECT settings FROM accounts WHERE account_id = $1", {id}));
      if (read.empty()) return Get(id);  // says that there is none
      const std::string before = read[0].Binary("settings");
      ASSIGN_OR_RETURN(const pb::Account stored, OpenSettings(id, before));
      ASSIGN_OR_RETURN(const pb::Account settings, change(stored));
      ASSIGN_OR_RETURN(
          const std::string sealed,
          sealer_.Seal(Scope(id), {"accounts", "settings", id}, settings.SerializeAsString()));
      bool updated = false;
      RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
        ASSIGN_OR_RETURN(
            const Rows rows,
            tx.Exec("UPDATE accounts SET settings = $3, token_limit = $4, token_min_interval = "
                    "make_interval(secs => $5) WHERE account_id = $1 AND settings = $2",
                    {id, Bytes{before}, Bytes{sealed}, settings.token_limit_per_day(),
                     MinInterval(settings)}));
        updated = rows.affected() == 1;
        return updated ? AppendAudit(tx, kService, {entry}) : absl::OkStatus();
      }));
      if (updated) return Get(id);
    }
    return absl::AbortedError(
        absl::StrCat("accounts/", id, ": others change it at the same time; try again"));
  }

  absl::StatusOr<pb::RewrapKeysResponse> RewrapKeys(const AuditEntry& entry) override {
    ASSIGN_OR_RETURN(const Sealer::Rewrapped done,
                     sealer_.Rewrap([&](Tx& tx, const Sealer::Rewrapped& rewrapped) {
                       AuditEntry told = entry;
                       told.detail = {{"key_id", rewrapped.key_id},
                                      {"rewrapped", rewrapped.rewrapped},
                                      {"total", rewrapped.total}};
                       return AppendAudit(tx, kService, {told});
                     }));
    pb::RewrapKeysResponse response;
    response.set_rewrapped(done.rewrapped);
    response.set_total(done.total);
    response.set_key_id(done.key_id);
    return response;
  }

  absl::StatusOr<std::vector<MetError>> ListErrors(std::string_view account_id,
                                                   const std::optional<MetError>& after,
                                                   int limit) override {
    return ReadErrors(db_, account_id, after, limit);
  }

 private:
  static constexpr int kUpdateAttempts = 5;
  static constexpr char kSelect[] =
      "SELECT a.account_id, a.treasury_id, a.settings, t.credential_refused, t.problem, "
      "a.stop_time, a.stop_reason, a.search_since, "
      "CASE WHEN a.last_error_time > now() - interval '1 hour' THEN a.last_error ELSE '' END "
      "AS last_error FROM accounts a JOIN treasuries t USING (treasury_id) ";

  // A new secret is a new chance. What UPS said about too many requests stands.
  static absl::Status ForgetRefusal(Tx& tx, const std::string& treasury_id) {
    return tx
        .Exec(
            "UPDATE treasuries SET credential_refused = false, failure_count = 0, "
            "retry_time = 'epoch', problem = CASE WHEN closed_until > now() THEN problem "
            "ELSE '' END WHERE treasury_id = $1",
            {treasury_id})
        .status();
  }

  absl::StatusOr<pb::Account> OpenSettings(const std::string& id, const std::string& sealed) {
    ASSIGN_OR_RETURN(const std::string opened, sealer_.Open({"accounts", "settings", id}, sealed));
    pb::Account settings;
    if (!settings.ParseFromString(opened)) {
      return absl::DataLossError(absl::StrCat("accounts/", id, ": settings unreadable"));
    }
    SetDefaults(settings);
    return settings;
  }

  absl::StatusOr<AccountPtr> FromRow(const Row& row) {
    auto account = std::make_shared<Account>();
    account->id = row.Text("account_id");
    account->treasury_id = row.Text("treasury_id");
    ASSIGN_OR_RETURN(account->settings, OpenSettings(account->id, row.Binary("settings")));
    account->settings.set_credential_refused(row.Bool("credential_refused"));
    account->settings.set_stopped(!row.IsNull("stop_time"));
    account->settings.set_stop_reason(row.Text("stop_reason"));
    account->settings.clear_stop_time();
    if (const auto time = row.OptionalTime("stop_time")) {
      account->settings.mutable_stop_time()->set_seconds(absl::ToUnixSeconds(*time));
    }
    account->search_since = row.OptionalTime("search_since");
    account->settings.set_searches_first(account->search_since.has_value());
    const std::string problem = row.Text("problem");
    account->settings.set_last_error(problem.empty() ? row.Text("last_error") : problem);
    return AccountPtr(std::move(account));
  }

  Db& db_;
  Sealer& sealer_;
};

}  // namespace

std::unique_ptr<AccountStore> MakePostgresAccountStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresAccountStore>(db, sealer);
}

}  // namespace psups::ups_gateway
