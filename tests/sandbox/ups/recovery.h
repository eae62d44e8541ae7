#pragma once

#include "common/http_server.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/parcels.h"

namespace psups::ups_sandbox {

// POST /labels/v1/recovery: the labels again, by tracking number or by reference. Several live
// shipments with one reference give candidates and no label. Those made after `until` are not
// processed yet.
HttpResponse RecoverLabel(const Parcels& parcels, const Client& client,
                          const HttpServerRequest& request, absl::Time until, int label_bytes);

// Not there, or not there yet.
UpsError RecoveryNotFound();

}  // namespace psups::ups_sandbox
