#include "services/ups-gateway/store/postgres_errors.h"

#include "common/status_macros.h"

namespace psups::ups_gateway {
namespace {

// Different ones that are kept for an account; UPS knows some hundred codes.
constexpr int kMostErrors = 500;

}  // namespace

absl::Status CountErrors(Tx& tx, const ErrorCounts& counts) {
  if (counts.empty()) return absl::OkStatus();
  std::vector<std::string> accounts, operations, codes;
  std::vector<int64_t> statuses, numbers;
  for (const auto& [key, number] : counts) {
    accounts.push_back(key.account_id);
    operations.push_back(key.operation);
    codes.push_back(key.ups_code);
    statuses.push_back(key.http_status);
    numbers.push_back(number);
  }
  return tx
      .Exec(
          "WITH full_accounts AS (SELECT account_id FROM account_errors WHERE account_id = "
          "ANY($1::text[]) GROUP BY account_id HAVING count(*) >= $6), "
          "met AS (SELECT m.account_id, m.operation, CASE WHEN f.account_id IS NULL OR "
          "e.account_id IS NOT NULL THEN m.ups_code ELSE '' END AS ups_code, m.http_status, m.n "
          "FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[]) AS "
          "m(account_id, operation, ups_code, http_status, n) "
          "LEFT JOIN full_accounts f USING (account_id) "
          "LEFT JOIN account_errors e USING (account_id, operation, ups_code, http_status)) "
          "INSERT INTO account_errors AS e (account_id, operation, ups_code, http_status, count) "
          "SELECT account_id, operation, ups_code, http_status, sum(n) FROM met "
          "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 "
          "ON CONFLICT (account_id, operation, ups_code, http_status) DO UPDATE SET "
          "count = e.count + excluded.count, last_time = now()",
          {accounts, operations, codes, statuses, numbers, kMostErrors})
      .status();
}

absl::StatusOr<std::vector<MetError>> ReadErrors(Db& db, std::string_view account_id,
                                                 const std::optional<MetError>& after, int limit) {
  const MetError start = after.value_or(MetError{.last_time = absl::InfiniteFuture()});
  ASSIGN_OR_RETURN(
      const Rows rows,
      db.Exec(
          "SELECT operation, ups_code, http_status, count, first_time, last_time FROM "
          "account_errors WHERE account_id = $1 AND (last_time, operation, ups_code, "
          "http_status) < ($2, $3, $4, $5) ORDER BY last_time DESC, operation DESC, ups_code "
          "DESC, http_status DESC LIMIT $6",
          {account_id,
           start.last_time == absl::InfiniteFuture() ? Param("infinity") : Param(start.last_time),
           start.operation, start.ups_code, start.http_status, limit}));
  std::vector<MetError> errors;
  for (const Row row : rows) {
    errors.push_back({.operation = row.Text("operation"),
                      .ups_code = row.Text("ups_code"),
                      .http_status = static_cast<int>(row.Int("http_status")),
                      .count = row.Int("count"),
                      .first_time = row.Time("first_time"),
                      .last_time = row.Time("last_time")});
  }
  return errors;
}

}  // namespace psups::ups_gateway
