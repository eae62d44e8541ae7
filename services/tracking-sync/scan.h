#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"

namespace psups::tracking_sync {

using TimePrecision = ups::v1::TrackingActivity::TimePrecision;

// One scan as UPS tells it, whatever channel it came by; blanks trimmed, nothing interpreted but
// the time.
struct Scan {
  std::string tracking_number = {};
  std::string type = {};
  std::string code = {};
  std::string status_code = {};
  std::string description = {};
  absl::Time time = absl::InfinitePast();
  std::string local_time = {};  // YYYY-MM-DDTHH:MM:SS
  std::string utc_offset = {};  // "-05:00", or empty
  TimePrecision precision = ups::v1::TrackingActivity::DERIVED;
  std::string city = {};
  std::string state = {};
  std::string country = {};
};

// A Track Alert message, v2. `now` judges times that cannot be. INVALID_ARGUMENT naming what is
// missing: not JSON, no number, no activity status, no usable time; never a value.
absl::StatusOr<Scan> ScanFromWebhook(std::string_view body, absl::Time now);

Scan ScanFromProto(const ups::v1::TrackingActivity& activity);
ups::v1::TrackingActivity ToProto(const Scan& scan);

// The number a Track Alert message is about, upper case; INVALID_ARGUMENT if the message cannot be
// one. What the door asks of a message before it is stored.
absl::StatusOr<std::string> TrackingNumberOfWebhook(std::string_view body);

// 32 hex digits from number, codes, time and place: the same from the webhook and from Track. A
// label is created once and voided once, so those two are the same whatever their time.
std::string EventId(const Scan& scan);

}  // namespace psups::tracking_sync
