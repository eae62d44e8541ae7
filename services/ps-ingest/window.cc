#include "services/ps-ingest/window.h"

#include <algorithm>

#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

// Timestamps may carry fractions and windows whole seconds: [t, t + 1 s] is the shortest that
// leaves no gap to the next.
constexpr absl::Duration kShortest = absl::Seconds(1);

// Fewer rows than these are never a cap: no site reads documents under one so low.
constexpr int kLeastCap = 100;

absl::Time WholeSecond(absl::Time time) { return absl::FromUnixSeconds(absl::ToUnixSeconds(time)); }

// Midnight at the beginning of the day after the one that holds `time`.
absl::Time NextDay(absl::Time time, absl::TimeZone zone) {
  return absl::FromCivil(absl::ToCivilDay(time, zone) + 1, zone);
}

// Where a window of `limit` from `from` on ends: on a day's end where the site knows days only.
absl::Time WindowEnd(absl::Time from, absl::Duration limit, const WindowRules& rules) {
  if (!rules.whole_days) return std::min(from + limit, NextSetBack(from, rules.zone));
  const absl::Time within = from + std::max(limit, absl::Hours(24)) - absl::Hours(24);
  return NextDay(within, rules.zone);
}

}  // namespace

const char* PurposeName(Purpose purpose) {
  switch (purpose) {
    case Purpose::kPoll:
      return "POLL";
    case Purpose::kSweep:
      return "SWEEP";
    case Purpose::kBackfill:
      return "BACKFILL";
  }
  return "";
}

Purpose PurposeFromName(std::string_view name) {
  if (name == "SWEEP") return Purpose::kSweep;
  return name == "BACKFILL" ? Purpose::kBackfill : Purpose::kPoll;
}

std::optional<Window> NextWindow(Cursor& cursor, const WindowRules& rules, absl::Time server_now) {
  if (!cursor.position.has_value()) {
    absl::Time end = WholeSecond(server_now - rules.lag);
    if (cursor.end.has_value()) end = std::min(end, *cursor.end);
    absl::Time from = cursor.start;
    if (cursor.purpose == Purpose::kPoll) {
      // Readings near a change of the clocks are ambiguous, also to the programs that make them.
      const absl::Duration change =
          std::max(RecentChange(end, rules.overlap, rules.zone),
                   RecentChange(cursor.watermark, rules.overlap, rules.zone));
      const absl::Duration back = rules.overlap + change;
      from = std::max(cursor.start, cursor.watermark - back);
    }
    if (end < from) return std::nullopt;
    cursor.position = from;
    cursor.round_end = end;
    cursor.faulty = false;
    cursor.after.reset();
  }
  const absl::Time from = *cursor.position;
  const absl::Duration limit = std::max(kShortest, std::min(cursor.window_limit, rules.longest));
  return Window{.from = from, .to = std::min(WindowEnd(from, limit, rules), *cursor.round_end)};
}

bool Advance(Cursor& cursor, const WindowRules& rules, const Window& window,
             std::optional<absl::Time> server_time_at_start) {
  absl::Time read_to = window.to;
  if (server_time_at_start.has_value()) {
    // Where our idea of the server's clock was ahead of it, rows of the window's end may yet come.
    read_to = std::min(read_to, WholeSecond(*server_time_at_start - rules.lag));
  }
  cursor.window_limit = std::min(rules.longest, cursor.window_limit * 2);
  cursor.after.reset();
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

bool Halve(Cursor& cursor, const WindowRules& rules, const Window& window) {
  const absl::Duration shortest = rules.whole_days ? absl::Hours(24) : kShortest;
  const absl::Duration length = window.to - window.from;
  if (length <= shortest) return false;
  // A day of 25 hours is still a day.
  if (rules.whole_days && NextDay(window.from, rules.zone) >= window.to) return false;
  cursor.after.reset();
  cursor.window_limit = std::max(shortest, absl::Trunc(length / 2, absl::Seconds(1)));
  return true;
}

int RowsToAsk(const Cursor& cursor, int max_rows) {
  return cursor.row_cap > 1 ? std::min(max_rows, cursor.row_cap - 1) : max_rows;
}

bool MayBeCut(const Cursor& cursor, int rows, int asked) {
  if (rows >= asked) return true;
  return rows >= kLeastCap && rows >= cursor.most_rows;
}

}  // namespace psups::ps_ingest
