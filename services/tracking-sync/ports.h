#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/identity.h"
#include "psups/orders/v1/order_service.pb.h"
#include "psups/tracking/v1/tracking_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/tracking-sync/scan.h"
#include "services/tracking-sync/tracker.h"

namespace psups {
class Db;
class Sealer;
}  // namespace psups

namespace psups::tracking_sync {

// A webhook message as it came.
struct ReceivedEvent {
  std::string received_id = {};
  std::string tracking_number = {};
  std::string body = {};
};

// Where the webhook's door puts what it receives.
class EventInbox {
 public:
  virtual ~EventInbox() = default;
  // OK once all of them are durable; on an error none of them is, or nobody knows.
  virtual absl::Status Store(const std::vector<ReceivedEvent>& events) = 0;
};

// A scan from outside with the way it came.
struct NewScan {
  Scan scan = {};
  EventSource source = tracking::v1::Event::WEBHOOK;
  std::string received_id = {};  // of a webhook message
};

// A tracker leased for subscribing or reading.
struct LeasedTracker {
  std::string tracking_number = {};
  std::string account = {};
  std::string trace_id = {};
  absl::Time lease_time = absl::InfinitePast();  // the database's clock
};

// A lease that is held: its token and the tracking number.
using HeldLease = std::pair<std::string, std::string>;

// What subscribing one number came to.
struct SubscribeOutcome {
  enum class Result { kSubscribed, kRefused, kPostponed };
  std::string tracking_number = {};
  Result result = Result::kPostponed;
  absl::Time expire_time = absl::InfinitePast();  // kSubscribed
};

// What reading Track for one number came to.
struct ReadOutcome {
  std::string tracking_number = {};
  std::string lease_token = {};
  absl::Time start_time = absl::InfinitePast();  // the database's clock
  bool answered = false;                         // false: postponed
  bool found = false;
  std::vector<Scan> scans = {};
};

// How long things wait. All are settings.
struct Timing {
  absl::Duration read_interval = absl::Hours(6);    // between Track reads of an undelivered parcel
  absl::Duration last_read_delay = absl::Hours(1);  // from the end to the last read
  absl::Duration renew_before = absl::Hours(48);    // before a subscription ends
  absl::Duration retry_wait = absl::Seconds(10);    // after UPS or the gateway could not be asked
  absl::Duration refused_retry = absl::Hours(24);   // of a number UPS refused
  absl::Duration unknown_keep = absl::Hours(24 * 14);   // a message about a number nobody follows
  absl::Duration received_keep = absl::Hours(24 * 30);  // a message after it was processed
};

// Whether an error is about what was given, not about the moment: trying again will not help.
inline bool IsFaultOfInput(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

// Whether it may be, so that one by one the others of a batch go through. INTERNAL is as likely a
// fault of ours: what meets it is tried again.
inline bool MayBeFaultOfInput(const absl::Status& status) {
  return IsFaultOfInput(status) || absl::IsInternal(status);
}

// What is stored: the only way to the database. Every change and its audit entry stand or fall
// together.
class TrackerStore : public EventInbox {
 public:
  // CreateTrackers and CloseTrackers as in the proto; the requests are valid.
  virtual absl::Status Create(const tracking::v1::CreateTrackersRequest& request,
                              const Caller& caller) = 0;
  virtual absl::Status Close(const tracking::v1::CloseTrackersRequest& request,
                             const Caller& caller) = 0;
  virtual absl::StatusOr<tracking::v1::Tracker> Get(const std::string& tracking_number) = 0;
  virtual absl::StatusOr<tracking::v1::ListTrackersResponse> List(
      const tracking::v1::ListTrackersRequest& request) = 0;

  // The changes after `cursor`, at most `limit`; OUT_OF_RANGE if it is of another epoch.
  virtual absl::StatusOr<tracking::v1::WatchEventsResponse> ReadChanges(const std::string& cursor,
                                                                        int limit) = 0;
  // Gives committed changes their positions; the number of changes.
  virtual absl::StatusOr<int> Publish(int limit) = 0;

  // Received messages that are due, opened; nothing is locked: StoreScans judges again.
  virtual absl::StatusOr<std::vector<ReceivedEvent>> DueReceived(int limit) = 0;
  // Stores what the scans say: events, numbered updates, status changes, the next due times; and
  // that these messages are processed. `unreadable` are kept for a person.
  virtual absl::Status StoreScans(const std::vector<NewScan>& scans,
                                  const std::vector<std::string>& unreadable) = 0;
  // Messages that could not be stored, by whosever fault: they are tried again, and the third time
  // kept for a person.
  virtual absl::Status PostponeReceived(const std::vector<std::string>& received_ids) = 0;
  // Deletes processed messages past their time.
  virtual absl::StatusOr<int> DeleteOldReceived(int limit) = 0;

  // Leases are for `lease`; outcomes count only while the lease holds (its token is inside).
  struct Lease {
    std::string token = {};
    std::vector<LeasedTracker> trackers = {};
  };
  virtual absl::StatusOr<Lease> LeaseForSubscribing(int limit, absl::Duration lease) = 0;
  virtual absl::Status StoreSubscriptions(const std::string& token,
                                          const std::vector<SubscribeOutcome>& outcomes) = 0;
  virtual absl::StatusOr<Lease> LeaseForReading(int limit, absl::Duration lease) = 0;
  // Prolong leases that are still held; others are left alone.
  virtual absl::Status RenewSubscribing(const std::vector<HeldLease>& held,
                                        absl::Duration lease) = 0;
  virtual absl::Status RenewReading(const std::vector<HeldLease>& held, absl::Duration lease) = 0;
  // With the scans, and the next read's due time.
  virtual absl::Status StoreReads(const std::vector<ReadOutcome>& reads) = 0;

  // The updates that are due, oldest first, if this replica may report now; empty otherwise. One
  // whose event does not open has no description.
  struct DueUpdate {
    int64_t order = 0;  // names it here
    orders::v1::TrackingUpdate update = {};
  };
  virtual absl::StatusOr<std::vector<DueUpdate>> DueUpdates(int limit, absl::Duration lease) = 0;
  virtual absl::Status MarkReported(const std::vector<int64_t>& orders) = 0;
  // Refused by ps-ingest: tried again after `wait`.
  virtual absl::Status PostponeUpdate(int64_t order, absl::Duration wait) = 0;

  // The door's heartbeat. A run that was silent for `lost_after`, be it this one, the time in which
  // no door was open, and the time since `refused_since` (this host's clock; InfiniteFuture: none),
  // when this door began to refuse what it could not store, are gaps: coverage ends there, and
  // every live tracker is due for a Track read.
  virtual absl::Status Heartbeat(const std::string& run_id, absl::Duration lost_after,
                                 absl::Time refused_since) = 0;
  virtual absl::Status EndRun(const std::string& run_id) = 0;

  // For the gauges.
  struct Statistics {
    // By worker, of what is due and not leased; of messages since they came.
    std::vector<std::pair<std::string, absl::Duration>> oldest_due = {};
    std::vector<std::pair<std::string, int64_t>> followed_by_status = {};
    int64_t updates_pending = 0;
  };
  virtual absl::StatusOr<Statistics> Count() = 0;
};

// The store on PostgreSQL, personal data sealed.
std::unique_ptr<TrackerStore> MakePostgresTrackerStore(Db& db, Sealer& sealer, Timing timing);

// UPS, as the gateway offers it. Callbacks run on a thread of the channel's and must not block.
class UpsTracking {
 public:
  virtual ~UpsTracking() = default;
  virtual void Subscribe(
      const std::string& account, const std::vector<std::string>& tracking_numbers,
      std::function<void(absl::StatusOr<ups::v1::SubscribePackagesResponse>)> done) = 0;
  virtual void Track(const std::string& account, const std::string& tracking_number,
                     const std::string& trace_id,
                     std::function<void(absl::StatusOr<ups::v1::TrackPackageResponse>)> done) = 0;
};

// ps-ingest, to which statuses are reported.
class StatusReporter {
 public:
  virtual ~StatusReporter() = default;
  virtual absl::Status Report(const std::vector<orders::v1::TrackingUpdate>& updates) = 0;
};

}  // namespace psups::tracking_sync
