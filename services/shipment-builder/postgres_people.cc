#include <map>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/page_token.h"
#include "services/shipment-builder/postgres_store.h"
#include "services/shipment-builder/postgres_views.h"

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

absl::StatusOr<std::vector<ShipmentRecord>> RecordsOf(Tx& tx, ShipmentRows& rows,
                                                      const Rows& found) {
  ASSIGN_OR_RETURN(std::vector<Shipment> shipments, rows.Load(tx, found));
  ASSIGN_OR_RETURN(const auto reviews, OpenReviewIds(tx, shipments));
  std::vector<ShipmentRecord> records;
  for (std::size_t i = 0; i < shipments.size(); ++i) {
    const auto review = reviews.find(KeyOf(shipments[i]));
    shipments[i].ship_to.Clear();  // sealed
    records.push_back({.shipment = std::move(shipments[i]),
                       .review_id = review == reviews.end() ? "" : review->second,
                       .create_time = found[i].Time("create_time"),
                       .update_time = found[i].Time("update_time")});
  }
  return records;
}

absl::StatusOr<ShipmentRecord> PostgresShipmentStore::GetShipment(const std::string& shipment_id) {
  RETURN_IF_ERROR(rows_.WarmUpKnown(ConnectionIn(shipment_id)));
  return db_.TransactOr([&](Tx& tx) { return Read(tx, shipment_id); });
}

absl::StatusOr<Page<ShipmentRecord>> PostgresShipmentStore::ListShipments(
    const ShipmentFilter& filter, int limit, const std::string& page_token) {
  if (filter.none) return Page<ShipmentRecord>{};
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
  const auto add_text = [&](const char* condition, const std::string& value) {
    if (!value.empty()) add(condition, {value});
  };
  const auto add_range = [&](const char* column, const TimeRange& range) {
    if (!range.given) return;
    add(absl::StrCat(column, " >= ?::timestamptz AND ", column, " < ?::timestamptz"),
        {range.from, range.to});
  };
  if (filter.state.has_value()) add("s.state = ?", {std::string(Name(*filter.state))});
  if (!filter.not_states.empty()) {
    std::vector<std::string> names;
    for (const State state : filter.not_states) names.emplace_back(Name(state));
    add("s.state <> ALL(?::text[])", {names});
  }
  add_text("s.connection_id = ?", filter.connection_id);
  add_text(
      "(s.connection_id, s.order_id) IN (SELECT connection_id, order_id FROM orders WHERE "
      "order_id = ?)",
      filter.order_id);
  add_text("s.document_id = ?", filter.document_id);
  const char* const with_number =
      "(s.connection_id, s.shipment_id) IN (SELECT connection_id, shipment_id FROM packages WHERE "
      "tracking_number = ?)";
  add_text(with_number, filter.tracking_number);
  // It is a package's number, by which it is found.
  add_text(with_number, filter.ups_shipment_id);
  add_text("s.ups_shipment_id = ?", filter.ups_shipment_id);
  add_range("s.create_time", filter.created);
  add_range("s.update_time", filter.updated);
  add_range("s.label_time", filter.labelled);
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
    Page<ShipmentRecord> page;
    ASSIGN_OR_RETURN(page.records, RecordsOf(tx, rows_, rows));
    for (std::size_t i = 0; i < page.records.size(); ++i) {
      const Shipment& shipment = page.records[i].shipment;
      page.records[i].position =
          PageToken({rows[i].Text("create_text"), shipment.connection_id, shipment.shipment_id});
    }
    page.more = page.records.size() > static_cast<std::size_t>(limit);
    if (page.more) page.records.pop_back();
    return page;
  });
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
