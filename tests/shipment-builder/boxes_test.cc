#include "services/shipment-builder/boxes.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/shipment-builder/box_sets.h"

namespace psups::shipment_builder {
namespace {

Decimal D(const std::string& text) { return Decimal::Parse(text).value(); }

ToPack Item(int line, const std::string& quantity, const std::string& weight, const std::string& a,
            const std::string& b, const std::string& c) {
  return {.line = line,
          .schedule = 1,
          .quantity = D(quantity),
          .unit = {.weight_lb = D(weight),
                   .sides = {Length::Inches(D(a)), Length::Inches(D(b)), Length::Inches(D(c))}}};
}

ToPack OwnCarton(ToPack item) {
  item.own_carton = true;
  return item;
}

ToPack Upright(ToPack item) {
  item.upright = true;
  return item;
}

// "XL 24.6 lb 25x19x19: 1/1 ×2.5 + 2/1 ×1; …", numbers left out.
std::string Text(const std::vector<Package>& packages) {
  std::string text;
  for (const Package& package : packages) {
    if (!text.empty()) text += "; ";
    text += (package.box_id.empty() ? "own" : package.box_id) + " " + package.weight_lb.ToString() +
            " lb " + std::to_string(package.length_in) + "x" + std::to_string(package.width_in) +
            "x" + std::to_string(package.height_in) + ":";
    for (const Content& content : package.contents) {
      text += " " + std::to_string(content.line) + "/" + std::to_string(content.schedule) + " ×" +
              content.quantity.ToString();
    }
  }
  return text;
}

std::string Pack(const std::vector<ToPack>& items,
                 const std::vector<Box>& boxes = BoxSets::Catalogue()) {
  const BoxPacking packing = PackIntoBoxes(items, boxes);
  if (packing.packed) return Text(packing.packages);
  const std::string item = " because of " + std::to_string(packing.item);
  switch (packing.problem) {
    case PackingProblem::kTooHeavy:
      return "too heavy" + item;
    case PackingProblem::kTooLarge:
      return "too large" + item;
    case PackingProblem::kTooMany:
      return "too many" + item;
  }
  std::abort();
}

TEST(Boxes, SchedulesShareTheBoxThatIsBilledLeast) {
  EXPECT_EQ(Pack({Item(1, "2", "1", "6", "4", "3"), Item(2, "1", "0.5", "4", "3", "2")}),
            "XS 2.9 lb 9x7x5: 1/1 ×2 2/1 ×1");
}

TEST(Boxes, OfAsManyPackagesThoseThatAreBilledLess) {
  // The rest goes into the smallest box that takes it.
  EXPECT_EQ(Pack({Item(1, "8", "1", "12", "9", "9"), Item(2, "1", "1", "8", "6", "4")}),
            "XL 10.6 lb 25x19x19: 1/1 ×8; XS 1.4 lb 9x7x5: 2/1 ×1");
  // One XL and one L would be billed 65 + 39 lb, twice L only 78.
  EXPECT_EQ(Pack({Item(1, "16", "1", "10", "8", "6")},
                 {BoxSets::Catalogue()[3], BoxSets::Catalogue()[4]}),
            "L 9.9 lb 21x17x15: 1/1 ×8; L 9.9 lb 21x17x15: 1/1 ×8");
}

TEST(Boxes, AUnitThatFillsABoxExactlyGoesIn) {
  EXPECT_EQ(Pack({Item(1, "1", "3", "4", "8", "6")}), "XS 3.4 lb 9x7x5: 1/1 ×1");
  EXPECT_EQ(Pack({Item(1, "1", "3", "4", "8.0001", "6")}), "S 3.7 lb 13x10x7: 1/1 ×1");
  // Sixteenths of an inch and hundredths of a centimetre add up without a rest.
  EXPECT_EQ(Pack({Item(1, "64", "0.1", "8", "6", "0.0625")}), "XS 6.8 lb 9x7x5: 1/1 ×64");
  ToPack metric = Item(1, "8", "0.1", "8", "6", "1");
  metric.unit.sides[2] = Length::Centimetres(D("1.27"));
  EXPECT_EQ(Pack({metric}), "XS 1.2 lb 9x7x5: 1/1 ×8");
}

TEST(Boxes, WhatFitsNoBoxTravelsInItsOwnCarton) {
  EXPECT_EQ(Pack({Item(1, "2", "12.01", "30", "5.5", "5")}),
            "own 12.1 lb 30x6x5: 1/1 ×1; own 12.1 lb 30x6x5: 1/1 ×1");
  EXPECT_EQ(Pack({Item(1, "1", "68.11", "5", "5", "5")}), "own 68.2 lb 5x5x5: 1/1 ×1");
}

TEST(Boxes, WhatShipsInItsOwnCartonIsNotBoxed) {
  EXPECT_EQ(Pack({OwnCarton(Item(1, "1.5", "2", "3", "4", "5")), Item(2, "1", "1", "3", "3", "3")}),
            "XS 1.4 lb 9x7x5: 2/1 ×1; own 2 lb 5x4x3: 1/1 ×1; own 2 lb 5x4x3: 1/1 ×0.5");
}

TEST(Boxes, APartOfAUnitTakesTheRoomAndWeightOfAWholeOne) {
  EXPECT_EQ(Pack({Item(1, "1.25", "20", "8", "6", "4")}, {BoxSets::Catalogue()[0]}),
            "XS 20.4 lb 9x7x5: 1/1 ×1; XS 20.4 lb 9x7x5: 1/1 ×0.25");
}

TEST(Boxes, WhatMustStayUprightDoes) {
  const ToPack item = Item(1, "1", "1", "4", "4", "8");
  EXPECT_EQ(Pack({item}), "XS 1.4 lb 9x7x5: 1/1 ×1");
  EXPECT_EQ(Pack({Upright(item)}), "M 2.2 lb 17x13x11: 1/1 ×1");
  EXPECT_EQ(Pack({Upright(Item(1, "1", "1", "4", "4", "19"))}), "own 1 lb 19x4x4: 1/1 ×1");
}

TEST(Boxes, ABoxHoldsNoMoreThanItBearsWithItsTare) {
  const std::vector<Box> boxes = {BoxSets::Catalogue()[4]};
  EXPECT_EQ(Pack({Item(1, "2", "33.7", "10", "10", "10")}, boxes), "XL 70 lb 25x19x19: 1/1 ×2");
  EXPECT_EQ(Pack({Item(1, "2", "33.71", "10", "10", "10")}, boxes),
            "XL 36.4 lb 25x19x19: 1/1 ×1; XL 36.4 lb 25x19x19: 1/1 ×1");
}

TEST(Boxes, BoxesThatUpsDoesNotCarryStayOnTheShelf) {
  std::vector<Box> boxes = {BoxSets::Catalogue()[4]};
  const std::vector<ToPack> items = {Item(1, "1", "1", "3", "2", "2")};
  boxes[0].outer_in = {109, 10, 10};
  EXPECT_EQ(Pack(items, boxes), "own 1 lb 3x2x2: 1/1 ×1");
  boxes[0].outer_in = {66, 25, 25};
  EXPECT_EQ(Pack(items, boxes), "own 1 lb 3x2x2: 1/1 ×1");
  boxes[0].outer_in = {65, 25, 25};
  EXPECT_EQ(Pack(items, boxes), "XL 3.6 lb 65x25x25: 1/1 ×1");
  boxes[0].max_weight_lb = D("2.6");
  EXPECT_EQ(Pack(items, boxes), "own 1 lb 3x2x2: 1/1 ×1");
  boxes[0] = BoxSets::Catalogue()[4];
  boxes[0].max_weight_lb = D("900");  // UPS's 150 lb hold all the same
  EXPECT_EQ(Pack({Item(1, "3", "73.7", "3", "2", "2")}, boxes),
            "XL 150 lb 25x19x19: 1/1 ×2; XL 76.3 lb 25x19x19: 1/1 ×1");
}

TEST(Boxes, WhatUpsDoesNotCarryIsNamed) {
  const ToPack small = Item(1, "1", "1", "3", "2", "2");
  EXPECT_EQ(Pack({small, Item(2, "1", "150.01", "3", "2", "2")}), "too heavy because of 1");
  EXPECT_EQ(Pack({small, Item(2, "1", "1", "108.01", "2", "2")}), "too large because of 1");
  EXPECT_EQ(Pack({small, Item(2, "1", "1", "66", "25", "25")}), "too large because of 1");
  EXPECT_EQ(Pack({Item(1, "1", "150", "65", "25", "25")}), "own 150 lb 65x25x25: 1/1 ×1");
}

TEST(Boxes, TwoHundredPackagesAtMost) {
  const ToPack heavy = Item(1, "200", "60", "9", "9", "9");
  const auto packages = [](const std::vector<ToPack>& items) {
    return PackIntoBoxes(items, BoxSets::Catalogue()).packages.size();
  };
  EXPECT_EQ(packages({heavy}), 200u);
  EXPECT_EQ(packages({OwnCarton(heavy)}), 200u);
  EXPECT_EQ(Pack({heavy, OwnCarton(Item(2, "1", "1", "3", "3", "3"))}), "too many because of 0");
  EXPECT_EQ(Pack({Item(1, "201", "60", "9", "9", "9")}), "too many because of 0");
  EXPECT_EQ(Pack({OwnCarton(Item(1, "99999999999", "6", "9", "9", "9"))}), "too many because of 0");
  EXPECT_EQ(Pack({Item(1, "999999999999999", "0.0000001", "9", "9", "9")}),
            "too many because of 0");
  EXPECT_EQ(Pack({Item(1, "999999999999999", "100", "0.0001", "0.0001", "0.0001")}),
            "too many because of 0");
}

TEST(Boxes, WithoutBoxesEachUnitTravelsAlone) {
  EXPECT_EQ(Pack({Item(1, "2", "1", "3", "2", "2")}, {}),
            "own 1 lb 3x2x2: 1/1 ×1; own 1 lb 3x2x2: 1/1 ×1");
  EXPECT_EQ(Pack({}), "");
}

}  // namespace
}  // namespace psups::shipment_builder
