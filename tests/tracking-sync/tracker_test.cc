#include "services/tracking-sync/tracker.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;
using Activity = ups::v1::TrackingActivity;

constexpr char kNumber[] = "1Z999AA10123456784";
const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);

Event At(int minute, const char* type, const char* code, const char* status_code = "",
         EventSource source = pb::Event::WEBHOOK) {
  const absl::Time time = kNoon + absl::Minutes(minute);
  return MakeEvent({.tracking_number = kNumber,
                    .type = type,
                    .code = code,
                    .status_code = status_code,
                    .time = time,
                    .local_time = absl::FormatTime("%Y-%m-%dT%H:%M:%S", time, absl::UTCTimeZone()),
                    .precision = Activity::GMT_GIVEN,
                    .city = "CHARLOTTE",
                    .country = "US"},
                   source);
}

Event Label() { return LabelCreated(kNumber, kNoon); }

std::vector<ParcelStatus> Statuses(const Outcome& outcome) {
  std::vector<ParcelStatus> statuses;
  for (const Applied& applied : outcome.added) statuses.push_back(applied.event.status);
  return statuses;
}

TEST(TrackerTest, ScansInOrderAreEachCurrentInTheirTurn) {
  const Outcome outcome =
      Apply({}, {Label(), At(1, "I", "OR"), At(2, "I", "DP"), At(3, "I", "OT"), At(4, "D", "FS")});
  EXPECT_THAT(Statuses(outcome),
              ::testing::ElementsAre(pb::LABEL_CREATED, pb::PICKED_UP, pb::IN_TRANSIT,
                                     pb::OUT_FOR_DELIVERY, pb::DELIVERED));
  for (const Applied& applied : outcome.added) {
    EXPECT_TRUE(applied.is_current);
    EXPECT_TRUE(applied.changed);
  }
  EXPECT_EQ(outcome.current.status, pb::DELIVERED);
}

TEST(TrackerTest, LateHistoryIsKeptAndIsNotCurrent) {
  const Outcome outcome = Apply({Label(), At(5, "I", "OT")}, {At(2, "I", "DP")});
  ASSERT_EQ(outcome.added.size(), 1u);
  EXPECT_FALSE(outcome.added[0].is_current);
  EXPECT_FALSE(outcome.added[0].changed);
  EXPECT_EQ(outcome.current.status, pb::OUT_FOR_DELIVERY);
}

TEST(TrackerTest, WhateverTheOrderOfArrivalTheParcelIsInTheSamePlace) {
  std::vector<Event> events = {Label(),          At(1, "I", "OR"),        At(2, "X", "X1", "046"),
                               At(3, "D", "FS"), At(4, "X", "XR", "033"), At(4, "I", "DP")};
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.event_id < b.event_id; });
  do {
    std::vector<Event> known;
    Outcome outcome;
    for (const Event& event : events) {
      outcome = Apply(known, {event});
      known.push_back(event);
    }
    EXPECT_EQ(outcome.current.status, pb::RETURNING);
  } while (std::next_permutation(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.event_id < b.event_id;
  }));
}

TEST(TrackerTest, OfTwoScansOfOneSecondTheHigherRankIsCurrent) {
  EXPECT_EQ(CurrentOf({At(1, "I", "OT"), At(1, "I", "DP")}).status, pb::OUT_FOR_DELIVERY);
  EXPECT_EQ(CurrentOf({At(1, "D", "FS"), At(1, "I", "OT")}).status, pb::DELIVERED);
}

TEST(TrackerTest, LabelCreatedIsTheBeginningEvenWhenOurClockWasAhead) {
  const Outcome outcome =
      Apply({LabelCreated(kNumber, kNoon + absl::Hours(1))}, {At(1, "I", "OR")});
  EXPECT_EQ(outcome.current.status, pb::PICKED_UP);
  EXPECT_TRUE(outcome.added[0].is_current);
}

TEST(TrackerTest, DeliveredIsLeftOnlyByALaterTimedCorrection) {
  const std::vector<Event> delivered = {Label(), At(10, "D", "FS")};
  EXPECT_EQ(Apply(delivered, {At(9, "I", "OT")}).current.status, pb::DELIVERED);
  EXPECT_EQ(Apply(delivered, {At(10, "X", "XR", "033")}).current.status, pb::DELIVERED);
  EXPECT_EQ(Apply(delivered, {At(11, "NA", "")}).current.status, pb::DELIVERED);
  EXPECT_EQ(Apply(delivered, {Voided(kNumber, kNoon + absl::Hours(2))}).current.status,
            pb::DELIVERED);
  EXPECT_EQ(Apply(delivered, {At(11, "X", "XR", "033")}).current.status, pb::RETURNING);
}

