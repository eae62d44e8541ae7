#pragma once

#include <memory>

#include "common/envelope.h"
#include "common/postgres.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/views.h"

namespace psups::shipment_builder {

std::unique_ptr<ShipmentStore> MakePostgresShipmentStore(Db& db, Sealer& sealer);
std::unique_ptr<MappingStore> MakePostgresMappingStore(Db& db, Sealer& sealer);
std::unique_ptr<ShipmentViews> MakePostgresShipmentViews(Db& db, Sealer& sealer);

}  // namespace psups::shipment_builder
