#include "services/ups-gateway/flow/limiter.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace psups::ups_gateway {
namespace {

constexpr double kRecentSeconds = 5;  // over which RecentRate looks back

double Decay(absl::Time from, absl::Time to) {
  return std::exp(-std::max(0.0, absl::ToDoubleSeconds(to - from)) / kRecentSeconds);
}

}  // namespace

void RateBucket::Fill(double rate, absl::Time now) {
  // At first it is full.
  tokens = as_of == absl::InfinitePast()
               ? Burst(rate)
               : std::min(Burst(rate),
                          tokens + rate * std::max(0.0, absl::ToDoubleSeconds(now - as_of)));
  as_of = now;
}

double Limiter::ShareRate() const {
  return settings_.calls_per_second * settings_.caller_share_percent / 100;
}

bool Limiter::HasRoom(absl::Time now) {
  if (settings_.calls_in_flight > 0 && in_flight_ >= settings_.calls_in_flight) return false;
  if (settings_.calls_per_second <= 0) return true;
  bucket_.Fill(settings_.calls_per_second, now);
  return bucket_.tokens >= 1;
}

bool Limiter::InShare(CallerState& state, absl::Time now) const {
  if (settings_.calls_in_flight > 0) {
    const int most = std::max(1, settings_.calls_in_flight * settings_.caller_share_percent / 100);
    if (state.in_flight >= most) return false;
  }
  if (settings_.calls_per_second <= 0) return true;
  state.bucket.Fill(ShareRate(), now);
  return state.bucket.tokens >= 1;
}

void Limiter::Go(CallerState& state, absl::Time now) {
  ++in_flight_;
  ++state.in_flight;
  if (settings_.calls_per_second > 0) {
    bucket_.tokens -= 1;
    // Who was alone may have had more than its share; it is not held against it.
    state.bucket.Fill(ShareRate(), now);
    state.bucket.tokens = std::max(0.0, state.bucket.tokens - 1);
  }
  recent_ = recent_ * Decay(recent_as_of_, now) + 1 / kRecentSeconds;
  recent_as_of_ = now;
}

bool Limiter::Free(absl::Time now) { return waiting_.empty() && HasRoom(now); }

bool Limiter::TryNow(const std::string& caller, absl::Time now) {
  if (!Free(now)) return false;
  Go(callers_[caller], now);
  return true;
}

std::optional<uint64_t> Limiter::Wait(uint64_t id, Operation operation, const CallOrigin& origin,
                                      std::size_t most) {
  const LaneKey key{PriorityOf(operation), operation};
  const Place place{origin.ship_by, id};
  lanes_[key].callers[origin.caller].insert(place);
  ++callers_[origin.caller].waiting;
  waiting_[id] = {key, origin.caller, place};
  if (waiting_.size() <= most) return std::nullopt;
  const uint64_t last = Last(id);
  Remove(last);
  return last;
}

uint64_t Limiter::Last(uint64_t newcomer) const {
  // The lowest priority, over all its operations.
  const int priority = lanes_.rbegin()->first.first;
  std::map<std::string, std::pair<std::size_t, Place>> held;
  for (auto lane = lanes_.rbegin(); lane != lanes_.rend() && lane->first.first == priority;
       ++lane) {
    for (const auto& [caller, places] : lane->second.callers) {
      auto& [count, last] = held[caller];
      count += places.size();
      last = std::max(last, *places.rbegin());
    }
  }
  const std::string& mine = waiting_.at(newcomer).caller;
  const auto most =
      std::max_element(held.begin(), held.end(), [&](const auto& one, const auto& other) {
        // As many: whoever comes now.
        return std::make_tuple(one.second.first, one.first == mine) <
               std::make_tuple(other.second.first, other.first == mine);
      });
  return most->second.second.second;
}

