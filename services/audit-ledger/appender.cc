#include "services/audit-ledger/appender.h"

#include <iterator>
#include <utility>

#include "common/metrics.h"

namespace psups::audit_ledger {
namespace {

const CounterMetric kAppended("psups_log_entries_appended_total", "Entries appended to the log.");
const CounterMetric kDuplicates("psups_log_duplicates_total",
                                "Entries left out because they stood in the log.");

// What one transaction takes at most; a single request may be larger.
constexpr std::size_t kMostRequests = 256;
constexpr std::size_t kMostLeaves = 4000;
constexpr std::size_t kMostBytes = 8 << 20;

}  // namespace

Appender::Appender(LogStore& store)
    : store_(store),
      batcher_(kMostRequests, [this](std::vector<Request> requests) { Run(std::move(requests)); }) {
}

void Appender::Append(std::vector<Leaf> leaves, Done done) {
  batcher_.Add({.leaves = std::move(leaves), .done = std::move(done)});
}

void Appender::Run(std::vector<Request> requests) {
  std::vector<Request> group;
  std::size_t leaves = 0;
  std::size_t bytes = 0;
  for (Request& request : requests) {
    std::size_t request_bytes = 0;
    for (const Leaf& leaf : request.leaves) request_bytes += leaf.entry.size();
    if (!group.empty() &&
        (leaves + request.leaves.size() > kMostLeaves || bytes + request_bytes > kMostBytes)) {
      RunGroup(std::exchange(group, {}));
      leaves = bytes = 0;
    }
    leaves += request.leaves.size();
    bytes += request_bytes;
    group.push_back(std::move(request));
  }
  RunGroup(std::move(group));
}

void Appender::RunGroup(std::vector<Request> group) {
  static prometheus::Counter& appended_total = kAppended();
  static prometheus::Counter& duplicates_total = kDuplicates();

  std::vector<Leaf> leaves;
  for (const Request& request : group) {
    leaves.insert(leaves.end(), request.leaves.begin(), request.leaves.end());
  }
  const absl::StatusOr<Appended> appended = store_.Append(leaves);
  if (!appended.ok()) {
    for (const Request& request : group) request.done(appended.status());
    return;
  }
  std::size_t next = 0;
  for (const Request& request : group) {
    Result result = {.tree_size = appended->tree_size};
    for (std::size_t i = 0; i < request.leaves.size(); ++i) {
      if (appended->duplicate[next++]) ++result.duplicate_count;
    }
    duplicates_total.Increment(result.duplicate_count);
    appended_total.Increment(static_cast<double>(request.leaves.size()) - result.duplicate_count);
    request.done(result);
  }
}

}  // namespace psups::audit_ledger
