#pragma once

#include "absl/status/status.h"
#include "common/server.h"
#include "common/watchers.h"
#include "common/worker.h"
#include "psups/tracking/v1/tracking_service.grpc.pb.h"
#include "services/tracking-sync/ports.h"

namespace psups::tracking_sync {

// The loops that have something to do when something was stored.
struct Wakeups {
  Wakeup processor;
  Wakeup subscriber;
  Wakeup reader;
  Wakeup reporter;
  Wakeup publisher;
};

using Watchers = psups::Watchers<tracking::v1::WatchEventsResponse>;

// TrackingService over the store.
class TrackingServer final : public tracking::v1::TrackingService::CallbackService {
 public:
  TrackingServer(TrackerStore& store, Executor& executor, Watchers& watchers, Wakeups& wakeups)
      : store_(store), executor_(executor), watchers_(watchers), wakeups_(wakeups) {}

  grpc::ServerUnaryReactor* CreateTrackers(grpc::CallbackServerContext* context,
                                           const tracking::v1::CreateTrackersRequest* request,
                                           tracking::v1::CreateTrackersResponse* response) override;
  grpc::ServerUnaryReactor* CloseTrackers(grpc::CallbackServerContext* context,
                                          const tracking::v1::CloseTrackersRequest* request,
                                          tracking::v1::CloseTrackersResponse* response) override;
  grpc::ServerUnaryReactor* GetTracker(grpc::CallbackServerContext* context,
                                       const tracking::v1::GetTrackerRequest* request,
                                       tracking::v1::Tracker* response) override;
  grpc::ServerUnaryReactor* ListTrackers(grpc::CallbackServerContext* context,
                                         const tracking::v1::ListTrackersRequest* request,
                                         tracking::v1::ListTrackersResponse* response) override;
  grpc::ServerUnaryReactor* WatchEvents(grpc::CallbackServerContext* context,
                                        const tracking::v1::WatchEventsRequest* request,
                                        tracking::v1::WatchEventsResponse* response) override;

 private:
  TrackerStore& store_;
  Executor& executor_;
  Watchers& watchers_;
  Wakeups& wakeups_;
};

// For Watchers.
inline bool HasChanges(const tracking::v1::WatchEventsResponse& response) {
  return !response.changes().empty();
}

// What a request must be before it is stored; INVALID_ARGUMENT names the field.
absl::Status Validate(const tracking::v1::CreateTrackersRequest& request);
absl::Status Validate(const tracking::v1::CloseTrackersRequest& request);

}  // namespace psups::tracking_sync
