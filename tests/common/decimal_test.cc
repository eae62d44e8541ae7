#include "common/decimal.h"

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace psups {
namespace {

Decimal D(std::string_view text) { return Decimal::Parse(text).value(); }

TEST(DecimalTest, KeepsWhatWasWrittenWithoutSuperfluousZeros) {
  EXPECT_EQ(D("12.5000").ToString(), "12.5");
  EXPECT_EQ(D("0012").ToString(), "12");
  EXPECT_EQ(D(".5").ToString(), "0.5");
  EXPECT_EQ(D("-0.25").ToString(), "-0.25");
  EXPECT_EQ(D("0").ToString(), "0");
  EXPECT_EQ(D("2.20462262185").ToString(), "2.20462262185");
}

TEST(DecimalTest, RefusesWhatIsNoDecimal) {
  for (const char* text :
       {"", ".", "1e3", "1,5", "abc", "1.000000000001", "1234567890123456", "--1", "1.2.3"}) {
    EXPECT_THAT(Decimal::Parse(text), testing::HasCode(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(DecimalTest, MultipliesExactlyAndRoundsTheTwelfthPlaceUp) {
  EXPECT_EQ((D("0.1") * D("3")).ToString(), "0.3");
  EXPECT_EQ((D("12.5") * D("2.20462262185")).ToString(), "27.55778277313");
  EXPECT_EQ((D("-2.5") * D("4")).ToString(), "-10");
  EXPECT_EQ((D("999999999999") * D("1000")).ToString(), "999999999999000");
}

TEST(DecimalTest, RoundsUpToPlaces) {
  EXPECT_EQ(D("12.01").RoundUp(1).ToString(), "12.1");
  EXPECT_EQ(D("12.1").RoundUp(1).ToString(), "12.1");
  EXPECT_EQ(D("12.00000000001").Ceil(), 13);
  EXPECT_EQ(D("12").Ceil(), 12);
  EXPECT_EQ(D("-0.5").Floor(), -1);
  EXPECT_EQ(D("-0.5").Ceil(), 0);
}

TEST(DecimalTest, CountsHowManyFit) {
  EXPECT_EQ(D("50").HowMany(D("12.5")), 4);
  EXPECT_EQ(D("50").HowMany(D("12.6")), 3);
  EXPECT_EQ(D("1").HowMany(D("2")), 0);
}

TEST(DecimalTest, ComparesByValue) {
  EXPECT_EQ(D("1.50"), D("1.5"));
  EXPECT_LT(D("-1"), D("0.00000000001"));
}

}  // namespace
}  // namespace psups
