#include "services/shipment-builder/part_void.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace psups::shipment_builder {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Contents = std::vector<Content>;

Content Of(int line, int quantity) {
  return {.line = line, .schedule = 1, .quantity = Decimal(quantity)};
}
Share Wanted(int line, int quantity) {
  return {.line = line, .schedule = 1, .quantity = Decimal(quantity)};
}

// Line 1 in two cartons of ten and one of five, line 2 in one of four.
Shipment Labelled() {
  Shipment shipment;
  shipment.shares = {Wanted(1, 25), Wanted(2, 4)};
  int number = 0;
  for (const Content& content : {Of(1, 10), Of(1, 10), Of(1, 5), Of(2, 4)}) {
    shipment.packages.push_back({.number = ++number,
                                 .contents = {content},
                                 .tracking_number = "1Z" + std::to_string(number)});
  }
  shipment.state = State::kLabeled;
  shipment.ups_shipment_id = "1Z1";
  shipment.handed_over = true;
  return shipment;
}

TEST(PackagesBeyond, ACancelledLinesPackagesGo) {
  EXPECT_THAT(PackagesBeyond(Labelled(), {Wanted(1, 25)}), ElementsAre(3));
  EXPECT_THAT(PackagesBeyond(Labelled(), {Wanted(2, 4)}), ElementsAre(0, 1, 2));
}

TEST(PackagesBeyond, ALowerQuantityIsTakenOutInWholePackages) {
  EXPECT_THAT(PackagesBeyond(Labelled(), {Wanted(1, 20), Wanted(2, 4)}), ElementsAre(2));
  EXPECT_THAT(PackagesBeyond(Labelled(), {Wanted(1, 10), Wanted(2, 4)}), ElementsAre(1, 2));
  EXPECT_THAT(PackagesBeyond(Labelled(), {Wanted(1, 24), Wanted(2, 4)}), IsEmpty());
}

TEST(PackagesBeyond, TheLastPackageDoesNotGoAlone) {
  EXPECT_THAT(PackagesBeyond(Labelled(), {}), IsEmpty());
}

TEST(PackagesBeyond, MoreThanThereIsCannotBeMadeByTakingAway) {
  EXPECT_THAT(PackagesBeyond(Labelled(), {Wanted(1, 26)}), IsEmpty());
}

TEST(PackagesBeyond, APackageThatHoldsWhatStaysDoesNotGo) {
  Shipment shipment = Labelled();
  shipment.packages[3].contents = {Of(2, 4), Of(1, 0)};
  shipment.packages[2].contents = {Of(1, 5), Of(2, 0)};
  EXPECT_THAT(PackagesBeyond(shipment, {Wanted(1, 25)}), ElementsAre(3));
  shipment.packages[2].contents = {Of(1, 4)};
  shipment.packages[3].contents = {Of(2, 4), Of(1, 1)};
  EXPECT_THAT(PackagesBeyond(shipment, {Wanted(1, 25)}), IsEmpty());
}

TEST(PartVoid, FreesWhatIsInThePackagesWhenTheyAreVoidAndNotBefore) {
  Shipment shipment = Labelled();
  const Effects begun = BeginPartVoid(shipment, {2, 3}, "new");
  EXPECT_EQ(begun.allocation, Effects::Allocation::kKeep);
  EXPECT_EQ(shipment.state, State::kLabeled);
  EXPECT_EQ(WorkOf(shipment), Work::kVoid);
  EXPECT_EQ(shipment.shares.size(), 2u);
  EXPECT_EQ(WantedShares(shipment).at(0).quantity, Decimal(20));
  const Effects voided =
      SettlePartVoid(shipment, {"1Z3", "1Z4"}, {.kind = VoidOutcome::Kind::kVoided});
  EXPECT_EQ(voided.allocation, Effects::Allocation::kFreePart);
  EXPECT_EQ(voided.part.size(), 2u);
  ASSERT_EQ(shipment.shares.size(), 1u);
  EXPECT_EQ(shipment.shares[0].quantity, Decimal(20));
  EXPECT_EQ(WorkOf(shipment), Work::kNone);
  // What is left is followed as if there had never been more.
  SettleTracking(shipment, "1Z1", "DELIVERED");
  SettleTracking(shipment, "1Z2", "DELIVERED");
  EXPECT_EQ(shipment.state, State::kDelivered);
}

