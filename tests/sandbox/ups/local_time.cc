#include "tests/sandbox/ups/local_time.h"

#include <map>

#include "absl/strings/str_format.h"

namespace psups::ups_sandbox {
namespace {

// Hours west of Greenwich, standard time; Eastern (5) where a state is not listed.
int HoursWest(const std::string& state) {
  static const auto* const hours = new std::map<std::string, int>{
      {"PR", 4}, {"VI", 4}, {"AL", 6}, {"AR", 6}, {"IA", 6}, {"IL", 6}, {"KS", 6}, {"LA", 6},
      {"MN", 6}, {"MO", 6}, {"MS", 6}, {"ND", 6}, {"NE", 6}, {"OK", 6}, {"SD", 6}, {"TN", 6},
      {"TX", 6}, {"WI", 6}, {"AZ", 7}, {"CO", 7}, {"ID", 7}, {"MT", 7}, {"NM", 7}, {"UT", 7},
      {"WY", 7}, {"CA", 8}, {"NV", 8}, {"OR", 8}, {"WA", 8}, {"AK", 9}, {"HI", 10}};
  const auto found = hours->find(state);
  return found == hours->end() ? 5 : found->second;
}

std::string Date(absl::CivilSecond t) {
  return absl::StrFormat("%04d%02d%02d", t.year(), t.month(), t.day());
}

std::string Time(absl::CivilSecond t) {
  return absl::StrFormat("%02d%02d%02d", t.hour(), t.minute(), t.second());
}

}  // namespace

LocalStamp StampAt(absl::Time moment, const std::string& state) {
  const int west = HoursWest(state);
  const absl::CivilSecond gmt = absl::ToCivilSecond(moment, absl::UTCTimeZone());
  const absl::CivilSecond local = gmt - west * 3600;
  return {.date = Date(local),
          .time = Time(local),
          .gmt_date = Date(gmt),
          .gmt_time = Time(gmt),
          .gmt_offset = absl::StrFormat("-%02d:00", west)};
}

std::string FormatUtc(absl::Time moment) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E3SZ", moment, absl::UTCTimeZone());
}

std::string FormatDate(absl::Time moment) {
  return Date(absl::ToCivilSecond(moment, absl::UTCTimeZone()));
}

}  // namespace psups::ups_sandbox
