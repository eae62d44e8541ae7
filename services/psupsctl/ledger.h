#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "psups/audit/v1/audit_service.pb.h"
#include "services/psupsctl/session.h"

namespace psups::psupsctl {

// Hands the entries [begin, end) to `take`, in order; DATA_LOSS if one is missing.
absl::Status EachEntry(Session& session, int64_t begin, int64_t end,
                       const std::function<absl::Status(const audit::v1::Entry&)>& take);

absl::StatusOr<audit::v1::Checkpoint> NewestCheckpoint(Session& session);
absl::StatusOr<audit::v1::GetKeyResponse> LedgerKey(Session& session);

// The checkpoint's note says its size and root, and the key signed it. DATA_LOSS if not.
absl::Status CheckCheckpoint(const audit::v1::Checkpoint& checkpoint,
                             const std::string& public_key_pem);

// A field of the entry's JSON; "" if it has none.
std::string EntryField(const audit::v1::Entry& entry, const char* field);
// Who did it: "ups-gateway" or "clerk/ann" for people, the whole identity for programs.
std::string ActorText(const audit::v1::Entry& entry, Style style);
// {"index", "append_time", "entry": {…}}: the entry as JSON, not as base64.
nlohmann::ordered_json EntryJson(const audit::v1::Entry& entry);

}  // namespace psups::psupsctl
