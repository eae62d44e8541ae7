#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/ups-gateway/wire/address_check.h"  // IWYU pragma: export
#include "services/ups-gateway/wire/id_check.h"       // IWYU pragma: export

namespace psups::ups_gateway {

// How many days ahead UPS takes a ship date.
constexpr int kMostDaysAhead = 7;

// What UPS's schema does not check and what would cost money to learn from UPS: INVALID_ARGUMENT
// naming the field, what came and what is wanted. `now` is for the ship date, `shipper` the
// account's address: UPS picks up in its country only.
absl::Status CheckShipment(const ups::v1::ShipmentSpec& shipment, const type::v1::Address& shipper,
                           absl::Time now);

// The same of what is only to be priced: a shipment without a service is priced by all, and
// references, label and customs are not looked at.
absl::Status CheckPricedShipment(const ups::v1::ShipmentSpec& shipment,
                                 const type::v1::Address& shipper, absl::Time now);

}  // namespace psups::ups_gateway
