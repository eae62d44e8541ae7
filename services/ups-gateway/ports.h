#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http_client.h"
#include "common/outbox.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/ups-gateway/account/account.h"
#include "services/ups-gateway/purchase/caps.h"
#include "services/ups-gateway/purchase/doubt.h"
#include "services/ups-gateway/token/token_rules.h"
#include "services/ups-gateway/wire/operation.h"
#include "services/ups-gateway/wire/ups_requests.h"

// What the rules need from the world. Everything that stores may block.
namespace psups::ups_gateway {

// Runs a task soon, on another thread, where it may block.
using Post = std::function<void(std::function<void()>)>;

// One request to UPS.
struct UpsRequest {
  WireRequest wire = {};
  std::string call_id = {};        // sent as transId
  std::string authorization = {};  // the header's value
  absl::Duration timeout = absl::Seconds(30);
  std::function<bool()> before_body = {};  // see HttpRequest
};

// The door to UPS.
class UpsApi {
 public:
  virtual ~UpsApi() = default;
  // Returns at once; `done` runs on a thread that must not be blocked.
  virtual void Send(const Account& account, UpsRequest request,
                    std::function<void(HttpOutcome)> done) = 0;
};

// One exchange with UPS, kept as evidence.
struct Exchange {
  std::string call_id = {};
  std::string account_id = {};
  Operation operation = Operation::kAddress;
  int http_status = 0;    // 0: no reply
  std::string code = {};  // UPS's, of a reply that is no success
  std::string request = {};
  std::string response = {};  // without labels
  std::string error = {};     // without a reply: why
  bool provoked = false;      // its error was what was asked for: not counted as one
};

// An error that UPS gave for an account, and how often.
struct MetError {
  std::string operation = {};  // NameOf
  std::string ups_code = {};
  int http_status = 0;
  int64_t count = 0;
  absl::Time first_time = absl::InfinitePast();
  absl::Time last_time = absl::InfinitePast();
};

class AccountStore {
 public:
  virtual ~AccountStore() = default;
  // ALREADY_EXISTS if the id is taken.
  virtual absl::StatusOr<AccountPtr> Create(const ups::v1::Account& settings,
                                            std::string_view account_id, std::string_view secret,
                                            const AuditEntry& entry) = 0;
  // NOT_FOUND if there is none. With what is wrong with account or credential.
  virtual absl::StatusOr<AccountPtr> Get(std::string_view account_id) = 0;
  virtual absl::StatusOr<std::vector<AccountPtr>> List(std::string_view after_id, int limit) = 0;
  // The new secret serves all accounts of the credential; a refusal of the old one is forgotten.
  virtual absl::StatusOr<AccountPtr> Rotate(std::string_view account_id, std::string_view secret,
                                            const AuditEntry& entry) = 0;
  // The kill switch: when this returns, no intent commits any more. A second stop replaces the
  // reason. NOT_FOUND as Get.
  virtual absl::StatusOr<AccountPtr> Stop(std::string_view account_id, std::string_view reason,
                                          const AuditEntry& entry) = 0;
  virtual absl::StatusOr<AccountPtr> Start(std::string_view account_id,
                                           const AuditEntry& entry) = 0;
  // Stores what `change` makes of the settings, however many change them at once; it may run again.
  // The entry is stored with it.
  using Change = std::function<absl::StatusOr<ups::v1::Account>(const ups::v1::Account&)>;
  virtual absl::StatusOr<AccountPtr> Update(std::string_view account_id, const Change& change,
                                            const AuditEntry& entry) = 0;
  // Wraps all data keys of this service anew; see Sealer::Rewrap. The entry tells what was done.
  virtual absl::StatusOr<ups::v1::RewrapKeysResponse> RewrapKeys(const AuditEntry& entry) = 0;
  // The latest first; `after`: the last one of the page before.
  virtual absl::StatusOr<std::vector<MetError>> ListErrors(std::string_view account_id,
                                                           const std::optional<MetError>& after,
                                                           int limit) = 0;
};

// What the store did about a TokenWish.
struct TokenAnswer {
  TokenDecision decision = {};
  // kUse: the token.
  std::string token = {};
  std::string version = {};
  absl::Duration left = absl::ZeroDuration();
  absl::Duration lifetime = absl::ZeroDuration();
  // kFetch: the request is counted and committed under the asker's call_id; with this.
  std::string client_id = {};
  std::string client_secret = {};
  absl::Time secret_time = absl::InfinitePast();  // since when it is the secret
};

struct TokenOutcome {
  std::string treasury_id = {};
  std::string account_id = {};
  std::string call_id = {};
  TokenJudgement judgement = {};
  absl::Time secret_time = absl::InfinitePast();  // of the secret it was asked with
};

struct TokenBudget {
  TreasuryFacts facts = {};
  absl::Time expire_time = absl::InfinitePast();
  absl::Time next_free_time = absl::InfinitePast();  // when the oldest counted request falls out
  // From now, if requests go on as in the last hour.
  absl::Duration exhausted_in = absl::InfiniteDuration();
};

class TokenStore {
 public:
  virtual ~TokenStore() = default;
  // Decides under the lock of the credential's row. If the decision is kFetch, the request is
  // counted under `call_id`, and committed, when this returns; the row is leased for `lease`.
  virtual absl::StatusOr<TokenAnswer> Ask(const Account& account, const TokenWish& wish,
                                          std::string_view call_id, absl::Duration lease) = 0;
  virtual absl::Status Settle(const TokenOutcome& outcome) = 0;
  virtual absl::StatusOr<TokenBudget> Budget(const Account& account) = 0;
  // The version of each credential's token that is stored now, by treasury_id; "" if there is none.
  virtual absl::StatusOr<std::map<std::string, std::string>> Versions(
      const std::vector<std::string>& treasury_ids) = 0;
};

// A purchase that is about to be sent.
struct Intent {
  std::string call_id = {};
  AccountPtr account = {};
  ups::v1::CreateShipmentRequest request = {};
  std::string actor = {};
  std::string trace_id = {};
  absl::Duration answer_within = absl::ZeroDuration();  // then silence is doubt
  int searched_epoch = -1;  // of the SearchOrder under which it was looked for at UPS
  bool at_ups = false;      // and found there: stored IN_DOUBT, not to be sent
};

// Commits may have been lost: the purchase is to be looked for at UPS before it is made.
struct SearchOrder {
  int epoch = 0;
  absl::Duration since_notice = absl::ZeroDuration();  // how long ago the loss was noticed
};

// The entry that is stored with an intent.
AuditEntry IntentEntry(const Intent& intent);

// What the store made of it.
struct IntentAnswer {
  bool ours = false;          // stored now: to be sent
  bool same_content = false;  // if it stood there before
  ups::v1::Call call = {};    // as stored; with labels unless it is ours
  // Not OK: nothing was stored, and it may be tried again.
  absl::Status refusal = absl::OkStatus();
  std::string refused_by = {};             // "cap" or "stopped"
  std::optional<SearchOrder> search = {};  // nothing was stored: to be looked for first
};

// How a purchase ended, as far as its sender knows.
struct CallOutcome {
  std::string call_id = {};
  std::string request_id = {};
  std::string account_id = {};
  ups::v1::Call::State state = ups::v1::Call::IN_DOUBT;
  ups::v1::Call::Result result = {};
  ups::v1::Call::Error error = {};
  std::string doubt = {};
  absl::Duration ask_after = absl::ZeroDuration();  // IN_DOUBT
  std::string account_error = {};                   // see CallRecord
  std::optional<Exchange> exchange = {};
  AuditEntry entry = {};
};

struct OutcomeAnswer {
  bool applied = false;  // false: the call had ended otherwise before
  ups::v1::Call::State standing = ups::v1::Call::STATE_UNSPECIFIED;
  absl::Time create_time = absl::InfinitePast();
  absl::Time update_time = absl::InfinitePast();
};

// What a round of asking came to.
struct DoubtOutcome {
  Doubt doubt = {};
  Finding finding = {};
  std::vector<Exchange> exchanges = {};
  AuditEntry entry = {};
};

// The end of a void.
struct VoidEnd {
  std::string request_id = {};
  bool already_voided = false;
};

// UPS's word on an address, to be given again without asking.
struct AddressVerdict {
  std::string address_key = {};  // see AddressKey
  ups::v1::ValidateAddressResponse answer = {};
  absl::Duration life = absl::ZeroDuration();
};

// Calls that were made and are to be recorded: evidence and one entry, in one commit.
struct CallRecord {
  std::vector<Exchange> exchanges = {};
  AuditEntry entry = {};
  std::string account_id = {};
  std::string account_error = {};  // a problem of the whole account, a sentence; empty: none
  std::optional<VoidEnd> voided = {};
  std::optional<AddressVerdict> verdict = {};
};

// A label that we bought.
struct OwnLabel {
  std::string tracking_number = {};
  bool live = false;  // not voided through us
  absl::Time create_time = absl::InfinitePast();
};

class CallStore {
 public:
  virtual ~CallStore() = default;
  // One commit for all; one answer for each, in order. Repeating it with the same call ids is
  // harmless, and answers the same. Under the locks of the accounts' rows: what the kill switch or
  // a cap refuses, or what is to be looked for at UPS first, is not stored, and what is stored is
  // counted once. UNAVAILABLE while the database is not the one that was last compared.
  virtual absl::StatusOr<std::vector<IntentAnswer>> StoreIntents(
      const std::vector<Intent>& intents) = 0;
  // Applies to calls that are SENT or IN_DOUBT. One commit, and another for those that came too
  // late; safe to repeat.
  virtual absl::StatusOr<std::vector<OutcomeAnswer>> StoreOutcomes(
      const std::vector<CallOutcome>& outcomes) = 0;
  // One commit; safe to repeat.
  virtual absl::Status Record(const std::vector<CallRecord>& records) = 0;

