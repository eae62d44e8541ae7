#pragma once

#include <cstdint>
#include <deque>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// Every request to UPS's side as it came in, whatever became of it; only Authorization is hashed.
// An entry stands here before its reply goes out.
class Journal {
 public:
  struct Entry {
    absl::Time time = {};  // when it came in
    HttpServerRequest request = {};
    std::string route = {};
    std::optional<int> status = {};  // absent if no reply was sent
    std::string fault_id = {};
    std::int64_t token = 0;        // the number in the truth of the bearer that came; 0: none known
    std::string token_state = {};  // good, expired, revoked, unknown; empty: no bearer
    std::string verdict = {};  // of an address validation whose whole answer went out, else empty
  };

  // Also appends each entry to `file` from now on, a JSON line each.
  absl::Status AppendTo(const std::string& file);

  void Add(Entry entry);

  // The entries after number `since`, a JSON array.
  std::string Since(std::int64_t since) const;

  // Numbers begin at 1 again.
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // entry n is at n - 1; rendered when asked for
  std::ofstream file_;
};

}  // namespace psups::ups_sandbox
