#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/ups-gateway/flow/flow_rules.h"

namespace psups::ups_gateway {

// What UPS said of an account, or of one operation of it, told by how long ago: replicas' clocks
// differ.
struct FlowReport {
  std::string account_id = {};
  std::string operation = {};  // empty: the whole account
  bool throttled = false;
  absl::Duration sent_ago = absl::ZeroDuration();
  double full_rate = 0;
  absl::Duration wait = absl::ZeroDuration();  // from now on
};

// How an account, or one operation of it, stands.
struct FlowStanding {
  std::string account_id = {};
  std::string operation = {};
  double share = 1;
  double full_rate = 0;
  absl::Duration changed_ago = absl::ZeroDuration();
  absl::Duration wait = absl::ZeroDuration();
};

struct FlowView {
  std::vector<FlowStanding> standings = {};
  int replicas = 1;  // that live, this one among them
};

// What the replicas share.
class FlowStore {
 public:
  virtual ~FlowStore() = default;
  // Adds what this run was told to what is known, by Learn, and returns all of it. May block.
  virtual absl::StatusOr<FlowView> Exchange(const std::string& run_id,
                                            const std::vector<FlowReport>& reports,
                                            absl::Duration recovery) = 0;
};

}  // namespace psups::ups_gateway
