#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/decimal.h"
#include "nlohmann/json.hpp"
#include "psups/shipments/v1/mapping_service.pb.h"
#include "psups/shipments/v1/shipment_service.pb.h"
#include "psups/type/v1/address.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/packing.h"
#include "services/shipment-builder/review.h"

namespace psups::shipment_builder {

// Where a shipment stands; the names are those of the API and of the column.
enum class State {
  kReceived,
  kValidating,
  kLabeling,
  kLabeled,
  kInTransit,
  kDelivered,
  kNeedsReview,
  kFailed,
  kWithdrawn,
  kVoiding,
  kVoided,
  kCancelled,
  kReturned,
  kLost,
};
std::string_view Name(State state);
State StateFromName(std::string_view name);

// Which loop a shipment waits for.
enum class Work { kNone, kValidate, kLabel, kHandOver, kVoid };
std::string_view Name(Work work);

// What is to happen with a label that is wanted no more, or that must not come to be.
enum class Undo {
  kNone,
  kChange,  // the order says otherwise now: void it, then build anew
  kPerson,  // a person said so: void it, and leave it at that
};
std::string_view Name(Undo undo);
Undo UndoFromName(std::string_view name);

// How much of a schedule is in a shipment, and how much of the schedule PeopleSoft had received
// when the shipment was planned.
struct Share {
  int line = 0;
  int schedule = 0;
  Decimal quantity = {};
  Decimal received = {};
};

struct Money {
  int64_t amount_minor = 0;
  std::string currency_code = {};
};

// One attempt to buy a shipment's label. OPEN and IN_DOUBT may be a live label that we do not know
// of; DONE is one; only the others give the schedules' quantities back.
enum class PurchaseState { kOpen, kInDoubt, kDone, kRejected, kNotMade, kVoided };
std::string_view Name(PurchaseState state);
PurchaseState PurchaseStateFromName(std::string_view name);

std::string_view Name(PackageVoid void_state);
PackageVoid PackageVoidFromName(std::string_view name);

struct Purchase {
  int number = 0;  // from 1; 0: there was none yet
  PurchaseState state = PurchaseState::kOpen;
  std::string account = {};    // "accounts/{account_id}"
  std::string reference = {};  // derived; stands on the label
  std::string ship_date = {};  // YYYYMMDD as sent; empty: today
  std::string ups_code = {};   // why it was refused
  std::string message = {};
  std::string confirmed_by = {};         // the person who looked at UPS and did not find it
  Money published = {};                  // what it cost by published rates
  std::vector<std::string> alerts = {};  // UPS's, "code: text"

  bool MayBeLive() const {
    return number > 0 && (state == PurchaseState::kOpen || state == PurchaseState::kInDoubt);
  }
};

using Terms = shipments::v1::Shipment::Terms;

// The schedules of one order that leave from one address to one address by one service on one day.
struct Shipment {
  std::string connection_id = {};
  std::string shipment_id = {};
  std::string order_id = {};
  std::string document_type = {};  // PO or REQ
  std::string business_unit = {};
  std::string document_id = {};
  int64_t order_revision = 0;
  std::string trace_id = {};

  State state = State::kReceived;
  State resume_state = State::kReceived;  // where a FAILED one goes on
  std::string failure = {};
  std::string service_code = {};
  std::string ship_date = {};  // YYYY-MM-DD; empty: as soon as possible
  std::vector<Share> shares = {};
  std::string fingerprint = {};  // equal for equal contents: parties, service, packages
  type::v1::Address ship_from = {};
  type::v1::Address ship_to = {};
  bool validated = false;
  std::string ship_from_call = {};  // the call by which UPS validated it
  std::string ship_to_call = {};
  std::vector<Package> packages = {};
  Terms terms = {};             // what it is bought with
  int64_t mapping_version = 0;  // the rules it was built by
  std::string vendor = {};      // "SETID/VENDOR_ID" of its first schedule
  std::string due_date = {};    // the earliest DUE_DT of its schedules, YYYY-MM-DD; may be empty
  // What it would cost, where the rules ask for that.
  std::optional<Money> estimate = {};
  // Why it is not bought though nothing is wrong with it; empty: it does not wait.
  std::string waits_for = {};

  // Reviews' reasons that a person let pass: they are not asked about this shipment again.
  std::vector<std::string> waived = {};
  // A person chose service_code: no rule chooses another.
  bool service_chosen = false;

  // Whether its schedules are spoken for: planning leaves them alone while the order says the same.
  bool holds = true;
  // A person is asked what to do about a label that UPS does not void. Filled for planning only.
  bool void_refused = false;
  Undo undo = Undo::kNone;
  Purchase purchase = {};
  std::string ups_shipment_id = {};
  Money charges = {};
  std::optional<absl::Time> label_time = {};
  int void_number = 0;
  bool acknowledged = false;  // the gateway was told that the labels are stored here
  bool handed_over = false;   // tracking follows the packages
  int lease_count = 0;        // leases since the last outcome of any kind
  int wait_count = 0;         // outages and doubts in a row: how long the next wait is
  int failure_count = 0;      // failures of ours in a row
  // Until it is due: 0 now, infinite: parked until its connection may buy.
  absl::Duration due_in = absl::ZeroDuration();

