#include "common/http_seconds.h"

#include <chrono>

#include "common/metrics.h"

namespace psups {
namespace {

const SecondsMetric kHttpSeconds("psups_http_seconds",
                                 "Time of a call by HTTP to a peer, however it ended.",
                                 {"peer", "op", "code"});

}  // namespace

prometheus::Histogram& HttpSeconds(const std::string& peer, const std::string& op,
                                   const std::string& code) {
  return kHttpSeconds(peer, op, code);
}

std::string HttpCode(const HttpOutcome& outcome) {
  return outcome.response.ok() ? std::to_string(outcome.response->status)
                               : absl::StatusCodeToString(outcome.response.status().code());
}

void ObserveHttp(const std::string& peer, const std::string& op, const HttpOutcome& outcome) {
  HttpSeconds(peer, op, HttpCode(outcome))
      .Observe(std::chrono::duration<double>(outcome.duration).count());
}

}  // namespace psups
