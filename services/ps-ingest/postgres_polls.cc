#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/document.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

// A user's lease is held in the name of the read: connection, type and epoch.
std::string ReaderToken(const PollLease& poll) {
  return absl::StrCat(poll.connection.name(), " ", TypeCode(poll.type), " ", poll.epoch);
}

// Locks cursor and user together, so that two replicas never read as one user.
constexpr char kLease[] =
    "WITH due AS MATERIALIZED ("
    "  SELECT s.connection_id, s.document_type, s.due_time, r.reader_key FROM source_cursors s "
    "  JOIN readers r USING (reader_key) JOIN connections c USING (connection_id) "
    "  WHERE s.enabled AND s.due_time <= now() AND c.state <> 'STOPPED' "
    "    AND r.lease_expire_time <= now() "
    "  ORDER BY s.due_time LIMIT $1 FOR UPDATE OF s, r SKIP LOCKED), "
    "chosen AS ("
    "  SELECT DISTINCT ON (reader_key) connection_id, document_type, reader_key FROM due "
    "  ORDER BY reader_key, due_time), "
    "cursors AS ("
    "  UPDATE source_cursors s SET lease_epoch = s.lease_epoch + 1 FROM chosen "
    "  WHERE s.connection_id = chosen.connection_id AND s.document_type = chosen.document_type "
    "  RETURNING s.*), "
    "taken AS ("
    "  UPDATE readers r SET lease_expire_time = now() + make_interval(secs => $2), "
    "    lease_token = 'connections/' || s.connection_id || ' ' || s.document_type || ' ' || "
    "      s.lease_epoch "
    "  FROM cursors s WHERE r.reader_key = s.reader_key) "
    "SELECT s.connection_id, c.version, c.state, c.state_reason, c.settings, s.document_type, "
    "  s.lease_epoch, s.start_time, s.watermark_time, s.position_time, s.round_end_time, "
    "  s.window_seconds, s.fault, s.faulty, s.clock_offset_ms, s.failure_count, "
    "  (SELECT coalesce(string_agg(DISTINCT o.last_error, E'\n'), '') FROM source_cursors o "
    "    WHERE o.connection_id = s.connection_id) AS problems, "
    "  clock_timestamp() AS read_start "
    "FROM cursors s JOIN connections c USING (connection_id)";

absl::StatusOr<PollLease> PollFrom(const Row& row) {
  ASSIGN_OR_RETURN(pb::Connection connection, ConnectionFrom(row));
  return PollLease{.connection = std::move(connection),
                   .type = TypeFromCode(row.Text("document_type")),
                   .epoch = row.Int("lease_epoch"),
                   .cursor = {.start = row.Time("start_time"),
                              .watermark = row.Time("watermark_time"),
                              .position = row.OptionalTime("position_time"),
                              .round_end = row.OptionalTime("round_end_time"),
                              .window_limit = absl::Seconds(row.Int("window_seconds")),
                              .fault = row.Text("fault"),
                              .faulty = row.Bool("faulty")},
                   .read_start = row.Time("read_start"),
                   .clock_offset = absl::Milliseconds(row.Int("clock_offset_ms")),
                   .failure_count = static_cast<int>(row.Int("failure_count")),
                   .problems = absl::StrSplit(row.Text("problems"), '\n')};
}

// What of an order may ship, for CheckOrders: no names, no addresses.
std::string OpenSchedules(const pb::Order& order, int64_t revision) {
  pb::CheckOrdersResponse::Standing standing;
  standing.set_name(order.name());
  standing.set_revision(revision);
  for (const pb::Order::Schedule& schedule : order.schedules()) {
    if (schedule.ineligible_reason() != pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
      continue;
    }
    auto& open = *standing.add_open_schedules();
    open.set_line_number(schedule.line_number());
    open.set_schedule_number(schedule.schedule_number());
    open.set_quantity(schedule.open_quantity());
  }
  return standing.SerializeAsString();
}

