#include "services/ups-gateway/token/treasury.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/wire/config_alarm.h"
#include "services/ups-gateway/wire/error_catalogue.h"

namespace psups::ups_gateway {
namespace {

const GaugeMetric kTokenLeft(
    "psups_ups_token_left_seconds",
    "Time for which the access token in use is good; the least over the credentials.");

absl::Status Paused(Operation operation, absl::Duration left) {
  return absl::UnauthenticatedError(absl::StrCat(
      "UPS refuses the account's token for ", std::string(NameOf(operation)),
      ". Check in UPS's developer portal that the app has this product. Next attempt in ",
      absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))), "."));
}

}  // namespace

Treasury::Treasury(TokenStore& store, UpsApi& api, const Clock& clock,
                   std::function<double()> unit_random, absl::Duration patience)
    : store_(store),
      api_(api),
      clock_(clock),
      unit_random_(std::move(unit_random)),
      patience_(patience) {}

Treasury::~Treasury() { Close(); }

void Treasury::Close() {
  Answers answers;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [id, entry] : entries_) {
      FailWaiters(entry, absl::UnavailableError("the service is stopping"), answers);
    }
  }
  Deliver(std::move(answers));
}

void Treasury::Deliver(Answers answers) {
  for (Answered& answer : answers) answer.done(std::move(answer.result));
}

void Treasury::Get(const AccountPtr& account, Operation operation, Callback done) {
  absl::StatusOr<Token> result = absl::UnknownError("");
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = clock_.Now();
    Entry& entry = entries_[account->treasury_id];
    entry.account = account;
    const auto paused = entry.paused_until.find(operation);
    if (paused != entry.paused_until.end() && now < paused->second) {
      result = Paused(operation, paused->second - now);
    } else if (entry.token.value != nullptr && now < entry.usable_until) {
      result = entry.token;
      if (now >= entry.renew_time && !entry.wanted && !entry.fetching && now >= entry.not_before) {
        entry.wanted = wake = true;
      }
    } else if (closed_) {
      result = absl::UnavailableError("the service is stopping");
    } else if (!entry.refusal.ok() && now < entry.not_before &&
               !(entry.spares_money && MovesMoney(operation))) {
      result = entry.refusal;
    } else {
      if (entry.spares_money && MovesMoney(operation)) entry.not_before = absl::InfinitePast();
      entry.waiters.push_back({operation, std::move(done), now + patience_});
      entry.wanted = true;
      done = nullptr;
      wake = !entry.fetching;
    }
  }
  if (wake) wakeup_.Notify();
  if (done) done(std::move(result));
}

bool Treasury::HasToken(const Account& account, Operation operation) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(account.treasury_id);
  if (found == entries_.end() || found->second.token.value == nullptr) return false;
  const absl::Time now = clock_.Now();
  const auto paused = found->second.paused_until.find(operation);
  return now < found->second.usable_until &&
         (paused == found->second.paused_until.end() || now >= paused->second);
}

void Treasury::Refused(const Account& account, Operation operation, const Token& token) {
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[account.treasury_id];
  if (entry.token.version != token.version || entry.token.value == nullptr) return;
  entry.refused_version = token.version;
  entry.refused_by = operation;
  entry.token.value = nullptr;
}

void Treasury::Adopt(Entry& entry, std::string token, std::string version, absl::Duration left,
                     absl::Duration lifetime, absl::Time as_of) {
  entry.token = {std::make_shared<const std::string>(std::move(token)), std::move(version)};
  entry.usable_until = as_of + left - SafetyMargin(lifetime);
  entry.renew_time = as_of + left - RenewalLead(lifetime, unit_random_());
  entry.refused_version.clear();
  entry.refusal = absl::OkStatus();
}

void Treasury::ReleaseWaiters(Entry& entry, absl::Time now, Answers& answers) {
  for (Waiter& waiter : entry.waiters) {
    const auto paused = entry.paused_until.find(waiter.operation);
    if (paused != entry.paused_until.end() && now < paused->second) {
      answers.push_back({std::move(waiter.done), Paused(waiter.operation, paused->second - now)});
    } else {
      answers.push_back({std::move(waiter.done), entry.token});
    }
  }
  entry.waiters.clear();
}

void Treasury::FailWaiters(Entry& entry, const absl::Status& status, Answers& answers) {
  for (Waiter& waiter : entry.waiters) answers.push_back({std::move(waiter.done), status});
  entry.waiters.clear();
}

