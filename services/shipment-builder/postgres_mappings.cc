#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "services/shipment-builder/postgres.h"
#include "services/shipment-builder/postgres_links.h"
#include "services/shipment-builder/postgres_store.h"

namespace psups::shipment_builder {
namespace {

constexpr char kMappingColumns[] =
    "m.connection_id, m.version, m.sealed, m.comment, m.created_by, m.create_time";

std::string RowKey(int64_t version) { return absl::StrCat("rules/", version); }

absl::StatusOr<MappingRecord> FromRow(ShipmentRows& rows, const Row& row) {
  MappingRecord record{.connection_id = row.Text("connection_id"),
                       .version = row.Int("version"),
                       .comment = row.Text("comment"),
                       .created_by = row.Text("created_by"),
                       .create_time = row.Time("create_time")};
  ASSIGN_OR_RETURN(
      const std::string bytes,
      rows.Open(record.connection_id, "mappings", RowKey(record.version), row.Binary("sealed")));
  if (record.rules.ParseFromString(bytes)) return record;
  return absl::DataLossError(absl::StrCat("connections/", record.connection_id, ": version ",
                                          record.version, " of its rules does not parse"));
}

// The newest version; version 0 if none was ever set.
absl::StatusOr<MappingRecord> Newest(Tx& tx, ShipmentRows& shipment_rows,
                                     const std::string& connection_id) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec(absl::StrCat("SELECT ", kMappingColumns,
                                        " FROM mappings m WHERE m.connection_id = $1 ORDER BY "
                                        "m.version DESC LIMIT 1"),
                           {connection_id}));
  if (rows.empty()) return MappingRecord{.connection_id = connection_id};
  return FromRow(shipment_rows, rows[0]);
}

class PostgresMappingStore : public MappingStore {
 public:
  PostgresMappingStore(Db& db, Sealer& sealer) : db_(db), rows_(db, sealer) {}

  absl::StatusOr<std::vector<MappingRecord>> NewMappings(
      const std::map<std::string, int64_t>& known) override;
  absl::StatusOr<MappingRecord> GetMapping(const std::string& connection_id,
                                           int64_t version) override;
  absl::StatusOr<MappingRecord> SetMapping(const MappingRecord& mapping,
                                           std::optional<int64_t> replaces) override;
  absl::StatusOr<std::vector<OrderWithShipments>> NewestOrders(const std::string& connection_id,
                                                               int limit) override;
  absl::StatusOr<std::vector<PastCost>> PastCosts(const std::string& connection_id) override;

 private:
  Db& db_;
  ShipmentRows rows_;
};

absl::StatusOr<std::vector<MappingRecord>> PostgresMappingStore::NewMappings(
    const std::map<std::string, int64_t>& known) {
  std::vector<std::string> connections, versions;
  for (const auto& [connection, version] : known) {
    connections.push_back(connection);
    versions.push_back(std::to_string(version));
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec(absl::StrCat("SELECT ", kMappingColumns,
                            " FROM mappings m LEFT JOIN unnest($1::text[], $2::bigint[]) AS "
                            "k(connection_id, version) ON k.connection_id = m.connection_id WHERE "
                            "m.version > coalesce(k.version, 0) ORDER BY m.connection_id, "
                            "m.version"),
               {connections, versions}));
  std::vector<MappingRecord> records;
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(MappingRecord record, FromRow(rows_, row));
    records.push_back(std::move(record));
  }
  return records;
}

absl::StatusOr<MappingRecord> PostgresMappingStore::GetMapping(const std::string& connection_id,
                                                               int64_t version) {
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<MappingRecord> {
    if (version == 0) return Newest(tx, rows_, connection_id);
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec(absl::StrCat("SELECT ", kMappingColumns,
                                          " FROM mappings m WHERE m.connection_id = $1 AND "
                                          "m.version = $2"),
                             {connection_id, version}));
    if (!rows.empty()) return FromRow(rows_, rows[0]);
    return absl::NotFoundError(
        absl::StrCat("connections/", connection_id, ": its rules have no version ", version));
  });
}

absl::StatusOr<MappingRecord> PostgresMappingStore::SetMapping(const MappingRecord& mapping,
                                                               std::optional<int64_t> replaces) {
  RETURN_IF_ERROR(rows_.WarmUp({mapping.connection_id}));
  return db_.TransactOr([&](Tx& tx) { return AppendMapping(tx, rows_, mapping, replaces); });
}

