#include "absl/strings/str_cat.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "services/shipment-builder/postgres_views.h"

namespace psups::shipment_builder {
namespace {

std::string RowOf(const std::string& shipment_id, int package_number) {
  return absl::StrCat(shipment_id, "/", package_number);
}

}  // namespace

absl::StatusOr<Label> PostgresShipmentViews::GetLabel(const std::string& shipment_id,
                                                      int package_number) {
  const std::string connection = ConnectionIn(shipment_id);
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT s.state, s.trace_id, b.account, p.tracking_number, p.label_sha256, "
               "p.label_format AS bought_format, l.sealed, l.label_format FROM shipments s LEFT "
               "JOIN purchases b ON b.connection_id = s.connection_id AND b.shipment_id = "
               "s.shipment_id AND b.purchase_number = s.purchase_number LEFT JOIN packages p ON "
               "p.connection_id = s.connection_id AND p.shipment_id = s.shipment_id AND "
               "p.package_number = $3 LEFT JOIN labels l ON l.connection_id = s.connection_id AND "
               "l.shipment_id = s.shipment_id AND l.package_number = p.package_number WHERE "
               "s.connection_id = $1 AND s.shipment_id = $2",
               {connection, shipment_id, package_number}));
  if (rows.empty()) return NoShipment(shipment_id);
  const Row row = rows[0];
  if (row.IsNull("tracking_number")) {
    return absl::NotFoundError(
        absl::StrCat("shipments/", shipment_id, ": has no package ", package_number));
  }
  if (row.Text("tracking_number").empty()) {
    return absl::FailedPreconditionError(absl::StrCat("shipments/", shipment_id, ": is ",
                                                      row.Text("state"), " and has no label yet"));
  }
  Label label{.shipment_id = shipment_id,
              .package_number = package_number,
              .tracking_number = row.Text("tracking_number"),
              .account = row.OptionalText("account").value_or(""),
              .trace_id = row.Text("trace_id"),
              .format = row.Text("bought_format"),
              .sha256 = row.Text("label_sha256")};
  if (row.IsNull("sealed")) return label;
  label.format = row.Text("label_format");
  ASSIGN_OR_RETURN(label.bytes, rows_.Open(connection, "labels", RowOf(shipment_id, package_number),
                                           row.Binary("sealed")));
  return label;
}

absl::StatusOr<std::vector<LabelPlace>> PostgresShipmentViews::ListLabels(
    const LabelQuery& query, const std::optional<LabelPlace>& after, int limit) {
  std::vector<Param> params = {limit};
  const auto next = [&](Param param) {
    params.push_back(std::move(param));
    return absl::StrCat("$", params.size());
  };
  std::string where;
  if (!query.shipment_id.empty()) {
    absl::StrAppend(&where, "s.connection_id = ", next(ConnectionIn(query.shipment_id)),
                    " AND s.shipment_id = ", next(query.shipment_id));
  } else {
    absl::StrAppend(&where, "s.label_stored_time >= ", next(query.since), "::timestamptz");
    if (!query.connection_id.empty()) {
      absl::StrAppend(&where, " AND s.connection_id = ", next(query.connection_id));
    }
  }
  if (after.has_value()) {
    // Of the shipment's own packages; then of the shipments after it.
    const std::string time = next(after->stored_time);
    const std::string connection = next(after->connection_id);
    const std::string shipment = next(after->shipment_id);
    absl::StrAppend(
        &where, " AND (s.label_stored_time, s.connection_id, s.shipment_id) >= (", time,
        "::timestamptz, ", connection, ", ", shipment,
        ") AND (s.label_stored_time, s.connection_id, s.shipment_id, p.package_number) > (", time,
        "::timestamptz, ", connection, ", ", shipment, ", ", next(after->package_number),
        "::integer)");
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec(
          absl::StrCat("SELECT s.label_stored_time, s.connection_id, s.shipment_id, "
                       "p.package_number FROM shipments s JOIN packages p ON p.connection_id "
                       "= s.connection_id AND p.shipment_id = s.shipment_id WHERE ",
                       where,
                       " AND s.state NOT IN ('VOIDING', 'VOIDED') AND (s.state, s.resume_state) <> "
                       "('FAILED', 'VOIDING') AND p.tracking_number <> '' AND "
                       "p.tracking_status <> 'VOIDED' AND p.void_state = '' ORDER BY "
                       "s.label_stored_time, s.connection_id, "
                       "s.shipment_id, p.package_number LIMIT $1"),
          std::move(params)));
  std::vector<LabelPlace> places;
  for (const Row& row : rows) {
    places.push_back({.stored_time = row.Time("label_stored_time"),
                      .connection_id = row.Text("connection_id"),
                      .shipment_id = row.Text("shipment_id"),
                      .package_number = static_cast<int>(row.Int("package_number"))});
  }
  return places;
}

absl::Status PostgresShipmentViews::KeepLabel(const Label& label, const std::string& actor,
                                              bool anew) {
  const std::string connection = ConnectionIn(label.shipment_id);
  RETURN_IF_ERROR(rows_.WarmUpKnown(connection));
  ASSIGN_OR_RETURN(const std::string sealed,
                   rows_.Seal(connection, "labels", RowOf(label.shipment_id, label.package_number),
                              *label.bytes));
  return db_.Transact([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        const Rows kept,
        tx.Exec(
            "INSERT INTO labels (connection_id, shipment_id, package_number, label_format, "
            "sealed) VALUES ($1, $2, $3, $4, $5::bytea) ON CONFLICT (connection_id, "
            "shipment_id, package_number) DO NOTHING",
            {connection, label.shipment_id, label.package_number, label.format, Bytes{sealed}}));
    if (kept.affected() == 0) return absl::OkStatus();
    RETURN_IF_ERROR(
        tx.Exec("UPDATE packages SET label_sha256 = $4, label_format = $5 WHERE "
                "connection_id = $1 AND shipment_id = $2 AND package_number = $3 AND "
                "(label_sha256, label_format) <> ($4, $5)",
                {connection, label.shipment_id, label.package_number, label.sha256, label.format})
            .status());
    return AppendAudit(tx, kService,
                       {{.action = "label.recover",
                         .subject = absl::StrCat("shipments/", label.shipment_id),
                         .actor = actor,
                         .trace_id = label.trace_id,
                         .detail = {{"package", label.package_number},
                                    {"tracking_number", label.tracking_number},
                                    {"label_sha256", label.sha256},
                                    {"rendered_anew", anew}}}});
  });
}

}  // namespace psups::shipment_builder
