#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace psups {

// The time zone of a state or territory of the US, such as "CA", in either case; unset for anything
// else. A guess where a place has two: that of its larger part.
std::optional<absl::TimeZone> ZoneOfUsState(std::string_view state);

}  // namespace psups
