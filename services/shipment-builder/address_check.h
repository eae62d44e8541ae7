#pragma once

#include <set>
#include <string>
#include <vector>

#include "psups/type/v1/address.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/address_compare.h"
#include "services/shipment-builder/review.h"

namespace psups::shipment_builder {

// What a connection's rules say of addresses.
struct AddressPolicy {
  // A person is asked if UPS says home where the order says business, or the other way.
  bool review_residential_flip = false;
  // Beside US and PR, upper case: shipped to although UPS validates nothing there.
  std::set<std::string> countries = {};
};

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
  // One list for each candidate: where it is not what was asked.
  std::vector<std::vector<FieldDifference>> differences = {};
  // When kValid: nobody validated it, only its form was looked at.
  bool format_only = false;
  // When kReview, where the reason does not say it all: a sentence for a clerk, without anything of
  // the address.
  std::string note = {};
};

// Judges `asked` by what UPS said of it. The name, attention and phone are always the order's; the
// postal code gets UPS's ZIP+4, nine digits; a home is flagged. Where UPS delivers nothing (post
// office boxes, military post offices) its verdict does not count.
AddressDecision CheckAddress(const type::v1::Address& asked,
                             const ups::v1::ValidateAddressResponse& answer,
                             const AddressPolicy& policy = {});

}  // namespace psups::shipment_builder
