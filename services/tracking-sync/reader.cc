#include "services/tracking-sync/reader.h"

#include <utility>

#include "common/log.h"
#include "common/status_macros.h"

namespace psups::tracking_sync {
namespace {

constexpr std::size_t kStoreTogether = 100;

bool IsAboutNumber(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument ||
         status.code() == absl::StatusCode::kFailedPrecondition;
}

}  // namespace

TrackReader::TrackReader(TrackerStore& store, UpsTracking& ups, int most, absl::Duration lease,
                         Wakeups& wakeups)
    : store_(store),
      ups_(ups),
      most_(most),
      lease_(lease),
      wakeups_(wakeups),
      done_(kStoreTogether, [this](std::vector<ReadOutcome> reads) { Store(std::move(reads)); }) {}

TrackReader::~TrackReader() { WaitUntilIdle(); }

void TrackReader::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return held_.empty(); });
}

absl::Status TrackReader::RenewLeases() {
  std::vector<HeldLease> held;
  {
    const std::lock_guard lock(mutex_);
    held.assign(held_.begin(), held_.end());
  }
  if (held.empty()) return absl::OkStatus();
  return store_.RenewReading(held, lease_);
}

absl::StatusOr<int> TrackReader::Step() {
  int room = 0;
  {
    const std::lock_guard lock(mutex_);
    room = most_ - static_cast<int>(held_.size());
  }
  // A call that ends wakes this loop again.
  if (room <= 0) return 0;
  ASSIGN_OR_RETURN(const TrackerStore::Lease lease, store_.LeaseForReading(room, lease_));
  {
    const std::lock_guard lock(mutex_);
    for (const LeasedTracker& tracker : lease.trackers) {
      held_.emplace(lease.token, tracker.tracking_number);
    }
  }
  for (const LeasedTracker& tracker : lease.trackers) {
    ups_.Track(tracker.account, tracker.tracking_number, tracker.trace_id,
               [this, token = lease.token,
                tracker](absl::StatusOr<ups::v1::TrackPackageResponse> response) {
                 ReadOutcome read = {.tracking_number = tracker.tracking_number,
                                     .lease_token = token,
                                     .start_time = tracker.lease_time};
                 // UPS takes no such number: asking again soon does not help.
                 read.answered = IsAboutNumber(response.status());
                 if (response.ok()) {
                   read.answered = true;
                   read.found = response->found();
                   for (const auto& activity : response->activities()) {
                     if (!activity.has_event_time()) continue;  // UPS gave none that can be read
                     read.scans.push_back(ScanFromProto(activity));
                     // Whatever form UPS gave it, it is about the number that was asked.
                     read.scans.back().tracking_number = tracker.tracking_number;
                   }
                 } else {
                   LogWarning("track_read_postponed", {{"tracking_number", tracker.tracking_number},
                                                       {"reason", response.status()}});
                 }
                 done_.Add(std::move(read));
               });
  }
  return static_cast<int>(lease.trackers.size());
}

void TrackReader::Store(std::vector<ReadOutcome> reads) {
  absl::Status stored = store_.StoreReads(reads);
  if (MayBeFaultOfInput(stored) && reads.size() > 1) {
    // One read that cannot be stored must not hold up the others.
    for (const ReadOutcome& read : reads) {
      const absl::Status alone = store_.StoreReads({read});
      if (!alone.ok()) {
        LogError("track_read_not_stored",
                 {{"tracking_number", read.tracking_number}, {"reason", alone}});
      }
    }
  } else if (!stored.ok()) {
    // Nothing is lost: the leases run out and the numbers are read again.
    LogError("track_reads_not_stored", {{"reads", reads.size()}, {"reason", stored}});
  }
  {
    const std::lock_guard lock(mutex_);
    for (const ReadOutcome& read : reads) held_.erase({read.lease_token, read.tracking_number});
  }
  changed_.notify_all();
  wakeups_.reader.Notify();
  wakeups_.reporter.Notify();
  wakeups_.publisher.Notify();
}

}  // namespace psups::tracking_sync
