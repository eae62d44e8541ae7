#include <map>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/store/postgres_calls.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

absl::StatusOr<std::vector<Doubt>> PostgresCallStore::LeaseDoubts(int limit, absl::Duration lease) {
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
      doubt.age = row.Seconds("age");
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

absl::Status PostgresCallStore::RenewDoubts(const std::map<std::string, std::string>& lease_ids,
                                            absl::Duration lease) {
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

absl::StatusOr<std::string> PostgresCallStore::FindControl(const Doubt& doubt,
                                                           absl::Duration like_age) {
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

absl::Status PostgresCallStore::StoreFindings(const std::vector<DoubtOutcome>& outcomes) {
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
  ASSIGN_OR_RETURN(const ExchangeColumns columns, SealExchanges(exchanges));
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
    RETURN_IF_ERROR(InsertExchanges(tx, columns));
    return AppendAudit(tx, kService, entries);
  });
}

absl::StatusOr<CallStore::OpenCalls> PostgresCallStore::CountOpen() {
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT count(*) FILTER (WHERE state = 'SENT') AS sent, count(*) "
                            "FILTER (WHERE state = 'IN_DOUBT') AS in_doubt, count(*) FILTER "
                            "(WHERE state = 'IN_DOUBT' AND needs_person) AS needs_person, "
                            "coalesce(extract(epoch FROM now() - min(create_time) FILTER (WHERE "
                            "state = 'IN_DOUBT')), 0)::bigint AS oldest_doubt, "
                            "greatest(0, coalesce(extract(epoch FROM now() - min(due_time)), 0))"
                            "::bigint AS oldest_due FROM calls WHERE due_time IS NOT NULL"));
  return OpenCalls{.sent = static_cast<int>(rows[0].Int("sent")),
                   .in_doubt = static_cast<int>(rows[0].Int("in_doubt")),
                   .needs_person = static_cast<int>(rows[0].Int("needs_person")),
                   .oldest_doubt = absl::Seconds(rows[0].Int("oldest_doubt")),
                   .oldest_due = absl::Seconds(rows[0].Int("oldest_due"))};
}

}  // namespace psups::ups_gateway
