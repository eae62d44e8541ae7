#include "services/ups-gateway/wire/tracking_time.h"

#include <cstdlib>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/us_zone.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int kFirstYear = 2000;  // of tracking; an earlier one is a slip

std::optional<int> Number(const std::string& digits) {
  int value = 0;
  if (digits.empty() || !absl::SimpleAtoi(digits, &value)) return std::nullopt;
  return value;
}

std::optional<absl::CivilSecond> Civil(const std::string& date, std::string time) {
  if (date.size() != 8 || time.empty() || time.size() > 6) return std::nullopt;
  time.insert(0, 6 - time.size(), '0');  // UPS leaves leading zeros out at times
  const auto day = Number(date);
  const auto second = Number(time);
  if (!day || !second || *day / 10000 < kFirstYear) return std::nullopt;
  const absl::CivilSecond civil(*day / 10000, *day / 100 % 100, *day % 100, *second / 10000,
                                *second / 100 % 100, *second % 100);
  // The constructor normalises; what it had to change was no date or time.
  if (absl::StrFormat("%04d%02d%02d%02d%02d%02d", civil.year(), civil.month(), civil.day(),
                      civil.hour(), civil.minute(), civil.second()) != date + time) {
    return std::nullopt;
  }
  return civil;
}

// Minutes east of Greenwich.
std::optional<int> Offset(const std::string& text) {
  if (text.size() < 3 || (text[0] != '-' && text[0] != '+')) return std::nullopt;
  std::string digits;
  for (const char c : text.substr(1)) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) digits.push_back(c);
  }
  if (digits.size() == 2) digits += "00";
  const auto value = Number(digits);
  if (digits.size() != 4 || !value || *value / 100 > 14 || *value % 100 > 59) return std::nullopt;
  const int minutes = *value / 100 * 60 + *value % 100;
  return text[0] == '-' ? -minutes : minutes;
}

std::string OffsetText(int minutes) {
  return absl::StrFormat("%c%02d:%02d", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                         std::abs(minutes) % 60);
}

// A guess where UPS says neither GMT nor offset.
absl::TimeZone ZoneOfPlace(const std::string& country, const std::string& state) {
  if (country != "US" && country != "PR") return absl::UTCTimeZone();
  return ZoneOfUsState(country == "PR" ? country : state).value_or(absl::UTCTimeZone());
}

void SetEventTime(absl::CivilSecond utc, pb::TrackingActivity::TimePrecision precision,
                  pb::TrackingActivity& activity) {
  activity.mutable_event_time()->set_seconds(
      absl::ToUnixSeconds(absl::FromCivil(utc, absl::UTCTimeZone())));
  activity.set_time_precision(precision);
}

}  // namespace

void SetTimes(const WireTimes& times, pb::TrackingActivity& activity) {
  const auto local = Civil(times.local_date, times.local_time);
  const auto gmt = Civil(times.gmt_date, times.gmt_time);
  const auto offset = Offset(times.gmt_offset);
  if (local) activity.set_local_time(absl::FormatCivilTime(*local));
  if (offset) activity.set_utc_offset(OffsetText(*offset));
  if (gmt) {
    SetEventTime(*gmt, pb::TrackingActivity::GMT_GIVEN, activity);
    if (!offset && local) {
      const auto minutes = (*local - *gmt) / 60;
      if (std::abs(minutes) <= 14 * 60) {
        activity.set_utc_offset(OffsetText(static_cast<int>(minutes)));
      }
    }
  } else if (local && offset) {
    SetEventTime(*local - *offset * 60, pb::TrackingActivity::OFFSET_GIVEN, activity);
  } else if (local) {
    const absl::TimeZone zone = ZoneOfPlace(activity.country_code(), activity.state());
    SetEventTime(absl::ToCivilSecond(absl::FromCivil(*local, zone), absl::UTCTimeZone()),
                 pb::TrackingActivity::DERIVED, activity);
  }
}

}  // namespace psups::ups_gateway
