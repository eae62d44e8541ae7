#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "services/shipment-builder/postgres_store.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

using orders::v1::Order;

constexpr char kSelectReviews[] =
    "SELECT r.connection_id, r.review_id, r.shipment_id, r.reason, r.state, r.message, r.side, "
    "r.sealed, r.create_time, r.create_time::text AS create_text, r.close_time, r.resolution, "
    "r.resolved_by, s.document_type, s.business_unit, s.document_id FROM reviews r JOIN "
    "shipments s ON s.connection_id = r.connection_id AND s.shipment_id = r.shipment_id";

// Position in a list that is read oldest or newest first.
struct Position {
  std::string time = {};
  std::string connection_id = {};
  std::string id = {};

  std::string Token() const { return Base64(JoinUnambiguously({time, connection_id, id})); }
};

absl::StatusOr<Position> ParseToken(const std::string& token) {
  const absl::Status bad = absl::InvalidArgumentError(
      "page_token: is not one of a page before; leave it empty for the first page");
  ASSIGN_OR_RETURN(const std::string bytes, FromBase64(token));
  // As JoinUnambiguously writes it: each part after its length and a colon.
  std::vector<std::string> parts;
  std::string_view rest = bytes;
  while (!rest.empty() && parts.size() < 3) {
    const auto colon = rest.find(':');
    std::size_t size = 0;
    if (colon == std::string_view::npos ||
        !absl::SimpleAtoi(std::string(rest.substr(0, colon)), &size) ||
        size > rest.size() - colon - 1) {
      return bad;
    }
    parts.emplace_back(rest.substr(colon + 1, size));
    rest.remove_prefix(colon + 1 + size);
  }
  if (parts.size() != 3 || !rest.empty()) return bad;
  return Position{.time = parts[0], .connection_id = parts[1], .id = parts[2]};
}

absl::Status NoReview(const std::string& review_id) {
  return absl::NotFoundError(absl::StrCat("reviews/", review_id, ": no such review"));
}

ReviewRecord ReviewFromRow(const Row& row) {
  return {.review = {.connection_id = row.Text("connection_id"),
                     .review_id = row.Text("review_id"),
                     .shipment_id = row.Text("shipment_id"),
                     .open = row.Text("state") == "OPEN",
                     .asked = {.reason = ReasonFromName(row.Text("reason")),
                               .message = row.Text("message"),
                               .side = SideFromName(row.Text("side"))}},
          .state = row.Text("state"),
          .document_type = row.Text("document_type"),
          .business_unit = row.Text("business_unit"),
          .document_id = row.Text("document_id"),
          .create_time = row.Time("create_time"),
          .close_time = row.OptionalTime("close_time"),
          .resolution = row.Text("resolution"),
          .resolved_by = row.Text("resolved_by")};
}

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
    ASSIGN_OR_RETURN(const Position position, ParseToken(page_token));
    add("(s.create_time, s.connection_id, s.shipment_id) < (?::timestamptz, ?, ?)",
        {position.time, position.connection_id, position.id});
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
      const Position position{.time = rows[i].Text("create_text"),
                              .connection_id = shipments[i].connection_id,
                              .id = shipments[i].shipment_id};
      const auto review = reviews.find(KeyOf(shipments[i]));
      shipments[i].ship_to.Clear();  // sealed; lists show no parties
      page.records.push_back({.shipment = std::move(shipments[i]),
                              .position = position.Token(),
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

absl::StatusOr<ReviewRecord> PostgresShipmentStore::GetReview(const std::string& review_id) {
  RETURN_IF_ERROR(rows_.WarmUpKnown(ConnectionIn(review_id)));
  return db_.TransactOr([&](Tx& tx) { return ReadReview(tx, review_id); });
}

absl::StatusOr<Page<ReviewRecord>> PostgresShipmentStore::ListReviews(
    const ReviewFilter& filter, int limit, const std::string& page_token) {
  std::string where = "true";
  std::vector<Param> params = {limit + 1};
  const auto add = [&](const std::string& condition, const std::string& value) {
    params.emplace_back(value);
    absl::StrAppend(&where, " AND ", condition, " = $", params.size());
  };
  if (!filter.state.empty()) add("r.state", filter.state);
  if (!filter.connection_id.empty()) add("r.connection_id", filter.connection_id);
  if (!filter.document_id.empty()) add("s.document_id", filter.document_id);
  if (!page_token.empty()) {
    ASSIGN_OR_RETURN(const Position position, ParseToken(page_token));
    params.emplace_back(position.time);
    params.emplace_back(position.connection_id);
    params.emplace_back(position.id);
    absl::StrAppend(&where, " AND (r.create_time, r.connection_id, r.review_id) > ($",
                    params.size() - 2, "::timestamptz, $", params.size() - 1, ", $", params.size(),
                    ")");
  }
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec(absl::StrCat(kSelectReviews, " WHERE ", where,
                                         " ORDER BY r.create_time, r.connection_id, r.review_id "
                                         "LIMIT $1"),
                            params));
  Page<ReviewRecord> page;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (page.records.size() == static_cast<std::size_t>(limit)) {
      page.more = true;
      break;
    }
    page.records.push_back(ReviewFromRow(rows[i]));
    ReviewRecord& record = page.records.back();
    record.position = Position{.time = rows[i].Text("create_text"),
                               .connection_id = record.review.connection_id,
                               .id = record.review.review_id}
                          .Token();
  }
  return page;
}

