#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/call.h"
#include "services/ups-gateway/postgres.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr char kService[] = "ups-gateway";
constexpr char kColumns[] =
    "c.call_id, c.request_id, c.account_id, c.content_hash, c.state, c.result, c.error_code, "
    "c.error_http_status, c.clerk_message, c.retryable, c.doubt, c.needs_person, c.create_time, "
    "c.update_time";

std::string StateName(pb::Call::State state) { return pb::Call::State_Name(state); }

pb::Call::State ParseState(const std::string& name) {
  pb::Call::State state = pb::Call::STATE_UNSPECIFIED;
  pb::Call::State_Parse(name, &state);
  return state;
}

std::string SecondsText(absl::Duration duration) {
  return absl::StrCat(absl::ToDoubleSeconds(duration));
}

std::string ConnectionId(const std::string& name) {
  constexpr std::string_view kPrefix = "connections/";
  return name.compare(0, kPrefix.size(), kPrefix) == 0 ? name.substr(kPrefix.size()) : name;
}

// "x" of "accounts/x".
std::string IdIn(const std::string& name) { return name.substr(name.find('/') + 1); }

std::string Scope(const std::string& account_id) { return "accounts/" + account_id; }

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
  timestamp->set_nanos(static_cast<int>(absl::ToUnixNanos(time) % 1'000'000'000));
}

// A row as it was read; what is sealed is opened after the transaction, for that may need another
// connection.
struct StoredCall {
  pb::Call call = {};
  std::string call_id = {};
  std::string content_hash = {};
  std::string result = {};  // sealed
  std::string labels = {};  // sealed

  // A call that was closed before it came has no content, and ends whatever comes.
  bool StandsFor(const std::string& content) const {
    return content_hash.empty() || content_hash == content;
  }
};

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

class PostgresCallStore : public CallStore {
 public:
  PostgresCallStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  absl::StatusOr<std::vector<IntentAnswer>> StoreIntents(
      const std::vector<Intent>& intents) override {
    std::vector<std::string> call_ids, request_ids, accounts, connections, references, lanes,
        within, traces, actors;
    std::vector<int64_t> package_counts;
    std::vector<Bytes> hashes, requests;
    for (const Intent& intent : intents) {
      const std::string& account_id = intent.account->id;
      ASSIGN_OR_RETURN(std::string sealed,
                       sealer_.Seal(Scope(account_id), {"calls", "request", intent.call_id},
                                    intent.request.SerializeAsString()));
      call_ids.push_back(intent.call_id);
      request_ids.push_back(intent.request.request_id());
      accounts.push_back(account_id);
      connections.push_back(ConnectionId(intent.request.connection()));
      hashes.push_back({ContentHash(intent.request)});
      requests.push_back({std::move(sealed)});
      references.push_back(intent.request.shipment().derived_reference());
      package_counts.push_back(intent.request.shipment().packages_size());
      lanes.push_back(LaneOf(intent.request.shipment()));
      within.push_back(SecondsText(intent.answer_within));
      traces.push_back(intent.trace_id);
      actors.push_back(intent.actor);
    }
    std::map<std::string, absl::Time> inserted;     // call_id to create_time
    std::map<std::string, StoredCall> stood_there;  // by request_id
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      inserted.clear();
      stood_there.clear();
      // In the order of their ids, so that two replicas never wait for each other.
      ASSIGN_OR_RETURN(
          const Rows rows,
          tx.Exec("INSERT INTO calls (call_id, request_id, account_id, connection_id, "
                  "content_hash, request, reference, package_count, lane, state, due_time, "
                  "trace_id, actor, create_time, update_time) "
                  "SELECT t.a, t.b, t.c, t.d, t.e, t.f, t.g, t.h, t.i, 'SENT', "
                  "now() + make_interval(secs => t.j::float8), t.k, t.l, now(), now() "
                  "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], "
                  "$6::bytea[], $7::text[], $8::int[], $9::text[], $10::text[], $11::text[], "
                  "$12::text[]) AS t(a, b, c, d, e, f, g, h, i, j, k, l) ORDER BY t.b "
                  "ON CONFLICT (request_id) DO NOTHING RETURNING call_id, create_time",
                  {call_ids, request_ids, accounts, connections, hashes, requests, references,
                   package_counts, lanes, within, traces, actors}));
      for (const Row row : rows) inserted[row.Text("call_id")] = row.Time("create_time");
      std::vector<AuditEntry> entries;
      std::vector<std::string> others;
      for (const Intent& intent : intents) {
        if (inserted.contains(intent.call_id)) {
          entries.push_back(IntentEntry(intent));
        } else {
          others.push_back(intent.request.request_id());
        }
      }
      RETURN_IF_ERROR(AppendAudit(tx, kService, entries));
      if (others.empty()) return absl::OkStatus();
      ASSIGN_OR_RETURN(const Rows found, SelectWithLabels(tx, others));
      for (const Row row : found) {
        StoredCall stored = ReadCall(row);
        if (!row.IsNull("labels")) stored.labels = row.Binary("labels");
        stood_there[row.Text("request_id")] = std::move(stored);
      }
      return absl::OkStatus();
    }));
    std::vector<IntentAnswer> answers;
    for (const Intent& intent : intents) {
      IntentAnswer answer;
      if (inserted.contains(intent.call_id)) {
        answer.ours = true;
      } else {
        const auto found = stood_there.find(intent.request.request_id());
        if (found == stood_there.end()) return absl::InternalError("a stored call vanished");
        // The row is ours if an earlier try's COMMIT did happen.
        answer.ours = found->second.call_id == intent.call_id;
        answer.same_content = found->second.StandsFor(ContentHash(intent.request));
        ASSIGN_OR_RETURN(answer.call, Open(found->second));  // twins in one group share it
      }
      answers.push_back(std::move(answer));
    }
    return answers;
  }

  absl::StatusOr<std::vector<OutcomeAnswer>> StoreOutcomes(
      const std::vector<CallOutcome>& outcomes) override {
    std::vector<std::string> call_ids, states, codes, clerk_messages, retryables, doubts, waits;
    std::vector<int64_t> http_statuses;
    std::vector<Bytes> results;
    std::map<std::string, std::string> labels;  // call_id to sealed labels
    std::vector<const Exchange*> exchanges;
    for (const CallOutcome& outcome : outcomes) {
      std::string result;
      if (outcome.state == pb::Call::DONE) {
        ASSIGN_OR_RETURN(SealedResult sealed,
                         SealResult(outcome.account_id, outcome.call_id, outcome.result));
        result = std::move(sealed.result);
        labels[outcome.call_id] = std::move(sealed.labels);
      }
      call_ids.push_back(outcome.call_id);
      states.push_back(StateName(outcome.state));
      results.push_back({std::move(result)});
      codes.push_back(outcome.error.ups_code());
      http_statuses.push_back(outcome.error.http_status());
      clerk_messages.push_back(outcome.error.clerk_message());
      retryables.push_back(outcome.error.retryable() ? "t" : "f");
      doubts.push_back(outcome.doubt);
      waits.push_back(SecondsText(outcome.ask_after));
      if (outcome.exchange) exchanges.push_back(&*outcome.exchange);
    }
    ASSIGN_OR_RETURN(const std::vector<Bytes> payloads, SealExchanges(exchanges));

    std::vector<OutcomeAnswer> answers;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      answers.assign(outcomes.size(), {});
      ASSIGN_OR_RETURN(
          const Rows rows,
          tx.Exec("UPDATE calls c SET state = o.b, result = nullif(o.c, ''::bytea), error_code = "
                  "o.d, error_http_status = o.e, clerk_message = o.f, retryable = o.g::boolean, "
                  "doubt = o.h, needs_person = false, lease_id = '', update_time = now(), "
                  "due_time = CASE WHEN o.b = 'IN_DOUBT' THEN now() + make_interval(secs => "
                  "o.i::float8) END "
                  "FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::int[], "
                  "$6::text[], $7::text[], $8::text[], $9::text[]) AS o(a, b, c, d, e, f, g, h, i) "
                  "WHERE c.call_id = o.a AND (c.state = 'SENT' OR (c.state = 'IN_DOUBT' AND o.b <> "
                  "'IN_DOUBT')) RETURNING c.call_id, c.create_time, c.update_time",
                  {call_ids, states, results, codes, http_statuses, clerk_messages, retryables,
                   doubts, waits}));
      std::map<std::string, std::size_t> index;
      for (std::size_t i = 0; i < outcomes.size(); ++i) index[outcomes[i].call_id] = i;
      std::vector<std::string> label_ids;
      std::vector<Bytes> label_bytes;
      for (const Row row : rows) {
        const std::string call_id = row.Text("call_id");
        const std::size_t i = index[call_id];
        answers[i] = {.applied = true,
                      .standing = outcomes[i].state,
                      .create_time = row.Time("create_time"),
                      .update_time = row.Time("update_time")};
        if (const auto found = labels.find(call_id); found != labels.end()) {
          label_ids.push_back(call_id);
          label_bytes.push_back({found->second});
        }
      }
      RETURN_IF_ERROR(InsertLabels(tx, label_ids, label_bytes));
      RETURN_IF_ERROR(NoteLate(tx, outcomes, answers));
      RETURN_IF_ERROR(InsertExchanges(tx, exchanges, payloads));
      std::vector<AuditEntry> entries;
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        entries.push_back(outcomes[i].entry);
        if (!answers[i].applied) {
          entries.back().detail["late"] = true;
          entries.back().detail["standing"] = StateName(answers[i].standing);
        }
      }
      return AppendAudit(tx, kService, entries);
    }));
    return answers;
  }

  absl::Status Record(const std::vector<CallRecord>& records) override {
    std::vector<const Exchange*> exchanges;
    for (const CallRecord& record : records) {
      for (const Exchange& exchange : record.exchanges) exchanges.push_back(&exchange);
    }
    ASSIGN_OR_RETURN(const std::vector<Bytes> payloads, SealExchanges(exchanges));
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(InsertExchanges(tx, exchanges, payloads));
      std::vector<AuditEntry> entries;
      for (const CallRecord& record : records) {
        entries.push_back(record.entry);
        if (record.voided) {
          RETURN_IF_ERROR(tx.Exec("UPDATE voids SET state = 'DONE', already_voided = $2, "
                                  "update_time = now() WHERE request_id = $1 AND state = 'SENT'",
                                  {record.voided->request_id, record.voided->already_voided})
                              .status());
        }
        if (!record.account_error.empty()) {
          RETURN_IF_ERROR(tx.Exec("UPDATE accounts SET last_error = $2, last_error_time = now() "
                                  "WHERE account_id = $1",
                                  {record.account_id, record.account_error})
                              .status());
        }
      }
      return AppendAudit(tx, kService, entries);
    });
  }

  absl::StatusOr<IntentAnswer> Find(const pb::CreateShipmentRequest& request) override {
    ASSIGN_OR_RETURN(StoredCall stored, FindStored(request.request_id()));
    IntentAnswer answer;
    answer.same_content = stored.StandsFor(ContentHash(request));
    ASSIGN_OR_RETURN(answer.call, Open(std::move(stored)));
    return answer;
  }

  absl::StatusOr<pb::Call> Get(std::string_view request_id) override {
    ASSIGN_OR_RETURN(StoredCall stored, FindStored(std::string(request_id)));
    return Open(std::move(stored));
  }

  absl::StatusOr<std::vector<pb::Call>> List(pb::Call::State state, std::string_view before_call_id,
                                             int limit) override {
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

  absl::Status Acknowledge(const std::vector<std::string>& request_ids) override {
    return db_
        .Exec(
            "DELETE FROM call_labels l USING calls c WHERE l.call_id = c.call_id AND "
            "c.request_id = ANY($1::text[])",
            {request_ids})
        .status();
  }

  absl::StatusOr<pb::Call> Close(const pb::CloseCallRequest& request, std::string_view call_id,
                                 const AuditEntry& entry, absl::Duration watch_after) override {
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

  absl::StatusOr<std::vector<Doubt>> LeaseDoubts(int limit, absl::Duration lease) override {
    const std::string lease_id = RandomHex128();
    struct Leased {
      Doubt doubt;
      std::string request;  // sealed
    };
    std::vector<Leased> leased;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      leased.clear();
      ASSIGN_OR_RETURN(
          const Rows rows,
          tx.Exec("WITH due AS MATERIALIZED (SELECT call_id, state FROM calls WHERE due_time <= "
                  "now() ORDER BY due_time LIMIT $1 FOR UPDATE SKIP LOCKED) "
                  "UPDATE calls c SET state = CASE c.state WHEN 'SENT' THEN 'IN_DOUBT' ELSE "
                  "c.state END, doubt = CASE c.state WHEN 'SENT' THEN $4 ELSE c.doubt END, "
                  "update_time = CASE c.state WHEN 'SENT' THEN now() ELSE c.update_time END, "
                  "due_time = now() + make_interval(secs => $2), lease_id = $3 FROM due WHERE "
                  "c.call_id = due.call_id RETURNING c.call_id, c.request_id, c.account_id, "
                  "c.trace_id, c.request, c.reference, c.lane, c.package_count, c.state, "
                  "c.needs_person, c.known_number, c.negative_count, c.round_count, c.create_time, "
                  "extract(epoch FROM now() - CASE c.state WHEN 'NOT_MADE' THEN c.update_time ELSE "
                  "c.create_time END) AS age, due.state AS old_state",
                  {limit, lease, lease_id,
                   "The gateway stopped before UPS's answer was stored. UPS is being asked whether "
                   "it made the shipment."}));
      std::vector<AuditEntry> entries;
      for (const Row row : rows) {
        Doubt doubt;
        doubt.call_id = row.Text("call_id");
        doubt.request_id = row.Text("request_id");
        doubt.account_id = row.Text("account_id");
        doubt.trace_id = row.Text("trace_id");
        doubt.lease_id = lease_id;
        doubt.reference = row.Text("reference");
        doubt.lane = row.Text("lane");
        doubt.package_count = static_cast<int>(row.Int("package_count"));
        doubt.not_made = row.Text("state") == "NOT_MADE";
        doubt.needs_person = row.Bool("needs_person");
        doubt.known_number = row.Text("known_number");
        doubt.negative_count = static_cast<int>(row.Int("negative_count"));
        doubt.round_count = static_cast<int>(row.Int("round_count"));
        doubt.create_time = row.Time("create_time");
        double age = 0;
        (void)absl::SimpleAtod(row.Text("age"), &age);
        doubt.age = absl::Seconds(age);
        if (row.Text("old_state") == "SENT") {
          entries.push_back({.action = "ups.ship.doubt",
                             .subject = SubjectOf(doubt.request_id),
                             .trace_id = doubt.trace_id,
                             .detail = {{"of_call_id", doubt.call_id},
                                        {"request_id", doubt.request_id},
                                        {"state", "IN_DOUBT"}},
                             .event_id = doubt.call_id + ".doubt"});
        }
        leased.push_back({std::move(doubt), row.Binary("request")});
      }
      return AppendAudit(tx, kService, entries);
    }));
    std::vector<Doubt> doubts;
    for (Leased& item : leased) {
      const absl::StatusOr<std::string> opened =
          sealer_.Open({"calls", "request", item.doubt.call_id}, item.request);
      pb::CreateShipmentRequest request;
      // A request that does not open must not keep the others from being resolved.
      if (opened.ok() && request.ParseFromString(*opened)) {
        item.doubt.label_format = request.shipment().label_format();
      }
      doubts.push_back(std::move(item.doubt));
    }
    return doubts;
  }

  absl::Status RenewDoubts(const std::map<std::string, std::string>& lease_ids,
                           absl::Duration lease) override {
    std::vector<std::string> calls, leases;
    for (const auto& [call_id, lease_id] : lease_ids) {
      calls.push_back(call_id);
      leases.push_back(lease_id);
    }
    // A row that is being changed is being given up: waiting for it would only hold the others.
    return db_
        .Exec(
            "WITH held AS MATERIALIZED (SELECT c.call_id FROM calls c JOIN unnest($1::text[], "
            "$2::text[]) AS h(call_id, lease_id) USING (call_id, lease_id) FOR UPDATE OF c SKIP "
            "LOCKED) UPDATE calls c SET due_time = now() + make_interval(secs => $3) FROM held "
            "WHERE c.call_id = held.call_id",
            {calls, leases, lease})
        .status();
  }

  absl::StatusOr<std::string> FindControl(const Doubt& doubt, absl::Duration like_age) override {
    // A younger label is the better witness: UPS had less time to show it.
    ASSIGN_OR_RETURN(
        const Rows younger,
        db_.Exec("SELECT reference FROM calls WHERE call_id > $1 AND call_id < $2 AND account_id = "
                 "$3 AND lane = $4 AND state = 'DONE' ORDER BY call_id LIMIT 1",
                 {doubt.call_id, FirstCallIdOf(doubt.create_time + like_age), doubt.account_id,
                  doubt.lane}));
    if (!younger.empty()) return younger[0].Text("reference");
    ASSIGN_OR_RETURN(
        const Rows older,
        db_.Exec("SELECT reference FROM calls WHERE call_id < $1 AND call_id > $2 AND account_id = "
                 "$3 AND lane = $4 AND state = 'DONE' ORDER BY call_id DESC LIMIT 1",
                 {doubt.call_id, FirstCallIdOf(doubt.create_time - like_age), doubt.account_id,
                  doubt.lane}));
    return older.empty() ? std::string() : older[0].Text("reference");
  }

  absl::Status StoreFindings(const std::vector<DoubtOutcome>& outcomes) override {
    std::vector<const Exchange*> exchanges;
    std::vector<SealedResult> sealed(outcomes.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const DoubtOutcome& outcome = outcomes[i];
      for (const Exchange& exchange : outcome.exchanges) exchanges.push_back(&exchange);
      if (outcome.finding.state == pb::Call::DONE) {
        ASSIGN_OR_RETURN(sealed[i], SealResult(outcome.doubt.account_id, outcome.doubt.call_id,
                                               outcome.finding.result));
      }
    }
    ASSIGN_OR_RETURN(const std::vector<Bytes> payloads, SealExchanges(exchanges));
    return db_.Transact([&](Tx& tx) -> absl::Status {
      std::vector<AuditEntry> entries;
      std::vector<std::string> label_ids;
      std::vector<Bytes> label_bytes;
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const Finding& finding = outcomes[i].finding;
        const Doubt& doubt = outcomes[i].doubt;
        std::optional<absl::Duration> wait;
        if (finding.next_wait != absl::InfiniteDuration()) wait = finding.next_wait;
        ASSIGN_OR_RETURN(
            const Rows applied,
            tx.Exec("UPDATE calls SET update_time = CASE WHEN state = $3 THEN update_time ELSE "
                    "now() END, state = $3, result = coalesce($4, result), doubt = $5, "
                    "needs_person = $6, known_number = $7, negative_count = negative_count + $8, "
                    "round_count = round_count + 1, lease_id = '', due_time = now() + "
                    "make_interval(secs => $9) WHERE call_id = $1 AND lease_id = $2 AND state = "
                    "$10",
                    {doubt.call_id, doubt.lease_id, StateName(finding.state),
                     finding.state == pb::Call::DONE ? std::optional(Bytes{sealed[i].result})
                                                     : std::nullopt,
                     finding.doubt, finding.needs_person, finding.known_number,
                     finding.negative ? 1 : 0, wait, doubt.not_made ? "NOT_MADE" : "IN_DOUBT"}));
        entries.push_back(outcomes[i].entry);
        if (applied.affected() == 0) {
          entries.back().detail["late"] = true;
        } else if (finding.state == pb::Call::DONE) {
          label_ids.push_back(doubt.call_id);
          label_bytes.push_back({sealed[i].labels});
        }
      }
      RETURN_IF_ERROR(InsertLabels(tx, label_ids, label_bytes));
      RETURN_IF_ERROR(InsertExchanges(tx, exchanges, payloads));
      return AppendAudit(tx, kService, entries);
    });
  }

  absl::StatusOr<std::optional<VoidEnd>> BeginVoid(const pb::VoidShipmentRequest& request,
                                                   const AuditEntry& entry) override {
    std::optional<VoidEnd> done;
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      done.reset();
      const std::string account_id = IdIn(request.account());
      RETURN_IF_ERROR(tx.Exec("INSERT INTO voids (request_id, account_id, ups_shipment_id, state) "
                              "VALUES ($1, $2, $3, 'SENT') ON CONFLICT (request_id) DO NOTHING",
                              {request.request_id(), account_id, request.ups_shipment_id()})
                          .status());
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("SELECT ups_shipment_id, state, already_voided FROM voids WHERE "
                               "request_id = $1",
                               {request.request_id()}));
      if (rows.empty() || rows[0].Text("ups_shipment_id") != request.ups_shipment_id()) {
        return absl::AlreadyExistsError(
            absl::StrCat("request_id: \"", request.request_id(),
                         "\" stands for another shipment, want a new void number"));
      }
      if (rows[0].Text("state") == "DONE") {
        done = VoidEnd{request.request_id(), rows[0].Bool("already_voided")};
        return absl::OkStatus();
      }
      return AppendAudit(tx, kService, {entry});
    }));
    return done;
  }

  absl::StatusOr<OpenCalls> CountOpen() override {
    ASSIGN_OR_RETURN(const Rows rows,
                     db_.Exec("SELECT count(*) FILTER (WHERE state = 'SENT') AS sent, count(*) "
                              "FILTER (WHERE state = 'IN_DOUBT') AS in_doubt, count(*) FILTER "
                              "(WHERE state = 'IN_DOUBT' AND needs_person) AS needs_person FROM "
                              "calls WHERE due_time IS NOT NULL"));
    return OpenCalls{.sent = static_cast<int>(rows[0].Int("sent")),
                     .in_doubt = static_cast<int>(rows[0].Int("in_doubt")),
                     .needs_person = static_cast<int>(rows[0].Int("needs_person"))};
  }

 private:
  struct SealedResult {
    std::string result;
    std::string labels;
  };

  std::string ContentHash(const pb::CreateShipmentRequest& request) {
    pb::CreateShipmentRequest content = request;
    content.clear_request_id();
    return sealer_.ring().Derive("call-content", content.SerializeAsString());
  }

  absl::StatusOr<SealedResult> SealResult(const std::string& account_id, const std::string& call_id,
                                          const pb::Call::Result& result) {
    const SplitResult split = Split(result);
    SealedResult sealed;
    ASSIGN_OR_RETURN(sealed.result,
                     sealer_.Seal(Scope(account_id), {"calls", "result", call_id}, split.result));
    ASSIGN_OR_RETURN(sealed.labels, sealer_.Seal(Scope(account_id),
                                                 {"call_labels", "labels", call_id}, split.labels));
    return sealed;
  }

  absl::StatusOr<std::vector<Bytes>> SealExchanges(const std::vector<const Exchange*>& exchanges) {
    std::vector<Bytes> payloads;
    for (const Exchange* exchange : exchanges) {
      const nlohmann::json payload = {{"request", exchange->request},
                                      {"response", exchange->response},
                                      {"error", exchange->error}};
      ASSIGN_OR_RETURN(
          std::string sealed,
          sealer_.Seal(Scope(exchange->account_id), {"exchanges", "payload", exchange->call_id},
                       payload.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
      payloads.push_back({std::move(sealed)});
    }
    return payloads;
  }

  static absl::Status InsertExchanges(Tx& tx, const std::vector<const Exchange*>& exchanges,
                                      const std::vector<Bytes>& payloads) {
    if (exchanges.empty()) return absl::OkStatus();
    std::vector<std::string> call_ids, accounts, operations;
    std::vector<int64_t> statuses;
    for (const Exchange* exchange : exchanges) {
      call_ids.push_back(exchange->call_id);
      accounts.push_back(exchange->account_id);
      operations.push_back(std::string(NameOf(exchange->operation)));
      statuses.push_back(exchange->http_status);
    }
    return tx
        .Exec(
            "INSERT INTO exchanges (call_id, account_id, operation, http_status, payload) SELECT "
            "* FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[]) ON "
            "CONFLICT (call_id) DO NOTHING",
            {call_ids, accounts, operations, statuses, payloads})
        .status();
  }

  static absl::Status InsertLabels(Tx& tx, const std::vector<std::string>& call_ids,
                                   const std::vector<Bytes>& labels) {
    if (call_ids.empty()) return absl::OkStatus();
    return tx
        .Exec(
            "INSERT INTO call_labels (call_id, labels) SELECT * FROM unnest($1::text[], "
            "$2::bytea[]) ON CONFLICT (call_id) DO NOTHING",
            {call_ids, labels})
        .status();
  }

  // What stands for outcomes that came too late; a shipment that counts as not made is a twin, and
  // the resolver is set on it.
  static absl::Status NoteLate(Tx& tx, const std::vector<CallOutcome>& outcomes,
                               std::vector<OutcomeAnswer>& answers) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (answers[i].applied) continue;
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("UPDATE calls SET due_time = CASE WHEN state = 'NOT_MADE' AND $2 "
                               "THEN now() ELSE due_time END WHERE call_id = $1 RETURNING state",
                               {outcomes[i].call_id, outcomes[i].state == pb::Call::DONE}));
      if (!rows.empty()) answers[i].standing = ParseState(rows[0].Text("state"));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<Rows> SelectWithLabels(Tx& tx, const std::vector<std::string>& ids) {
    return tx.Exec(absl::StrCat("SELECT ", kColumns,
                                ", l.labels FROM calls c LEFT JOIN call_labels l USING (call_id) "
                                "WHERE c.request_id = ANY($1::text[])"),
                   {ids});
  }

  absl::StatusOr<StoredCall> FindStored(const std::string& request_id) {
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

  absl::StatusOr<pb::Call> Open(StoredCall stored) {
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

  Db& db_;
  Sealer& sealer_;
};

}  // namespace

std::unique_ptr<CallStore> MakePostgresCallStore(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresCallStore>(db, sealer);
}

}  // namespace psups::ups_gateway
