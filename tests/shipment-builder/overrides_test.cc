#include "services/shipment-builder/overrides.h"

#include <string>

#include "tests/shipment-builder/deciding.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum Action;

// ---- Measures ----

TEST_F(Deciding, AWeightThatAPersonGivesPacksTheShipmentAndIsNoChangeOfTheOrder) {
  Made([](Schedule& schedule) { schedule.clear_shipping_weight(); });
  ASSERT_EQ(review.asked.reason, Reason::kItemWeightMissing);
  EXPECT_THAT(shipment.packages, IsEmpty());
  ASSERT_OK(Run(Weighing("24", "OZ")));
  EXPECT_EQ(shipment.state, State::kValidating);
  ASSERT_THAT(shipment.packages, SizeIs(1));
  EXPECT_EQ(shipment.packages[0].weight_lb.ToString(), "6");  // four of 1.5 lb
  EXPECT_TRUE(effects.packages_changed);
  EXPECT_EQ(effects.detail["measures"], "24 OZ");
  EXPECT_TRUE(StaysAsItIs());
}

TEST_F(Deciding, WhatWasDecidedOfOneItemHoldsWhenAnotherIsAskedAbout) {
  Schedule other = PlainSchedule(2, 1);
  other.set_item_id("20002");
  other.clear_item_dimensions();
  *order.add_schedules() = other;
  Made([](Schedule& schedule) { schedule.clear_shipping_weight(); });
  ASSERT_OK(RunAndAsk(Weighing("2", "LB")));
  EXPECT_EQ(shipment.state, State::kNeedsReview);
  ASSERT_EQ(review.asked.reason, Reason::kItemDimensionsMissing);
  review.asked.item->item_id = "20002";
  review.asked.item->line = 2;
  pb::ResolveReviewRequest request = Request(kSetMeasures);
  request.mutable_dimensions()->set_length("10");
  request.mutable_dimensions()->set_width("10");
  request.mutable_dimensions()->set_height("2");
  request.mutable_dimensions()->set_unit("IN");
  ASSERT_OK(RunAndAsk(request));
  EXPECT_EQ(shipment.state, State::kValidating);
  ASSERT_THAT(shipment.packages, SizeIs(2));
  EXPECT_EQ(shipment.packages[0].weight_lb.ToString(), "8");
  EXPECT_TRUE(StaysAsItIs());
}

TEST_F(Deciding, ARetryTakesBackWhatWasDecidedBefore) {
  Made([](Schedule& schedule) { schedule.clear_shipping_weight(); });
  ASSERT_OK(RunAndAsk(Weighing("2", "LB")));
  ASSERT_EQ(shipment.state, State::kValidating);
  review.asked = {.reason = Reason::kUpsRejected, .side = Side::kShipTo};
  ASSERT_OK(RunAndAsk(Request(kRetry)));
  EXPECT_EQ(shipment.state, State::kNeedsReview);
  EXPECT_EQ(review.asked.reason, Reason::kItemWeightMissing);
}

TEST_F(Deciding, ARememberedWeightBecomesTheFirstRuleOfTheItemAndKeepsWhatIsKnownOfIt) {
  MappingRecord set{.connection_id = "c1", .version = 3};
  auto& carton = *set.rules.add_items();
  carton.set_item_id("10001");
  carton.set_ships_in_own_carton(true);
  mappings.records = {set};
  ASSERT_OK(rules.Refresh());
  Made([](Schedule& schedule) { schedule.clear_shipping_weight(); });
  pb::ResolveReviewRequest request = Weighing("3", "LB");
  request.set_remember(true);
  ASSERT_OK(Run(request));
  ASSERT_TRUE(effects.taught.has_value());
  EXPECT_EQ(effects.taught->replaces, 3);
  ASSERT_EQ(effects.taught->rules.items_size(), 2);
  const auto& rule = effects.taught->rules.items(0);
  EXPECT_EQ(rule.setid() + "/" + rule.item_id() + "/" + rule.unit_of_measure(), "SHARE/10001/EA");
  EXPECT_EQ(rule.weight().value(), "3");
  EXPECT_TRUE(rule.ships_in_own_carton());
  EXPECT_EQ(shipment.mapping_version, 4);
  EXPECT_EQ(shipment.state, State::kValidating);
  // By the rules as they are then it is what the order says.
  set = {.connection_id = "c1", .version = 4, .rules = effects.taught->rules};
  mappings.records = {set};
  ASSERT_OK(rules.Refresh());
  EXPECT_TRUE(StaysAsItIs());
}

