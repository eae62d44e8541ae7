#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/change_stream.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

constexpr char kLease[] =
    "WITH due AS MATERIALIZED ("
    "  SELECT connection_id, order_id FROM orders "
    "  WHERE state = 'PENDING' AND lease_expire_time <= now() "
    "  ORDER BY revision_time LIMIT $1 FOR UPDATE SKIP LOCKED) "
    "UPDATE orders o SET lease_id = $3, handed_out = true, "
    "  lease_expire_time = now() + make_interval(secs => $2) "
    "FROM due JOIN order_revisions r USING (connection_id, order_id) "
    "WHERE o.connection_id = due.connection_id AND o.order_id = due.order_id "
    "  AND r.revision = o.revision "
    "RETURNING o.connection_id, o.order_id, o.revision, o.state, o.withdrawn, "
    "  o.change_order_batch, o.last_update_local, o.revision_time, r.content";

constexpr char kSelect[] =
    "SELECT o.connection_id, o.order_id, o.revision, o.state, o.withdrawn, o.change_order_batch, "
    "o.last_update_local, o.revision_time, r.content "
    "FROM orders o JOIN order_revisions r USING (connection_id, order_id, revision) ";

// A response ends early rather than pass the 4 MB that a gRPC client takes by default.
constexpr std::size_t kMostBytes = 3 << 20;

void HideParties(pb::Order& order) {
  for (pb::Order::Schedule& schedule : *order.mutable_schedules()) {
    schedule.clear_ship_from();
    schedule.clear_ship_to();
  }
}

