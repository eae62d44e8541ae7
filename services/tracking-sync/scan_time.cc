#include "services/tracking-sync/scan_time.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "common/us_zone.h"

namespace psups::tracking_sync {
namespace {

using Activity = ups::v1::TrackingActivity;

// Clocks differ a little; more than this ahead of ours cannot be.
constexpr absl::Duration kFuture = absl::Hours(1);
// How far GMT may be from local time and offset before one of them must be wrong.
constexpr absl::Duration kAgree = absl::Minutes(2);
// How far GMT may be from what the place says: zone borders and states with two zones.
constexpr absl::Duration kNear = absl::Hours(3);

std::string Trim(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// A date and a time without a zone, as seconds of a clock that shows UTC.
std::optional<absl::Time> Reading(std::string_view date_text, std::string_view time_text) {
  const std::string date = Trim(date_text);
  std::string time = Trim(time_text);
  if (date.size() != 8 || time.empty() || time.size() > 6) return std::nullopt;
  time.insert(0, 6 - time.size(), '0');
  int d = 0;
  int t = 0;
  if (!absl::SimpleAtoi(date, &d) || !absl::SimpleAtoi(time, &t) || d < 0 || t < 0) {
    return std::nullopt;
  }
  const absl::CivilSecond civil(d / 10000, d / 100 % 100, d % 100, t / 10000, t / 100 % 100,
                                t % 100);
  // A civil time rolls 61 minutes over; a date that does not exist is no date.
  if (absl::StrFormat("%04d%02d%02d%02d%02d%02d", civil.year(), civil.month(), civil.day(),
                      civil.hour(), civil.minute(), civil.second()) != date + time) {
    return std::nullopt;
  }
  if (civil.year() < 2000 || civil.year() > 2100) return std::nullopt;
  return absl::FromCivil(civil, absl::UTCTimeZone());
}

std::optional<absl::Duration> Offset(std::string_view field) {
  std::string text = Trim(field);
  if (text.size() < 3 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.erase(0, 1);
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == ':' || c == '.'; }),
             text.end());
  if (text.size() == 2) text += "00";
  int number = 0;
  if (text.size() != 4 || !absl::SimpleAtoi(text, &number)) return std::nullopt;
  if (number / 100 > 14 || number % 100 > 59) return std::nullopt;
  return sign * (absl::Hours(number / 100) + absl::Minutes(number % 100));
}

// `reading` as a clock in that place shows it.
absl::Time InPlace(absl::Time reading, absl::TimeZone zone) {
  return absl::FromCivil(absl::ToCivilSecond(reading, absl::UTCTimeZone()), zone);
}

std::string OffsetText(absl::Duration offset) {
  const int64_t minutes = absl::ToInt64Minutes(absl::AbsDuration(offset));
  return absl::StrFormat("%c%02d:%02d", offset < absl::ZeroDuration() ? '-' : '+', minutes / 60,
                         minutes % 60);
}

}  // namespace

absl::StatusOr<ScanTime> TimeOf(const TimeFields& fields, absl::Time now) {
  const std::optional<absl::Time> gmt = Reading(fields.gmt_date, fields.gmt_time);
  const std::optional<absl::Time> local = Reading(fields.local_date, fields.local_time);
  const std::optional<absl::Duration> offset = Offset(fields.offset);
  if (!gmt.has_value() && !local.has_value()) {
    return absl::InvalidArgumentError("neither a local nor a GMT date and time");
  }
  const auto possible = [now](absl::Time time) { return time <= now + kFuture; };
  const auto apart = [](absl::Time a, absl::Time b) { return absl::AbsDuration(a - b); };

  ScanTime result;
  if (offset.has_value()) result.utc_offset = OffsetText(*offset);
  result.local_time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%S", local.value_or(gmt.value_or(now)), absl::UTCTimeZone());

  // Each other reading of the clock, and how far GMT may be from it.
  const std::optional<absl::Time> by_offset =
      local.has_value() && offset.has_value() ? std::optional(*local - *offset) : std::nullopt;
  const std::optional<absl::TimeZone> zone = ZoneOfUsState(Trim(fields.state));
  const std::optional<absl::Time> by_place =
      local.has_value() ? std::optional(InPlace(*local, zone.value_or(absl::UTCTimeZone())))
                        : std::nullopt;
  if (gmt.has_value()) {
    const bool contradicted = by_offset.has_value() ? apart(*gmt, *by_offset) > kAgree
                              : by_place.has_value() && zone.has_value()
                                  ? apart(*gmt, *by_place) > kNear
                                  : false;
    const bool better =
        by_offset.has_value() ? possible(*by_offset) : by_place.has_value() && possible(*by_place);
    if ((possible(*gmt) && !contradicted) || !better) {
      result.time = *gmt;
      result.precision = Activity::GMT_GIVEN;
      return result;
    }
  }
  if (by_offset.has_value()) {
    result.time = *by_offset;
    result.precision = Activity::OFFSET_GIVEN;
  } else {
    result.time = *by_place;
    result.precision = Activity::DERIVED;
  }
  return result;
}

}  // namespace psups::tracking_sync
