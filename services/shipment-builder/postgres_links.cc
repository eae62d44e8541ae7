#include "services/shipment-builder/postgres_links.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "services/shipment-builder/planning.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;

// What purchases hold of the requisitions' schedules behind those of the orders in $1, $2.
constexpr char kSkippedNow[] =
    "SELECT s.connection_id, s.order_id, s.line_number, s.schedule_number, s.skipped AS before, "
    "CASE WHEN NOT bool_or(coalesce(r.allocated, 0) > 0) THEN '' WHEN bool_and(coalesce("
    "r.allocated, 0) > 0) THEN 'SHIPPED_AS_REQUISITION' ELSE 'PARTLY_SHIPPED_AS_REQUISITION' END "
    "AS reason FROM unnest($1::text[], $2::text[]) AS k(connection_id, order_id) JOIN schedules s "
    "USING (connection_id, order_id) LEFT JOIN schedule_sources l USING (connection_id, order_id, "
    "line_number, schedule_number) LEFT JOIN schedules r ON r.connection_id = l.connection_id AND "
    "r.order_id = l.source_order_id AND r.line_number = l.source_line_number AND "
    "r.schedule_number = l.source_schedule_number GROUP BY s.connection_id, s.order_id, "
    "s.line_number, s.schedule_number";

// Takes the locks of the requisitions in `rows`, a SELECT of connection_id and order_id, in one
// order for everybody.
std::string LockRequisitions(std::string_view rows) {
  return absl::StrCat(
      "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(concat_ws('/', "
      "current_schema(), connection_id, order_id), 0) AS key FROM (",
      std::string(rows), ") AS r ORDER BY key) AS k");
}

bool NamesSources(const Order& order) {
  for (const auto& schedule : order.schedules()) {
    if (!schedule.sources().empty()) return true;
  }
  return false;
}

void Mark(Order& order, int line, int number, const std::string& reason) {
  for (auto& schedule : *order.mutable_schedules()) {
    if (schedule.line_number() != line || schedule.schedule_number() != number) continue;
    if (schedule.ineligible_reason() != Schedule::INELIGIBLE_REASON_UNSPECIFIED) continue;
    schedule.set_ineligible_reason(reason == "PARTLY_SHIPPED_AS_REQUISITION"
                                       ? kPartlyShippedAsRequisition
                                       : kShippedAsRequisition);
  }
}

AuditEntry EntryOf(const Order& order, const std::vector<Skipped>& skipped) {
  AuditEntry entry{.action = "order.skip",
                   .subject = order.name(),
                   .actor = std::string(kService),
                   .trace_id = order.trace_id()};
  entry.detail["revision"] = order.revision();
  for (const Skipped& one : skipped) {
    entry.detail["schedules"].push_back(
        {{"line", one.line}, {"schedule", one.schedule}, {"reason", one.reason}});
  }
  return entry;
}

}  // namespace

absl::StatusOr<bool> LockLinked(Tx& tx, const Arrays& schedules) {
  if (schedules.empty()) return false;
  static const auto* const kSql = new std::string(LockRequisitions(
      "SELECT x.connection_id, coalesce(l.source_order_id, x.order_id) AS order_id FROM "
      "unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::boolean[]) AS "
      "x(connection_id, order_id, line_number, schedule_number, requisition) LEFT JOIN "
      "schedule_sources l USING (connection_id, order_id, line_number, schedule_number) WHERE "
      "x.requisition OR l.source_order_id IS NOT NULL"));
  ASSIGN_OR_RETURN(const Rows locked, tx.Exec(*kSql, schedules.Params()));
  return !locked.empty();
}

absl::Status CheckLinked(Tx& tx, const Arrays& schedules) {
  if (schedules.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec("WITH x AS (SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], "
              "$4::integer[]) AS x(connection_id, order_id, line_number, schedule_number)), "
              "links AS (SELECT l.* FROM x JOIN schedule_sources l ON l.connection_id = "
              "x.connection_id AND l.order_id = x.order_id AND l.line_number = x.line_number AND "
              "l.schedule_number = x.schedule_number UNION ALL SELECT l.* FROM x JOIN "
              "schedule_sources l ON l.connection_id = x.connection_id AND l.source_order_id = "
              "x.order_id AND l.source_line_number = x.line_number AND l.source_schedule_number = "
              "x.schedule_number) SELECT l.order_id, l.source_order_id FROM links l JOIN schedules "
              "p ON p.connection_id = l.connection_id AND p.order_id = l.order_id AND "
              "p.line_number = l.line_number AND p.schedule_number = l.schedule_number JOIN "
              "schedules r ON r.connection_id = l.connection_id AND r.order_id = "
              "l.source_order_id AND r.line_number = l.source_line_number AND r.schedule_number = "
              "l.source_schedule_number WHERE p.allocated > 0 AND r.allocated > 0 LIMIT 1",
              schedules.Params()));
  if (rows.empty()) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat("orders/", rows[0].Text("order_id"),
                                               ": purchases hold what orders/",
                                               rows[0].Text("source_order_id"), " asked for"));
}

