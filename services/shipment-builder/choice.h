#pragma once

#include <optional>
#include <string>

#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/review.h"
#include "services/shipment-builder/rules.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// What a shipment is to be priced by before it is bought.
struct PriceQuestion {
  bool asked = false;        // false: nobody wants to know
  std::string service = {};  // empty: all that UPS offers
};
PriceQuestion PriceQuestionOf(const Shipment& shipment, const Rules& rules);

// What UPS's prices make of a shipment.
struct Choice {
  std::string service_code = {};
  std::optional<Money> estimate = {};
  std::optional<ReviewDraft> problem = {};
};

// The cheapest of the services that the rules allow and that arrives by the due date; the ship
// via's own where the rules allow no others, no due date is known or a person chose. More than the
// cap is a person's, unless one let it pass.
Choice ChooseService(const Shipment& shipment, const ups::v1::QuoteRatesResponse& offered,
                     const Rules& rules);

}  // namespace psups::shipment_builder
