#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "psups/type/v1/address.pb.h"

namespace psups::shipment_builder {

// The country as UPS counts them: Puerto Rico is one, whether it is written as a country or as a
// state of the US. Upper case.
std::string ShippingCountry(const type::v1::Address& address);

// The state in upper case; "PR" in Puerto Rico.
std::string ShippingState(const type::v1::Address& address);

// Whether an account of that country may ship from there.
bool SameShippingCountry(std::string_view country_of_account, const type::v1::Address& from);

// A box at a post office. A box at a street ("100 College Ave, Box 12") is none, nor is one on a
// rural route.
bool IsPostBox(const type::v1::Address& address);

// A military or diplomatic post office of the US: APO, FPO or DPO.
bool IsMilitary(const type::v1::Address& address);

// Street lines, and the urbanization that stood among them or in its own field: words in upper
// case without URB.
struct Urbanized {
  std::vector<std::string> lines = {};
  std::string urbanization = {};
};
// Only in Puerto Rico; elsewhere the lines stay as they are.
Urbanized WithoutUrbanization(const type::v1::Address& address);

}  // namespace psups::shipment_builder
