#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"
#include "psups/shipments/v1/mapping_service.pb.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "psups/tracking/v1/tracking_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/limits.h"
#include "services/shipment-builder/planning.h"
#include "services/shipment-builder/shipment.h"
#include "services/shipment-builder/shipment_filter.h"

namespace psups::shipment_builder {

// ---- Peers ----
// UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED and RESOURCE_EXHAUSTED of any of them mean: later.

// ps-ingest. Blocks.
class OrderSource {
 public:
  virtual ~OrderSource() = default;
  // Hands out revisions that nobody acknowledged, each under a lease, waiting up to request.wait
  // for the first; every reply carries the states of all connections.
  virtual absl::StatusOr<orders::v1::LeaseOrdersResponse> LeaseOrders(
      const orders::v1::LeaseOrdersRequest& request) = 0;
  // Those named are not handed out again. Idempotent.
  virtual absl::Status AcknowledgeOrders(const orders::v1::AcknowledgeOrdersRequest& request) = 0;
  // How each order stands right now; none for an order that does not exist.
  virtual absl::StatusOr<orders::v1::CheckOrdersResponse> CheckOrders(
      const orders::v1::CheckOrdersRequest& request) = 0;
};

// What shipments have to know of a UPS account.
struct AccountFacts {
  bool production = true;         // labels cost money
  std::string country_code = {};  // the shipper's
};

// ups-gateway. What takes a callback returns at once and calls it once, on a thread that must not
// be blocked.
class UpsPort {
 public:
  template <typename T>
  using Done = std::function<void(absl::StatusOr<T>)>;

