#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/peoplesoft/fields.h"

namespace psups::peoplesoft_sandbox {

// Every request seen, whatever became of it, as it came in; only Authorization and a client's
// secret in a form are hashed.
class Journal {
 public:
  // Also appends each entry to `file` from now on, a JSON line each.
  absl::Status AppendTo(const std::string& file);

  // `status` is absent if no reply was sent.
  void Add(const HttpServerRequest& request, absl::Time time, const std::string& route,
           std::optional<int> status, const std::string& fault_id);

  // The entries after number `since`, a JSON array.
  std::string Since(int64_t since) const;

  void Clear() { lines_.clear(); }

 private:
  std::vector<std::string> lines_ = {};  // entry n is at n - 1
  std::ofstream file_ = {};
};

}  // namespace psups::peoplesoft_sandbox
