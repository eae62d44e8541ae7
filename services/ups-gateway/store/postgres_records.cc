#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/store/postgres_calls.h"
#include "services/ups-gateway/store/postgres_errors.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

namespace {

bool IsError(const Exchange& exchange) {
  if (exchange.provoked) return false;
  return exchange.http_status < 200 || exchange.http_status > 299 || !exchange.code.empty();
}

}  // namespace

std::string InsertIntoExchanges(std::string_view of) {
  return absl::StrCat(
      "INSERT INTO exchanges (call_id, account_id, operation, http_status, payload) SELECT e.* "
      "FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[]) AS e(call_id, "
      "account_id, operation, http_status, payload) ",
      absl::string_view(of.data(), of.size()),
      " ON CONFLICT (call_id) DO NOTHING RETURNING call_id");
}

absl::Status PostgresCallStore::Record(const std::vector<CallRecord>& records) {
  std::vector<const Exchange*> exchanges;
  std::vector<AuditEntry> entries;
  std::vector<const VoidEnd*> voided;
  std::map<std::string, std::string> account_errors;
  for (const CallRecord& record : records) {
    for (const Exchange& exchange : record.exchanges) exchanges.push_back(&exchange);
    entries.push_back(record.entry);
    if (record.voided) voided.push_back(&*record.voided);
    if (!record.account_error.empty()) account_errors[record.account_id] = record.account_error;
  }
  ASSIGN_OR_RETURN(const ExchangeColumns columns, SealExchanges(exchanges));
  ASSIGN_OR_RETURN(const SealedVerdicts verdicts, SealVerdicts(records));
  const OutboxRows outbox = ToOutboxRows(kService, entries);
  static const auto* const kStore = new std::string(
      absl::StrCat("WITH told AS (", InsertIntoExchanges(), "), noted AS (",
                   InsertIntoOutbox("SELECT * FROM unnest($6::text[], $7::bytea[])"),
                   ") SELECT call_id FROM told"));
  std::vector<Param> params = {columns.call_ids,      columns.account_ids, columns.operations,
                               columns.http_statuses, columns.payloads,    outbox.event_ids,
                               outbox.entries};
  if (verdicts.empty() && voided.empty() && account_errors.empty() && columns.errors.empty()) {
    return db_.Exec(*kStore, std::move(params)).status();
  }
  return db_.Transact([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const Rows rows, tx.Exec(*kStore, params));
    std::set<std::string> told;
    for (const Row row : rows) told.insert(row.Text("call_id"));
    RETURN_IF_ERROR(CountErrorsOf(tx, columns, told));
    RETURN_IF_ERROR(InsertVerdicts(tx, verdicts));
    for (const VoidEnd* end : voided) {
      RETURN_IF_ERROR(tx.Exec("UPDATE voids SET state = 'DONE', already_voided = $2, update_time = "
                              "now() WHERE request_id = $1 AND state = 'SENT'",
                              {end->request_id, end->already_voided})
                          .status());
    }
    return NoteAccountErrors(tx, account_errors);
  });
}

absl::Status PostgresCallStore::NoteAccountErrors(
    Tx& tx, const std::map<std::string, std::string>& errors) {
  for (const auto& [account_id, error] : errors) {  // in one order, so that replicas never cross
    RETURN_IF_ERROR(tx.Exec("UPDATE accounts SET last_error = $2, last_error_time = now() WHERE "
                            "account_id = $1",
                            {account_id, error})
                        .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<VoidEnd>> PostgresCallStore::BeginVoid(
    const pb::VoidShipmentRequest& request, const AuditEntry& entry) {
  std::vector<std::string> numbers(request.tracking_numbers().begin(),
                                   request.tracking_numbers().end());
  std::sort(numbers.begin(), numbers.end());
  std::optional<VoidEnd> done;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    done.reset();
    const std::string account_id = IdIn(request.account());
    RETURN_IF_ERROR(
        tx.Exec("INSERT INTO voids (request_id, account_id, ups_shipment_id, tracking_numbers, "
                "state) VALUES ($1, $2, $3, $4::text[], 'SENT') ON CONFLICT (request_id) DO "
                "NOTHING",
                {request.request_id(), account_id, request.ups_shipment_id(), numbers})
            .status());
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec("SELECT ups_shipment_id = $2 AND tracking_numbers = $3::text[] AS "
                             "same, state, already_voided FROM voids WHERE request_id = $1",
                             {request.request_id(), request.ups_shipment_id(), numbers}));
    if (rows.empty() || !rows[0].Bool("same")) {
      return absl::AlreadyExistsError(
          absl::StrCat("request_id: \"", request.request_id(),
                       "\" stands for another shipment or other packages, want a new void number"));
    }
    if (rows[0].Text("state") == "DONE") {
      done = VoidEnd{request.request_id(), rows[0].Bool("already_voided")};
      return absl::OkStatus();
    }
    return AppendAudit(tx, kService, {entry});
  }));
  return done;
}

absl::StatusOr<ExchangeColumns> PostgresCallStore::SealExchanges(
    const std::vector<const Exchange*>& exchanges) {
  ExchangeColumns columns;
  for (const Exchange* exchange : exchanges) {
    const nlohmann::json payload = {{"request", exchange->request},
                                    {"response", exchange->response},
                                    {"error", exchange->error}};
    ASSIGN_OR_RETURN(
        std::string sealed,
        sealer_.Seal(Scope(exchange->account_id), {"exchanges", "payload", exchange->call_id},
                     payload.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    columns.call_ids.push_back(exchange->call_id);
    columns.account_ids.push_back(exchange->account_id);
    columns.operations.push_back(std::string(NameOf(exchange->operation)));
    columns.http_statuses.push_back(exchange->http_status);
    columns.payloads.push_back({std::move(sealed)});
    if (IsError(*exchange)) columns.errors.push_back(exchange);
  }
  return columns;
}

absl::Status PostgresCallStore::InsertExchanges(Tx& tx, const ExchangeColumns& exchanges) {
  if (exchanges.call_ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec(InsertIntoExchanges(),
                           {exchanges.call_ids, exchanges.account_ids, exchanges.operations,
                            exchanges.http_statuses, exchanges.payloads}));
  std::set<std::string> told;
  for (const Row row : rows) told.insert(row.Text("call_id"));
  return CountErrorsOf(tx, exchanges, told);
}

absl::Status PostgresCallStore::CountErrorsOf(Tx& tx, const ExchangeColumns& exchanges,
                                              const std::set<std::string>& told) {
  ErrorCounts errors;
  for (const Exchange* exchange : exchanges.errors) {
    if (!told.contains(exchange->call_id)) continue;
    ++errors[{exchange->account_id, std::string(NameOf(exchange->operation)), exchange->code,
              exchange->http_status}];
  }
  return CountErrors(tx, errors);
}

}  // namespace psups::ups_gateway
