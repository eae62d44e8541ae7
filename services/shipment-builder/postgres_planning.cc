#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/shipment-builder/grouping.h"
#include "services/shipment-builder/postgres.h"
#include "services/shipment-builder/postgres_links.h"
#include "services/shipment-builder/postgres_store.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;

absl::Status StoreSchedules(Tx& tx, const std::vector<OrderToPlan>& to_plan) {
  Arrays rows(7);
  for (const OrderToPlan& item : to_plan) {
    std::set<std::pair<int, int>> seen;
    for (const auto& schedule : item.order.schedules()) {
      const std::optional<Quantities> now = QuantitiesOf(schedule);
      const std::pair<int, int> number{schedule.line_number(), schedule.schedule_number()};
      if (!now.has_value() || !seen.insert(number).second) continue;
      rows.Add({item.key.first, item.key.second, std::to_string(number.first),
                std::to_string(number.second), now->ordered.ToString(), now->open.ToString(),
                now->received().ToString()});
    }
  }
  if (rows.empty()) return absl::OkStatus();
  // A quantity that purchases hold stays theirs until their labels are void.
  return tx
      .Exec(
          "INSERT INTO schedules AS s (connection_id, order_id, line_number, schedule_number, "
          "ordered, open, received_before) SELECT * FROM unnest($1::text[], $2::text[], "
          "$3::integer[], $4::integer[], $5::numeric[], $6::numeric[], $7::numeric[]) "
          "ON CONFLICT (connection_id, order_id, line_number, schedule_number) DO UPDATE SET "
          "open = EXCLUDED.open, "
          "received_before = least(s.received_before, EXCLUDED.received_before), "
          "ordered = greatest(EXCLUDED.ordered, s.allocated + "
          "least(s.received_before, EXCLUDED.received_before))",
          rows.Params())
      .status();
}

// Marks those whose void was refused and about which a person did not decide yet.
absl::Status FindRefusedVoids(Tx& tx, std::vector<Shipment>& shipments) {
  Arrays keys(2);
  for (const Shipment& shipment : shipments) {
    if (shipment.void_number > 0) keys.Add({shipment.connection_id, shipment.shipment_id});
  }
  if (keys.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec("SELECT r.connection_id, r.shipment_id FROM reviews r JOIN "
                           "unnest($1::text[], $2::text[]) AS k(connection_id, shipment_id) ON "
                           "r.connection_id = k.connection_id AND r.shipment_id = k.shipment_id "
                           "WHERE r.state = 'OPEN' AND r.reason = 'VOID_REFUSED'",
                           keys.Params()));
  std::set<ShipmentKey> refused;
  for (const Row& row : rows) refused.insert({row.Text("connection_id"), row.Text("shipment_id")});
  for (Shipment& shipment : shipments) shipment.void_refused = refused.count(KeyOf(shipment)) > 0;
  return absl::OkStatus();
}

// The newest version of each connection's rules that has any.
absl::StatusOr<std::map<std::string, int64_t>> NewestVersions(
    Tx& tx, const std::vector<OrderToPlan>& to_plan) {
  std::set<std::string> connections;
  for (const OrderToPlan& item : to_plan) connections.insert(item.key.first);
  // A version that is being set waits for the plans under way, and then has what they made planned
  // anew.
  RETURN_IF_ERROR(
      tx.Exec("SELECT pg_advisory_xact_lock_shared(hashtextextended(concat_ws('/', "
              "current_schema(), 'mappings', c), 0)) FROM unnest($1::text[]) AS c ORDER BY c",
              {std::vector<std::string>(connections.begin(), connections.end())})
          .status());
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec("SELECT connection_id, max(version) AS version FROM mappings WHERE connection_id = "
              "ANY($1::text[]) GROUP BY connection_id",
              {std::vector<std::string>(connections.begin(), connections.end())}));
  std::map<std::string, int64_t> versions;
  for (const Row& row : rows) versions[row.Text("connection_id")] = row.Int("version");
  return versions;
}

