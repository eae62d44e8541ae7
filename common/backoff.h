#pragma once

#include <algorithm>
#include <functional>

#include "absl/time/time.h"

namespace psups {

// Full-jitter exponential back-off: a random wait in (0, min(cap, first × 2^failures)].
struct Backoff {
  absl::Duration first = absl::Milliseconds(200);
  absl::Duration cap = absl::Seconds(15);

  // `unit_random` gives numbers in [0, 1).
  absl::Duration Wait(int failures, const std::function<double()>& unit_random) const {
    const absl::Duration most = std::min(cap, first * (int64_t{1} << std::min(failures, 20)));
    return std::max(absl::Milliseconds(1), most * unit_random());
  }
};

// Random numbers in [0, 1), from any thread.
double UnitRandom();

}  // namespace psups
