#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "services/shipment-builder/page_token.h"
#include "services/shipment-builder/postgres_store.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

using orders::v1::Order;

constexpr char kReviewColumns[] =
    "r.connection_id, r.review_id, r.shipment_id, r.reason, r.state, r.message, r.side, r.sealed, "
    "r.create_time, r.create_time::text AS create_text, r.close_time, r.resolution, r.resolved_by, "
    "r.on_behalf_of, r.comment, r.ship_by::text AS ship_by, s.ship_date, "
    "s.document_type, s.business_unit, s.document_id";
constexpr char kFromReviews[] =
    " FROM reviews r JOIN shipments s ON s.connection_id = r.connection_id AND s.shipment_id = "
    "r.shipment_id";
// A table's name where a decision is sealed: another place than the evidence's.
constexpr char kDecisions[] = "reviews.decision";
// Something of the review was not posted yet; as the index has it.
constexpr char kToPost[] = "(hook_posted = 0 OR (hook_posted = 1 AND state <> 'OPEN'))";

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
          .resolved_by = row.Text("resolved_by"),
          .on_behalf_of = row.Text("on_behalf_of"),
          .comment = row.Text("comment"),
          .ship_date = row.Text("ship_date")};
}

// Who was first, when and with what.
absl::Status ClosedBefore(const ReviewRecord& record) {
  std::string what = record.state == "OBSOLETE" ? "by a newer revision of the order" : "";
  if (!record.resolved_by.empty()) {
    absl::StrAppend(&what, "by ", record.resolved_by);
    if (!record.on_behalf_of.empty()) absl::StrAppend(&what, " for ", record.on_behalf_of);
    absl::StrAppend(&what, " with ", record.resolution);
  }
  return absl::AbortedError(
      absl::StrCat("reviews/", record.review.review_id, ": was closed before, at ",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", record.close_time.value_or(absl::Time()),
                                    absl::UTCTimeZone()),
                   " ", what));
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
  if (filter.state == "OPEN") {
    absl::StrAppend(&where, " AND r.state = 'OPEN'");  // said so, the index of open ones serves
  } else if (!filter.state.empty()) {
    add("r.state", filter.state);
  }
  if (!filter.connection_id.empty()) add("r.connection_id", filter.connection_id);
  if (!filter.document_id.empty()) add("s.document_id", filter.document_id);
  if (!page_token.empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> after, PartsOfPageToken(page_token, 4));
    params.insert(params.end(), after.begin(), after.end());
    const std::size_t n = params.size();
    absl::StrAppend(&where, " AND (r.ship_by, r.create_time, r.connection_id, r.review_id) > ($",
                    n - 3, "::date, $", n - 2, "::timestamptz, $", n - 1, ", $", n, ")");
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec(absl::StrCat("SELECT ", kReviewColumns, kFromReviews, " WHERE ", where,
                            " ORDER BY r.ship_by, r.create_time, r.connection_id, r.review_id "
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
    record.position = PageToken({rows[i].Text("ship_by"), rows[i].Text("create_text"),
                                 record.review.connection_id, record.review.review_id});
  }
  return page;
}

