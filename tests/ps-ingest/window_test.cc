#include "services/ps-ingest/window.h"

#include <vector>

#include "common/testing/status_matchers.h"
#include "services/ps-ingest/local_time.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

absl::Time At(int hour, int minute = 0, int second = 0, int day = 23) {
  return absl::FromCivil(absl::CivilSecond(2026, 11, day, hour, minute, second),
                         absl::UTCTimeZone());
}

WindowRules Rules() {
  return {.overlap = absl::Minutes(30),
          .lag = absl::Seconds(5),
          .longest = absl::Hours(24),
          .zone = NewYork()};
}

Cursor ReadUpTo(absl::Time watermark) {
  return {.start = At(0, 0, 0, 1), .watermark = watermark, .window_limit = absl::Hours(24)};
}

TEST(NextWindow, ReachesFromTheWatermarkLessTheOverlapToTheServersClockLessTheLag) {
  Cursor cursor = ReadUpTo(At(14));
  const auto window = NextWindow(cursor, Rules(), At(14, 1));
  ASSERT_TRUE(window.has_value());
  EXPECT_EQ(window->from, At(13, 30));
  EXPECT_EQ(window->to, At(14, 0, 55));
  EXPECT_FALSE(Advance(cursor, Rules(), *window, At(14, 1)));
  EXPECT_EQ(cursor.watermark, At(14, 0, 55));
  EXPECT_FALSE(cursor.position.has_value());
}

TEST(NextWindow, BeginsAtTheCursorsStartAndNeverBeforeIt) {
  Cursor cursor = ReadUpTo(At(0, 0, 0, 1));
  const auto window = NextWindow(cursor, Rules(), At(12));
  EXPECT_EQ(window->from, At(0, 0, 0, 1));
  EXPECT_EQ(window->to, At(6, 0, 0, 1));  // New York's clocks went back then
}

TEST(NextWindow, TilesACatchUpWithoutAGap) {
  Cursor cursor = ReadUpTo(At(0, 0, 0, 1));
  absl::Time covered = cursor.start;
  int windows = 0;
  while (true) {
    const auto window = NextWindow(cursor, Rules(), At(12));
    ASSERT_TRUE(window.has_value());
    EXPECT_EQ(window->from, covered);
    EXPECT_LE(window->to - window->from, absl::Hours(24));
    covered = window->to;
    ++windows;
    if (!Advance(cursor, Rules(), *window, At(12))) break;
    ASSERT_LT(windows, 100);
  }
  EXPECT_EQ(covered, At(11, 59, 55));
  EXPECT_EQ(cursor.watermark, covered);
}

TEST(NextWindow, KeepsARoundsEndHoweverLongTheRoundTakes) {
  // A row that commits late, within the overlap of the time its window was read at, must be reread:
  // so the next round begins at the end that was set when this one began.
  WindowRules rules = Rules();
  rules.longest = absl::Minutes(20);
  Cursor cursor = ReadUpTo(At(14));
  const auto first = NextWindow(cursor, rules, At(14, 1));
  EXPECT_TRUE(Advance(cursor, rules, *first, At(14, 1)));
  const auto second = NextWindow(cursor, rules, At(19));  // hours later
  EXPECT_EQ(second->to, At(14, 0, 55));
  EXPECT_FALSE(Advance(cursor, rules, *second, At(19)));
  EXPECT_EQ(NextWindow(cursor, rules, At(19))->from, At(13, 30, 55));
}

TEST(NextWindow, IsNoneWhileTheServersClockStandsBeforeTheStart) {
  Cursor cursor = ReadUpTo(At(0, 0, 0, 1));
  EXPECT_FALSE(NextWindow(cursor, Rules(), At(0, 0, 0, 1)).has_value());
  EXPECT_FALSE(cursor.position.has_value());
}

TEST(Advance, StopsAtTheServersClockWhereOursWasAhead) {
  Cursor cursor = ReadUpTo(At(14));
  const auto window = NextWindow(cursor, Rules(), At(15));
  EXPECT_FALSE(Advance(cursor, Rules(), *window, At(14, 10)));
  EXPECT_EQ(cursor.watermark, At(14, 9, 55));
}

TEST(Advance, LeavesTheWatermarkWhereTheServersClockIsFarBehind) {
  Cursor cursor = ReadUpTo(At(14));
  const auto window = NextWindow(cursor, Rules(), At(15));
  EXPECT_FALSE(Advance(cursor, Rules(), *window, At(9)));
  EXPECT_EQ(cursor.watermark, At(14));
}

