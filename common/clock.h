#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace psups {

// The wall clock, for domain times and token expiry only: leases and due times are computed and
// compared by the database.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const { return absl::Now(); }
};

}  // namespace psups
