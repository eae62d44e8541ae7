#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

constexpr char kSelect[] =
    "SELECT c.connection_id, c.version, c.state, c.state_reason, c.settings, c.activated, "
    "s.watermark_time, s.last_read_time, s.last_error, s.row_cap, s.sweep_time "
    "FROM connections c LEFT JOIN LATERAL ("
    "  SELECT min(watermark_time) FILTER (WHERE last_read_time IS NOT NULL AND purpose = 'POLL') "
    "    AS watermark_time,"
    "  coalesce(min(row_cap) FILTER (WHERE row_cap > 0), 0) AS row_cap,"
    "  min(round_time) FILTER (WHERE purpose = 'SWEEP') AS sweep_time,"
    "  max(last_read_time) AS last_read_time,"
    "  coalesce(nullif(max(last_error), ''), (SELECT nullif(l.last_error, '') "
    "    FROM write_back_lanes l WHERE l.connection_id = c.connection_id), '') AS last_error "
    "  FROM source_cursors WHERE connection_id = c.connection_id AND enabled) s ON true ";

Cell PasswordCell(const std::string& connection_id) {
  return {.table = "connections", .column = "password", .row = connection_id};
}

std::string SettingsOf(pb::Connection connection) {
  connection.clear_name();
  connection.clear_state();
  connection.clear_state_reason();
  connection.clear_version();
  connection.clear_watermark();
  connection.clear_last_read_time();
  connection.clear_last_error();
  connection.clear_learned_row_cap();
  connection.clear_last_sweep_time();
  return connection.SerializeAsString();
}

// With what its cursors and its write-back lane say.
absl::StatusOr<pb::Connection> WholeConnectionFrom(const Row& row) {
  ASSIGN_OR_RETURN(pb::Connection connection, ConnectionFrom(row));
  if (const auto time = row.OptionalTime("watermark_time"); time.has_value()) {
    connection.set_watermark(absl::FormatTime("%Y-%m-%dT%H:%M:%S", *time, ZoneOf(connection)));
  }
  if (const auto time = row.OptionalTime("last_read_time"); time.has_value()) {
    connection.mutable_last_read_time()->set_seconds(absl::ToUnixSeconds(*time));
  }
  connection.set_last_error(row.Text("last_error"));
  connection.set_learned_row_cap(static_cast<int32_t>(row.Int("row_cap")));
  if (const auto time = row.OptionalTime("sweep_time"); time.has_value()) {
    connection.mutable_last_sweep_time()->set_seconds(absl::ToUnixSeconds(*time));
  }
  return connection;
}

AuditEntry Changed(const pb::Connection& connection, const std::string& action,
                   const std::string& actor) {
  return {.action = action,
          .subject = connection.name(),
          .actor = actor,
          .detail = {{"state", pb::Connection::State_Name(connection.state())},
                     {"version", connection.version()}}};
}

// Cursors for the connection's document types; those that exist keep their place unless `reset`.
// Whoever reads under the old settings loses his lease.
absl::Status PutCursors(Tx& tx, const std::string& id, const pb::Connection& connection,
                        bool reset) {
  RETURN_IF_ERROR(tx.Exec("INSERT INTO readers (reader_key) VALUES ($1) ON CONFLICT DO NOTHING",
                          {ReaderKey(connection)})
                      .status());
  std::vector<std::string> types;
  for (const int type : connection.document_types()) {
    types.push_back(TypeCode(static_cast<type::v1::DocumentType>(type)));
  }
  RETURN_IF_ERROR(
      tx.Exec(
            "INSERT INTO source_cursors (connection_id, document_type, purpose, enabled, "
            "  reader_key, start_time, watermark_time, window_seconds, due_time) "
            "SELECT $1, t, p, t = ANY($2::text[]), $3, $4, $4, $5, "
            "  now() + make_interval(secs => CASE WHEN p = 'SWEEP' THEN $7::float8 ELSE 0 END) "
            "FROM unnest(ARRAY['PO', 'REQ']) t, unnest(ARRAY['POLL', 'SWEEP']) p "
            "ON CONFLICT (connection_id, document_type, purpose) DO UPDATE SET "
            "  enabled = excluded.enabled, reader_key = excluded.reader_key, "
            "  lease_epoch = source_cursors.lease_epoch + 1, "
            "  due_time = least(source_cursors.due_time, excluded.due_time), "
            "  start_time = excluded.start_time, failure_count = 0, last_error = '', "
            "  fault = '', window_seconds = excluded.window_seconds, after_business_unit = '', "
            "  after_document_id = '', idle_rounds = 0, most_rows = 0, row_cap = 0, "
            "  watermark_time = CASE WHEN $6 THEN excluded.watermark_time "
            "                        ELSE source_cursors.watermark_time END, "
            "  position_time = CASE WHEN $6 THEN NULL ELSE source_cursors.position_time END, "
            "  round_end_time = CASE WHEN $6 THEN NULL ELSE source_cursors.round_end_time END",
            {id, types, ReaderKey(connection), StartOf(connection), connection.max_window_seconds(),
             reset, absl::Seconds(connection.sweep_interval_seconds())})
          .status());
  return tx
      .Exec(
          "UPDATE source_cursors SET reader_key = $2, lease_epoch = lease_epoch + 1, "
          "  enabled = enabled AND document_type = ANY($3::text[]), window_seconds = $4, "
          "  after_business_unit = '', after_document_id = '' "
          "WHERE connection_id = $1 AND purpose = 'BACKFILL'",
          {id, ReaderKey(connection), types, connection.max_window_seconds()})
      .status();
}

