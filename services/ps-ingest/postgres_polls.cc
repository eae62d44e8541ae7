#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/postgres.h"
#include "services/ps-ingest/postgres_revisions.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

// A user's lease is held in the name of the read: connection, type, purpose and epoch.
std::string ReaderToken(const PollLease& poll) {
  return absl::StrCat(poll.connection.name(), " ", TypeCode(poll.type), " ",
                      PurposeName(poll.cursor.purpose), " ", poll.epoch);
}

// Locks cursor and user together, so that two replicas never read as one user. What is new comes
// before sweeps and backfills.
constexpr char kLease[] =
    "WITH due AS MATERIALIZED ("
    "  SELECT s.connection_id, s.document_type, s.purpose, s.due_time, r.reader_key "
    "  FROM source_cursors s "
    "  JOIN readers r USING (reader_key) JOIN connections c USING (connection_id) "
    "  WHERE s.enabled AND s.due_time <= now() AND c.state <> 'STOPPED' "
    "    AND r.lease_expire_time <= now() "
    "  ORDER BY s.purpose <> 'POLL', s.due_time LIMIT $1 FOR UPDATE OF s, r SKIP LOCKED), "
    "chosen AS ("
    "  SELECT DISTINCT ON (reader_key) connection_id, document_type, purpose, reader_key FROM due "
    "  ORDER BY reader_key, purpose <> 'POLL', due_time), "
    "cursors AS ("
    "  UPDATE source_cursors s SET lease_epoch = s.lease_epoch + 1 FROM chosen "
    "  WHERE s.connection_id = chosen.connection_id AND s.document_type = chosen.document_type "
    "    AND s.purpose = chosen.purpose "
    "  RETURNING s.*), "
    "taken AS ("
    "  UPDATE readers r SET lease_expire_time = now() + make_interval(secs => $2), "
    "    lease_token = 'connections/' || s.connection_id || ' ' || s.document_type || ' ' || "
    "      s.purpose || ' ' || s.lease_epoch "
    "  FROM cursors s WHERE r.reader_key = s.reader_key) "
    "SELECT s.connection_id, c.version, c.state, c.state_reason, c.settings, s.document_type, "
    "  s.lease_epoch, s.start_time, s.watermark_time, s.position_time, s.round_end_time, "
    "  s.window_seconds, s.fault, s.faulty, s.clock_offset_ms, s.failure_count, "
    "  s.purpose, s.end_time, s.after_business_unit, s.after_document_id, s.idle_rounds, "
    "  s.most_rows, s.row_cap, "
    "  (SELECT coalesce(string_agg(DISTINCT o.last_error, E'\n'), '') FROM source_cursors o "
    "    WHERE o.connection_id = s.connection_id) AS problems, "
    "  clock_timestamp() AS read_start "
    "FROM cursors s JOIN connections c USING (connection_id)";

