#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// Looks at everything that docs/peoplesoft-setup.md asks of a site and says of each thing whether
// it is as it must be, else what the administrator has to do. Reads as the connection's user and
// writes nothing. No finding repeats a value that PeopleSoft sent. Blocks for as long as that
// takes.
absl::StatusOr<orders::v1::TestConnectionResponse> Examine(ConnectionStore& store,
                                                           PeopleSoft& people_soft,
                                                           OpenCalls& calls,
                                                           const orders::v1::Connection& connection,
                                                           const std::string& password,
                                                           const std::string& actor);

}  // namespace psups::ps_ingest
