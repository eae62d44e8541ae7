#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "common/decimal.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/measure_gate.h"
#include "services/shipment-builder/packing.h"

namespace psups::shipment_builder {

// Why one unit of a schedule has no weight or no dimensions.
struct MeasureProblem {
  enum class Kind {
    kWeightMissing,
    kDimensionsMissing,
    kUnitUnknown,  // of a weight or a length
    kRateUnknown,  // how many standard units one unit of measure holds
    kTooHeavy,
    kTooLarge,
    kImplausible,
  };
  Kind kind = Kind::kWeightMissing;
  // When kUnitUnknown: the code that came; when kRateUnknown: the schedule's unit of measure.
  std::string unit_of_measure = {};
  std::string standard_unit = {};  // when kRateUnknown
  std::string suspicion = {};      // when kImplausible: what must be wrong, a phrase for a clerk
};

// A site's own words on units and items. Codes are in upper case.
struct MeasureRules {
  // One `from` is `rate` `to`, for all items.
  struct Conversion {
    std::string from = {};
    std::string to = {};
    Decimal rate = {};
  };
  // Of one unit of measure of an item, in place of what PeopleSoft keeps.
  struct ItemMeasures {
    std::optional<Decimal> weight = std::nullopt;
    std::string weight_unit = {};
    std::optional<std::array<Decimal, 3>> sides = std::nullopt;
    std::string sides_unit = {};
  };
  // The site's code → LB, OZ, KG, G, IN, FT, CM or M, which stand for themselves.
  std::map<std::string, std::string> units = {};
  // Used where PeopleSoft keeps no rate for the item, in either direction. The first counts.
  std::vector<Conversion> conversions = {};
  // By SETID, item and unit of measure, in upper case; the first that fits counts, as everywhere in
  // the rules. A blank SETID or unit of measure and the item "*" are any, a blank item is that of a
  // line without one.
  std::vector<std::pair<std::tuple<std::string, std::string, std::string>, ItemMeasures>> items =
      {};
  // False: what cannot be right is taken as it is.
  bool gate = true;
  GateBounds bounds = {};
};

// Weight and sides of one unit_of_measure of a schedule: what the rules say of the item; else the
// weight kept for the unit of measure, else the item's times the conversion rate, and the item's
// dimensions. 0 and blank mean: not kept. A rate that is kept nowhere is 1 only where the unit of
// measure is the standard unit or no standard unit is named. Where a rate has to be turned round
// and that is not exact, the weight is rounded up at the eleventh place.
std::variant<Unit, MeasureProblem> UnitOf(const orders::v1::Order::Schedule& schedule,
                                          const MeasureRules& rules = {});

}  // namespace psups::shipment_builder