TEST(TrackerTest, ReturnedIsLeftOnlyByALaterTimedCorrection) {
  const std::vector<Event> returned = {Label(), At(10, "X", "RS", "034")};
  EXPECT_EQ(Apply(returned, {At(9, "I", "DP")}).current.status, pb::RETURNED);
  EXPECT_EQ(Apply(returned, {At(12, "D", "FS")}).current.status, pb::DELIVERED);
}

TEST(TrackerTest, APhysicalScanLeavesVoided) {
  const Outcome outcome =
      Apply({Label(), Voided(kNumber, kNoon + absl::Minutes(5))}, {At(6, "I", "OR")});
  EXPECT_EQ(outcome.current.status, pb::PICKED_UP);
  EXPECT_TRUE(outcome.added[0].changed);
}

TEST(TrackerTest, UpssOwnLabelCreatedAndVoidedAreOurs) {
  EXPECT_TRUE(Apply({Label()}, {At(3, "M", "MP", "003")}).added.empty());
  EXPECT_TRUE(Apply({Label(), Voided(kNumber, kNoon)}, {At(3, "MV", "VP", "007")}).added.empty());
  // Voided at UPS, not by us.
  EXPECT_EQ(Apply({Label()}, {At(3, "MV", "VP", "007")}).current.status, pb::VOIDED);
}

TEST(TrackerTest, DoublesFallOut) {
  const std::vector<Event> known = {Label(), At(1, "I", "OR")};
  EXPECT_TRUE(Apply(known, {At(1, "I", "OR")}).added.empty());
  EXPECT_EQ(Apply(known, {At(2, "I", "DP"), At(2, "I", "DP")}).added.size(), 1u);
}

TEST(TrackerTest, AScanWhoseUtcIsDerivedIsTheSameAsTheOneWithGmt) {
  const Event certain = At(1, "I", "DP");
  Scan scan = certain.scan;
  scan.precision = Activity::DERIVED;
  scan.time += absl::Hours(1);  // daylight saving
  EXPECT_TRUE(Apply({certain}, {MakeEvent(scan, pb::Event::TRACK)}).added.empty());
  EXPECT_TRUE(Apply({MakeEvent(scan, pb::Event::TRACK)}, {certain}).added.empty());
}

TEST(TrackerTest, TwoCertainScansOfOneLocalTimeAreTwo) {
  const Event first = At(1, "I", "DP");
  Scan scan = first.scan;
  scan.time += absl::Hours(1);  // the repeated hour in autumn
  EXPECT_EQ(Apply({first}, {MakeEvent(scan, pb::Event::WEBHOOK)}).added.size(), 1u);
}

TEST(TrackerTest, ACopyThatKnowsWhatTheFirstDidNotIsAnEventOfItsOwnOnce) {
  const Event vague = At(1, "D", "Q7");
  ASSERT_EQ(vague.status, pb::UNKNOWN);
  const Event clear = At(1, "D", "Q7", "011", pb::Event::TRACK);
  const Outcome outcome = Apply({Label(), vague}, {clear});
  ASSERT_EQ(outcome.added.size(), 1u);
  EXPECT_EQ(outcome.current.status, pb::DELIVERED);
  EXPECT_TRUE(Apply({Label(), vague, outcome.added[0].event}, {clear, vague}).added.empty());
}

TEST(TrackerTest, ANewDeliveryDateChangesNothingAndIsNotReported) {
  const Outcome outcome = Apply({Label(), At(1, "I", "OR")}, {At(2, "U", "UP", "055")});
  ASSERT_EQ(outcome.added.size(), 1u);
  EXPECT_FALSE(outcome.added[0].is_current);
  EXPECT_FALSE(IsReported(outcome.added[0].event));
  EXPECT_EQ(outcome.current.status, pb::PICKED_UP);
  EXPECT_TRUE(IsReported(At(2, "D", "PX", "155")));
  EXPECT_TRUE(IsReported(At(2, "NA", "")));
}

}  // namespace
}  // namespace psups::tracking_sync
