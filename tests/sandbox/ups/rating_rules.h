#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// What is asked for, by the path.
struct RateOption {
  bool all_services = false;
  bool time_in_transit = false;
};

// Rate, Shop, Ratetimeintransit or Shoptimeintransit, whatever the case; `additional` is the
// query's additionalinfo, which says the same of the first two.
std::optional<RateOption> ReadRateOption(const std::string& option, const std::string& additional);

// UPS takes one value where it documents a list, and most of its own examples send one; makes it a
// list of one.
void MakeRateLists(Json& body);

// The first rule that a rate request breaks. `body` is the whole parsed body, after MakeRateLists.
// Which number of a family of codes stands for which field is the sandbox's own choice where UPS's
// list is not public.
std::optional<UpsError> CheckRateRequest(const Json& body, const RateOption& option,
                                         const Client& client, absl::Time now);

}  // namespace psups::ups_sandbox
