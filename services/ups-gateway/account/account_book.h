#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// Accounts in memory, a few seconds old at most, so that calls need no query for theirs.
class AccountBook {
 public:
  AccountBook(AccountStore& store, const Clock& clock, Post post)
      : store_(store), clock_(clock), post_(std::move(post)) {}

  using Done = std::function<void(absl::StatusOr<AccountPtr>)>;
  // `name` is "accounts/{id}". Never blocks; `done` runs at once or on another thread.
  void Find(const std::string& name, Done done);

  // The next Find reads it anew.
  void Forget(const std::string& account_id);

 private:
  struct Entry {
    AccountPtr account;
    absl::Time read_time;
  };
  AccountStore& store_;
  const Clock& clock_;
  const Post post_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace psups::ups_gateway