// What a person may have to ship by hand.
void TellOfSkipped(const std::vector<Skipped>& skipped) {
  for (const Skipped& one : skipped) {
    if (one.reason != "PARTLY_SHIPPED_AS_REQUISITION") continue;
    LogWarning("schedule_partly_shipped", {{"order", absl::StrCat("orders/", one.order_id)},
                                           {"line", one.line},
                                           {"schedule", one.schedule}});
  }
}

}  // namespace

absl::StatusOr<std::vector<Stored>> PostgresShipmentStore::TakeIn(const std::vector<Order>& orders,
                                                                  const Plan& plan) {
  std::map<ShipmentKey, const Order*> newest;  // in the order in which rows are locked
  std::set<std::string> connections;
  for (const Order& order : orders) {
    const std::string connection = AfterSlash(order.document().connection());
    const Order*& entry = newest[{connection, AfterSlash(order.name())}];
    if (entry == nullptr || entry->revision() < order.revision()) entry = &order;
    connections.insert(connection);
  }
  RETURN_IF_ERROR(rows_.WarmUp(connections));
  Arrays rows(4);
  for (const auto& [key, order] : newest) {
    ASSIGN_OR_RETURN(const std::string sealed,
                     rows_.Seal(key.first, "orders", key.second, order->SerializeAsString()));
    rows.Add({key.first, key.second, std::to_string(order->revision()), ByteaText(sealed)});
  }
  std::vector<Skipped> skipped;
  absl::StatusOr<std::vector<Stored>> planned =
      db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<Stored>> {
        ASSIGN_OR_RETURN(
            const Rows stored,
            tx.Exec("INSERT INTO orders (connection_id, order_id, revision, sealed) SELECT * FROM "
                    "unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) "
                    "ON CONFLICT (connection_id, order_id) DO UPDATE SET "
                    "revision = EXCLUDED.revision, sealed = EXCLUDED.sealed, update_time = now() "
                    "WHERE orders.revision < EXCLUDED.revision "
                    "RETURNING connection_id, order_id, built, (xmax = 0) AS fresh",
                    rows.Params()));
        std::vector<OrderToPlan> to_plan;
        for (const Row& row : stored) {
          const ShipmentKey key{row.Text("connection_id"), row.Text("order_id")};
          to_plan.push_back({.order = *newest.at(key),
                             .key = key,
                             .built = row.Int("built"),
                             .fresh = row.Bool("fresh")});
        }
        return PlanOrders(tx, to_plan, plan, skipped);
      });
  if (planned.ok()) TellOfSkipped(skipped);
  return planned;
}

absl::StatusOr<std::vector<Stored>> PostgresShipmentStore::PlanAgain(int limit, const Plan& plan) {
  // Opening an order needs its data key, which is not read within a transaction.
  ASSIGN_OR_RETURN(const Rows waiting,
                   db_.Exec("SELECT DISTINCT connection_id FROM replans LIMIT 1000"));
  if (waiting.empty()) return std::vector<Stored>{};
  std::set<std::string> connections;
  for (const Row& row : waiting) connections.insert(row.Text("connection_id"));
  RETURN_IF_ERROR(rows_.WarmUp(connections));
  std::vector<Skipped> skipped;
  absl::StatusOr<std::vector<Stored>> planned =
      db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<Stored>> {
        // An order that is being taken in is planned there; its turn comes afterwards.
        ASSIGN_OR_RETURN(
            const Rows rows,
            tx.Exec(
                "SELECT o.connection_id, o.order_id, o.built, o.sealed FROM orders o JOIN replans "
                "r ON r.connection_id = o.connection_id AND r.order_id = o.order_id WHERE "
                "o.connection_id = ANY($2::text[]) ORDER BY o.connection_id, o.order_id LIMIT $1 "
                "FOR UPDATE OF o SKIP LOCKED",
                {limit, std::vector<std::string>(connections.begin(), connections.end())}));
        std::vector<OrderToPlan> to_plan;
        Arrays keys(2);
        for (const Row& row : rows) {
          const ShipmentKey key{row.Text("connection_id"), row.Text("order_id")};
          ASSIGN_OR_RETURN(const std::string bytes,
                           rows_.Open(key.first, "orders", key.second, row.Binary("sealed")));
          to_plan.push_back({.key = key, .built = row.Int("built"), .fresh = false});
          if (!to_plan.back().order.ParseFromString(bytes)) {
            return absl::DataLossError("orders: a snapshot does not parse");
          }
          keys.Add({key.first, key.second});
        }
        if (to_plan.empty()) return std::vector<Stored>{};
        ASSIGN_OR_RETURN(std::vector<Stored> stored, PlanOrders(tx, to_plan, plan, skipped));
        // Last: whoever ends a purchase holds its shipment and then asks for a plan.
        RETURN_IF_ERROR(tx.Exec("DELETE FROM replans r USING unnest($1::text[], $2::text[]) "
                                "AS x(connection_id, order_id) WHERE r.connection_id = "
                                "x.connection_id AND r.order_id = x.order_id",
                                keys.Params())
                            .status());
        return stored;
      });
  if (planned.ok()) TellOfSkipped(skipped);
  return planned;
}

