#include "tests/sandbox/ups/scheduler.h"

#include <utility>

namespace psups::ups_sandbox {

Scheduler::Scheduler() : thread_([this] { Run(); }) {}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Scheduler::RunAfter(std::chrono::milliseconds delay, Task task) {
  {
    const std::lock_guard lock(mutex_);
    entries_.push({Clock::now() + delay, next_order_++, std::move(task)});
  }
  changed_.notify_one();
}

void Scheduler::Clear() {
  const std::lock_guard lock(mutex_);
  entries_ = {};
}

void Scheduler::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    if (const auto due = entries_.top().due; due > Clock::now()) {
      changed_.wait_until(lock, due);
      continue;
    }
    const Task task = entries_.top().task;
    entries_.pop();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace psups::ups_sandbox
