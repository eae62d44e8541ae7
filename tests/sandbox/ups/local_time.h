#pragma once

#include <string>

#include "absl/time/time.h"

namespace psups::ups_sandbox {

// One moment as UPS writes it: local to the place of a scan, and in GMT.
struct LocalStamp {
  std::string date = {};  // YYYYMMDD
  std::string time = {};  // HHMMSS
  std::string gmt_date = {};
  std::string gmt_time = {};
  std::string gmt_offset = {};  // "-05:00"
};

// By the zone of the state's larger part, daylight saving time too; an unknown state has New
// York's.
LocalStamp StampAt(absl::Time moment, const std::string& state);

// "2026-11-23T10:01:02.123Z"
std::string FormatUtc(absl::Time moment);

// YYYYMMDD in UTC.
std::string FormatDate(absl::Time moment);

}  // namespace psups::ups_sandbox
