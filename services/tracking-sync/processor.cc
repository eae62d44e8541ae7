#include "services/tracking-sync/processor.h"

#include <utility>
#include <vector>

#include "common/log.h"
#include "common/status_macros.h"

namespace psups::tracking_sync {
namespace {

constexpr int kBatch = 500;

}  // namespace

absl::StatusOr<int> Processor::Step() {
  ASSIGN_OR_RETURN(const std::vector<ReceivedEvent> received, store_.DueReceived(kBatch));
  if (received.empty()) return 0;
  std::vector<NewScan> scans;
  std::vector<std::string> unreadable;
  for (const ReceivedEvent& event : received) {
    absl::StatusOr<Scan> scan = ScanFromWebhook(event.body, clock_.Now());
    if (scan.ok()) {
      scans.push_back({.scan = *std::move(scan),
                       .source = tracking::v1::Event::WEBHOOK,
                       .received_id = event.received_id});
    } else {
      LogWarning("webhook_unreadable",
                 {{"received", event.received_id}, {"reason", scan.status()}});
      unreadable.push_back(event.received_id);
    }
  }
  absl::Status stored = store_.StoreScans(scans, unreadable);
  if (MayBeFaultOfInput(stored)) {
    // One message that cannot be stored must not hold up the others. Only when another one can be
    // is it the message's fault; of one that is alone nobody knows.
    const bool is_alone = scans.size() == 1;
    std::vector<std::string> refused, failed;
    for (const NewScan& scan : scans) {
      const absl::Status alone = store_.StoreScans({scan}, {});
      if (IsFaultOfInput(alone) && !is_alone) {
        LogError("webhook_unreadable", {{"received", scan.received_id}, {"reason", alone}});
        refused.push_back(scan.received_id);
      } else if (MayBeFaultOfInput(alone)) {
        LogError("webhook_not_processed", {{"received", scan.received_id}, {"reason", alone}});
        failed.push_back(scan.received_id);
      } else {
        RETURN_IF_ERROR(alone);
      }
    }
    if (!is_alone && refused.size() + failed.size() == scans.size()) return stored;
    RETURN_IF_ERROR(store_.PostponeReceived(failed));
    unreadable.insert(unreadable.end(), refused.begin(), refused.end());
    stored = store_.StoreScans({}, unreadable);
  }
  RETURN_IF_ERROR(stored);
  wakeups_.reporter.Notify();
  wakeups_.publisher.Notify();
  wakeups_.reader.Notify();
  return static_cast<int>(received.size());
}

}  // namespace psups::tracking_sync
