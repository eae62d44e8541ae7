#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/shipment-builder/postgres_limits.h"
#include "services/shipment-builder/postgres_store.h"

namespace psups::shipment_builder {

absl::StatusOr<std::vector<Leased>> PostgresShipmentStore::Lease(Work work, int limit,
                                                                 absl::Duration lease) {
  for (const bool suspicious : {false, true}) {
    const std::string token = RandomHex128();
    ASSIGN_OR_RETURN(
        std::vector<Shipment> shipments,
        db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<Shipment>> {
          ASSIGN_OR_RETURN(
              const Rows rows,
              tx.Exec(
                  absl::StrCat("WITH due AS MATERIALIZED (SELECT connection_id, shipment_id FROM "
                               "shipments WHERE work = $1 AND due_time <= now() AND lease_count ",
                               suspicious ? ">=" : "<",
                               " $4 ORDER BY due_time LIMIT $2 FOR UPDATE SKIP LOCKED) "
                               "UPDATE shipments s SET due_time = now() + make_interval(secs => "
                               "$3::float8), lease_token = $5, lease_count = s.lease_count + 1 "
                               "FROM due WHERE s.connection_id = due.connection_id AND "
                               "s.shipment_id = due.shipment_id RETURNING ",
                               kShipmentColumns),
                  {std::string(Name(work)), suspicious ? 1 : limit, lease, kSuspiciousLeases,
                   token}));
          return rows_.Load(tx, rows);
        }));
    RETURN_IF_ERROR(rows_.OpenParties(shipments));
    if (shipments.empty()) continue;
    std::vector<Leased> leased;
    for (Shipment& shipment : shipments) leased.push_back({std::move(shipment), token});
    return leased;
  }
  return std::vector<Leased>{};
}

absl::Status PostgresShipmentStore::RenewLeases(const std::vector<LeaseKey>& keys,
                                                absl::Duration lease) {
  Arrays rows(3);
  for (const LeaseKey& key : keys) {
    rows.Add({key.connection_id, key.shipment_id, key.lease_token});
  }
  std::vector<Param> params = rows.Params();
  params.emplace_back(lease);
  // A row that is being changed is being given up: waiting for it would only hold the others.
  return db_
      .Exec(
          "WITH held AS MATERIALIZED (SELECT s.connection_id, s.shipment_id FROM shipments s "
          "JOIN unnest($1::text[], $2::text[], $3::text[]) AS k(connection_id, shipment_id, "
          "token) ON s.connection_id = k.connection_id AND s.shipment_id = k.shipment_id AND "
          "s.lease_token = k.token FOR UPDATE OF s SKIP LOCKED) UPDATE shipments s SET due_time "
          "= now() + make_interval(secs => $4::float8) FROM held WHERE s.connection_id = "
          "held.connection_id AND s.shipment_id = held.shipment_id",
          std::move(params))
      .status();
}

absl::StatusOr<std::vector<Stored>> PostgresShipmentStore::Update(const std::vector<Leased>& held,
                                                                  absl::Duration lease,
                                                                  const Change& change) {
  return UpdateGated(
      held, lease, [](const std::string&) { return Limits(); },
      [&](Shipment& shipment, std::size_t index, Gate*) { return change(shipment, index); });
}

