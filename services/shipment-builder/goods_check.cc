#include "services/shipment-builder/goods_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/field_check.h"
#include "services/shipment-builder/packing.h"

namespace psups::shipment_builder {
namespace {

using shipments::v1::Rules;

constexpr std::size_t kMostUnitCharacters = 3;
constexpr std::string_view kWeightUnits = " LB OZ KG G ";
constexpr std::string_view kLengthUnits = " IN FT CM M ";
// As in measures: beyond these it is a typing error, and products would not fit a Decimal.
const Decimal kMostOfAnything(1'000'000'000);
const Decimal kLeastRate = *Decimal::Parse("0.000000001");

absl::Status CheckUnitCode(const std::string& unit, const std::string& field) {
  return CheckLength(unit, 1, kMostUnitCharacters, field);
}

// The site's codes, and what they stand for.
absl::Status CheckUnits(const Rules& rules) {
  std::set<std::string> seen;
  for (int i = 0; i < rules.units_size(); ++i) {
    const Rules::Unit& unit = rules.units(i);
    const std::string at = absl::StrCat("rules.units[", i, "]");
    const std::string& code = unit.unit_of_measure();
    RETURN_IF_ERROR(CheckUnitCode(code, at + ".unit_of_measure"));
    if (IsIn(kWeightUnits, code) || IsIn(kLengthUnits, code)) {
      return Refuse(at + ".unit_of_measure", Came(code), "a code that does not stand for itself");
    }
    if (!seen.insert(code).second) {
      return Refuse(at + ".unit_of_measure", Came(code) + " again", "each code once");
    }
    if (!IsIn(kWeightUnits, unit.stands_for()) && !IsIn(kLengthUnits, unit.stands_for())) {
      return Refuse(at + ".stands_for", Came(unit.stands_for()), "LB, OZ, KG, G, IN, FT, CM or M");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckConversions(const Rules& rules) {
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < rules.conversions_size(); ++i) {
    const Rules::Conversion& conversion = rules.conversions(i);
    const std::string at = absl::StrCat("rules.conversions[", i, "]");
    const std::string& from = conversion.unit_of_measure();
    const std::string& to = conversion.unit_of_measure_to();
    RETURN_IF_ERROR(CheckUnitCode(from, at + ".unit_of_measure"));
    RETURN_IF_ERROR(CheckUnitCode(to, at + ".unit_of_measure_to"));
    if (from == to) {
      return Refuse(at + ".unit_of_measure_to", Came(to), "another unit than unit_of_measure");
    }
    // The other way round is the same fact.
    if (!seen.insert({from, to}).second || seen.count({to, from}) > 0) {
      return Refuse(at, absl::StrCat(Came(from), " and ", Came(to), " again"), "each pair once");
    }
    Decimal rate;
    RETURN_IF_ERROR(CheckDecimal(conversion.rate(),
                                 {.above = kLeastRate, .or_equal = true, .most = kMostOfAnything},
                                 at + ".rate", rate));
  }
  return absl::OkStatus();
}

// Length, width and height, each greater than 0.
absl::Status CheckSides(const type::v1::Dimensions& dimensions, const std::string& at,
                        std::array<Decimal, 3>& sides) {
  const DecimalRange range = {.most = kMostOfAnything};
  RETURN_IF_ERROR(CheckDecimal(dimensions.length(), range, at + ".length", sides[0]));
  RETURN_IF_ERROR(CheckDecimal(dimensions.width(), range, at + ".width", sides[1]));
  return CheckDecimal(dimensions.height(), range, at + ".height", sides[2]);
}

absl::Status CheckBoxSides(const type::v1::Dimensions& dimensions, const std::string& at,
                           std::array<Length, 3>& lengths) {
  std::array<Decimal, 3> sides;
  RETURN_IF_ERROR(CheckSides(dimensions, at, sides));
  if (dimensions.unit() != "IN" && dimensions.unit() != "CM") {
    return Refuse(at + ".unit", Came(dimensions.unit()), "IN or CM");
  }
  for (std::size_t i = 0; i < sides.size(); ++i) {
    lengths[i] =
        dimensions.unit() == "IN" ? Length::Inches(sides[i]) : Length::Centimetres(sides[i]);
  }
  return absl::OkStatus();
}

// UPS measures the outside, in whole inches.
absl::Status CheckUpsLimits(const std::array<Length, 3>& outer, const std::string& at) {
  std::array<int64_t, 3> inches = {};
  for (std::size_t i = 0; i < outer.size(); ++i) inches[i] = outer[i].WholeInchesUp();
  std::sort(inches.rbegin(), inches.rend());
  if (inches[0] > kMostInchesLong) {
    return Refuse(at, absl::StrCat(inches[0], " in long"),
                  absl::StrCat("at most ", kMostInchesLong));
  }
  const int64_t length_and_girth = inches[0] + 2 * (inches[1] + inches[2]);
  if (length_and_girth <= kMostLengthAndGirth) return absl::OkStatus();
  return Refuse(at, absl::StrCat("length and girth ", length_and_girth, " in"),
                absl::StrCat("at most ", kMostLengthAndGirth));
}

absl::Status CheckBoxSize(const Rules::Box& box, const std::string& at) {
  std::array<Length, 3> inner;
  RETURN_IF_ERROR(CheckBoxSides(box.inner(), at + ".inner", inner));
  if (!box.has_outer()) return CheckUpsLimits(inner, at + ".inner");
  std::array<Length, 3> outer;
  RETURN_IF_ERROR(CheckBoxSides(box.outer(), at + ".outer", outer));
  constexpr std::array<const char*, 3> kNames = {"length", "width", "height"};
  for (std::size_t i = 0; i < outer.size(); ++i) {
    if (outer[i] < inner[i]) {
      return Refuse(absl::StrCat(at, ".outer.", kNames[i]), "less than inside",
                    "at least that of inner");
    }
  }
  return CheckUpsLimits(outer, at + ".outer");
}

absl::Status CheckBoxWeights(const Rules::Box& box, const std::string& at) {
  const Decimal most(kMostPoundsPerPackage);
  Decimal tare;
  Decimal max_weight = most;
  if (!box.tare_lb().empty()) {
    RETURN_IF_ERROR(
        CheckDecimal(box.tare_lb(), {.or_equal = true, .most = most}, at + ".tare_lb", tare));
  }
  if (!box.max_weight_lb().empty()) {
    RETURN_IF_ERROR(
        CheckDecimal(box.max_weight_lb(), {.most = most}, at + ".max_weight_lb", max_weight));
  }
  if (tare < max_weight) return absl::OkStatus();
  return Refuse(at + ".tare_lb", Came(box.tare_lb()),
                absl::StrCat("less than max_weight_lb, ", max_weight.ToString()));
}

absl::Status CheckBoxes(const Rules& rules) {
  std::set<std::string> seen;
  for (int i = 0; i < rules.boxes_size(); ++i) {
    const Rules::Box& box = rules.boxes(i);
    const std::string at = absl::StrCat("rules.boxes[", i, "]");
    RETURN_IF_ERROR(CheckLength(box.box_id(), 1, 20, at + ".box_id"));
    if (!seen.insert(box.box_id()).second) {
      return Refuse(at + ".box_id", Came(box.box_id()) + " again", "each box once");
    }
    RETURN_IF_ERROR(CheckBoxSize(box, at));
    RETURN_IF_ERROR(CheckBoxWeights(box, at));
    RETURN_IF_ERROR(CheckCode(box.packaging_code(), 2, 2, at + ".packaging_code"));
  }
  return absl::OkStatus();
}

// A unit that stands for one of `units`, by itself or by the rules.
absl::Status CheckMeasureUnit(const std::string& unit, std::string_view units, const Rules& rules,
                              const std::string& field) {
  std::string meaning = unit;
  for (const Rules::Unit& known : rules.units()) {
    if (known.unit_of_measure() == unit) meaning = known.stands_for();
  }
  if (IsIn(units, meaning)) return absl::OkStatus();
  return Refuse(field, Came(unit),
                absl::StrCat("one of", std::string(units), "or a code of rules.units for one"));
}

absl::Status CheckItem(const Rules& rules, const Rules::Item& item, const std::string& at) {
  RETURN_IF_ERROR(CheckRequired(item.item_id(), "an INV_ITEM_ID, or * for any", at + ".item_id"));
  RETURN_IF_ERROR(
      CheckLength(item.unit_of_measure(), 0, kMostUnitCharacters, at + ".unit_of_measure"));
  if (item.has_weight()) {
    Decimal weight;
    RETURN_IF_ERROR(CheckDecimal(item.weight().value(), {.most = kMostOfAnything},
                                 at + ".weight.value", weight));
    RETURN_IF_ERROR(
        CheckMeasureUnit(item.weight().unit(), kWeightUnits, rules, at + ".weight.unit"));
  }
  if (item.has_dimensions()) {
    std::array<Decimal, 3> sides;
    RETURN_IF_ERROR(CheckSides(item.dimensions(), at + ".dimensions", sides));
    RETURN_IF_ERROR(
        CheckMeasureUnit(item.dimensions().unit(), kLengthUnits, rules, at + ".dimensions.unit"));
  }
  RETURN_IF_ERROR(CheckCode(item.harmonized_code(), 6, 15, at + ".harmonized_code"));
  return CheckCountry(item.origin_country_code(), at + ".origin_country_code");
}

absl::Status CheckItems(const Rules& rules) {
  for (int i = 0; i < rules.items_size(); ++i) {
    RETURN_IF_ERROR(CheckItem(rules, rules.items(i), absl::StrCat("rules.items[", i, "]")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckGoods(const Rules& rules) {
  RETURN_IF_ERROR(CheckUnits(rules));
  RETURN_IF_ERROR(CheckConversions(rules));
  RETURN_IF_ERROR(CheckBoxes(rules));
  return CheckItems(rules);
}

}  // namespace psups::shipment_builder
