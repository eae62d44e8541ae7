#pragma once

#include <condition_variable>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace psups {

// Calls that wait for news, none of them on a thread of its own: they are answered when news came
// here, when another replica brought some (seen by polling), when their time is over, or when it is
// stopped.
template <typename Response>
class Watchers {
 public:
  // What a call would be answered with now. May block.
  using Look = std::function<absl::StatusOr<Response>()>;
  using HasNews = std::function<bool(const Response& response)>;
  using Done = std::function<void(absl::StatusOr<Response>)>;

  Watchers(absl::Duration poll, HasNews has_news)
      : poll_(poll), has_news_(std::move(has_news)), thread_([this] { Loop(); }) {}
  ~Watchers() {
    Stop();
    thread_.join();
  }

  // Calls `done` once: at once if there is news, an error or nothing to wait for, else later, from
  // another thread. Blocks for one look.
  void Answer(Look look, absl::Duration wait, Done done) {
    absl::StatusOr<Response> found = look();
    if (!IsReady(found) && wait > absl::ZeroDuration()) {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        waiting_.push_back(
            {std::move(look), *std::move(found), absl::Now() + wait, std::move(done)});
        // Something may have come since the look.
        news_ = true;
        changed_.notify_one();
        return;
      }
    }
    done(std::move(found));
  }
  // Something came: the calls are looked at.
  void Notify() {
    const std::lock_guard lock(mutex_);
    news_ = true;
    changed_.notify_one();
  }
  // Answers all that wait, and later ones at once.
  void Stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }

 private:
  struct Waiting {
    Look look;
    Response last;  // without news
    absl::Time deadline;
    Done done;
  };

  bool IsReady(const absl::StatusOr<Response>& found) const {
    return !found.ok() || has_news_(*found);
  }

  void Loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto woken = [this] { return stopping_ || news_; };
      if (waiting_.empty()) {
        changed_.wait(lock, woken);
      } else {
        changed_.wait_for(lock, absl::ToChronoMilliseconds(poll_), woken);
      }
      news_ = false;
      std::vector<Waiting> calls = std::exchange(waiting_, {});
      lock.unlock();
      std::vector<Waiting> still = AnswerWhatIsReady(std::move(calls));
      lock.lock();
      waiting_.insert(waiting_.end(), std::make_move_iterator(still.begin()),
                      std::make_move_iterator(still.end()));
    }
    std::vector<Waiting> rest = std::exchange(waiting_, {});
    lock.unlock();
    for (Waiting& call : rest) call.done(std::move(call.last));
  }

  // Returns those that go on waiting.
  std::vector<Waiting> AnswerWhatIsReady(std::vector<Waiting> calls) {
    std::vector<Waiting> still;
    for (Waiting& call : calls) {
      absl::StatusOr<Response> found = call.look();
      if (IsReady(found) || absl::Now() >= call.deadline) {
        call.done(std::move(found));
      } else {
        call.last = *std::move(found);
        still.push_back(std::move(call));
      }
    }
    return still;
  }

  const absl::Duration poll_;
  const HasNews has_news_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;
  bool news_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace psups
