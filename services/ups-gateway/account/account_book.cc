#include "services/ups-gateway/account/account_book.h"

#include "absl/time/time.h"

namespace psups::ups_gateway {
namespace {

constexpr absl::Duration kFresh = absl::Seconds(5);

}  // namespace

void AccountBook::Find(const std::string& name, Done done) {
  absl::StatusOr<std::string> id = AccountIdFromName(name, "account");
  if (!id.ok()) return done(id.status());
  const absl::Time now = clock_.Now();
  AccountPtr found;
  {
    std::lock_guard lock(mutex_);
    const auto entry = entries_.find(*id);
    // The clock may have been set back.
    if (entry != entries_.end() && absl::AbsDuration(now - entry->second.read_time) < kFresh) {
      found = entry->second.account;
    }
  }
  if (found != nullptr) return done(std::move(found));
  post_([this, id = *std::move(id), now, done = std::move(done)] {
    absl::StatusOr<AccountPtr> read = store_.Get(id);
    if (read.ok()) {
      std::lock_guard lock(mutex_);
      entries_[id] = {*read, now};
    }
    done(std::move(read));
  });
}

void AccountBook::Forget(const std::string& account_id) {
  std::lock_guard lock(mutex_);
  entries_.erase(account_id);
}

}  // namespace psups::ups_gateway
