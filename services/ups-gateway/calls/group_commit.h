#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/batcher.h"
#include "common/log.h"

namespace psups::ups_gateway {

// Stores items that come from many threads, many in one commit. `Item` has a member
// `done(absl::StatusOr<Answer>)`, called once.
//
// What is stored here has happened already, so it is tried until it is stored: through outages of
// the database, and through an unknown end of COMMIT, for storing is safe to repeat. Only an error
// that is a bug is given up, and then for the one item that causes it.
template <typename Item, typename Answer>
class GroupCommit {
 public:
  using Store = std::function<absl::StatusOr<std::vector<Answer>>(const std::vector<Item>&)>;

  GroupCommit(std::string name, std::size_t most, Store store)
      : name_(std::move(name)),
        store_(std::move(store)),
        batcher_(most, [this](auto items) { Run(std::move(items)); }) {}
  ~GroupCommit() { closing_ = true; }

  void Add(Item item) { batcher_.Add(std::move(item)); }

 private:
  static bool IsOutage(const absl::Status& status) {
    return absl::IsUnavailable(status) || absl::IsUnknown(status) || absl::IsAborted(status) ||
           absl::IsResourceExhausted(status);
  }

  void Run(std::vector<Item> items) {
    auto wait = std::chrono::milliseconds(50);
    while (true) {
      absl::StatusOr<std::vector<Answer>> answers = store_(items);
      if (answers.ok()) {
        for (std::size_t i = 0; i < items.size(); ++i) items[i].done(std::move((*answers)[i]));
        return;
      }
      if (!IsOutage(answers.status()) && items.size() > 1) {
        for (Item& item : items) {
          std::vector<Item> one;
          one.push_back(std::move(item));
          Run(std::move(one));
        }
        return;
      }
      if (!IsOutage(answers.status()) || closing_) {
        LogError("record_not_stored", {{"what", name_}, {"status", answers.status()}});
        for (Item& item : items) item.done(answers.status());
        return;
      }
      LogWarning("record_delayed", {{"what", name_}, {"status", answers.status()}});
      std::this_thread::sleep_for(wait);
      wait = std::min(wait * 2, std::chrono::milliseconds(2'000));
    }
  }

  const std::string name_;
  const Store store_;
  std::atomic<bool> closing_ = false;
  Batcher<Item> batcher_;  // last: its thread uses the others
};

// The answers of a store that has nothing to tell of each.
inline absl::StatusOr<std::vector<std::monostate>> AllStored(const absl::Status& status,
                                                             std::size_t count) {
  if (!status.ok()) return status;
  return std::vector<std::monostate>(count);
}

}  // namespace psups::ups_gateway