absl::StatusOr<ShipmentStore::Resolved> PostgresShipmentStore::ResolveReview(
    const std::string& review_id, const Decision& decision, const Decide& decide) {
  const std::string connection = ConnectionIn(review_id);
  RETURN_IF_ERROR(rows_.WarmUpKnown(connection));
  const pb::ResolveReviewRequest& request = decision.request;
  const std::string action = pb::Review::Action_Name(request.action());
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Resolved> {
    ASSIGN_OR_RETURN(const Rows found,
                     tx.Exec(absl::StrCat("SELECT r.shipment_id, s.order_id", kFromReviews,
                                          " WHERE r.connection_id = $1 AND r.review_id = $2"),
                             {connection, review_id}));
    if (found.empty()) return NoReview(review_id);
    // Locks in the order in which everybody takes them: order, shipment, review.
    ASSIGN_OR_RETURN(const Rows orders,
                     tx.Exec("SELECT sealed FROM orders WHERE connection_id = $1 AND "
                             "order_id = $2 FOR UPDATE",
                             {connection, found[0].Text("order_id")}));
    ASSIGN_OR_RETURN(Shipment shipment, rows_.Lock(tx, found[0].Text("shipment_id")));
    ASSIGN_OR_RETURN(ReviewRecord record, ReadReview(tx, review_id));
    ASSIGN_OR_RETURN(record.review.before, DecidedBefore(tx, shipment));
    if (!record.review.open) {
      const std::string asked = request.SerializeAsString();
      const bool again = record.resolved_by == decision.actor &&
                         std::any_of(record.review.before.begin(), record.review.before.end(),
                                     [&](const MadeDecision& m) {
                                       return m.request.SerializeAsString() == asked;
                                     });
      if (again) return Resolved{.review = std::move(record)};
      return ClosedBefore(record);
    }
    ASSIGN_OR_RETURN(const std::string bytes, rows_.Open(connection, "orders", shipment.order_id,
                                                         orders[0].Binary("sealed")));
    Order order;
    if (!order.ParseFromString(bytes)) {
      return absl::DataLossError("orders: a snapshot does not parse");
    }
    RETURN_IF_ERROR(MarkSkipped(tx, {connection, shipment.order_id}, order));
    ASSIGN_OR_RETURN(const std::string sealed,
                     rows_.Seal(connection, kDecisions, review_id, request.SerializeAsString()));
    RETURN_IF_ERROR(tx.Exec("UPDATE reviews SET state = 'RESOLVED', close_time = now(), "
                            "resolution = $3, resolved_by = $4, on_behalf_of = $5, comment = $6, "
                            "decision = $7 WHERE connection_id = $1 AND review_id = $2",
                            {connection, review_id, action, decision.actor, request.on_behalf_of(),
                             request.comment(), Bytes{sealed}})
                        .status());
    Effects effects;
    RETURN_IF_ERROR(decide(record.review, order, shipment, effects));
    if (effects.taught.has_value()) {
      const absl::Status taught = AppendMapping(tx, rows_,
                                                {.connection_id = connection,
                                                 .rules = effects.taught->rules,
                                                 .comment = request.comment(),
                                                 .created_by = decision.actor},
                                                effects.taught->replaces)
                                      .status();
      if (absl::IsAborted(taught)) {
        return absl::AbortedError(absl::StrCat(
            "reviews/", review_id, ": the connection's rules were changed meanwhile; try again"));
      }
      RETURN_IF_ERROR(taught);
    }
    effects.actor = decision.actor;
    effects.detail["review"] = absl::StrCat("reviews/", review_id);
    effects.detail["reason"] = std::string(Name(record.review.asked.reason));
    effects.detail["resolution"] = action;
    if (!request.comment().empty()) effects.detail["comment"] = request.comment();
    if (!request.on_behalf_of().empty()) effects.detail["on_behalf_of"] = request.on_behalf_of();
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

absl::StatusOr<std::vector<ReviewEvent>> PostgresShipmentStore::TakeReviewEvents(
    int limit, absl::Duration lease, absl::Duration lifetime, int& dropped) {
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<ReviewEvent>> {
    dropped = 0;
    ASSIGN_OR_RETURN(
        const Rows old,
        tx.Exec(absl::StrCat(
                    "WITH x AS MATERIALIZED (SELECT connection_id, review_id, hook_tries FROM "
                    "reviews WHERE ",
                    kToPost,
                    " AND CASE hook_posted WHEN 0 THEN create_time ELSE close_time END < now() - "
                    "make_interval(secs => $1) LIMIT 1000 FOR UPDATE SKIP LOCKED) UPDATE reviews r "
                    "SET hook_posted = r.hook_posted + 1, hook_tries = 0, hook_due_time = now() "
                    "FROM x WHERE r.connection_id = x.connection_id AND r.review_id = x.review_id "
                    "RETURNING x.hook_tries"),
                {lifetime}));
    for (const Row& row : old) dropped += row.Int("hook_tries") > 0 ? 1 : 0;
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(
            absl::StrCat("WITH x AS MATERIALIZED (SELECT connection_id, review_id FROM reviews "
                         "WHERE ",
                         kToPost,
                         " AND hook_due_time <= now() ORDER BY hook_due_time LIMIT $1 FOR "
                         "UPDATE SKIP LOCKED) UPDATE reviews r SET hook_due_time = now() + "
                         "make_interval(secs => $2), hook_tries = r.hook_tries + 1 FROM x, "
                         "shipments s WHERE r.connection_id = x.connection_id AND r.review_id "
                         "= x.review_id AND s.connection_id = r.connection_id AND "
                         "s.shipment_id = r.shipment_id RETURNING r.hook_posted, r.hook_tries, ",
                         kReviewColumns),
            {limit, lease}));
    std::vector<ReviewEvent> events;
    for (const Row& row : rows) {
      events.push_back({.record = ReviewFromRow(row),
                        .closed = row.Int("hook_posted") == 1,
                        .tries = static_cast<int>(row.Int("hook_tries")) - 1});
    }
    return events;
  });
}

