#include "services/ps-ingest/local_time.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"

namespace psups::ps_ingest {
namespace {

// Takes exactly `digits` digits off the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text.front() == '-') {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

absl::Duration TakeFraction(std::string_view& text) {
  absl::Duration fraction = absl::ZeroDuration();
  absl::Duration unit = absl::Milliseconds(100);
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    fraction += unit * (text.front() - '0');
    unit /= 10;
    text.remove_prefix(1);
  }
  return absl::Trunc(fraction, absl::Microseconds(1));
}

// "Z", "+hhmm" or "-hh:mm".
std::optional<absl::Duration> TakeOffset(std::string_view& text) {
  if (text == "Z") {
    text = {};
    return absl::ZeroDuration();
  }
  const bool west = !text.empty() && text.front() == '-';
  if (!Take(text, "+-")) return std::nullopt;
  const std::optional<int> hours = TakeNumber(text, 2);
  Take(text, ":");
  const std::optional<int> minutes = TakeNumber(text, 2);
  if (!hours.has_value() || !minutes.has_value()) return std::nullopt;
  const absl::Duration offset = absl::Hours(*hours) + absl::Minutes(*minutes);
  return west ? -offset : offset;
}

struct Parsed {
  LocalTime time = {};
  std::optional<absl::Duration> offset = {};
};

std::optional<Parsed> Parse(std::string_view text) {
  const auto year = TakeNumber(text, 4);
  if (!year.has_value() || !Take(text, "-")) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month.has_value() || !Take(text, "-")) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day.has_value()) return std::nullopt;
  const absl::CivilDay date(*year, *month, *day);
  if (date.month() != *month || date.day() != *day) return std::nullopt;
  Parsed parsed = {.time = {.second = absl::CivilSecond(date)}};
  if (text.empty()) return parsed;

  const bool dashed = text.front() == '-';
  if (!Take(text, "T -")) return std::nullopt;
  const std::string_view between = dashed ? "." : ":";
  const auto hour = TakeNumber(text, 2);
  if (!hour.has_value() || !Take(text, between)) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute.has_value() || !Take(text, between)) return std::nullopt;
  const auto second = TakeNumber(text, 2);
  if (!second.has_value() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  parsed.time.second += *hour * 3600 + *minute * 60 + *second;
  if (Take(text, ".")) parsed.time.fraction = TakeFraction(text);
  if (text.empty()) return parsed;
  parsed.offset = TakeOffset(text);
  if (!parsed.offset.has_value() || !text.empty()) return std::nullopt;
  return parsed;
}

}  // namespace

absl::StatusOr<LocalTime> ParseLocalTime(std::string_view text, absl::TimeZone zone) {
  const std::optional<Parsed> parsed = Parse(text);
  LocalTime time = parsed.value_or(Parsed()).time;
  if (parsed.has_value() && parsed->offset.has_value()) {
    const absl::Time moment = absl::FromCivil(time.second, absl::UTCTimeZone()) - *parsed->offset;
    time.second = absl::ToCivilSecond(moment, zone);
  }
  // A year of other than four digits is not what a site writes, and could not be read again.
  if (!parsed.has_value() || time.second.year() < 1000 || time.second.year() > 9999) {
    return absl::InvalidArgumentError("not a time; want YYYY-MM-DDTHH:MM:SS");
  }
  return time;
}

std::string FormatLocalTime(const LocalTime& time) {
  std::string text = absl::FormatCivilTime(time.second);
  if (time.fraction != absl::ZeroDuration()) {
    absl::StrAppendFormat(&text, ".%06d", absl::ToInt64Microseconds(time.fraction));
  }
  return text;
}

absl::Time EarliestMoment(const LocalTime& time, absl::TimeZone zone) {
  const absl::TimeZone::TimeInfo info = zone.At(time.second);
  return std::min(info.pre, info.post) + time.fraction;
}

absl::Time LatestMoment(const LocalTime& time, absl::TimeZone zone) {
  const absl::TimeZone::TimeInfo info = zone.At(time.second);
  return std::max(info.pre, info.post) + time.fraction;
}

absl::CivilSecond LocalStart(absl::Time from, absl::TimeZone zone) {
  return absl::ToCivilSecond(from, zone);
}

absl::CivilSecond LocalEnd(absl::Time to, absl::TimeZone zone) {
  return std::max(absl::ToCivilSecond(to, zone),
                  absl::ToCivilSecond(to - absl::Seconds(1), zone) + 1);
}

absl::Time NextSetBack(absl::Time after, absl::TimeZone zone) {
  absl::TimeZone::CivilTransition change;
  absl::Time from = after;
  while (zone.NextTransition(from, &change)) {
    const absl::TimeZone::TimeInfo info = zone.At(change.to);
    if (change.to < change.from && info.kind == absl::TimeZone::TimeInfo::REPEATED) {
      return info.trans;
    }
    from = std::max(from + absl::Seconds(1), std::max(info.pre, info.post));
  }
  return absl::InfiniteFuture();
}

absl::Duration RecentChange(absl::Time now, absl::Duration within, absl::TimeZone zone) {
  absl::TimeZone::CivilTransition change;
  if (!zone.PrevTransition(now, &change)) return absl::ZeroDuration();
  const absl::Duration by = absl::AbsDuration(absl::Seconds(change.from - change.to));
  return now - zone.At(change.to).trans < within + by ? by : absl::ZeroDuration();
}

}  // namespace psups::ps_ingest