class PostgresConnectionStore : public ConnectionStore {
 public:
  PostgresConnectionStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  absl::StatusOr<pb::Connection> Create(const pb::Connection& connection,
                                        const std::string& password,
                                        const std::string& actor) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(connection.name()));
    ASSIGN_OR_RETURN(const std::string sealed,
                     sealer_.Seal(connection.name(), PasswordCell(id), password));
    pb::Connection stored = connection;
    stored.set_state(pb::Connection::OBSERVE);
    stored.set_version(1);
    const absl::Status status = db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO connections (connection_id, state, settings, password) "
                              "VALUES ($1, 'OBSERVE', $2, $3)",
                              {id, Bytes{SettingsOf(stored)}, Bytes{sealed}})
                          .status());
      RETURN_IF_ERROR(PutCursors(tx, id, stored, /*reset=*/true));
      RETURN_IF_ERROR(
          tx.Exec("INSERT INTO write_back_lanes (connection_id) VALUES ($1)", {id}).status());
      return AppendAudit(tx, kService, {Changed(stored, "connection.create", actor)});
    });
    if (absl::IsAlreadyExists(status)) {
      return absl::AlreadyExistsError(
          absl::StrCat("connection_id: \"", id, "\" is taken, want another"));
    }
    RETURN_IF_ERROR(status);
    return stored;
  }

  absl::StatusOr<pb::Connection> Get(const std::string& id) override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec(absl::StrCat(kSelect, "WHERE c.connection_id = $1"), {id}));
    if (rows.empty()) return NotFound(id);
    return WholeConnectionFrom(rows[0]);
  }

  absl::StatusOr<PageOf<pb::Connection>> List(const Page& page) override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec(absl::StrCat(kSelect,
                                           "WHERE c.connection_id > $1 ORDER BY c.connection_id "
                                           "LIMIT $2"),
                              {page.token, page.size + 1}));
    PageOf<pb::Connection> found;
    for (const Row row : rows) {
      if (static_cast<int>(found.items.size()) == page.size) {
        ASSIGN_OR_RETURN(found.next_token, ConnectionId(found.items.back().name()));
        break;
      }
      ASSIGN_OR_RETURN(pb::Connection connection, WholeConnectionFrom(row));
      found.items.push_back(std::move(connection));
    }
    return found;
  }

  absl::StatusOr<pb::Connection> Update(const pb::Connection& connection,
                                        const std::string& password,
                                        const std::string& actor) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(connection.name()));
    std::optional<Bytes> sealed;
    if (!password.empty()) {
      ASSIGN_OR_RETURN(std::string bytes,
                       sealer_.Seal(connection.name(), PasswordCell(id), password));
      sealed = Bytes{std::move(bytes)};
    }
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("SELECT connection_id, version, state, state_reason, settings "
                               "FROM connections WHERE connection_id = $1 FOR UPDATE",
                               {id}));
      if (rows.empty()) return NotFound(id);
      ASSIGN_OR_RETURN(const pb::Connection before, ConnectionFrom(rows[0]));
      if (before.version() != connection.version()) {
        return absl::AbortedError(absl::StrCat("connection.version: ", connection.version(),
                                               ", stored is ", before.version(),
                                               "; read it again and apply the change to that"));
      }
      if (before.authentication() != connection.authentication() && !sealed.has_value()) {
        return absl::InvalidArgumentError(
            "connection.authentication: changed without a new password; the stored one is of "
            "another "
            "kind and would go to somebody else");
      }
      pb::Connection after = connection;
      after.set_version(before.version() + 1);
      after.set_state(before.state());
      RETURN_IF_ERROR(tx.Exec("UPDATE connections SET version = $2, settings = $3, "
                              "password = coalesce($4::bytea, password), update_time = now() "
                              "WHERE connection_id = $1",
                              {id, after.version(), Bytes{SettingsOf(after)}, sealed})
                          .status());
      RETURN_IF_ERROR(PutCursors(tx, id, after, MustReadAgain(before, after)));
      AuditEntry entry = Changed(after, "connection.update", actor);
      entry.detail["password_changed"] = sealed.has_value();
      return AppendAudit(tx, kService, {entry});
    }));
    return Get(id);
  }

  absl::StatusOr<pb::Connection> ChangeState(const std::string& id, const std::string& action,
                                             const std::string& actor,
                                             const Change& change) override {
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("SELECT connection_id, version, state, state_reason, settings, "
                               "activated FROM connections WHERE connection_id = $1 FOR UPDATE",
                               {id}));
      if (rows.empty()) return NotFound(id);
      ASSIGN_OR_RETURN(const pb::Connection before, ConnectionFrom(rows[0]));
      pb::Connection after = before;
      bool activated = rows[0].Bool("activated");
      RETURN_IF_ERROR(change(after, activated));
      if (after.state() == before.state() && after.state_reason() == before.state_reason()) {
        return absl::OkStatus();
      }
      after.set_version(before.version() + 1);
      RETURN_IF_ERROR(tx.Exec("UPDATE connections SET version = $2, state = $3, state_reason = $4, "
                              "activated = $5, update_time = now() WHERE connection_id = $1",
                              {id, after.version(), pb::Connection::State_Name(after.state()),
                               after.state_reason(), activated})
                          .status());
      if (before.state() == pb::Connection::STOPPED) {
        RETURN_IF_ERROR(tx.Exec("UPDATE source_cursors SET due_time = now(), failure_count = 0, "
                                "last_error = '' WHERE connection_id = $1",
                                {id})
                            .status());
        RETURN_IF_ERROR(tx.Exec("UPDATE write_back_lanes SET due_time = now(), failure_count = 0, "
                                "last_error = '' WHERE connection_id = $1",
                                {id})
                            .status());
      }
      return AppendAudit(tx, kService, {Changed(after, action, actor)});
    }));
    return Get(id);
  }

  absl::StatusOr<PageOf<pb::Window>> ListWindows(const std::string& id, const Page& page) override {
    int64_t before = INT64_MAX;
    if (!page.token.empty() && !absl::SimpleAtoi(page.token, &before)) {
      return absl::InvalidArgumentError("page_token: not one of ListWindows'");
    }
    RETURN_IF_ERROR(Get(id).status());
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT window_id, document_type, from_local, to_local, read_time, "
                              "row_count, document_count, stored_count, truncated, purpose, "
                              "counted_rows FROM windows "
                              "WHERE connection_id = $1 AND window_id < $2 "
                              "ORDER BY window_id DESC LIMIT $3",
                              {id, before, page.size + 1}));
    PageOf<pb::Window> found;
    int64_t last = 0;
    for (const Row row : rows) {
      if (static_cast<int>(found.items.size()) == page.size) {
        found.next_token = std::to_string(last);
        break;
      }
      pb::Window& window = found.items.emplace_back();
      last = row.Int("window_id");
      window.set_connection(ConnectionName(id));
      window.set_document_type(TypeFromCode(row.Text("document_type")));
      window.set_from(row.Text("from_local"));
      window.set_to(row.Text("to_local"));
      window.mutable_read_time()->set_seconds(absl::ToUnixSeconds(row.Time("read_time")));
      window.set_rows(static_cast<int>(row.Int("row_count")));
      window.set_documents(static_cast<int>(row.Int("document_count")));
      window.set_documents_stored(static_cast<int>(row.Int("stored_count")));
      window.set_truncated(row.Bool("truncated"));
      pb::Window::Purpose purpose = pb::Window::PURPOSE_UNSPECIFIED;
      pb::Window::Purpose_Parse(row.Text("purpose"), &purpose);
      window.set_purpose(purpose);
      window.set_counted_rows(static_cast<int>(row.Int("counted_rows")));
    }
    return found;
  }

  absl::Status Backfill(const std::string& id, absl::Time from, absl::Time to,
                        const std::string& actor) override {
    return db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("SELECT connection_id, version, state, state_reason, settings "
                               "FROM connections WHERE connection_id = $1 FOR UPDATE",
                               {id}));
      if (rows.empty()) return NotFound(id);
      ASSIGN_OR_RETURN(const pb::Connection connection, ConnectionFrom(rows[0]));
      if (connection.state() == pb::Connection::STOPPED) {
        return absl::FailedPreconditionError(absl::StrCat(
            connection.name(), " is STOPPED: ", connection.state_reason(), "; resume it first"));
      }
      RETURN_IF_ERROR(
          tx.Exec("INSERT INTO source_cursors AS s (connection_id, document_type, purpose, "
                  "  enabled, reader_key, start_time, watermark_time, end_time, window_seconds) "
                  "SELECT connection_id, document_type, 'BACKFILL', true, reader_key, $2, $2, $3, "
                  "  $4 FROM source_cursors "
                  "WHERE connection_id = $1 AND purpose = 'POLL' AND enabled "
                  "ON CONFLICT (connection_id, document_type, purpose) DO UPDATE SET "
                  "  enabled = true, lease_epoch = s.lease_epoch + 1, due_time = now(), "
                  "  start_time = excluded.start_time, end_time = excluded.end_time, "
                  "  watermark_time = excluded.watermark_time, position_time = NULL, "
                  "  round_end_time = NULL, after_business_unit = '', after_document_id = '', "
                  "  failure_count = 0, last_error = '', fault = '', faulty = false",
                  {id, from, to, connection.max_window_seconds()})
              .status());
      AuditEntry entry = Changed(connection, "connection.backfill", actor);
      entry.detail["from"] = absl::FormatTime(absl::RFC3339_sec, from, absl::UTCTimeZone());
      entry.detail["to"] = absl::FormatTime(absl::RFC3339_sec, to, absl::UTCTimeZone());
      return AppendAudit(tx, kService, {entry});
    });
  }

  absl::StatusOr<std::string> OpenPassword(const std::string& id) override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT password FROM connections WHERE connection_id = $1", {id}));
    if (rows.empty()) return NotFound(id);
    ASSIGN_OR_RETURN(std::string password,
                     sealer_.Open(PasswordCell(id), rows[0].Binary("password")));
    RETURN_IF_ERROR(RecordCalls({{.action = "credential.open", .subject = ConnectionName(id)}}));
    return password;
  }

  absl::Status TakeReader(const std::string& reader_key, const std::string& token,
                          absl::Duration lease) override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("UPDATE readers SET lease_token = $2, "
                              "lease_expire_time = now() + make_interval(secs => $3) "
                              "WHERE reader_key = $1 AND lease_expire_time <= now()",
                              {reader_key, token, lease}));
    if (rows.affected() == 1) return absl::OkStatus();
    return absl::UnavailableError("a read by this OPRID is in flight; try again in a moment");
  }

  absl::Status ReleaseReader(const std::string& reader_key, const std::string& token) override {
    return db_
        .Exec(
            "UPDATE readers SET lease_expire_time = now() "
            "WHERE reader_key = $1 AND lease_token = $2",
            {reader_key, token})
        .status();
  }

  absl::Status RecordCalls(const std::vector<AuditEntry>& entries) override {
    return db_.Transact([&](Tx& tx) { return AppendAudit(tx, kService, entries); });
  }

 private:
  static absl::Status NotFound(const std::string& id) {
    return absl::NotFoundError(absl::StrCat("there is no ", ConnectionName(id)));
  }

  Db& db_;
  Sealer& sealer_;
};

}  // namespace

