#include "services/shipment-builder/watcher.h"

#include <utility>
#include <vector>

#include "common/log.h"
#include "common/status_macros.h"

namespace psups::shipment_builder {
namespace {

constexpr int kAtOnce = 500;

}  // namespace

absl::StatusOr<int> Watcher::Step() {
  if (!cursor_.has_value()) {
    ASSIGN_OR_RETURN(std::string cursor, store_.TrackingCursor());
    cursor_ = std::move(cursor);
  }
  tracking::v1::WatchEventsRequest request;
  request.set_cursor(*cursor_);
  request.set_limit(kAtOnce);
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(wait_));
  request.mutable_wait()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(wait_ % absl::Seconds(1))));
  absl::StatusOr<tracking::v1::WatchEventsResponse> response = tracking_.WatchEvents(request);
  if (absl::IsOutOfRange(response.status()) && !cursor_->empty()) {
    LogWarning("tracking_epoch_changed", {{"status", response.status()}});
    const absl::Status restarted = store_.ApplyTracking(*cursor_, "", {});
    cursor_.reset();  // moved to the beginning, by this replica or another
    RETURN_IF_ERROR(restarted);
    return 1;
  }
  RETURN_IF_ERROR(response.status());
  if (response->next_cursor() == *cursor_ || response->next_cursor().empty()) return 0;
  const std::vector<tracking::v1::WatchEventsResponse::StatusChange> changes(
      response->changes().begin(), response->changes().end());
  const absl::Status applied = store_.ApplyTracking(*cursor_, response->next_cursor(), changes);
  if (!applied.ok()) {
    cursor_.reset();  // somebody else applied them, or nobody knows: read where it stands
    return applied;
  }
  cursor_ = response->next_cursor();
  return static_cast<int>(changes.size());
}

}  // namespace psups::shipment_builder
