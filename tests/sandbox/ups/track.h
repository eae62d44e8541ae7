#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/parcels.h"

namespace psups::ups_sandbox {

enum class GmtForm { kWhole, kMissing, kShort };

struct TrackForm {
  GmtForm gmt = GmtForm::kWhole;
  absl::Time until = absl::InfiniteFuture();  // shipments made later are not known yet
};

// GET /track/v1/details/{number}. Anyone may ask for any number; an unknown one is 200 with a
// warning.
HttpResponse TrackDetails(const Parcels& parcels, const std::string& number,
                          const HttpServerRequest& request, const TrackForm& form);

// GET /track/v1/reference/details/{reference}: shipments of the last 14 days, or of the dates
// that are asked for.
HttpResponse TrackReference(const Parcels& parcels, const std::string& reference,
                            const HttpServerRequest& request, const TrackForm& form,
                            absl::Time now);

// GET /track/v1/shipment/details/{number}: all packages of the shipment, in pages of packages.
HttpResponse TrackShipment(const Parcels& parcels, const std::string& number,
                           const HttpServerRequest& request, const TrackForm& form);

// 200 and a warning: nothing is known (yet).
HttpResponse TrackNotFound(const std::string& inquiry);

}  // namespace psups::ups_sandbox
