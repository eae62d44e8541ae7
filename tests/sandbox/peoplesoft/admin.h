#pragma once

#include "common/http_server.h"
#include "tests/sandbox/peoplesoft/site.h"

namespace psups::peoplesoft_sandbox {

// The admin API's answer: 200 with JSON, or 400, 404, 405 with {"error": "…"}.
HttpResponse Administer(Site& site, const HttpServerRequest& request);

}  // namespace psups::peoplesoft_sandbox
