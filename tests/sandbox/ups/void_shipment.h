#pragma once

#include <string>

#include "common/http_server.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/parcels.h"

namespace psups::ups_sandbox {

// DELETE /shipments/v2409/void/cancel/{shipment_id}: the whole shipment, or the packages that
// `?trackingnumber=` names, until UPS has scanned one.
HttpResponse VoidShipment(Parcels& parcels, const Client& client, const std::string& shipment_id,
                          const HttpServerRequest& request);

UpsError VoidNotFound();

}  // namespace psups::ups_sandbox
