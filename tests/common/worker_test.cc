#include "common/worker.h"

#include <atomic>
#include <future>

#include "common/batcher.h"
#include "gtest/gtest.h"

namespace psups {
namespace {

TEST(WorkerTest, StepsAgainAtOnceWhileThereIsWorkAndStopsWhenToldTo) {
  Stop stop;
  int steps = 0;
  const Worker worker{
      .name = "w", .idle_wait = absl::Hours(1), .step = [&]() -> absl::StatusOr<int> {
        if (++steps == 3) stop.Request();
        return 1;
      }};
  RunWorker(worker, stop, [] { return 0.5; });
  EXPECT_EQ(steps, 3);
}

TEST(WorkerTest, AFailingStepIsTriedAgainAfterABackoff) {
  Stop stop;
  int steps = 0;
  const Worker worker{.name = "w",
                      .idle_wait = absl::Hours(1),
                      .step = [&]() -> absl::StatusOr<int> {
                        if (++steps < 4) return absl::UnavailableError("down");
                        stop.Request();
                        return 1;
                      },
                      .backoff = {.first = absl::Milliseconds(1), .cap = absl::Milliseconds(2)}};
  RunWorker(worker, stop, [] { return 0.5; });
  EXPECT_EQ(steps, 4);
}

TEST(WorkerTest, AWakeupEndsAnIdleWaitOfAnHour) {
  Stop stop;
  Wakeup wakeup;
  std::promise<void> idle;
  std::atomic<int> steps = 0;
  WorkerThreads threads({{.name = "w",
                          .idle_wait = absl::Hours(1),
                          .step = [&]() -> absl::StatusOr<int> {
                            if (++steps == 1) idle.set_value();
                            if (steps == 2) stop.Request();
                            return 0;
                          },
                          .wakeup = &wakeup}},
                        stop);
  idle.get_future().wait();
  wakeup.Notify();
}

TEST(WorkerTest, WhatIsDueSoonEndsAnIdleWaitOfAnHour) {
  Stop stop;
  int steps = 0;
  const Worker worker{.name = "w",
                      .idle_wait = absl::Hours(1),
                      .step = [&]() -> absl::StatusOr<int> {
                        if (++steps == 3) stop.Request();
                        return 0;
                      },
                      .due_in = [] { return absl::Milliseconds(1); }};
  RunWorker(worker, stop, [] { return 0.5; });
  EXPECT_EQ(steps, 3);
}

TEST(BackoffTest, GrowsToItsCapAndIsNeverZero) {
  const Backoff backoff{.first = absl::Seconds(1), .cap = absl::Seconds(10)};
  EXPECT_EQ(backoff.Wait(0, [] { return 0.5; }), absl::Milliseconds(500));
  EXPECT_EQ(backoff.Wait(2, [] { return 0.5; }), absl::Seconds(2));
  EXPECT_EQ(backoff.Wait(60, [] { return 0.5; }), absl::Seconds(5));
  EXPECT_GT(backoff.Wait(0, [] { return 0.0; }), absl::ZeroDuration());
}

TEST(BatcherTest, WhatComesWhileABatchRunsIsTheNextBatch) {
  std::promise<void> first_runs, go_on;
  std::vector<std::size_t> sizes;
  {
    Batcher<int> batcher(100, [&](std::vector<int> items) {
      sizes.push_back(items.size());
      if (sizes.size() == 1) {
        first_runs.set_value();
        go_on.get_future().wait();
      }
    });
    batcher.Add(1);
    first_runs.get_future().wait();
    for (int i = 0; i < 250; ++i) batcher.Add(i);
    go_on.set_value();
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 100, 100, 50}));
}

}  // namespace
}  // namespace psups