absl::StatusOr<PollLease> PollFrom(const Row& row) {
  ASSIGN_OR_RETURN(pb::Connection connection, ConnectionFrom(row));
  Cursor cursor = {.purpose = PurposeFromName(row.Text("purpose")),
                   .start = row.Time("start_time"),
                   .end = row.OptionalTime("end_time"),
                   .watermark = row.Time("watermark_time"),
                   .position = row.OptionalTime("position_time"),
                   .round_end = row.OptionalTime("round_end_time"),
                   .window_limit = absl::Seconds(row.Int("window_seconds")),
                   .fault = row.Text("fault"),
                   .faulty = row.Bool("faulty"),
                   .idle_rounds = static_cast<int>(row.Int("idle_rounds")),
                   .most_rows = static_cast<int>(row.Int("most_rows")),
                   .row_cap = static_cast<int>(row.Int("row_cap"))};
  if (const std::string id = row.Text("after_document_id"); !id.empty()) {
    cursor.after = {.business_unit = row.Text("after_business_unit"), .id = id};
  }
  return PollLease{.connection = std::move(connection),
                   .type = TypeFromCode(row.Text("document_type")),
                   .epoch = row.Int("lease_epoch"),
                   .cursor = std::move(cursor),
                   .read_start = row.Time("read_start"),
                   .clock_offset = absl::Milliseconds(row.Int("clock_offset_ms")),
                   .failure_count = static_cast<int>(row.Int("failure_count")),
                   .problems = absl::StrSplit(row.Text("problems"), '\n')};
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
    ASSIGN_OR_RETURN(const std::vector<Bytes> sealed,
                     SealRevisions(sealer_, id, outcome.revisions));
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(MoveCursor(tx, id, poll, outcome));
      std::vector<AuditEntry> audit = outcome.audit;
      const ReadSource source = {.connection_id = id,
                                 .type = poll.type,
                                 .call_id = outcome.call_id,
                                 .read_start = poll.read_start};
      RETURN_IF_ERROR(StoreRevisions(tx, source, outcome.revisions, sealed, audit));
      RETURN_IF_ERROR(StoreTouched(tx, id, outcome.touched));
      if (outcome.window.has_value()) RETURN_IF_ERROR(StoreWindow(tx, id, outcome));
      if (!outcome.stop_reason.empty()) {
        RETURN_IF_ERROR(StopConnection(tx, id, poll.connection.version(), outcome.stop_reason));
      }
      RETURN_IF_ERROR(tx.Exec("UPDATE readers SET lease_expire_time = now() "
                              "WHERE reader_key = $1 AND lease_token = $2",
                              {ReaderKey(poll.connection), ReaderToken(poll)})
                          .status());
      return AppendAudit(tx, kService, audit);
    });
  }

  absl::Status StoreKeyRead(const KeyRead& read) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(read.connection.name()));
    ASSIGN_OR_RETURN(const std::vector<Bytes> sealed, SealRevisions(sealer_, id, read.revisions));
    return db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows connections,
                       tx.Exec("SELECT version FROM connections WHERE connection_id = $1 "
                               "AND version = $2 FOR SHARE",
                               {id, read.connection.version()}));
      if (connections.empty()) {
        return absl::AbortedError("the connection was changed while it was read");
      }
      std::vector<AuditEntry> audit = read.audit;
      const ReadSource source = {.connection_id = id,
                                 .type = read.type,
                                 .call_id = read.call_id,
                                 .read_start = read.read_start};
      RETURN_IF_ERROR(StoreRevisions(tx, source, read.revisions, sealed, audit));
      RETURN_IF_ERROR(StoreTouched(tx, id, read.touched));
      RETURN_IF_ERROR(tx.Exec("UPDATE orders SET checked_time = greatest(checked_time, $3) "
                              "WHERE connection_id = $1 AND order_id = ANY($2::text[])",
                              {id, read.seen, read.read_start})
                          .status());
      return AppendAudit(tx, kService, audit);
    });
  }

  absl::StatusOr<absl::Time> Now() override {
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec("SELECT clock_timestamp() AS now"));
    return rows[0].Time("now");
  }

  absl::Status ShowProblem(const PollLease& poll, const std::string& problem) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(poll.connection.name()));
    return db_
        .Exec(
            "UPDATE source_cursors SET last_error = $4 "
            "WHERE connection_id = $1 AND document_type = $2 AND purpose = $5 AND lease_epoch = $3",
            {id, TypeCode(poll.type), poll.epoch, problem, PurposeName(poll.cursor.purpose)})
        .status();
  }

 private:
  // The fence: a lease that was taken over, or ended by a change of settings, moves nothing.
  static absl::Status MoveCursor(Tx& tx, const std::string& id, const PollLease& poll,
                                 const ReadOutcome& outcome) {
    const Cursor& cursor = outcome.cursor;
    // What is shown may be the fault of another window of the round.
    const bool succeeded = outcome.window.has_value() && outcome.error == cursor.fault;
    const DocumentId after = cursor.after.value_or(DocumentId());
    // A round has ended where the next one has not begun.
    const bool round_ended = succeeded && !cursor.position.has_value();
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec("UPDATE source_cursors SET due_time = now() + make_interval(secs => $4), "
                "watermark_time = $5, position_time = $6, round_end_time = $7, "
                "window_seconds = $8, clock_offset_ms = $9, failure_count = $10, "
                "last_error = $11, "
                "last_read_time = CASE WHEN $12 THEN now() ELSE last_read_time END, "
                "fault = $13, faulty = $14, after_business_unit = $16, after_document_id = $17, "
                "idle_rounds = $18, most_rows = $19, row_cap = $20, enabled = enabled AND NOT $21, "
                "round_time = CASE WHEN $22 THEN now() ELSE round_time END "
                "WHERE connection_id = $1 AND document_type = $2 AND purpose = $15 "
                "AND lease_epoch = $3",
                {id,
                 TypeCode(poll.type),
                 poll.epoch,
                 outcome.wait,
                 cursor.watermark,
                 cursor.position,
                 cursor.round_end,
                 absl::ToInt64Seconds(cursor.window_limit),
                 absl::ToInt64Milliseconds(outcome.clock_offset),
                 outcome.failure_count,
                 outcome.error,
                 succeeded,
                 cursor.fault,
                 cursor.faulty,
                 PurposeName(cursor.purpose),
                 after.business_unit,
                 after.id,
                 cursor.idle_rounds,
                 cursor.most_rows,
                 cursor.row_cap,
                 outcome.finished,
                 round_ended}));
    if (rows.affected() == 1) return absl::OkStatus();
    return absl::AbortedError("the read's lease was lost; nothing of it is stored");
  }

  static absl::Status StoreWindow(Tx& tx, const std::string& id, const ReadOutcome& outcome) {
    const pb::Window& window = *outcome.window;
    return tx
        .Exec(
            "INSERT INTO windows (connection_id, document_type, from_local, to_local, call_id, "
            "  row_count, document_count, stored_count, refused_count, truncated, purpose, "
            "  counted_rows) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            {id, TypeCode(window.document_type()), window.from(), window.to(), outcome.call_id,
             window.rows(), window.documents(), window.documents_stored(), outcome.refused_count,
             window.truncated(), pb::Window::Purpose_Name(window.purpose()), window.counted_rows()})
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
