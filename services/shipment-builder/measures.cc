#include "services/shipment-builder/measures.h"

#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"

namespace psups::shipment_builder {
namespace {

using Kind = MeasureProblem::Kind;
using Schedule = orders::v1::Order::Schedule;
using ItemMeasures = MeasureRules::ItemMeasures;

Decimal Constant(std::string_view text) { return *Decimal::Parse(text); }

// Values outside these are typing errors, and their products would not fit a Decimal.
const Decimal kAbsurd(1'000'000'000);
const Decimal kAbsurdlyLittle = Constant("0.000000001");

std::string Code(const std::string& text) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
}

// Greater than zero, else nullopt: "", "0" and what is no number are not kept.
std::optional<Decimal> Kept(const std::string& text) {
  const auto value = Decimal::Parse(std::string(absl::StripAsciiWhitespace(text)));
  if (!value.ok() || *value <= Decimal(0)) return std::nullopt;
  return *value;
}

// What the site's code stands for.
std::string Meaning(const std::string& code, const MeasureRules& rules) {
  const auto found = rules.units.find(code);
  return found == rules.units.end() ? code : found->second;
}

std::optional<Decimal> Pounds(Decimal value, std::string_view unit) {
  static const Decimal kPoundsPerKilogram = Constant("2.20462262185");
  if (unit == "LB") return value;
  if (unit == "OZ") return value * Constant("0.0625");
  if (unit == "KG") return value * kPoundsPerKilogram;
  if (unit == "G") return value * Constant("0.001") * kPoundsPerKilogram;
  return std::nullopt;
}

struct Side {
  Length length = {};
  Decimal centimetres = {};
};

std::optional<Side> SideIn(Decimal value, std::string_view unit) {
  const auto inches = [](Decimal in) { return Side{Length::Inches(in), in * Constant("2.54")}; };
  const auto centimetres = [](Decimal cm) { return Side{Length::Centimetres(cm), cm}; };
  if (unit == "IN") return inches(value);
  if (unit == "FT") return inches(value * Decimal(12));
  if (unit == "CM") return centimetres(value);
  if (unit == "M") return centimetres(value * Decimal(100));
  return std::nullopt;
}

// a / b, rounded up at the eleventh place. Both are greater than zero and not absurd.
Decimal Quotient(Decimal a, Decimal b) {
  static const Decimal kParts(100'000'000'000);
  const Decimal whole(a.HowMany(b));
  const Decimal rest = (a - b * whole) * kParts;
  const Decimal parts(rest.HowMany(b));
  const Decimal rounding(b * parts == rest ? 0 : 1);
  return whole + (parts + rounding) * Constant("0.00000000001");
}

// What the rules say of the schedule's item.
const ItemMeasures* OwnMeasures(const Schedule& schedule, const MeasureRules& rules) {
  if (rules.items.empty()) return nullptr;
  const std::string setid = Code(schedule.item_setid());
  const std::string item = Code(schedule.item_id());
  const std::string unit = Code(schedule.unit_of_measure());
  for (const auto& [key, measures] : rules.items) {
    const auto& [of_setid, of_item, of_unit] = key;
    if ((of_setid.empty() || of_setid == setid) && (of_item == "*" || of_item == item) &&
        (of_unit.empty() || of_unit == unit)) {
      return &measures;
    }
  }
  return nullptr;
}

// How many standard units one unit of measure holds, if anybody says so.
std::optional<Rate> RateOf(const Schedule& schedule, const MeasureRules& rules) {
  if (const auto kept = Kept(schedule.conversion_rate())) return Rate{.times = *kept};
  const std::string unit = Code(schedule.unit_of_measure());
  const std::string standard = Code(schedule.standard_unit_of_measure());
  if (unit.empty() || standard.empty() || unit == standard) return Rate{};
  for (const auto& conversion : rules.conversions) {
    if (conversion.rate <= Decimal(0)) continue;
    if (conversion.from == unit && conversion.to == standard) return Rate{.times = conversion.rate};
    if (conversion.from == standard && conversion.to == unit) return Rate{.per = conversion.rate};
  }
  return std::nullopt;
}

bool Absurd(const Rate& rate) {
  return rate.times > kAbsurd || rate.per > kAbsurd || rate.per < kAbsurdlyLittle;
}

enum class Source { kRules, kUnitOfMeasure, kItem };

struct Weight {
  Decimal pounds = {};
  std::string unit = {};
  Source source = Source::kRules;
};

std::variant<Weight, MeasureProblem> WeightOf(const Schedule& schedule, const ItemMeasures* own,
                                              const std::optional<Rate>& rate,
                                              const MeasureRules& rules) {
  std::optional<Decimal> value;
  std::string code;
  Source source = Source::kRules;
  if (own != nullptr && own->weight.has_value() && *own->weight > Decimal(0)) {
    value = own->weight;
    code = Code(own->weight_unit);
  }
  if (!value.has_value() || code.empty()) {
    source = Source::kUnitOfMeasure;
    value = Kept(schedule.shipping_weight().value());
    code = Code(schedule.shipping_weight().unit());
  }
  if (!value.has_value() || code.empty()) {
    source = Source::kItem;
    value = Kept(schedule.item_weight().value());
    code = Code(schedule.item_weight().unit());
  }
  if (!value.has_value() || code.empty()) return MeasureProblem{.kind = Kind::kWeightMissing};
  Rate used;
  if (source == Source::kItem) {
    if (!rate.has_value()) {
      return MeasureProblem{.kind = Kind::kRateUnknown,
                            .unit_of_measure = Code(schedule.unit_of_measure()),
                            .standard_unit = Code(schedule.standard_unit_of_measure())};
    }
    used = *rate;
  }
  if (*value > kAbsurd || Absurd(used)) return MeasureProblem{.kind = Kind::kTooHeavy};
  const std::string unit = Meaning(code, rules);
  const std::optional<Decimal> pounds = Pounds(*value * used.times, unit);
  if (!pounds.has_value()) {
    return MeasureProblem{.kind = Kind::kUnitUnknown, .unit_of_measure = code};
  }
  return Weight{.pounds = Quotient(*pounds, used.per), .unit = unit, .source = source};
}

struct Sides {
  std::array<Side, 3> sides = {};
  std::string unit = {};
  bool from_rules = false;
};

std::variant<Sides, MeasureProblem> SidesOf(const Schedule& schedule, const ItemMeasures* own,
                                            const MeasureRules& rules) {
  const auto& kept = schedule.item_dimensions();
  std::array<std::optional<Decimal>, 3> values = {Kept(kept.length()), Kept(kept.width()),
                                                  Kept(kept.height())};
  std::string code = Code(kept.unit());
  Sides result;
  if (own != nullptr && own->sides.has_value()) {
    result.from_rules = true;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = (*own->sides)[i];
    code = Code(own->sides_unit);
  }
  result.unit = Meaning(code, rules);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].has_value() || *values[i] <= Decimal(0) || code.empty()) {
      return MeasureProblem{.kind = Kind::kDimensionsMissing};
    }
    if (*values[i] > kAbsurd) return MeasureProblem{.kind = Kind::kTooLarge};
    const std::optional<Side> side = SideIn(*values[i], result.unit);
    if (!side.has_value()) {
      return MeasureProblem{.kind = Kind::kUnitUnknown, .unit_of_measure = code};
    }
    result.sides[i] = *side;
  }
  return result;
}

