#include "services/shipment-builder/postgres.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "psups/shipments/v1/shipment_service.pb.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;
using orders::v1::Order;

constexpr std::string_view kService = "shipment-builder";

using ShipmentKey = std::pair<std::string, std::string>;  // connection, shipment

ShipmentKey KeyOf(const Shipment& shipment) {
  return {shipment.connection_id, shipment.shipment_id};
}

// A shipment's or review's id begins with its connection's.
std::string ConnectionIn(const std::string& id) { return id.substr(0, id.rfind('-')); }

std::string AfterSlash(const std::string& name) { return name.substr(name.find('/') + 1); }

std::string ScopeOf(const std::string& connection_id) { return "connections/" + connection_id; }

std::string Bool(bool value) { return value ? "t" : "f"; }

// "{1,2}" from PostgreSQL and back.
std::vector<std::string> Elements(const std::string& array) {
  if (array.size() <= 2) return {};
  return absl::StrSplit(array.substr(1, array.size() - 2), ',');
}

template <typename Items, typename Get>
std::string ArrayText(const Items& items, Get get) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(get(item));
  return absl::StrCat("{", absl::StrJoin(texts, ","), "}");
}

int ToInt(const std::string& text) { return std::atoi(text.c_str()); }

// Numbers that we wrote ourselves.
Decimal ToDecimal(const std::string& text) { return *Decimal::Parse(text); }

// Columns of a bulk statement: one text array for each.
class Arrays {
 public:
  explicit Arrays(std::size_t columns) : columns_(columns) {}

  void Add(std::vector<std::optional<std::string>> row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].push_back(std::move(row[i]));
    ++rows_;
  }
  bool empty() const { return rows_ == 0; }
  std::size_t rows() const { return rows_; }
  std::vector<Param> Params() const {
    std::vector<Param> params;
    for (const auto& column : columns_) params.emplace_back(column);
    return params;
  }

 private:
  std::vector<std::vector<std::optional<std::string>>> columns_;
  std::size_t rows_ = 0;
};

std::string ByteaText(const std::string& bytes) { return *Param(Bytes{bytes}).text(); }

constexpr char kShipmentColumns[] =
    "s.connection_id, s.shipment_id, s.order_id, s.document_type, s.business_unit, s.document_id, "
    "s.order_revision, s.trace_id, s.state, s.resume_state, s.failure, s.service_code, "
    "s.ship_date, s.share_lines, s.share_schedules, s.share_quantities, s.share_received, "
    "s.fingerprint, s.sealed, s.validated, s.ship_from_call, s.ship_to_call, s.holds, s.undo, "
    "extract(epoch FROM now() - s.undo_time)::bigint AS undo_seconds, "
    "s.purchase_number, s.ups_shipment_id, s.charges_minor, s.currency_code, s.label_time, "
    "s.void_number, s.acknowledged, s.handed_over, s.lease_count, s.wait_count, s.failure_count, "
    "s.create_time, s.update_time, s.create_time::text AS create_text";

// The columns that a shipment's row is written from, in the order of ShipmentRow().
constexpr char kRowNames[] =
    "connection_id, shipment_id, order_id, document_type, business_unit, document_id, "
    "order_revision, trace_id, state, resume_state, failure, service_code, ship_date, share_lines, "
    "share_schedules, share_quantities, share_received, fingerprint, sealed, validated, "
    "ship_from_call, ship_to_call, holds, undo, purchase_number, ups_shipment_id, charges_minor, "
    "currency_code, label_time, void_number, acknowledged, handed_over, work, lease_count, "
    "wait_count, failure_count, lease_mode, due_seconds";
constexpr std::size_t kRowColumns = 38;
constexpr char kRowArrays[] =
    "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], "
    "$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], "
    "$15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::boolean[], "
    "$21::text[], $22::text[], $23::boolean[], $24::text[], $25::integer[], $26::text[], "
    "$27::bigint[], $28::text[], $29::timestamptz[], $30::integer[], $31::boolean[], "
    "$32::boolean[], $33::text[], $34::integer[], $35::integer[], $36::integer[], $37::text[], "
    "$38::float8[])";

const std::string& InsertShipments() {
  static const auto* const kSql = new std::string(absl::StrCat(
      "INSERT INTO shipments (connection_id, shipment_id, order_id, document_type, business_unit, "
      "document_id, order_revision, trace_id, state, resume_state, failure, service_code, "
      "ship_date, share_lines, share_schedules, share_quantities, share_received, fingerprint, "
      "sealed, validated, ship_from_call, ship_to_call, holds, undo, purchase_number, "
      "ups_shipment_id, charges_minor, currency_code, label_time, void_number, acknowledged, "
      "handed_over, work, lease_count, wait_count, failure_count, due_time) SELECT connection_id, "
      "shipment_id, order_id, document_type, business_unit, document_id, order_revision, trace_id, "
      "state, resume_state, failure, service_code, ship_date, share_lines::integer[], "
      "share_schedules::integer[], share_quantities::numeric[], share_received::numeric[], "
      "fingerprint, sealed, validated, ship_from_call, ship_to_call, holds, undo, "
      "purchase_number, ups_shipment_id, charges_minor, currency_code, label_time, void_number, "
      "acknowledged, handed_over, work, lease_count, wait_count, failure_count, "
      "CASE WHEN work = '' THEN NULL ELSE now() + make_interval(secs => due_seconds) END FROM ",
      kRowArrays, " AS x(", kRowNames, ")"));
  return *kSql;
}

