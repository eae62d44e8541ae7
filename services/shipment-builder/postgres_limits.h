#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/postgres.h"
#include "services/shipment-builder/limits.h"

namespace psups::shipment_builder {

// Has everybody who buys for the connection wait until the transaction ends, and counts what was
// bought of late.
absl::StatusOr<PurchaseCounts> CountPurchases(Tx& tx, const std::string& connection_id,
                                              const Limits& limits);

}  // namespace psups::shipment_builder
