#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"

namespace psups::tracking_sync {

// The time of a scan as UPS writes it. Any field may be empty.
struct TimeFields {
  std::string_view local_date = {};  // YYYYMMDD
  std::string_view local_time = {};  // HHMMSS, leading zeros sometimes lost
  std::string_view gmt_date = {};
  std::string_view gmt_time = {};
  std::string_view offset = {};  // "-05:00" or "-05.00"
  std::string_view state = {};   // of the place, US only
};

// What they say.
struct ScanTime {
  absl::Time time = absl::InfinitePast();
  std::string local_time = {};  // YYYY-MM-DDTHH:MM:SS; GMT's if no local time was given
  std::string utc_offset = {};  // "-05:00"; empty if unknown
  ups::v1::TrackingActivity::TimePrecision precision = ups::v1::TrackingActivity::DERIVED;
};

// GMT if given and possible (not in the future, and in line with local time and offset), else local
// time and offset, else local time and the place. INVALID_ARGUMENT if there is no usable time.
absl::StatusOr<ScanTime> TimeOf(const TimeFields& fields, absl::Time now);

}  // namespace psups::tracking_sync
