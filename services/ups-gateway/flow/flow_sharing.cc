#include <algorithm>

#include "common/metrics.h"
#include "services/ups-gateway/flow/flow_control.h"

// What the replicas tell each other of UPS's complaints.
namespace psups::ups_gateway {
namespace {

const GaugeMetric kRateRatio(
    "psups_ups_flow_rate_ratio",
    "Share of its rate that an account may call UPS with; the least over the accounts.");

}  // namespace

void FlowControl::Tell(const std::string& account_id, const std::string& operation,
                       const FlowNews& news) {
  FlowNews& untold = untold_[{account_id, operation}];
  untold.throttled |= news.throttled;
  untold.sent = std::max(untold.sent, news.sent);
  untold.full_rate = std::max(untold.full_rate, news.full_rate);
  untold.not_before = std::max(untold.not_before, news.not_before);
}

absl::StatusOr<int> FlowControl::Share() {
  std::map<std::pair<std::string, std::string>, FlowNews> telling;
  std::vector<FlowReport> reports;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = steady_.Now();
    telling.swap(untold_);
    for (const auto& [key, news] : telling) {
      reports.push_back({.account_id = key.first,
                         .operation = key.second,
                         .throttled = news.throttled,
                         .sent_ago = std::max(absl::ZeroDuration(), now - news.sent),
                         .full_rate = news.full_rate,
                         .wait = std::max(absl::ZeroDuration(), news.not_before - now)});
    }
  }
  const absl::StatusOr<FlowView> view = store_.Exchange(run_id_, reports, options_.recovery);
  std::lock_guard lock(mutex_);
  if (!view.ok()) {
    for (const auto& [key, news] : telling) Tell(key.first, key.second, news);
    return view.status();
  }
  Adopt(*view, steady_.Now());
  return 0;
}

void FlowControl::Adopt(const FlowView& view, absl::Time now) {
  static prometheus::Gauge& ratio = kRateRatio();
  replicas_ = std::max(1, view.replicas);
  for (const FlowStanding& standing : view.standings) {
    // What has happened since it was asked for is not in it; it comes with the next one.
    if (untold_.count({standing.account_id, standing.operation}) > 0) continue;
    Entry& entry = entries_[standing.account_id];
    const absl::Time not_before =
        standing.wait > absl::ZeroDuration() ? now + standing.wait : absl::InfinitePast();
    if (standing.operation.empty()) {
      entry.limit = {.share = standing.share,
                     .full_rate = standing.full_rate,
                     .change_time = now - standing.changed_ago,
                     .not_before = not_before};
    } else {
      entry.not_before[standing.operation] = not_before;
    }
  }
  double least = 1;
  for (auto& [id, entry] : entries_) {
    least = std::min(least, ShareAt(entry.limit, now, options_.recovery));
    if (entry.account != nullptr) Tune(entry, now);
  }
  ratio.Set(least);
}

}  // namespace psups::ups_gateway