absl::StatusOr<std::vector<MappingStore::OrderWithShipments>> PostgresMappingStore::NewestOrders(
    const std::string& connection_id, int limit) {
  RETURN_IF_ERROR(rows_.WarmUpKnown(connection_id));
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<OrderWithShipments>> {
    ASSIGN_OR_RETURN(const Rows orders,
                     tx.Exec("SELECT order_id, sealed FROM orders WHERE connection_id = $1 ORDER "
                             "BY update_time DESC, order_id LIMIT $2",
                             {connection_id, limit}));
    std::vector<OrderWithShipments> result;
    std::vector<std::string> ids;
    std::map<std::string, std::size_t> index;
    for (const Row& row : orders) {
      const std::string id = row.Text("order_id");
      ASSIGN_OR_RETURN(const std::string bytes,
                       rows_.Open(connection_id, "orders", id, row.Binary("sealed")));
      OrderWithShipments one;
      if (!one.order.ParseFromString(bytes)) {
        return absl::DataLossError("orders: a snapshot does not parse");
      }
      RETURN_IF_ERROR(MarkSkipped(tx, {connection_id, id}, one.order));
      index[id] = result.size();
      ids.push_back(id);
      result.push_back(std::move(one));
    }
    if (ids.empty()) return result;
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                                          " FROM shipments s WHERE s.connection_id = $1 AND "
                                          "s.order_id = ANY($2::text[]) AND s.holds ORDER BY "
                                          "s.shipment_id"),
                             {connection_id, ids}));
    ASSIGN_OR_RETURN(std::vector<Shipment> shipments, rows_.Load(tx, rows));
    RETURN_IF_ERROR(rows_.OpenParties(shipments));
    for (Shipment& shipment : shipments) {
      result[index.at(shipment.order_id)].shipments.push_back(std::move(shipment));
    }
    return result;
  });
}

absl::StatusOr<std::vector<PastCost>> PostgresMappingStore::PastCosts(
    const std::string& connection_id) {
  // Shipments of one package say what such a package costs.
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT s.service_code, (ceil(p.weight_lb / 5) * 5)::integer AS pounds, "
               "s.currency_code, round(avg(s.charges_minor))::bigint AS minor FROM shipments s "
               "JOIN packages p ON p.connection_id = s.connection_id AND p.shipment_id = "
               "s.shipment_id WHERE s.connection_id = $1 AND s.label_time > now() - interval '180 "
               "days' AND s.charges_minor > 0 AND NOT EXISTS (SELECT FROM packages o WHERE "
               "o.connection_id = s.connection_id AND o.shipment_id = s.shipment_id AND "
               "o.package_number = 2) GROUP BY 1, 2, 3",
               {connection_id}));
  std::vector<PastCost> costs;
  for (const Row& row : rows) {
    costs.push_back({.service_code = row.Text("service_code"),
                     .pounds = static_cast<int>(row.Int("pounds")),
                     .per_package = {.amount_minor = row.Int("minor"),
                                     .currency_code = row.Text("currency_code")}});
  }
  return costs;
}

}  // namespace

absl::StatusOr<MappingRecord> AppendMapping(Tx& tx, ShipmentRows& shipment_rows,
                                            const MappingRecord& mapping,
                                            std::optional<int64_t> replaces) {
  // One after the other; the end of the transaction gives it back.
  RETURN_IF_ERROR(tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(concat_ws('/', "
                          "current_schema(), 'mappings', $1::text), 0))",
                          {mapping.connection_id})
                      .status());
  ASSIGN_OR_RETURN(MappingRecord newest, Newest(tx, shipment_rows, mapping.connection_id));
  if (replaces.has_value() && *replaces != newest.version) {
    return absl::AbortedError(
        absl::StrCat("version: ", *replaces, " is not the newest any more; ",
                     newest.created_by.empty() ? "somebody" : newest.created_by, " set version ",
                     newest.version, ". Get it, change it, and set it again"));
  }
  const std::string rules = mapping.rules.SerializeAsString();
  if (newest.version > 0 && newest.rules.SerializeAsString() == rules) return newest;
  MappingRecord stored = mapping;
  stored.version = newest.version + 1;
  ASSIGN_OR_RETURN(const std::string sealed, shipment_rows.Seal(stored.connection_id, "mappings",
                                                                RowKey(stored.version), rules));
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec("INSERT INTO mappings (connection_id, version, sealed, comment, "
                           "created_by) VALUES ($1, $2, $3, $4, $5) RETURNING create_time",
                           {stored.connection_id, stored.version, Bytes{sealed}, stored.comment,
                            stored.created_by}));
  stored.create_time = rows[0].Time("create_time");
  // What has no label yet is planned by the new rules.
  RETURN_IF_ERROR(tx.Exec("INSERT INTO replans (connection_id, order_id) SELECT DISTINCT "
                          "connection_id, order_id FROM shipments WHERE connection_id = $1 AND "
                          "holds AND state IN ('RECEIVED', 'VALIDATING', 'LABELING', "
                          "'NEEDS_REVIEW', 'FAILED') ON CONFLICT DO NOTHING",
                          {stored.connection_id})
                      .status());
  AuditEntry entry{.action = "mapping.set",
                   .subject = absl::StrCat("connections/", stored.connection_id),
                   .actor = stored.created_by,
                   .detail = {{"version", stored.version}, {"comment", stored.comment}}};
  RETURN_IF_ERROR(AppendAudit(tx, kService, {std::move(entry)}));
  return stored;
}

std::unique_ptr<MappingStore> MakePostgresMappingStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresMappingStore>(db, sealer);
}

}  // namespace psups::shipment_builder
