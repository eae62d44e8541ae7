#include "services/shipment-builder/measures.h"

#include <array>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"

namespace psups::shipment_builder {
namespace {

using Kind = MeasureProblem::Kind;

// Values above this are typing errors, and their products would not fit a Decimal.
const Decimal kAbsurd(1'000'000'000);

Decimal Constant(std::string_view text) { return *Decimal::Parse(text); }

std::string UnitCode(const std::string& text) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
}

// Greater than zero, else nullopt: "", "0" and what is no number are not kept.
std::optional<Decimal> Kept(const std::string& text) {
  const auto value = Decimal::Parse(std::string(absl::StripAsciiWhitespace(text)));
  if (!value.ok() || *value <= Decimal(0)) return std::nullopt;
  return *value;
}

std::optional<Decimal> Pounds(Decimal value, std::string_view unit) {
  static const Decimal kPoundsPerKilogram = Constant("2.20462262185");
  if (unit == "LB") return value;
  if (unit == "OZ") return value * Constant("0.0625");
  if (unit == "KG") return value * kPoundsPerKilogram;
  if (unit == "G") return value * Constant("0.001") * kPoundsPerKilogram;
  return std::nullopt;
}

std::optional<Length> LengthIn(Decimal value, std::string_view unit) {
  if (unit == "IN") return Length::Inches(value);
  if (unit == "FT") return Length::Inches(value * Decimal(12));
  if (unit == "CM") return Length::Centimetres(value);
  if (unit == "M") return Length::Centimetres(value * Decimal(100));
  return std::nullopt;
}

}  // namespace

std::variant<Unit, MeasureProblem> UnitOf(const orders::v1::Order::Schedule& schedule) {
  const auto& shipping = schedule.shipping_weight();
  const auto& item = schedule.item_weight();
  std::optional<Decimal> weight = Kept(shipping.value());
  std::string unit = UnitCode(shipping.unit());
  Decimal rate(1);
  if (!weight.has_value() || unit.empty()) {
    weight = Kept(item.value());
    unit = UnitCode(item.unit());
    rate = Kept(schedule.conversion_rate()).value_or(Decimal(1));
  }
  if (!weight.has_value() || unit.empty()) return MeasureProblem{.kind = Kind::kWeightMissing};
  if (*weight > kAbsurd || rate > kAbsurd) return MeasureProblem{.kind = Kind::kTooHeavy};
  const std::optional<Decimal> pounds = Pounds(*weight * rate, unit);
  if (!pounds.has_value()) {
    return MeasureProblem{.kind = Kind::kUnitUnknown, .unit_of_measure = unit};
  }

  const auto& dimensions = schedule.item_dimensions();
  const std::array<std::optional<Decimal>, 3> sides = {
      Kept(dimensions.length()), Kept(dimensions.width()), Kept(dimensions.height())};
  const std::string side_unit = UnitCode(dimensions.unit());
  Unit result{.weight_lb = *pounds};
  for (std::size_t i = 0; i < sides.size(); ++i) {
    if (!sides[i].has_value() || side_unit.empty()) {
      return MeasureProblem{.kind = Kind::kDimensionsMissing};
    }
    if (*sides[i] > kAbsurd) return MeasureProblem{.kind = Kind::kTooLarge};
    const std::optional<Length> length = LengthIn(*sides[i], side_unit);
    if (!length.has_value()) {
      return MeasureProblem{.kind = Kind::kUnitUnknown, .unit_of_measure = side_unit};
    }
    result.sides[i] = *length;
  }
  return result;
}

}  // namespace psups::shipment_builder
