#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "services/shipment-builder/page_token.h"
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

}  // namespace

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
    ASSIGN_OR_RETURN(const std::vector<std::string> after, PartsOfPageToken(page_token, 3));
    params.insert(params.end(), after.begin(), after.end());
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
    record.position = PageToken(
        {rows[i].Text("create_text"), record.review.connection_id, record.review.review_id});
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
