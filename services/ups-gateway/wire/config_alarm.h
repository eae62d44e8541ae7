#pragma once

#include "services/ups-gateway/wire/operation.h"

namespace psups::ups_gateway {

// Counts that UPS refuses `operation` for what only an administrator can put right, so that it
// rings: psups_ups_config_alarms_total.
void RaiseConfigAlarm(Operation operation);

}  // namespace psups::ups_gateway
