#include "services/shipment-builder/measure_gate.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace psups::shipment_builder {
namespace {

Decimal Constant(std::string_view text) { return *Decimal::Parse(text); }

// Beyond these no product fits a Decimal, and no package is made of it anyway.
const Decimal kMostPounds(1'000'000'000);
const Decimal kMostCentimetres(100'000);
const Decimal kMostUnits(1'000'000);

const Decimal kCubicCentimetresPerCubicInch = Constant("16.387064");

// Between these is what people order: an air filter and a piece of steel.
const Decimal kUsualLightest = Constant("0.0005");
const Decimal kUsualHeaviest = Constant("0.29");

// A unit that was taken for another: what the kept weight or volume has to be multiplied by.
struct Slip {
  std::string_view kept_as;
  std::string_view phrase;
  Decimal weight = Decimal(1);
  Decimal volume = Decimal(1);
};

const std::vector<Slip>& TooHeavySlips() {
  static const auto* const kSlips = new std::vector<Slip>{
      {.kept_as = "KG", .phrase = "grams entered as kilograms", .weight = Constant("0.001")},
      {.kept_as = "KG", .phrase = "pounds entered as kilograms", .weight = Constant("0.45359237")},
      {.kept_as = "LB", .phrase = "ounces entered as pounds", .weight = Constant("0.0625")},
      {.kept_as = "LB", .phrase = "grams entered as pounds", .weight = Constant("0.00220462262")},
      {.kept_as = "OZ", .phrase = "grams entered as ounces", .weight = Constant("0.0352739619")},
      {.kept_as = "CM",
       .phrase = "inches entered as centimetres",
       .volume = kCubicCentimetresPerCubicInch},
      {.kept_as = "IN", .phrase = "feet entered as inches", .volume = Decimal(1728)},
  };
  return *kSlips;
}

const std::vector<Slip>& TooLightSlips() {
  static const auto* const kSlips = new std::vector<Slip>{
      {.kept_as = "G", .phrase = "kilograms entered as grams", .weight = Decimal(1000)},
      {.kept_as = "G", .phrase = "pounds entered as grams", .weight = Constant("453.59237")},
      {.kept_as = "OZ", .phrase = "pounds entered as ounces", .weight = Decimal(16)},
      {.kept_as = "LB",
       .phrase = "kilograms entered as pounds",
       .weight = Constant("2.2046226218")},
      {.kept_as = "IN",
       .phrase = "centimetres entered as inches",
       .volume = Constant("0.06102374409")},
      {.kept_as = "IN",
       .phrase = "millimetres entered as inches",
       .volume = Constant("0.00006102374")},
      {.kept_as = "FT", .phrase = "inches entered as feet", .volume = Constant("0.0005787037")},
      {.kept_as = "CM",
       .phrase = "millimetres entered as centimetres",
       .volume = Constant("0.001")},
      {.kept_as = "M", .phrase = "centimetres entered as metres", .volume = Constant("0.000001")},
  };
  return *kSlips;
}

std::string One(const std::string& unit) {
  return absl::StrCat("one ", unit.empty() ? "unit" : unit);
}

bool AtLeastTwice(Decimal a, Decimal b) { return a >= b * Decimal(2); }

// Within a tenth.
bool About(Decimal a, Decimal b) {
  return a * Decimal(10) >= b * Decimal(9) && a * Decimal(10) <= b * Decimal(11);
}

bool WithinReach(const Rate& rate) {
  return rate.times > Decimal(0) && rate.per > Decimal(0) && rate.times <= kMostUnits &&
         rate.per <= kMostUnits;
}

// A density as a fraction: pounds / cubic inches.
struct Density {
  Decimal pounds;
  Decimal cubic_inches;

  bool Above(Decimal bound) const { return pounds > bound * cubic_inches; }
  bool Below(Decimal bound) const { return pounds < bound * cubic_inches; }
  Density But(Decimal weight, Decimal volume) const {
    return {pounds * weight, cubic_inches * volume};
  }
  bool Usual() const { return !Above(kUsualHeaviest) && !Below(kUsualLightest); }
};

}  // namespace

std::string DensitySuspicion(const WeightAndSize& unit, const GateBounds& bounds) {
  if (unit.pounds > kMostPounds || !WithinReach(unit.rate)) return "";
  Decimal volume(1);
  for (const Decimal side : unit.centimetres) {
    if (side > kMostCentimetres) return "";
    volume = volume * side;
  }
  // Both sides times 16.387064 and by the rate: nothing has to be divided.
  const Density density{unit.pounds * unit.rate.per * kCubicCentimetresPerCubicInch,
                        volume * unit.rate.times};
  const bool slight = unit.pounds * unit.rate.per <= bounds.slight * unit.rate.times;
  const bool heavy = !slight && density.Above(bounds.heaviest);
  const bool light = density.Below(bounds.lightest);
  if (!heavy && !light) return "";

  std::vector<std::string> causes;
  for (const Slip& slip : heavy ? TooHeavySlips() : TooLightSlips()) {
    if (slip.kept_as != unit.weight_unit && slip.kept_as != unit.sides_unit) continue;
    if (density.But(slip.weight, slip.volume).Usual()) causes.emplace_back(slip.phrase);
  }
  const bool several = AtLeastTwice(unit.rate.times, unit.rate.per);
  if (heavy && unit.from_item && several && density.But(unit.rate.per, unit.rate.times).Usual()) {
    causes.push_back(absl::StrCat("the weight of ", One(unit.unit_of_measure), " kept for ",
                                  One(unit.standard_unit)));
  }
  if (light && several && density.But(unit.rate.times, unit.rate.per).Usual()) {
    causes.push_back(absl::StrCat("the size of ", One(unit.unit_of_measure), " kept for ",
                                  One(unit.standard_unit)));
  }
  if (!causes.empty()) return absl::StrCat(absl::StrJoin(causes, ", or "), "?");
  return heavy ? "heavier than lead for its size" : "lighter than foam for its size";
}

std::string WeightsSuspicion(const TwoWeights& weights) {
  const Rate& rate = weights.rate;
  if (weights.shipping_pounds > kMostPounds || weights.item_pounds > kMostPounds ||
      !WithinReach(rate)) {
    return "";
  }
  // Both times `rate.per`.
  const Decimal kept = weights.shipping_pounds * rate.per;
  const Decimal expected = weights.item_pounds * rate.times;
  // What is over may be the box; where it is less than this, nobody is asked.
  const Decimal box = Decimal(2) * rate.per;
  if (kept > expected && kept - expected <= box) return "";

  const std::string unit = One(weights.unit_of_measure);
  const std::string standard = One(weights.standard_unit);
  if (AtLeastTwice(rate.times, rate.per) || AtLeastTwice(rate.per, rate.times)) {
    if (About(weights.shipping_pounds, weights.item_pounds)) {
      return absl::StrCat("the weight of ", unit, " kept for ", standard,
                          ", or the other way round?");
    }
    if (About(kept * rate.per, expected * rate.times)) {
      return absl::StrCat("the conversion rate of ", unit, " to ", standard, " counted twice?");
    }
    if (About(weights.shipping_pounds * rate.times, weights.item_pounds * rate.per)) {
      return absl::StrCat("the conversion rate of ", unit, " to ", standard, " upside down?");
    }
  }
  const Decimal thousand(1000), sixteen(16);
  if (About(kept, expected * thousand) || About(kept * thousand, expected)) {
    return "grams entered as kilograms, or kilograms as grams, in one of the two weights kept?";
  }
  if (About(kept, expected * sixteen) || About(kept * sixteen, expected)) {
    return "ounces entered as pounds, or pounds as ounces, in one of the two weights kept?";
  }
  return "";
}

}  // namespace psups::shipment_builder
