#include "common/us_zone.h"

#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/log.h"

namespace psups {
namespace {

struct Row {
  const char* zone;
  const char* states;
};
constexpr Row kRows[] = {
    {"America/New_York", "CT DC DE FL GA KY MA MD ME NC NH NJ NY OH PA RI SC VA VT WV"},
    {"America/Detroit", "MI"},
    {"America/Indiana/Indianapolis", "IN"},
    {"America/Chicago", "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI"},
    {"America/Denver", "CO MT NM UT WY"},
    {"America/Boise", "ID"},
    {"America/Phoenix", "AZ"},
    {"America/Los_Angeles", "CA NV OR WA"},
    {"America/Anchorage", "AK"},
    {"Pacific/Honolulu", "HI"},
    {"America/Puerto_Rico", "PR VI"},
};

std::map<std::string, absl::TimeZone> Load() {
  std::map<std::string, absl::TimeZone> zones;
  for (const Row& row : kRows) {
    absl::TimeZone zone;
    if (!absl::LoadTimeZone(row.zone, &zone)) {
      LogError("time_zone_missing", {{"zone", row.zone}, {"next_step", "install tzdata"}});
      continue;
    }
    for (const absl::string_view state : absl::StrSplit(row.states, ' ')) {
      zones[std::string(state)] = zone;
    }
  }
  return zones;
}

}  // namespace

std::optional<absl::TimeZone> ZoneOfUsState(std::string_view state) {
  static const auto* const zones = new std::map<std::string, absl::TimeZone>(Load());
  const auto found =
      zones->find(absl::AsciiStrToUpper(absl::string_view(state.data(), state.size())));
  if (found == zones->end()) return std::nullopt;
  return found->second;
}

}  // namespace psups
