#include "services/ps-ingest/quiet.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/ps-ingest/connection.h"

namespace psups::ps_ingest {
namespace {

// "22:30" → 1350.
int MinuteOfDay(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  int hour = 0;
  int minute = 0;
  if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &hour)) {
    (void)absl::SimpleAtoi(parts[1], &minute);
  }
  return hour * 60 + minute;
}

}  // namespace

std::optional<absl::Time> QuietUntil(const orders::v1::Connection& connection, absl::Time now) {
  const absl::TimeZone zone = ZoneOf(connection);
  const absl::CivilMinute here = absl::ToCivilMinute(now, zone);
  const int minute = here.hour() * 60 + here.minute();
  std::optional<absl::Time> until;
  for (const auto& quiet : connection.quiet_hours()) {
    const int from = MinuteOfDay(quiet.from());
    const int to = MinuteOfDay(quiet.to());
    const bool inside = from < to ? from <= minute && minute < to : from <= minute || minute < to;
    if (!inside) continue;
    const absl::CivilDay day = absl::CivilDay(here) + (minute < to ? 0 : 1);
    // In the hour that autumn repeats the minute comes twice: then the next look is a minute away.
    const absl::Time end =
        std::max(absl::FromCivil(absl::CivilMinute(day) + to, zone), now + absl::Minutes(1));
    until = std::max(until.value_or(end), end);
  }
  return until;
}

}  // namespace psups::ps_ingest
