#pragma once

#include <string>

#include "common/http_client.h"
#include "prometheus/histogram.h"

namespace psups {

// The histogram psups_http_seconds of calls to `peer`, by what they were for and how they ended.
// Keep the reference on hot paths.
prometheus::Histogram& HttpSeconds(const std::string& peer, const std::string& op,
                                   const std::string& code);

// The label `code` of a call: HTTP's status, or why there was none, such as UNAVAILABLE.
std::string HttpCode(const HttpOutcome& outcome);

// Both at once, for what is called seldom.
void ObserveHttp(const std::string& peer, const std::string& op, const HttpOutcome& outcome);

}  // namespace psups
