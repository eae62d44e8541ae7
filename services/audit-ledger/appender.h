#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/batcher.h"
#include "services/audit-ledger/ports.h"

namespace psups::audit_ledger {

// Appends what concurrent requests bring in few transactions: while one commits, the next gathers.
class Appender {
 public:
  // What became of one request.
  struct Result {
    int duplicate_count = 0;
    int64_t tree_size = 0;
  };
  using Done = std::function<void(absl::StatusOr<Result>)>;

  explicit Appender(LogStore& store);

  // Calls `done` once the leaves are durable, or with the reason why none of them is known to be.
  void Append(std::vector<Leaf> leaves, Done done);

 private:
  struct Request {
    std::vector<Leaf> leaves;
    Done done;
  };
  void Run(std::vector<Request> requests);
  void RunGroup(std::vector<Request> group);

  LogStore& store_;
  Batcher<Request> batcher_;
};

}  // namespace psups::audit_ledger
