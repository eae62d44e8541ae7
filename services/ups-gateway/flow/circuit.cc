#include "services/ups-gateway/flow/circuit.h"

#include <algorithm>
#include <cmath>

namespace psups::ups_gateway {
namespace {

constexpr int kOutagesThatOpen = 5;
constexpr absl::Duration kFirstWait = absl::Seconds(1);
constexpr absl::Duration kLongestWait = absl::Seconds(60);
// The ramp begins with a tenth of the full rate and doubles every second.
constexpr double kRampStart = 0.1;

}  // namespace

Circuit::Gate Circuit::Look(absl::Time now, double full_rate) {
  if (open_) return !probing_ && now >= probe_time_ ? Gate::kPass : Gate::kRefuse;
  if (ramp_time_ == absl::InfinitePast()) return Gate::kPass;
  const double part = kRampStart * std::exp2(absl::ToDoubleSeconds(now - ramp_time_));
  if (part >= 1) {
    ramp_time_ = absl::InfinitePast();
    openings_ = 0;
    return Gate::kPass;
  }
  const double rate = part * full_rate;
  ramp_tokens_ = std::min(std::max(1.0, rate / 10),
                          ramp_tokens_ + rate * absl::ToDoubleSeconds(now - ramp_as_of_));
  ramp_as_of_ = now;
  return ramp_tokens_ >= 1 ? Gate::kPass : Gate::kWait;
}

bool Circuit::Begin() {
  if (open_) return probing_ = true;
  if (ramp_time_ != absl::InfinitePast()) ramp_tokens_ -= 1;
  return false;
}

void Circuit::End(CallEnd::Kind kind, bool probe, absl::Time now, double unit_random) {
  if (probe) probing_ = false;
  // What was sent before it opened says nothing about now.
  if (kind == CallEnd::Kind::kUnknown || open_ != probe) return;
  if (kind != CallEnd::Kind::kOutage) {
    outages_ = 0;
    if (open_) {
      open_ = false;
      ramp_time_ = ramp_as_of_ = now;
      ramp_tokens_ = 0;
    }
  } else if (open_ || ++outages_ >= kOutagesThatOpen) {
    Open(now, unit_random);
  }
}

void Circuit::Open(absl::Time now, double unit_random) {
  open_ = true;
  outages_ = 0;
  ramp_time_ = absl::InfinitePast();
  const absl::Duration wait =
      std::min(kLongestWait, kFirstWait * (int64_t{1} << std::min(openings_++, 10)));
  probe_time_ = now + wait * (0.5 + unit_random / 2);
}

absl::Duration Circuit::ProbeIn(absl::Time now) const {
  return open_ ? std::max(absl::ZeroDuration(), probe_time_ - now) : absl::ZeroDuration();
}

}  // namespace psups::ups_gateway
