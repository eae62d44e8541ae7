#include "services/ps-ingest/reader_turn.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "common/clock.h"
#include "common/crypto.h"
#include "services/ps-ingest/connection.h"

namespace psups::ps_ingest {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(5);
constexpr absl::Duration kLook = absl::Milliseconds(50);

}  // namespace

PeopleSoft::Reply SendAndWait(PeopleSoft& people_soft, const PeopleSoft::Call& call) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<PeopleSoft::Reply> reply;
  people_soft.Send(call, [&](PeopleSoft::Reply came) {
    std::lock_guard lock(mutex);
    reply = std::move(came);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return reply.has_value(); });
  return *std::move(reply);
}

absl::StatusOr<ReaderTurn> ReaderTurn::Take(ConnectionStore& store,
                                            const orders::v1::Connection& connection,
                                            absl::Duration lease) {
  const std::string key = ReaderKey(connection);
  const std::string token = RandomHex128();
  const absl::Time end = WallTime() + kLongestWait;
  while (true) {
    const absl::Status taken = store.TakeReader(key, token, lease);
    if (taken.ok()) return ReaderTurn(store, key, token);
    if (WallTime() > end) return taken;
    absl::SleepFor(kLook);
  }
}

ReaderTurn::ReaderTurn(ReaderTurn&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      key_(std::move(other.key_)),
      token_(std::move(other.token_)) {}

ReaderTurn::~ReaderTurn() {
  if (store_ != nullptr) (void)store_->ReleaseReader(key_, token_);  // else the lease runs out
}

}  // namespace psups::ps_ingest