TEST(PartVoid, WaitsForTheHandOverSoThatTrackersAreThereToBeClosed) {
  Shipment shipment = Labelled();
  shipment.handed_over = false;
  BeginPartVoid(shipment, {3}, "new");
  EXPECT_EQ(WorkOf(shipment), Work::kHandOver);
}

TEST(PartVoid, WhatUpsDoesNotVoidAloneGoesAsAWhole) {
  Shipment shipment = Labelled();
  BeginPartVoid(shipment, {3}, "new");
  const Effects effects = SettlePartVoid(
      shipment, {"1Z4"}, {.kind = VoidOutcome::Kind::kRefused, .message = "As a whole only."});
  EXPECT_EQ(shipment.state, State::kVoiding);
  EXPECT_EQ(shipment.undo, Undo::kChange);
  EXPECT_FALSE(effects.review.has_value());
  EXPECT_EQ(effects.allocation, Effects::Allocation::kKeep);
}

TEST(PartVoid, OfPackagesThatNobodyHeardOfUpsIsAskedAgainWhenItRefusesTheWhole) {
  Shipment shipment = Labelled();
  BeginPartVoid(shipment, {3}, "new");
  SettlePartVoid(shipment, {"1Z4"}, {.kind = VoidOutcome::Kind::kLater});
  BeginVoid(shipment, Undo::kChange);  // the order changed again meanwhile
  SettleVoid(shipment, {.kind = VoidOutcome::Kind::kRefused});
  EXPECT_EQ(shipment.state, State::kLabeled);
  EXPECT_EQ(WorkOf(shipment), Work::kVoid);
  EXPECT_EQ(shipment.void_number, 3);  // each is asked for under its own number
  SettlePartVoid(shipment, {"1Z4"}, {.kind = VoidOutcome::Kind::kVoided});
  EXPECT_EQ(shipment.shares.size(), 1u);
  EXPECT_EQ(WorkOf(shipment), Work::kNone);
}

TEST(PartVoid, WhatUpsHasPickedUpIsForAPerson) {
  Shipment shipment = Labelled();
  BeginPartVoid(shipment, {3}, "new");
  SettleTracking(shipment, "1Z1", "PICKED_UP");
  const Effects effects = SettlePartVoid(
      shipment, {"1Z4"}, {.kind = VoidOutcome::Kind::kRefused, .message = "Picked up."});
  EXPECT_EQ(shipment.state, State::kInTransit);
  ASSERT_TRUE(effects.review.has_value());
  EXPECT_EQ(effects.review->reason, Reason::kVoidRefused);
  EXPECT_EQ(WorkOf(shipment), Work::kNone);
}

TEST(PartVoid, AScanOfAPackageThatIsVoidAloneIsAReview) {
  Shipment shipment = Labelled();
  BeginPartVoid(shipment, {3}, "new");
  SettlePartVoid(shipment, {"1Z4"}, {.kind = VoidOutcome::Kind::kVoided});
  EXPECT_FALSE(SettleTracking(shipment, "1Z4", "VOIDED").review.has_value());
  const Effects effects = SettleTracking(shipment, "1Z4", "PICKED_UP");
  ASSERT_TRUE(effects.review.has_value());
  EXPECT_EQ(effects.review->reason, Reason::kVoidedLabelScanned);
  EXPECT_EQ(shipment.state, State::kLabeled);  // the others are where they were
}

}  // namespace
}  // namespace psups::shipment_builder
