#pragma once

#include <optional>
#include <string>

#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/parcels.h"
#include "tests/sandbox/ups/scheduler.h"

namespace psups::ups_sandbox {

// Scans packages by a script, one code each interval, so that no two of a package's events are in
// the same second. A voided package's script ends.
class AutoScan {
 public:
  AutoScan(Parcels& parcels, Scheduler& scheduler) : parcels_(parcels), scheduler_(scheduler) {}

  void Begin(const std::string& tracking_number, const AutoScans& scans);

 private:
  void Step(const std::string& tracking_number, const AutoScans& scans, std::size_t step);

  Parcels& parcels_;
  Scheduler& scheduler_;
};

}  // namespace psups::ups_sandbox
