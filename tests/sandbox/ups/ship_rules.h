#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// UPS takes one value where it documents a list, and most of its own examples send one; makes it a
// list of one.
void MakeLists(Json& body);

// The first rule that a ship request breaks. `body` is the whole parsed body, after MakeLists.
// Which number of a family of codes stands for which field is the sandbox's own choice where UPS's
// list is not public.
std::optional<UpsError> CheckShipRequest(const Json& body, const Client& client, absl::Time now);

// Whether references stand at the packages, as they must between two places of the US or of PR.
bool ReferencesAtPackages(const Json& shipment);

}  // namespace psups::ups_sandbox