absl::StatusOr<std::vector<Stored>> PostgresShipmentStore::UpdateGated(
    const std::vector<Leased>& held, absl::Duration lease, const LimitsOf& limits,
    const GatedChange& change) {
  if (held.empty()) return std::vector<Stored>{};
  std::map<ShipmentKey, std::size_t> index;
  std::set<std::string> connections;
  Arrays keys(3);
  for (std::size_t i = 0; i < held.size(); ++i) {
    const Shipment& shipment = held[i].shipment;
    index[KeyOf(shipment)] = i;
    connections.insert(shipment.connection_id);
    keys.Add({shipment.connection_id, shipment.shipment_id, held[i].lease_token});
  }
  RETURN_IF_ERROR(rows_.WarmUp(connections));
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<Stored>> {
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                             " FROM shipments s JOIN unnest($1::text[], $2::text[], $3::text[]) "
                             "AS k(connection_id, shipment_id, token) ON s.connection_id = "
                             "k.connection_id AND s.shipment_id = k.shipment_id AND "
                             "s.lease_token = k.token ORDER BY s.connection_id, s.shipment_id "
                             "FOR UPDATE OF s"),
                keys.Params()));
    ASSIGN_OR_RETURN(std::vector<Shipment> live, rows_.Load(tx, rows));
    RETURN_IF_ERROR(rows_.OpenParties(live));
    std::map<std::string, Gate> gates;
    for (const std::string& connection : connections) {
      const Limits limit = limits(connection);
      if (IsUnlimited(limit)) continue;
      ASSIGN_OR_RETURN(PurchaseCounts counts, CountPurchases(tx, connection, limit));
      gates.emplace(connection, Gate(limit, std::move(counts)));
    }
    std::vector<Changed> changed;
    for (Shipment& shipment : live) {
      const auto gate = gates.find(shipment.connection_id);
      Effects effects = change(shipment, index.at(KeyOf(shipment)),
                               gate == gates.end() ? nullptr : &gate->second);
      changed.push_back({std::move(shipment), std::move(effects)});
    }
    return rows_.Write(tx, changed, lease);
  });
}

absl::StatusOr<std::vector<std::string>> PostgresShipmentStore::UnknownNumbers(
    const std::vector<std::string>& tracking_numbers) {
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT DISTINCT n.number FROM unnest($1::text[]) AS n(number) WHERE "
                            "NOT EXISTS (SELECT FROM packages p WHERE p.tracking_number = n.number "
                            "AND p.tracking_number <> '')",
                            {tracking_numbers}));
  std::vector<std::string> unknown;
  for (const Row& row : rows) unknown.push_back(row.Text("number"));
  return unknown;
}

absl::StatusOr<int> PostgresShipmentStore::Unpark(const std::vector<std::string>& connection_ids) {
  if (connection_ids.empty()) return 0;
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("UPDATE shipments SET due_time = now() WHERE (connection_id, shipment_id) IN "
               "(SELECT connection_id, shipment_id FROM shipments WHERE due_time = 'infinity' AND "
               "connection_id = ANY($1::text[]) LIMIT 10000 FOR UPDATE SKIP LOCKED)",
               {connection_ids}));
  return static_cast<int>(rows.affected());
}

absl::StatusOr<std::vector<std::vector<std::string>>> PostgresShipmentStore::Replaced(
    const std::vector<Leased>& shipments) {
  std::vector<std::vector<std::string>> result(shipments.size());
  std::map<ShipmentKey, std::size_t> index;
  Arrays keys(2);
  for (std::size_t i = 0; i < shipments.size(); ++i) {
    index[KeyOf(shipments[i].shipment)] = i;
    keys.Add({shipments[i].shipment.connection_id, shipments[i].shipment.shipment_id});
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT s.connection_id, s.shipment_id, p.tracking_number FROM "
               "unnest($1::text[], $2::text[]) AS k(connection_id, shipment_id) "
               "JOIN shipments s ON s.connection_id = k.connection_id AND "
               "s.shipment_id = k.shipment_id "
               "JOIN shipments old ON old.connection_id = s.connection_id AND "
               "old.order_id = s.order_id AND old.state = 'VOIDED' "
               "JOIN packages p ON p.connection_id = old.connection_id AND "
               "p.shipment_id = old.shipment_id AND p.tracking_number <> '' "
               "WHERE EXISTS (SELECT 1 FROM unnest(s.share_lines, s.share_schedules) AS a(l, n) "
               "JOIN unnest(old.share_lines, old.share_schedules) AS b(l, n) USING (l, n)) "
               "ORDER BY p.tracking_number",
               keys.Params()));
  for (const Row& row : rows) {
    result[index.at({row.Text("connection_id"), row.Text("shipment_id")})].push_back(
        row.Text("tracking_number"));
  }
  return result;
}

