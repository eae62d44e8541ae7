#pragma once

#include <string>
#include <string_view>

#include "psups/ups/v1/account_service.pb.h"
#include "services/ups-gateway/wire/json_reader.h"

// What requests to UPS have in common.
namespace psups::ups_gateway {

// The version of one of UPS's APIs, as the account wants it.
std::string Version(const ups::v1::Account& account, const char* api);

std::string Dump(const Json& json);

// A label of `label_format` (empty: ZPL), 4 inches wide and as high (0: 6).
Json LabelSpecification(std::string_view label_format, int height_in = 0);

}  // namespace psups::ups_gateway