  virtual ~UpsPort() = default;
  virtual void ValidateAddress(const ups::v1::ValidateAddressRequest& request,
                               const std::string& trace_id,
                               Done<ups::v1::ValidateAddressResponse> done) = 0;
  // Buys at most once per request_id, whatever happens; the same id again tells how it stands.
  virtual void CreateShipment(const ups::v1::CreateShipmentRequest& request,
                              const std::string& trace_id, Done<ups::v1::Call> done) = 0;
  // How a purchase stands. NOT_FOUND: it has not come, which does not say that it never will.
  virtual void GetCall(const std::string& request_id, const std::string& trace_id,
                       Done<ups::v1::Call> done) = 0;
  // Gives a purchase up: how it stands for ever if it never came, as it stands otherwise. Only a
  // NOT_MADE that is stored proves that nothing was bought.
  virtual void CloseCall(const ups::v1::CloseCallRequest& request, const std::string& trace_id,
                         Done<ups::v1::Call> done) = 0;
  // Void already counts as done; FAILED_PRECONDITION: UPS refuses.
  virtual void VoidShipment(const ups::v1::VoidShipmentRequest& request,
                            const std::string& trace_id,
                            Done<ups::v1::VoidShipmentResponse> done) = 0;
  // The labels of these purchases are stored here. Idempotent. Blocks.
  virtual absl::Status AcknowledgeCalls(const std::vector<std::string>& request_ids) = 0;
  // What a shipment would cost, and when it would arrive. Buys nothing.
  virtual void QuoteRates(const ups::v1::QuoteRatesRequest& request, const std::string& trace_id,
                          Done<ups::v1::QuoteRatesResponse> done) = 0;
  // Whether UPS has shipments under a reference.
  virtual void FindShipmentByReference(const ups::v1::FindShipmentByReferenceRequest& request,
                                       const std::string& trace_id,
                                       Done<ups::v1::FindShipmentByReferenceResponse> done) = 0;
  // The labels of a shipment that was bought, once more. Blocks.
  virtual absl::StatusOr<ups::v1::RecoverLabelResponse> RecoverLabel(
      const ups::v1::RecoverLabelRequest& request, const std::string& trace_id) = 0;
  // Blocks.
  virtual absl::StatusOr<AccountFacts> GetAccountFacts(const std::string& account) = 0;
};

// tracking-sync. Blocks.
class TrackingPort {
 public:
  virtual ~TrackingPort() = default;
  // Idempotent by number.
  virtual absl::Status CreateTrackers(const tracking::v1::CreateTrackersRequest& request) = 0;
  // NOT_FOUND: one of the numbers is not followed.
  virtual absl::Status CloseTrackers(const tracking::v1::CloseTrackersRequest& request) = 0;
  // Waits up to request.wait. OUT_OF_RANGE: the cursor is of another epoch, start from "".
  virtual absl::StatusOr<tracking::v1::WatchEventsResponse> WatchEvents(
      const tracking::v1::WatchEventsRequest& request) = 0;
};

// ---- The store ----

// A shipment under a lease, as it was when it was leased.
struct Leased {
  Shipment shipment = {};
  std::string lease_token = {};
};

// A shipment as it was stored, with the review that was opened for it, if one was.
struct Stored {
  Shipment shipment = {};
  std::string review_id = {};
};

// UPS's verdict on an address, kept for a while.
struct Verdict {
  std::string account = {};
  std::string address_key = {};  // 32 bytes derived from account and address
  ups::v1::ValidateAddressResponse answer = {};
};

// A version of a connection's rules.
struct MappingRecord {
  std::string connection_id = {};
  int64_t version = 0;
  shipments::v1::Rules rules = {};
  std::string comment = {};
  std::string created_by = {};  // identity
  absl::Time create_time = absl::InfinitePast();
};

// What labels of one service have cost, by package of so many pounds (rounded up to fives).
struct PastCost {
  std::string service_code = {};
  int pounds = 0;
  Money per_package = {};
};

// A person's decision about a review.
struct Decision {
  shipments::v1::ResolveReviewRequest request = {};
  std::string actor = {};  // identity
};

// A review as it is shown.
struct ReviewRecord {
  Review review = {};
  std::string position = {};  // page token of what follows it in a list
  std::string state = {};     // OPEN, RESOLVED, OBSOLETE
  std::string document_type = {};
  std::string business_unit = {};
  std::string document_id = {};
  absl::Time create_time = {};
  std::optional<absl::Time> close_time = {};
  std::string resolution = {};  // an action's name; empty while open
  std::string resolved_by = {};
  std::string on_behalf_of = {};
  std::string comment = {};
  std::string ship_date = {};  // YYYY-MM-DD; empty: as soon as possible
};

// That a review was opened or closed, to be posted to whoever wants to know.
struct ReviewEvent {
  ReviewRecord record = {};
  bool closed = false;
  int tries = 0;  // how often it was taken before
};

// A shipment as it is shown.
struct ShipmentRecord {
  Shipment shipment = {};
  std::string position = {};   // page token of what follows it in a list
  std::string review_id = {};  // the open one
  absl::Time create_time = {};
  absl::Time update_time = {};
};

struct ReviewFilter {
  std::string state = {};
  std::string connection_id = {};
  std::string document_id = {};
};

// One page of a list.
template <typename Record>
struct Page {
  std::vector<Record> records = {};
  bool more = false;  // others follow the last one
};

// The rules of connections, and what a preview of them looks at. Errors are those of Db.
class MappingStore {
 public:
  virtual ~MappingStore() = default;
  // Versions of connections' rules that are newer than `known` (0 or absent: all), oldest first.
  virtual absl::StatusOr<std::vector<MappingRecord>> NewMappings(
      const std::map<std::string, int64_t>& known) = 0;
  // NOT_FOUND if there is no such version.
  virtual absl::StatusOr<MappingRecord> GetMapping(const std::string& connection_id,
                                                   int64_t version) = 0;
  // Stores the version after the newest and has the connection's orders without a label planned
  // anew. The same rules as the newest change nothing. ABORTED if `replaces` is set and is not the
  // newest.
  virtual absl::StatusOr<MappingRecord> SetMapping(const MappingRecord& mapping,
                                                   std::optional<int64_t> replaces) = 0;
  // The newest orders of a connection with the shipments that hold their schedules.
  struct OrderWithShipments {
    orders::v1::Order order = {};
    std::vector<Shipment> shipments = {};
  };
  virtual absl::StatusOr<std::vector<OrderWithShipments>> NewestOrders(
      const std::string& connection_id, int limit) = 0;
  // What packages of labels have cost so far, on average.
  virtual absl::StatusOr<std::vector<PastCost>> PastCosts(const std::string& connection_id) = 0;
};

// Orders as they were taken in, shipments, purchases, reviews, labels. Every method is one
// transaction; audit entries stand in it. Errors are those of Db; UNKNOWN: it may have happened.
class ShipmentStore {
 public:
  virtual ~ShipmentStore() = default;

