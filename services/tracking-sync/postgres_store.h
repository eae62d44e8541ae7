#pragma once

#include <string>
#include <vector>

#include "common/crypto.h"
#include "common/envelope.h"
#include "common/postgres.h"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/postgres_events.h"

namespace psups::tracking_sync {

class PostgresTrackerStore : public TrackerStore {
 public:
  PostgresTrackerStore(Db& db, Sealer& sealer, Timing timing)
      : db_(db), sealer_(sealer), timing_(timing) {}

  absl::Status Create(const tracking::v1::CreateTrackersRequest& request,
                      const Caller& caller) override;
  absl::Status Close(const tracking::v1::CloseTrackersRequest& request,
                     const Caller& caller) override;
  absl::StatusOr<tracking::v1::Tracker> Get(const std::string& tracking_number) override;
  absl::StatusOr<tracking::v1::ListTrackersResponse> List(
      const tracking::v1::ListTrackersRequest& request) override;
  absl::StatusOr<tracking::v1::WatchEventsResponse> ReadChanges(const std::string& cursor,
                                                                int limit) override;
  absl::StatusOr<int> Publish(int limit) override;
  absl::Status Store(const std::vector<ReceivedEvent>& events) override;
  absl::StatusOr<std::vector<ReceivedEvent>> DueReceived(int limit) override;
  absl::Status StoreScans(const std::vector<NewScan>& scans,
                          const std::vector<std::string>& unreadable) override;
  absl::Status PostponeReceived(const std::vector<std::string>& received_ids) override;
  absl::StatusOr<int> DeleteOldReceived(int limit) override;
  absl::StatusOr<Lease> LeaseForSubscribing(int limit, absl::Duration lease) override;
  absl::Status StoreSubscriptions(const std::string& token,
                                  const std::vector<SubscribeOutcome>& outcomes) override;
  absl::StatusOr<Lease> LeaseForReading(int limit, absl::Duration lease) override;
  absl::Status RenewSubscribing(const std::vector<HeldLease>& held, absl::Duration lease) override;
  absl::Status RenewReading(const std::vector<HeldLease>& held, absl::Duration lease) override;
  absl::Status StoreReads(const std::vector<ReadOutcome>& reads) override;
  absl::StatusOr<std::vector<DueUpdate>> DueUpdates(int limit, absl::Duration lease) override;
  absl::Status MarkReported(const std::vector<int64_t>& orders) override;
  absl::Status PostponeUpdate(int64_t order, absl::Duration wait) override;
  absl::Status Heartbeat(const std::string& run_id, absl::Duration lost_after,
                         absl::Time refused_since) override;
  absl::Status EndRun(const std::string& run_id) override;
  absl::StatusOr<Statistics> Count() override;

 private:
  absl::StatusOr<Lease> LeaseDue(const std::string& sql, int limit, absl::Duration lease);
  absl::Status Renew(const std::string& sql, const std::vector<HeldLease>& held,
                     absl::Duration lease);
  absl::Status EndCoverage(Tx& tx, absl::Time from);

  Db& db_;
  Sealer& sealer_;
  const Timing timing_;
  const std::string holder_ = RandomHex128();  // of the loops that one replica at a time runs
  EventWriter writer_{db_, sealer_, timing_};
};

}  // namespace psups::tracking_sync
