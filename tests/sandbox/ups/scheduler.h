#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

namespace psups::ups_sandbox {

// Runs short tasks later, one after the other, on a thread of its own. What is left when it is
// destroyed is not run.
class Scheduler {
 public:
  using Task = std::function<void()>;

  Scheduler();
  ~Scheduler();

  void RunAfter(std::chrono::milliseconds delay, Task task);

  // Drops everything that waits.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    Clock::time_point due;
    std::uint64_t order;  // first come, first served at the same moment
    Task task;
    bool operator<(const Entry& other) const {
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Entry> entries_;
  std::uint64_t next_order_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace psups::ups_sandbox
