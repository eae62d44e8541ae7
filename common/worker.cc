#include "common/worker.h"

#include <chrono>
#include <random>
#include <utility>

#include "absl/time/time.h"
#include "common/log.h"
#include "common/metrics.h"

namespace psups {
namespace {

const CounterMetric kItems("psups_worker_items_total", "Items a worker finished.", {"worker"});
const CounterMetric kErrors("psups_worker_errors_total", "Steps of a worker that failed.",
                            {"worker"});
const GaugeMetric kOldestDue(
    "psups_worker_oldest_due_seconds",
    "How long the oldest work that is due has waited for its worker; 0 if none is due.",
    {"worker"});

}  // namespace

double UnitRandom() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

void Stop::Request() {
  {
    std::lock_guard lock(mutex_);
    requested_ = true;
  }
  changed_.notify_all();
}

bool Stop::requested() const {
  std::lock_guard lock(mutex_);
  return requested_;
}

bool Stop::WaitFor(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return requested_; });
  return requested_;
}

void Wakeup::Notify() {
  {
    std::lock_guard lock(mutex_);
    notified_ = true;
  }
  changed_.notify_all();
}

void Wakeup::WaitFor(Stop& stop, absl::Duration timeout) {
  // In slices, since a stop notifies another condition: half a second late at most.
  using std::chrono::steady_clock;  // one that nobody sets
  const steady_clock::time_point end = steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  std::unique_lock lock(mutex_);
  while (!notified_ && !stop.requested() && steady_clock::now() < end) {
    changed_.wait_until(lock, std::min(end, steady_clock::now() + std::chrono::milliseconds(500)));
  }
  notified_ = false;
}

prometheus::Gauge& OldestDueSeconds(const std::string& worker) { return kOldestDue(worker); }

void RunWorker(const Worker& worker, Stop& stop, const std::function<double()>& unit_random) {
  prometheus::Counter& items = kItems(worker.name);
  prometheus::Counter& errors = kErrors(worker.name);
  int failures = 0;
  while (!stop.requested()) {
    const absl::StatusOr<int> done = worker.step();
    if (!done.ok()) {
      errors.Increment();
      // The first failure of a row of them, then ever rarer: an outage must not fill the disk.
      if ((failures & (failures - 1)) == 0) {
        LogWarning(
            "worker_step_failed",
            {{"worker", worker.name}, {"failures", failures + 1}, {"status", done.status()}});
      }
      stop.WaitFor(worker.backoff.Wait(failures++, unit_random));
      continue;
    }
    if (failures > 0)
      LogInfo("worker_recovered", {{"worker", worker.name}, {"failures", failures}});
    failures = 0;
    const absl::Duration idle =
        worker.due_in ? std::min(worker.idle_wait, worker.due_in()) : worker.idle_wait;
    if (*done > 0) {
      items.Increment(*done);
      if (worker.gather > absl::ZeroDuration()) stop.WaitFor(worker.gather);
    } else if (worker.wakeup != nullptr) {
      worker.wakeup->WaitFor(stop, idle);
    } else {
      stop.WaitFor(idle);
    }
  }
}

WorkerThreads::WorkerThreads(std::vector<Worker> workers, Stop& stop)
    : workers_(std::move(workers)) {
  for (const Worker& worker : workers_) {
    threads_.emplace_back([&worker, &stop] { RunWorker(worker, stop, UnitRandom); });
  }
}

WorkerThreads::~WorkerThreads() {
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace psups
