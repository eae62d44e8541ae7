#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/worker.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// An access token. `version` tells tokens of one credential apart.
struct Token {
  std::shared_ptr<const std::string> value = {};
  std::string version = {};
};

// The access tokens of this process: given out of memory, shared with other processes through the
// TokenStore, asked of UPS by whichever process the store lets. Many calls that wait share one
// request.
class Treasury {
 public:
  using Callback = std::function<void(absl::StatusOr<Token>)>;

  // `unit_random` spreads renewals; `patience` is how long a call waits for a token.
  Treasury(TokenStore& store, UpsApi& api, const Clock& clock, std::function<double()> unit_random,
           absl::Duration patience = absl::Seconds(15));
  ~Treasury();

  // Fails every call that waits, and each later one that would have to wait.
  void Close();

  // Calls `done` at once if there is a good token in memory, else from Step. Never blocks.
  void Get(const AccountPtr& account, Operation operation, Callback done);

  // Whether Get would give a token at once.
  bool HasToken(const Account& account, Operation operation);

  // UPS said 401 to `operation` with this token: it is renewed if the rules allow it, and no call
  // gets it meanwhile. If renewing does not help, the operation pauses and the others go on.
  void Refused(const Account& account, Operation operation, const Token& token);

  // One round of work for all credentials; a worker of its own runs it, also while RPCs drain.
  absl::StatusOr<int> Step();
  Wakeup& wakeup() { return wakeup_; }

  // Greatest share of a token budget that is used, and least time a token lives, for metrics.
  void ExportMetrics();

 private:
  struct Waiter {
    Operation operation = Operation::kAddress;
    Callback done = {};
    absl::Time give_up = absl::InfiniteFuture();
  };
  // One credential.
  struct Entry {
    AccountPtr account = {};  // the last to ask: its host, authorities and timeout serve
    Token token = {};
    absl::Time usable_until = absl::InfinitePast();
    absl::Time renew_time = absl::InfiniteFuture();
    bool wanted = false;    // a token is to be had from the store
    bool fetching = false;  // our request to UPS is on its way
    absl::Time not_before = absl::InfinitePast();
    absl::Status refusal = absl::OkStatus();  // what to tell callers until not_before
    bool spares_money = false;  // it was said to readers; who moves money may still be let through
    std::string refused_version = {};  // UPS said 401 to it
    Operation refused_by = Operation::kAddress;
    std::map<Operation, absl::Time> paused_until = {};
    std::vector<Waiter> waiters = {};
  };
  struct Finished {
    TokenOutcome outcome = {};
    absl::Time sent = absl::InfinitePast();
  };
  struct Answered {
    Callback done;
    absl::StatusOr<Token> result;
  };
  using Answers = std::vector<Answered>;

  static void Deliver(Answers answers);
  void Adopt(Entry& entry, std::string token, std::string version, absl::Duration left,
             absl::Duration lifetime, absl::Time as_of);
  void ReleaseWaiters(Entry& entry, absl::Time now, Answers& answers);
  void FailWaiters(Entry& entry, const absl::Status& status, Answers& answers);
  absl::Status SettleFinished(int& count);
  absl::Status NoticeReplaced();
  absl::Status Ask(const std::string& treasury_id);
  void Fetch(const Account& account, const std::string& call_id, const TokenAnswer& answer,
             std::chrono::steady_clock::time_point counted);

  TokenStore& store_;
  UpsApi& api_;
  const Clock& clock_;
  const std::function<double()> unit_random_;
  const absl::Duration patience_;
  Wakeup wakeup_;

  std::mutex mutex_;
  bool closed_ = false;
  std::map<std::string, Entry> entries_;  // by treasury_id
  std::vector<Finished> finished_;
};

}  // namespace psups::ups_gateway
