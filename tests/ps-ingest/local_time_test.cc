#include "services/ps-ingest/local_time.h"

#include "common/testing/status_matchers.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

using testing::HasCode;

absl::Time Utc(int month, int day, int hour, int minute = 0, int second = 0) {
  return absl::FromCivil(absl::CivilSecond(2026, month, day, hour, minute, second),
                         absl::UTCTimeZone());
}

std::string Read(const char* text) {
  const auto time = ParseLocalTime(text, NewYork());
  return time.ok() ? FormatLocalTime(*time) : std::string(time.status().message());
}

TEST(ParseLocalTime, ReadsTheThreeFormsWithAndWithoutFraction) {
  EXPECT_EQ(Read("2026-11-23T10:01:02"), "2026-11-23T10:01:02");
  EXPECT_EQ(Read("2026-11-23 10:01:02"), "2026-11-23T10:01:02");
  EXPECT_EQ(Read("2026-11-23-10.01.02"), "2026-11-23T10:01:02");
  EXPECT_EQ(Read("2026-11-23-10.01.02.000000"), "2026-11-23T10:01:02");
  EXPECT_EQ(Read("2026-11-23T10:01:02.5"), "2026-11-23T10:01:02.500000");
  EXPECT_EQ(Read("2026-11-23 10:01:02.123456789"), "2026-11-23T10:01:02.123456");
  EXPECT_EQ(Read("2026-11-23"), "2026-11-23T00:00:00");
}

TEST(ParseLocalTime, TurnsAnOffsetIntoTheBaseZonesReading) {
  EXPECT_EQ(Read("2026-11-23T15:01:02Z"), "2026-11-23T10:01:02");
  EXPECT_EQ(Read("2026-11-23T10:01:02-0500"), "2026-11-23T10:01:02");
  EXPECT_EQ(Read("2026-11-23T16:01:02.25+01:00"), "2026-11-23T10:01:02.250000");
}

TEST(ParseLocalTime, RefusesWhatIsNoTime) {
  for (const char* text : {"", "23-NOV-26", "2026-02-30", "2026-11-23T25:00:00", "2026-11-23T10:01",
                           "2026-11-23T10:01:02X", "2026-11-23T10.01.02", "-026-11-23", "28 Feb",
                           "0565-11-23", "9999-12-31T23:59:59-1000"}) {
    EXPECT_THAT(ParseLocalTime(text, NewYork()), HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(Moments, AreTwoInTheRepeatedHourAndOneElsewhere) {
  // New York went back from 02:00 EDT to 01:00 EST on 1 November 2026, 06:00 UTC.
  const LocalTime repeated = *ParseLocalTime("2026-11-01T01:30:00", NewYork());
  EXPECT_EQ(EarliestMoment(repeated, NewYork()), Utc(11, 1, 5, 30));
  EXPECT_EQ(LatestMoment(repeated, NewYork()), Utc(11, 1, 6, 30));
  const LocalTime plain = *ParseLocalTime("2026-11-01T03:30:00.5", NewYork());
  EXPECT_EQ(EarliestMoment(plain, NewYork()), LatestMoment(plain, NewYork()));
  EXPECT_EQ(EarliestMoment(plain, NewYork()), Utc(11, 1, 8, 30) + absl::Milliseconds(500));
}

TEST(WindowEnds, ReadTheChangeItselfFromTheSideTheyLieOn) {
  const absl::Time change = Utc(11, 1, 6);
  EXPECT_EQ(absl::FormatCivilTime(LocalEnd(change, NewYork())), "2026-11-01T02:00:00");
  EXPECT_EQ(absl::FormatCivilTime(LocalStart(change, NewYork())), "2026-11-01T01:00:00");
  // In spring, 8 March 2026, 02:00 EST became 03:00 EDT, 07:00 UTC.
  const absl::Time spring = Utc(3, 8, 7);
  EXPECT_EQ(absl::FormatCivilTime(LocalEnd(spring, NewYork())), "2026-03-08T03:00:00");
  EXPECT_EQ(absl::FormatCivilTime(LocalStart(spring, NewYork())), "2026-03-08T03:00:00");
}

TEST(SetBack, IsFoundOnceAYearAndNotInSpring) {
  EXPECT_EQ(NextSetBack(Utc(1, 1, 0), NewYork()), Utc(11, 1, 6));
  EXPECT_EQ(NextSetBack(Utc(11, 1, 5, 59, 59), NewYork()), Utc(11, 1, 6));
  EXPECT_GT(NextSetBack(Utc(11, 1, 6), NewYork()), Utc(11, 2, 0));
  EXPECT_EQ(NextSetBack(Utc(1, 1, 0), absl::UTCTimeZone()), absl::InfiniteFuture());
}

TEST(Change, IsRecentForItsHourAndTheSpanAsked) {
  EXPECT_EQ(RecentChange(Utc(11, 1, 6, 30), absl::Minutes(30), NewYork()), absl::Hours(1));
  EXPECT_EQ(RecentChange(Utc(11, 1, 7, 29), absl::Minutes(30), NewYork()), absl::Hours(1));
  EXPECT_EQ(RecentChange(Utc(11, 1, 7, 31), absl::Minutes(30), NewYork()), absl::ZeroDuration());
  EXPECT_EQ(RecentChange(Utc(11, 1, 5, 59), absl::Minutes(30), NewYork()), absl::ZeroDuration());
  EXPECT_EQ(RecentChange(Utc(3, 8, 7, 1), absl::Minutes(30), NewYork()), absl::Hours(1));
  EXPECT_EQ(RecentChange(Utc(3, 8, 8, 29), absl::Minutes(30), NewYork()), absl::Hours(1));
  EXPECT_EQ(RecentChange(Utc(3, 8, 8, 31), absl::Minutes(30), NewYork()), absl::ZeroDuration());
  EXPECT_EQ(RecentChange(Utc(3, 8, 6, 59), absl::Minutes(30), NewYork()), absl::ZeroDuration());
  EXPECT_EQ(RecentChange(Utc(6, 1, 0), absl::Minutes(30), absl::UTCTimeZone()),
            absl::ZeroDuration());
}

}  // namespace
}  // namespace psups::ps_ingest
