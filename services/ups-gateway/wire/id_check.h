#pragma once

#include <string_view>

#include "absl/status/status.h"

// The names of things. All of these: INVALID_ARGUMENT naming the field, what came and what is
// wanted.
namespace psups::ups_gateway {

// "shipments/{id}/purchases/{n}", and "shipments/{id}/voids/{n}".
absl::Status CheckRequestId(std::string_view request_id, std::string_view kind);

// "connections/{connection_id}", or empty.
absl::Status CheckConnection(std::string_view connection);

// 7 to 34 letters and digits.
absl::Status CheckTrackingNumber(std::string_view number, std::string_view field);

// What labels are recovered and packages voided by: 18 capital letters and digits.
absl::Status CheckLabelNumber(std::string_view number, std::string_view field);

}  // namespace psups::ups_gateway
