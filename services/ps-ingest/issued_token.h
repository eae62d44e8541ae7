#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http_message.h"

namespace psups::ps_ingest {

// What a token endpoint answered.
struct IssuedToken {
  std::string token = {};
  absl::Duration lifetime = absl::ZeroDuration();
};
// UNAUTHENTICATED: the client id or its secret was refused; FAILED_PRECONDITION: the request was,
// or the answer is none; UNAVAILABLE: the identity provider is away. Never holds text that came.
absl::StatusOr<IssuedToken> ReadIssuedToken(const absl::StatusOr<HttpResponse>& response);

}  // namespace psups::ps_ingest
