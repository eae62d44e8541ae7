#pragma once

#include "absl/status/status.h"
#include "psups/ups/v1/ups_service.pb.h"

namespace psups::ups_gateway {

// The commercial invoice: there where a border is crossed that wants one, and nowhere else.
absl::Status CheckCustoms(const ups::v1::ShipmentSpec& shipment);

// The goods' value that UPS wants from the US to Canada and Puerto Rico.
absl::Status CheckInvoiceTotal(const ups::v1::ShipmentSpec& shipment);

}  // namespace psups::ups_gateway
