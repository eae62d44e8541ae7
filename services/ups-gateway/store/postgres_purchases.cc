#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/store/postgres_calls.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

namespace {

std::string SecondsText(absl::Duration duration) {
  return absl::StrCat(absl::ToDoubleSeconds(duration));
}

}  // namespace

absl::StatusOr<std::vector<IntentAnswer>> PostgresCallStore::StoreIntents(
    const std::vector<Intent>& intents) {
  std::vector<std::string> call_ids, request_ids, accounts, connections, references, lanes, within,
      traces, actors;
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

absl::StatusOr<std::vector<OutcomeAnswer>> PostgresCallStore::StoreOutcomes(
    const std::vector<CallOutcome>& outcomes) {
  std::vector<std::string> call_ids, states, codes, clerk_messages, retryables, doubts, waits;
  std::vector<int64_t> http_statuses;
  std::vector<Bytes> results;
  std::map<std::string, std::string> labels;          // call_id to sealed labels
  std::map<std::string, std::string> account_errors;  // in one order, so that replicas never cross
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
    if (!outcome.account_error.empty()) account_errors[outcome.account_id] = outcome.account_error;
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
    for (const auto& [account_id, error] : account_errors) {
      RETURN_IF_ERROR(NoteAccountError(tx, account_id, error));
    }
    return AppendAudit(tx, kService, entries);
  }));
  return answers;
}

absl::Status PostgresCallStore::NoteLate(Tx& tx, const std::vector<CallOutcome>& outcomes,
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

}  // namespace psups::ups_gateway
