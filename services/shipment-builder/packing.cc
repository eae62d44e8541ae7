#include "services/shipment-builder/packing.h"

#include <algorithm>
#include <functional>

namespace psups::shipment_builder {
namespace {

const Decimal kFullCartonPounds(50);
const Length kFullCartonStack = Length::Inches(Decimal(48));

struct Carton {
  Decimal weight_lb;
  std::array<int64_t, 3> inches;  // longest first

  bool TooHeavy() const { return weight_lb > Decimal(kMostPoundsPerPackage); }
  bool TooLarge() const {
    return inches[0] > kMostInchesLong ||
           inches[0] + 2 * (inches[1] + inches[2]) > kMostLengthAndGirth;
  }
};

// `unit.sides` longest first.
Carton Stack(const Unit& unit, int64_t count) {
  Carton carton{.weight_lb = (unit.weight_lb * Decimal(count)).RoundUp(1),
                .inches = {unit.sides[0].WholeInchesUp(), unit.sides[1].WholeInchesUp(),
                           unit.sides[2].Times(count).WholeInchesUp()}};
  std::sort(carton.inches.begin(), carton.inches.end(), std::greater<>());
  return carton;
}

// The greatest count that a full carton may hold. A carton only grows with its count, so the
// limits can be found by halving.
int64_t FullCarton(const Unit& unit) {
  int64_t fits = 1;
  int64_t most = std::min(kFullCartonPounds.HowMany(unit.weight_lb),
                          unit.sides[2].HowManyIn(kFullCartonStack));
  while (fits < most) {
    const int64_t middle = fits + (most - fits + 1) / 2;
    const Carton carton = Stack(unit, middle);
    if (carton.TooHeavy() || carton.TooLarge()) {
      most = middle - 1;
    } else {
      fits = middle;
    }
  }
  return fits;
}

}  // namespace

int64_t Length::WholeInchesUp() const {
  const int64_t whole = parts_.HowMany(Decimal(127));
  return Decimal(whole) * Decimal(127) == parts_ ? whole : whole + 1;
}

Packing PackSchedule(int line, int schedule, Decimal quantity, const Unit& unit_as_kept) {
  Unit unit = unit_as_kept;
  std::sort(unit.sides.begin(), unit.sides.end(), std::greater<>());
  if (unit.weight_lb > Decimal(kMostPoundsPerPackage)) {
    return {.problem = PackingProblem::kTooHeavy};
  }
  // Beyond this no arithmetic is needed to know.
  if (unit.sides[0] > Length::Inches(Decimal(kMostInchesLong))) {
    return {.problem = PackingProblem::kTooLarge};
  }
  const Carton one = Stack(unit, 1);
  if (one.TooHeavy()) return {.problem = PackingProblem::kTooHeavy};
  if (one.TooLarge()) return {.problem = PackingProblem::kTooLarge};

  const int64_t full = FullCarton(unit);
  int64_t units = quantity.Ceil();
  if (units > full * kMostPackages) return {.problem = PackingProblem::kTooMany};
  Packing packing{.packed = true};
  Decimal rest = quantity;
  while (units > 0) {
    const int64_t count = std::min(full, units);
    const Carton carton = Stack(unit, count);
    const Decimal inside = std::min(Decimal(count), rest);
    packing.packages.push_back(
        {.number = static_cast<int>(packing.packages.size()) + 1,
         .weight_lb = carton.weight_lb,
         .length_in = static_cast<int>(carton.inches[0]),
         .width_in = static_cast<int>(carton.inches[1]),
         .height_in = static_cast<int>(carton.inches[2]),
         .contents = {{.line = line, .schedule = schedule, .quantity = inside}}});
    units -= count;
    rest = rest - inside;
  }
  return packing;
}

}  // namespace psups::shipment_builder
