#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ps-ingest/postgres.h"
#include "services/ps-ingest/prompts.h"
#include "services/ps-ingest/write_back.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

const SecondsMetric kLag(
    "psups_ps_write_back_lag_seconds",
    "From a status's coming to its being stored in PeopleSoft; buckets up to a "
    "day.",
    {}, kUpToADay);

// An update is the head of its schedule, and may go next, if the one before it is settled: not if
// that has not come yet or is parked. `h` is the update.
constexpr char kIsHead[] =
    "h.state = 'PENDING' AND (h.sequence_number = 1 OR EXISTS (SELECT 1 FROM write_backs p "
    "  WHERE (p.connection_id, p.document_type, p.business_unit, p.document_id, p.line_number, "
    "    p.schedule_number, p.sequence_number) = (h.connection_id, h.document_type, "
    "    h.business_unit, h.document_id, h.line_number, h.schedule_number, "
    "    h.sequence_number - 1) AND p.state IN ('WRITTEN', 'SKIPPED'))) ";

// One that was accepted and whose fate is to be asked for now. `h` is the update.
constexpr char kIsToConfirm[] = "h.state = 'ACCEPTED' AND h.confirm_time <= now() ";

// Lanes of ACTIVE connections with a head, or something to ask about.
std::string LeaseSql() {
  return absl::StrCat(
      "WITH due AS MATERIALIZED ("
      "  SELECT l.connection_id, l.lease_token AS lost_token, l.lease_time AS lost_time FROM "
      "write_back_lanes l JOIN connections c USING (connection_id) "
      "  WHERE c.state = 'ACTIVE' AND l.due_time <= now() AND l.lease_expire_time <= now() "
      "    AND EXISTS (SELECT 1 FROM write_backs h WHERE h.connection_id = l.connection_id "
      "      AND (",
      kIsHead, " OR ", kIsToConfirm,
      ")) ORDER BY l.due_time LIMIT $1 FOR UPDATE OF l SKIP LOCKED), "
      "taken AS ("
      "  UPDATE write_back_lanes l SET lease_token = l.connection_id || ' ' || "
      "    replace(gen_random_uuid()::text, '-', ''), "
      "    lease_time = now(), lease_expire_time = now() + make_interval(secs => $2) "
      "  FROM due WHERE l.connection_id = due.connection_id "
      "  RETURNING l.connection_id, l.lease_token, l.failure_count, due.lost_token, "
      "    due.lost_time) "
      "SELECT t.connection_id, t.lease_token, t.failure_count, t.lost_token, t.lost_time, "
      "  c.version, c.state, c.state_reason, c.settings "
      "FROM taken t JOIN connections c USING (connection_id)");
}

// A connection's heads, oldest first.
std::string HeadsSql() {
  return absl::StrCat(
      "SELECT h.update_id, h.content FROM write_backs h WHERE h.connection_id = $1 AND ", kIsHead,
      "ORDER BY h.create_time LIMIT $2");
}

std::string ToConfirmSql() {
  return absl::StrCat("SELECT h.update_id FROM write_backs h WHERE h.connection_id = $1 AND ",
                      kIsToConfirm, "ORDER BY h.confirm_time LIMIT $2");
}

// The columns of a write-back as it is shown.
constexpr char kShown[] =
    "w.connection_id, w.update_id, w.document_type, w.business_unit, w.document_id, "
    "w.line_number, w.schedule_number, w.sequence_number, w.state, w.content, w.attempt_count, "
    "w.last_error, w.written_time";

std::string CellRow(const std::string& connection_id, const std::string& update_id) {
  return absl::StrCat(connection_id, "/", update_id);
}

Cell ContentCell(const std::string& row) {
  return {.table = "write_backs", .column = "content", .row = row};
}

