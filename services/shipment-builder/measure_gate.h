#pragma once

#include <array>
#include <optional>
#include <string>

#include "common/decimal.h"

namespace psups::shipment_builder {

// What the sanity gate takes for possible. Packages hold air, so that hardly anything comes near.
struct GateBounds {
  // Pounds per cubic inch. Loose-fill foam has 0.0001, lead 0.4097.
  Decimal lightest = *Decimal::Parse("0.0001");
  Decimal heaviest = *Decimal::Parse("0.41");
  // Pounds. A unit up to this weight is never too heavy for its size: small weights are rounded up.
  Decimal slight = *Decimal::Parse("0.1");
};

// How many standard units one unit of measure holds: `times` / `per`.
struct Rate {
  Decimal times = Decimal(1);
  Decimal per = Decimal(1);
};

// Weight and size of a unit of measure as they are kept, looked at together.
struct WeightAndSize {
  // Of one unit of measure.
  Decimal pounds = {};
  std::string weight_unit = {};  // as kept: LB, OZ, KG or G
  bool from_item = false;        // the item's weight times `rate`
  // Of one of `rate.times` / `rate.per` parts of it.
  std::array<Decimal, 3> centimetres = {};
  std::string sides_unit = {};  // as kept: IN, FT, CM or M
  Rate rate = {};
  std::string unit_of_measure = {};
  std::string standard_unit = {};
};

// What must be wrong with a unit that is heavier than lead or lighter than foam, for a clerk:
// "grams entered as kilograms?"; empty if nothing is.
std::string DensitySuspicion(const WeightAndSize& unit, const GateBounds& bounds);

// The two weights that PeopleSoft keeps.
struct TwoWeights {
  Decimal shipping_pounds = {};  // of one unit of measure
  Decimal item_pounds = {};      // of one standard unit
  Rate rate = {};
  std::string unit_of_measure = {};
  std::string standard_unit = {};
};

// What must be wrong if they contradict each other in a way that has a cause, such as the weight of
// a case kept for each; empty if they do not.
std::string WeightsSuspicion(const TwoWeights& weights);

}  // namespace psups::shipment_builder
