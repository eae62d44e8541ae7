#include "services/ups-gateway/calls/asker.h"

#include <utility>

#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/wire/config_alarm.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {

std::shared_ptr<void> Unrecorded::Begin() {
  std::lock_guard lock(mutex_);
  const auto place = begun_.emplace(clock_.Now(), 0);
  return std::shared_ptr<void>(nullptr, [this, place](void*) {
    std::lock_guard lock(mutex_);
    begun_.erase(place);
  });
}

absl::Duration Unrecorded::OldestAge() {
  std::lock_guard lock(mutex_);
  return begun_.empty() ? absl::ZeroDuration() : clock_.Now() - begun_.begin()->first;
}

struct Asker::Task {
  AccountPtr account;
  WireRequest request;
  Done done;
  std::string call_id;
  CallOrigin origin;
  FlowPassPtr pass;
  On401 on_401 = On401::kRenew;
  int attempts = 0;
  AskResult result;
};

void Asker::Ask(AccountPtr account, WireRequest request, Done done, std::string call_id,
                CallOrigin origin, On401 on_401) {
  auto task = std::make_shared<Task>();
  task->account = std::move(account);
  task->request = std::move(request);
  task->done = std::move(done);
  task->call_id = std::move(call_id);
  task->origin = std::move(origin);
  task->on_401 = on_401;
  Attempt(std::move(task));
}

void Asker::Attempt(std::shared_ptr<Task> task) {
  line_.flow.Admit(task->account, task->request.operation, task->origin,
                   [this, task](absl::StatusOr<FlowPassPtr> pass) {
                     if (pass.ok()) {
                       task->pass = *std::move(pass);
                       return Send(task);
                     }
                     if (task->attempts == 0) task->result.response = pass.status();
                     line_.post([task] { task->done(std::move(task->result)); });
                   });
}

void Asker::Send(std::shared_ptr<Task> task) {
  const AccountPtr& account = task->account;
  // An operation may pause; whether it still has to is what kTell wants to know.
  const Operation token_for =
      task->on_401 == On401::kTell ? Operation::kProbe : task->request.operation;
  line_.treasury.Get(account, token_for, [this, task](absl::StatusOr<Token> token) {
    if (!token.ok()) {
      // After a first attempt its answer says more than that no other token was to be had.
      if (task->attempts == 0) task->result.response = token.status();
      task->pass = nullptr;
      line_.post([task] { task->done(std::move(task->result)); });
      return;
    }
    if (task->call_id.empty() || task->attempts > 0) task->call_id = NewCallId(line_.clock.Now());
    ++task->attempts;
    if (task->result.unrecorded == nullptr) task->result.unrecorded = line_.unrecorded.Begin();
    UpsRequest request{.wire = task->request,
                       .call_id = task->call_id,
                       .authorization = "Bearer " + *token->value,
                       .timeout = absl::Seconds(task->account->settings.read_timeout_seconds())};
    line_.api.Send(*task->account, std::move(request),
                   [this, task, token = *std::move(token)](HttpOutcome outcome) mutable {
                     line_.post([this, task = std::move(task), token = std::move(token),
                                 outcome = std::move(outcome)]() mutable {
                       OnReply(std::move(task), std::move(token), std::move(outcome));
                     });
                   });
  });
}

void Asker::OnReply(std::shared_ptr<Task> task, Token token, HttpOutcome outcome) {
  task->pass->End(outcome);
  Exchange exchange{.call_id = task->call_id,
                    .account_id = task->account->id,
                    .operation = task->request.operation,
                    .request = task->request.target + "\n" + task->request.body};
  if (outcome.response.ok()) {
    exchange.http_status = outcome.response->status;
    exchange.response = WithoutLabels(outcome.response->body);
    exchange.code = ErrorCodeOf(*outcome.response);
  } else {
    exchange.error = std::string(outcome.response.status().message());
  }
  task->result.exchanges.push_back(std::move(exchange));
  task->result.response = std::move(outcome.response);
  const auto& response = task->result.response;
  if (task->on_401 == On401::kTell) return task->done(std::move(task->result));
  if (task->attempts == 1 && response.ok() && response->status == 401 &&
      Look(task->request.operation, CodeOf(*response), 401).action == Action::kRenewToken) {
    line_.treasury.Refused(*task->account, task->request.operation, token);
    Attempt(std::move(task));
    return;
  }
  if (task->attempts > 1 && response.ok() && response->status == 401) {
    // The new token too: the rules decide whether it is the token or the operation.
    line_.treasury.Refused(*task->account, task->request.operation, token);
  }
  if (response.ok() && response->status / 100 == 2) {
    line_.drift.Look(task->request.operation, response->body);
  } else if (response.ok() &&
             Look(task->request.operation, CodeOf(*response), response->status).action ==
                 Action::kConfigure) {
    RaiseConfigAlarm(task->request.operation);
  }
  task->done(std::move(task->result));
}

CallRecorder::CallRecorder(CallStore& store)
    : commits_("call", 200, [&store](const std::vector<Item>& items) {
        std::vector<CallRecord> records;
        records.reserve(items.size());
        for (const Item& item : items) records.push_back(item.record);
        return AllStored(store.Record(records), items.size());
      }) {}

void CallRecorder::Record(CallRecord record, std::function<void(absl::Status)> done) {
  commits_.Add(
      {std::move(record), [done = std::move(done)](const absl::StatusOr<std::monostate>& stored) {
         done(stored.status());
       }});
}

nlohmann::json CallsDetail(const std::vector<Exchange>& exchanges) {
  nlohmann::json calls = nlohmann::json::array();
  for (const Exchange& exchange : exchanges) {
    calls.push_back({{"call_id", exchange.call_id},
                     {"operation", NameOf(exchange.operation)},
                     {"http_status", exchange.http_status}});
  }
  return calls;
}

}  // namespace psups::ups_gateway