TEST_F(Deciding, ALineWithoutAnItemHasNothingToRemember) {
  Made([](Schedule& schedule) {
    schedule.clear_item_id();
    schedule.clear_shipping_weight();
  });
  pb::ResolveReviewRequest request = Weighing("3", "LB");
  request.set_remember(true);
  EXPECT_THAT(Run(request), HasCode(absl::StatusCode::kFailedPrecondition));
  request.set_remember(false);
  EXPECT_OK(Run(request));
  EXPECT_THAT(shipment.packages, SizeIs(1));
}

TEST_F(Deciding, MeasuresThatAreNoneNameTheField) {
  Made([](Schedule& schedule) { schedule.clear_shipping_weight(); });
  const auto says = [&](const pb::ResolveReviewRequest& request) {
    const absl::Status status = Run(request);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    return std::string(status.message());
  };
  EXPECT_THAT(says(Request(kSetMeasures)), HasSubstr("weight, dimensions: neither is set"));
  EXPECT_THAT(says(Weighing("0", "LB")), HasSubstr("weight.value: \"0\""));
  EXPECT_THAT(says(Weighing("-1", "LB")), HasSubstr("weight.value"));
  EXPECT_THAT(says(Weighing("5", "STONE")), HasSubstr("weight.unit: \"STONE\""));
  pb::ResolveReviewRequest request = Request(kSetMeasures);
  request.mutable_dimensions()->set_length("10");
  request.mutable_dimensions()->set_unit("IN");
  EXPECT_THAT(says(request), HasSubstr("dimensions.width"));
}

TEST_F(Deciding, AReviewThatNamesNoItemIsAskedAnewFirst) {
  Made([](Schedule& schedule) { schedule.clear_shipping_weight(); });
  review.asked.item.reset();
  const absl::Status status = Run(Weighing("5", "LB"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("RETRY"));
}

// ---- Splitting ----

TEST_F(Deciding, ACaseThatIsTooHeavyTravelsAsItsPieces) {
  Made([](Schedule& schedule) {
    schedule.set_unit_of_measure("CS");
    schedule.set_standard_unit_of_measure("EA");
    schedule.set_conversion_rate("8");
    schedule.set_ordered_quantity("2");
    schedule.set_open_quantity("2");
    schedule.mutable_shipping_weight()->set_value("200");
    schedule.mutable_item_weight()->set_value("25");
    schedule.mutable_item_weight()->set_unit("LB");
  });
  ASSERT_EQ(review.asked.reason, Reason::kPackageTooHeavy);
  ASSERT_OK(Run(Request(kSplit)));
  EXPECT_EQ(shipment.state, State::kValidating);
  ASSERT_THAT(shipment.packages, SizeIs(8));  // two of 25 lb in a carton of at most 50
  Decimal inside;
  for (const Package& package : shipment.packages) {
    EXPECT_EQ(package.weight_lb.ToString(), "50");
    ASSERT_THAT(package.contents, SizeIs(1));
    EXPECT_EQ(package.contents[0].quantity.ToString(), "0.25");  // of a case
    inside = inside + package.contents[0].quantity;
  }
  EXPECT_EQ(inside.ToString(), "2");
  ASSERT_THAT(shipment.shares, SizeIs(1));
  EXPECT_EQ(shipment.shares[0].quantity.ToString(), "2");  // what a purchase takes is of the order
  EXPECT_TRUE(StaysAsItIs());
}

TEST_F(Deciding, WhatIsNoExactPartOfACaseIsNotSplit) {
  Made([](Schedule& schedule) {
    schedule.set_unit_of_measure("CS");
    schedule.set_standard_unit_of_measure("EA");
    schedule.set_conversion_rate("12");
    schedule.set_ordered_quantity("1");
    schedule.set_open_quantity("1");
    schedule.mutable_shipping_weight()->set_value("300");
    schedule.mutable_item_weight()->set_value("25");
    schedule.mutable_item_weight()->set_unit("LB");
  });
  const absl::Status status = Run(Request(kSplit));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("2 of the 12 EA in one CS of line 1, schedule 1"));
}

TEST_F(Deciding, AUnitOfWhichNoPartsAreKnownIsNotSplit) {
  Made([](Schedule& schedule) {
    schedule.mutable_shipping_weight()->set_value("200");
    schedule.mutable_item_dimensions()->set_width("30");
    schedule.mutable_item_dimensions()->set_height("20");
  });
  ASSERT_EQ(review.asked.reason, Reason::kPackageTooHeavy);
  const absl::Status status = Run(Request(kSplit));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("conversion rate"));
}

}  // namespace
}  // namespace psups::shipment_builder::testing