// A POST whose lease ran out with nobody recording its end: it may have reached PeopleSoft, at
// `leased` or later.
AuditEntry LostCallEntry(const std::string& connection_id, const std::string& call_id,
                         absl::Time leased) {
  return {
      .action = "ps.write_back.intent",
      .subject = ConnectionName(connection_id),
      .detail = {{"call_id", call_id},
                 {"outcome", "unknown"},
                 {"since", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", leased, absl::UTCTimeZone())}},
      .event_id = call_id + ".intent"};
}

class PostgresWriteBackStore : public WriteBackStore {
 public:
  PostgresWriteBackStore(Db& db, Sealer& sealer, Deriver derive)
      : db_(db), sealer_(sealer), derive_(std::move(derive)) {}

  absl::Status Report(const std::vector<pb::TrackingUpdate>& updates,
                      const std::string& actor) override {
    std::vector<std::string> connections, ids, types, units, documents;
    std::vector<int64_t> lines, schedules, numbers;
    std::vector<Bytes> contents;
    for (const pb::TrackingUpdate& update : updates) {
      ASSIGN_OR_RETURN(std::string connection, ConnectionId(update.document().connection()));
      connections.push_back(std::move(connection));
    }
    // Before anything is sealed: that makes a key for its connection.
    ASSIGN_OR_RETURN(const Rows unknown,
                     db_.Exec("SELECT u.id FROM unnest($1::text[]) AS u(id) WHERE NOT EXISTS "
                              "(SELECT 1 FROM connections WHERE connection_id = u.id) LIMIT 1",
                              {connections}));
    if (!unknown.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("updates.document.connection: there is no ",
                                                        ConnectionName(unknown[0].Text("id"))));
    }
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const pb::TrackingUpdate& update = updates[i];
      ids.push_back(update.update_id());
      types.push_back(TypeCode(update.document().document_type()));
      units.push_back(update.document().business_unit());
      documents.push_back(update.document().document_id());
      lines.push_back(update.schedule().line_number());
      schedules.push_back(update.schedule().schedule_number());
      numbers.push_back(update.sequence_number());
      ASSIGN_OR_RETURN(std::string sealed,
                       sealer_.Seal(update.document().connection(),
                                    ContentCell(CellRow(connections[i], update.update_id())),
                                    update.SerializeAsString()));
      contents.push_back({std::move(sealed)});
    }
    return db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(
          const Rows stored,
          tx.Exec(
              "INSERT INTO write_backs (connection_id, update_id, document_type, "
              "  business_unit, document_id, line_number, schedule_number, sequence_number, "
              "  content) "
              "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], "
              "  $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[]) "
              "ON CONFLICT (connection_id, update_id) DO NOTHING RETURNING update_id",
              {connections, ids, types, units, documents, lines, schedules, numbers, contents}));
      std::set<std::string> fresh;
      for (const Row row : stored) fresh.insert(row.Text("update_id"));
      return AppendAudit(tx, kService, StoredEntries(updates, fresh, actor));
    });
  }

  absl::StatusOr<PageOf<pb::WriteBack>> List(const Filter& filter, const Page& page) override {
    Conditions conditions;
    conditions.Equal("w.connection_id", filter.connection_id);
    conditions.Equal("w.state", filter.state == pb::WriteBack::STATE_UNSPECIFIED
                                    ? ""
                                    : pb::WriteBack::State_Name(filter.state));
    conditions.Equal("w.document_id", filter.document_id);
    constexpr char kKey[] =
        "connection_id, document_type, business_unit, document_id, line_number, schedule_number, "
        "sequence_number, update_id";
    if (!page.token.empty()) {
      // The last row's connection and update id; its place never changes.
      const std::vector<std::string> parts = absl::StrSplit(page.token, ' ');
      if (parts.size() != 2) {
        return absl::InvalidArgumentError("page_token: not one of ListWriteBacks'");
      }
      const std::string connection = conditions.Next(parts[0]);
      const std::string update = conditions.Next(parts[1]);
      conditions.And(absl::StrCat("(", kKey, ") > (SELECT ", kKey,
                                  " FROM write_backs WHERE connection_id = ", connection,
                                  " AND update_id = ", update, ")"));
    }
    const std::string limit = conditions.Next(page.size + 1);
    const std::string sql = absl::StrCat("SELECT ", kShown, " FROM write_backs w", conditions.sql(),
                                         " ORDER BY ", kKey, " LIMIT ", limit);
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(sql, conditions.params()));
    PageOf<pb::WriteBack> found;
    std::string last;
    for (const Row row : rows) {
      if (static_cast<int>(found.items.size()) == page.size) {
        found.next_token = last;
        break;
      }
      ASSIGN_OR_RETURN(found.items.emplace_back(), WriteBackFrom(row));
      last = absl::StrCat(row.Text("connection_id"), " ", row.Text("update_id"));
    }
    return found;
  }

  absl::StatusOr<pb::WriteBack> Decide(const Key& key, pb::WriteBack::State state,
                                       const std::string& actor,
                                       const std::string& reason) override {
    const std::string wanted = pb::WriteBack::State_Name(state);
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows changed,
                       tx.Exec("UPDATE write_backs SET state = $3 WHERE connection_id = $1 AND "
                               "update_id = $2 AND state = 'PARKED'",
                               {key.connection_id, key.update_id, wanted}));
      if (changed.affected() == 0) return absl::OkStatus();
      nlohmann::json detail = {{"update_id", key.update_id}};
      if (!reason.empty()) detail["reason"] = reason;
      return AppendAudit(
          tx, kService,
          {{.action = state == pb::WriteBack::SKIPPED ? "write_back.skip" : "write_back.resend",
            .subject = ConnectionName(key.connection_id),
            .actor = actor,
            .detail = std::move(detail)}});
    }));
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec(absl::StrCat("SELECT ", kShown,
                                           " FROM write_backs w WHERE w.connection_id = $1 "
                                           "AND w.update_id = $2"),
                              {key.connection_id, key.update_id}));
    const std::string name = WriteBackName(key.connection_id, key.update_id);
    if (rows.empty()) return absl::NotFoundError(absl::StrCat(name, ": no such status"));
    if (rows[0].Text("state") != wanted) {
      return absl::FailedPreconditionError(
          absl::StrCat(name, ": is ", rows[0].Text("state"), ", want PARKED"));
    }
    return WriteBackFrom(rows[0]);
  }

  absl::StatusOr<std::vector<WriteBackLane>> LeaseLanes(int limit, absl::Duration lease) override {
    ASSIGN_OR_RETURN(const Rows rows, db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Rows> {
      ASSIGN_OR_RETURN(Rows taken, tx.Exec(LeaseSql(), {limit, lease}));
      std::vector<AuditEntry> lost;
      for (const Row row : taken) {
        if (const std::string token = row.Text("lost_token"); !token.empty()) {
          lost.push_back(
              LostCallEntry(row.Text("connection_id"), CallIdOf(token), row.Time("lost_time")));
        }
      }
      RETURN_IF_ERROR(AppendAudit(tx, kService, lost));
      return taken;
    }));
    std::vector<WriteBackLane> lanes;
    for (const Row row : rows) {
      ASSIGN_OR_RETURN(pb::Connection connection, ConnectionFrom(row));
      WriteBackLane lane = {.connection = std::move(connection),
                            .lease_token = row.Text("lease_token"),
                            .failure_count = static_cast<int>(row.Int("failure_count"))};
      const std::string id = row.Text("connection_id");
      ASSIGN_OR_RETURN(const Rows accepted,
                       db_.Exec(ToConfirmSql(), {id, static_cast<int64_t>(kIdPrompts)}));
      for (const Row one : accepted) lane.to_confirm.push_back(one.Text("update_id"));
      if (!lane.to_confirm.empty()) {
        lanes.push_back(std::move(lane));
        continue;
      }
      ASSIGN_OR_RETURN(const Rows heads,
                       db_.Exec(HeadsSql(), {id, static_cast<int64_t>(kMostMessages)}));
      for (const Row head : heads) {
        absl::StatusOr<pb::TrackingUpdate> update = UpdateFrom(id, head);
        if (absl::IsDataLoss(update.status())) {
          LogError("write_back_not_readable",
                   {{"write_back", WriteBackName(id, head.Text("update_id"))},
                    {"reason", update.status()}});
          continue;
        }
        RETURN_IF_ERROR(update.status());
        lane.updates.push_back(*std::move(update));
      }
      lanes.push_back(std::move(lane));
    }
    return lanes;
  }

  absl::StatusOr<absl::Duration> OldestDue() override {
    ASSIGN_OR_RETURN(
        const Rows rows,
        db_.Exec(absl::StrCat(
            "SELECT greatest(0, coalesce(max(extract(epoch FROM now() - greatest(l.due_time, "
            "w.since))), 0))::bigint AS seconds FROM write_back_lanes l JOIN connections c "
            "USING (connection_id) CROSS JOIN LATERAL (SELECT min(CASE h.state WHEN 'ACCEPTED' "
            "THEN h.confirm_time ELSE h.create_time END) AS since FROM write_backs h WHERE "
            "h.connection_id = l.connection_id AND (",
            kIsHead, " OR ", kIsToConfirm,
            ")) w WHERE c.state = 'ACTIVE' AND l.due_time <= now() AND l.lease_expire_time <= "
            "now() "
            "AND w.since IS NOT NULL")));
    return absl::Seconds(rows[0].Int("seconds"));
  }

  absl::Status RenewLanes(const std::vector<std::string>& tokens, absl::Duration lease) override {
    return db_
        .Exec(
            "UPDATE write_back_lanes SET lease_expire_time = now() + make_interval(secs => $2) "
            "WHERE lease_token = ANY($1::text[])",
            {tokens, lease})
        .status();
  }

  absl::Status StoreOutcome(const WriteBackLane& lane, const WriteBackOutcome& outcome) override {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(lane.connection.name()));
    std::vector<double> lags;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      lags.clear();  // it may be run again
      ASSIGN_OR_RETURN(
          const Rows rows,
          tx.Exec("UPDATE write_back_lanes SET lease_token = '', lease_expire_time = now(), "
                  "due_time = now() + make_interval(secs => $3), failure_count = $4, "
                  "last_error = $5 WHERE connection_id = $1 AND lease_token = $2",
                  {id, lane.lease_token, outcome.wait, outcome.failure_count, outcome.error}));
      if (rows.affected() != 1) {
        return absl::AbortedError("the lease on the connection's write-backs was lost");
      }
      RETURN_IF_ERROR(StoreFates(tx, id, outcome, lags));
      if (!outcome.stop_reason.empty()) {
        RETURN_IF_ERROR(StopConnection(tx, id, lane.connection.version(), outcome.stop_reason));
      }
      return AppendAudit(tx, kService, outcome.audit);
    }));
    for (const double lag : lags) kLag().Observe(lag);
    return absl::OkStatus();
  }

 private:
  static absl::Status StoreFates(Tx& tx, const std::string& id, const WriteBackOutcome& outcome,
                                 std::vector<double>& lags) {
    if (!outcome.written.empty()) {
      ASSIGN_OR_RETURN(const Rows written,
                       tx.Exec("UPDATE write_backs SET state = 'WRITTEN', written_time = now(), "
                               "attempt_count = attempt_count + 1, last_error = '' "
                               "WHERE connection_id = $1 AND update_id = ANY($2::text[]) "
                               "AND state IN ('PENDING', 'ACCEPTED') "
                               "RETURNING (extract(epoch FROM now() - create_time) * 1000)::bigint "
                               "AS lag_ms",
                               {id, outcome.written}));
      for (const Row row : written) lags.push_back(static_cast<double>(row.Int("lag_ms")) / 1000);
    }
    if (!outcome.parked.empty()) {
      RETURN_IF_ERROR(tx.Exec("UPDATE write_backs SET state = 'PARKED', last_error = $3, "
                              "attempt_count = attempt_count + 1 "
                              "WHERE connection_id = $1 AND update_id = ANY($2::text[]) "
                              "AND state IN ('PENDING', 'ACCEPTED')",
                              {id, outcome.parked, outcome.parked_error})
                          .status());
    }
    if (!outcome.accepted.empty()) {
      RETURN_IF_ERROR(tx.Exec("UPDATE write_backs SET state = 'ACCEPTED', accept_time = now(), "
                              "confirm_time = now() + make_interval(secs => $3), "
                              "attempt_count = attempt_count + 1, last_error = '' "
                              "WHERE connection_id = $1 AND update_id = ANY($2::text[]) "
                              "AND state = 'PENDING'",
                              {id, outcome.accepted, outcome.confirm_wait})
                          .status());
    }
    if (outcome.unconfirmed.empty()) return absl::OkStatus();
    // Accepted long ago and not stored: PeopleSoft lost it, and drops a second one if it did not.
    return tx
        .Exec(
            "UPDATE write_backs SET state = CASE WHEN accept_time < now() - "
            "  make_interval(secs => $4) THEN 'PENDING' ELSE state END, "
            "last_error = CASE WHEN accept_time < now() - make_interval(secs => $4) "
            "  THEN 'PeopleSoft accepted the message and did not store it in time; sent again' "
            "  ELSE last_error END, "
            // The longer it takes the less it is asked for.
            "confirm_time = now() + greatest(make_interval(secs => $3), "
            "  (now() - accept_time) / 2) "
            "WHERE connection_id = $1 AND update_id = ANY($2::text[]) AND state = 'ACCEPTED'",
            {id, outcome.unconfirmed, outcome.confirm_wait,
             std::min(outcome.confirm_timeout, absl::Hours(24 * 3650))})
        .status();
  }

  absl::StatusOr<pb::TrackingUpdate> UpdateFrom(const std::string& connection_id, const Row& row) {
    const std::string cell_row = CellRow(connection_id, row.Text("update_id"));
    ASSIGN_OR_RETURN(const std::string content,
                     sealer_.Open(ContentCell(cell_row), row.Binary("content")));
    pb::TrackingUpdate update;
    if (!update.ParseFromString(content)) {
      return absl::DataLossError(absl::StrCat("write_backs: ", cell_row, " cannot be read"));
    }
    return update;
  }

  // One that does not open is shown all the same, by what stands beside it.
  absl::StatusOr<pb::WriteBack> WriteBackFrom(const Row& row) {
    const std::string connection_id = row.Text("connection_id");
    pb::WriteBack write_back;
    pb::WriteBack::State state = pb::WriteBack::STATE_UNSPECIFIED;
    pb::WriteBack::State_Parse(row.Text("state"), &state);
    write_back.set_name(WriteBackName(connection_id, row.Text("update_id")));
    write_back.set_state(state);
    write_back.set_attempt_count(static_cast<int>(row.Int("attempt_count")));
    write_back.set_last_error(row.Text("last_error"));
    if (const auto time = row.OptionalTime("written_time"); time.has_value()) {
      write_back.mutable_written_time()->set_seconds(absl::ToUnixSeconds(*time));
    }
    absl::StatusOr<pb::TrackingUpdate> update = UpdateFrom(connection_id, row);
    if (update.ok()) {
      *write_back.mutable_update() = *std::move(update);
      return write_back;
    }
    if (!absl::IsDataLoss(update.status())) return update.status();
    write_back.set_last_error(std::string(update.status().message()));
    pb::TrackingUpdate& shown = *write_back.mutable_update();
    shown.set_update_id(row.Text("update_id"));
    type::v1::DocumentKey& document = *shown.mutable_document();
    document.set_connection(ConnectionName(connection_id));
    document.set_document_type(TypeFromCode(row.Text("document_type")));
    document.set_business_unit(row.Text("business_unit"));
    document.set_document_id(row.Text("document_id"));
    shown.mutable_schedule()->set_line_number(static_cast<int32_t>(row.Int("line_number")));
    shown.mutable_schedule()->set_schedule_number(static_cast<int32_t>(row.Int("schedule_number")));
    shown.set_sequence_number(row.Int("sequence_number"));
    return write_back;
  }

  // One entry for each order whose updates were new.
  std::vector<AuditEntry> StoredEntries(const std::vector<pb::TrackingUpdate>& updates,
                                        const std::set<std::string>& fresh,
                                        const std::string& actor) const {
    std::map<std::string, AuditEntry> entries;
    for (const pb::TrackingUpdate& update : updates) {
      if (!fresh.contains(update.update_id())) continue;
      const std::string order = "orders/" + OrderId(update.document(), derive_);
      AuditEntry& entry = entries[order];
      entry.action = "write_back.store";
      entry.subject = order;
      entry.actor = actor;
      entry.trace_id = update.trace_id();
      entry.detail["update_ids"].push_back(update.update_id());
    }
    std::vector<AuditEntry> list;
    for (auto& [order, entry] : entries) list.push_back(std::move(entry));
    return list;
  }

  Db& db_;
  Sealer& sealer_;
  const Deriver derive_;
};

}  // namespace

std::unique_ptr<WriteBackStore> MakeWriteBackStore(Db& db, Sealer& sealer, const Deriver& derive) {
  return std::make_unique<PostgresWriteBackStore>(db, sealer, derive);
}

}  // namespace psups::ps_ingest