AuditEntry StoredEntry(const NewRevision& revision, const std::string& call_id,
                       const std::string& state, bool withdrawn) {
  const pb::Order& order = revision.order;
  nlohmann::json reasons = nlohmann::json::object();
  int open = 0;
  for (const pb::Order::Schedule& schedule : order.schedules()) {
    if (schedule.ineligible_reason() == pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
      ++open;
    } else {
      auto& count =
          reasons[pb::Order::Schedule::IneligibleReason_Name(schedule.ineligible_reason())];
      count = count.is_null() ? 1 : count.get<int>() + 1;
    }
  }
  return {.action = "order.store",
          .subject = order.name(),
          .trace_id = order.trace_id(),
          .detail = {{"connection", order.document().connection()},
                     {"document_type", TypeCode(order.document().document_type())},
                     {"business_unit", order.document().business_unit()},
                     {"document_id", order.document().document_id()},
                     {"revision", revision.revision},
                     {"change_order_batch", order.change_order_batch()},
                     {"document_status", order.document_status()},
                     {"state", state},
                     {"withdrawn", withdrawn},
                     {"schedules_open", open},
                     {"schedules_ineligible", std::move(reasons)},
                     {"read", call_id}}};
}

class PostgresPollStore : public PollStore {
 public:
  PostgresPollStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  absl::StatusOr<std::vector<PollLease>> LeasePolls(int limit, absl::Duration lease) override {
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(kLease, {limit, lease}));
    std::vector<PollLease> polls;
    for (const Row row : rows) {
      ASSIGN_OR_RETURN(PollLease poll, PollFrom(row));
      polls.push_back(std::move(poll));
    }
    return polls;
  }

  absl::Status RenewPolls(const std::vector<PollLease>& polls, absl::Duration lease) override {
    std::vector<std::string> tokens;
    for (const PollLease& poll : polls) tokens.push_back(ReaderToken(poll));
    return db_
        .Exec(
            "UPDATE readers SET lease_expire_time = now() + make_interval(secs => $2) "
            "WHERE lease_token = ANY($1::text[])",
            {tokens, lease})
        .status();
  }

  absl::StatusOr<std::map<std::string, StoredRevision>> FindRevisions(
      const std::string& connection_id, const std::vector<std::string>& order_ids) override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT order_id, revision, content_hash, change_order_batch, "
                              "last_update_local, read_start_time FROM orders "
                              "WHERE connection_id = $1 AND order_id = ANY($2::text[])",
                              {connection_id, order_ids}));
    std::map<std::string, StoredRevision> found;
    for (const Row row : rows) {
      found[row.Text("order_id")] = {
          .revision = row.Int("revision"),
          .content_hash = row.Binary("content_hash"),
          .change_order_batch = static_cast<int32_t>(row.Int("change_order_batch")),
          .last_update_local_time = row.Text("last_update_local"),
          .read_start_time = row.Time("read_start_time")};
    }
    return found;
  }

  absl::Status StoreRead(const PollLease& poll, const ReadOutcome& outcome) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(poll.connection.name()));
    std::vector<Bytes> sealed;  // before the transaction: sealing may need a connection of its own
    for (const NewRevision& revision : outcome.revisions) {
      ASSIGN_OR_RETURN(std::string bytes, SealOrder(poll.connection.name(), revision));
      sealed.push_back({std::move(bytes)});
    }
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(MoveCursor(tx, id, poll, outcome));
      std::vector<AuditEntry> audit = outcome.audit;
      RETURN_IF_ERROR(StoreRevisions(tx, id, poll, outcome, sealed, audit));
      RETURN_IF_ERROR(StoreTouched(tx, id, outcome));
      if (outcome.window.has_value()) RETURN_IF_ERROR(StoreWindow(tx, id, outcome));
      if (!outcome.stop_reason.empty()) {
        RETURN_IF_ERROR(StopConnection(tx, id, outcome.stop_reason));
      }
      RETURN_IF_ERROR(tx.Exec("UPDATE readers SET lease_expire_time = now() "
                              "WHERE reader_key = $1 AND lease_token = $2",
                              {ReaderKey(poll.connection), ReaderToken(poll)})
                          .status());
      return AppendAudit(tx, kService, audit);
    });
  }

  absl::Status ShowProblem(const PollLease& poll, const std::string& problem) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(poll.connection.name()));
    return db_
        .Exec(
            "UPDATE source_cursors SET last_error = $4 "
            "WHERE connection_id = $1 AND document_type = $2 AND lease_epoch = $3",
            {id, TypeCode(poll.type), poll.epoch, problem})
        .status();
  }

 private:
  absl::StatusOr<std::string> SealOrder(const std::string& scope, const NewRevision& revision) {
    const std::string row = absl::StrCat(revision.order.name(), "/", revision.revision);
    return sealer_.Seal(scope, {.table = "order_revisions", .column = "content", .row = row},
                        revision.order.SerializeAsString());
  }

  // The fence: a lease that was taken over, or ended by a change of settings, moves nothing.
  static absl::Status MoveCursor(Tx& tx, const std::string& id, const PollLease& poll,
                                 const ReadOutcome& outcome) {
    const Cursor& cursor = outcome.cursor;
    // What is shown may be the fault of another window of the round.
    const bool succeeded = outcome.window.has_value() && outcome.error == cursor.fault;
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec("UPDATE source_cursors SET due_time = now() + make_interval(secs => $4), "
                "watermark_time = $5, position_time = $6, round_end_time = $7, "
                "fault = $13, faulty = $14, "
                "window_seconds = $8, clock_offset_ms = $9, failure_count = $10, "
                "last_error = $11, "
                "last_read_time = CASE WHEN $12 THEN now() ELSE last_read_time END "
                "WHERE connection_id = $1 AND document_type = $2 AND lease_epoch = $3",
                {id, TypeCode(poll.type), poll.epoch, outcome.wait, cursor.watermark,
                 cursor.position, cursor.round_end, absl::ToInt64Seconds(cursor.window_limit),
                 absl::ToInt64Milliseconds(outcome.clock_offset), outcome.failure_count,
                 outcome.error, succeeded, cursor.fault, cursor.faulty}));
    if (rows.affected() == 1) return absl::OkStatus();
    return absl::AbortedError("the read's lease was lost; nothing of it is stored");
  }

  // `audit` gets an entry for each.
  static absl::Status StoreRevisions(Tx& tx, const std::string& id, const PollLease& poll,
                                     const ReadOutcome& outcome, const std::vector<Bytes>& sealed,
                                     std::vector<AuditEntry>& audit) {
    if (outcome.revisions.empty()) return absl::OkStatus();
    std::vector<std::string> ids, units, documents, statuses, dates, updates, traces;
    std::vector<int64_t> revisions, batches, eligible;
    std::vector<Bytes> hashes, open;
    for (const NewRevision& revision : outcome.revisions) {
      const pb::Order& order = revision.order;
      ASSIGN_OR_RETURN(const OrderKey key, OrderKeyOf(order.name()));
      ids.push_back(key.order_id);
      units.push_back(order.document().business_unit());
      documents.push_back(order.document().document_id());
      revisions.push_back(revision.revision);
      eligible.push_back(revision.eligible ? 1 : 0);
      batches.push_back(order.change_order_batch());
      statuses.push_back(order.document_status());
      dates.push_back(order.document_date());
      updates.push_back(order.last_update_local_time());
      hashes.push_back({revision.content_hash});
      open.push_back({OpenSchedules(order, revision.revision)});
      traces.push_back(order.trace_id());
    }
    // A revision with nothing to ship is handed out only if something was handed out before: then
    // it takes that back. A newer revision ends the lease of an older one.
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(
            "INSERT INTO orders AS o (connection_id, document_type, read_start_time, order_id, "
            "  business_unit, document_id, revision, state, change_order_batch, document_status, "
            "  document_date, last_update_local, content_hash, open_schedules, trace_id) "
            "SELECT $1, $2, $3, u.order_id, u.unit, u.document, u.revision, "
            "  CASE WHEN u.eligible = 1 THEN 'PENDING' ELSE 'INELIGIBLE' END, u.batch, u.status, "
            "  u.date, u.last_update, u.hash, u.open, u.trace "
            "FROM unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], "
            "  $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], "
            "  $15::text[]) "
            "  AS u(order_id, unit, document, revision, eligible, batch, status, date, "
            "       last_update, hash, open, trace) "
            "ON CONFLICT (connection_id, order_id) DO UPDATE SET "
            "  revision = excluded.revision, "
            "  state = CASE WHEN o.handed_out THEN 'PENDING' ELSE excluded.state END, "
            "  withdrawn = o.handed_out AND excluded.state = 'INELIGIBLE', "
            "  change_order_batch = excluded.change_order_batch, "
            "  document_status = excluded.document_status, "
            "  document_date = excluded.document_date, "
            "  last_update_local = excluded.last_update_local, "
            "  content_hash = excluded.content_hash, open_schedules = excluded.open_schedules, "
            "  read_start_time = excluded.read_start_time, revision_time = now(), "
            "  lease_id = '', lease_expire_time = now() "
            "WHERE o.revision = excluded.revision - 1 "
            "RETURNING order_id, state, withdrawn",
            {id, TypeCode(poll.type), poll.read_start, ids, units, documents, revisions, eligible,
             batches, statuses, dates, updates, hashes, open, traces}));
    if (rows.size() != outcome.revisions.size()) {
      return absl::AbortedError("a document was changed by another read");
    }
    RETURN_IF_ERROR(AppendChanges(tx, id, ids));
    RETURN_IF_ERROR(tx.Exec("INSERT INTO order_revisions (connection_id, call_id, order_id, "
                            "  revision, content) "
                            "SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[], $5::bytea[])",
                            {id, outcome.call_id, ids, revisions, sealed})
                        .status());
    std::map<std::string, std::pair<std::string, bool>> states;
    for (const Row row : rows) {
      states["orders/" + row.Text("order_id")] = {row.Text("state"), row.Bool("withdrawn")};
    }
    for (const NewRevision& revision : outcome.revisions) {
      const auto& [state, withdrawn] = states[revision.order.name()];
      audit.push_back(StoredEntry(revision, outcome.call_id, state, withdrawn));
    }
    return absl::OkStatus();
  }

  static absl::Status StoreTouched(Tx& tx, const std::string& id, const ReadOutcome& outcome) {
    if (outcome.touched.empty()) return absl::OkStatus();
    std::vector<std::string> ids, updates;
    std::vector<int64_t> batches;
    for (const pb::Order& order : outcome.touched) {
      ASSIGN_OR_RETURN(const OrderKey key, OrderKeyOf(order.name()));
      ids.push_back(key.order_id);
      updates.push_back(order.last_update_local_time());
      batches.push_back(order.change_order_batch());
    }
    return tx
        .Exec(
            "UPDATE orders o SET change_order_batch = u.batch, last_update_local = u.updated "
            "FROM unnest($2::text[], $3::bigint[], $4::text[]) AS u(order_id, batch, updated) "
            "WHERE o.connection_id = $1 AND o.order_id = u.order_id",
            {id, ids, batches, updates})
        .status();
  }

  static absl::Status StoreWindow(Tx& tx, const std::string& id, const ReadOutcome& outcome) {
    const pb::Window& window = *outcome.window;
    return tx
        .Exec(
            "INSERT INTO windows (connection_id, document_type, from_local, to_local, call_id, "
            "  row_count, document_count, stored_count, refused_count, truncated) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            {id, TypeCode(window.document_type()), window.from(), window.to(), outcome.call_id,
             window.rows(), window.documents(), window.documents_stored(), outcome.refused_count,
             window.truncated()})
        .status();
  }

  Db& db_;
  Sealer& sealer_;
};

}  // namespace

std::unique_ptr<PollStore> MakePollStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresPollStore>(db, sealer);
}

}  // namespace psups::ps_ingest
