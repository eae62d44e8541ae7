#include "services/ups-gateway/wire/config_alarm.h"

#include <string>

#include "common/metrics.h"

namespace psups::ups_gateway {
namespace {

const CounterMetric kAlarms(
    "psups_ups_config_alarms_total",
    "Refusals of UPS's that end only when an administrator changes the account.", {"op"});

}  // namespace

void RaiseConfigAlarm(Operation operation) { kAlarms(NameOf(operation)).Increment(); }

}  // namespace psups::ups_gateway