  std::string name() const { return "shipments/" + shipment_id; }
  std::string order_name() const { return "orders/" + order_id; }
  std::string request_id() const {
    return name() + "/purchases/" + std::to_string(purchase.number);
  }
  bool labelled() const { return !ups_shipment_id.empty(); }
  bool Waived(Reason reason) const {
    return std::find(waived.begin(), waived.end(), Name(reason)) != waived.end();
  }
};

// What it is to hold: its shares without what is in packages that are to be voided.
std::vector<Share> WantedShares(const Shipment& shipment);

// Which loop it waits for: a function of the rest.
Work WorkOf(const Shipment& shipment);

// What goes with a change of a shipment, in the same transaction.
struct Effects {
  enum class Allocation { kKeep, kTake, kFree, kFreePart };
  Allocation allocation = Allocation::kKeep;
  std::vector<Share> part = {};   // what kFreePart gives back
  bool purchase_changed = false;  // store shipment.purchase
  bool parties_changed = false;   // store ship_from and ship_to
  bool packages_changed = false;  // the packages are others: replace them
  bool packages_updated = false;  // tracking numbers or statuses
  std::vector<ups::v1::Call::Result::Package> labels = {};
  std::optional<ReviewDraft> review = {};
  bool close_reviews = false;  // open ones are moot
  bool replan = false;         // plan the order's schedules anew
  // What becomes of a lease and of the due time.
  enum class Lease {
    kEnd,    // it ends; due again after due_in
    kYield,  // whoever holds it keeps it; if nobody does, due after due_in
    kKeep,   // both stay as they are
    kRenew,  // the caller's own goes on
  };
  Lease lease = Lease::kEnd;
  // What a person had remembered for all shipments to come: the connection's next rules.
  struct Taught {
    shipments::v1::Rules rules = {};
    int64_t replaces = 0;  // the version that they were made from
  };
  std::optional<Taught> taught = {};
  // For the ledger; no action: no entry.
  std::string action = {};
  nlohmann::json detail = nlohmann::json::object();
  std::string actor = {};  // default: the service
};

// After so many failures of ours in a row a shipment is FAILED.
inline constexpr int kMostFailures = 5;
// A shipment that was leased so often without any outcome is leased alone: it may be what ends us.
inline constexpr int kSuspiciousLeases = 3;

// ---- Transitions. Each changes `shipment` and says what goes with it. ----

// What the gateway said of a purchase.
struct PurchaseOutcome {
  enum class Kind {
    kDone,
    kRejected,        // for ever, for a cause in the shipment
    kRejectedForNow,  // for ever, but the next purchase may succeed
    kNotMade,
    kInDoubt,
    kInDoubtForPerson,
    kLater,      // an outage: nothing is known, nothing counts
    kOurs,       // a bug of ours, and nothing is known
    kMalformed,  // a bug of ours: the gateway does not take it
  };
  Kind kind = Kind::kLater;
  ups::v1::Call::Result result = {};  // when DONE
  absl::Time label_time = {};
  std::string ups_code = {};
  std::string message = {};
};

// Ends, or keeps open, the purchase under way.
Effects SettlePurchase(Shipment& shipment, const PurchaseOutcome& outcome);

struct VoidOutcome {
  // Too late: UPS does not void a label that old, and was not asked.
  enum class Kind { kVoided, kRefused, kTooLate, kLater, kOurs };
  Kind kind = Kind::kLater;
  std::string message = {};
};
Effects SettleVoid(Shipment& shipment, const VoidOutcome& outcome);

// The same of the packages of these numbers, which alone were to be voided.
Effects SettlePartVoid(Shipment& shipment, const std::vector<std::string>& numbers,
                       const VoidOutcome& outcome);

// Applies a package's status as tracking knows it. No action: nothing changed.
Effects SettleTracking(Shipment& shipment, std::string_view tracking_number,
                       std::string_view status);

// It got on: whatever was counted against it is forgotten.
void Progress(Shipment& shipment);
// A loop could not go on: an outage waits, longer each time; a bug of ours is counted.
Effects Postpone(Shipment& shipment);
Effects Fail(Shipment& shipment, std::string_view what);

// Replaced before a label; its schedules are free.
Effects Withdraw(Shipment& shipment);
// A labelled, unscanned shipment, or one that may be: its label goes.
Effects BeginVoid(Shipment& shipment, Undo undo);
// Of a labelled, unscanned shipment: these packages alone go. Later on it is to be what
// `fingerprint` says.
Effects BeginPartVoid(Shipment& shipment, const std::vector<std::size_t>& packages,
                      std::string fingerprint);
Effects OpenReview(Shipment& shipment, ReviewDraft review);

// ---- What a person may do. FAILED_PRECONDITION says why not. ----
absl::Status RequestVoid(Shipment& shipment, Effects& effects);
absl::Status RequestRetry(Shipment& shipment, Effects& effects);
absl::Status CancelByPerson(Shipment& shipment, Effects& effects);

}  // namespace psups::shipment_builder
