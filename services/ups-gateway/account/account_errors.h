#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "psups/ups/v1/account_service.pb.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// What was counted, with what the catalogue says of it now.
ups::v1::AccountError ToProto(const MetError& error);

// Where a page of errors ended, as next_page_token has it. INVALID_ARGUMENT if it is none of ours.
std::string ErrorPageToken(const MetError& last);
absl::StatusOr<std::optional<MetError>> ParseErrorPageToken(std::string_view token);

}  // namespace psups::ups_gateway
