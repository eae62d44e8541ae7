#include "services/ups-gateway/store/postgres_calls.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/store/postgres.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

namespace {

constexpr char kColumns[] =
    "c.call_id, c.request_id, c.account_id, c.content_hash, c.state, c.result, c.error_code, "
    "c.error_http_status, c.clerk_message, c.retryable, c.doubt, c.needs_person, c.create_time, "
    "c.update_time";

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
  timestamp->set_nanos(static_cast<int>(absl::ToUnixNanos(time) % 1'000'000'000));
}

// Splits a result into what stays with the call and the labels, which go once they are
// acknowledged.
struct SplitResult {
  std::string result;
  std::string labels;
};

SplitResult Split(const pb::Call::Result& result) {
  pb::Call::Result kept = result;
  pb::Call::Result labels;
  for (pb::Call::Result::Package& package : *kept.mutable_packages()) {
    labels.add_packages()->set_label(std::move(*package.mutable_label()));
    package.clear_label();
  }
  return {kept.SerializeAsString(), labels.SerializeAsString()};
}

}  // namespace

std::string StateName(pb::Call::State state) { return pb::Call::State_Name(state); }

pb::Call::State ParseState(const std::string& name) {
  pb::Call::State state = pb::Call::STATE_UNSPECIFIED;
  pb::Call::State_Parse(name, &state);
  return state;
}

std::string ConnectionId(const std::string& name) {
  constexpr std::string_view kPrefix = "connections/";
  return name.compare(0, kPrefix.size(), kPrefix) == 0 ? name.substr(kPrefix.size()) : name;
}

std::string IdIn(const std::string& name) { return name.substr(name.find('/') + 1); }

std::string Scope(const std::string& account_id) { return "accounts/" + account_id; }

StoredCall ReadCall(const Row& row) {
  StoredCall stored;
  stored.call_id = row.Text("call_id");
  stored.content_hash = row.Binary("content_hash");
  if (!row.IsNull("result")) stored.result = row.Binary("result");
  pb::Call& call = stored.call;
  call.set_name("calls/" + stored.call_id);
  call.set_request_id(row.Text("request_id"));
  call.set_account("accounts/" + row.Text("account_id"));
  call.set_state(ParseState(row.Text("state")));
  if (call.state() == pb::Call::REJECTED) {
    pb::Call::Error& error = *call.mutable_error();
    error.set_ups_code(row.Text("error_code"));
    error.set_http_status(static_cast<int>(row.Int("error_http_status")));
    error.set_clerk_message(row.Text("clerk_message"));
    error.set_retryable(row.Bool("retryable"));
  }
  call.set_doubt(row.Text("doubt"));
  call.set_needs_person(row.Bool("needs_person"));
  SetTime(row.Time("create_time"), call.mutable_create_time());
  SetTime(row.Time("update_time"), call.mutable_update_time());
  return stored;
}

absl::StatusOr<IntentAnswer> PostgresCallStore::Find(const pb::CreateShipmentRequest& request) {
  ASSIGN_OR_RETURN(StoredCall stored, FindStored(request.request_id()));
  IntentAnswer answer;
  answer.same_content = stored.StandsFor(ContentHash(request));
  ASSIGN_OR_RETURN(answer.call, Open(std::move(stored)));
  return answer;
}

absl::StatusOr<pb::Call> PostgresCallStore::Get(std::string_view request_id) {
  ASSIGN_OR_RETURN(StoredCall stored, FindStored(std::string(request_id)));
  return Open(std::move(stored));
}

absl::StatusOr<std::vector<pb::Call>> PostgresCallStore::List(pb::Call::State state,
                                                              std::string_view before_call_id,
                                                              int limit) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec(
          absl::StrCat("SELECT ", kColumns,
                       " FROM calls c WHERE ($1 = '' OR c.state = $1) AND ($2 = '' OR "
                       "c.call_id < $2) ORDER BY c.call_id DESC LIMIT $3"),
          {state == pb::Call::STATE_UNSPECIFIED ? "" : StateName(state), before_call_id, limit}));
  std::vector<pb::Call> calls;
  for (const Row row : rows) {
    ASSIGN_OR_RETURN(pb::Call call, Open(ReadCall(row)));
    calls.push_back(std::move(call));
  }
  return calls;
}

absl::Status PostgresCallStore::Acknowledge(const std::vector<std::string>& request_ids) {
  return db_
      .Exec(
          "DELETE FROM call_labels l USING calls c WHERE l.call_id = c.call_id AND "
          "c.request_id = ANY($1::text[])",
          {request_ids})
      .status();
}

