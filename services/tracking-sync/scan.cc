#include "services/tracking-sync/scan.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "nlohmann/json.hpp"
#include "services/tracking-sync/meaning.h"
#include "services/tracking-sync/proto_time.h"
#include "services/tracking-sync/scan_time.h"

namespace psups::tracking_sync {
namespace {

using Json = nlohmann::json;
using Activity = ups::v1::TrackingActivity;

constexpr std::size_t kMostNumber = 34;

std::string Trim(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

std::string Upper(std::string_view text) {
  std::string upper = Trim(text);
  absl::AsciiStrToUpper(&upper);
  return upper;
}

// A field as trimmed text, whether it is written as a string or as a number; empty if absent.
std::string Field(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_string()) return Trim(found->get_ref<const std::string&>());
  if (found->is_number_integer()) return absl::StrCat(found->get<int64_t>());
  return {};
}

const Json& Object(const Json& object, const char* name) {
  static const Json kNone = Json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kNone;
}

absl::StatusOr<Json> ParseWebhook(std::string_view body) {
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("body: not a JSON object");
  const std::string number = Upper(Field(json, "trackingNumber"));
  if (number.size() < 7 || number.size() > kMostNumber) {
    return absl::InvalidArgumentError("trackingNumber: want 7 to 34 characters");
  }
  for (const char c : number) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError("trackingNumber: want letters and digits");
    }
  }
  if (Field(Object(json, "activityStatus"), "type").empty()) {
    return absl::InvalidArgumentError("activityStatus.type: missing");
  }
  return json;
}

}  // namespace

absl::StatusOr<std::string> TrackingNumberOfWebhook(std::string_view body) {
  ASSIGN_OR_RETURN(const Json json, ParseWebhook(body));
  return Upper(Field(json, "trackingNumber"));
}

absl::StatusOr<Scan> ScanFromWebhook(std::string_view body, absl::Time now) {
  ASSIGN_OR_RETURN(const Json json, ParseWebhook(body));
  const Json& status = Object(json, "activityStatus");
  const Json& place = Object(json, "activityLocation");
  Scan scan = {.tracking_number = Upper(Field(json, "trackingNumber")),
               .type = Upper(Field(status, "type")),
               .code = Upper(Field(status, "code")),
               .status_code = Field(status, "descriptionCode"),
               .description = Field(status, "description"),
               .city = Field(place, "city"),
               .state = Upper(Field(place, "stateProvince")),
               .country = Upper(Field(place, "country"))};
  // Three digits are a statusCode as Track has it. Anything shorter counts otherwise: UPS's own
  // example calls a delivery 9, which no statusCode is.
  if (scan.status_code.size() != 3) scan.status_code.clear();
  const std::string local_date = Field(json, "localActivityDate");
  const std::string local_time = Field(json, "localActivityTime");
  const std::string gmt_date = Field(json, "gmtActivityDate");
  const std::string gmt_time = Field(json, "gmtActivityTime");
  const std::string offset = Field(json, "gmtOffset");
  ASSIGN_OR_RETURN(const ScanTime time, TimeOf({.local_date = local_date,
                                                .local_time = local_time,
                                                .gmt_date = gmt_date,
                                                .gmt_time = gmt_time,
                                                .offset = offset,
                                                .state = scan.state},
                                               now));
  scan.time = time.time;
  scan.local_time = time.local_time;
  scan.utc_offset = time.utc_offset;
  scan.precision = time.precision;
  return scan;
}

Scan ScanFromProto(const Activity& activity) {
  return {.tracking_number = Upper(activity.tracking_number()),
          .type = Upper(activity.type()),
          .code = Upper(activity.code()),
          .status_code = Trim(activity.status_code()),
          .description = Trim(activity.description()),
          .time = FromProto(activity.event_time()),
          .local_time = activity.local_time(),
          .utc_offset = activity.utc_offset(),
          .precision = activity.time_precision(),
          .city = Trim(activity.city()),
          .state = Upper(activity.state()),
          .country = Upper(activity.country_code())};
}

Activity ToProto(const Scan& scan) {
  Activity activity;
  activity.set_tracking_number(scan.tracking_number);
  activity.set_type(scan.type);
  activity.set_code(scan.code);
  activity.set_status_code(scan.status_code);
  activity.set_description(scan.description);
  *activity.mutable_event_time() = ToProto(scan.time);
  activity.set_local_time(scan.local_time);
  activity.set_utc_offset(scan.utc_offset);
  activity.set_time_precision(scan.precision);
  activity.set_city(scan.city);
  activity.set_state(scan.state);
  activity.set_country_code(scan.country);
  return activity;
}

std::string EventId(const Scan& scan) {
  const ParcelStatus status =
      MeaningOf(scan.type, scan.code, scan.status_code, scan.description).status;
  std::string key;
  if (status == tracking::v1::LABEL_CREATED || status == tracking::v1::VOIDED) {
    key = JoinUnambiguously({scan.tracking_number, tracking::v1::Status_Name(status)});
  } else {
    const std::string time =
        scan.precision == Activity::DERIVED
            ? scan.local_time
            : absl::FormatTime("%Y%m%d %H%M%S", scan.time, absl::UTCTimeZone());
    key = JoinUnambiguously(
        {scan.tracking_number, scan.type, scan.code, time, Upper(scan.city), scan.country});
  }
  return Hex(Sha256(key).substr(0, 16));
}

}  // namespace psups::tracking_sync
