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
#include "services/ups-gateway/calls/group_commit.h"
#include "services/ups-gateway/flow/flow_control.h"
#include "services/ups-gateway/ports.h"
#include "services/ups-gateway/token/treasury.h"
#include "services/ups-gateway/wire/drift.h"

namespace psups::ups_gateway {

// The calls to UPS that are on their way or not yet recorded: what a heartbeat tells, so that a
// crash says from when on the record may lack some.
class Unrecorded {
 public:
  explicit Unrecorded(const Clock& clock) : clock_(clock) {}
  // Counts as unrecorded until the last copy is gone.
  std::shared_ptr<void> Begin();
  // Zero if there is none.
  absl::Duration OldestAge();

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::multimap<absl::Time, int> begun_;
};

// What every call to UPS goes through.
struct UpsLine {
  UpsApi& api;
  Treasury& treasury;
  FlowControl& flow;
  const Clock& clock;
  Unrecorded& unrecorded;
  Drift& drift;
  Post post;
};

// What came of asking.
struct AskResult {
  absl::StatusOr<HttpResponse> response = absl::UnknownError("not asked");
  std::vector<Exchange> exchanges = {};   // each attempt that may have reached UPS
  std::shared_ptr<void> unrecorded = {};  // to be held until they are stored
};

// Sends calls that are safe to repeat: with a token, and after a 401 once more with another one.
class Asker {
 public:
  explicit Asker(UpsLine line) : line_(std::move(line)) {}

  using Done = std::function<void(AskResult)>;
  // What a 401 leads to: another token and another attempt, or nothing: it is the answer, and
  // neither the token nor the operation is thought worse of.
  enum class On401 { kRenew, kTell };
  // Never blocks; `done` runs where blocking is allowed. `call_id` is the first attempt's; empty: a
  // new one. `origin`: for whom; by default for this service itself.
  void Ask(AccountPtr account, WireRequest request, Done done, std::string call_id = {},
           CallOrigin origin = {}, On401 on_401 = On401::kRenew);

  // To be held from before an intent is stored until its outcome is: the call counts as unrecorded
  // meanwhile, though it may still wait for its turn.
  std::shared_ptr<void> Intend() { return line_.unrecorded.Begin(); }

 private:
  struct Task;
  void Attempt(std::shared_ptr<Task> task);
  void Send(std::shared_ptr<Task> task);
  void OnReply(std::shared_ptr<Task> task, Token token, HttpOutcome outcome);

  const UpsLine line_;
};

// Stores calls that were made, before anybody is told of their outcome.
class CallRecorder {
 public:
  explicit CallRecorder(CallStore& store);
  void Record(CallRecord record, std::function<void(absl::Status)> done);

 private:
  struct Item {
    CallRecord record;
    std::function<void(absl::StatusOr<std::monostate>)> done;
  };
  GroupCommit<Item, std::monostate> commits_;
};

// The "calls" of a ledger entry's detail.
nlohmann::json CallsDetail(const std::vector<Exchange>& exchanges);

}  // namespace psups::ups_gateway
