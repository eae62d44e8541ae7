#pragma once

#include <map>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// Opened passwords, so that each is opened once per change and not for every call. From any thread.
class Passwords {
 public:
  explicit Passwords(ConnectionStore& store) : store_(store) {}
  absl::StatusOr<std::string> For(const orders::v1::Connection& connection);

 private:
  struct Opened {
    int64_t version = 0;
    std::string password = {};
  };
  ConnectionStore& store_;
  std::mutex mutex_;
  std::map<std::string, Opened> opened_;  // by connection name
};

}  // namespace psups::ps_ingest
