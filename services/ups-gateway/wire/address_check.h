#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "psups/type/v1/address.pb.h"

namespace psups::ups_gateway {

// A place that UPS prints or drives to; `field` is its name in messages.
absl::Status CheckParty(const type::v1::Address& address, std::string_view field);

// That somebody can be called there: UPS wants it across borders and for early delivery.
absl::Status CheckContact(const type::v1::Address& address, std::string_view field);

// The form that a country gives its postal codes; US, Puerto Rico and Canada are known, of others
// the length.
absl::Status CheckPostalCode(std::string_view country_code, std::string_view postal_code,
                             std::string_view field);

// An address to be validated: enough of it to ask about.
absl::Status CheckAddressToValidate(const type::v1::Address& address);

}  // namespace psups::ups_gateway