// What PeopleSoft keeps against itself; what a person entered in the rules is not asked about.
std::string SuspicionOf(const Schedule& schedule, const Weight& weight, const Sides& sides,
                        const std::optional<Rate>& rate, const MeasureRules& rules) {
  const std::string unit = Code(schedule.unit_of_measure());
  const std::string standard = Code(schedule.standard_unit_of_measure());
  const auto item_weight = Kept(schedule.item_weight().value());
  if (weight.source == Source::kUnitOfMeasure && rate.has_value() && item_weight.has_value() &&
      *item_weight <= kAbsurd) {
    const auto item_pounds =
        Pounds(*item_weight, Meaning(Code(schedule.item_weight().unit()), rules));
    if (item_pounds.has_value()) {
      std::string suspicion = WeightsSuspicion({.shipping_pounds = weight.pounds,
                                                .item_pounds = *item_pounds,
                                                .rate = *rate,
                                                .unit_of_measure = unit,
                                                .standard_unit = standard});
      if (!suspicion.empty()) return suspicion;
    }
  }
  if (weight.source == Source::kRules && sides.from_rules) return "";
  if (!sides.from_rules && !rate.has_value()) return "";  // they are of different things
  WeightAndSize both{.pounds = weight.pounds,
                     .weight_unit = weight.unit,
                     .from_item = weight.source == Source::kItem,
                     .sides_unit = sides.unit,
                     .rate = sides.from_rules ? Rate{} : *rate,
                     .unit_of_measure = unit,
                     .standard_unit = standard};
  for (std::size_t i = 0; i < sides.sides.size(); ++i) {
    both.centimetres[i] = sides.sides[i].centimetres;
  }
  return DensitySuspicion(both, rules.bounds);
}

}  // namespace

std::variant<Unit, MeasureProblem> UnitOf(const Schedule& schedule, const MeasureRules& rules) {
  const ItemMeasures* const own = OwnMeasures(schedule, rules);
  const std::optional<Rate> rate = RateOf(schedule, rules);
  auto weighed = WeightOf(schedule, own, rate, rules);
  if (auto* problem = std::get_if<MeasureProblem>(&weighed)) return std::move(*problem);
  auto measured = SidesOf(schedule, own, rules);
  if (auto* problem = std::get_if<MeasureProblem>(&measured)) return std::move(*problem);
  const auto& weight = std::get<Weight>(weighed);
  const auto& sides = std::get<Sides>(measured);
  if (rules.gate) {
    std::string suspicion = SuspicionOf(schedule, weight, sides, rate, rules);
    if (!suspicion.empty()) {
      return MeasureProblem{.kind = Kind::kImplausible, .suspicion = std::move(suspicion)};
    }
  }
  Unit unit{.weight_lb = weight.pounds};
  for (std::size_t i = 0; i < sides.sides.size(); ++i) unit.sides[i] = sides.sides[i].length;
  return unit;
}

}  // namespace psups::shipment_builder
