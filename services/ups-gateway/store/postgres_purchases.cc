#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/store/postgres_admission.h"
#include "services/ups-gateway/store/postgres_calls.h"
#include "services/ups-gateway/wire/lane.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

namespace {

std::string SecondsText(absl::Duration duration) {
  return absl::StrCat(absl::ToDoubleSeconds(duration));
}

// Intents as a statement takes them: a list for each column.
class IntentColumns {
 public:
  void Add(const Intent& intent, const Bytes& hash, const Bytes& request) {
    entries_.push_back(IntentEntry(intent));
    call_ids_.push_back(intent.call_id);
    request_ids_.push_back(intent.request.request_id());
    accounts_.push_back(intent.account->id);
    connections_.push_back(ConnectionId(intent.request.connection()));
    hashes_.push_back(hash);
    requests_.push_back(request);
    references_.push_back(intent.request.shipment().derived_reference());
    package_counts_.push_back(intent.request.shipment().packages_size());
    lanes_.push_back(LaneOf(intent.request.shipment()));
    within_.push_back(SecondsText(intent.at_ups ? absl::ZeroDuration() : intent.answer_within));
    traces_.push_back(intent.trace_id);
    actors_.push_back(intent.actor);
    states_.push_back(StateName(intent.at_ups ? pb::Call::IN_DOUBT : pb::Call::SENT));
    doubts_.push_back(intent.at_ups ? "UPS has the shipment, and its record here was lost. It is "
                                      "being fetched from UPS."
                                    : "");
    costs_.push_back(CostOf(intent.request, CapsOf(intent.account->settings)));
  }

  // The call ids of those that did not stand there. They are counted, an account's once for all,
  // and told to the ledger.
  absl::StatusOr<std::set<std::string>> Insert(Tx& tx) const {
    std::set<std::string> inserted;
    if (call_ids_.empty()) return inserted;
    const OutboxRows outbox = ToOutboxRows(kService, entries_);
    // In the order of their ids, so that two replicas never wait for each other.
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(
            absl::StrCat(
                "WITH stored AS (INSERT INTO calls (call_id, request_id, account_id, "
                "connection_id, content_hash, request, reference, package_count, lane, state, "
                "doubt, due_time, trace_id, actor, create_time, update_time) "
                "SELECT t.a, t.b, t.c, t.d, t.e, t.f, t.g, t.h, t.i, t.m, t.n, "
                "now() + make_interval(secs => t.j::float8), t.k, t.l, now(), now() "
                "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], "
                "$6::bytea[], $7::text[], $8::int[], $9::text[], $10::text[], $11::text[], "
                "$12::text[], $13::text[], $14::text[]) AS t(a, b, c, d, e, f, g, h, i, j, k, l, "
                "m, n) ORDER BY t.b ON CONFLICT (request_id) DO NOTHING RETURNING call_id, "
                "account_id), "
                "counted AS (INSERT INTO purchase_counts AS p (account_id, bucket, purchases, "
                "spend_minor) SELECT s.account_id, date_bin(make_interval(secs => $16), "
                "clock_timestamp(), 'epoch'), count(*), sum(cost.minor)::bigint FROM stored s JOIN "
                "unnest($1::text[], $15::bigint[]) AS cost(call_id, minor) USING (call_id) GROUP "
                "BY s.account_id ORDER BY s.account_id ON CONFLICT (account_id, bucket) DO UPDATE "
                "SET purchases = p.purchases + excluded.purchases, spend_minor = p.spend_minor + "
                "excluded.spend_minor), noted AS (",
                InsertIntoOutbox("SELECT n.event_id, n.entry FROM unnest($1::text[], $17::text[], "
                                 "$18::bytea[]) AS n(call_id, event_id, entry) JOIN stored USING "
                                 "(call_id)"),
                ") SELECT call_id FROM stored"),
            {call_ids_, request_ids_, accounts_, connections_, hashes_, requests_, references_,
             package_counts_, lanes_, within_, traces_, actors_, states_, doubts_, costs_,
             kCountBucket, outbox.event_ids, outbox.entries}));
    for (const Row row : rows) inserted.insert(row.Text("call_id"));
    return inserted;
  }

