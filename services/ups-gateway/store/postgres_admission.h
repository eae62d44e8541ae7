#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/postgres.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// What keeps an intent from being stored.
struct Hold {
  absl::Status refusal = absl::OkStatus();
  std::string refused_by = {};
  std::optional<SearchOrder> search = {};
};

// Inside the transaction that stores `intents`, and before it stores any: those that are not to be
// stored, by request id. Locks the accounts' rows until the end of the transaction, so that nobody
// else is let in before these are counted, and a stop waits for them or holds them off. An intent
// that stands there already is never among them.
absl::StatusOr<std::map<std::string, Hold>> HoldBack(Tx& tx, const std::vector<Intent>& intents);

}  // namespace psups::ups_gateway
