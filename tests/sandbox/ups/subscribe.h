#pragma once

#include <string>

#include "common/http_server.h"
#include "tests/sandbox/ups/auto_scan.h"
#include "tests/sandbox/ups/parcels.h"

namespace psups::ups_sandbox {

// POST /track/v2/subscription/{type}/package. Numbers of the right shape are subscribed whether
// or not they are known; the others are named and refused. The test environment takes nothing but
// UPS's two test numbers, and scans those at once.
HttpResponse SubscribePackages(Parcels& parcels, AutoScan& auto_scan, bool cie,
                               const std::string& type, const HttpServerRequest& request);

}  // namespace psups::ups_sandbox
