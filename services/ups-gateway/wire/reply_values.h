#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "psups/type/v1/money.pb.h"
#include "services/ups-gateway/wire/json_reader.h"

// Values that several of UPS's replies hold.
namespace psups::ups_gateway {

// DATA_LOSS: UPS says yes, and what else it says cannot be read.
absl::Status Unreadable(std::string_view what);

// {"CurrencyCode": "USD", "MonetaryValue": "12.34"}, exactly; parts of the smallest unit are
// rounded up. Unset if it is none.
std::optional<type::v1::Money> ReadMoney(const Json& json);

// "code: text" of each alert under `key`.
std::vector<std::string> ReadAlerts(const Json& object, std::string_view key);

}  // namespace psups::ups_gateway
