#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/config.h"

namespace psups::ups_sandbox {

// POST /rating/v2409/{Rate|Shop|Ratetimeintransit|Shoptimeintransit}: one service or all that run
// between two places, at the prices that a shipment of the same packages costs. Makes nothing.
HttpResponse Rate(const std::string& option, const Client& client, const HttpServerRequest& request,
                  absl::Time now);

}  // namespace psups::ups_sandbox
