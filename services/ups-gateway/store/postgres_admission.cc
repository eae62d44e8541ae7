#include "services/ups-gateway/store/postgres_admission.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres_calls.h"
#include "services/ups-gateway/store/postgres_epoch.h"

namespace psups::ups_gateway {
namespace {

// A bucket that only touches a window counts in it. One whose time is still to come, because the
// clock was set back, counts too.
constexpr char kCountBought[] =
    "SELECT account_id, coalesce(sum(purchases) FILTER (WHERE bucket > clock_timestamp() - "
    "make_interval(secs => $2)), 0)::bigint AS in_hour, sum(purchases)::bigint AS in_day, "
    "sum(spend_minor)::bigint AS spend FROM purchase_counts WHERE ($1::text[] IS NULL OR "
    "account_id "
    "= ANY($1)) AND bucket > clock_timestamp() - make_interval(secs => $3) GROUP BY account_id";

constexpr char kLockAccounts[] =
    "SELECT a.account_id, a.stop_time IS NOT NULL AS stopped, a.stop_reason, a.search_since IS NOT "
    "NULL AS searches_first, "
    "coalesce(e.same, true) AS same, coalesce(e.number, 0) AS epoch, coalesce(e.since_notice, 0) "
    "AS since_notice, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD') AS today, "
    "clock_timestamp() AS now FROM accounts a LEFT JOIN (SELECT number, epoch "
    "= " PSUPS_CURRENT_EPOCH
    " AS same, extract(epoch FROM clock_timestamp() - notice_time) AS since_notice FROM "
    "database_epochs ORDER BY number DESC LIMIT 1) AS e ON true WHERE a.account_id = "
    "ANY($1::text[]) ORDER BY a.account_id FOR NO KEY UPDATE OF a";

Bought ReadBought(const Row& row) {
  return {
      .in_hour = row.Int("in_hour"), .in_day = row.Int("in_day"), .spend_in_day = row.Int("spend")};
}

absl::StatusOr<std::vector<CountedBucket>> ReadBuckets(Tx& tx, const std::string& account_id) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec("SELECT bucket, purchases, spend_minor FROM purchase_counts WHERE "
                           "account_id = $1 AND bucket > clock_timestamp() - make_interval(secs => "
                           "$2)",
                           {account_id, kDayWindow + kCountBucket}));
  std::vector<CountedBucket> buckets;
  for (const Row row : rows) {
    buckets.push_back({row.Time("bucket"), row.Int("purchases"), row.Int("spend_minor")});
  }
  return buckets;
}

// The request ids of `intents` that stand there already: nothing is to be bought under them.
absl::StatusOr<std::set<std::string>> StandThere(Tx& tx,
                                                 const std::vector<const Intent*>& intents) {
  std::vector<std::string> ids;
  for (const Intent* intent : intents) ids.push_back(intent->request.request_id());
  ASSIGN_OR_RETURN(const Rows rows, tx.Exec("SELECT request_id FROM calls WHERE request_id = "
                                            "ANY($1::text[])",
                                            {ids}));
  std::set<std::string> standing;
  for (const Row row : rows) standing.insert(row.Text("request_id"));
  return standing;
}

// An account's intents, each request id once.
class AccountGate {
 public:
  AccountGate(const Row& row, std::vector<const Intent*> intents)
      : account_id_(row.Text("account_id")),
        stopped_(row.Bool("stopped")),
        stop_reason_(row.Text("stop_reason")),
        searches_first_(row.Bool("searches_first")),
        today_(row.Text("today")),
        now_(row.Time("now")),
        intents_(std::move(intents)),
        caps_(CapsOf(intents_.front()->account->settings)) {
    order_.epoch = static_cast<int>(row.Int("epoch"));
    order_.since_notice = row.Seconds("since_notice");
  }

  // True if all go through, whether or not they stand there already.
  bool Open(const Bought& bought) const {
    if (stopped_ || searches_first_) return false;
    for (const CapHit hit : FillRoom(caps_, bought, WantedOf(intents_))) {
      if (hit != CapHit::kNone) return false;
    }
    return true;
  }

