#pragma once

#include "psups/type/v1/address.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/review.h"

namespace psups::shipment_builder {

// What UPS's answer about an address means for the label.
struct AddressDecision {
  enum class Kind {
    kValid,      // the order's address stands
    kCorrected,  // UPS's form replaces it: city spelling, street type or ZIP+4
    kReview,     // a person decides
  };
  Kind kind = Kind::kReview;
  type::v1::Address use = {};               // unless kReview: what goes on the label
  Reason reason = Reason::kAddressInvalid;  // when kReview
  std::vector<type::v1::Address> candidates = {};
};

// Judges `asked` by what UPS said of it. The name, attention and phone are always the order's; the
// postal code gets UPS's ZIP+4, nine digits; a home is flagged.
AddressDecision CheckAddress(const type::v1::Address& asked,
                             const ups::v1::ValidateAddressResponse& answer);

}  // namespace psups::shipment_builder