absl::StatusOr<int> Treasury::Step() {
  int count = 0;
  const absl::Status settled = SettleFinished(count);
  const absl::Status noticed = NoticeReplaced();

  std::vector<std::string> due;
  Answers answers;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = clock_.Now();
    for (auto& [id, entry] : entries_) {
      if (closed_) break;  // what has ended is stored, nothing new begins
      if (entry.wanted && !entry.fetching && now >= entry.not_before) due.push_back(id);
      const auto late =
          std::stable_partition(entry.waiters.begin(), entry.waiters.end(),
                                [&](const Waiter& waiter) { return now < waiter.give_up; });
      for (auto waiter = late; waiter != entry.waiters.end(); ++waiter) {
        answers.push_back({std::move(waiter->done),
                           entry.refusal.ok()
                               ? absl::UnavailableError("no token of UPS's came in time; try again")
                               : entry.refusal});
      }
      entry.waiters.erase(late, entry.waiters.end());
    }
  }
  Deliver(std::move(answers));

  absl::Status asked = absl::OkStatus();
  for (const std::string& id : due) {
    if (absl::Status status = Ask(id); !status.ok()) {
      asked = status;
    } else {
      ++count;
    }
  }
  RETURN_IF_ERROR(settled);
  RETURN_IF_ERROR(noticed);
  RETURN_IF_ERROR(asked);
  return count;
}

// Wants the newer token where another process has stored one: it may have done so because UPS
// refused ours.
absl::Status Treasury::NoticeReplaced() {
  std::vector<std::string> ids;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return absl::OkStatus();
    for (const auto& [id, entry] : entries_) {
      if (entry.token.value != nullptr && !entry.fetching) ids.push_back(id);
    }
  }
  if (ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto stored, store_.Versions(ids));
  std::lock_guard lock(mutex_);
  for (const auto& [id, version] : stored) {
    Entry& entry = entries_[id];
    if (version.empty() || version == entry.token.version || entry.fetching) continue;
    entry.wanted = true;
    entry.not_before = absl::InfinitePast();
  }
  return absl::OkStatus();
}

absl::Status Treasury::SettleFinished(int& count) {
  while (true) {
    Finished finished;
    {
      std::lock_guard lock(mutex_);
      if (finished_.empty()) return absl::OkStatus();
      finished = finished_.front();
    }
    // Until this is stored the row stays leased, so nobody asks a second time.
    RETURN_IF_ERROR(store_.Settle(finished.outcome));
    ++count;
    const TokenJudgement& judgement = finished.outcome.judgement;
    const bool granted = judgement.end == TokenEnd::kGranted;
    if (granted) {
      LogInfo("ups_token_granted", {{"call", finished.outcome.call_id},
                                    {"seconds", absl::ToInt64Seconds(judgement.lifetime)}});
    } else {
      std::string account;
      {
        std::lock_guard lock(mutex_);
        account = "accounts/" + entries_[finished.outcome.treasury_id].account->id;
      }
      LogWarning("ups_token_not_granted", {{"account", account},
                                           {"call", finished.outcome.call_id},
                                           {"problem", judgement.problem}});
      if (Look(Operation::kToken, judgement.ups_code, judgement.http_status).action ==
          Action::kConfigure) {
        RaiseConfigAlarm(Operation::kToken);
      }
    }
    Answers answers;
    {
      std::lock_guard lock(mutex_);
      finished_.erase(finished_.begin());
      Entry& entry = entries_[finished.outcome.treasury_id];
      entry.fetching = false;
      entry.not_before = absl::InfinitePast();
      if (granted) {
        entry.wanted = false;
        Adopt(entry, judgement.token, finished.outcome.call_id, judgement.lifetime,
              judgement.lifetime, finished.sent);
        ReleaseWaiters(entry, clock_.Now(), answers);
      }
      // Else the store, asked again now, says what to tell those who wait.
    }
    Deliver(std::move(answers));
  }
}

