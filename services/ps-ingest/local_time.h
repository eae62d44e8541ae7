#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace psups::ps_ingest {

// What a clock on the wall of the PeopleSoft database shows. In the hour that autumn repeats it
// stands for two moments.
struct LocalTime {
  absl::CivilSecond second = {};
  absl::Duration fraction = absl::ZeroDuration();

  friend bool operator==(const LocalTime& a, const LocalTime& b) {
    return a.second == b.second && a.fraction == b.fraction;
  }
};

// "2026-11-23T10:01:02", "2026-11-23 10:01:02" or "2026-11-23-10.01.02", each with a fraction or
// without; the first two also with Z or an offset, which is then turned into `zone`'s reading. A
// bare date is midnight. INVALID_ARGUMENT without the text otherwise.
absl::StatusOr<LocalTime> ParseLocalTime(std::string_view text, absl::TimeZone zone);

// "2026-11-23T10:01:02", with a fraction only if there is one.
std::string FormatLocalTime(const LocalTime& time);

// The first and the last moment that a clock in `zone` shows `time`: two different ones in the
// repeated hour, else the same.
absl::Time EarliestMoment(const LocalTime& time, absl::TimeZone zone);
absl::Time LatestMoment(const LocalTime& time, absl::TimeZone zone);

// The readings of a clock in `zone` at a window's ends. No autumn change may lie inside the window;
// one that stands at its end is read as the hour before the change does: 02:00:00, not 01:00:00. A
// spring change at a window's end is read as the hour behind it does, so that readings that no
// clock shows, but programs make that add minutes to an hour before, belong to that window.
absl::CivilSecond LocalStart(absl::Time from, absl::TimeZone zone);
absl::CivilSecond LocalEnd(absl::Time to, absl::TimeZone zone);

// The next moment after `after` at which the clocks of `zone` are set back, or InfiniteFuture.
absl::Time NextSetBack(absl::Time after, absl::TimeZone zone);

// By how much the clocks were last changed, if that was less than `within` plus that much ago. Zero
// otherwise. Set back, readings of this moment's neighbourhood stand for two moments; set forward,
// a program that began before still stamps by the old clock, that much too early.
absl::Duration RecentChange(absl::Time now, absl::Duration within, absl::TimeZone zone);

}  // namespace psups::ps_ingest