 private:
  std::vector<std::string> call_ids_, request_ids_, accounts_, connections_, references_, lanes_,
      within_, traces_, actors_, states_, doubts_;
  std::vector<AuditEntry> entries_;
  std::vector<int64_t> package_counts_, costs_;
  std::vector<Bytes> hashes_, requests_;
};

}  // namespace

absl::StatusOr<std::vector<IntentAnswer>> PostgresCallStore::StoreIntents(
    const std::vector<Intent>& intents) {
  std::vector<Bytes> hashes, requests;
  for (const Intent& intent : intents) {
    ASSIGN_OR_RETURN(std::string sealed,
                     sealer_.Seal(Scope(intent.account->id), {"calls", "request", intent.call_id},
                                  intent.request.SerializeAsString()));
    hashes.push_back({ContentHash(intent.request)});
    requests.push_back({std::move(sealed)});
  }
  std::set<std::string> inserted;                 // call ids
  std::map<std::string, StoredCall> stood_there;  // by request_id
  std::map<std::string, Hold> held;               // by request_id
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    inserted.clear();
    stood_there.clear();
    ASSIGN_OR_RETURN(held, HoldBack(tx, intents));
    IntentColumns columns;
    for (std::size_t i = 0; i < intents.size(); ++i) {
      if (!held.contains(intents[i].request.request_id())) {
        columns.Add(intents[i], hashes[i], requests[i]);
      }
    }
    ASSIGN_OR_RETURN(inserted, columns.Insert(tx));
    std::vector<std::string> others;
    for (const Intent& intent : intents) {
      if (!inserted.contains(intent.call_id) && !held.contains(intent.request.request_id())) {
        others.push_back(intent.request.request_id());
      }
    }
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
  for (std::size_t i = 0; i < intents.size(); ++i) {
    const Intent& intent = intents[i];
    IntentAnswer answer;
    if (const auto hold = held.find(intent.request.request_id()); hold != held.end()) {
      answer.refusal = hold->second.refusal;
      answer.refused_by = hold->second.refused_by;
      answer.search = hold->second.search;
    } else if (inserted.contains(intent.call_id)) {
      answer.ours = true;
    } else {
      const auto found = stood_there.find(intent.request.request_id());
      if (found == stood_there.end()) return absl::InternalError("a stored call vanished");
      // The row is ours if an earlier try's COMMIT did happen.
      answer.ours = found->second.call_id == intent.call_id;
      answer.same_content = found->second.StandsFor(hashes[i].value);
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
  std::vector<Bytes> results, labels;
  std::vector<AuditEntry> entries;
  std::map<std::string, std::string> account_errors;
  std::vector<const Exchange*> exchanges;
  for (const CallOutcome& outcome : outcomes) {
    SealedResult sealed;
    if (outcome.state == pb::Call::DONE) {
      ASSIGN_OR_RETURN(sealed, SealResult(outcome.account_id, outcome.call_id, outcome.result));
    }
    call_ids.push_back(outcome.call_id);
    states.push_back(StateName(outcome.state));
    results.push_back({std::move(sealed.result)});
    labels.push_back({std::move(sealed.labels)});
    codes.push_back(outcome.error.ups_code());
    http_statuses.push_back(outcome.error.http_status());
    clerk_messages.push_back(outcome.error.clerk_message());
    retryables.push_back(outcome.error.retryable() ? "t" : "f");
    doubts.push_back(outcome.doubt);
    waits.push_back(SecondsText(outcome.ask_after));
    entries.push_back(outcome.entry);
    if (!outcome.account_error.empty()) account_errors[outcome.account_id] = outcome.account_error;
    if (outcome.exchange) exchanges.push_back(&*outcome.exchange);
  }
  ASSIGN_OR_RETURN(const ExchangeColumns columns, SealExchanges(exchanges));
  const OutboxRows outbox = ToOutboxRows(kService, entries);
  // The calls whose state it becomes, with their exchanges, labels and entries.
  static const auto* const kStore = new std::string(absl::StrCat(
      "WITH applied AS (UPDATE calls c SET state = o.b, result = nullif(o.c, ''::bytea), "
      "error_code = o.d, error_http_status = o.e, clerk_message = o.f, retryable = o.g::boolean, "
      "doubt = o.h, needs_person = false, lease_id = '', update_time = now(), due_time = CASE WHEN "
      "o.b = "
      "'IN_DOUBT' THEN now() + make_interval(secs => o.i::float8) END "
      "FROM unnest($6::text[], $7::text[], $8::bytea[], $9::text[], $10::int[], $11::text[], "
      "$12::text[], $13::text[], $14::text[]) AS o(a, b, c, d, e, f, g, h, i) "
      "WHERE c.call_id = o.a AND (c.state = 'SENT' OR (c.state = 'IN_DOUBT' AND o.b <> "
      "'IN_DOUBT')) RETURNING c.call_id, c.create_time, c.update_time), told AS (",
      InsertIntoExchanges("JOIN applied USING (call_id)"),
      "), labelled AS (INSERT INTO call_labels (call_id, labels) SELECT l.call_id, l.labels FROM "
      "unnest($6::text[], $15::bytea[]) AS l(call_id, labels) JOIN applied USING (call_id) WHERE "
      "l.labels <> '' ON CONFLICT (call_id) DO NOTHING), noted AS (",
      InsertIntoOutbox("SELECT n.event_id, n.entry FROM unnest($6::text[], $16::text[], "
                       "$17::bytea[]) AS n(call_id, event_id, entry) JOIN applied USING (call_id)"),
      ") SELECT a.call_id, a.create_time, a.update_time, t.call_id IS NOT NULL AS told FROM "
      "applied a LEFT JOIN told t USING (call_id)"));
  std::vector<Param> params = {columns.call_ids,
                               columns.account_ids,
                               columns.operations,
                               columns.http_statuses,
                               columns.payloads,
                               call_ids,
                               states,
                               results,
                               codes,
                               http_statuses,
                               clerk_messages,
                               retryables,
                               doubts,
                               waits,
                               labels,
                               outbox.event_ids,
                               outbox.entries};

  std::vector<OutcomeAnswer> answers;
  std::set<std::string> told;
  const auto read = [&](const Rows& rows) {
    std::map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < outcomes.size(); ++i) index[outcomes[i].call_id] = i;
    answers.assign(outcomes.size(), {});
    told.clear();
    for (const Row row : rows) {
      const std::string call_id = row.Text("call_id");
      if (row.Bool("told")) told.insert(call_id);
      const std::size_t i = index[call_id];
      answers[i] = {.applied = true,
                    .standing = outcomes[i].state,
                    .create_time = row.Time("create_time"),
                    .update_time = row.Time("update_time")};
    }
  };
  if (account_errors.empty() && columns.errors.empty()) {
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(*kStore, std::move(params)));
    read(rows);
  } else {
    RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const Rows rows, tx.Exec(*kStore, params));
      read(rows);
      RETURN_IF_ERROR(CountErrorsOf(tx, columns, told));
      return NoteAccountErrors(tx, account_errors);
    }));
  }
  RETURN_IF_ERROR(NoteLate(outcomes, answers));
  return answers;
}