absl::Status Treasury::Ask(const std::string& treasury_id) {
  AccountPtr account;
  TokenWish wish;
  {
    std::lock_guard lock(mutex_);
    const Entry& entry = entries_[treasury_id];
    account = entry.account;
    wish.refused = !entry.refused_version.empty();
    wish.unwanted_version = wish.refused ? entry.refused_version : entry.token.version;
    wish.money = std::any_of(entry.waiters.begin(), entry.waiters.end(),
                             [](const Waiter& waiter) { return MovesMoney(waiter.operation); });
  }
  const absl::Time now = clock_.Now();
  const auto counted = std::chrono::steady_clock::now();
  const std::string call_id = NewCallId(now);
  const absl::Duration timeout = absl::Seconds(account->settings.read_timeout_seconds());
  absl::StatusOr<TokenAnswer> asked =
      store_.Ask(*account, wish, call_id, kSendFence + timeout + absl::Seconds(5));
  Answers answers;
  if (!asked.ok()) {
    if (!absl::IsUnavailable(asked.status())) {
      std::lock_guard lock(mutex_);
      Entry& entry = entries_[treasury_id];
      entry.refusal = asked.status();
      entry.not_before = now + absl::Seconds(1);
      entry.wanted = false;
      FailWaiters(entry, asked.status(), answers);
    }
    Deliver(std::move(answers));
    return asked.status();
  }
  TokenAnswer& answer = *asked;
  bool fetch = false;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[treasury_id];
    entry.spares_money = false;
    const TokenDecision& decision = answer.decision;
    switch (decision.kind) {
      case TokenDecision::Kind::kUse: {
        if (decision.pause > absl::ZeroDuration()) {
          entry.paused_until[entry.refused_by] = now + decision.pause;
          RaiseConfigAlarm(entry.refused_by);
          LogWarning("ups_operation_paused",
                     {{"operation", NameOf(entry.refused_by)},
                      {"seconds", absl::ToInt64Seconds(decision.pause)},
                      {"next_step", "check that the app has this product in UPS's portal"}});
        }
        const bool same = answer.version == wish.unwanted_version;
        if (!same && !wish.unwanted_version.empty()) {
          LogInfo("ups_token_replaced",
                  {{"account", "accounts/" + account->id}, {"by_call", answer.version}});
        }
        Adopt(entry, std::move(answer.token), answer.version, answer.left, answer.lifetime, now);
        // It could not be renewed now: asked again in a while, not by every call.
        if (same) entry.renew_time = std::max(entry.renew_time, now + absl::Seconds(15));
        entry.wanted = false;
        ReleaseWaiters(entry, now, answers);
        break;
      }
      case TokenDecision::Kind::kFetch:
        entry.fetching = fetch = true;
        break;
      case TokenDecision::Kind::kWait: {
        entry.not_before = now + decision.wait;
        if (decision.wait > patience_) {
          entry.refusal = absl::UnavailableError(
              absl::StrCat("The account's next token request is due in ",
                           absl::FormatDuration(absl::Ceil(decision.wait, absl::Seconds(1))),
                           "; try again then."));
          FailWaiters(entry, entry.refusal, answers);
        }
        break;
      }
      case TokenDecision::Kind::kRefuse: {
        entry.not_before = now + decision.wait;
        entry.refusal = decision.refusal;
        entry.spares_money = !wish.money;
        std::vector<Waiter> spared;
        for (Waiter& waiter : entry.waiters) {
          if (entry.spares_money && MovesMoney(waiter.operation)) {
            spared.push_back(std::move(waiter));
          } else {
            answers.push_back({std::move(waiter.done), decision.refusal});
          }
        }
        entry.waiters = std::move(spared);
        // Those came while the store was asked for readers only: it is asked again, for them.
        entry.wanted = !entry.waiters.empty();
        if (entry.wanted) {
          entry.not_before = absl::InfinitePast();
          wakeup_.Notify();
        }
        break;
      }
    }
  }
  Deliver(std::move(answers));
  if (fetch) Fetch(*account, call_id, answer, counted);
  return absl::OkStatus();
}

void Treasury::Fetch(const Account& account, const std::string& call_id, const TokenAnswer& answer,
                     std::chrono::steady_clock::time_point counted) {
  UpsRequest request{
      .wire = TokenRequest(),
      .call_id = call_id,
      .authorization = "Basic " + Base64(answer.client_id + ":" + answer.client_secret),
      .timeout = absl::Seconds(account.settings.read_timeout_seconds())};
  const absl::Time sent = clock_.Now();
  // The count was committed after `counted`: older than the fence, and another may be asking by
  // now.
  request.before_body = [this, counted, sent] {
    return absl::FromChrono(std::chrono::steady_clock::now() - counted) <= kSendFence &&
           clock_.Now() - sent <= kSendFence;
  };
  api_.Send(account, std::move(request),
            [this, call_id, sent, secret_time = answer.secret_time,
             treasury_id = account.treasury_id, account_id = account.id](HttpOutcome outcome) {
              Finished finished{.outcome = {.treasury_id = treasury_id,
                                            .account_id = account_id,
                                            .call_id = call_id,
                                            .judgement = JudgeToken(outcome),
                                            .secret_time = secret_time},
                                .sent = sent};
              {
                std::lock_guard lock(mutex_);
                finished_.push_back(std::move(finished));
              }
              wakeup_.Notify();
            });
}

void Treasury::ExportMetrics() {
  std::lock_guard lock(mutex_);
  absl::Duration least = absl::InfiniteDuration();
  for (const auto& [id, entry] : entries_) {
    const absl::Duration this_left =
        entry.token.value == nullptr ? absl::ZeroDuration() : entry.usable_until - clock_.Now();
    least = std::min(least, std::max(this_left, absl::ZeroDuration()));
  }
  kTokenLeft().Set(entries_.empty() ? 0 : absl::ToDoubleSeconds(least));
}

}  // namespace psups::ups_gateway
