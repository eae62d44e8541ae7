#pragma once

#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/operation.h"

namespace psups::ups_gateway {

// What a successful reply to `operation` holds in the versions that we ask for, as JSON of the same
// shape: an object has these members, an array these items; "*" stands for what we do not look
// into, "1|2" for the only codes that we can read, "" for any text, number or presence. Null for an
// operation whose reply we do not know.
const Json& KnownReply(Operation operation);

}  // namespace psups::ups_gateway