  // ---- Planning ----
  // Plans an order revision against the shipments that hold its schedules, by the rules that are
  // the connection's newest in the same transaction. ABORTED: that version is not known here yet.
  using Plan = std::function<absl::StatusOr<Reconciliation>(
      const orders::v1::Order& order, std::vector<Shipment>& existing, int64_t built,
      int64_t mapping_version)>;
  // Stores revisions that are newer than what is stored and what `plan` makes of them; older and
  // equal ones change nothing. A purchase order's schedules whose requisitions purchases hold are
  // planned as not to be shipped. Returns what was stored new or changed.
  virtual absl::StatusOr<std::vector<Stored>> TakeIn(const std::vector<orders::v1::Order>& orders,
                                                     const Plan& plan) = 0;
  // Plans again up to `limit` of the orders whose schedules became free.
  virtual absl::StatusOr<std::vector<Stored>> PlanAgain(int limit, const Plan& plan) = 0;

  // ---- Work ----
  // Up to `limit` shipments that are due for `work`, for `lease`; no other caller gets them
  // meanwhile. One that was leased several times without any outcome comes alone.
  virtual absl::StatusOr<std::vector<Leased>> Lease(Work work, int limit, absl::Duration lease) = 0;

  // Prolongs leases that are still held; others are left alone.
  struct LeaseKey {
    std::string connection_id = {};
    std::string shipment_id = {};
    std::string lease_token = {};
  };
  virtual absl::Status RenewLeases(const std::vector<LeaseKey>& keys, absl::Duration lease) = 0;

  // Changes a shipment, at `index` of the leased ones, and says what goes with it.
  using Change = std::function<Effects(Shipment& shipment, std::size_t index)>;
  // Changes those that are still held under their lease, with their rows locked, all or none.
  // Others are left out. FAILED_PRECONDITION if a schedule would be given to two purchases;
  // ALREADY_EXISTS if one would be bought that a purchase holds under another document's number: a
  // requisition and the purchase order it was sourced to.
  // Effects::Lease::kRenew goes by `lease`. Returns what was stored.
  virtual absl::StatusOr<std::vector<Stored>> Update(const std::vector<Leased>& held,
                                                     absl::Duration lease,
                                                     const Change& change) = 0;
  // The same with a gate for shipments whose connection has limits: it knows what was bought of
  // late, and nobody else buys for the connection until the commit. No gate: no limits.
  using GatedChange = std::function<Effects(Shipment& shipment, std::size_t index, Gate* gate)>;
  using LimitsOf = std::function<Limits(const std::string& connection_id)>;
  virtual absl::StatusOr<std::vector<Stored>> UpdateGated(const std::vector<Leased>& held,
                                                          absl::Duration lease,
                                                          const LimitsOf& limits,
                                                          const GatedChange& change) = 0;
  // Those of the 1Z numbers that no package here has.
  virtual absl::StatusOr<std::vector<std::string>> UnknownNumbers(
      const std::vector<std::string>& tracking_numbers) = 0;
  // Gives parked shipments of these connections back to the label loop.
  virtual absl::StatusOr<int> Unpark(const std::vector<std::string>& connection_ids) = 0;
  // 1Z numbers of void labels of the same schedules, by position in `shipments`.
  virtual absl::StatusOr<std::vector<std::vector<std::string>>> Replaced(
      const std::vector<Leased>& shipments) = 0;

