#include "tests/sandbox/ups/local_time.h"

#include <cstdlib>
#include <map>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace psups::ups_sandbox {
namespace {

struct Zone {
  const char* name;
  const char* states;
};
constexpr Zone kZones[] = {
    {"America/Puerto_Rico", "PR VI"},
    {"America/Indiana/Indianapolis", "IN"},
    {"America/Detroit", "MI"},
    {"America/Chicago", "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI"},
    {"America/Denver", "CO MT NM UT WY"},
    {"America/Boise", "ID"},
    {"America/Phoenix", "AZ"},
    {"America/Los_Angeles", "CA NV OR WA"},
    {"America/Anchorage", "AK"},
    {"Pacific/Honolulu", "HI"},
};
constexpr char kElsewhere[] = "America/New_York";

absl::TimeZone Load(const char* name) {
  absl::TimeZone zone;
  // In UTC every event would be at a wrong time; better not to begin.
  if (!absl::LoadTimeZone(name, &zone)) std::abort();
  return zone;
}

absl::TimeZone ZoneOf(const std::string& state) {
  static const absl::TimeZone elsewhere = Load(kElsewhere);
  static const auto* const zones = [] {
    auto* const by_state = new std::map<std::string, absl::TimeZone>;
    for (const Zone& zone : kZones) {
      for (const absl::string_view name : absl::StrSplit(zone.states, ' '))
        (*by_state)[std::string(name)] = Load(zone.name);
    }
    return by_state;
  }();
  const auto found = zones->find(state);
  return found == zones->end() ? elsewhere : found->second;
}

// "-05:00"
std::string Offset(int seconds) {
  const int minutes = std::abs(seconds) / 60;
  return absl::StrFormat("%c%02d:%02d", seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

std::string Date(absl::CivilSecond t) {
  return absl::StrFormat("%04d%02d%02d", t.year(), t.month(), t.day());
}

std::string Time(absl::CivilSecond t) {
  return absl::StrFormat("%02d%02d%02d", t.hour(), t.minute(), t.second());
}

}  // namespace

LocalStamp StampAt(absl::Time moment, const std::string& state) {
  const absl::CivilSecond gmt = absl::ToCivilSecond(moment, absl::UTCTimeZone());
  const absl::TimeZone::CivilInfo local = ZoneOf(state).At(moment);
  return {.date = Date(local.cs),
          .time = Time(local.cs),
          .gmt_date = Date(gmt),
          .gmt_time = Time(gmt),
          .gmt_offset = Offset(local.offset)};
}

std::string FormatUtc(absl::Time moment) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E3SZ", moment, absl::UTCTimeZone());
}

std::string FormatDate(absl::Time moment) {
  return Date(absl::ToCivilSecond(moment, absl::UTCTimeZone()));
}

}  // namespace psups::ups_sandbox
