#pragma once

#include <map>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/rules.h"

namespace psups::shipment_builder {

// The rules of all connections, as far as this process has read them; from any thread.
class RuleBook {
 public:
  explicit RuleBook(MappingStore& store) : store_(store) {}

  // Reads what is new. The number of versions read.
  absl::StatusOr<int> Refresh();
  // What is known of a connection's rules.
  RuleHistory Of(const std::string& connection_id) const;
  // Reads what is new if `version` of the connection's is newer than what is known.
  absl::Status EnsureKnown(const std::string& connection_id, int64_t version);
  // The same, `version` being its newest. ABORTED if that one was not read yet: refresh and try
  // again.
  absl::StatusOr<RuleHistory> At(const std::string& connection_id, int64_t version) const;

 private:
  MappingStore& store_;
  mutable std::mutex mutex_;
  std::map<std::string, RuleHistory> books_;
};

}  // namespace psups::shipment_builder