  // ---- Tracking ----
  virtual absl::StatusOr<std::string> TrackingCursor() = 0;
  // Applies the changes and moves the cursor from `cursor` to `next`, both or neither. ABORTED if
  // the cursor is another one by now.
  virtual absl::Status ApplyTracking(
      const std::string& cursor, const std::string& next,
      const std::vector<tracking::v1::WatchEventsResponse::StatusChange>& changes) = 0;

  // ---- Addresses ----
  virtual absl::StatusOr<std::vector<Verdict>> FindVerdicts(
      const std::vector<std::pair<std::string, std::string>>& account_and_key) = 0;
  virtual absl::Status KeepVerdicts(const std::vector<Verdict>& verdicts,
                                    absl::Duration lifetime) = 0;
  virtual absl::StatusOr<int> DropOldVerdicts() = 0;

  // ---- People ----
  virtual absl::StatusOr<ShipmentRecord> GetShipment(const std::string& shipment_id) = 0;
  virtual absl::StatusOr<Page<ShipmentRecord>> ListShipments(const ShipmentFilter& filter,
                                                             int limit,
                                                             const std::string& page_token) = 0;
  // Changes one shipment, whoever holds it.
  using PersonalChange = std::function<absl::Status(Shipment& shipment, Effects& effects)>;
  virtual absl::StatusOr<ShipmentRecord> ChangeShipment(const std::string& shipment_id,
                                                        const PersonalChange& change) = 0;
  virtual absl::StatusOr<ReviewRecord> GetReview(const std::string& review_id) = 0;
  virtual absl::StatusOr<Page<ReviewRecord>> ListReviews(const ReviewFilter& filter, int limit,
                                                         const std::string& page_token) = 0;
  // Closes an open review by `decide`, which changes its shipment. ABORTED if it was closed before,
  // and by whom; the same decision of the same person is returned.
  using Decide = std::function<absl::Status(const Review& review, const orders::v1::Order& order,
                                            Shipment& shipment, Effects& effects)>;
  struct Resolved {
    ReviewRecord review = {};
    std::optional<Stored> stored = {};  // unset if it had been resolved so before
  };
  virtual absl::StatusOr<Resolved> ResolveReview(const std::string& review_id,
                                                 const Decision& decision,
                                                 const Decide& decide) = 0;

  // Calls `tell` for up to `limit` open reviews that nobody was told of, oldest first, and marks
  // them: one of them is told again only if the commit is lost.
  using Tell = std::function<void(const Review& review, const std::string& order_id)>;
  virtual absl::StatusOr<int> TellOfReviews(int limit, const Tell& tell) = 0;

  // Up to `limit` events of reviews that are due to be posted, for `lease`; no other caller gets
  // them meanwhile. That one was closed comes after its opening was posted. What happened longer
  // than `lifetime` ago is dropped; `dropped` becomes how many of them had been tried.
  virtual absl::StatusOr<std::vector<ReviewEvent>> TakeReviewEvents(int limit, absl::Duration lease,
                                                                    absl::Duration lifetime,
                                                                    int& dropped) = 0;
  // It was posted; what follows it is due.
  virtual absl::Status ReviewEventPosted(const ReviewEvent& event) = 0;
  // It could not be posted: again after `wait`.
  virtual absl::Status ReviewEventFailed(const ReviewEvent& event, absl::Duration wait) = 0;

  // ---- Figures ----
  struct Figures {
    std::vector<std::pair<State, int64_t>> open_shipments = {};  // states that are no ends
    std::vector<std::pair<Work, absl::Duration>> oldest_due = {};
    std::map<Reason, int64_t> open_reviews = {};
    // Schedules of purchase orders that do not ship because a part of them was shipped as a
    // requisition's.
    int64_t partly_shipped = 0;
  };
  virtual absl::StatusOr<Figures> Count() = 0;
};

}  // namespace psups::shipment_builder
