#include "services/ups-gateway/wire/config_alarm.h"

#include <string>

#include "common/metrics.h"

namespace psups::ups_gateway {

void RaiseConfigAlarm(Operation operation) {
  Counter("psups_ups_config_alarms_total",
          "Refusals of UPS's that end only when an administrator changes the account.",
          {{"op", std::string(NameOf(operation))}})
      .Increment();
}

}  // namespace psups::ups_gateway
