#pragma once

#include <optional>

#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/planning.h"

namespace psups::shipment_builder {

// It becomes a shipment, if only to ask a person about it.
bool IsAskedFor(const Schedule& schedule);

// True unless the order asks for something else than what the shipment is.
bool Unchanged(const orders::v1::Order& order, const Shipment& shipment, const Basis& basis);

// Voids single packages, if the order asks for what is in the others and for nothing else; nullopt
// if it does not.
std::optional<Effects> VoidPart(const orders::v1::Order& order, Shipment& shipment,
                                const Basis& basis);

}  // namespace psups::shipment_builder
