#pragma once

#include <chrono>

#include "absl/time/time.h"

namespace psups {

// The wall clock. Unlike absl::Now(), which counts the processor's cycles and looks at the clock
// every other second only, it knows at once that the clock was set or that the machine had been
// asleep.
inline absl::Time WallTime() { return absl::FromChrono(std::chrono::system_clock::now()); }

// The wall clock, for domain times and token expiry only: leases and due times are computed and
// compared by the database.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const { return WallTime(); }
};

}  // namespace psups
