#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace psups {

// Gathers items that come from many threads and hands them, many at once, to one function on a
// thread of its own: so one commit serves many callers. While a batch runs, the next one gathers.
// Items left when it is destroyed are still run.
template <typename Item>
class Batcher {
 public:
  // `run` gets 1 to `most` items in the order they were added.
  Batcher(std::size_t most, std::function<void(std::vector<Item>)> run)
      : most_(most), run_(std::move(run)), thread_([this] { Loop(); }) {}

  ~Batcher() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void Add(Item item) {
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(item));
    }
    changed_.notify_one();
  }

 private:
  void Loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      std::vector<Item> batch;
      if (waiting_.size() <= most_) {
        batch.swap(waiting_);
      } else {
        const auto cut = waiting_.begin() + static_cast<std::ptrdiff_t>(most_);
        batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(cut));
        waiting_.erase(waiting_.begin(), cut);
      }
      lock.unlock();
      run_(std::move(batch));
      lock.lock();
    }
  }

  const std::size_t most_;
  const std::function<void(std::vector<Item>)> run_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace psups