class PostgresOrderStore : public OrderStore {
 public:
  PostgresOrderStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  absl::StatusOr<std::vector<Leased>> LeaseOrders(int limit, absl::Duration lease) override {
    const std::string lease_id = RandomHex128();
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(kLease, {limit, lease, lease_id}));
    std::vector<Leased> leased;
    for (const Row row : rows) {
      absl::StatusOr<pb::Order> order = OrderFrom(row);
      if (absl::IsDataLoss(order.status())) {
        LogError("order_not_readable", {{"order", "orders/" + row.Text("order_id")},
                                        {"revision", row.Int("revision")},
                                        {"reason", order.status()}});
        continue;
      }
      RETURN_IF_ERROR(order.status());
      leased.push_back({*std::move(order), lease_id});
    }
    std::sort(leased.begin(), leased.end(), [](const Leased& a, const Leased& b) {
      return std::pair(a.order.revision_time().seconds(), a.order.revision_time().nanos()) <
             std::pair(b.order.revision_time().seconds(), b.order.revision_time().nanos());
    });
    return leased;
  }

  absl::StatusOr<std::vector<pb::LeaseOrdersResponse::ConnectionState>> ConnectionStates()
      override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT connection_id, version, state, state_reason, settings "
                              "FROM connections ORDER BY connection_id"));
    std::vector<pb::LeaseOrdersResponse::ConnectionState> states;
    for (const Row row : rows) {
      ASSIGN_OR_RETURN(const pb::Connection connection, ConnectionFrom(row));
      auto& state = states.emplace_back();
      state.set_connection(connection.name());
      state.set_state(connection.state());
      state.set_ups_account(connection.ups_account());
      state.set_environment(connection.environment());
    }
    return states;
  }

  absl::StatusOr<std::vector<std::string>> Acknowledge(
      const std::vector<pb::AcknowledgeOrdersRequest::Acknowledgement>& orders) override {
    std::vector<std::string> connections, ids, leases;
    std::vector<int64_t> revisions;
    for (const auto& order : orders) {
      ASSIGN_OR_RETURN(const OrderKey key, OrderKeyOf(order.name()));
      connections.push_back(key.connection_id);
      ids.push_back(key.order_id);
      revisions.push_back(order.revision());
      leases.push_back(order.lease_id());
    }
    // A lease that ran out still counts as long as nobody else has taken it.
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec("WITH acknowledged AS ("
                 "  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) "
                 "    AS u(connection_id, order_id, revision, lease_id)), "
                 "stored AS ("
                 "  UPDATE orders o SET state = 'ACKNOWLEDGED' FROM acknowledged a "
                 "  WHERE o.connection_id = a.connection_id AND o.order_id = a.order_id "
                 "    AND o.revision = a.revision AND o.lease_id = a.lease_id "
                 "    AND o.state = 'PENDING' "
                 "  RETURNING o.order_id) "
                 "SELECT a.order_id FROM acknowledged a WHERE a.order_id NOT IN "
                 "  (SELECT order_id FROM stored) AND NOT EXISTS ("
                 "  SELECT 1 FROM orders o WHERE o.connection_id = a.connection_id "
                 "    AND o.order_id = a.order_id AND o.revision = a.revision "
                 "    AND o.lease_id = a.lease_id AND o.state = 'ACKNOWLEDGED')",
                 {connections, ids, revisions, leases}));
    std::vector<std::string> stale;
    for (const Row row : rows) stale.push_back("orders/" + row.Text("order_id"));
    return stale;
  }

  absl::StatusOr<std::vector<Checked>> Check(const std::vector<std::string>& names) override {
    std::vector<std::string> connections, ids;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(OrderKey key, OrderKeyOf(name));
      connections.push_back(std::move(key.connection_id));
      ids.push_back(std::move(key.order_id));
    }
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec(
            // The orders first, by their key: else all orders of a connection might be read.
            "WITH o AS MATERIALIZED (SELECT connection_id, order_id, document_type, "
            "  business_unit, document_id, open_schedules, "
            "  extract(epoch FROM clock_timestamp() - "
            "    greatest(read_start_time, checked_time))::float8 AS age FROM orders "
            "  JOIN unnest($1::text[], $2::text[]) AS u(connection_id, order_id) "
            "  USING (connection_id, order_id)) "
            "SELECT o.*, c.version, c.state, c.state_reason, c.settings FROM o "
            "JOIN connections c USING (connection_id)",
            {connections, ids}));
    std::vector<Checked> found;
    for (const Row row : rows) {
      Checked& checked = found.emplace_back();
      if (!checked.standing.ParseFromString(row.Binary("open_schedules"))) {
        return absl::DataLossError(
            absl::StrCat("orders: open_schedules of ", row.Text("order_id"), " cannot be read"));
      }
      ASSIGN_OR_RETURN(checked.connection, ConnectionFrom(row));
      checked.document.set_connection(ConnectionName(row.Text("connection_id")));
      checked.document.set_document_type(TypeFromCode(row.Text("document_type")));
      checked.document.set_business_unit(row.Text("business_unit"));
      checked.document.set_document_id(row.Text("document_id"));
      checked.age = row.Seconds("age");
    }
    return found;
  }

  absl::StatusOr<pb::Order> Get(const std::string& name) override {
    ASSIGN_OR_RETURN(const OrderKey key, OrderKeyOf(name));
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec(absl::StrCat(kSelect, "WHERE o.connection_id = $1 AND o.order_id = $2"),
                 {key.connection_id, key.order_id}));
    if (rows.empty()) return absl::NotFoundError(absl::StrCat("there is no ", name));
    return OrderFrom(rows[0]);
  }

  absl::StatusOr<PageOf<pb::Order>> List(const Filter& filter, const Page& page) override {
    Conditions conditions;
    conditions.Equal("o.connection_id", filter.connection_id);
    conditions.Equal("o.state", filter.state == pb::Order::STATE_UNSPECIFIED
                                    ? ""
                                    : pb::Order::State_Name(filter.state));
    conditions.Equal("o.document_id", filter.document_id);
    conditions.Equal("o.business_unit", filter.business_unit);
    if (!page.token.empty()) {
      // The last row's revision time in microseconds and its order id.
      const std::vector<std::string> parts = absl::StrSplit(page.token, ' ');
      int64_t micros = 0;
      if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &micros)) {
        return absl::InvalidArgumentError("page_token: not one of ListOrders'");
      }
      const std::string time = conditions.Next(absl::FromUnixMicros(micros));
      const std::string id = conditions.Next(parts[1]);
      conditions.And(absl::StrCat("(o.revision_time, o.order_id) < (", time, "::timestamptz, ", id,
                                  "::text)"));
    }
    const std::string limit = conditions.Next(page.size + 1);
    const std::string sql = absl::StrCat(
        kSelect, conditions.sql(), " ORDER BY o.revision_time DESC, o.order_id DESC LIMIT ", limit);
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(sql, conditions.params()));
    PageOf<pb::Order> found;
    std::string last;
    for (const Row row : rows) {
      if (static_cast<int>(found.items.size()) == page.size) {
        found.next_token = last;
        break;
      }
      ASSIGN_OR_RETURN(pb::Order order, OrderFrom(row));
      HideParties(order);
      last = absl::StrCat(absl::ToUnixMicros(row.Time("revision_time")), " ", row.Text("order_id"));
      found.items.push_back(std::move(order));
    }
    return found;
  }

  absl::StatusOr<pb::WatchOrdersResponse> ReadChanges(const std::string& cursor,
                                                      int limit) override {
    std::vector<Rows> rows;  // opened outside of the transaction: that may need another
    ASSIGN_OR_RETURN(StreamPlace place, db_.TransactOr([&](Tx& tx) -> absl::StatusOr<StreamPlace> {
      rows.clear();
      ASSIGN_OR_RETURN(StreamPlace begin, FindPlace(tx, cursor));
      if (begin.position == begin.last_position) return begin;
      ASSIGN_OR_RETURN(Rows found,
                       tx.Exec(absl::StrCat("SELECT x.*, c.position FROM changes c JOIN (", kSelect,
                                            ") AS x USING (connection_id, order_id) "
                                            "WHERE c.position > $1 ORDER BY c.position LIMIT $2"),
                               {begin.position, limit}));
      rows.push_back(std::move(found));
      return begin;
    }));
    pb::WatchOrdersResponse response;
    std::size_t bytes = 0;
    for (const Rows& found : rows) {
      for (const Row row : found) {
        if (bytes > kMostBytes) break;
        place.position = row.Int("position");
        absl::StatusOr<pb::Order> order = OrderFrom(row);
        if (absl::IsDataLoss(order.status())) {
          LogError("order_not_readable", {{"order", "orders/" + row.Text("order_id")},
                                          {"revision", row.Int("revision")},
                                          {"reason", order.status()}});
          continue;
        }
        RETURN_IF_ERROR(order.status());
        HideParties(*order);
        bytes += order->ByteSizeLong();
        *response.add_orders() = *std::move(order);
      }
    }
    response.set_next_cursor(place.cursor());
    return response;
  }

  absl::StatusOr<int> Publish(int limit) override {
    // Each order stands as it is now, so its newest change is enough.
    return PublishChanges(db_, limit, [](Tx& tx, int64_t before) {
      return tx
          .Exec(
              // One look into the index for each: a join might read all changes there are.
              "DELETE FROM changes WHERE change_id = ANY(ARRAY(SELECT old.change_id FROM changes "
              "newer CROSS JOIN LATERAL (SELECT change_id FROM changes WHERE connection_id = "
              "newer.connection_id AND order_id = newer.order_id AND position < newer.position "
              "OFFSET 0) AS old WHERE newer.position > $1))",
              {before})
          .status();
    });
  }

 private:
  // The sealed revision, with what its row says now.
  absl::StatusOr<pb::Order> OrderFrom(const Row& row) {
    const std::string name = "orders/" + row.Text("order_id");
    const int64_t revision = row.Int("revision");
    const std::string cell_row = absl::StrCat(name, "/", revision);
    ASSIGN_OR_RETURN(
        const std::string content,
        sealer_.Open({.table = "order_revisions", .column = "content", .row = cell_row},
                     row.Binary("content")));
    pb::Order order;
    pb::Order::State state = pb::Order::STATE_UNSPECIFIED;
    if (!order.ParseFromString(content) || !pb::Order::State_Parse(row.Text("state"), &state)) {
      return absl::DataLossError(absl::StrCat("order_revisions: ", cell_row, " cannot be read"));
    }
    order.set_revision(revision);
    order.set_state(state);
    order.set_withdrawn(row.Bool("withdrawn"));
    order.set_change_order_batch(static_cast<int32_t>(row.Int("change_order_batch")));
    order.set_last_update_local_time(row.Text("last_update_local"));
    const int64_t micros = absl::ToUnixMicros(row.Time("revision_time"));
    order.mutable_revision_time()->set_seconds(micros / 1'000'000);
    order.mutable_revision_time()->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
    return order;
  }

  Db& db_;
  Sealer& sealer_;
};

}  // namespace

absl::Status AppendChanges(Tx& tx, const std::string& connection_id,
                           const std::vector<std::string>& order_ids) {
  return tx
      .Exec("INSERT INTO changes (connection_id, order_id) SELECT $1, unnest($2::text[])",
            {connection_id, order_ids})
      .status();
}

std::unique_ptr<OrderStore> MakeOrderStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresOrderStore>(db, sealer);
}

}  // namespace psups::ps_ingest
