#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/sandbox/peoplesoft/fields.h"

namespace psups::peoplesoft_sandbox {

enum class FaultKind {
  // Nothing is done; the answer stands in its place.
  kStatus,        // the rule's status and body
  kIbError200,    // 200 with an IBResponse
  kBare500,       // 500, no body
  kUnauthorized,  // the wrong-password answer
  kPermission,    // 158,536
  kContactError,  // 158,10721
  kHtmlLogin,     // 200 with a login page
  kRedirect302,   // to a login page
  kStatus503,     // a proxy's
  kResetBefore,   // TCP RST
  // It is done; the reply is hurt.
  kSlow,           // after delay_ms, else normal
  kDoneThenReset,  // no reply, TCP RST
  kDoneThenClose,  // no reply, closed in order
  kTruncate,       // half of the body, then closed
  kResetMidBody,   // half of the body, then TCP RST
  kWithhold,       // no reply, the connection stays until the client gives up
  // It is done in another way.
  kDuplicateRows,      // queries: each row twice, before the cut at maxrows
  kWrongNumrows,       // queries: numrows one too high
  kAcceptedButFailed,  // write-backs: every message answered OK, none stored
};

struct FaultRule {
  std::string id = {};
  std::string route = {};  // "query", "writeback", "token" or "*"
  FaultKind kind = FaultKind::kStatus;
  int64_t count = -1;      // hits left; -1: no end
  double probability = 1;  // of a matching request being hit
  uint64_t seed = 1;
  std::chrono::milliseconds delay{0};
  std::optional<absl::Duration> lasts = {};  // from when it was added
  int status = 503;
  std::string body = {};
  std::string match = {};  // substring of the request's target or body
};

// The rules in force. A request meets the first rule that matches it, in the order added.
class Faults {
 public:
  // {"add": [rule, …], "remove": [id, …]}: both, or nothing and INVALID_ARGUMENT. A rule added with
  // an id in use replaces that rule.
  absl::Status Change(const Json& change, absl::Time now);

  // The rule that this request meets, its hit counted, or null. Valid until the next Change.
  const FaultRule* Draw(const std::string& route, const std::string& target,
                        const std::string& body, absl::Time now);

  // Every rule as it was added, with its hits.
  Json Describe() const;

 private:
  struct Entry {
    FaultRule rule = {};
    Json added = {};
    std::mt19937_64 random = {};
    absl::Time end = absl::InfiniteFuture();
    int64_t hits = 0;
  };
  std::deque<Entry> entries_ = {};
};

}  // namespace psups::peoplesoft_sandbox
