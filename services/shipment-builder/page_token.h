#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace psups::shipment_builder {

// Where a list goes on, as clients see it: the values of the last row that its order goes by.
std::string PageToken(std::initializer_list<std::string_view> parts);
// INVALID_ARGUMENT unless PageToken made it of `count` parts.
absl::StatusOr<std::vector<std::string>> PartsOfPageToken(const std::string& token,
                                                          std::size_t count);

}  // namespace psups::shipment_builder
