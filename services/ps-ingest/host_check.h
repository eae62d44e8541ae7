#pragma once

#include <string>

#include "services/ps-ingest/sample.h"

namespace psups::ps_ingest {

// Whether the URL's host has an address, and one that may be called. Asks the DNS and waits for it.
Check CheckHost(const std::string& url);

}  // namespace psups::ps_ingest
