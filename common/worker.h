#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "prometheus/gauge.h"

namespace psups {

// A one-way signal that work is to end; waiting on it is how loops sleep.
class Stop {
 public:
  void Request();
  bool requested() const;
  // Waits until a stop is requested or `timeout` is over; true if requested.
  bool WaitFor(absl::Duration timeout);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;
};

// Ends a worker's idle wait early: work has come. Polling stays the safety net.
class Wakeup {
 public:
  void Notify();
  // Waits until notified since the last wait, stopped, or `timeout` is over.
  void WaitFor(Stop& stop, absl::Duration timeout);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

// A loop: one bounded batch of work a step, safe to kill anywhere.
struct Worker {
  std::string name = {};
  absl::Duration idle_wait = absl::Seconds(1);
  // The number of items done; 0 means: nothing due. Errors are logged and backed off from.
  std::function<absl::StatusOr<int>()> step = {};
  Wakeup* wakeup = nullptr;  // optional
  Backoff backoff = {};
  // After a step with work, until the next: what comes meanwhile is done in one batch.
  absl::Duration gather = absl::ZeroDuration();
  // Optional: how long until something is due; where that is sooner than idle_wait, it counts.
  std::function<absl::Duration()> due_in = {};
};

// The metric of every queue that a worker works off: how long its oldest row that is due has
// waited, 0 if none is. Whoever owns the queue sets it.
prometheus::Gauge& OldestDueSeconds(const std::string& worker);

// Steps `worker` until stopped: after a count > 0 again at once (or after `gather`), after 0 an
// idle wait, after an error a full-jitter back-off. Counts psups_worker_items_total and
// psups_worker_errors_total.
void RunWorker(const Worker& worker, Stop& stop, const std::function<double()>& unit_random);

// Runs each worker in a thread of its own; joins them when destroyed, after `stop` was requested.
class WorkerThreads {
 public:
  WorkerThreads(std::vector<Worker> workers, Stop& stop);
  ~WorkerThreads();

 private:
  std::vector<Worker> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace psups
