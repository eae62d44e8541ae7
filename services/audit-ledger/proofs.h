#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audit-ledger/ports.h"

namespace psups::audit_ledger {

// The hashes of ranges of leaves, read from the store in one go.
absl::StatusOr<std::vector<std::string>> HashRanges(LogStore& store,
                                                    const std::vector<LeafRange>& ranges);

// The root of the log when it had `size` entries, at most as many as it has.
absl::StatusOr<std::string> RootAt(LogStore& store, int64_t size);

}  // namespace psups::audit_ledger
