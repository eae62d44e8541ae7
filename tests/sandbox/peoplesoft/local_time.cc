#include "tests/sandbox/peoplesoft/local_time.h"

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace psups::peoplesoft_sandbox {
namespace {

constexpr std::size_t kDateLength = 10;
constexpr std::size_t kDateTimeLength = 19;

// True if `text` has a digit wherever `pattern` has 'd' and equals it elsewhere.
bool Matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (pattern[i] == 'd' ? !digit : text[i] != pattern[i]) return false;
  }
  return true;
}

int Number(std::string_view digits) {
  int number = 0;
  for (const char digit : digits) number = number * 10 + (digit - '0');
  return number;
}

std::string_view Pattern(DateTimeForm form) {
  switch (form) {
    case DateTimeForm::kT:
      return "dddd-dd-ddTdd:dd:dd";
    case DateTimeForm::kBlank:
      return "dddd-dd-dd dd:dd:dd";
    case DateTimeForm::kDash:
      return "dddd-dd-dd-dd.dd.dd";
  }
  return "";
}

}  // namespace

LocalTime ToLocal(absl::Time time, const absl::TimeZone& zone, bool fractions) {
  const absl::TimeZone::CivilInfo info = zone.At(time);
  const int64_t micros = fractions ? absl::ToInt64Microseconds(info.subsecond) : 0;
  return {info.cs, static_cast<int>(micros)};
}

std::optional<LocalTime> ParseLocal(const std::string& text, DateTimeForm form) {
  const std::string_view whole = text;
  if (!Matches(whole.substr(0, kDateTimeLength), Pattern(form))) return std::nullopt;
  const auto part = [&](std::size_t from, std::size_t count) {
    return Number(whole.substr(from, count));
  };
  const absl::CivilSecond second(part(0, 4), part(5, 2), part(8, 2), part(11, 2), part(14, 2),
                                 part(17, 2));
  // CivilSecond turns February 30 into March 2; PeopleSoft refuses it.
  if (second.month() != part(5, 2) || second.day() != part(8, 2) || second.hour() != part(11, 2) ||
      second.minute() != part(14, 2) || second.second() != part(17, 2)) {
    return std::nullopt;
  }
  if (whole.size() == kDateTimeLength) return LocalTime{second, 0};
  std::string digits(whole.substr(kDateTimeLength));
  if (digits.size() < 2 || digits.size() > 7 ||
      !Matches(digits, "." + std::string(digits.size() - 1, 'd'))) {
    return std::nullopt;
  }
  digits.resize(7, '0');
  return LocalTime{second, Number(std::string_view(digits).substr(1))};
}

std::optional<LocalTime> ParseLocal(const std::string& text) {
  for (const DateTimeForm form : {DateTimeForm::kT, DateTimeForm::kBlank, DateTimeForm::kDash}) {
    if (const auto time = ParseLocal(text, form)) return time;
  }
  return std::nullopt;
}

std::string FormatLocal(const LocalTime& time, DateTimeForm form, bool fractions) {
  const absl::CivilSecond& s = time.first;
  const std::string fraction = absl::StrFormat(".%06d", time.second);
  if (form == DateTimeForm::kDash) {
    return absl::StrFormat("%04d-%02d-%02d-%02d.%02d.%02d%s", s.year(), s.month(), s.day(),
                           s.hour(), s.minute(), s.second(), fraction);
  }
  return absl::StrFormat("%04d-%02d-%02d%c%02d:%02d:%02d%s", s.year(), s.month(), s.day(),
                         form == DateTimeForm::kT ? 'T' : ' ', s.hour(), s.minute(), s.second(),
                         fractions ? fraction : "");
}

std::string FormatDate(const LocalTime& time) {
  return FormatLocal(time, DateTimeForm::kT, false).substr(0, kDateLength);
}

bool IsDate(const std::string& text) {
  return text.size() == kDateLength && ParseLocal(text + "T00:00:00", DateTimeForm::kT).has_value();
}

std::string FormatUtc(absl::Time time) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const int64_t millis = absl::ToInt64Milliseconds(utc.At(time).subsecond);
  return absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%S", time, utc),
                      absl::StrFormat(".%03dZ", millis));
}

}  // namespace psups::peoplesoft_sandbox
