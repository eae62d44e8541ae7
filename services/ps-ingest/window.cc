#include "services/ps-ingest/window.h"

#include <algorithm>

#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

// Timestamps may carry fractions and windows whole seconds: [t, t + 1 s] is the shortest that
// leaves no gap to the next.
constexpr absl::Duration kShortest = absl::Seconds(1);

absl::Time WholeSecond(absl::Time time) { return absl::FromUnixSeconds(absl::ToUnixSeconds(time)); }

}  // namespace

std::optional<Window> NextWindow(Cursor& cursor, const WindowRules& rules, absl::Time server_now) {
  if (!cursor.position.has_value()) {
    const absl::Time end = WholeSecond(server_now - rules.lag);
    // Readings of the hour that autumn repeats are ambiguous, also to the programs that make them.
    const absl::Duration back = rules.overlap + RecentSetBack(end, rules.overlap, rules.zone);
    const absl::Time from = std::max(cursor.start, cursor.watermark - back);
    if (end < from) return std::nullopt;
    cursor.position = from;
    cursor.round_end = end;
    cursor.faulty = false;
  }
  const absl::Time from = *cursor.position;
  const absl::Duration limit = std::max(kShortest, std::min(cursor.window_limit, rules.longest));
  return Window{.from = from,
                .to = std::min({from + limit, *cursor.round_end, NextSetBack(from, rules.zone)})};
}

bool Advance(Cursor& cursor, const WindowRules& rules, const Window& window,
             std::optional<absl::Time> server_time_at_start) {
  absl::Time read_to = window.to;
  if (server_time_at_start.has_value()) {
    // Where our idea of the server's clock was ahead of it, rows of the window's end may yet come.
    read_to = std::min(read_to, WholeSecond(*server_time_at_start - rules.lag));
  }
  cursor.window_limit = std::min(rules.longest, cursor.window_limit * 2);
  if (read_to >= window.from && !cursor.faulty) {
    cursor.watermark = std::max(cursor.watermark, read_to);
  }
  if (read_to == window.to && read_to < *cursor.round_end) {
    cursor.position = read_to;
    return true;
  }
  cursor.position.reset();
  cursor.round_end.reset();
  if (!cursor.faulty) cursor.fault.clear();
  return false;
}

bool Halve(Cursor& cursor, const Window& window) {
  if (window.to - window.from <= kShortest) return false;
  cursor.window_limit =
      std::max(kShortest, absl::Trunc((window.to - window.from) / 2, absl::Seconds(1)));
  return true;
}

}  // namespace psups::ps_ingest