absl::StatusOr<ShipmentStore::Resolved> PostgresShipmentStore::ResolveReview(
    const std::string& review_id, const Decision& decision, const Decide& decide) {
  const std::string connection = ConnectionIn(review_id);
  RETURN_IF_ERROR(rows_.WarmUpKnown(connection));
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Resolved> {
    ASSIGN_OR_RETURN(const Rows found,
                     tx.Exec("SELECT r.shipment_id, s.order_id FROM reviews r JOIN shipments s ON "
                             "s.connection_id = r.connection_id AND s.shipment_id = "
                             "r.shipment_id WHERE r.connection_id = $1 AND r.review_id = $2",
                             {connection, review_id}));
    if (found.empty()) return NoReview(review_id);
    // Locks in the order in which everybody takes them: order, shipment, review.
    ASSIGN_OR_RETURN(const Rows orders,
                     tx.Exec("SELECT sealed FROM orders WHERE connection_id = $1 AND "
                             "order_id = $2 FOR UPDATE",
                             {connection, found[0].Text("order_id")}));
    ASSIGN_OR_RETURN(Shipment shipment, rows_.Lock(tx, found[0].Text("shipment_id")));
    ASSIGN_OR_RETURN(ReviewRecord record, ReadReview(tx, review_id));
    const std::string action(Name(decision.action));
    if (!record.review.open) {
      if (record.resolution == action && record.resolved_by == decision.actor) {
        return Resolved{.review = std::move(record)};
      }
      return absl::AbortedError(
          absl::StrCat("reviews/", review_id, ": was closed before: ", record.state,
                       record.resolved_by.empty() ? "" : " by ", record.resolved_by));
    }
    ASSIGN_OR_RETURN(const std::string bytes, rows_.Open(connection, "orders", shipment.order_id,
                                                         orders[0].Binary("sealed")));
    Order order;
    if (!order.ParseFromString(bytes)) {
      return absl::DataLossError("orders: a snapshot does not parse");
    }
    RETURN_IF_ERROR(MarkSkipped(tx, {connection, shipment.order_id}, order));
    RETURN_IF_ERROR(tx.Exec("UPDATE reviews SET state = 'RESOLVED', close_time = now(), "
                            "resolution = $3, resolved_by = $4, comment = $5 WHERE "
                            "connection_id = $1 AND review_id = $2",
                            {connection, review_id, action, decision.actor, decision.comment})
                        .status());
    Effects effects;
    RETURN_IF_ERROR(decide(record.review, order, shipment, effects));
    effects.actor = decision.actor;
    effects.detail["review"] = absl::StrCat("reviews/", review_id);
    effects.detail["resolution"] = action;
    if (effects.action.empty()) effects.action = "shipment.decide";
    ASSIGN_OR_RETURN(
        std::vector<Stored> stored,
        rows_.Write(tx, {{std::move(shipment), std::move(effects)}}, absl::ZeroDuration()));
    ASSIGN_OR_RETURN(record, ReadReview(tx, review_id));
    return Resolved{.review = std::move(record), .stored = std::move(stored.front())};
  });
}

absl::StatusOr<int> PostgresShipmentStore::TellOfReviews(int limit, const Tell& tell) {
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec("WITH untold AS MATERIALIZED (SELECT connection_id, review_id FROM reviews WHERE "
                "told_time IS NULL AND state = 'OPEN' ORDER BY create_time LIMIT $1 FOR UPDATE "
                "SKIP LOCKED) UPDATE reviews r SET told_time = now() FROM untold u, shipments s "
                "WHERE r.connection_id = u.connection_id AND r.review_id = u.review_id AND "
                "s.connection_id = r.connection_id AND s.shipment_id = r.shipment_id RETURNING "
                "r.connection_id, r.review_id, r.shipment_id, r.reason, s.order_id",
                {limit}));
    for (const Row& row : rows) {
      tell({.connection_id = row.Text("connection_id"),
            .review_id = row.Text("review_id"),
            .shipment_id = row.Text("shipment_id"),
            .asked = {.reason = ReasonFromName(row.Text("reason"))}},
           row.Text("order_id"));
    }
    return static_cast<int>(rows.size());
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

absl::StatusOr<ReviewRecord> PostgresShipmentStore::ReadReview(Tx& tx,
                                                               const std::string& review_id) {
  const std::string connection = ConnectionIn(review_id);
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec(absl::StrCat(kSelectReviews, " WHERE r.connection_id = $1 AND r.review_id = $2"),
              {connection, review_id}));
  if (rows.empty()) return NoReview(review_id);
  ReviewRecord record = ReviewFromRow(rows[0]);
  ASSIGN_OR_RETURN(const std::string bytes,
                   rows_.Open(connection, "reviews", review_id, rows[0].Binary("sealed")));
  pb::Review evidence;
  if (!evidence.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("reviews/", review_id, ": evidence does not parse"));
  }
  record.review.asked.address = evidence.address();
  record.review.asked.candidates.assign(evidence.candidates().begin(), evidence.candidates().end());
  return record;
}

}  // namespace psups::shipment_builder