absl::StatusOr<std::vector<Stored>> PostgresShipmentStore::PlanOrders(
    Tx& tx, std::vector<OrderToPlan>& to_plan, const Plan& plan, std::vector<Skipped>& skipped) {
  skipped.clear();
  if (to_plan.empty()) return std::vector<Stored>{};
  std::map<ShipmentKey, std::vector<Shipment>> existing;
  Arrays known(2);
  for (const OrderToPlan& item : to_plan) {
    if (!item.fresh) known.Add({item.key.first, item.key.second});
  }
  if (!known.empty()) {
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                             " FROM shipments s JOIN unnest($1::text[], $2::text[]) AS "
                             "k(connection_id, order_id) ON s.connection_id = k.connection_id "
                             "AND s.order_id = k.order_id WHERE s.holds ORDER BY "
                             "s.connection_id, s.shipment_id FOR UPDATE OF s"),
                known.Params()));
    ASSIGN_OR_RETURN(std::vector<Shipment> shipments, rows_.Load(tx, rows));
    RETURN_IF_ERROR(rows_.OpenParties(shipments));
    RETURN_IF_ERROR(FindRefusedVoids(tx, shipments));
    for (Shipment& shipment : shipments) {
      existing[{shipment.connection_id, shipment.order_id}].push_back(std::move(shipment));
    }
  }
  RETURN_IF_ERROR(StoreLinks(tx, to_plan));
  RETURN_IF_ERROR(StoreSchedules(tx, to_plan));
  ASSIGN_OR_RETURN(skipped, SkipShipped(tx, to_plan));
  ASSIGN_OR_RETURN(const auto versions, NewestVersions(tx, to_plan));
  std::vector<Changed> changed;
  Arrays built(3);
  for (const OrderToPlan& item : to_plan) {
    std::vector<Shipment>& shipments = existing[item.key];
    const auto version = versions.find(item.key.first);
    ASSIGN_OR_RETURN(Reconciliation outcome, plan(item.order, shipments, item.built,
                                                  version == versions.end() ? 0 : version->second));
    for (std::size_t i = 0; i < shipments.size(); ++i) {
      if (!outcome.changes[i].has_value()) continue;
      changed.push_back({std::move(shipments[i]), std::move(*outcome.changes[i])});
    }
    if (!outcome.fresh.empty()) {
      built.Add({item.key.first, item.key.second, std::to_string(outcome.fresh.size())});
    }
    for (NewShipment& fresh : outcome.fresh) {
      fresh.effects.packages_changed = true;
      changed.push_back({std::move(fresh.shipment), std::move(fresh.effects), /*fresh=*/true});
    }
  }
  if (!built.empty()) {
    RETURN_IF_ERROR(tx.Exec("UPDATE orders o SET built = o.built + x.n FROM unnest($1::text[], "
                            "$2::text[], $3::bigint[]) AS x(connection_id, order_id, n) WHERE "
                            "o.connection_id = x.connection_id AND o.order_id = x.order_id",
                            built.Params())
                        .status());
  }
  return rows_.Write(tx, changed, absl::ZeroDuration());
}

std::unique_ptr<ShipmentStore> MakePostgresShipmentStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresShipmentStore>(db, sealer);
}

}  // namespace psups::shipment_builder
