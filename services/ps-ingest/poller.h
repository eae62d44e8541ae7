#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "common/worker.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/passwords.h"
#include "services/ps-ingest/ports.h"
#include "services/ps-ingest/read.h"

namespace psups::ps_ingest {

// Runs a task on a thread that may block.
using Post = std::function<void(std::function<void()>)>;

struct PollRules {
  absl::Duration lease = absl::Seconds(15);
  Backoff retry = {.first = absl::Seconds(1), .cap = absl::Seconds(30)};
  // Between looks at a site that is set up wrongly: it heals when its administrator mends it.
  absl::Duration setup_retry = absl::Seconds(60);
  int most_in_flight = 64;
};

// What a read's answer makes of the cursor and the orders; the rule behind the poller. `stored` is
// what is known of the answer's documents.
ReadOutcome Settle(const PollLease& poll, const Window& window, const std::string& call_id,
                   Answer answer, std::optional<absl::Time> server_time_at_start,
                   const std::map<std::string, StoredRevision>& stored, const PollRules& rules,
                   const Deriver& derive);

// Reads PeopleSoft: window by window of every connection and document type that is due, one read in
// flight for each user (OPRID). Safe to kill anywhere: rows, cursor and record stand or fall
// together.
class Poller {
 public:
  // `orders_came` is notified when there is something to hand out.
  Poller(
      PollStore& store, PeopleSoft& people_soft, Passwords& passwords, OpenCalls& calls, Post post,
      Deriver derive, PollRules rules, Wakeup& wakeup, std::function<void()> orders_came = [] {});

  // Starts the reads that are due and prolongs the leases of those in flight.
  absl::StatusOr<int> Step();
  // Waits until no read is in flight. For tests.
  void Drain();

 private:
  struct Read;
  void Start(PollLease poll);
  void Finish(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply);
  absl::Status Store(Read& read, ReadOutcome outcome);
  void Forget(const Read& read);

  PollStore& store_;
  PeopleSoft& people_soft_;
  Passwords& passwords_;
  OpenCalls& calls_;
  const Post post_;
  const Deriver derive_;
  const PollRules rules_;
  Wakeup& wakeup_;
  const std::function<void()> orders_came_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, PollLease> in_flight_;  // by call id
  absl::Time renewed_ = absl::InfinitePast();
};

}  // namespace psups::ps_ingest
