#include "services/tracking-sync/reporter.h"

#include <vector>

#include "common/log.h"
#include "common/status_macros.h"

namespace psups::tracking_sync {
namespace {

constexpr int kBatch = 500;
constexpr absl::Duration kRefusedWait = absl::Minutes(1);

}  // namespace

absl::StatusOr<int> Reporter::Step() {
  ASSIGN_OR_RETURN(const std::vector<TrackerStore::DueUpdate> due,
                   store_.DueUpdates(kBatch, lease_));
  if (due.empty()) return 0;
  std::vector<orders::v1::TrackingUpdate> updates;
  for (const auto& [order, update] : due) updates.push_back(update);
  const absl::Status reported = ingest_.Report(updates);
  std::vector<int64_t> done;
  if (reported.ok()) {
    for (const auto& [order, update] : due) done.push_back(order);
  } else if (!MayBeFaultOfInput(reported)) {
    return reported;
  } else {
    // One bad update must not hold up the other schedules.
    for (const auto& [order, update] : due) {
      const absl::Status alone = ingest_.Report({update});
      if (alone.ok()) {
        done.push_back(order);
      } else if (MayBeFaultOfInput(alone)) {
        LogError("tracking_update_refused", {{"update", update.update_id()},
                                             {"document", update.document().document_id()},
                                             {"reason", alone}});
        RETURN_IF_ERROR(store_.PostponeUpdate(order, kRefusedWait));
      } else {
        RETURN_IF_ERROR(store_.MarkReported(done));
        return alone;
      }
    }
  }
  RETURN_IF_ERROR(store_.MarkReported(done));
  return static_cast<int>(due.size());
}

}  // namespace psups::tracking_sync