// ---- Tracking ----

absl::StatusOr<std::string> PostgresShipmentStore::TrackingCursor() {
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT position FROM cursors WHERE stream = 'tracking'"));
  return rows.empty() ? "" : rows[0].Text("position");
}

absl::Status PostgresShipmentStore::ApplyTracking(
    const std::string& cursor, const std::string& next,
    const std::vector<tracking::v1::WatchEventsResponse::StatusChange>& changes) {
  Arrays keys(2);
  std::set<std::string> connections, seen;
  for (const auto& change : changes) {
    const std::string id = AfterSlash(change.shipment());
    if (!seen.insert(id).second) continue;
    keys.Add({ConnectionIn(id), id});
    connections.insert(ConnectionIn(id));
  }
  for (const std::string& connection : connections) RETURN_IF_ERROR(rows_.WarmUpKnown(connection));
  return db_.Transact([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const Rows moved,
                     tx.Exec("UPDATE cursors SET position = $2, update_time = now() WHERE "
                             "stream = 'tracking' AND position = $1",
                             {cursor, next}));
    if (moved.affected() != 1) return absl::AbortedError("the tracking cursor was moved");
    if (keys.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                             " FROM shipments s JOIN unnest($1::text[], $2::text[]) AS "
                             "k(connection_id, shipment_id) ON s.connection_id = "
                             "k.connection_id AND s.shipment_id = k.shipment_id ORDER BY "
                             "s.connection_id, s.shipment_id FOR UPDATE OF s"),
                keys.Params()));
    ASSIGN_OR_RETURN(std::vector<Shipment> shipments, rows_.Load(tx, rows));
    std::map<std::string, Shipment*> by_id;
    for (Shipment& shipment : shipments) by_id[shipment.shipment_id] = &shipment;
    std::map<std::string, Effects> effects;
    std::vector<Changed> earlier;
    for (const auto& change : changes) {
      const auto found = by_id.find(AfterSlash(change.shipment()));
      if (found == by_id.end()) continue;  // of another installation's database
      const State before = found->second->state;
      Effects now = SettleTracking(*found->second, change.tracking_number(),
                                   tracking::v1::Status_Name(change.status()));
      if (!now.packages_updated) continue;
      const auto [entry, fresh] = effects.try_emplace(found->first, now);
      if (fresh) continue;
      if (entry->second.review.has_value() || now.review.has_value()) {
        // Each question is stored, and beside it where the shipment came.
        earlier.push_back({*found->second, std::exchange(entry->second, std::move(now))});
        RETURN_IF_ERROR(rows_.Write(tx, earlier, absl::ZeroDuration()).status());
        earlier.clear();
        continue;
      }
      if (found->second->state != before) {
        // One entry for the shipment: from where it began to where it came.
        if (!entry->second.action.empty()) now.detail["from"] = entry->second.detail["from"];
        entry->second = std::move(now);
      }
    }
    std::vector<Changed> changed;
    for (auto& [id, effect] : effects) changed.push_back({*by_id[id], std::move(effect)});
    return rows_.Write(tx, changed, absl::ZeroDuration()).status();
  });
}

// ---- Addresses ----

absl::StatusOr<std::vector<Verdict>> PostgresShipmentStore::FindVerdicts(
    const std::vector<std::pair<std::string, std::string>>& account_and_key) {
  Arrays keys(2);
  for (const auto& [account, key] : account_and_key) keys.Add({account, ByteaText(key)});
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT v.account, v.address_key, v.sealed FROM address_verdicts v JOIN "
               "unnest($1::text[], $2::bytea[]) AS k(account, address_key) ON v.account = "
               "k.account AND v.address_key = k.address_key WHERE v.expire_time > now()",
               keys.Params()));
  std::vector<Verdict> found;
  for (const Row& row : rows) {
    Verdict verdict{.account = row.Text("account"), .address_key = row.Binary("address_key")};
    const std::string key = absl::StrCat(verdict.account, "/", Hex(verdict.address_key));
    ASSIGN_OR_RETURN(const std::string bytes,
                     sealer_.Open({.table = "address_verdicts", .column = "sealed", .row = key},
                                  row.Binary("sealed")));
    if (!verdict.answer.ParseFromString(bytes)) continue;
    found.push_back(std::move(verdict));
  }
  return found;
}