TEST(Advance, GoesOnInAFaultyRoundWithoutTheWatermarkAndTheNextRoundBeginsThereAgain) {
  WindowRules rules = Rules();
  rules.longest = absl::Minutes(20);  // the fault lies in the overlap, before the watermark
  Cursor cursor = ReadUpTo(At(14));
  auto window = NextWindow(cursor, rules, At(14, 1));
  cursor.fault = "a row";
  cursor.faulty = true;
  EXPECT_TRUE(Advance(cursor, rules, *window, At(14, 1)));
  window = NextWindow(cursor, rules, At(14, 1));
  EXPECT_EQ(window->from, At(13, 50));
  EXPECT_FALSE(Advance(cursor, rules, *window, At(14, 1)));
  EXPECT_EQ(cursor.watermark, At(14));
  EXPECT_EQ(cursor.fault, "a row");

  window = NextWindow(cursor, rules, At(14, 1));
  EXPECT_EQ(window->from, At(13, 30));
  EXPECT_TRUE(Advance(cursor, rules, *window, At(14, 1)));
  EXPECT_EQ(cursor.fault, "a row");
  EXPECT_FALSE(Advance(cursor, rules, *NextWindow(cursor, rules, At(14, 1)), At(14, 1)));
  EXPECT_EQ(cursor.fault, "");
  EXPECT_EQ(cursor.watermark, At(14, 0, 55));
}

TEST(Halve, GoesDownToASecondAndNoFurther) {
  Cursor cursor = ReadUpTo(At(14));
  cursor.window_limit = absl::Seconds(5);
  std::vector<absl::Duration> lengths;
  while (true) {
    const auto window = NextWindow(cursor, Rules(), At(16));
    lengths.push_back(window->to - window->from);
    if (!Halve(cursor, Rules(), *window)) break;
  }
  EXPECT_THAT(lengths,
              ::testing::ElementsAre(absl::Seconds(5), absl::Seconds(2), absl::Seconds(1)));
  EXPECT_EQ(cursor.watermark, At(14));
}

TEST(Advance, LetsWindowsGrowAgain) {
  Cursor cursor = ReadUpTo(At(14));
  cursor.window_limit = absl::Seconds(4);
  const auto window = NextWindow(cursor, Rules(), At(16));
  EXPECT_TRUE(Advance(cursor, Rules(), *window, At(16)));
  EXPECT_EQ(cursor.window_limit, absl::Seconds(8));
}

// Every second of the night of a change, written at each reading of the clock, must lie in a window
// whose round began after it.
TEST(NextWindow, CoversEachMomentOfBothNightsOfChange) {
  for (const absl::Time midnight : {absl::FromCivil(absl::CivilDay(2026, 11, 1), NewYork()),
                                    absl::FromCivil(absl::CivilDay(2026, 3, 8), NewYork())}) {
    WindowRules rules = Rules();
    rules.overlap = absl::Minutes(2);
    rules.longest = absl::Minutes(7);
    Cursor cursor = {
        .start = midnight - absl::Hours(24), .watermark = midnight, .window_limit = rules.longest};
    std::vector<std::pair<absl::CivilSecond, absl::CivilSecond>> read;
    for (absl::Time now = midnight + absl::Minutes(1); now < midnight + absl::Hours(5);
         now += absl::Seconds(61)) {
      while (true) {
        const auto window = NextWindow(cursor, rules, now);
        ASSERT_TRUE(window.has_value());
        read.push_back({LocalStart(window->from, rules.zone), LocalEnd(window->to, rules.zone)});
        ASSERT_LE(read.back().first, read.back().second);
        // In spring a window may stretch over the hour that no clock shows.
        ASSERT_LE(read.back().second - read.back().first,
                  7 * 60 + (window->to < At(0, 0, 0, 1) - absl::Hours(24) ? 3600 : 0));
        if (!Advance(cursor, rules, *window, now)) break;
      }
    }
    for (absl::Time moment = midnight; moment < midnight + absl::Hours(4);
         moment += absl::Seconds(7)) {
      const absl::CivilSecond shown = absl::ToCivilSecond(moment, rules.zone);
      EXPECT_TRUE(std::any_of(read.begin(), read.end(), [&](const auto& window) {
        return window.first <= shown && shown <= window.second;
      })) << absl::FormatCivilTime(shown);
    }
  }
}

// A program that began before the clocks were put forward stamps by the old one: at 03:40 it says
// 02:40. What it commits must lie in the next round's windows, however long polls rest meanwhile.
TEST(NextWindow, CoversTheHourThatNoClockShowsInSpring) {
  const absl::Time change = absl::FromCivil(absl::CivilSecond(2026, 3, 8, 3), NewYork());
  for (const absl::Duration rest : {absl::Minutes(3), absl::Hours(5)}) {
    for (absl::Duration after = absl::Minutes(1); after < absl::Hours(1);
         after += absl::Minutes(7)) {
      const absl::CivilSecond stamp =
          absl::CivilSecond(2026, 3, 8, 2) + absl::ToInt64Seconds(after);
      const absl::Time committed = change + after + Rules().overlap;
      Cursor cursor = ReadUpTo(committed);  // a poll came just before
      cursor.start = committed - absl::Hours(48);
      const auto window = NextWindow(cursor, Rules(), committed + rest);
      ASSERT_TRUE(window.has_value());
      EXPECT_LE(LocalStart(window->from, NewYork()), stamp);
      EXPECT_GE(LocalEnd(window->to, NewYork()), stamp);
    }
  }
}

}  // namespace
}  // namespace psups::ps_ingest
