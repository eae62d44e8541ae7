#include "services/tracking-sync/subscriber.h"

#include <algorithm>
#include <latch>
#include <map>
#include <set>
#include <utility>

#include "common/log.h"
#include "common/status_macros.h"
#include "services/tracking-sync/proto_time.h"

namespace psups::tracking_sync {
namespace {

constexpr int kLeased = 500;
constexpr std::size_t kMostInCall = 100;  // UPS refuses a longer list whole

using Result = SubscribeOutcome::Result;

// The list or a number in it is at fault, not the moment.
bool IsAboutNumbers(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument ||
         status.code() == absl::StatusCode::kFailedPrecondition;
}

}  // namespace

absl::StatusOr<int> Subscriber::Step() {
  ASSIGN_OR_RETURN(const TrackerStore::Lease lease, store_.LeaseForSubscribing(kLeased, lease_));
  if (lease.trackers.empty()) return 0;
  std::vector<HeldLease> held;
  for (const LeasedTracker& tracker : lease.trackers) {
    held.emplace_back(lease.token, tracker.tracking_number);
  }
  const auto hold = [this](std::vector<HeldLease> leases) {
    const std::lock_guard lock(mutex_);
    held_ = std::move(leases);
  };
  hold(std::move(held));
  absl::StatusOr<int> done = Subscribe(lease);
  hold({});
  return done;
}

absl::Status Subscriber::RenewLeases() {
  std::vector<HeldLease> held;
  {
    const std::lock_guard lock(mutex_);
    held = held_;
  }
  if (held.empty()) return absl::OkStatus();
  return store_.RenewSubscribing(held, lease_);
}

absl::StatusOr<int> Subscriber::Subscribe(const TrackerStore::Lease& lease) {
  std::map<std::string, std::vector<std::string>> by_account;
  for (const LeasedTracker& tracker : lease.trackers) {
    by_account[tracker.account].push_back(tracker.tracking_number);
  }
  std::vector<Batch> batches;
  for (const auto& [account, numbers] : by_account) {
    for (std::size_t from = 0; from < numbers.size(); from += kMostInCall) {
      const std::size_t to = std::min(numbers.size(), from + kMostInCall);
      batches.push_back({account,
                         {numbers.begin() + static_cast<std::ptrdiff_t>(from),
                          numbers.begin() + static_cast<std::ptrdiff_t>(to)}});
    }
  }

  int done = 0;
  while (!batches.empty()) {
    Send(batches);
    std::vector<SubscribeOutcome> outcomes;
    std::vector<Batch> again;
    for (Batch& batch : batches) {
      std::vector<std::string>& numbers = batch.tracking_numbers;
      if (batch.response.ok()) {
        const std::set<std::string> valid(batch.response->valid_tracking_numbers().begin(),
                                          batch.response->valid_tracking_numbers().end());
        const absl::Time expires = FromProto(batch.response->expire_time());
        for (const std::string& number : numbers) {
          if (valid.contains(number)) {
            outcomes.push_back({number, Result::kSubscribed, expires});
          } else {
            LogWarning("subscription_refused", {{"tracking_number", number}});
            outcomes.push_back({number, Result::kRefused});
          }
        }
      } else if (!IsAboutNumbers(batch.response.status())) {
        LogWarning("subscribe_postponed", {{"account", batch.account},
                                           {"numbers", numbers.size()},
                                           {"reason", batch.response.status()}});
        for (const std::string& number : numbers) outcomes.push_back({number, Result::kPostponed});
      } else if (numbers.size() == 1) {
        LogWarning("subscription_refused",
                   {{"tracking_number", numbers[0]}, {"reason", batch.response.status()}});
        outcomes.push_back({numbers[0], Result::kRefused});
      } else {
        // One bad number must not keep the others out: halve until it stands alone.
        const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
        again.push_back({batch.account, {numbers.begin(), middle}});
        again.push_back({batch.account, {middle, numbers.end()}});
      }
    }
    batches = std::move(again);
    if (outcomes.empty()) continue;
    // What UPS answered does not wait for the halving of the others.
    RETURN_IF_ERROR(store_.StoreSubscriptions(lease.token, outcomes));
    wakeups_.reader.Notify();
    done += static_cast<int>(outcomes.size());
  }
  return done;
}

void Subscriber::Send(std::vector<Batch>& batches) {
  std::latch answers(static_cast<std::ptrdiff_t>(batches.size()));
  for (Batch& batch : batches) {
    ups_.Subscribe(batch.account, batch.tracking_numbers, [&](auto response) {
      batch.response = std::move(response);
      answers.count_down();
    });
  }
  answers.wait();
}

}  // namespace psups::tracking_sync
