#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/worker.h"
#include "services/ups-gateway/account/account.h"
#include "services/ups-gateway/flow/circuit.h"
#include "services/ups-gateway/flow/flow_rules.h"
#include "services/ups-gateway/flow/flow_store.h"
#include "services/ups-gateway/flow/limiter.h"

namespace psups::ups_gateway {

class FlowControl;

// The right to make one call. Ends when told how the call ended, or when it goes.
class FlowPass {
 public:
  ~FlowPass();
  FlowPass(const FlowPass&) = delete;
  FlowPass& operator=(const FlowPass&) = delete;
  // Once; frees its slot.
  void End(const HttpOutcome& outcome);

 private:
  friend class FlowControl;
  FlowPass(FlowControl& control, std::string account_id, Operation operation, std::string caller,
           bool probe, absl::Time begun)
      : control_(control),
        account_id_(std::move(account_id)),
        operation_(operation),
        caller_(std::move(caller)),
        probe_(probe),
        begun_(begun) {}

  FlowControl& control_;
  const std::string account_id_;
  const Operation operation_;
  const std::string caller_;
  const bool probe_;
  const absl::Time begun_;
  bool ended_ = false;
};
using FlowPassPtr = std::shared_ptr<FlowPass>;

// Lets calls to UPS go, or wait, or refuses them: by the account's limits, of which this replica
// has its part, by UPS's complaints, which the replicas share, and by this replica's circuits. From
// any thread. Where nothing stands in the way it costs no query and no wait.
class FlowControl {
 public:
  struct Options {
    absl::Duration patience = absl::Seconds(20);  // how long a call waits at most
    absl::Duration recovery = absl::Minutes(5);   // from nothing to the full rate
    std::size_t most_waiting = 10'000;            // of one account
  };

  // `steady` must never jump; `wall` is for dates of UPS's.
  FlowControl(FlowStore& store, std::string run_id, const Clock& steady, const Clock& wall,
              std::function<double()> unit_random, Options options);
  ~FlowControl();

  // RESOURCE_EXHAUSTED: not in time, or too many wait. UNAVAILABLE: UPS is away. Never blocks;
  // `done` runs at once or soon, on a thread that must not be blocked.
  using Done = std::function<void(absl::StatusOr<FlowPassPtr>)>;
  void Admit(const AccountPtr& account, Operation operation, CallOrigin origin, Done done);

  // Whether Admit would let a call go at once.
  bool Free(const AccountPtr& account, Operation operation);

  // Lets go whose turn it is, refuses who has waited too long. How many.
  int Pump();
  // When Pump has something to do next, at the latest in a second.
  absl::Duration DueIn();
  Wakeup& wakeup() { return wakeup_; }

  // Tells the other replicas what UPS said and learns what it said to them.
  absl::StatusOr<int> Share();
  Wakeup& news() { return news_wakeup_; }

  // Refuses every call that waits, and each later one that would have to.
  void Close();

 private:
  friend class FlowPass;
  struct Waiter {
    AccountPtr account = {};
    Operation operation = Operation::kAddress;
    std::string caller = {};
    Done done = {};
    absl::Time give_up = absl::InfiniteFuture();
  };
  // One account.
  struct Entry {
    AccountPtr account = {};  // the last to call; null: only heard of from other replicas
    double rate = 0;          // of this replica, now; 0: no limit
    Limiter limiter = {};
    FlowLimit limit = {};
    std::map<std::string, absl::Time> not_before = {};  // by operation
    std::map<Operation, Circuit*> circuits = {};
    std::unordered_map<uint64_t, Waiter> waiters = {};
  };
  struct Answer {
    Done done;
    absl::StatusOr<FlowPassPtr> result;
  };
  using Answers = std::vector<Answer>;

  Entry& Tuned(const AccountPtr& account, absl::Time now);
  void Tune(Entry& entry, absl::Time now);
  Circuit& CircuitOf(Entry& entry, Operation operation);
  absl::Time NotBefore(const Entry& entry, Operation operation) const;
  Circuit::Gate Look(Entry& entry, Operation operation, absl::Time now);
  FlowPassPtr Pass(Entry& entry, const std::string& account_id, Operation operation,
                   const std::string& caller, absl::Time now);
  void Enqueue(Entry& entry, const AccountPtr& account, Operation operation, CallOrigin origin,
               Done done, absl::Time now, Answers& answers);
  int PumpEntry(Entry& entry, absl::Time now, Answers& answers);
  void Refuse(Entry& entry, uint64_t id, const char* reason, absl::Status status, Answers& answers);
  void Leave(const FlowPass& pass, const CallEnd& end, bool sent);
  void Tell(const std::string& account_id, const std::string& operation, const FlowNews& news);
  void Adopt(const FlowView& view, absl::Time now);
  static void Deliver(Answers answers);

  FlowStore& store_;
  const std::string run_id_;
  const Clock& steady_;
  const Clock& wall_;
  const std::function<double()> unit_random_;
  const Options options_;
  Wakeup wakeup_;
  Wakeup news_wakeup_;

  std::mutex mutex_;
  bool closed_ = false;
  int replicas_ = 1;
  uint64_t arrivals_ = 0;
  std::map<std::string, Entry> entries_;                            // by account id
  std::map<std::pair<std::string, Operation>, Circuit> circuits_;   // by credential
  std::map<std::pair<std::string, std::string>, FlowNews> untold_;  // by account and operation
};

// A clock that nobody sets; only its differences mean anything.
class SteadyClock : public Clock {
 public:
  absl::Time Now() const override;
};

}  // namespace psups::ups_gateway
