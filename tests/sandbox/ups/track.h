#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/parcels.h"

namespace psups::ups_sandbox {

enum class GmtForm { kWhole, kMissing, kShort };

// GET /track/v1/details/{number}. Anyone may ask for any number; an unknown one is 200 with a
// warning.
HttpResponse TrackDetails(const Parcels& parcels, const std::string& number,
                          const HttpServerRequest& request, GmtForm gmt);

// GET /track/v1/reference/details/{reference}: shipments of the last 14 days, or of the dates
// that are asked for.
HttpResponse TrackReference(const Parcels& parcels, const std::string& reference,
                            const HttpServerRequest& request, GmtForm gmt, absl::Time now);

// GET /track/v1/shipment/details/{number}: all packages of the shipment, in pages of packages.
HttpResponse TrackShipment(const Parcels& parcels, const std::string& number,
                           const HttpServerRequest& request, GmtForm gmt);

// 200 and a warning: nothing is known (yet).
HttpResponse TrackNotFound(const std::string& inquiry);

}  // namespace psups::ups_sandbox