absl::StatusOr<pb::Call> PostgresCallStore::Close(const pb::CloseCallRequest& request,
                                                  std::string_view call_id, const AuditEntry& entry,
                                                  absl::Duration watch_after) {
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    // Without a content it stands for every content: what comes later under the id is too late.
    ASSIGN_OR_RETURN(
        const Rows closed,
        tx.Exec("WITH never_came AS (INSERT INTO calls (call_id, request_id, account_id, "
                "connection_id, content_hash, request, reference, package_count, lane, state, "
                "trace_id, actor, create_time, update_time) VALUES ($1, $2, $3, $4, '', '', '', "
                "0, '', 'NOT_MADE', $5, $6, now(), now()) ON CONFLICT (request_id) DO NOTHING "
                "RETURNING call_id), "
                "confirmed AS (UPDATE calls SET state = 'NOT_MADE', needs_person = false, doubt "
                "= '', lease_id = '', due_time = now() + make_interval(secs => $8), update_time "
                "= now() WHERE request_id = $2 AND state = 'IN_DOUBT' AND needs_person AND $7 "
                "RETURNING call_id) "
                "SELECT call_id FROM never_came UNION ALL SELECT call_id FROM confirmed",
                {call_id, request.request_id(), IdIn(request.account()),
                 ConnectionId(request.connection()), entry.trace_id, entry.actor,
                 !request.confirmed_by().empty(), watch_after}));
    if (closed.empty()) return absl::OkStatus();
    AuditEntry stored = entry;
    stored.detail["of_call_id"] = closed[0].Text("call_id");
    return AppendAudit(tx, kService, {stored});
  }));
  return Get(request.request_id());
}

std::string PostgresCallStore::ContentHash(const pb::CreateShipmentRequest& request) {
  pb::CreateShipmentRequest content = request;
  content.clear_request_id();
  content.clear_ship_by_date();  // when it is sent, not what
  content.clear_expected_cost();
  return sealer_.ring().Derive("call-content", content.SerializeAsString());
}

absl::StatusOr<PostgresCallStore::SealedResult> PostgresCallStore::SealResult(
    const std::string& account_id, const std::string& call_id, const pb::Call::Result& result) {
  const SplitResult split = Split(result);
  SealedResult sealed;
  ASSIGN_OR_RETURN(sealed.result,
                   sealer_.Seal(Scope(account_id), {"calls", "result", call_id}, split.result));
  ASSIGN_OR_RETURN(sealed.labels, sealer_.Seal(Scope(account_id),
                                               {"call_labels", "labels", call_id}, split.labels));
  return sealed;
}

absl::Status PostgresCallStore::InsertLabels(Tx& tx, const std::vector<std::string>& call_ids,
                                             const std::vector<Bytes>& labels) {
  if (call_ids.empty()) return absl::OkStatus();
  return tx
      .Exec(
          "INSERT INTO call_labels (call_id, labels) SELECT * FROM unnest($1::text[], "
          "$2::bytea[]) ON CONFLICT (call_id) DO NOTHING",
          {call_ids, labels})
      .status();
}

absl::StatusOr<Rows> PostgresCallStore::SelectWithLabels(Tx& tx,
                                                         const std::vector<std::string>& ids) {
  return tx.Exec(absl::StrCat("SELECT ", kColumns,
                              ", l.labels FROM calls c LEFT JOIN call_labels l USING (call_id) "
                              "WHERE c.request_id = ANY($1::text[])"),
                 {ids});
}

absl::StatusOr<StoredCall> PostgresCallStore::FindStored(const std::string& request_id) {
  std::optional<StoredCall> stored;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    stored.reset();
    ASSIGN_OR_RETURN(const Rows rows, SelectWithLabels(tx, std::vector<std::string>{request_id}));
    if (rows.empty()) return absl::OkStatus();
    stored = ReadCall(rows[0]);
    if (!rows[0].IsNull("labels")) stored->labels = rows[0].Binary("labels");
    return absl::OkStatus();
  }));
  if (!stored) {
    return absl::NotFoundError(absl::StrCat("request_id: \"", request_id, "\" never came"));
  }
  return *std::move(stored);
}

absl::StatusOr<pb::Call> PostgresCallStore::Open(StoredCall stored) {
  if (stored.result.empty()) return std::move(stored.call);
  pb::Call::Result& result = *stored.call.mutable_result();
  ASSIGN_OR_RETURN(const std::string opened,
                   sealer_.Open({"calls", "result", stored.call_id}, stored.result));
  bool readable = result.ParseFromString(opened);
  if (!stored.labels.empty()) {
    ASSIGN_OR_RETURN(const std::string opened_labels,
                     sealer_.Open({"call_labels", "labels", stored.call_id}, stored.labels));
    pb::Call::Result labels;
    readable = readable && labels.ParseFromString(opened_labels) &&
               labels.packages_size() == result.packages_size();
    for (int i = 0; readable && i < result.packages_size(); ++i) {
      result.mutable_packages(i)->set_label(labels.packages(i).label());
    }
  }
  if (!readable) {
    return absl::DataLossError(absl::StrCat("calls/", stored.call_id, ": result unreadable"));
  }
  return std::move(stored.call);
}

std::unique_ptr<CallStore> MakePostgresCallStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresCallStore>(db, sealer);
}

}  // namespace psups::ups_gateway