absl::Status PostgresShipmentStore::ReviewEventPosted(const ReviewEvent& event) {
  return db_
      .Exec(
          "UPDATE reviews SET hook_posted = $3, hook_tries = 0, hook_due_time = now() WHERE "
          "connection_id = $1 AND review_id = $2 AND hook_posted < $3",
          {event.record.review.connection_id, event.record.review.review_id, event.closed ? 2 : 1})
      .status();
}

absl::Status PostgresShipmentStore::ReviewEventFailed(const ReviewEvent& event,
                                                      absl::Duration wait) {
  return db_
      .Exec(
          "UPDATE reviews SET hook_due_time = now() + make_interval(secs => $4) WHERE "
          "connection_id = $1 AND review_id = $2 AND hook_posted = $3",
          {event.record.review.connection_id, event.record.review.review_id, event.closed ? 1 : 0,
           wait})
      .status();
}

absl::StatusOr<ReviewDraft> PostgresShipmentStore::OpenEvidence(const Row& row) {
  const std::string id = row.Text("review_id");
  ReviewDraft asked{.reason = ReasonFromName(row.Text("reason")),
                    .message = row.Text("message"),
                    .side = SideFromName(row.Text("side"))};
  ASSIGN_OR_RETURN(const std::string bytes,
                   rows_.Open(row.Text("connection_id"), "reviews", id, row.Binary("sealed")));
  pb::Review evidence;
  if (!evidence.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("reviews/", id, ": evidence does not parse"));
  }
  TakeEvidence(evidence, asked);
  return asked;
}

absl::StatusOr<ReviewRecord> PostgresShipmentStore::ReadReview(Tx& tx,
                                                               const std::string& review_id) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec(absl::StrCat("SELECT ", kReviewColumns, kFromReviews,
                                        " WHERE r.connection_id = $1 AND r.review_id = $2"),
                           {ConnectionIn(review_id), review_id}));
  if (rows.empty()) return NoReview(review_id);
  ReviewRecord record = ReviewFromRow(rows[0]);
  ASSIGN_OR_RETURN(record.review.asked, OpenEvidence(rows[0]));
  return record;
}

absl::StatusOr<std::vector<MadeDecision>> PostgresShipmentStore::DecidedBefore(
    Tx& tx, const Shipment& shipment) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec("SELECT connection_id, review_id, reason, message, side, sealed, "
                           "decision FROM reviews WHERE connection_id = $1 AND shipment_id = $2 "
                           "AND decision IS NOT NULL ORDER BY close_time",
                           {shipment.connection_id, shipment.shipment_id}));
  std::vector<MadeDecision> before;
  for (const Row& row : rows) {
    MadeDecision made;
    ASSIGN_OR_RETURN(made.asked, OpenEvidence(row));
    ASSIGN_OR_RETURN(const std::string bytes,
                     rows_.Open(shipment.connection_id, kDecisions, row.Text("review_id"),
                                row.Binary("decision")));
    if (!made.request.ParseFromString(bytes)) {
      return absl::DataLossError(
          absl::StrCat("reviews/", row.Text("review_id"), ": its decision does not parse"));
    }
    before.push_back(std::move(made));
  }
  return before;
}

}  // namespace psups::shipment_builder
