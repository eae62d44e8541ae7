#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/parcels.h"

namespace psups::ups_sandbox {

struct ShipResult {
  HttpResponse response = {};
  std::optional<ShipmentView> made = {};
};

// POST /shipments/v2409/ship. The same request twice makes two shipments, as UPS has no
// idempotency key.
ShipResult Ship(Parcels& parcels, const Client& client, const HttpServerRequest& request,
                int label_bytes, absl::Time now);

}  // namespace psups::ups_sandbox
