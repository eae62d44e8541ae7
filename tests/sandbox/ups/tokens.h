#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// What became of a request for a token.
struct TokenAnswer {
  HttpResponse response = {};
  std::string client_id = {};
  bool granted = false;
};

// How a bearer stood when it was used.
enum class BearerState { kNone, kUnknown, kGood, kExpired, kRevoked };
const char* NameOf(BearerState state);  // "" for kNone

// What a call's bearer lets it do.
struct BearerCheck {
  std::optional<UpsError> refusal = {};
  std::shared_ptr<const Client> client = {};  // null if refused for the bearer
  BearerState state = BearerState::kNone;
  std::int64_t token = 0;  // its number in the truth; 0: none of ours
};

// OAuth client credentials: issues bearers, counts the requests of any 24 hours against each
// client's limit, knows which bearer is whose and until when, and how often a client calls.
class Tokens {
 public:
  explicit Tokens(const std::vector<Client>& clients);

  // POST /security/v1/oauth/token.
  TokenAnswer Issue(const HttpServerRequest& request, absl::Time now);

  // Whose bearer the request carries. Each call counts as a use of it.
  BearerCheck Check(const std::string& route, const HttpHeaders& headers, absl::Time now);

  // A request for a token, for the truth, with what was answered; no status: nothing was.
  void Record(absl::Time time, const HttpServerRequest& request, bool granted,
              std::optional<int> status);

  // Changes the keys that are given of a client, or adds one. Bearers stay as they are.
  absl::Status ChangeClient(const Json& change);

  // From now on every bearer of the client that is still good is refused with `code` (250002 or
  // 251004). Returns how many; NOT_FOUND if there is no such client.
  absl::StatusOr<int> Revoke(const std::string& client_id, const std::string& code, absl::Time now);

  // {"tokens":[…],"token_requests":[…]}
  Json Truth() const;

  // Forgets every bearer and every request; the clients are again those of the configuration.
  void Clear();

 private:
  struct ClientState {
    std::shared_ptr<const Client> client;
    std::deque<absl::Time> requests;  // for tokens, of the last 24 hours
    std::deque<absl::Time> calls;     // of the last second
  };
  struct LateUse {
    absl::Time time;
    std::string route;
  };
  struct Token {
    std::string client_id = {};
    std::string bearer = {};
    absl::Time issued = {};
    absl::Time expiry = {};
    Json said = {};  // expires_in as it was answered; null: not at all
    std::optional<absl::Time> revoked = {};
    std::string revoked_code = {};
    int uses = 0;
    std::vector<LateUse> late_uses = {};  // after it expired or was revoked
  };
  struct TokenRequest {
    absl::Time time;
    std::string client_id;
    bool granted;
    std::optional<int> status;
  };

  TokenAnswer IssueLocked(const HttpServerRequest& request, const std::string& client_id,
                          const std::string& client_secret, absl::Time now);
  BearerCheck LookLocked(const HttpHeaders& headers, absl::Time now) const;
  std::string NewBearer();

  const std::vector<Client> configured_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, ClientState> clients_;
  std::unordered_map<std::string, std::int64_t> bearers_;  // → its number
  std::deque<Token> tokens_;                               // number n is at n - 1
  std::deque<TokenRequest> requests_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace psups::ups_sandbox
