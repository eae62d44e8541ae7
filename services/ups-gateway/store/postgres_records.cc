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

absl::Status PostgresCallStore::Record(const std::vector<CallRecord>& records) {
  std::vector<const Exchange*> exchanges;
  for (const CallRecord& record : records) {
    for (const Exchange& exchange : record.exchanges) exchanges.push_back(&exchange);
  }
  ASSIGN_OR_RETURN(const std::vector<Bytes> payloads, SealExchanges(exchanges));
  ASSIGN_OR_RETURN(const SealedVerdicts verdicts, SealVerdicts(records));
  return db_.Transact([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(InsertExchanges(tx, exchanges, payloads));
    RETURN_IF_ERROR(InsertVerdicts(tx, verdicts));
    std::vector<AuditEntry> entries;
    std::map<std::string, std::string> errors;  // in one order, so that replicas never cross
    for (const CallRecord& record : records) {
      entries.push_back(record.entry);
      if (record.voided) {
        RETURN_IF_ERROR(tx.Exec("UPDATE voids SET state = 'DONE', already_voided = $2, "
                                "update_time = now() WHERE request_id = $1 AND state = 'SENT'",
                                {record.voided->request_id, record.voided->already_voided})
                            .status());
      }
      if (!record.account_error.empty()) errors[record.account_id] = record.account_error;
    }
    for (const auto& [account_id, error] : errors) {
      RETURN_IF_ERROR(NoteAccountError(tx, account_id, error));
    }
    return AppendAudit(tx, kService, entries);
  });
}

absl::Status PostgresCallStore::NoteAccountError(Tx& tx, const std::string& account_id,
                                                 const std::string& error) {
  return tx
      .Exec("UPDATE accounts SET last_error = $2, last_error_time = now() WHERE account_id = $1",
            {account_id, error})
      .status();
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

absl::StatusOr<std::vector<Bytes>> PostgresCallStore::SealExchanges(
    const std::vector<const Exchange*>& exchanges) {
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

absl::Status PostgresCallStore::InsertExchanges(Tx& tx,
                                                const std::vector<const Exchange*>& exchanges,
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
  ASSIGN_OR_RETURN(
      const Rows inserted,
      tx.Exec("INSERT INTO exchanges (call_id, account_id, operation, http_status, payload) SELECT "
              "* FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[]) ON "
              "CONFLICT (call_id) DO NOTHING RETURNING call_id",
              {call_ids, accounts, operations, statuses, payloads}));
  std::set<std::string> first_time;  // told again, an error is not counted again
  for (const Row row : inserted) first_time.insert(row.Text("call_id"));
  ErrorCounts errors;
  for (const Exchange* exchange : exchanges) {
    if (!IsError(*exchange) || !first_time.contains(exchange->call_id)) continue;
    ++errors[{exchange->account_id, std::string(NameOf(exchange->operation)), exchange->code,
              exchange->http_status}];
  }
  return CountErrors(tx, errors);
}

}  // namespace psups::ups_gateway
