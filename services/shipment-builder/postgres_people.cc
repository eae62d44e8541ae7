#include <map>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/page_token.h"
#include "services/shipment-builder/postgres_store.h"

namespace psups::shipment_builder {
namespace {

absl::StatusOr<std::map<ShipmentKey, std::string>> OpenReviewIds(
    Tx& tx, const std::vector<Shipment>& shipments) {
  std::map<ShipmentKey, std::string> ids;
  if (shipments.empty()) return ids;
  Arrays keys(2);
  for (const Shipment& shipment : shipments) {
    keys.Add({shipment.connection_id, shipment.shipment_id});
  }
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec("SELECT r.connection_id, r.shipment_id, r.review_id FROM reviews r "
                           "JOIN unnest($1::text[], $2::text[]) AS k(connection_id, shipment_id) "
                           "ON r.connection_id = k.connection_id AND r.shipment_id = "
                           "k.shipment_id WHERE r.state = 'OPEN'",
                           keys.Params()));
  for (const Row& row : rows) {
    ids[{row.Text("connection_id"), row.Text("shipment_id")}] = row.Text("review_id");
  }
  return ids;
}

}  // namespace

absl::StatusOr<ShipmentRecord> PostgresShipmentStore::GetShipment(const std::string& shipment_id) {
  RETURN_IF_ERROR(rows_.WarmUpKnown(ConnectionIn(shipment_id)));
  return db_.TransactOr([&](Tx& tx) { return Read(tx, shipment_id); });
}

absl::StatusOr<Page<ShipmentRecord>> PostgresShipmentStore::ListShipments(
    const ShipmentFilter& filter, int limit, const std::string& page_token) {
  std::string where = "true";
  std::vector<Param> params = {limit + 1};
  const auto add = [&](const std::string& condition, std::vector<Param> values) {
    std::string text = condition;
    for (Param& value : values) {
      params.push_back(std::move(value));
      text.replace(text.find('?'), 1, absl::StrCat("$", params.size()));
    }
    absl::StrAppend(&where, " AND ", text);
  };
  if (filter.state.has_value()) {
    add("s.state = ?", {std::string(Name(*filter.state))});
  }
  if (!filter.connection_id.empty()) add("s.connection_id = ?", {filter.connection_id});
  if (!filter.order_id.empty()) add("s.order_id = ?", {filter.order_id});
  if (!filter.document_id.empty()) add("s.document_id = ?", {filter.document_id});
  if (!filter.tracking_number.empty()) {
    add("(s.connection_id, s.shipment_id) IN (SELECT connection_id, shipment_id FROM packages "
        "WHERE tracking_number = ?)",
        {filter.tracking_number});
  }
  if (!page_token.empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> after, PartsOfPageToken(page_token, 3));
    add("(s.create_time, s.connection_id, s.shipment_id) < (?::timestamptz, ?, ?)",
        {after[0], after[1], after[2]});
  }
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Page<ShipmentRecord>> {
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(absl::StrCat("SELECT ", kShipmentColumns, " FROM shipments s WHERE ", where,
                             " ORDER BY s.create_time DESC, s.connection_id DESC, "
                             "s.shipment_id DESC LIMIT $1"),
                params));
    ASSIGN_OR_RETURN(std::vector<Shipment> shipments, rows_.Load(tx, rows));
    ASSIGN_OR_RETURN(const auto reviews, OpenReviewIds(tx, shipments));
    Page<ShipmentRecord> page;
    for (std::size_t i = 0; i < shipments.size(); ++i) {
      if (page.records.size() == static_cast<std::size_t>(limit)) {
        page.more = true;
        break;
      }
      const std::string position = PageToken(
          {rows[i].Text("create_text"), shipments[i].connection_id, shipments[i].shipment_id});
      const auto review = reviews.find(KeyOf(shipments[i]));
      shipments[i].ship_to.Clear();  // sealed; lists show no parties
      page.records.push_back({.shipment = std::move(shipments[i]),
                              .position = position,
                              .review_id = review == reviews.end() ? "" : review->second,
                              .create_time = rows[i].Time("create_time"),
                              .update_time = rows[i].Time("update_time")});
    }
    return page;
  });
}

absl::StatusOr<Label> PostgresShipmentStore::GetLabel(const std::string& shipment_id,
                                                      int package_number) {
  const std::string connection = ConnectionIn(shipment_id);
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT s.state, l.sealed, l.label_format, p.tracking_number FROM shipments s "
               "LEFT JOIN labels l ON l.connection_id = s.connection_id AND l.shipment_id = "
               "s.shipment_id AND l.package_number = $3 LEFT JOIN packages p ON p.connection_id "
               "= s.connection_id AND p.shipment_id = s.shipment_id AND p.package_number = $3 "
               "WHERE s.connection_id = $1 AND s.shipment_id = $2",
               {connection, shipment_id, package_number}));
  if (rows.empty()) return NoShipment(shipment_id);
  if (rows[0].IsNull("tracking_number")) {
    return absl::NotFoundError(
        absl::StrCat("shipments/", shipment_id, ": has no package ", package_number));
  }
  if (rows[0].IsNull("sealed")) {
    return absl::FailedPreconditionError(absl::StrCat(
        "shipments/", shipment_id, ": is ", rows[0].Text("state"), " and has no label yet"));
  }
  ASSIGN_OR_RETURN(std::string bytes,
                   rows_.Open(connection, "labels", absl::StrCat(shipment_id, "/", package_number),
                              rows[0].Binary("sealed")));
  return Label{.bytes = std::move(bytes),
               .format = rows[0].Text("label_format"),
               .tracking_number = rows[0].Text("tracking_number")};
}

absl::StatusOr<ShipmentRecord> PostgresShipmentStore::ChangeShipment(const std::string& shipment_id,
                                                                     const PersonalChange& change) {
  RETURN_IF_ERROR(rows_.WarmUpKnown(ConnectionIn(shipment_id)));
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<ShipmentRecord> {
    ASSIGN_OR_RETURN(Shipment shipment, rows_.Lock(tx, shipment_id));
    Effects effects;
    effects.lease = Effects::Lease::kKeep;
    RETURN_IF_ERROR(change(shipment, effects));
    RETURN_IF_ERROR(
        rows_.Write(tx, {{std::move(shipment), std::move(effects)}}, absl::ZeroDuration())
            .status());
    return Read(tx, shipment_id);
  });
}

absl::StatusOr<ShipmentRecord> PostgresShipmentStore::Read(Tx& tx, const std::string& shipment_id) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                                        " FROM shipments s WHERE s.connection_id = $1 AND "
                                        "s.shipment_id = $2"),
                           {ConnectionIn(shipment_id), shipment_id}));
  if (rows.empty()) return NoShipment(shipment_id);
  ASSIGN_OR_RETURN(std::vector<Shipment> shipments, rows_.Load(tx, rows));
  RETURN_IF_ERROR(rows_.OpenParties(shipments));
  ASSIGN_OR_RETURN(const auto reviews, OpenReviewIds(tx, shipments));
  return ShipmentRecord{.shipment = std::move(shipments.front()),
                        .review_id = reviews.empty() ? "" : reviews.begin()->second,
                        .create_time = rows[0].Time("create_time"),
                        .update_time = rows[0].Time("update_time")};
}

}  // namespace psups::shipment_builder
