#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "common/worker.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/passwords.h"
#include "services/ps-ingest/poller.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

struct WriteBackRules {
  absl::Duration lease = absl::Seconds(15);
  Backoff retry = {.first = absl::Seconds(1), .cap = absl::Seconds(30)};
  absl::Duration setup_retry = absl::Seconds(60);
  // Where a site has a status query: between looks at whether accepted messages are stored, and how
  // long one may take until it is sent again.
  absl::Duration confirm_wait = absl::Seconds(5);
  absl::Duration confirm_timeout = absl::Minutes(10);
  int most_in_flight = 64;
};

// What a reply to `sent` makes of them. Messages that the answer does not name, and all after a
// failure, stay as they are and are sent again: PeopleSoft drops a second message of the same id.
WriteBackOutcome Settle(const WriteBackLane& lane,
                        const std::vector<orders::v1::TrackingUpdate>& sent,
                        const std::string& call_id, const PeopleSoft::Reply& reply,
                        const WriteBackRules& rules);

// What an answer to the status query makes of a lane's accepted messages.
WriteBackOutcome SettleConfirmation(const WriteBackLane& lane, const std::string& call_id,
                                    const PeopleSoft::Reply& reply, const WriteBackRules& rules);

// Posts statuses to PeopleSoft: one POST in flight for each ACTIVE connection, each schedule's
// updates in their order. Safe to kill anywhere.
class WriteBacker {
 public:
  WriteBacker(WriteBackStore& store, PeopleSoft& people_soft, Passwords& passwords,
              OpenCalls& calls, Post post, WriteBackRules rules, Wakeup& wakeup);

  absl::StatusOr<int> Step();
  // Waits until no POST is in flight. For tests.
  void Drain();

 private:
  struct Posting;
  // `begun`: before the lane was leased, and so its intents committed.
  void Start(WriteBackLane lane, absl::Time begun);
  void StoreUnsent(const std::shared_ptr<Posting>& posting, WriteBackOutcome outcome);
  void Finish(const std::shared_ptr<Posting>& posting, const PeopleSoft::Reply& reply);
  void Forget(const Posting& posting);

  WriteBackStore& store_;
  PeopleSoft& people_soft_;
  Passwords& passwords_;
  OpenCalls& calls_;
  const Post post_;
  const WriteBackRules rules_;
  Wakeup& wakeup_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> in_flight_;  // call id → lease token
  absl::Time renewed_ = absl::InfinitePast();
};

}  // namespace psups::ps_ingest
