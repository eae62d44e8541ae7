#include "services/shipment-builder/measures.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace psups::shipment_builder {
namespace {

using Kind = MeasureProblem::Kind;
using Schedule = orders::v1::Order::Schedule;
using ItemMeasures = MeasureRules::ItemMeasures;

Decimal D(const std::string& text) { return *Decimal::Parse(text); }

// A case of twelve; each weighs 2 lb and measures 10 × 8 × 6 in.
Schedule Case() {
  Schedule schedule;
  schedule.set_item_setid("SHARE");
  schedule.set_item_id("10001");
  schedule.set_unit_of_measure("CS");
  schedule.set_standard_unit_of_measure("EA");
  schedule.set_conversion_rate("12.00000000");
  schedule.mutable_shipping_weight()->set_value("0.0000");
  schedule.mutable_item_weight()->set_value("2.0000");
  schedule.mutable_item_weight()->set_unit("LB");
  schedule.mutable_item_dimensions()->set_length("10");
  schedule.mutable_item_dimensions()->set_width("8");
  schedule.mutable_item_dimensions()->set_height("6");
  schedule.mutable_item_dimensions()->set_unit("IN");
  return schedule;
}

Schedule WithoutRate() {
  Schedule schedule = Case();
  schedule.set_conversion_rate("0.00000000");
  return schedule;
}

// "24 lb, 10 x 8 x 6", or what the problem is.
std::string Told(const Schedule& schedule, const MeasureRules& rules = {}) {
  const auto measured = UnitOf(schedule, rules);
  if (const auto* unit = std::get_if<Unit>(&measured)) {
    return absl::StrCat(unit->weight_lb.ToString(), " lb, ", unit->sides[0].WholeInchesUp(), " x ",
                        unit->sides[1].WholeInchesUp(), " x ", unit->sides[2].WholeInchesUp());
  }
  const auto& problem = std::get<MeasureProblem>(measured);
  switch (problem.kind) {
    case Kind::kWeightMissing:
      return "weight missing";
    case Kind::kDimensionsMissing:
      return "dimensions missing";
    case Kind::kUnitUnknown:
      return "unknown " + problem.unit_of_measure;
    case Kind::kRateUnknown:
      return absl::StrCat("no rate from ", problem.unit_of_measure, " to ", problem.standard_unit);
    case Kind::kTooHeavy:
      return "too heavy";
    case Kind::kTooLarge:
      return "too large";
    case Kind::kImplausible:
      return "implausible: " + problem.suspicion;
  }
  return "";
}

MeasureRules Converting(const std::string& from, const std::string& to, const std::string& rate) {
  return {.conversions = {{.from = from, .to = to, .rate = D(rate)}}};
}

TEST(Conversion, TheRateOfTheItemComesFirst) {
  EXPECT_EQ(Told(Case(), Converting("CS", "EA", "6")), "24 lb, 10 x 8 x 6");
}

TEST(Conversion, TheSitesTableIsAskedWhereTheItemHasNoRate) {
  EXPECT_EQ(Told(WithoutRate(), Converting("CS", "EA", "6")), "12 lb, 10 x 8 x 6");
  Schedule blank = WithoutRate();
  blank.set_conversion_rate("");
  blank.set_unit_of_measure(" cs ");
  EXPECT_EQ(Told(blank, Converting("CS", "EA", "6.5")), "13 lb, 10 x 8 x 6");
}

TEST(Conversion, TheTableIsReadInBothDirections) {
  EXPECT_EQ(Told(WithoutRate(), Converting("EA", "CS", "0.25")), "8 lb, 10 x 8 x 6");
  EXPECT_EQ(Told(WithoutRate(), Converting("EA", "CS", "0.08")), "25 lb, 10 x 8 x 6");
}

TEST(Conversion, OneThatIsNotExactTurnedRoundIsRoundedUp) {
  Schedule each = WithoutRate();
  each.set_unit_of_measure("EA");
  each.set_standard_unit_of_measure("DZ");
  each.mutable_item_weight()->set_value("10");
  EXPECT_EQ(Told(each, Converting("DZ", "EA", "12")), "0.83333333334 lb, 10 x 8 x 6");
  // The weight is divided, not the rate: what comes out even stays so.
  each.mutable_item_weight()->set_value("6");
  EXPECT_EQ(Told(each, Converting("DZ", "EA", "12")), "0.5 lb, 10 x 8 x 6");
}

TEST(Conversion, WithoutAnyRateThePairIsNamed) {
  EXPECT_EQ(Told(WithoutRate()), "no rate from CS to EA");
  EXPECT_EQ(Told(WithoutRate(), Converting("BX", "EA", "6")), "no rate from CS to EA");
  EXPECT_EQ(Told(WithoutRate(), Converting("CS", "BX", "6")), "no rate from CS to EA");
  EXPECT_EQ(Told(WithoutRate(), Converting("CS", "EA", "0")), "no rate from CS to EA");
}

TEST(Conversion, TheStandardUnitNeedsNoRate) {
  Schedule each = WithoutRate();
  each.set_unit_of_measure("ea");
  EXPECT_EQ(Told(each), "2 lb, 10 x 8 x 6");
  Schedule unnamed = WithoutRate();
  unnamed.clear_standard_unit_of_measure();
  EXPECT_EQ(Told(unnamed), "2 lb, 10 x 8 x 6");
}

TEST(Conversion, TheWeightOfTheUnitOfMeasureNeedsNoRate) {
  Schedule schedule = WithoutRate();
  schedule.mutable_shipping_weight()->set_value("7.5");
  schedule.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(Told(schedule), "7.5 lb, 10 x 8 x 6");
}

TEST(Conversion, AbsurdRatesEndNothing) {
  EXPECT_EQ(Told(WithoutRate(), Converting("CS", "EA", "1000000001")), "too heavy");
  EXPECT_EQ(Told(WithoutRate(), Converting("EA", "CS", "0.0000000001")), "too heavy");
  EXPECT_EQ(Told(WithoutRate(), Converting("EA", "CS", "1000000001")), "too heavy");
  Schedule heaviest = WithoutRate();
  heaviest.mutable_item_weight()->set_value("1000000000");
  heaviest.mutable_item_weight()->set_unit("KG");
  EXPECT_EQ(Told(heaviest, Converting("EA", "CS", "0.000000001")),
            "2204622621850000000 lb, 10 x 8 x 6");
  EXPECT_EQ(Told(heaviest, Converting("CS", "EA", "1000000000")),
            "2204622621850000000 lb, 10 x 8 x 6");
}

TEST(UnitCodes, TheSitesOwnStandForWhatTheRulesSay) {
  Schedule schedule = Case();
  schedule.mutable_item_weight()->set_unit("kgs");
  schedule.mutable_item_dimensions()->set_unit("ZOL");
  EXPECT_EQ(Told(schedule), "unknown KGS");
  EXPECT_EQ(Told(schedule, {.units = {{"KGS", "KG"}}}), "unknown ZOL");
  EXPECT_EQ(Told(schedule, {.units = {{"KGS", "KG"}, {"ZOL", "IN"}}}),
            "52.9109429244 lb, 10 x 8 x 6");
}

TEST(UnitCodes, TheRulesMayGiveAKnownCodeAnotherMeaning) {
  Schedule schedule = Case();
  schedule.mutable_item_dimensions()->set_unit("M");  // an old site's "inches, measured"
  EXPECT_EQ(Told(schedule, {.units = {{"M", "IN"}}}), "24 lb, 10 x 8 x 6");
}

TEST(OwnMeasures, OfTheItemAndUnitCountBeforePeopleSofts) {
  const MeasureRules rules{
      .items = {{{"SHARE", "10001", "CS"},
                 ItemMeasures{.weight = D("11"),
                              .weight_unit = "kg",
                              .sides = std::array<Decimal, 3>{D("50.8"), D("25.4"), D("25.4")},
                              .sides_unit = "CM"}}}};
  Schedule schedule = Case();
  schedule.mutable_shipping_weight()->set_value("7.5");
  schedule.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(Told(schedule, rules), "24.25084884035 lb, 20 x 10 x 10");
  schedule.set_unit_of_measure("EA");
  EXPECT_EQ(Told(schedule, rules), "7.5 lb, 10 x 8 x 6");
  schedule.set_unit_of_measure("CS");
  schedule.set_item_setid("OTHER");
  EXPECT_EQ(Told(schedule, rules), "7.5 lb, 10 x 8 x 6");
}

TEST(OwnMeasures, EitherMayStandAlone) {
  MeasureRules rules{
      .items = {{{"SHARE", "10001", "CS"}, ItemMeasures{.weight = D("30"), .weight_unit = "LB"}}}};
  EXPECT_EQ(Told(Case(), rules), "30 lb, 10 x 8 x 6");
  rules.items.begin()->second = {.sides = std::array<Decimal, 3>{D("20"), D("20"), D("19")},
                                 .sides_unit = "IN"};
  EXPECT_EQ(Told(Case(), rules), "24 lb, 20 x 20 x 19");
}

TEST(OwnMeasures, NeedNothingOfPeopleSofts) {
  Schedule bare;
  bare.set_item_setid("SHARE");
  bare.set_item_id("10001");
  bare.set_unit_of_measure("CS");
  bare.set_standard_unit_of_measure("EA");
  const MeasureRules rules{
      .items = {{{"SHARE", "10001", "CS"},
                 ItemMeasures{.weight = D("30"),
                              .weight_unit = "LB",
                              .sides = std::array<Decimal, 3>{D("20"), D("20"), D("19")},
                              .sides_unit = "IN"}}}};
  EXPECT_EQ(Told(bare), "weight missing");
  EXPECT_EQ(Told(bare, rules), "30 lb, 20 x 20 x 19");
}

TEST(OwnMeasures, ZeroOrWithoutUnitIsNotKept) {
  MeasureRules rules{
      .items = {{{"SHARE", "10001", "CS"}, ItemMeasures{.weight = D("0"), .weight_unit = "LB"}}}};
  EXPECT_EQ(Told(Case(), rules), "24 lb, 10 x 8 x 6");
  rules.items.begin()->second = {.weight = D("5")};
  EXPECT_EQ(Told(Case(), rules), "24 lb, 10 x 8 x 6");
  rules.items.begin()->second = {.sides = std::array<Decimal, 3>{D("20"), D("0"), D("19")},
                                 .sides_unit = "IN"};
  EXPECT_EQ(Told(Case(), rules), "dimensions missing");
}

TEST(OwnMeasures, OfTheFirstRuleThatFitsCount) {
  const std::pair<std::tuple<std::string, std::string, std::string>, std::string> in_order[] = {
      {{"SHARE", "10001", "CS"}, "21"}, {{"SHARE", "10001", ""}, "22"}, {{"", "10001", "CS"}, "23"},
      {{"", "10001", ""}, "24.5"},      {{"SHARE", "*", "CS"}, "25"},   {{"", "*", ""}, "26"}};
  MeasureRules rules;
  for (const auto& [key, pounds] : in_order) {
    rules.items.push_back({key, {.weight = D(pounds), .weight_unit = "LB"}});
  }
  std::swap(rules.items[1], rules.items[4]);  // what names less may come first
  while (!rules.items.empty()) {
    const std::string pounds = rules.items.front().second.weight->ToString();
    EXPECT_EQ(Told(Case(), rules), absl::StrCat(pounds, " lb, 10 x 8 x 6"));
    rules.items.erase(rules.items.begin());
  }
  EXPECT_EQ(Told(Case(), rules), "24 lb, 10 x 8 x 6");
}

TEST(OwnMeasures, OfALineWithoutAnItemAreThoseOfTheBlankOne) {
  Schedule schedule = Case();
  const MeasureRules rules{
      .items = {{{"SHARE", "", "CS"}, ItemMeasures{.weight = D("30"), .weight_unit = "LB"}}}};
  EXPECT_EQ(Told(schedule, rules), "24 lb, 10 x 8 x 6");
  schedule.clear_item_id();
  EXPECT_EQ(Told(schedule, rules), "30 lb, 10 x 8 x 6");
}

TEST(OwnMeasures, AreFoundHoweverThePartsAreWritten) {
  Schedule schedule = Case();
  schedule.set_item_setid(" share");
  schedule.set_item_id("ab-1 ");
  schedule.set_unit_of_measure("cs");
  const MeasureRules rules{
      .items = {{{"SHARE", "AB-1", "CS"}, ItemMeasures{.weight = D("30"), .weight_unit = "LB"}}}};
  EXPECT_EQ(Told(schedule, rules), "30 lb, 10 x 8 x 6");
}

TEST(Gate, AsksAboutTheUnitOfMeasuresWeightPerStandardUnit) {
  // 51.6 lb in the room of one would be heavier than lead; it is the weight of six.
  Schedule bolts = Case();
  bolts.set_conversion_rate("6");
  bolts.mutable_item_weight()->set_value("8.6");
  bolts.mutable_item_dimensions()->set_length("5");
  bolts.mutable_item_dimensions()->set_width("5");
  bolts.mutable_item_dimensions()->set_height("4.5");
  EXPECT_EQ(Told(bolts), "51.6 lb, 5 x 5 x 5");
  bolts.mutable_shipping_weight()->set_value("52");
  bolts.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(Told(bolts), "52 lb, 5 x 5 x 5");
}

TEST(Gate, DoesNotCompareWhatIsOfDifferentThings) {
  // Nobody knows how many are in the case, so its weight says nothing of the item's size.
  Schedule schedule = WithoutRate();
  schedule.mutable_shipping_weight()->set_value("290");
  schedule.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(Told(schedule), "290 lb, 10 x 8 x 6");
  schedule.set_standard_unit_of_measure("CS");
  EXPECT_EQ(Told(schedule), "implausible: ounces entered as pounds, or grams entered as pounds?");
}

TEST(Gate, AsksUnlessTheRulesTurnItOff) {
  Schedule schedule = Case();
  schedule.mutable_item_weight()->set_value("900");
  schedule.mutable_item_weight()->set_unit("KG");
  EXPECT_EQ(Told(schedule), "implausible: grams entered as kilograms, or feet entered as inches?");
  EXPECT_EQ(Told(schedule, {.gate = false}), "23809.92431598 lb, 10 x 8 x 6");
  EXPECT_EQ(Told(schedule, {.bounds = {.heaviest = D("5")}}), "23809.92431598 lb, 10 x 8 x 6");
}

TEST(Gate, KnowsTheSitesOwnCodes) {
  Schedule schedule = Case();
  schedule.mutable_item_weight()->set_value("900");
  schedule.mutable_item_weight()->set_unit("KGS");
  EXPECT_EQ(Told(schedule, {.units = {{"KGS", "KG"}}}),
            "implausible: grams entered as kilograms, or feet entered as inches?");
}

TEST(Gate, DoesNotAskAPersonAboutWhatAPersonSaid) {
  const auto sides = std::array<Decimal, 3>{D("2"), D("2"), D("2")};
  MeasureRules rules{
      .items = {{{"SHARE", "10001", "CS"},
                 ItemMeasures{
                     .weight = D("5"), .weight_unit = "LB", .sides = sides, .sides_unit = "IN"}}}};
  EXPECT_EQ(Told(Case(), rules), "5 lb, 2 x 2 x 2");
  // Nor does it hold PeopleSoft's weight of the item against it.
  rules.items.begin()->second.weight = D("2");
  EXPECT_EQ(Told(Case(), rules), "2 lb, 2 x 2 x 2");
  // But PeopleSoft's weight in the room that the rules give is a question again.
  rules.items.begin()->second.weight.reset();
  EXPECT_EQ(Told(Case(), rules),
            "implausible: ounces entered as pounds, or grams entered as pounds, or feet entered as "
            "inches?");
}

TEST(Gate, LooksAtWhatAPersonSaidBesideWhatPeopleSoftKeeps) {
  MeasureRules rules{.items = {{{"SHARE", "10001", "CS"},
                                ItemMeasures{.weight = D("12000"), .weight_unit = "LB"}}}};
  EXPECT_EQ(Told(Case(), rules),
            "implausible: ounces entered as pounds, or grams entered as "
            "pounds, or feet entered as inches?");
  // With the case's own size no rate is needed to compare.
  rules.items.begin()->second = {.sides = std::array<Decimal, 3>{D("10"), D("8"), D("6")},
                                 .sides_unit = "IN"};
  Schedule schedule = WithoutRate();
  schedule.mutable_shipping_weight()->set_value("290");
  schedule.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(Told(schedule, rules),
            "implausible: ounces entered as pounds, or grams entered as pounds?");
}

TEST(Gate, ComparesTheTwoWeightsOfPeopleSoft) {
  Schedule schedule = Case();
  schedule.mutable_shipping_weight()->set_value("2");
  schedule.mutable_shipping_weight()->set_unit("LB");
  EXPECT_EQ(Told(schedule),
            "implausible: the weight of one CS kept for one EA, or the other way round?");
  schedule.mutable_item_weight()->set_unit("XX");  // not used, so no question
  EXPECT_EQ(Told(schedule), "2 lb, 10 x 8 x 6");
  schedule = Case();
  schedule.mutable_item_weight()->set_value("24");
  EXPECT_EQ(Told(schedule), "288 lb, 10 x 8 x 6");  // nothing to compare it with
}

}  // namespace
}  // namespace psups::shipment_builder
