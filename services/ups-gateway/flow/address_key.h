#pragma once

#include <string>

#include "absl/time/time.h"
#include "services/ups-gateway/account/account.h"

// Which addresses are the same to UPS, and for how long its word on one is taken again.
namespace psups::ups_gateway {

// The same for addresses that differ only in case, blanks, full stops and commas, at one host.
// Anything else may tell two houses apart ("12-14", "1/2", "#5", ZIP+4), and then UPS is asked.
std::string AddressKey(const Account& account, const type::v1::Address& address);

// Account.address_verdict_life; zero: never.
absl::Duration VerdictLife(const Account& account);

}  // namespace psups::ups_gateway