std::optional<uint64_t> Limiter::Next(absl::Time now, const Gate& gate) {
  if (waiting_.empty() || !HasRoom(now)) return std::nullopt;
  std::vector<std::pair<int, const Lane*>> open;
  const std::string* first = nullptr;
  bool several = false;  // callers whose calls could go but for the limits
  for (const auto& [key, lane] : lanes_) {
    if (!gate(key.second)) continue;
    open.emplace_back(key.first, &lane);
    for (const auto& [caller, places] : lane.callers) {
      several |= first != nullptr && *first != caller;
      first = &caller;
    }
  }
  for (std::size_t i = 0; i < open.size();) {
    const int priority = open[i].first;
    // The caller whose last turn is the longest ago, and its first place over the operations.
    CallerState* chosen = nullptr;
    const std::string* name = nullptr;
    const Place* place = nullptr;
    uint64_t turn = 0;
    for (; i < open.size() && open[i].first == priority; ++i) {
      for (const auto& [caller, places] : open[i].second->callers) {
        if (name != nullptr && *name == caller) {
          if (*places.begin() < *place) place = &*places.begin();
          continue;
        }
        CallerState& state = callers_[caller];
        const auto last = state.last_turn.find(priority);
        const uint64_t last_turn = last == state.last_turn.end() ? 0 : last->second;
        if (chosen != nullptr && last_turn >= turn) continue;
        if (several && !InShare(state, now)) continue;
        chosen = &state;
        name = &caller;
        place = &*places.begin();
        turn = last_turn;
      }
    }
    if (chosen == nullptr) continue;
    const uint64_t id = place->second;
    chosen->last_turn[priority] = ++turns_;
    Go(*chosen, now);
    Remove(id);
    return id;
  }
  return std::nullopt;
}

void Limiter::Remove(uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  const Seat& seat = found->second;
  const auto lane = lanes_.find(seat.lane);
  const auto places = lane->second.callers.find(seat.caller);
  places->second.erase(seat.place);
  if (places->second.empty()) lane->second.callers.erase(places);
  if (lane->second.callers.empty()) lanes_.erase(lane);
  --callers_[seat.caller].waiting;
  waiting_.erase(found);
}

std::vector<uint64_t> Limiter::RemoveAll(Operation operation) {
  std::vector<uint64_t> removed;
  const auto lane = lanes_.find({PriorityOf(operation), operation});
  if (lane == lanes_.end()) return removed;
  for (const auto& [caller, places] : lane->second.callers) {
    for (const Place& place : places) removed.push_back(place.second);
  }
  for (const uint64_t id : removed) Remove(id);
  return removed;
}

std::optional<uint64_t> Limiter::Oldest() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

std::vector<Operation> Limiter::Waiting() const {
  std::vector<Operation> operations;
  for (const auto& [key, lane] : lanes_) operations.push_back(key.second);
  return operations;
}

void Limiter::Finish(const std::string& caller, bool sent) {
  CallerState& state = callers_[caller];
  --in_flight_;
  --state.in_flight;
  if (sent) return;
  bucket_.tokens += 1;  // the next Fill keeps it within the burst
  state.bucket.tokens += 1;
}

absl::Time Limiter::NextTime(absl::Time now) {
  const double rate = settings_.calls_per_second;
  if (waiting_.empty() || rate <= 0) return absl::InfiniteFuture();
  if (settings_.calls_in_flight > 0 && in_flight_ >= settings_.calls_in_flight) {
    return absl::InfiniteFuture();
  }
  bucket_.Fill(rate, now);
  if (bucket_.tokens < 1) return now + absl::Seconds((1 - bucket_.tokens) / rate);
  absl::Time next = absl::InfiniteFuture();
  for (auto& [caller, state] : callers_) {
    if (state.waiting == 0) continue;
    state.bucket.Fill(ShareRate(), now);
    if (state.bucket.tokens >= 1) continue;  // what it lacks is a slot
    next = std::min(next, now + absl::Seconds((1 - state.bucket.tokens) / ShareRate()));
  }
  return next;
}

double Limiter::RecentRate(absl::Time now) const { return recent_ * Decay(recent_as_of_, now); }

}  // namespace psups::ups_gateway