const std::string& UpdateShipments() {
  static const auto* const kSql = new std::string(absl::StrCat(
      "UPDATE shipments s SET order_revision = x.order_revision, state = x.state, "
      "resume_state = x.resume_state, failure = x.failure, service_code = x.service_code, "
      "ship_date = x.ship_date, share_lines = x.share_lines::integer[], "
      "share_schedules = x.share_schedules::integer[], "
      "share_quantities = x.share_quantities::numeric[], "
      "share_received = x.share_received::numeric[], fingerprint = x.fingerprint, "
      "sealed = coalesce(x.sealed, s.sealed), validated = x.validated, "
      "ship_from_call = x.ship_from_call, ship_to_call = x.ship_to_call, holds = x.holds, "
      "undo = x.undo, "
      "undo_time = CASE WHEN s.undo = x.undo THEN s.undo_time ELSE now() END, purchase_number = "
      "x.purchase_number, ups_shipment_id = x.ups_shipment_id, "
      "charges_minor = x.charges_minor, currency_code = x.currency_code, "
      "label_time = x.label_time, void_number = x.void_number, acknowledged = x.acknowledged, "
      "handed_over = x.handed_over, work = x.work, lease_count = x.lease_count, "
      "wait_count = x.wait_count, failure_count = x.failure_count, "
      "update_time = CASE WHEN s.state = x.state THEN s.update_time ELSE now() END, "
      "due_time = CASE WHEN x.work = '' THEN NULL "
      "WHEN x.lease_mode = 'keep' AND s.due_time IS NOT NULL THEN s.due_time "
      "WHEN x.lease_mode = 'yield' AND s.lease_token IS NOT NULL AND s.due_time > now() "
      "THEN s.due_time "
      "WHEN x.lease_mode = 'renew' THEN now() + make_interval(secs => $39::float8) "
      "WHEN x.due_seconds < 0 THEN 'infinity' "
      "ELSE now() + make_interval(secs => x.due_seconds) END, "
      "lease_token = CASE WHEN x.work = '' THEN NULL "
      "WHEN x.lease_mode IN ('keep', 'renew') THEN s.lease_token "
      "WHEN x.lease_mode = 'yield' AND s.due_time > now() THEN s.lease_token END FROM ",
      kRowArrays, " AS x(", kRowNames,
      ") WHERE s.connection_id = x.connection_id AND s.shipment_id = x.shipment_id"));
  return *kSql;
}

std::string Name(Effects::Lease lease) {
  switch (lease) {
    case Effects::Lease::kEnd:
      return "end";
    case Effects::Lease::kYield:
      return "yield";
    case Effects::Lease::kKeep:
      return "keep";
    case Effects::Lease::kRenew:
      return "renew";
  }
  std::abort();
}

std::vector<std::optional<std::string>> ShipmentRow(const Shipment& shipment, Effects::Lease lease,
                                                    std::optional<std::string> sealed) {
  const auto share = [&](auto get) { return ArrayText(shipment.shares, get); };
  return {
      shipment.connection_id,
      shipment.shipment_id,
      shipment.order_id,
      shipment.document_type,
      shipment.business_unit,
      shipment.document_id,
      std::to_string(shipment.order_revision),
      shipment.trace_id,
      std::string(Name(shipment.state)),
      std::string(Name(shipment.resume_state)),
      shipment.failure,
      shipment.service_code,
      shipment.ship_date,
      share([](const Share& s) { return std::to_string(s.line); }),
      share([](const Share& s) { return std::to_string(s.schedule); }),
      share([](const Share& s) { return s.quantity.ToString(); }),
      share([](const Share& s) { return s.received.ToString(); }),
      shipment.fingerprint,
      sealed.has_value() ? std::optional(ByteaText(*sealed)) : std::nullopt,
      Bool(shipment.validated),
      shipment.ship_from_call,
      shipment.ship_to_call,
      Bool(shipment.holds),
      std::string(Name(shipment.undo)),
      std::to_string(shipment.purchase.number),
      shipment.ups_shipment_id,
      std::to_string(shipment.charges.amount_minor),
      shipment.charges.currency_code,
      shipment.label_time.has_value() ? Param(*shipment.label_time).text() : std::nullopt,
      std::to_string(shipment.void_number),
      Bool(shipment.acknowledged),
      Bool(shipment.handed_over),
      std::string(Name(WorkOf(shipment))),
      std::to_string(shipment.lease_count),
      std::to_string(shipment.wait_count),
      std::to_string(shipment.failure_count),
      Name(lease),
      shipment.due_in == absl::InfiniteDuration()
          ? "-1"
          : *Param(std::max(shipment.due_in, absl::ZeroDuration())).text(),
  };
}

// A shipment with what it was decided to become.
struct Changed {
  Shipment shipment = {};
  Effects effects = {};
  bool fresh = false;  // not stored yet
};

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

class PostgresShipmentStore : public ShipmentStore {
 public:
  PostgresShipmentStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  // ---- Planning ----