  // NOT_FOUND if that request_id never came.
  virtual absl::StatusOr<IntentAnswer> Find(const ups::v1::CreateShipmentRequest& request) = 0;
  virtual absl::StatusOr<ups::v1::Call> Get(std::string_view request_id) = 0;
  virtual absl::StatusOr<std::vector<ups::v1::Call>> List(ups::v1::Call::State state,
                                                          std::string_view before_call_id,
                                                          int limit) = 0;
  virtual absl::Status Acknowledge(const std::vector<std::string>& request_ids) = 0;

  // What CloseCall promises; `call_id` and `entry` are stored if it changes anything. A late twin
  // of a call that a person ended is looked for after `watch_after`.
  virtual absl::StatusOr<ups::v1::Call> Close(const ups::v1::CloseCallRequest& request,
                                              std::string_view call_id, const AuditEntry& entry,
                                              absl::Duration watch_after) = 0;

  // Calls due to be asked about, leased; SENT ones whose answer is overdue become IN_DOUBT.
  virtual absl::StatusOr<std::vector<Doubt>> LeaseDoubts(int limit, absl::Duration lease) = 0;
  // Prolongs leases that are still held, by call id; others are left alone.
  virtual absl::Status RenewDoubts(const std::map<std::string, std::string>& lease_ids,
                                   absl::Duration lease) = 0;
  // The derived reference of a label that exists and is of like age and lane, or empty.
  virtual absl::StatusOr<std::string> FindControl(const Doubt& doubt, absl::Duration like_age) = 0;
  // Applies where the lease is still held; the exchanges are kept in any case. One commit; safe to
  // repeat.
  virtual absl::Status StoreFindings(const std::vector<DoubtOutcome>& outcomes) = 0;

