#include "services/shipment-builder/packing.h"

#include <algorithm>
#include <random>
#include <string>
#include <variant>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/measures.h"

namespace psups::shipment_builder {
namespace {

using Kind = MeasureProblem::Kind;

Decimal D(const std::string& text) { return Decimal::Parse(text).value(); }

Unit InchUnit(const std::string& weight, const std::string& a, const std::string& b,
              const std::string& c) {
  return {.weight_lb = D(weight),
          .sides = {Length::Inches(D(a)), Length::Inches(D(b)), Length::Inches(D(c))}};
}

// "20 lb 16x12x10, 5 lb …" with what is inside.
std::string Text(const Packing& packing) {
  if (!packing.packed) {
    switch (packing.problem) {
      case PackingProblem::kTooHeavy:
        return "too heavy";
      case PackingProblem::kTooLarge:
        return "too large";
      case PackingProblem::kTooMany:
        return "too many";
    }
  }
  std::string text;
  for (const Package& package : packing.packages) {
    text += (text.empty() ? "" : ", ") + package.contents.at(0).quantity.ToString() + ": " +
            package.weight_lb.ToString() + " lb " + std::to_string(package.length_in) + "x" +
            std::to_string(package.width_in) + "x" + std::to_string(package.height_in);
  }
  return text;
}

std::string Pack(const std::string& quantity, const Unit& unit) {
  return Text(PackSchedule(1, 1, D(quantity), unit));
}

TEST(Packing, StacksUnitsAlongTheirShortestSide) {
  EXPECT_EQ(Pack("4", InchUnit("5", "12", "10", "4")), "4: 20 lb 16x12x10");
  EXPECT_EQ(Pack("4", InchUnit("5", "4", "12", "10")), "4: 20 lb 16x12x10");
}

TEST(Packing, FullCartonsFirstTheRestInTheLast) {
  EXPECT_EQ(Pack("23", InchUnit("5", "12", "10", "4")),
            "10: 50 lb 40x12x10, 10: 50 lb 40x12x10, 3: 15 lb 12x12x10");
}

TEST(Packing, FiftyPoundsAndFortyEightInchesFillACarton) {
  EXPECT_EQ(Pack("3", InchUnit("25", "10", "10", "10")), "2: 50 lb 20x10x10, 1: 25 lb 10x10x10");
  EXPECT_EQ(Pack("3", InchUnit("25.1", "10", "10", "10")),
            "1: 25.1 lb 10x10x10, 1: 25.1 lb 10x10x10, 1: 25.1 lb 10x10x10");
  EXPECT_EQ(Pack("3", InchUnit("1", "24", "24", "24")), "2: 2 lb 48x24x24, 1: 1 lb 24x24x24");
  EXPECT_EQ(Pack("2", InchUnit("1", "24.1", "24.1", "24.1")), "1: 1 lb 25x25x25, 1: 1 lb 25x25x25");
}

TEST(Packing, AHeavyUnitTravelsAlone) {
  EXPECT_EQ(Pack("2", InchUnit("150", "10", "10", "10")), "1: 150 lb 10x10x10, 1: 150 lb 10x10x10");
  EXPECT_EQ(Pack("1", InchUnit("150.01", "10", "10", "10")), "too heavy");
}

TEST(Packing, UpsLimitsOnLengthAndGirth) {
  EXPECT_EQ(Pack("1", InchUnit("20", "108", "14", "14")), "1: 20 lb 108x14x14");    // 164
  EXPECT_EQ(Pack("1", InchUnit("20", "108", "14.5", "13")), "1: 20 lb 108x15x13");  // 164
  EXPECT_EQ(Pack("1", InchUnit("20", "108", "15", "14")), "too large");             // 166
  EXPECT_EQ(Pack("1", InchUnit("20", "108.01", "5", "5")), "too large");
  // A second unit would pass the girth, so each travels alone.
  EXPECT_EQ(Pack("2", InchUnit("20", "100", "16", "16")), "1: 20 lb 100x16x16, 1: 20 lb 100x16x16");
}

TEST(Packing, MeasuresAreRoundedUp) {
  EXPECT_EQ(Pack("1", InchUnit("1.01", "10.001", "9.5", "3")), "1: 1.1 lb 11x10x3");
}

TEST(Packing, APartOfAUnitTakesTheRoomOfAWholeOne) {
  EXPECT_EQ(Pack("2.5", InchUnit("20", "10", "10", "10")),
            "2: 40 lb 20x10x10, 0.5: 20 lb 10x10x10");
  EXPECT_EQ(Pack("0.25", InchUnit("20", "10", "10", "10")), "0.25: 20 lb 10x10x10");
}

TEST(Packing, TwoHundredPackagesAtMost) {
  EXPECT_EQ(PackSchedule(1, 1, D("200"), InchUnit("60", "9", "9", "9")).packages.size(), 200u);
  EXPECT_EQ(Pack("201", InchUnit("60", "9", "9", "9")), "too many");
  EXPECT_EQ(Pack("99999999999", InchUnit("60", "9", "9", "9")), "too many");
}

TEST(Packing, CentimetresAreExact) {
  const Length side = Length::Centimetres(D("254"));
  EXPECT_EQ(side.WholeInchesUp(), 100);
  EXPECT_EQ(Length::Centimetres(D("254.001")).WholeInchesUp(), 101);
  EXPECT_EQ(Length::Centimetres(D("2.54")), Length::Inches(D("1")));
}

// Over many units: each packed once, every carton within all limits, and none could hold one more.
TEST(Packing, HoldsForAnyUnits) {
  std::mt19937 random(20261123);
  const auto draw = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  int packed = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto decimal = [&](int most) {
      return D(std::to_string(draw(0, most)) + "." + std::to_string(draw(0, 9999)));
    };
    const bool metric = draw(0, 1) == 1;
    Unit unit{.weight_lb = decimal(draw(0, 3) == 0 ? 200 : 30) + D("0.0001")};
    for (Length& side : unit.sides) {
      const Decimal measure = decimal(draw(0, 3) == 0 ? 130 : 40) + D("0.0001");
      side = metric ? Length::Centimetres(measure * Decimal(3)) : Length::Inches(measure);
    }
    const Decimal quantity = draw(0, 3) == 0 ? decimal(100) + D("0.0001") : Decimal(draw(1, 400));
    const Packing packing = PackSchedule(3, 2, quantity, unit);
    std::sort(unit.sides.begin(), unit.sides.end(), std::greater<>());
    const auto carton = [&](int64_t n) {
      std::array<int64_t, 3> inches = {unit.sides[0].WholeInchesUp(), unit.sides[1].WholeInchesUp(),
                                       unit.sides[2].Times(n).WholeInchesUp()};
      std::sort(inches.begin(), inches.end(), std::greater<>());
      return inches;
    };
    const auto fits_ups = [&](int64_t n) {
      const auto inches = carton(n);
      return (unit.weight_lb * Decimal(n)).RoundUp(1) <= Decimal(150) && inches[0] <= 108 &&
             inches[0] + 2 * (inches[1] + inches[2]) <= 165;
    };
    const auto fills = [&](int64_t n) {
      return fits_ups(n) && unit.weight_lb * Decimal(n) <= Decimal(50) &&
             unit.sides[2].Times(n) <= Length::Inches(Decimal(48));
    };
    if (!packing.packed) {
      EXPECT_TRUE(!fits_ups(1) || packing.problem == PackingProblem::kTooMany);
      EXPECT_EQ(packing.problem == PackingProblem::kTooHeavy,
                (unit.weight_lb).RoundUp(1) > Decimal(150));
      continue;
    }
    ++packed;
    ASSERT_TRUE(fits_ups(1));
    Decimal sum;
    int64_t units = 0, first = 0;
    for (std::size_t p = 0; p < packing.packages.size(); ++p) {
      const Package& package = packing.packages[p];
      EXPECT_EQ(package.number, static_cast<int>(p) + 1);
      ASSERT_EQ(package.contents.size(), 1u);
      EXPECT_EQ(package.contents[0].line, 3);
      EXPECT_EQ(package.contents[0].schedule, 2);
      EXPECT_GT(package.contents[0].quantity, Decimal(0));
      sum = sum + package.contents[0].quantity;
      const int64_t n = package.contents[0].quantity.Ceil();
      if (p == 0) first = n;
      units += n;
      EXPECT_TRUE(n == 1 ? fits_ups(1) : fills(n));
      EXPECT_LE(n, first);
      EXPECT_EQ(package.weight_lb, (unit.weight_lb * Decimal(n)).RoundUp(1));
      const auto inches = carton(n);
      EXPECT_EQ(package.length_in, inches[0]);
      EXPECT_EQ(package.width_in, inches[1]);
      EXPECT_EQ(package.height_in, inches[2]);
      if (p + 1 < packing.packages.size()) {
        EXPECT_EQ(n, first);
      }
    }
    EXPECT_EQ(sum, quantity);
    EXPECT_EQ(units, quantity.Ceil());
    EXPECT_LE(packing.packages.size(), 200u);
    // A full carton is as full as it may be.
    if (packing.packages.size() > 1) {
      EXPECT_FALSE(fills(first + 1));
    }
  }
  EXPECT_GT(packed, 8000);
}

// ---- Measures ----

orders::v1::Order::Schedule Measured() {
  orders::v1::Order::Schedule schedule;
  schedule.mutable_shipping_weight()->set_value("0.0000");
  schedule.mutable_item_weight()->set_value("2.0000");
  schedule.mutable_item_weight()->set_unit("LB");
  schedule.set_conversion_rate("12.00000000");
  schedule.mutable_item_dimensions()->set_length("10");
  schedule.mutable_item_dimensions()->set_width("8");
  schedule.mutable_item_dimensions()->set_height("6");
  schedule.mutable_item_dimensions()->set_unit("IN");
  return schedule;
}

std::string WeightOf(const orders::v1::Order::Schedule& schedule) {
  const auto unit = UnitOf(schedule);
  return std::holds_alternative<Unit>(unit) ? std::get<Unit>(unit).weight_lb.ToString() : "none";
}

Kind ProblemOf(const orders::v1::Order::Schedule& schedule) {
  return std::get<MeasureProblem>(UnitOf(schedule)).kind;
}

TEST(Measures, TheWeightOfTheUnitOfMeasureComesFirst) {
  auto schedule = Measured();
  EXPECT_EQ(WeightOf(schedule), "24");
  schedule.mutable_shipping_weight()->set_value("7.5");
  EXPECT_EQ(WeightOf(schedule), "24");  // without a unit it is not kept
  schedule.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(WeightOf(schedule), "7.5");
}

TEST(Measures, ABlankOrZeroRateIsOne) {
  auto schedule = Measured();
  schedule.set_conversion_rate("");
  EXPECT_EQ(WeightOf(schedule), "2");
  schedule.set_conversion_rate("0");
  EXPECT_EQ(WeightOf(schedule), "2");
}

TEST(Measures, Units) {
  auto schedule = Measured();
  schedule.set_conversion_rate("1");
  schedule.mutable_item_weight()->set_value("10");
  const std::pair<const char*, const char*> units[] = {
      {"LB", "10"}, {"KG", "22.0462262185"}, {"OZ", "0.625"}, {" kg ", "22.0462262185"}};
  for (const auto& [unit, pounds] : units) {
    schedule.mutable_item_weight()->set_unit(unit);
    EXPECT_EQ(WeightOf(schedule), pounds) << unit;
  }
  schedule.mutable_item_weight()->set_value("1000");
  schedule.mutable_item_weight()->set_unit("G");
  EXPECT_EQ(WeightOf(schedule), "2.20462262185");
  schedule.mutable_item_dimensions()->set_unit("M");
  schedule.mutable_item_dimensions()->set_length("2.54");
  const MeasureRules ungated{.gate = false};
  EXPECT_EQ(std::get<Unit>(UnitOf(schedule, ungated)).sides[0].WholeInchesUp(), 100);
  schedule.mutable_item_dimensions()->set_unit("FT");
  EXPECT_EQ(std::get<Unit>(UnitOf(schedule, ungated)).sides[1].WholeInchesUp(), 96);
}

TEST(Measures, WhatIsNotKeptIsMissing) {
  auto schedule = Measured();
  schedule.mutable_item_weight()->set_value("");
  EXPECT_EQ(ProblemOf(schedule), Kind::kWeightMissing);
  schedule = Measured();
  schedule.mutable_item_weight()->clear_unit();
  EXPECT_EQ(ProblemOf(schedule), Kind::kWeightMissing);
  schedule = Measured();
  schedule.mutable_item_dimensions()->set_height("0");
  EXPECT_EQ(ProblemOf(schedule), Kind::kDimensionsMissing);
  schedule = Measured();
  schedule.mutable_item_dimensions()->clear_unit();
  EXPECT_EQ(ProblemOf(schedule), Kind::kDimensionsMissing);
}

TEST(Measures, AnUnknownUnitIsNamed) {
  auto schedule = Measured();
  schedule.mutable_item_weight()->set_unit("STN");
  EXPECT_EQ(ProblemOf(schedule), Kind::kUnitUnknown);
  EXPECT_EQ(std::get<MeasureProblem>(UnitOf(schedule)).unit_of_measure, "STN");
  schedule = Measured();
  schedule.mutable_item_dimensions()->set_unit("YD");
  EXPECT_EQ(ProblemOf(schedule), Kind::kUnitUnknown);
}

TEST(Measures, AbsurdValuesEndNothing) {
  auto schedule = Measured();
  schedule.mutable_item_weight()->set_value("999999999999999");
  schedule.set_conversion_rate("999999999999999");
  EXPECT_EQ(ProblemOf(schedule), Kind::kTooHeavy);
  schedule = Measured();
  schedule.mutable_item_dimensions()->set_length("999999999999999");
  EXPECT_EQ(ProblemOf(schedule), Kind::kTooLarge);
}

}  // namespace
}  // namespace psups::shipment_builder
