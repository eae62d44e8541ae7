#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace psups::audit_ledger {

inline constexpr std::size_t kMostEntryBytes = 64 * 1024;

// An entry that may be appended: its exact bytes, their hash, and what it is found by.
struct Leaf {
  std::string event_id = {};
  std::string entry = {};
  std::string leaf_hash = {};
  std::string subject = {};
  std::string trace_id = {};
  std::string action = {};
};

// INVALID_ARGUMENT, naming the field, unless the bytes are a JSON object with all that every entry
// must say, its event_id being `event_id` and its service `service`: nobody records in another's
// name. Anything that passes can be stored.
absl::StatusOr<Leaf> MakeLeaf(std::string event_id, std::string entry, std::string_view service);

}  // namespace psups::audit_ledger
