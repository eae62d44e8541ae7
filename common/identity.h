#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "psups/access/v1/access.pb.h"

namespace psups {

// Who calls, from the URI SAN of the client's certificate.
struct Caller {
  std::string identity = {};  // "spiffe://psups/service/ups-gateway" or "spiffe://psups/clerk/ann"
  std::string service = {};   // "ups-gateway", or empty for a person
  access::v1::Rule::Role role = access::v1::Rule::ROLE_UNSPECIFIED;  // of a person
  std::string trace_id = {};  // from the call's traceparent, or drawn
};

// UNAUTHENTICATED unless `uri` is of one of the two forms.
absl::StatusOr<Caller> CallerFromUri(std::string_view uri);

// Whether `rule` lets `caller` in: default deny.
bool Permits(const access::v1::Rule& rule, const Caller& caller);

// 32 hex digits out of a W3C traceparent, or empty if it is malformed.
std::string TraceIdFromTraceparent(std::string_view traceparent);
// "00-<trace id>-<random span id>-01".
std::string MakeTraceparent(std::string_view trace_id);

}  // namespace psups