void Conditions::Equal(std::string_view column, const std::string& value) {
  if (!value.empty()) And(std::string(column) + " = " + Next(value));
}

void Conditions::And(const std::string& condition) {
  absl::StrAppend(&sql_, sql_.empty() ? " WHERE " : " AND ", condition);
}

std::string Conditions::Next(Param value) {
  params_.push_back(std::move(value));
  return absl::StrCat("$", params_.size());
}

absl::StatusOr<pb::Connection> ConnectionFrom(const Row& row) {
  pb::Connection connection;
  pb::Connection::State state = pb::Connection::STATE_UNSPECIFIED;
  if (!connection.ParseFromString(row.Binary("settings")) ||
      !pb::Connection::State_Parse(row.Text("state"), &state)) {
    return absl::DataLossError(
        absl::StrCat("connections: the row of ", row.Text("connection_id"), " cannot be read"));
  }
  // Settings that are older than the row are at their defaults.
  SetDefaults(connection, row.Text("connection_id"));
  connection.set_version(row.Int("version"));
  connection.set_state(state);
  connection.set_state_reason(row.Text("state_reason"));
  return connection;
}

absl::Status StopConnection(Tx& tx, const std::string& id, int64_t version,
                            const std::string& reason) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec("UPDATE connections SET state = 'STOPPED', state_reason = $2, version = version + 1, "
              "update_time = now() WHERE connection_id = $1 AND state <> 'STOPPED' "
              "AND version = $3 "
              "RETURNING connection_id, version, state, state_reason, settings",
              {id, reason, version}));
  if (rows.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const pb::Connection connection, ConnectionFrom(rows[0]));
  AuditEntry entry = Changed(connection, "connection.stop", "");
  entry.detail["reason"] = reason;
  return AppendAudit(tx, kService, {entry});
}

std::unique_ptr<ConnectionStore> MakeConnectionStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresConnectionStore>(db, sealer);
}

}  // namespace psups::ps_ingest
