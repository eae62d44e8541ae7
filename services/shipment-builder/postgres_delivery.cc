#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/postgres_views.h"

namespace psups::shipment_builder {
namespace {

using Schedule = orders::v1::Order::Schedule;

bool NeverShips(Schedule::IneligibleReason reason) {
  return reason == Schedule::LINE_CANCELLED || reason == Schedule::SCHEDULE_CANCELLED ||
         reason == Schedule::SERVICE || reason == Schedule::AMOUNT_ONLY ||
         reason == Schedule::SOURCED_TO_PO;
}

}  // namespace

absl::StatusOr<ShipmentViews::OrderFacts> PostgresShipmentViews::GetOrderFacts(
    const std::string& order_id) {
  ASSIGN_OR_RETURN(const Rows orders,
                   db_.Exec("SELECT connection_id, sealed FROM orders WHERE order_id = $1 ORDER BY "
                            "connection_id LIMIT 1",
                            {order_id}));
  if (orders.empty()) {
    return absl::NotFoundError(absl::StrCat("orders/", order_id, ": was not taken in"));
  }
  const std::string connection = orders[0].Text("connection_id");
  ASSIGN_OR_RETURN(const std::string bytes,
                   rows_.Open(connection, "orders", order_id, orders[0].Binary("sealed")));
  orders::v1::Order order;
  if (!order.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("orders/", order_id, ": its snapshot does not parse"));
  }
  OrderFacts facts{.document = order.document()};
  ASSIGN_OR_RETURN(const Rows schedules,
                   db_.Exec("SELECT line_number, schedule_number, received_before::text FROM "
                            "schedules WHERE connection_id = $1 AND order_id = $2",
                            {connection, order_id}));
  std::map<std::pair<int, int>, Decimal> received_before;
  for (const Row& row : schedules) {
    ASSIGN_OR_RETURN(received_before[std::pair(static_cast<int>(row.Int("line_number")),
                                               static_cast<int>(row.Int("schedule_number")))],
                     Decimal::Parse(row.Text("received_before")));
  }
  for (const auto& schedule : order.schedules()) {
    // What is no number is not ours to ship.
    facts.schedules.push_back(
        {.line = schedule.line_number(),
         .schedule = schedule.schedule_number(),
         .ordered = Decimal::Parse(schedule.ordered_quantity()).value_or(Decimal(0)),
         .received_before = received_before[{schedule.line_number(), schedule.schedule_number()}],
         .open = Decimal::Parse(schedule.open_quantity()).value_or(Decimal(0)),
         .cancelled = NeverShips(schedule.ineligible_reason())});
  }
  // One statement, so one moment: what is voided and bought again is never seen twice.
  ASSIGN_OR_RETURN(
      const Rows contents,
      db_.Exec(
          "SELECT p.tracking_number, p.tracking_status, c.line, c.schedule, "
          "c.quantity::text AS quantity FROM shipments s JOIN purchases b ON b.connection_id = "
          "s.connection_id AND b.shipment_id = s.shipment_id AND b.purchase_number = "
          "s.purchase_number AND b.state = 'DONE' JOIN packages p ON p.connection_id = "
          "s.connection_id AND p.shipment_id = s.shipment_id AND p.tracking_number <> '' AND "
          "p.tracking_status <> 'VOIDED' AND p.void_state <> 'DONE' CROSS JOIN LATERAL "
          "unnest(p.content_lines, "
          "p.content_schedules, "
          "p.content_quantities) AS c(line, schedule, quantity) WHERE s.connection_id = $1 AND "
          "s.order_id = $2 ORDER BY s.create_time, s.shipment_id, p.package_number",
          {connection, order_id}));
  for (const Row& row : contents) {
    const std::string number = row.Text("tracking_number");
    if (facts.live.empty() || facts.live.back().tracking_number != number) {
      facts.live.push_back(
          {.tracking_number = number, .tracking_status = row.Text("tracking_status")});
    }
    ASSIGN_OR_RETURN(const Decimal quantity, Decimal::Parse(row.Text("quantity")));
    facts.live.back().contents.push_back({.line = static_cast<int>(row.Int("line")),
                                          .schedule = static_cast<int>(row.Int("schedule")),
                                          .quantity = quantity});
  }
  return facts;
}

absl::StatusOr<CostEstimate> PostgresShipmentViews::EstimateCost(const std::string& connection_id) {
  // What may be bought already is not to be bought.
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec(
          "SELECT estimated_currency AS currency, coalesce(sum(estimated_minor), 0)::bigint AS "
          "minor, count(*) AS shipments, sum(packages)::bigint AS packages FROM (SELECT "
          "s.estimated_currency, s.estimated_minor, (SELECT count(*) FROM packages p WHERE "
          "p.connection_id = s.connection_id AND p.shipment_id = s.shipment_id) AS packages "
          "FROM shipments s WHERE s.connection_id = $1 AND s.state IN ('RECEIVED', "
          "'VALIDATING', 'LABELING') AND NOT EXISTS (SELECT FROM purchases b WHERE "
          "b.connection_id = s.connection_id AND b.shipment_id = s.shipment_id AND b.state IN "
          "('OPEN', 'IN_DOUBT'))) AS waiting GROUP BY estimated_currency ORDER BY shipments "
          "DESC, currency",
          {connection_id}));
  CostEstimate estimate;
  for (const Row& row : rows) {
    const int shipments = static_cast<int>(row.Int("shipments"));
    estimate.shipments += shipments;
    estimate.packages += static_cast<int>(row.Int("packages"));
    const std::string currency = row.Text("currency");
    // An account bills in one currency; of another one there is no sum.
    if (currency.empty() || estimate.cost.has_value()) {
      estimate.without_estimate += shipments;
    } else {
      estimate.cost = Money{.amount_minor = row.Int("minor"), .currency_code = currency};
    }
  }
  ASSIGN_OR_RETURN(
      const Rows reviews,
      db_.Exec("SELECT count(*) AS n FROM reviews WHERE connection_id = $1 AND state = "
               "'OPEN'",
               {connection_id}));
  estimate.open_reviews = static_cast<int>(reviews[0].Int("n"));
  return estimate;
}

}  // namespace psups::shipment_builder