  // Stores the intent of a void; true if that request_id stands as done, `already_voided` then set.
  virtual absl::StatusOr<std::optional<VoidEnd>> BeginVoid(
      const ups::v1::VoidShipmentRequest& request, const AuditEntry& entry) = 0;

  struct OpenCalls {
    int sent = 0;
    int in_doubt = 0;
    int needs_person = 0;
    absl::Duration oldest_doubt = absl::ZeroDuration();  // since its intent
    absl::Duration oldest_due = absl::ZeroDuration();    // that the resolver has not taken
  };
  virtual absl::StatusOr<OpenCalls> CountOpen() = 0;
  // The labels of purchases that were made since, voided or not.
  virtual absl::StatusOr<std::vector<OwnLabel>> LabelsSince(std::string_view account_id,
                                                            absl::Time since) = 0;
  // By account id; forgets what no window counts any more.
  virtual absl::StatusOr<std::map<std::string, Bought>> CountBought() = 0;

  // UPS's word on that address, if there is one that has not expired and is younger than `life`.
  virtual absl::StatusOr<std::optional<ups::v1::ValidateAddressResponse>> FindVerdict(
      const std::string& address_key, absl::Duration life) = 0;
  // Deletes at most `limit` that have expired; how many.
  virtual absl::StatusOr<int> DropVerdicts(int limit) = 0;
};

// What a comparison of the database with the one it was before came to.
struct EpochComparison {
  bool changed = false;
  absl::Duration unseen = absl::ZeroDuration();  // what was committed in this span may be lost
  int booked_tokens = 0;                         // requests that may have been made in it
};

// A label as UPS's Manifest records tell of it.
struct ManifestLabel {
  std::string tracking_number = {};
  std::string reference = {};  // under code TN, as our derived ones are; may be another program's
  bool voided = false;
  absl::Time create_time = absl::InfinitePast();
};

// UPS's own list of an account's labels: Quantum View's Manifest records.
class ManifestSource {
 public:
  virtual ~ManifestSource() = default;
  // UNAVAILABLE: it cannot be asked, and what is missing.
  virtual absl::Status Ready(const Account& account) = 0;
  // All labels made since. Never blocks; `done` runs where blocking is allowed.
  using Done = std::function<void(absl::StatusOr<std::vector<ManifestLabel>>)>;
  virtual void Fetch(AccountPtr account, absl::Time since, Done done) = 0;
};

// Whether the database is the one that it was: a restore, a failover or a snapshot may have lost
// commits.
class EpochStore {
 public:
  virtual ~EpochStore() = default;
  // Due at each start and each second. If it changed, in one commit: all accounts search first,
  // the token requests that may have been made unseen are booked, one audit entry.
  virtual absl::StatusOr<EpochComparison> Compare() = 0;
  // The loss that was noticed last; epoch 0 if there was none.
  virtual absl::StatusOr<SearchOrder> LastLoss() = 0;
  // The account buys again without searching, unless a loss was noticed after `epoch`.
  virtual absl::Status EndSearch(std::string_view account_id, int epoch,
                                 const AuditEntry& entry) = 0;
};

// Which processes run, so that one that vanished is noticed.
class RunStore {
 public:
  virtual ~RunStore() = default;
  // Says that this run lives; `unrecorded_for` tells, within the transaction, the age of the oldest
  // call to UPS that is not yet recorded. Runs whose heartbeat has not changed for longer than
  // `silence` since this store has looked are taken for dead: one audit entry each. From one
  // thread.
  virtual absl::Status Beat(std::string_view run_id,
                            const std::function<absl::Duration()>& unrecorded_for,
                            absl::Duration silence) = 0;
  // A clean stop: everything is recorded. Leases of this run's end with it, as with a dead one's.
  virtual absl::Status End(std::string_view run_id) = 0;
};

}  // namespace psups::ups_gateway
