#pragma once

#include <string>

#include "psups/ups/v1/ups_service.pb.h"

namespace psups::ups_gateway {

// The times of one activity as UPS wrote them.
struct WireTimes {
  std::string local_date = {};  // YYYYMMDD
  std::string local_time = {};  // HHMMSS, or short of leading zeros
  std::string gmt_date = {};
  std::string gmt_time = {};
  std::string gmt_offset = {};  // -05:00, -05.00 or -0500
};

// Sets event_time, local_time, utc_offset and time_precision of `activity`, whose place is set: GMT
// if given, else local time and offset, else local time and the place's zone. An activity without a
// readable time keeps event_time unset.
void SetTimes(const WireTimes& times, ups::v1::TrackingActivity& activity);

}  // namespace psups::ups_gateway
