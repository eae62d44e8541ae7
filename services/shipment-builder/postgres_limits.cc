#include "services/shipment-builder/postgres_limits.h"

#include "common/status_macros.h"

namespace psups::shipment_builder {
namespace {

absl::Status CountUnusual(Tx& tx, const std::string& connection_id, PurchaseCounts& counts) {
  // Nothing is usual in the first week.
  ASSIGN_OR_RETURN(
      const Rows hours,
      tx.Exec(
          "SELECT coalesce(max(n), 0) AS busiest FROM (SELECT count(*) AS n FROM purchases WHERE "
          "connection_id = $1 AND create_time > now() - interval '28 days' AND create_time < "
          "now() - interval '1 hour' AND state <> 'NOT_MADE' GROUP BY date_bin('1 hour', "
          "create_time, now())) AS h WHERE "
          "EXISTS (SELECT FROM purchases WHERE connection_id = $1 AND create_time < now() - "
          "interval '7 days' AND state <> 'NOT_MADE')",
          {connection_id}));
  counts.busiest_hour = hours[0].Int("busiest");
  ASSIGN_OR_RETURN(
      const Rows asked,
      tx.Exec(
          "SELECT coalesce(bool_or(state = 'OPEN'), false) AS asked, coalesce(bool_or(state = "
          "'RESOLVED' AND resolution = 'SHIP_ANYWAY' AND close_time > now() - interval '24 "
          "hours'), false) AS allowed FROM reviews WHERE connection_id = $1 AND reason = "
          "'PURCHASES_UNUSUAL' AND (state = 'OPEN' OR close_time > now() - interval '24 hours')",
          {connection_id}));
  counts.unusual_is_asked = asked[0].Bool("asked");
  counts.unusual_is_allowed = asked[0].Bool("allowed");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PurchaseCounts> CountPurchases(Tx& tx, const std::string& connection_id,
                                              const Limits& limits) {
  RETURN_IF_ERROR(tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(concat_ws('/', "
                          "current_schema(), 'purchases', $1::text), 0))",
                          {connection_id})
                      .status());
  // A statement of its own: it sees what was committed while the lock waited.
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec("SELECT vendor, count(*) FILTER (WHERE create_time > now() - interval '1 hour') AS "
              "hour, count(*) AS day FROM purchases WHERE connection_id = $1 AND create_time > "
              "now() - interval '24 hours' AND state <> 'NOT_MADE' GROUP BY vendor",
              {connection_id}));
  PurchaseCounts counts;
  for (const Row& row : rows) {
    const PurchaseCounts::Count one{.hour = row.Int("hour"), .day = row.Int("day")};
    counts.by_vendor[row.Text("vendor")] = one;
    counts.all.hour += one.hour;
    counts.all.day += one.day;
  }
  if (limits.anomaly_percent() > 0) RETURN_IF_ERROR(CountUnusual(tx, connection_id, counts));
  return counts;
}

}  // namespace psups::shipment_builder