  absl::StatusOr<std::vector<Stored>> TakeIn(const std::vector<Order>& orders,
                                             const Plan& plan) override {
    std::map<ShipmentKey, const Order*> newest;  // in the order in which rows are locked
    std::set<std::string> connections;
    for (const Order& order : orders) {
      const std::string connection = AfterSlash(order.document().connection());
      const Order*& entry = newest[{connection, AfterSlash(order.name())}];
      if (entry == nullptr || entry->revision() < order.revision()) entry = &order;
      connections.insert(connection);
    }
    RETURN_IF_ERROR(WarmUp(connections));
    Arrays rows(4);
    for (const auto& [key, order] : newest) {
      ASSIGN_OR_RETURN(const std::string sealed,
                       Seal(key.first, "orders", key.second, order->SerializeAsString()));
      rows.Add({key.first, key.second, std::to_string(order->revision()), ByteaText(sealed)});
    }
    return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<Stored>> {
      ASSIGN_OR_RETURN(
          const Rows stored,
          tx.Exec("INSERT INTO orders (connection_id, order_id, revision, sealed) SELECT * FROM "
                  "unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) "
                  "ON CONFLICT (connection_id, order_id) DO UPDATE SET "
                  "revision = EXCLUDED.revision, sealed = EXCLUDED.sealed, update_time = now() "
                  "WHERE orders.revision < EXCLUDED.revision "
                  "RETURNING connection_id, order_id, built, (xmax = 0) AS fresh",
                  rows.Params()));
      std::vector<ToPlan> to_plan;
      for (const Row& row : stored) {
        const ShipmentKey key{row.Text("connection_id"), row.Text("order_id")};
        to_plan.push_back({.order = *newest.at(key),
                           .key = key,
                           .built = row.Int("built"),
                           .fresh = row.Bool("fresh")});
      }
      return PlanOrders(tx, to_plan, plan);
    });
  }

  absl::StatusOr<std::vector<Stored>> PlanAgain(int limit, const Plan& plan) override {
    // Opening an order needs its data key, which is not read within a transaction.
    ASSIGN_OR_RETURN(const Rows waiting,
                     db_.Exec("SELECT DISTINCT connection_id FROM replans LIMIT 1000"));
    if (waiting.empty()) return std::vector<Stored>{};
    std::set<std::string> connections;
    for (const Row& row : waiting) connections.insert(row.Text("connection_id"));
    RETURN_IF_ERROR(WarmUp(connections));
    return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<std::vector<Stored>> {
      // An order that is being taken in is planned there; its turn comes afterwards.
      ASSIGN_OR_RETURN(
          const Rows rows,
          tx.Exec(
              "SELECT o.connection_id, o.order_id, o.built, o.sealed FROM orders o JOIN replans "
              "r ON r.connection_id = o.connection_id AND r.order_id = o.order_id WHERE "
              "o.connection_id = ANY($2::text[]) ORDER BY o.connection_id, o.order_id LIMIT $1 "
              "FOR UPDATE OF o SKIP LOCKED",
              {limit, std::vector<std::string>(connections.begin(), connections.end())}));
      std::vector<ToPlan> to_plan;
      Arrays keys(2);
      for (const Row& row : rows) {
        const ShipmentKey key{row.Text("connection_id"), row.Text("order_id")};
        ASSIGN_OR_RETURN(const std::string bytes,
                         Open(key.first, "orders", key.second, row.Binary("sealed")));
        to_plan.push_back({.key = key, .built = row.Int("built"), .fresh = false});
        if (!to_plan.back().order.ParseFromString(bytes)) {
          return absl::DataLossError("orders: a snapshot does not parse");
        }
        keys.Add({key.first, key.second});
      }
      if (to_plan.empty()) return std::vector<Stored>{};
      RETURN_IF_ERROR(tx.Exec("DELETE FROM replans r USING unnest($1::text[], $2::text[]) "
                              "AS x(connection_id, order_id) WHERE r.connection_id = "
                              "x.connection_id AND r.order_id = x.order_id",
                              keys.Params())
                          .status());
      return PlanOrders(tx, to_plan, plan);
    });
  }

  // ---- Work ----

  absl::StatusOr<std::vector<Leased>> Lease(Work work, int limit, absl::Duration lease) override {
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
                    {std::string(shipment_builder::Name(work)), suspicious ? 1 : limit, lease,
                     kSuspiciousLeases, token}));
            return Load(tx, rows);
          }));
      RETURN_IF_ERROR(OpenParties(shipments));
      if (shipments.empty()) continue;
      std::vector<Leased> leased;
      for (Shipment& shipment : shipments) leased.push_back({std::move(shipment), token});
      return leased;
    }
    return std::vector<Leased>{};
  }

  absl::Status RenewLeases(const std::vector<LeaseKey>& keys, absl::Duration lease) override {
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

  absl::StatusOr<std::vector<Stored>> Update(const std::vector<Leased>& held, absl::Duration lease,
                                             const Change& change) override {
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
    RETURN_IF_ERROR(WarmUp(connections));
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
      ASSIGN_OR_RETURN(std::vector<Shipment> live, Load(tx, rows));
      RETURN_IF_ERROR(OpenParties(live));
      std::vector<Changed> changed;
      for (Shipment& shipment : live) {
        Effects effects = change(shipment, index.at(KeyOf(shipment)));
        changed.push_back({std::move(shipment), std::move(effects)});
      }
      return Write(tx, changed, lease);
    });
  }

  absl::StatusOr<int> Unpark(const std::vector<std::string>& connection_ids) override {
    if (connection_ids.empty()) return 0;
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec(
            "UPDATE shipments SET due_time = now() WHERE (connection_id, shipment_id) IN "
            "(SELECT connection_id, shipment_id FROM shipments WHERE due_time = 'infinity' AND "
            "connection_id = ANY($1::text[]) LIMIT 10000 FOR UPDATE SKIP LOCKED)",
            {connection_ids}));
    return static_cast<int>(rows.affected());
  }

  absl::StatusOr<std::vector<std::vector<std::string>>> Replaced(
      const std::vector<Leased>& shipments) override {
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

  absl::StatusOr<std::string> TrackingCursor() override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT position FROM cursors WHERE stream = 'tracking'"));
    return rows.empty() ? "" : rows[0].Text("position");
  }

  absl::Status ApplyTracking(
      const std::string& cursor, const std::string& next,
      const std::vector<tracking::v1::WatchEventsResponse::StatusChange>& changes) override {
    Arrays keys(2);
    std::set<std::string> connections, seen;
    for (const auto& change : changes) {
      const std::string id = AfterSlash(change.shipment());
      if (!seen.insert(id).second) continue;
      keys.Add({ConnectionIn(id), id});
      connections.insert(ConnectionIn(id));
    }
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
      ASSIGN_OR_RETURN(std::vector<Shipment> shipments, Load(tx, rows));
      std::map<std::string, Shipment*> by_id;
      for (Shipment& shipment : shipments) by_id[shipment.shipment_id] = &shipment;
      std::map<std::string, Effects> effects;
      for (const auto& change : changes) {
        const auto found = by_id.find(AfterSlash(change.shipment()));
        if (found == by_id.end()) continue;  // of another installation's database
        const State before = found->second->state;
        Effects now = SettleTracking(*found->second, change.tracking_number(),
                                     tracking::v1::Status_Name(change.status()));
        if (!now.packages_updated) continue;
        const auto [entry, fresh] = effects.try_emplace(found->first, now);
        if (!fresh && found->second->state != before) {
          // One entry for the shipment: from where it began to where it came.
          if (!entry->second.action.empty()) now.detail["from"] = entry->second.detail["from"];
          entry->second = std::move(now);
        }
      }
      std::vector<Changed> changed;
      for (auto& [id, effect] : effects) changed.push_back({*by_id[id], std::move(effect)});
      return Write(tx, changed, absl::ZeroDuration()).status();
    });
  }

  // ---- Addresses ----

  absl::StatusOr<std::vector<Verdict>> FindVerdicts(
      const std::vector<std::pair<std::string, std::string>>& account_and_key) override {
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

  absl::Status KeepVerdicts(const std::vector<Verdict>& verdicts,
                            absl::Duration lifetime) override {
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

  absl::StatusOr<int> DropOldVerdicts() override {
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec("DELETE FROM address_verdicts WHERE (account, address_key) IN (SELECT account, "
                 "address_key FROM address_verdicts WHERE expire_time < now() LIMIT 1000)"));
    return static_cast<int>(rows.affected());
  }

  // ---- People ----

  absl::StatusOr<ShipmentRecord> GetShipment(const std::string& shipment_id) override {
    RETURN_IF_ERROR(WarmUpKnown(ConnectionIn(shipment_id)));
    return db_.TransactOr([&](Tx& tx) { return Read(tx, shipment_id); });
  }

  absl::StatusOr<Page<ShipmentRecord>> ListShipments(const ShipmentFilter& filter, int limit,
                                                     const std::string& page_token) override {
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
      add("s.state = ?", {std::string(shipment_builder::Name(*filter.state))});
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
      ASSIGN_OR_RETURN(std::vector<Shipment> shipments, Load(tx, rows));
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

  absl::StatusOr<Label> GetLabel(const std::string& shipment_id, int package_number) override {
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
                     Open(connection, "labels", absl::StrCat(shipment_id, "/", package_number),
                          rows[0].Binary("sealed")));
    return Label{.bytes = std::move(bytes),
                 .format = rows[0].Text("label_format"),
                 .tracking_number = rows[0].Text("tracking_number")};
  }

  absl::StatusOr<ShipmentRecord> ChangeShipment(const std::string& shipment_id,
                                                const PersonalChange& change) override {
    RETURN_IF_ERROR(WarmUpKnown(ConnectionIn(shipment_id)));
    return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<ShipmentRecord> {
      ASSIGN_OR_RETURN(Shipment shipment, Lock(tx, shipment_id));
      Effects effects;
      effects.lease = Effects::Lease::kKeep;
      RETURN_IF_ERROR(change(shipment, effects));
      RETURN_IF_ERROR(
          Write(tx, {{std::move(shipment), std::move(effects)}}, absl::ZeroDuration()).status());
      return Read(tx, shipment_id);
    });
  }

  absl::StatusOr<ReviewRecord> GetReview(const std::string& review_id) override {
    RETURN_IF_ERROR(WarmUpKnown(ConnectionIn(review_id)));
    return db_.TransactOr([&](Tx& tx) { return ReadReview(tx, review_id); });
  }

  absl::StatusOr<Page<ReviewRecord>> ListReviews(const ReviewFilter& filter, int limit,
                                                 const std::string& page_token) override {
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
                      params.size() - 2, "::timestamptz, $", params.size() - 1, ", $",
                      params.size(), ")");
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

  absl::StatusOr<Resolved> ResolveReview(const std::string& review_id, const Decision& decision,
                                         const Decide& decide) override {
    const std::string connection = ConnectionIn(review_id);
    RETURN_IF_ERROR(WarmUpKnown(connection));
    return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Resolved> {
      ASSIGN_OR_RETURN(
          const Rows found,
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
      ASSIGN_OR_RETURN(Shipment shipment, Lock(tx, found[0].Text("shipment_id")));
      ASSIGN_OR_RETURN(ReviewRecord record, ReadReview(tx, review_id));
      const std::string action(shipment_builder::Name(decision.action));
      if (!record.review.open) {
        if (record.resolution == action && record.resolved_by == decision.actor) {
          return Resolved{.review = std::move(record)};
        }
        return absl::AbortedError(
            absl::StrCat("reviews/", review_id, ": was closed before: ", record.state,
                         record.resolved_by.empty() ? "" : " by ", record.resolved_by));
      }
      ASSIGN_OR_RETURN(const std::string bytes,
                       Open(connection, "orders", shipment.order_id, orders[0].Binary("sealed")));
      Order order;
      if (!order.ParseFromString(bytes)) {
        return absl::DataLossError("orders: a snapshot does not parse");
      }
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
          Write(tx, {{std::move(shipment), std::move(effects)}}, absl::ZeroDuration()));
      ASSIGN_OR_RETURN(record, ReadReview(tx, review_id));
      return Resolved{.review = std::move(record), .stored = std::move(stored.front())};
    });
  }

  // ---- Figures ----

  absl::StatusOr<Figures> Count() override {
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
                                {std::string(shipment_builder::Name(work))}));
      figures.oldest_due.emplace_back(work, absl::Seconds(oldest[0].Int("seconds")));
    }
    ASSIGN_OR_RETURN(const Rows reviews,
                     db_.Exec("SELECT count(*) AS n FROM reviews WHERE state = 'OPEN'"));
    figures.open_reviews = reviews[0].Int("n");
    return figures;
  }

 private:
  static constexpr char kSelectReviews[] =
      "SELECT r.connection_id, r.review_id, r.shipment_id, r.reason, r.state, r.message, r.side, "
      "r.sealed, r.create_time, r.create_time::text AS create_text, r.close_time, r.resolution, "
      "r.resolved_by, s.document_type, s.business_unit, s.document_id FROM reviews r JOIN "
      "shipments s ON s.connection_id = r.connection_id AND s.shipment_id = r.shipment_id";

  struct ToPlan {
    Order order = {};
    ShipmentKey key = {};  // connection, order
    int64_t built = 0;
    bool fresh = false;
  };

  static absl::Status NoShipment(const std::string& shipment_id) {
    return absl::NotFoundError(absl::StrCat("shipments/", shipment_id, ": no such shipment"));
  }
  static absl::Status NoReview(const std::string& review_id) {
    return absl::NotFoundError(absl::StrCat("reviews/", review_id, ": no such review"));
  }

  // ---- Sealing ----

  absl::StatusOr<std::string> Seal(const std::string& connection, std::string_view table,
                                   const std::string& key, std::string_view plaintext) {
    const std::string row = absl::StrCat(connection, "/", key);
    return sealer_.Seal(ScopeOf(connection), {.table = table, .column = "sealed", .row = row},
                        plaintext);
  }

  absl::StatusOr<std::string> Open(const std::string& connection, std::string_view table,
                                   const std::string& key, std::string_view sealed) {
    const std::string row = absl::StrCat(connection, "/", key);
    return sealer_.Open({.table = table, .column = "sealed", .row = row}, sealed);
  }

  // Has the connections' data keys in memory, so that no transaction has to make or read one.
  absl::Status WarmUp(const std::set<std::string>& connections) {
    for (const std::string& connection : connections) {
      {
        std::lock_guard lock(mutex_);
        if (warm_.count(connection) > 0) continue;
      }
      ASSIGN_OR_RETURN(const std::string sealed, Seal(connection, "warm up", "", ""));
      RETURN_IF_ERROR(Open(connection, "warm up", "", sealed).status());
      std::lock_guard lock(mutex_);
      warm_.insert(connection);
    }
    return absl::OkStatus();
  }

  // The same for a connection that a caller names: no key is made for one that does not exist.
  absl::Status WarmUpKnown(const std::string& connection) {
    {
      std::lock_guard lock(mutex_);
      if (warm_.count(connection) > 0) return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec("SELECT 1 FROM orders WHERE connection_id = $1 LIMIT 1", {connection}));
    return rows.empty() ? absl::OkStatus() : WarmUp({connection});
  }

  // ---- Reading ----

  static Shipment FromRow(const Row& row) {
    Shipment shipment{.connection_id = row.Text("connection_id"),
                      .shipment_id = row.Text("shipment_id"),
                      .order_id = row.Text("order_id"),
                      .document_type = row.Text("document_type"),
                      .business_unit = row.Text("business_unit"),
                      .document_id = row.Text("document_id"),
                      .order_revision = row.Int("order_revision"),
                      .trace_id = row.Text("trace_id"),
                      .state = StateFromName(row.Text("state")),
                      .failure = row.Text("failure"),
                      .service_code = row.Text("service_code"),
                      .ship_date = row.Text("ship_date"),
                      .fingerprint = row.Text("fingerprint"),
                      .validated = row.Bool("validated"),
                      .ship_from_call = row.Text("ship_from_call"),
                      .ship_to_call = row.Text("ship_to_call"),
                      .holds = row.Bool("holds"),
                      .undo = UndoFromName(row.Text("undo")),
                      .undo_age = absl::Seconds(row.Int("undo_seconds")),
                      .ups_shipment_id = row.Text("ups_shipment_id"),
                      .charges = {.amount_minor = row.Int("charges_minor"),
                                  .currency_code = row.Text("currency_code")},
                      .label_time = row.OptionalTime("label_time"),
                      .void_number = static_cast<int>(row.Int("void_number")),
                      .acknowledged = row.Bool("acknowledged"),
                      .handed_over = row.Bool("handed_over"),
                      .lease_count = static_cast<int>(row.Int("lease_count")),
                      .wait_count = static_cast<int>(row.Int("wait_count")),
                      .failure_count = static_cast<int>(row.Int("failure_count"))};
    const std::string resume = row.Text("resume_state");
    if (!resume.empty()) shipment.resume_state = StateFromName(resume);
    shipment.purchase.number = static_cast<int>(row.Int("purchase_number"));
    const auto lines = Elements(row.Text("share_lines"));
    const auto schedules = Elements(row.Text("share_schedules"));
    const auto quantities = Elements(row.Text("share_quantities"));
    const auto received = Elements(row.Text("share_received"));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      shipment.shares.push_back({.line = ToInt(lines[i]),
                                 .schedule = ToInt(schedules[i]),
                                 .quantity = ToDecimal(quantities[i]),
                                 .received = ToDecimal(received[i])});
    }
    // Opened later, outside the loop that reads rows.
    shipment.ship_to.set_name(row.Binary("sealed"));
    return shipment;
  }

  // Shipments with their packages and current purchases; ship_to.name holds the sealed parties
  // until OpenParties.
  absl::StatusOr<std::vector<Shipment>> Load(Tx& tx, const Rows& rows) {
    std::vector<Shipment> shipments;
    if (rows.empty()) return shipments;
    std::map<ShipmentKey, std::size_t> index;
    Arrays keys(2);
    Arrays bought(3);
    for (const Row& row : rows) {
      Shipment shipment = FromRow(row);
      index[KeyOf(shipment)] = shipments.size();
      keys.Add({shipment.connection_id, shipment.shipment_id});
      if (shipment.purchase.number > 0) {
        bought.Add({shipment.connection_id, shipment.shipment_id,
                    std::to_string(shipment.purchase.number)});
      }
      shipments.push_back(std::move(shipment));
    }
    ASSIGN_OR_RETURN(
        const Rows packages,
        tx.Exec("SELECT p.* FROM packages p JOIN unnest($1::text[], $2::text[]) AS "
                "k(connection_id, shipment_id) ON p.connection_id = k.connection_id AND "
                "p.shipment_id = k.shipment_id ORDER BY p.package_number",
                keys.Params()));
    for (const Row& row : packages) {
      Package package{.number = static_cast<int>(row.Int("package_number")),
                      .weight_lb = ToDecimal(row.Text("weight_lb")),
                      .length_in = static_cast<int>(row.Int("length_in")),
                      .width_in = static_cast<int>(row.Int("width_in")),
                      .height_in = static_cast<int>(row.Int("height_in")),
                      .tracking_number = row.Text("tracking_number"),
                      .tracking_status = row.Text("tracking_status")};
      const auto lines = Elements(row.Text("content_lines"));
      const auto schedules = Elements(row.Text("content_schedules"));
      const auto quantities = Elements(row.Text("content_quantities"));
      for (std::size_t i = 0; i < lines.size(); ++i) {
        package.contents.push_back({.line = ToInt(lines[i]),
                                    .schedule = ToInt(schedules[i]),
                                    .quantity = ToDecimal(quantities[i])});
      }
      shipments[index.at({row.Text("connection_id"), row.Text("shipment_id")})].packages.push_back(
          std::move(package));
    }
    if (bought.empty()) return shipments;
    ASSIGN_OR_RETURN(
        const Rows purchases,
        tx.Exec("SELECT p.* FROM purchases p JOIN unnest($1::text[], $2::text[], $3::integer[]) AS "
                "k(connection_id, shipment_id, purchase_number) ON p.connection_id = "
                "k.connection_id AND p.shipment_id = k.shipment_id AND p.purchase_number = "
                "k.purchase_number",
                bought.Params()));
    for (const Row& row : purchases) {
      Purchase& purchase =
          shipments[index.at({row.Text("connection_id"), row.Text("shipment_id")})].purchase;
      purchase.state = PurchaseStateFromName(row.Text("state"));
      purchase.account = row.Text("account");
      purchase.reference = row.Text("reference");
      purchase.ship_date = row.Text("ship_date");
      purchase.ups_code = row.Text("ups_code");
      purchase.message = row.Text("message");
    }
    return shipments;
  }

  absl::Status OpenParties(std::vector<Shipment>& shipments) {
    for (Shipment& shipment : shipments) {
      ASSIGN_OR_RETURN(
          const std::string bytes,
          Open(shipment.connection_id, "shipments", shipment.shipment_id, shipment.ship_to.name()));
      pb::Shipment parties;
      if (!parties.ParseFromString(bytes)) {
        return absl::DataLossError(absl::StrCat(shipment.name(), ": its parties do not parse"));
      }
      shipment.ship_from = parties.ship_from();
      shipment.ship_to = parties.ship_to();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Shipment> Lock(Tx& tx, const std::string& shipment_id) {
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                                          " FROM shipments s WHERE s.connection_id = $1 AND "
                                          "s.shipment_id = $2 FOR UPDATE"),
                             {ConnectionIn(shipment_id), shipment_id}));
    if (rows.empty()) return NoShipment(shipment_id);
    ASSIGN_OR_RETURN(std::vector<Shipment> shipments, Load(tx, rows));
    RETURN_IF_ERROR(OpenParties(shipments));
    return std::move(shipments.front());
  }

  absl::StatusOr<ShipmentRecord> Read(Tx& tx, const std::string& shipment_id) {
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                                          " FROM shipments s WHERE s.connection_id = $1 AND "
                                          "s.shipment_id = $2"),
                             {ConnectionIn(shipment_id), shipment_id}));
    if (rows.empty()) return NoShipment(shipment_id);
    ASSIGN_OR_RETURN(std::vector<Shipment> shipments, Load(tx, rows));
    RETURN_IF_ERROR(OpenParties(shipments));
    ASSIGN_OR_RETURN(const auto reviews, OpenReviewIds(tx, shipments));
    return ShipmentRecord{.shipment = std::move(shipments.front()),
                          .review_id = reviews.empty() ? "" : reviews.begin()->second,
                          .create_time = rows[0].Time("create_time"),
                          .update_time = rows[0].Time("update_time")};
  }

  static absl::StatusOr<std::map<ShipmentKey, std::string>> OpenReviewIds(
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

  static ReviewRecord ReviewFromRow(const Row& row) {
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

  absl::StatusOr<ReviewRecord> ReadReview(Tx& tx, const std::string& review_id) {
    const std::string connection = ConnectionIn(review_id);
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(absl::StrCat(kSelectReviews, " WHERE r.connection_id = $1 AND r.review_id = $2"),
                {connection, review_id}));
    if (rows.empty()) return NoReview(review_id);
    ReviewRecord record = ReviewFromRow(rows[0]);
    ASSIGN_OR_RETURN(const std::string bytes,
                     Open(connection, "reviews", review_id, rows[0].Binary("sealed")));
    pb::Review evidence;
    if (!evidence.ParseFromString(bytes)) {
      return absl::DataLossError(absl::StrCat("reviews/", review_id, ": evidence does not parse"));
    }
    record.review.asked.address = evidence.address();
    record.review.asked.candidates.assign(evidence.candidates().begin(),
                                          evidence.candidates().end());
    return record;
  }

  // ---- Writing ----

  // Plans orders whose rows are locked and writes what comes of it.
  absl::StatusOr<std::vector<Stored>> PlanOrders(Tx& tx, const std::vector<ToPlan>& to_plan,
                                                 const Plan& plan) {
    if (to_plan.empty()) return std::vector<Stored>{};
    std::map<ShipmentKey, std::vector<Shipment>> existing;
    Arrays known(2);
    for (const ToPlan& item : to_plan) {
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
      ASSIGN_OR_RETURN(std::vector<Shipment> shipments, Load(tx, rows));
      RETURN_IF_ERROR(OpenParties(shipments));
      for (Shipment& shipment : shipments) {
        existing[{shipment.connection_id, shipment.order_id}].push_back(std::move(shipment));
      }
    }
    RETURN_IF_ERROR(StoreSchedules(tx, to_plan));
    std::vector<Changed> changed;
    Arrays built(3);
    for (const ToPlan& item : to_plan) {
      std::vector<Shipment>& shipments = existing[item.key];
      Reconciliation outcome = plan(item.order, shipments, item.built);
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
    return Write(tx, changed, absl::ZeroDuration());
  }

  static absl::Status StoreSchedules(Tx& tx, const std::vector<ToPlan>& to_plan) {
    Arrays rows(7);
    for (const ToPlan& item : to_plan) {
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

  // Writes shipments whose rows are locked, and all that goes with them.
  absl::StatusOr<std::vector<Stored>> Write(Tx& tx, std::vector<Changed> changed,
                                            absl::Duration lease) {
    std::vector<Stored> stored;
    if (changed.empty()) return stored;
    Arrays updates(kRowColumns), inserts(kRowColumns);
    Arrays old_packages(2), packages(10), statuses(5), purchases(9), labels(5), closed(2),
        reviews(7), replans(2);
    std::map<std::pair<ShipmentKey, std::pair<int, int>>, Decimal> allocations;
    std::vector<AuditEntry> entries;
    std::map<std::string, std::size_t> review_of;  // review id → position in stored
    for (Changed& item : changed) {
      const Shipment& shipment = item.shipment;
      Effects& effects = item.effects;
      std::optional<std::string> sealed;
      if (item.fresh || effects.parties_changed) {
        pb::Shipment parties;
        *parties.mutable_ship_from() = shipment.ship_from;
        *parties.mutable_ship_to() = shipment.ship_to;
        ASSIGN_OR_RETURN(sealed, Seal(shipment.connection_id, "shipments", shipment.shipment_id,
                                      parties.SerializeAsString()));
      }
      (item.fresh ? inserts : updates).Add(ShipmentRow(shipment, effects.lease, sealed));
      if (effects.packages_changed && !item.fresh) {
        old_packages.Add({shipment.connection_id, shipment.shipment_id});
      }
      for (const Package& package : shipment.packages) {
        if (effects.packages_changed) {
          const auto of = [&](auto get) { return ArrayText(package.contents, get); };
          packages.Add({shipment.connection_id, shipment.shipment_id,
                        std::to_string(package.number), package.weight_lb.ToString(),
                        std::to_string(package.length_in), std::to_string(package.width_in),
                        std::to_string(package.height_in),
                        of([](const Content& c) { return std::to_string(c.line); }),
                        of([](const Content& c) { return std::to_string(c.schedule); }),
                        of([](const Content& c) { return c.quantity.ToString(); })});
        } else if (effects.packages_updated) {
          statuses.Add({shipment.connection_id, shipment.shipment_id,
                        std::to_string(package.number), package.tracking_number,
                        package.tracking_status});
        }
      }
      if (effects.purchase_changed) {
        const Purchase& purchase = shipment.purchase;
        purchases.Add(
            {shipment.connection_id, shipment.shipment_id, std::to_string(purchase.number),
             std::string(shipment_builder::Name(purchase.state)), purchase.account,
             purchase.reference, purchase.ship_date, purchase.ups_code, purchase.message});
      }
      if (effects.allocation != Effects::Allocation::kKeep) {
        for (const Share& share : shipment.shares) {
          Decimal& sum = allocations[{{shipment.connection_id, shipment.order_id},
                                      {share.line, share.schedule}}];
          sum = effects.allocation == Effects::Allocation::kTake ? sum + share.quantity
                                                                 : sum - share.quantity;
        }
      }
      for (std::size_t i = 0; i < effects.labels.size(); ++i) {
        const std::string number = std::to_string(i + 1);
        ASSIGN_OR_RETURN(
            const std::string label,
            Seal(shipment.connection_id, "labels", absl::StrCat(shipment.shipment_id, "/", number),
                 effects.labels[i].label()));
        labels.Add({shipment.connection_id, shipment.shipment_id, number,
                    effects.labels[i].label_format(), ByteaText(label)});
      }
      if (effects.close_reviews) closed.Add({shipment.connection_id, shipment.shipment_id});
      if (effects.replan) replans.Add({shipment.connection_id, shipment.order_id});
      Stored result{.shipment = shipment};
      if (effects.review.has_value()) {
        const std::string id = absl::StrCat(shipment.connection_id, "-", Base32(RandomBytes(10)));
        pb::Review evidence;
        if (effects.review->side != Side::kNone) {
          *evidence.mutable_address() = effects.review->address;
        }
        for (const auto& candidate : effects.review->candidates) {
          *evidence.add_candidates() = candidate;
        }
        ASSIGN_OR_RETURN(const std::string bytes,
                         Seal(shipment.connection_id, "reviews", id, evidence.SerializeAsString()));
        reviews.Add({shipment.connection_id, id, shipment.shipment_id,
                     std::string(shipment_builder::Name(effects.review->reason)),
                     effects.review->message,
                     std::string(shipment_builder::Name(effects.review->side)), ByteaText(bytes)});
        review_of[id] = stored.size();
        result.opened = effects.review;
      }
      if (!effects.action.empty()) {
        entries.push_back({.action = effects.action,
                           .subject = shipment.name(),
                           .actor = effects.actor.empty() ? std::string(kService) : effects.actor,
                           .trace_id = shipment.trace_id,
                           .detail = std::move(effects.detail)});
      }
      stored.push_back(std::move(result));
    }

    const auto run = [&](const Arrays& rows, const std::string& sql) -> absl::Status {
      if (rows.empty()) return absl::OkStatus();
      return tx.Exec(sql, rows.Params()).status();
    };
    RETURN_IF_ERROR(run(inserts, InsertShipments()));
    if (!updates.empty()) {
      std::vector<Param> params = updates.Params();
      params.emplace_back(lease);
      RETURN_IF_ERROR(tx.Exec(UpdateShipments(), std::move(params)).status());
    }
    RETURN_IF_ERROR(run(old_packages,
                        "DELETE FROM packages p USING unnest($1::text[], $2::text[]) AS "
                        "x(connection_id, shipment_id) WHERE p.connection_id = x.connection_id AND "
                        "p.shipment_id = x.shipment_id"));
    RETURN_IF_ERROR(run(
        packages,
        "INSERT INTO packages (connection_id, shipment_id, package_number, weight_lb, length_in, "
        "width_in, height_in, content_lines, content_schedules, content_quantities) SELECT a, b, "
        "c, d, e, f, g, h::integer[], i::integer[], j::numeric[] FROM unnest($1::text[], "
        "$2::text[], $3::integer[], $4::numeric[], $5::integer[], $6::integer[], $7::integer[], "
        "$8::text[], $9::text[], $10::text[]) AS x(a, b, c, d, e, f, g, h, i, j)"));
    RETURN_IF_ERROR(
        run(statuses,
            "UPDATE packages p SET tracking_number = x.number, tracking_status = x.status FROM "
            "unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[]) AS "
            "x(connection_id, shipment_id, package_number, number, status) WHERE p.connection_id = "
            "x.connection_id AND p.shipment_id = x.shipment_id AND p.package_number = "
            "x.package_number"));
    RETURN_IF_ERROR(
        run(purchases,
            "INSERT INTO purchases (connection_id, shipment_id, purchase_number, state, account, "
            "reference, ship_date, ups_code, message) SELECT * FROM unnest($1::text[], $2::text[], "
            "$3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], "
            "$9::text[]) ON CONFLICT (connection_id, shipment_id, purchase_number) DO UPDATE SET "
            "state = EXCLUDED.state, ups_code = EXCLUDED.ups_code, message = EXCLUDED.message, "
            "update_time = now()"));
    RETURN_IF_ERROR(Allocate(tx, allocations));
    RETURN_IF_ERROR(
        run(labels,
            "INSERT INTO labels (connection_id, shipment_id, package_number, label_format, sealed) "
            "SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::bytea[]) "
            "ON CONFLICT (connection_id, shipment_id, package_number) DO UPDATE SET label_format = "
            "EXCLUDED.label_format, sealed = EXCLUDED.sealed"));
    RETURN_IF_ERROR(run(closed,
                        "UPDATE reviews r SET state = 'OBSOLETE', close_time = now() FROM "
                        "unnest($1::text[], $2::text[]) AS x(connection_id, shipment_id) WHERE "
                        "r.connection_id = x.connection_id AND r.shipment_id = x.shipment_id AND "
                        "r.state = 'OPEN'"));
    if (!reviews.empty()) {
      ASSIGN_OR_RETURN(
          const Rows opened,
          tx.Exec("INSERT INTO reviews (connection_id, review_id, shipment_id, reason, message, "
                  "side, sealed) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], "
                  "$4::text[], $5::text[], $6::text[], $7::bytea[]) ON CONFLICT (connection_id, "
                  "shipment_id) WHERE state = 'OPEN' DO NOTHING RETURNING review_id",
                  reviews.Params()));
      for (const Row& row : opened) {
        const std::string id = row.Text("review_id");
        stored[review_of.at(id)].review_id = id;
      }
    }
    RETURN_IF_ERROR(run(replans,
                        "INSERT INTO replans (connection_id, order_id) SELECT DISTINCT * FROM "
                        "unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING"));
    if (!entries.empty()) RETURN_IF_ERROR(AppendAudit(tx, kService, entries));
    return stored;
  }

  static absl::Status Allocate(
      Tx& tx, const std::map<std::pair<ShipmentKey, std::pair<int, int>>, Decimal>& allocations) {
    Arrays rows(5);
    for (const auto& [key, quantity] : allocations) {
      rows.Add({key.first.first, key.first.second, std::to_string(key.second.first),
                std::to_string(key.second.second), quantity.ToString()});
    }
    if (rows.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        const Rows touched,
        tx.Exec("UPDATE schedules s SET allocated = s.allocated + x.quantity FROM "
                "unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::numeric[]) AS "
                "x(connection_id, order_id, line_number, schedule_number, quantity) WHERE "
                "s.connection_id = x.connection_id AND s.order_id = x.order_id AND s.line_number = "
                "x.line_number AND s.schedule_number = x.schedule_number",
                rows.Params()));
    if (touched.affected() == rows.rows()) return absl::OkStatus();
    return absl::InternalError("schedules: a purchase names one that is not stored");
  }

  Db& db_;
  Sealer& sealer_;
  std::mutex mutex_;
  std::set<std::string> warm_;
};

}  // namespace

std::unique_ptr<ShipmentStore> MakePostgresShipmentStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresShipmentStore>(db, sealer);
}

}  // namespace psups::shipment_builder