  absl::Status HoldBack(Tx& tx, const Bought& bought, std::map<std::string, Hold>& held) {
    ASSIGN_OR_RETURN(const std::set<std::string> standing, StandThere(tx, intents_));
    std::vector<const Intent*> fresh;
    for (const Intent* intent : intents_) {
      // What was found at UPS was bought long ago, whatever may be bought now.
      if (!standing.contains(intent->request.request_id()) && !intent->at_ups) {
        fresh.push_back(intent);
      }
    }
    if (stopped_) {
      for (const Intent* intent : fresh) {
        held[intent->request.request_id()] = {.refusal = StopRefusal(account_id_, stop_reason_),
                                              .refused_by = "stopped"};
      }
      return absl::OkStatus();
    }
    const std::vector<Wanted> wanted = WantedOf(fresh);
    const std::vector<CapHit> hits = FillRoom(caps_, bought, wanted);
    std::optional<std::vector<CountedBucket>> buckets;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      Hold hold;
      if (hits[i] != CapHit::kNone) {
        if (!buckets) {
          ASSIGN_OR_RETURN(buckets, ReadBuckets(tx, account_id_));
          buckets->push_back(Admitted(hits, wanted));
        }
        hold = {.refusal = CapRefusal(account_id_, caps_, hits[i],
                                      NextFree(caps_, hits[i], wanted[i].cost, *buckets, now_)),
                .refused_by = "cap"};
      } else if (searches_first_ && fresh[i]->searched_epoch != order_.epoch) {
        hold.search = order_;
      } else {
        continue;
      }
      held[fresh[i]->request.request_id()] = std::move(hold);
    }
    return absl::OkStatus();
  }

 private:
  // Those of this group that get the room that others then lack.
  CountedBucket Admitted(const std::vector<CapHit>& hits, const std::vector<Wanted>& wanted) const {
    CountedBucket admitted{.begin = now_};
    for (std::size_t i = 0; i < hits.size(); ++i) {
      if (hits[i] != CapHit::kNone) continue;
      ++admitted.purchases;
      admitted.spend += wanted[i].cost;
    }
    return admitted;
  }

  std::vector<Wanted> WantedOf(const std::vector<const Intent*>& intents) const {
    std::vector<Wanted> wanted;
    for (const Intent* intent : intents) {
      const std::string& day = intent->request.ship_by_date();
      wanted.push_back({day.empty() ? today_ : day, CostOf(intent->request, caps_)});
    }
    return wanted;
  }

  const std::string account_id_;
  const bool stopped_;
  const std::string stop_reason_;
  const bool searches_first_;
  const std::string today_;
  const absl::Time now_;
  const std::vector<const Intent*> intents_;
  const PurchaseCaps caps_;
  SearchOrder order_;
};

}  // namespace

absl::StatusOr<std::map<std::string, Hold>> HoldBack(Tx& tx, const std::vector<Intent>& intents) {
  std::map<std::string, std::vector<const Intent*>> by_account;
  std::set<std::string> request_ids;
  for (const Intent& intent : intents) {
    std::vector<const Intent*>& own = by_account[intent.account->id];
    if (request_ids.insert(intent.request.request_id()).second) own.push_back(&intent);
  }
  std::vector<std::string> account_ids;
  for (const auto& [account_id, own] : by_account) account_ids.push_back(account_id);
  ASSIGN_OR_RETURN(const Rows locked, tx.Exec(kLockAccounts, {account_ids}));
  // A statement of its own: it sees what was committed while the one before waited.
  ASSIGN_OR_RETURN(
      const Rows counted,
      tx.Exec(kCountBought, {account_ids, kHourWindow + kCountBucket, kDayWindow + kCountBucket}));
  std::map<std::string, Bought> bought;
  for (const Row row : counted) bought[row.Text("account_id")] = ReadBought(row);

  std::map<std::string, Hold> held;
  for (const Row row : locked) {
    if (!row.Bool("same")) return EpochUnnoticed();
    const std::string account_id = row.Text("account_id");
    std::vector<const Intent*> own = std::move(by_account[account_id]);
    by_account.erase(account_id);
    if (own.empty()) continue;  // twins of another account's
    AccountGate gate(row, std::move(own));
    if (gate.Open(bought[account_id])) continue;
    RETURN_IF_ERROR(gate.HoldBack(tx, bought[account_id], held));
  }
  for (const auto& [account_id, own] : by_account) {
    for (const Intent* intent : own) {
      held[intent->request.request_id()] = {.refusal = absl::NotFoundError(absl::StrCat(
                                                "accounts/", account_id, ": no such account"))};
    }
  }
  return held;
}

absl::StatusOr<std::map<std::string, Bought>> PostgresCallStore::CountBought() {
  RETURN_IF_ERROR(
      db_.Exec("DELETE FROM purchase_counts WHERE bucket < clock_timestamp() - make_interval(secs "
               "=> $1)",
               {kDayWindow + 2 * kCountBucket})
          .status());
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec(kCountBought,
                            {std::nullopt, kHourWindow + kCountBucket, kDayWindow + kCountBucket}));
  std::map<std::string, Bought> bought;
  for (const Row row : rows) bought[row.Text("account_id")] = ReadBought(row);
  return bought;
}

}  // namespace psups::ups_gateway