absl::Status StoreLinks(Tx& tx, const std::vector<OrderToPlan>& orders) {
  Arrays known(2), links(7);
  for (const OrderToPlan& item : orders) {
    if (!item.fresh) known.Add({item.key.first, item.key.second});
    for (const auto& schedule : item.order.schedules()) {
      for (const auto& source : schedule.sources()) {
        links.Add({item.key.first, item.key.second, std::to_string(schedule.line_number()),
                   std::to_string(schedule.schedule_number()), AfterSlash(source.order()),
                   std::to_string(source.line_number()), std::to_string(source.schedule_number())});
      }
    }
  }
  if (!known.empty()) {
    // While a label may be live its link stands, whatever the order says now.
    RETURN_IF_ERROR(tx.Exec("DELETE FROM schedule_sources l USING unnest($1::text[], $2::text[]) "
                            "AS k(connection_id, order_id) WHERE l.connection_id = "
                            "k.connection_id AND l.order_id = k.order_id AND NOT EXISTS (SELECT 1 "
                            "FROM schedules p WHERE p.connection_id = l.connection_id AND "
                            "p.order_id = l.order_id AND p.line_number = l.line_number AND "
                            "p.schedule_number = l.schedule_number AND p.allocated > 0)",
                            known.Params())
                        .status());
  }
  if (links.empty()) return absl::OkStatus();
  const std::string rows =
      "unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::text[], $6::integer[], "
      "$7::integer[]) AS x(connection_id, po_id, line, schedule, order_id, source_line, "
      "source_schedule)";
  RETURN_IF_ERROR(tx.Exec(LockRequisitions("SELECT * FROM " + rows), links.Params()).status());
  return tx
      .Exec(
          "INSERT INTO schedule_sources (connection_id, order_id, line_number, schedule_number, "
          "source_order_id, source_line_number, source_schedule_number) SELECT * FROM " +
              rows + " ON CONFLICT DO NOTHING",
          links.Params())
      .status();
}

absl::StatusOr<std::vector<Skipped>> SkipShipped(Tx& tx, std::vector<OrderToPlan>& orders) {
  std::vector<Skipped> news;
  std::map<ShipmentKey, Order*> by_key;
  Arrays keys(2);
  for (OrderToPlan& item : orders) {
    if (item.fresh && !NamesSources(item.order)) continue;
    keys.Add({item.key.first, item.key.second});
    by_key[item.key] = &item.order;
  }
  if (keys.empty()) return news;
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec(absl::StrCat("UPDATE schedules s SET skipped = now.reason FROM (", kSkippedNow,
                           ") AS now WHERE s.connection_id = now.connection_id AND s.order_id = "
                           "now.order_id AND s.line_number = now.line_number AND "
                           "s.schedule_number = now.schedule_number AND (now.reason <> '' OR "
                           "now.before <> '') RETURNING s.connection_id, s.order_id, "
                           "s.line_number, s.schedule_number, s.skipped, now.before"),
              keys.Params()));
  std::map<Order*, std::vector<Skipped>> told;
  for (const Row& row : rows) {
    const Skipped one{.order_id = row.Text("order_id"),
                      .line = static_cast<int>(row.Int("line_number")),
                      .schedule = static_cast<int>(row.Int("schedule_number")),
                      .reason = row.Text("skipped")};
    if (one.reason.empty()) continue;
    Order* const order = by_key.at({row.Text("connection_id"), one.order_id});
    Mark(*order, one.line, one.schedule, one.reason);
    if (one.reason == row.Text("before")) continue;
    told[order].push_back(one);
    news.push_back(one);
  }
  std::vector<AuditEntry> entries;
  for (const auto& [order, skipped] : told) entries.push_back(EntryOf(*order, skipped));
  if (!entries.empty()) RETURN_IF_ERROR(AppendAudit(tx, kService, entries));
  return news;
}

absl::Status MarkSkipped(Tx& tx, const ShipmentKey& key, Order& order) {
  if (!NamesSources(order)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Rows rows, tx.Exec(kSkippedNow, {std::vector<std::string>{key.first},
                                                          std::vector<std::string>{key.second}}));
  for (const Row& row : rows) {
    if (row.Text("reason").empty()) continue;
    Mark(order, static_cast<int>(row.Int("line_number")),
         static_cast<int>(row.Int("schedule_number")), row.Text("reason"));
  }
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
