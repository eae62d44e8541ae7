#include "services/shipment-builder/measure_gate.h"

#include <array>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/measures.h"

namespace psups::shipment_builder {
namespace {

using Schedule = orders::v1::Order::Schedule;

Decimal D(const std::string& text) { return *Decimal::Parse(text); }

struct Item {
  std::string weight = "2";
  std::string weight_unit = "LB";
  std::array<std::string, 3> sides = {"10", "8", "6"};
  std::string sides_unit = "IN";
  std::string rate = "1";
  std::string shipping_weight = "0";
  std::string shipping_unit = "";
};

Schedule ScheduleOf(const Item& item) {
  Schedule schedule;
  schedule.set_unit_of_measure(item.rate == "1" ? "EA" : "CS");
  schedule.set_standard_unit_of_measure("EA");
  schedule.set_conversion_rate(item.rate);
  schedule.mutable_item_weight()->set_value(item.weight);
  schedule.mutable_item_weight()->set_unit(item.weight_unit);
  schedule.mutable_shipping_weight()->set_value(item.shipping_weight);
  schedule.mutable_shipping_weight()->set_unit(item.shipping_unit);
  schedule.mutable_item_dimensions()->set_length(item.sides[0]);
  schedule.mutable_item_dimensions()->set_width(item.sides[1]);
  schedule.mutable_item_dimensions()->set_height(item.sides[2]);
  schedule.mutable_item_dimensions()->set_unit(item.sides_unit);
  return schedule;
}

// What is suspected; empty if nothing is.
std::string Suspected(const Item& item, const GateBounds& bounds = {}) {
  const auto measured = UnitOf(ScheduleOf(item), {.bounds = bounds});
  const auto* problem = std::get_if<MeasureProblem>(&measured);
  if (problem == nullptr) return "";
  EXPECT_EQ(problem->kind, MeasureProblem::Kind::kImplausible) << "no weight or no size";
  return problem->suspicion;
}

// Every item of the demo that has a weight and dimensions, in each of its units: see
// tests/harness/making/items.py.
const std::vector<Item>& DemoItems() {
  static const auto* const kItems = new std::vector<Item>{
      {"5.1", "LB", {"11", "8.5", "2.1"}, "IN", "1"},
      {"5.1", "LB", {"11", "8.5", "2.1"}, "IN", "10", "52.4", "LB"},
      {"3.25", "LB", {"15", "9", "6.5"}, "IN", "1"},
      {"3.25", "LB", {"15", "9", "6.5"}, "IN", "4"},
      {"1.15", "LB", {"9.6", "4.9", "2.9"}, "IN", "1"},
      {"1.15", "LB", {"9.6", "4.9", "2.9"}, "IN", "10", "12.3", "LB"},
      {"0.22", "LB", {"7", "3", "2.5"}, "IN", "1"},
      {"0.22", "LB", {"7", "3", "2.5"}, "IN", "12"},
      {"4.6", "LB", {"17.3", "8.2", "6"}, "IN"},
      {"3.9", "KG", {"20", "12", "8"}, "CM", "1"},
      {"3.9", "KG", {"20", "12", "8"}, "CM", "6"},
      {"0.85", "KG", {"12.7", "10.16", "5.08"}, "CM"},
      {"9.7", "LB", {"21", "15.5", "4"}, "IN"},
      {"8.4", "LB", {"14", "10", "4.5"}, "IN"},
      {"9.2", "LB", {"12", "7.5", "5"}, "IN", "1"},
      {"9.2", "LB", {"12", "7.5", "5"}, "IN", "4", "38.5", "LB"},
      {"7.9", "LB", {"14.5", "11", "4.8"}, "IN"},
      {"14.2", "OZ", {"8", "6", "5"}, "IN", "1"},
      {"14.2", "OZ", {"8", "6", "5"}, "IN", "10", "10.5", "LB"},
      {"1.4", "LB", {"20", "20", "2"}, "IN", "1"},
      {"1.4", "LB", {"20", "20", "2"}, "IN", "12"},
      {"920", "G", {"45.7", "17.8", "5.1"}, "CM"},
      {"22.5", "LB", {"30", "18.5", "6"}, "IN"},
      {"5.4", "KG", {"61", "25.4", "38"}, "CM"},
      {"14.75", "LB", {"14", "12", "12"}, "IN"},
      {"6.3", "LB", {"72", "3", "2"}, "IN"},
      {"2.1", "KG", {"0.25", "0.19", "0.17"}, "M"},
      {"7.35", "LB", {"1", "0.75", "0.5"}, "FT"},
      {"24.4", "LB", {"7.7", "5.2", "7.2"}, "IN"},
      {"41", "LB", {"17", "9.5", "9"}, "IN"},
      {"17.7", "KG", {"35", "25", "22"}, "CM"},
      {"46.2", "LB", {"37", "20", "8"}, "IN"},
      {"58.5", "LB", {"14", "13", "13"}, "IN"},
      {"162", "LB", {"40", "26", "20"}, "IN"},
      {"74.5", "KG", {"22", "18", "16"}, "IN"},
      {"9.1", "LB", {"24", "16", "16"}, "IN", "1"},
      {"9.1", "LB", {"24", "16", "16"}, "IN", "18"},
      {"11.5", "LB", {"120", "2", "2"}, "IN"},
  };
  return *kItems;
}

TEST(Density, NoItemOfTheDemoIsAskedAbout) {
  for (const Item& item : DemoItems()) {
    EXPECT_EQ(Suspected(item), "")
        << item.weight << " " << item.weight_unit << ", rate " << item.rate;
  }
}

TEST(Density, LightAndHeavyGoodsAreNotAskedAbout) {
  EXPECT_EQ(Suspected({.weight = "3.5", .sides = {"24", "24", "24"}}), "");  // foam
  EXPECT_EQ(Suspected({.weight = "9", .sides = {"60", "30", "30"}}), "");    // packing peanuts
  EXPECT_EQ(Suspected({.weight = "26.2", .sides = {"4", "4", "4"}}), "");    // lead
  EXPECT_EQ(Suspected({.weight = "18.2", .sides = {"4", "4", "4"}}), "");    // steel
}

struct Slip {
  Item item;
  const char* suspected;
};

TEST(Density, NamesTheUnitThatWasMeant) {
  const Slip slips[] = {
      // A monitor.
      {{.weight = "5400", .weight_unit = "KG", .sides = {"61", "25.4", "38"}, .sides_unit = "CM"},
       "grams entered as kilograms, or inches entered as centimetres?"},
      {{.weight = "0.054", .weight_unit = "G", .sides = {"6", "4", "3"}, .sides_unit = "CM"},
       "kilograms entered as grams, or pounds entered as grams, or millimetres entered as "
       "centimetres?"},
      // A battery.
      {{.weight = "390", .sides = {"7.7", "5.2", "7.2"}},
       "ounces entered as pounds, or grams entered as pounds, or feet entered as inches?"},
      {{.weight = "24.4", .sides = {"7.7", "5.2", "7.2"}, .sides_unit = "CM"},
       "ounces entered as pounds, or grams entered as pounds, or inches entered as "
       "centimetres?"},
      {{.weight = "24.4", .sides = {"0.64", "0.43", "0.6"}}, "feet entered as inches?"},
      {{.weight = "1", .sides = {"195", "132", "183"}}, "millimetres entered as inches?"},
      {{.weight = "0.09", .sides = {"10", "10", "10"}}, "centimetres entered as inches?"},
      // A lamp.
      {{.weight = "4.6", .sides = {"17.3", "8.2", "6"}, .sides_unit = "FT"},
       "inches entered as feet?"},
      {{.weight = "2", .weight_unit = "KG", .sides = {"44", "21", "15"}, .sides_unit = "M"},
       "centimetres entered as metres?"},
      {{.weight = "460", .weight_unit = "OZ", .sides = {"8.8", "4.2", "3"}, .sides_unit = "CM"},
       "grams entered as ounces, or inches entered as centimetres?"},
      {{.weight = "1.2", .weight_unit = "OZ", .sides = {"17.3", "8.2", "6"}},
       "pounds entered as ounces, or centimetres entered as inches?"},
  };
  for (const Slip& slip : slips) {
    EXPECT_EQ(Suspected(slip.item), slip.suspected) << slip.item.weight << slip.item.weight_unit;
  }
}

TEST(Density, WithoutACauseItSaysWhatIsImpossible) {
  EXPECT_EQ(Suspected({.weight = "0.025", .sides = {"10", "10", "10"}}),
            "lighter than foam for its size");
  EXPECT_EQ(Suspected({.weight = "11000", .sides = {"8", "8", "4"}, .sides_unit = "CM"}),
            "heavier than lead for its size");
}

TEST(Density, TheBoundsThemselvesPass) {
  const auto bound = [](const std::string& weight) {
    return Suspected({.weight = weight, .sides = {"10", "10", "10"}});
  };
  EXPECT_EQ(bound("410"), "");
  EXPECT_NE(bound("410.0001"), "");
  EXPECT_EQ(bound("0.1"), "");
  EXPECT_NE(bound("0.0999"), "");
}

TEST(Density, TheBoundsAreSettings) {
  const GateBounds bounds{.lightest = D("0.01"), .heaviest = D("0.02"), .slight = D("0.5")};
  const auto asked = [&](const std::string& weight, const std::string& height) {
    return !Suspected({.weight = weight, .sides = {"10", "10", height}}, bounds).empty();
  };
  EXPECT_FALSE(asked("10", "10"));
  EXPECT_TRUE(asked("9.99", "10"));
  EXPECT_FALSE(asked("20", "10"));
  EXPECT_TRUE(asked("20.01", "10"));
  EXPECT_FALSE(asked("0.5", "0.1"));
  EXPECT_TRUE(asked("0.51", "0.1"));
}

TEST(Density, AWeightThatWasRoundedUpIsNoQuestion) {
  EXPECT_EQ(Suspected({.weight = "0.1", .sides = {"0.3", "0.3", "0.1"}}), "");  // a washer
  EXPECT_EQ(Suspected({.weight = "0.1", .sides = {"0.3", "0.3", "0.1"}, .rate = "100"}), "");
  EXPECT_NE(Suspected({.weight = "0.11", .sides = {"0.3", "0.3", "0.1"}, .rate = "100"}), "");
}

TEST(Density, OfACaseIsThatOfWhatIsInIt) {
  EXPECT_EQ(Suspected({.weight = "26.2", .sides = {"4", "4", "4"}, .rate = "12"}), "");
  EXPECT_EQ(Suspected({.weight = "314", .sides = {"4", "4", "4"}, .rate = "12"}),
            "grams entered as pounds, or feet entered as inches?");
}

TEST(Density, OfAPartIsThatOfWhatItIsAPartOf) {
  WeightAndSize twelfth{.pounds = D("2"),
                        .weight_unit = "LB",
                        .centimetres = {D("10.16"), D("10.16"), D("10.16")},
                        .sides_unit = "IN",
                        .rate = {.per = Decimal(12)}};
  EXPECT_EQ(DensitySuspicion(twelfth, {}), "");
  twelfth.pounds = D("3");  // 36 lb in 64 cubic inches
  EXPECT_EQ(DensitySuspicion(twelfth, {}), "ounces entered as pounds, or grams entered as pounds?");
}

TEST(Density, TheWeightOfACaseKeptForEachIsNamed) {
  EXPECT_EQ(Suspected({.weight = "60", .sides = {"60", "8", "0.25"}, .rate = "12"}),
            "ounces entered as pounds, or grams entered as pounds, or the weight of one CS kept "
            "for one EA?");
  // Not where the weight that is too great is the case's own.
  EXPECT_EQ(Suspected({.weight = "0",
                       .sides = {"60", "8", "0.25"},
                       .rate = "12",
                       .shipping_weight = "720",
                       .shipping_unit = "LB"}),
            "ounces entered as pounds, or grams entered as pounds?");
}

TEST(Density, TheSizeOfACaseKeptForEachIsNamed) {
  EXPECT_EQ(
      Suspected({.weight = "0.22", .sides = {"45", "45", "30"}, .sides_unit = "CM", .rate = "12"}),
      "millimetres entered as centimetres, or the size of one CS kept for one EA?");
}

TEST(Density, NumbersOutOfReachAreLeftToTheLimitsOfPackages) {
  EXPECT_EQ(Suspected({.weight = "999999999", .weight_unit = "KG"}), "");
  EXPECT_EQ(Suspected({.sides = {"999999999", "999999999", "999999999"}, .sides_unit = "M"}), "");
  EXPECT_EQ(Suspected({.weight = "0.00000000001", .rate = "999999999"}), "");
}

// Weights of a case of ten that weigh 5 lb each.
std::string Compared(const std::string& shipping, const std::string& item,
                     const std::string& rate = "10", const std::string& per = "1") {
  return WeightsSuspicion({.shipping_pounds = D(shipping),
                           .item_pounds = D(item),
                           .rate = {.times = D(rate), .per = D(per)},
                           .unit_of_measure = "CS",
                           .standard_unit = "EA"});
}

constexpr char kOther[] = "the weight of one CS kept for one EA, or the other way round?";
constexpr char kTwice[] = "the conversion rate of one CS to one EA counted twice?";
constexpr char kUpsideDown[] = "the conversion rate of one CS to one EA upside down?";

TEST(TwoWeights, ThatAgreeOrDifferByTheBoxAreNoQuestion) {
  for (const char* shipping : {"50", "52", "55", "75", "100", "45", "40", "26"}) {
    EXPECT_EQ(Compared(shipping, "5"), "") << shipping;
  }
}

TEST(TwoWeights, ACaseThatWeighsAsMuchAsOneIsAQuestion) {
  EXPECT_EQ(Compared("5", "5"), kOther);
  EXPECT_EQ(Compared("50", "50"), kOther);
  EXPECT_EQ(Compared("4.5", "5"), kOther);
  EXPECT_EQ(Compared("5.5", "5"), kOther);
  EXPECT_EQ(Compared("4.49", "5"), "");
  EXPECT_EQ(Compared("5.51", "5"), "");
}

TEST(TwoWeights, SoIsOneThatWeighsTheRateTimesTheRate) {
  EXPECT_EQ(Compared("500", "5"), kTwice);
  EXPECT_EQ(Compared("450", "5"), kTwice);
  EXPECT_EQ(Compared("550", "5"), kTwice);
  EXPECT_EQ(Compared("449", "5"), "");
  EXPECT_EQ(Compared("551", "5"), "");
}

TEST(TwoWeights, SoIsARateUpsideDown) {
  EXPECT_EQ(Compared("0.5", "5"), kUpsideDown);
  EXPECT_EQ(Compared("0.56", "5"), "");
}

TEST(TwoWeights, OfAPartOfTheStandardUnitAreComparedTheSameWay) {
  // One of ten in a standard unit of 50 lb.
  EXPECT_EQ(Compared("5", "50", "1", "10"), "");
  EXPECT_EQ(Compared("50", "50", "1", "10"), kOther);
  EXPECT_EQ(Compared("50", "50", "0.1"), kOther);
  EXPECT_EQ(Compared("500", "50", "1", "10"), kUpsideDown);
}

TEST(TwoWeights, ARateNearOneTellsNothing) {
  EXPECT_EQ(Compared("5", "5", "1"), "");
  EXPECT_EQ(Compared("5", "5", "1.99"), "");
  EXPECT_EQ(Compared("5", "5", "2"), kOther);
  EXPECT_EQ(Compared("50", "50", "1", "1.99"), "");
  EXPECT_EQ(Compared("50", "50", "1", "2"), kOther);
}

TEST(TwoWeights, WhatTheBoxMayWeighIsNoQuestion) {
  // Two of half a pound in a box of a pound; two of 10 lb in one of 20.
  EXPECT_EQ(Compared("2", "0.5", "2"), "");
  EXPECT_EQ(Compared("40", "10", "2"), kTwice);
  EXPECT_EQ(Compared("4", "1", "2"), "");
  EXPECT_EQ(Compared("4.01", "1", "2"), kTwice);
}

TEST(TwoWeights, TheBoxIsThatOfTheUnitOfMeasureWhateverTheRate) {
  EXPECT_EQ(Compared("2.2", "2.2", "1", "10"), "");
  EXPECT_EQ(Compared("2.3", "2.3", "1", "10"), kOther);
}

TEST(TwoWeights, InDifferentUnitsOfWeightAreNamed) {
  constexpr char kGrams[] =
      "grams entered as kilograms, or kilograms as grams, in one of the two weights kept?";
  constexpr char kOunces[] =
      "ounces entered as pounds, or pounds as ounces, in one of the two weights kept?";
  EXPECT_EQ(Compared("5000", "5", "1"), kGrams);
  EXPECT_EQ(Compared("5", "5000", "1"), kGrams);
  EXPECT_EQ(Compared("50000", "5"), kGrams);
  EXPECT_EQ(Compared("80", "5", "1"), kOunces);
  EXPECT_EQ(Compared("5", "80", "1"), kOunces);
  EXPECT_EQ(Compared("1.6", "0.1", "1"), "");  // the box
  EXPECT_EQ(Compared("11", "5", "1"), "");     // kilograms for pounds, or a heavy box
}

TEST(TwoWeights, OutOfReachAreNotCompared) {
  EXPECT_EQ(Compared("1000000001", "1000000001"), "");
  EXPECT_EQ(Compared("5", "5", "1000001"), "");
  EXPECT_EQ(Compared("5", "5", "0.00000000001", "1000001"), "");
}

TEST(Gate, GramsForKilogramsAreFoundWhateverTheUnitOfLength) {
  std::mt19937 random(20);
  std::uniform_int_distribution<int> side(3, 40);
  std::uniform_int_distribution<int> density(50, 280);  // thousandths of a pound per cubic inch
  for (int n = 0; n < 1000; ++n) {
    const std::array<int, 3> inches = {side(random), side(random), side(random)};
    const int volume = inches[0] * inches[1] * inches[2];
    const Decimal pounds = Decimal(volume) * Decimal(density(random)) * D("0.001");
    const Decimal kilograms = (pounds * D("0.45359237")).RoundUp(4);
    Item item{.weight = kilograms.ToString(), .weight_unit = "KG"};
    for (std::size_t i = 0; i < 3; ++i) {
      item.sides[i] = (Decimal(inches[i]) * D("2.54")).ToString();
    }
    item.sides_unit = "CM";
    EXPECT_EQ(Suspected(item), "") << "n " << n;
    item.weight = (kilograms * Decimal(1000)).ToString();
    EXPECT_NE(Suspected(item).find("grams entered as kilograms"), std::string::npos) << "n " << n;
  }
}

TEST(Gate, WhatIsUsualIsNeverAskedAbout) {
  std::mt19937 random(21);
  std::uniform_int_distribution<int> side(1, 100);
  std::uniform_int_distribution<int> density(5, 3100);  // ten-thousandths
  std::uniform_int_distribution<int> rate(1, 144);
  std::uniform_int_distribution<int> box(100, 130);  // percent of what is in it
  const std::pair<const char*, const char*> units[] = {
      {"LB", "1"}, {"OZ", "16"}, {"KG", "0.45359237"}, {"G", "453.59237"}};
  for (int n = 0; n < 5000; ++n) {
    const std::array<int, 3> inches = {side(random), side(random), side(random)};
    const Decimal pounds =
        Decimal(inches[0] * inches[1] * inches[2]) * Decimal(density(random)) * D("0.0001");
    const auto& [unit, per_pound] = units[n % 4];
    const int packed = rate(random);
    Item item{.weight = (pounds * D(per_pound)).RoundUp(4).ToString(),
              .weight_unit = unit,
              .rate = absl::StrCat(packed)};
    for (std::size_t i = 0; i < 3; ++i) item.sides[i] = absl::StrCat(inches[i]);
    if (n % 2 == 0) {
      item.shipping_unit = "LB";
      item.shipping_weight =
          (pounds * Decimal(packed) * Decimal(box(random)) * D("0.01")).RoundUp(4).ToString();
    }
    if (pounds <= Decimal(1000)) {
      EXPECT_EQ(Suspected(item), "") << "n " << n << ": " << item.weight << " " << unit;
    }
  }
}

}  // namespace
}  // namespace psups::shipment_builder
