#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres_calls.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

std::string PostgresCallStore::VerdictKey(const std::string& address_key) {
  return sealer_.ring().Derive("address_verdict", address_key);
}

absl::StatusOr<std::optional<pb::ValidateAddressResponse>> PostgresCallStore::FindVerdict(
    const std::string& address_key, absl::Duration life) {
  const std::string key = VerdictKey(address_key);
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT verdict, call_id FROM address_verdicts WHERE verdict_key = $1 "
                            "AND expire_time > now() AND verdict_time > now() - make_interval(secs "
                            "=> $2)",
                            {Bytes{key}, life}));
  if (rows.empty()) return std::optional<pb::ValidateAddressResponse>();
  const absl::StatusOr<std::string> opened =
      sealer_.Open({"address_verdicts", "verdict", Hex(key)}, rows[0].Binary("verdict"));
  std::optional<pb::ValidateAddressResponse> verdict(std::in_place);
  if (!opened.ok() || !verdict->ParseFromString(*opened)) {
    // UPS can say it again.
    LogError("address_verdict_unreadable",
             {{"call", rows[0].Text("call_id")}, {"status", opened.status()}});
    verdict.reset();
  }
  return verdict;
}

absl::StatusOr<int> PostgresCallStore::DropVerdicts(int limit) {
  ASSIGN_OR_RETURN(
      const Rows dropped,
      db_.Exec("DELETE FROM address_verdicts WHERE verdict_key IN (SELECT verdict_key FROM "
               "address_verdicts WHERE expire_time <= now() ORDER BY expire_time LIMIT $1 FOR "
               "UPDATE SKIP LOCKED)",
               {limit}));
  return static_cast<int>(dropped.affected());
}

absl::StatusOr<PostgresCallStore::SealedVerdicts> PostgresCallStore::SealVerdicts(
    const std::vector<CallRecord>& records) {
  SealedVerdicts verdicts;
  for (const CallRecord& record : records) {
    if (!record.verdict) continue;
    const pb::ValidateAddressResponse& answer = record.verdict->answer;
    const std::string key = VerdictKey(record.verdict->address_key);
    ASSIGN_OR_RETURN(std::string sealed, sealer_.Seal(Scope(record.account_id),
                                                      {"address_verdicts", "verdict", Hex(key)},
                                                      answer.SerializeAsString()));
    verdicts[key] = {.sealed = std::move(sealed),
                     .call_id = answer.call_id(),
                     .unix_seconds = answer.verdict_time().seconds(),
                     .life_seconds = absl::ToInt64Seconds(record.verdict->life)};
  }
  return verdicts;
}

absl::Status PostgresCallStore::InsertVerdicts(Tx& tx, const SealedVerdicts& verdicts) {
  if (verdicts.empty()) return absl::OkStatus();
  // In the order of the keys, so that two replicas never wait for each other crosswise.
  std::vector<Bytes> keys, sealed;
  std::vector<std::string> call_ids;
  std::vector<int64_t> times, lives;
  for (const auto& [key, verdict] : verdicts) {
    keys.push_back({key});
    sealed.push_back({verdict.sealed});
    call_ids.push_back(verdict.call_id);
    times.push_back(verdict.unix_seconds);
    lives.push_back(verdict.life_seconds);
  }
  return tx
      .Exec(
          "INSERT INTO address_verdicts AS old (verdict_key, verdict, call_id, verdict_time, "
          "expire_time) SELECT k, v, c, to_timestamp(t), to_timestamp(t) + make_interval(secs => "
          "l) FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[]) AS "
          "n(k, v, c, t, l) ON CONFLICT (verdict_key) DO UPDATE SET verdict = excluded.verdict, "
          "call_id = excluded.call_id, verdict_time = excluded.verdict_time, expire_time = "
          "excluded.expire_time WHERE old.verdict_time <= excluded.verdict_time",
          {keys, sealed, call_ids, times, lives})
      .status();
}

}  // namespace psups::ups_gateway
