#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "services/ups-gateway/ports.h"

// Inside the store: the errors that UPS gave, counted.
namespace psups::ups_gateway {

struct ErrorKey {
  std::string account_id = {};
  std::string operation = {};
  std::string ups_code = {};
  int http_status = 0;

  auto operator<=>(const ErrorKey&) const = default;
};
using ErrorCounts = std::map<ErrorKey, int64_t>;

// In the order of their keys, so that replicas never wait for each other.
absl::Status CountErrors(Tx& tx, const ErrorCounts& counts);

// Of one account, the latest first, after `after` in that order.
absl::StatusOr<std::vector<MetError>> ReadErrors(Db& db, std::string_view account_id,
                                                 const std::optional<MetError>& after, int limit);

}  // namespace psups::ups_gateway
