#pragma once

#include <optional>

#include "absl/time/time.h"
#include "psups/orders/v1/connection_service.pb.h"

namespace psups::ps_ingest {

// When the connection's quiet hours that hold `now` are over; nothing if it is not quiet.
std::optional<absl::Time> QuietUntil(const orders::v1::Connection& connection, absl::Time now);

}  // namespace psups::ps_ingest
