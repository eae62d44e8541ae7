#include "services/ups-gateway/flow/flow_control.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"

namespace psups::ups_gateway {
namespace {

constexpr absl::Duration kLongestDue = absl::Seconds(1);
constexpr absl::Duration kShortestDue = absl::Microseconds(200);
// How often calls are looked at that wait for something that tells no time.
constexpr absl::Duration kLookAgain = absl::Milliseconds(20);
// The ramp's end where the account sets no rate and none was measured.
constexpr double kRampRate = 100;

const GaugeMetric kWaiting("psups_ups_flow_waiting", "Calls to UPS that wait for their turn.",
                           {"op"});
const GaugeMetric kOpen(
    "psups_ups_circuit_open",
    "Credentials for which an operation is not called because UPS does not answer it.", {"op"});
const CounterMetric kRefused("psups_ups_flow_refused_total",
                             "Calls to UPS that were refused before they were sent: patience, "
                             "queue_full, not_before, circuit or stopping.",
                             {"reason"});

prometheus::Gauge& WaitingGauge(Operation operation) { return kWaiting(NameOf(operation)); }

prometheus::Gauge& OpenGauge(Operation operation) { return kOpen(NameOf(operation)); }

void CountRefused(const char* reason) { kRefused(reason).Increment(); }

std::string InSeconds(absl::Duration wait) {
  return absl::FormatDuration(absl::Ceil(wait, absl::Seconds(1)));
}

absl::Status Away(Operation operation, absl::Duration probe_in) {
  return absl::UnavailableError(absl::StrCat(
      "UPS does not answer ", std::string(NameOf(operation)), "; nothing was sent. It is ",
      probe_in > absl::ZeroDuration() ? absl::StrCat("asked again in ", InSeconds(probe_in))
                                      : "being asked",
      "."));
}

absl::Status Late() {
  return absl::ResourceExhaustedError(
      "Too many calls wait for UPS; this one was not sent. Try again in a while.");
}

absl::Status NotYet(absl::Duration wait) {
  return absl::ResourceExhaustedError(absl::StrCat("UPS wants no calls for ", InSeconds(wait),
                                                   "; this one was not sent. Try again then."));
}

absl::Status Stopping() { return absl::UnavailableError("the service is stopping"); }

}  // namespace

absl::Time SteadyClock::Now() const {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

FlowPass::~FlowPass() {
  if (!ended_) control_.Leave(*this, {}, /*sent=*/false);
}

void FlowPass::End(const HttpOutcome& outcome) {
  if (ended_) return;
  ended_ = true;
  control_.Leave(*this, EndOf(outcome, control_.wall_.Now()), /*sent=*/true);
}

FlowControl::FlowControl(FlowStore& store, std::string run_id, const Clock& steady,
                         const Clock& wall, std::function<double()> unit_random, Options options)
    : store_(store),
      run_id_(std::move(run_id)),
      steady_(steady),
      wall_(wall),
      unit_random_(std::move(unit_random)),
      options_(options) {}

FlowControl::~FlowControl() { Close(); }

void FlowControl::Deliver(Answers answers) {
  for (Answer& answer : answers) answer.done(std::move(answer.result));
}

void FlowControl::Tune(Entry& entry, absl::Time now) {
  FlowSettings settings = FlowOf(entry.account->settings);
  settings.calls_per_second =
      RateAt(entry.limit, settings.calls_per_second, now, options_.recovery);
  settings = PartOf(settings, replicas_);
  entry.rate = settings.calls_per_second;
  entry.limiter.Set(settings);
}

FlowControl::Entry& FlowControl::Tuned(const AccountPtr& account, absl::Time now) {
  Entry& entry = entries_[account->id];
  entry.account = account;
  Tune(entry, now);
  return entry;
}

Circuit& FlowControl::CircuitOf(Entry& entry, Operation operation) {
  Circuit*& circuit = entry.circuits[operation];
  if (circuit == nullptr) circuit = &circuits_[{entry.account->treasury_id, operation}];
  return *circuit;
}

absl::Time FlowControl::NotBefore(const Entry& entry, Operation operation) const {
  if (entry.not_before.empty()) return entry.limit.not_before;
  const auto found = entry.not_before.find(std::string(NameOf(operation)));
  return found == entry.not_before.end() ? entry.limit.not_before
                                         : std::max(found->second, entry.limit.not_before);
}

Circuit::Gate FlowControl::Look(Entry& entry, Operation operation, absl::Time now) {
  const Circuit::Gate gate =
      CircuitOf(entry, operation).Look(now, entry.rate > 0 ? entry.rate : kRampRate / replicas_);
  if (gate == Circuit::Gate::kPass && now < NotBefore(entry, operation)) {
    return Circuit::Gate::kWait;
  }
  return gate;
}

FlowPassPtr FlowControl::Pass(Entry& entry, const std::string& account_id, Operation operation,
                              const std::string& caller, absl::Time now) {
  const bool probe = CircuitOf(entry, operation).Begin();
  return FlowPassPtr(new FlowPass(*this, account_id, operation, caller, probe, now));
}

void FlowControl::Admit(const AccountPtr& account, Operation operation, CallOrigin origin,
                        Done done) {
  Answers answers;
  bool wait = false;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = steady_.Now();
    Entry& entry = Tuned(account, now);
    const Circuit::Gate gate = Look(entry, operation, now);
    if (gate == Circuit::Gate::kPass && entry.limiter.TryNow(origin.caller, now)) {
      answers.push_back({std::move(done), Pass(entry, account->id, operation, origin.caller, now)});
    } else if (gate == Circuit::Gate::kRefuse) {
      CountRefused("circuit");
      answers.push_back(
          {std::move(done), Away(operation, CircuitOf(entry, operation).ProbeIn(now))});
    } else if (NotBefore(entry, operation) > now + options_.patience) {
      CountRefused("not_before");
      answers.push_back({std::move(done), NotYet(NotBefore(entry, operation) - now)});
    } else if (closed_) {
      answers.push_back({std::move(done), Stopping()});
    } else {
      Enqueue(entry, account, operation, std::move(origin), std::move(done), now, answers);
      PumpEntry(entry, now, answers);
      wait = entry.limiter.waiting() > 0;
    }
  }
  if (wait) wakeup_.Notify();
  Deliver(std::move(answers));
}

bool FlowControl::Free(const AccountPtr& account, Operation operation) {
  std::lock_guard lock(mutex_);
  const absl::Time now = steady_.Now();
  Entry& entry = Tuned(account, now);
  return Look(entry, operation, now) == Circuit::Gate::kPass && entry.limiter.Free(now);
}

void FlowControl::Enqueue(Entry& entry, const AccountPtr& account, Operation operation,
                          CallOrigin origin, Done done, absl::Time now, Answers& answers) {
  const uint64_t id = ++arrivals_;
  entry.waiters[id] = {account, operation, origin.caller, std::move(done), now + options_.patience};
  WaitingGauge(operation).Increment();
  const std::optional<uint64_t> crowded_out =
      entry.limiter.Wait(id, operation, origin, options_.most_waiting);
  if (crowded_out) Refuse(entry, *crowded_out, "queue_full", Late(), answers);
}

void FlowControl::Refuse(Entry& entry, uint64_t id, const char* reason, absl::Status status,
                         Answers& answers) {
  const auto found = entry.waiters.find(id);
  CountRefused(reason);
  WaitingGauge(found->second.operation).Decrement();
  answers.push_back({std::move(found->second.done), std::move(status)});
  entry.waiters.erase(found);
}

int FlowControl::PumpEntry(Entry& entry, absl::Time now, Answers& answers) {
  if (entry.limiter.waiting() == 0) return 0;
  const std::size_t before = answers.size();
  // All have the same patience, so the oldest is the first to lose it.
  for (auto oldest = entry.limiter.Oldest(); oldest && entry.waiters.at(*oldest).give_up <= now;
       oldest = entry.limiter.Oldest()) {
    entry.limiter.Remove(*oldest);
    Refuse(entry, *oldest, "patience", Late(), answers);
  }
  std::optional<uint64_t> next;
  do {
    for (const Operation operation : entry.limiter.Waiting()) {
      if (Look(entry, operation, now) != Circuit::Gate::kRefuse) continue;
      const absl::Duration probe_in = CircuitOf(entry, operation).ProbeIn(now);
      for (const uint64_t id : entry.limiter.RemoveAll(operation)) {
        Refuse(entry, id, "circuit", Away(operation, probe_in), answers);
      }
    }
    next = entry.limiter.Next(now, [&](Operation operation) {
      return Look(entry, operation, now) == Circuit::Gate::kPass;
    });
    if (!next) break;
    auto waiter = entry.waiters.extract(*next);
    Waiter& going = waiter.mapped();
    WaitingGauge(going.operation).Decrement();
    answers.push_back({std::move(going.done),
                       Pass(entry, going.account->id, going.operation, going.caller, now)});
  } while (true);
  return static_cast<int>(answers.size() - before);
}

int FlowControl::Pump() {
  Answers answers;
  int count = 0;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = steady_.Now();
    for (auto& [id, entry] : entries_) {
      if (entry.limiter.waiting() == 0) continue;
      Tune(entry, now);
      count += PumpEntry(entry, now, answers);
    }
  }
  Deliver(std::move(answers));
  return count;
}

