#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace psups::peoplesoft_sandbox {

// A date-time as PeopleSoft stores it: second and microsecond in the site's base time zone, with no
// mark of zone or offset. Two instants of the autumn's repeated hour can have one LocalTime.
using LocalTime = std::pair<absl::CivilSecond, int>;

// How a date-time is written; "dash" always carries six digits of fraction.
enum class DateTimeForm {
  kT,      // 2026-11-23T14:00:00
  kBlank,  // 2026-11-23 14:00:00
  kDash,   // 2026-11-23-14.00.00.000000
};

// What a clock on the site's wall shows at `time`; cut to seconds unless `fractions`.
LocalTime ToLocal(absl::Time time, const absl::TimeZone& zone, bool fractions);

// Nothing unless `text` is a real date and time in `form`, a fraction of up to six digits allowed.
std::optional<LocalTime> ParseLocal(const std::string& text, DateTimeForm form);

// ParseLocal in whichever form `text` has.
std::optional<LocalTime> ParseLocal(const std::string& text);

std::string FormatLocal(const LocalTime& time, DateTimeForm form, bool fractions);

// "YYYY-MM-DD".
std::string FormatDate(const LocalTime& time);

// "YYYY-MM-DD" that is a real day.
bool IsDate(const std::string& text);

// RFC 3339 in UTC with milliseconds: "2026-11-23T19:00:00.123Z".
std::string FormatUtc(absl::Time time);

}  // namespace psups::peoplesoft_sandbox
