#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "common/http_message.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

enum class FaultKind {
  // Nothing is done; the answer stands in its place.
  kStatus,       // the rule's status and body
  kHtml,         // the rule's status with a page of HTML
  kResetBefore,  // TCP RST
  kCloseBefore,  // closed without a byte
  kExpireToken,  // 401 as for an expired token; the token stays good
  kNotFound,     // the route's own "there is no such thing (yet)"
  // It is done; the reply is hurt.
  kNormal,          // not at all: for the rule's headers, delay or twin
  kSlow,            // after delay_ms, else normal
  kDoneThenStatus,  // the rule's status and body in place of the answer
  kDoneAsStatus,    // the answer, with the rule's status
  kDoneThenReset,
  kDoneThenClose,
  kDoneThenTruncate,
  kWithhold,     // no reply, the connection stays until the client gives up
  kSingleton,    // every list of one becomes its element
  kLists,        // every object becomes a list of one
  kExtraFields,  // every object has one member more
  kDrop,         // the members named `field` are left out
  kMerged,       // the rule's body, a JSON merge patch, changes the answer
  // Void, as UPS's test environment has answered.
  kPolluted,     // every text begins with &#xD;
  kSingularKey,  // PackageLevelResult
  // Track: the times in GMT are hurt.
  kNoGmt,     // missing
  kShortGmt,  // without the leading zero of the hour
  // Webhook: what becomes of the event.
  kLost,           // not sent
  kDuplicate,      // sent twice
  kBadCredential,  // sent with a wrong bearer and key
};

struct FaultRule {
  std::string id = {};
  std::string route = {};
  FaultKind kind = FaultKind::kStatus;
  std::int64_t count = -1;  // hits left; -1: no end
  double probability = 1;   // of a matching request being hit
  std::uint64_t seed = 1;
  std::chrono::milliseconds delay{0};
  int status = 503;
  std::optional<std::string> body = {};
  std::string code = {};     // UPS's error code, where there is no body
  HttpHeaders headers = {};  // of the answer
  std::string field = {};    // the members that are hurt; empty: all
  bool twin = false;         // ship: it is done twice, the first is answered
  std::string match = {};    // substring of the target or the body
  bool reused = false;       // only on a connection that carried a request before
};

// The rules in force. A request meets the first rule that matches it, in the order added.
class Faults {
 public:
  // {"add": [rule, …], "remove": [id, …]}: both, or nothing and INVALID_ARGUMENT. A rule added with
  // an id in use replaces that rule.
  absl::Status Change(const Json& change);

  // The rule that this request meets, its hit counted. `connection`: where it came from.
  std::optional<FaultRule> Draw(const std::string& route, const std::string& target,
                                const std::string& body, const std::string& connection);

  // Every rule as it was added, with its hits.
  Json Describe() const;

  void Clear();

 private:
  struct Entry {
    FaultRule rule = {};
    Json added = {};
    std::mt19937_64 random = {};
    std::int64_t hits = 0;
  };

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;          // guarded by mutex_
  std::set<std::string> connections_;  // that carried a request; guarded by mutex_
};

}  // namespace psups::ups_sandbox
