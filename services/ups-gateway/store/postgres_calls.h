#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/envelope.h"
#include "common/postgres.h"
#include "services/ups-gateway/ports.h"

// Inside the store: purchases, doubts and records are parts of one store, each in a file.
namespace psups::ups_gateway {

inline constexpr char kService[] = "ups-gateway";

// A row as it was read; what is sealed is opened after the transaction, for that may need another
// connection.
struct StoredCall {
  ups::v1::Call call = {};
  std::string call_id = {};
  std::string content_hash = {};
  std::string result = {};  // sealed
  std::string labels = {};  // sealed

  // A call that was closed before it came has no content, and ends whatever comes.
  bool StandsFor(const std::string& content) const {
    return content_hash.empty() || content_hash == content;
  }
};

// Of a row that SelectWithLabels or List selected.
StoredCall ReadCall(const Row& row);

std::string StateName(ups::v1::Call::State state);
ups::v1::Call::State ParseState(const std::string& name);
std::string ConnectionId(const std::string& name);
std::string IdIn(const std::string& name);  // "x" of "accounts/x"
std::string Scope(const std::string& account_id);

// Exchanges as a statement takes them: sealed, a list for each column.
struct ExchangeColumns {
  std::vector<std::string> call_ids = {}, account_ids = {}, operations = {};
  std::vector<int64_t> http_statuses = {};
  std::vector<Bytes> payloads = {};
  std::vector<const Exchange*> errors = {};  // those that count as one
};
// Takes $1 to $5, the columns in their order; returns the call_id of those that were not there.
// `of`: a join that leaves out some of the rows e.
std::string InsertIntoExchanges(std::string_view of = "");

class PostgresCallStore : public CallStore {
 public:
  PostgresCallStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  absl::StatusOr<std::vector<IntentAnswer>> StoreIntents(
      const std::vector<Intent>& intents) override;
  absl::StatusOr<std::vector<OutcomeAnswer>> StoreOutcomes(
      const std::vector<CallOutcome>& outcomes) override;
  absl::Status Record(const std::vector<CallRecord>& records) override;

  absl::StatusOr<IntentAnswer> Find(const ups::v1::CreateShipmentRequest& request) override;
  absl::StatusOr<ups::v1::Call> Get(std::string_view request_id) override;
  absl::StatusOr<std::vector<ups::v1::Call>> List(ups::v1::Call::State state,
                                                  std::string_view before_call_id,
                                                  int limit) override;
  absl::Status Acknowledge(const std::vector<std::string>& request_ids) override;
  absl::StatusOr<ups::v1::Call> Close(const ups::v1::CloseCallRequest& request,
                                      std::string_view call_id, const AuditEntry& entry,
                                      absl::Duration watch_after) override;

  absl::StatusOr<std::vector<Doubt>> LeaseDoubts(int limit, absl::Duration lease) override;
  absl::Status RenewDoubts(const std::map<std::string, std::string>& lease_ids,
                           absl::Duration lease) override;
  absl::StatusOr<std::string> FindControl(const Doubt& doubt, absl::Duration like_age) override;
  absl::Status StoreFindings(const std::vector<DoubtOutcome>& outcomes) override;

  absl::StatusOr<std::optional<VoidEnd>> BeginVoid(const ups::v1::VoidShipmentRequest& request,
                                                   const AuditEntry& entry) override;
  absl::StatusOr<OpenCalls> CountOpen() override;
  absl::StatusOr<std::vector<OwnLabel>> LabelsSince(std::string_view account_id,
                                                    absl::Time since) override;
  absl::StatusOr<std::map<std::string, Bought>> CountBought() override;

  absl::StatusOr<std::optional<ups::v1::ValidateAddressResponse>> FindVerdict(
      const std::string& address_key, absl::Duration life) override;
  absl::StatusOr<int> DropVerdicts(int limit) override;

 private:
  struct SealedResult {
    std::string result;
    std::string labels;
  };
  struct SealedVerdict {
    std::string sealed;
    std::string call_id;
    int64_t unix_seconds = 0;
    int64_t life_seconds = 0;
  };
  using SealedVerdicts = std::map<std::string, SealedVerdict>;  // by verdict_key

  std::string VerdictKey(const std::string& address_key);
  absl::StatusOr<SealedVerdicts> SealVerdicts(const std::vector<CallRecord>& records);
  static absl::Status InsertVerdicts(Tx& tx, const SealedVerdicts& verdicts);
  std::string ContentHash(const ups::v1::CreateShipmentRequest& request);
  absl::StatusOr<SealedResult> SealResult(const std::string& account_id, const std::string& call_id,
                                          const ups::v1::Call::Result& result);
  absl::StatusOr<ExchangeColumns> SealExchanges(const std::vector<const Exchange*>& exchanges);
  static absl::Status InsertExchanges(Tx& tx, const ExchangeColumns& exchanges);
  // Of `exchanges` those in `told`, the ones that were stored just now: told again, an error is not
  // counted again.
  static absl::Status CountErrorsOf(Tx& tx, const ExchangeColumns& exchanges,
                                    const std::set<std::string>& told);
  static absl::Status InsertLabels(Tx& tx, const std::vector<std::string>& call_ids,
                                   const std::vector<Bytes>& labels);
  // By account id, each a sentence.
  static absl::Status NoteAccountErrors(Tx& tx, const std::map<std::string, std::string>& errors);
  // What stands for outcomes that came too late; a shipment that counts as not made is a twin, and
  // the resolver is set on it.
  absl::Status NoteLate(const std::vector<CallOutcome>& outcomes,
                        std::vector<OutcomeAnswer>& answers);
  static absl::StatusOr<Rows> SelectWithLabels(Tx& tx, const std::vector<std::string>& ids);
  absl::StatusOr<StoredCall> FindStored(const std::string& request_id);
  absl::StatusOr<ups::v1::Call> Open(StoredCall stored);

  Db& db_;
  Sealer& sealer_;
};

}  // namespace psups::ups_gateway