absl::Status PostgresShipmentStore::KeepVerdicts(const std::vector<Verdict>& verdicts,
                                                 absl::Duration lifetime) {
  std::map<std::pair<std::string, std::string>, const Verdict*> distinct;
  for (const Verdict& verdict : verdicts) {
    distinct[{verdict.account, verdict.address_key}] = &verdict;
  }
  Arrays rows(3);
  for (const auto& [key, verdict] : distinct) {
    const std::string row = absl::StrCat(key.first, "/", Hex(key.second));
    ASSIGN_OR_RETURN(
        const std::string sealed,
        sealer_.Seal(key.first, {.table = "address_verdicts", .column = "sealed", .row = row},
                     verdict->answer.SerializeAsString()));
    rows.Add({key.first, ByteaText(key.second), ByteaText(sealed)});
  }
  std::vector<Param> params = rows.Params();
  params.emplace_back(lifetime);
  return db_
      .Exec(
          "INSERT INTO address_verdicts (account, address_key, sealed, expire_time) SELECT "
          "account, address_key, sealed, now() + make_interval(secs => $4::float8) FROM "
          "unnest($1::text[], $2::bytea[], $3::bytea[]) AS x(account, address_key, sealed) "
          "ON CONFLICT (account, address_key) DO UPDATE SET sealed = EXCLUDED.sealed, "
          "expire_time = EXCLUDED.expire_time",
          std::move(params))
      .status();
}

absl::StatusOr<int> PostgresShipmentStore::DropOldVerdicts() {
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("DELETE FROM address_verdicts WHERE (account, address_key) IN (SELECT account, "
               "address_key FROM address_verdicts WHERE expire_time < now() LIMIT 1000)"));
  return static_cast<int>(rows.affected());
}

// ---- Figures ----

absl::StatusOr<ShipmentStore::Figures> PostgresShipmentStore::Count() {
  Figures figures;
  ASSIGN_OR_RETURN(
      const Rows states,
      db_.Exec("SELECT state, count(*) AS n FROM shipments WHERE state IN ('RECEIVED', "
               "'VALIDATING', 'LABELING', 'LABELED', 'IN_TRANSIT', 'NEEDS_REVIEW', 'FAILED', "
               "'VOIDING') GROUP BY state"));
  for (const Row& row : states) {
    figures.open_shipments.emplace_back(StateFromName(row.Text("state")), row.Int("n"));
  }
  for (const Work work : {Work::kValidate, Work::kLabel, Work::kHandOver, Work::kVoid}) {
    ASSIGN_OR_RETURN(const Rows oldest,
                     db_.Exec("SELECT coalesce(extract(epoch FROM now() - min(due_time)), "
                              "0)::bigint AS seconds FROM shipments WHERE work = $1 AND due_time "
                              "<= now()",
                              {std::string(Name(work))}));
    figures.oldest_due.emplace_back(work, absl::Seconds(oldest[0].Int("seconds")));
  }
  ASSIGN_OR_RETURN(const Rows reviews,
                   db_.Exec("SELECT reason, count(*) AS n FROM reviews WHERE state = 'OPEN' "
                            "GROUP BY reason"));
  for (const Row& row : reviews) {
    figures.open_reviews[ReasonFromName(row.Text("reason"))] = row.Int("n");
  }
  ASSIGN_OR_RETURN(const Rows partly,
                   db_.Exec("SELECT count(*) AS n FROM schedules WHERE skipped = "
                            "'PARTLY_SHIPPED_AS_REQUISITION'"));
  figures.partly_shipped = partly[0].Int("n");
  return figures;
}

}  // namespace psups::shipment_builder
