#pragma once

#include <optional>
#include <string>

#include "psups/type/v1/address.pb.h"

namespace psups::shipment_builder {

// A field that does not have the form that its country wants.
struct FormatProblem {
  std::string field = {};  // "lines", "city", "state" or "postal_code"
  // For a clerk, without anything of the address: "of the form A9A 9A9 (A: a letter, 9: a digit)".
  std::string want = {};
};

// Looks at an address of a country where UPS validates none: only its form, which proves nothing
// about the place.
std::optional<FormatProblem> CheckFormat(const type::v1::Address& address);

// The postal code as its country writes it ("k1a0b1" → "K1A 0B1"); what is not of the country's
// form, or of a country whose form is not known, in upper case.
std::string WrittenPostalCode(const type::v1::Address& address);

}  // namespace psups::shipment_builder
