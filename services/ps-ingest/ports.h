#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http_message.h"
#include "common/outbox.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/ps-ingest/names.h"
#include "services/ps-ingest/revision.h"
#include "services/ps-ingest/window.h"

namespace psups::ps_ingest {

// A page's bounds: after the row that `token` names, at most `size` rows.
struct Page {
  std::string token = {};
  int size = 100;
};

template <typename Item>
struct PageOf {
  std::vector<Item> items = {};
  std::string next_token = {};
};

// The connections with their credentials. Each change writes its audit entry with it.
class ConnectionStore {
 public:
  virtual ~ConnectionStore() = default;
  // ALREADY_EXISTS if the id is taken.
  virtual absl::StatusOr<orders::v1::Connection> Create(const orders::v1::Connection& connection,
                                                        const std::string& password,
                                                        const std::string& actor) = 0;
  virtual absl::StatusOr<orders::v1::Connection> Get(const std::string& connection_id) = 0;
  virtual absl::StatusOr<PageOf<orders::v1::Connection>> List(const Page& page) = 0;
  // New settings, and a new password unless it is empty. ABORTED if the version is not the stored
  // one. A read in flight under the old settings will store nothing.
  virtual absl::StatusOr<orders::v1::Connection> Update(const orders::v1::Connection& connection,
                                                        const std::string& password,
                                                        const std::string& actor) = 0;
  // Runs `change` on the locked row and stores what it made of state and reason. Cursors and
  // write-backs are due at once if the connection may call again.
  using Change = std::function<absl::Status(orders::v1::Connection& connection, bool& activated)>;
  virtual absl::StatusOr<orders::v1::Connection> ChangeState(const std::string& connection_id,
                                                             const std::string& action,
                                                             const std::string& actor,
                                                             const Change& change) = 0;
  virtual absl::StatusOr<PageOf<orders::v1::Window>> ListWindows(const std::string& connection_id,
                                                                 const Page& page) = 0;
  // Opens the sealed password, which is recorded.
  virtual absl::StatusOr<std::string> OpenPassword(const std::string& connection_id) = 0;
  // Lets a range be read again from `from` to `to`, at once.
  virtual absl::Status Backfill(const std::string& connection_id, absl::Time from, absl::Time to,
                                const std::string& actor) = 0;
  // The right to read as the connection's user, beside the polls; UNAVAILABLE if a read is in
  // flight. Released by the second, or when `lease` is over.
  virtual absl::Status TakeReader(const std::string& reader_key, const std::string& token,
                                  absl::Duration lease) = 0;
  virtual absl::Status ReleaseReader(const std::string& reader_key, const std::string& token) = 0;
  virtual absl::Status RecordCalls(const std::vector<AuditEntry>& entries) = 0;
};

// The right to read one window of one query.
struct PollLease {
  orders::v1::Connection connection = {};
  type::v1::DocumentType type = type::v1::PURCHASE_ORDER;
  int64_t epoch = 0;
  Cursor cursor = {};
  absl::Time read_start = {};  // the database's clock
  absl::Duration clock_offset = absl::ZeroDuration();
  int failure_count = 0;
  std::vector<std::string> problems = {};  // of all the connection's queries, as they were told
};

// A document that says something new.
struct NewRevision {
  orders::v1::Order order = {};  // with name and trace_id
  int64_t revision = 1;
  std::string content_hash = {};
  bool eligible = false;
};

// What a read came to, to be stored in one transaction.
struct ReadOutcome {
  std::string call_id = {};
  Cursor cursor = {};
  absl::Duration wait = absl::ZeroDuration();  // until the next read
  absl::Duration clock_offset = absl::ZeroDuration();
  int failure_count = 0;
  std::string error = {};                         // empty after a success
  std::optional<orders::v1::Window> window = {};  // of an answered read
  int refused_count = 0;
  std::vector<NewRevision> revisions = {};
  std::vector<orders::v1::Order> touched = {};  // same content, newer change batch or update time
  std::string stop_reason = {};                 // not empty: the connection is STOPPED
  bool finished = false;                        // a backfill has come to its end
  std::vector<AuditEntry> audit = {};
};

// Documents that were read by their keys, just before they are bought.
struct KeyRead {
  orders::v1::Connection connection = {};
  type::v1::DocumentType type = type::v1::PURCHASE_ORDER;
  std::string call_id = {};
  absl::Time read_start = {};  // the database's clock
  std::vector<NewRevision> revisions = {};
  std::vector<orders::v1::Order> touched = {};
  std::vector<std::string> seen = {};  // order ids of all that were read
  std::vector<AuditEntry> audit = {};
};

// Cursors and the orders that reads bring.
class PollStore {
 public:
  virtual ~PollStore() = default;
  // Leases up to `limit` due cursors of connections that may call, at most one per user (OPRID) of
  // a system.
  virtual absl::StatusOr<std::vector<PollLease>> LeasePolls(int limit, absl::Duration lease) = 0;
  // Prolongs the leases that are still held.
  virtual absl::Status RenewPolls(const std::vector<PollLease>& polls, absl::Duration lease) = 0;
  // What is stored of these orders, by order id.
  virtual absl::StatusOr<std::map<std::string, StoredRevision>> FindRevisions(
      const std::string& connection_id, const std::vector<std::string>& order_ids) = 0;
  // All of it or, if the lease was lost, nothing: ABORTED. Ends the lease.
  virtual absl::Status StoreRead(const PollLease& poll, const ReadOutcome& outcome) = 0;
  // What a read by keys brought, in one transaction. ABORTED and nothing stored if another read
  // changed one of the documents or the connection changed meanwhile.
  virtual absl::Status StoreKeyRead(const KeyRead& read) = 0;
  virtual absl::StatusOr<absl::Time> Now() = 0;
  // Shows why what was read cannot be stored, as far as this can be.
  virtual absl::Status ShowProblem(const PollLease& poll, const std::string& problem) = 0;
};

// The orders as shipment-builder and people see them.
class OrderStore {
 public:
  virtual ~OrderStore() = default;
  struct Leased {
    orders::v1::Order order = {};
    std::string lease_id = {};
  };
  // One whose revision does not open stays behind.
  virtual absl::StatusOr<std::vector<Leased>> LeaseOrders(int limit, absl::Duration lease) = 0;
  virtual absl::StatusOr<std::vector<orders::v1::LeaseOrdersResponse::ConnectionState>>
  ConnectionStates() = 0;
  // The names of those that were not acknowledged: no such revision under that lease.
  virtual absl::StatusOr<std::vector<std::string>> Acknowledge(
      const std::vector<orders::v1::AcknowledgeOrdersRequest::Acknowledgement>& orders) = 0;
  // Where an order stands, and how old that is.
  struct Checked {
    orders::v1::CheckOrdersResponse::Standing standing = {};
    type::v1::DocumentKey document = {};
    orders::v1::Connection connection = {};
    absl::Duration age = absl::ZeroDuration();  // since the read that last saw it began
  };
  virtual absl::StatusOr<std::vector<Checked>> Check(const std::vector<std::string>& names) = 0;
  virtual absl::StatusOr<orders::v1::Order> Get(const std::string& name) = 0;
  struct Filter {
    std::string connection_id = {};
    orders::v1::Order::State state = orders::v1::Order::STATE_UNSPECIFIED;
    std::string document_id = {};
    std::string business_unit = {};
  };
  virtual absl::StatusOr<PageOf<orders::v1::Order>> List(const Filter& filter,
                                                         const Page& page) = 0;
  // The orders that changed after `cursor`, at most `limit`, as they are now. OUT_OF_RANGE if it is
  // of another epoch of the database.
  virtual absl::StatusOr<orders::v1::WatchOrdersResponse> ReadChanges(const std::string& cursor,
                                                                      int limit) = 0;
  // Lets ReadChanges see at most `limit` more changes that were committed; how many.
  virtual absl::StatusOr<int> Publish(int limit) = 0;
};

// The right to send one POST for a connection, and what goes with it.
struct WriteBackLane {
  orders::v1::Connection connection = {};
  std::string lease_token = {};
  int failure_count = 0;
  // At most one of each schedule, the next by its number: should PeopleSoft refuse it, those after
  // it have not been sent.
  std::vector<orders::v1::TrackingUpdate> updates = {};
  // Accepted ones whose fate is asked for first; then nothing is sent under this lease.
  std::vector<std::string> to_confirm = {};
};

struct WriteBackOutcome {
  std::vector<std::string> written = {};               // update ids
  std::vector<std::string> accepted = {};              // to be confirmed
  std::vector<std::string> unconfirmed = {};           // were asked for and are not stored yet
  absl::Duration confirm_wait = absl::ZeroDuration();  // until those two are asked for (again)
  absl::Duration confirm_timeout = absl::InfiniteDuration();  // unconfirmed so long: sent again
  std::vector<std::string> parked = {};
  std::string parked_error = {};
  absl::Duration wait = absl::ZeroDuration();  // until the next POST
  int failure_count = 0;
  std::string error = {};        // of the call; empty after a success
  std::string stop_reason = {};  // not empty: the connection is STOPPED
  std::vector<AuditEntry> audit = {};
};

// Statuses on their way back to PeopleSoft.
class WriteBackStore {
 public:
  virtual ~WriteBackStore() = default;
  // FAILED_PRECONDITION naming a connection that does not exist; then nothing is stored.
  virtual absl::Status Report(const std::vector<orders::v1::TrackingUpdate>& updates,
                              const std::string& actor) = 0;
  struct Filter {
    std::string connection_id = {};
    orders::v1::WriteBack::State state = orders::v1::WriteBack::STATE_UNSPECIFIED;
    std::string document_id = {};
  };
  virtual absl::StatusOr<PageOf<orders::v1::WriteBack>> List(const Filter& filter,
                                                             const Page& page) = 0;
  struct Key {
    std::string connection_id = {};
    std::string update_id = {};
  };
  // A person's decision about a PARKED one: PENDING again, or SKIPPED for `reason`. One that is in
  // `state` stays so; FAILED_PRECONDITION in another, NOT_FOUND.
  virtual absl::StatusOr<orders::v1::WriteBack> Decide(const Key& key,
                                                       orders::v1::WriteBack::State state,
                                                       const std::string& actor,
                                                       const std::string& reason) = 0;
  // Lanes of ACTIVE connections with something to send. An update that does not open stays behind.
  virtual absl::StatusOr<std::vector<WriteBackLane>> LeaseLanes(int limit,
                                                                absl::Duration lease) = 0;
  // How long the oldest update that could go now has waited for a worker; zero if there is none.
  // Not those behind a parked one, nor those of a connection that is not ACTIVE or that waits to
  // retry.
  virtual absl::StatusOr<absl::Duration> OldestDue() = 0;
  virtual absl::Status RenewLanes(const std::vector<std::string>& tokens, absl::Duration lease) = 0;
  // ABORTED, and nothing stored, if the lane's lease was lost.
  virtual absl::Status StoreOutcome(const WriteBackLane& lane, const WriteBackOutcome& outcome) = 0;
};

// Whether earlier runs of this service ended in order.
class RunStore {
 public:
  virtual ~RunStore() = default;
  virtual absl::Status Begin(const std::string& run_id, const std::string& slot) = 0;
  // Says that this run lives and when its oldest unrecorded call began, appends `entries`, and
  // writes service.unclean_start for runs that have said nothing for `dead_after`.
  virtual absl::Status Beat(const std::string& run_id, const std::string& slot,
                            absl::Time oldest_call, absl::Duration dead_after,
                            const std::vector<AuditEntry>& entries) = 0;
  virtual absl::Status End(const std::string& run_id, const std::vector<AuditEntry>& entries) = 0;
};

// What to watch: ages of the oldest due work and counts. Sets the gauges.
class Gauges {
 public:
  virtual ~Gauges() = default;
  virtual absl::Status Refresh() = 0;
  // Orders by state: reads the whole table, so to be called ever rarer the longer it takes.
  virtual absl::Status CountOrders() = 0;
};

// PeopleSoft on the wire. Replies and failures are handed on as they came.
class PeopleSoft {
 public:
  virtual ~PeopleSoft() = default;
  struct Call {
    const orders::v1::Connection* connection = nullptr;
    std::string password = {};  // or bearer token or client secret
    std::string call_id = {};   // sent as X-Request-ID
    std::string url = {};
    std::optional<std::string> json = {};  // a body makes it a POST
    std::size_t max_bytes = 16 << 20;
  };
  struct Reply {
    absl::StatusOr<HttpResponse> response = absl::UnknownError("no reply");
    absl::Duration duration = absl::ZeroDuration();
    // Requests for tokens that were made at the identity provider on its behalf.
    std::vector<AuditEntry> token_calls = {};
    bool sent = true;  // false: for want of a token or a connection nothing left
  };
  // Ends the calls in flight; later ones are CANCELLED at once.
  virtual void Close() {}
  // `done` is called once, on a thread that must not be blocked.
  virtual void Send(const Call& call, std::function<void(Reply)> done) = 0;
};

}  // namespace psups::ps_ingest