absl::Status PostgresCallStore::NoteLate(const std::vector<CallOutcome>& outcomes,
                                         std::vector<OutcomeAnswer>& answers) {
  std::vector<std::size_t> late;
  std::vector<const Exchange*> exchanges;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (answers[i].applied) continue;
    late.push_back(i);
    if (outcomes[i].exchange) exchanges.push_back(&*outcomes[i].exchange);
  }
  if (late.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ExchangeColumns columns, SealExchanges(exchanges));
  return db_.Transact([&](Tx& tx) -> absl::Status {
    std::vector<AuditEntry> entries;
    for (const std::size_t i : late) {
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("UPDATE calls SET due_time = CASE WHEN state = 'NOT_MADE' AND $2 "
                               "THEN now() ELSE due_time END WHERE call_id = $1 RETURNING state",
                               {outcomes[i].call_id, outcomes[i].state == pb::Call::DONE}));
      if (!rows.empty()) answers[i].standing = ParseState(rows[0].Text("state"));
      entries.push_back(outcomes[i].entry);
      entries.back().detail["late"] = true;
      entries.back().detail["standing"] = StateName(answers[i].standing);
    }
    RETURN_IF_ERROR(InsertExchanges(tx, columns));
    return AppendAudit(tx, kService, entries);
  });
}

}  // namespace psups::ups_gateway