absl::Duration FlowControl::DueIn() {
  std::lock_guard lock(mutex_);
  const absl::Time now = steady_.Now();
  absl::Time due = now + kLongestDue;
  for (auto& [id, entry] : entries_) {
    if (entry.limiter.waiting() == 0) continue;
    due = std::min(
        {due, entry.limiter.NextTime(now), entry.waiters.at(*entry.limiter.Oldest()).give_up});
    for (const Operation operation : entry.limiter.Waiting()) {
      if (Look(entry, operation, now) != Circuit::Gate::kPass) {
        due = std::min(due, now + kLookAgain);
      }
    }
  }
  return std::max(kShortestDue, due - now);
}

void FlowControl::Leave(const FlowPass& pass, const CallEnd& end, bool sent) {
  Answers answers;
  bool tell = false;
  bool changed = false;
  bool opened = false;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = steady_.Now();
    Entry& entry = entries_[pass.account_id_];
    entry.limiter.Finish(pass.caller_, sent);
    Circuit& circuit = CircuitOf(entry, pass.operation_);
    const bool was_open = circuit.open();
    circuit.End(end.kind, pass.probe_, now, unit_random_());
    opened = circuit.open() && !was_open;
    if (was_open != circuit.open()) OpenGauge(pass.operation_).Increment(opened ? 1 : -1);
    const bool throttled = end.kind == CallEnd::Kind::kThrottled;
    if (throttled || end.wait > absl::ZeroDuration()) {
      // A complaint about too many calls is about all; a wait otherwise, about what was asked.
      FlowNews news{.throttled = throttled, .sent = pass.begun_};
      if (end.wait > absl::ZeroDuration()) news.not_before = now + end.wait;
      const double set = FlowOf(entry.account->settings).calls_per_second;
      news.full_rate = set > 0 ? set : entry.limiter.RecentRate(now) * replicas_;
      const std::string operation = throttled ? "" : std::string(NameOf(pass.operation_));
      if (throttled) {
        entry.limit = Learn(entry.limit, news, now, options_.recovery);
        changed = entry.limit.change_time == now;
      } else {
        absl::Time& not_before = entry.not_before.try_emplace(operation, now).first->second;
        changed = not_before <= now;
        not_before = std::max(not_before, news.not_before);
      }
      Tell(pass.account_id_, operation, news);
      tell = true;
    }
    Tune(entry, now);
    if (sent) PumpEntry(entry, now, answers);
  }
  // Else the place goes on by Pump: whoever took it here might leave it at once too, one within the
  // other as deep as the queue is long.
  if (!sent) wakeup_.Notify();
  if (tell) news_wakeup_.Notify();
  if (changed) {
    LogInfo("ups_asks_for_fewer_calls", {{"account", "accounts/" + pass.account_id_},
                                         {"operation", NameOf(pass.operation_)},
                                         {"seconds", absl::ToInt64Seconds(end.wait)}});
  }
  if (opened) {
    LogWarning("ups_circuit_opened", {{"operation", NameOf(pass.operation_)}});
  }
  Deliver(std::move(answers));
}

void FlowControl::Close() {
  Answers answers;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [account_id, entry] : entries_) {
      for (auto oldest = entry.limiter.Oldest(); oldest; oldest = entry.limiter.Oldest()) {
        entry.limiter.Remove(*oldest);
        Refuse(entry, *oldest, "stopping", Stopping(), answers);
      }
    }
  }
  Deliver(std::move(answers));
}

}  // namespace psups::ups_gateway
