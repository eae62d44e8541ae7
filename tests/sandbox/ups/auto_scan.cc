#include "tests/sandbox/ups/auto_scan.h"

#include "tests/sandbox/ups/scan_codes.h"

namespace psups::ups_sandbox {

void AutoScan::Begin(const std::string& tracking_number, const AutoScans& scans) {
  Step(tracking_number, scans, 0);
}

void AutoScan::Step(const std::string& tracking_number, const AutoScans& scans, std::size_t step) {
  if (step >= scans.script.size()) return;
  // The next interval begins when this scan has been made, not when it was due.
  scheduler_.RunAfter(scans.interval, [this, tracking_number, scans, step] {
    if (parcels_.IsVoided(tracking_number)) return;
    (void)parcels_.AddScan(Parcels::ScanOf(*FindScanCode(scans.script[step]), tracking_number));
    Step(tracking_number, scans, step + 1);
  });
}

}  // namespace psups::ups_sandbox
