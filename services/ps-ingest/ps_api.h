#pragma once

#include <memory>

#include "common/http_client.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// PeopleSoft over HTTP: Basic authorisation with the first request, the connection's CA bundle, no
// redirects, no cookies. Calls in flight fail with CANCELLED when it is destroyed.
std::unique_ptr<PeopleSoft> MakePeopleSoft(std::unique_ptr<HttpClient> client);

}  // namespace psups::ps_ingest
