#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// OAuth client credentials: issues bearers, counts the requests of any 24 hours against each
// client's limit, knows which bearer is whose and until when.
class Tokens {
 public:
  explicit Tokens(const std::vector<Client>& clients);

  // POST /security/v1/oauth/token.
  HttpResponse Issue(const HttpServerRequest& request, absl::Time now);

  // Whose bearer the request carries.
  std::variant<std::shared_ptr<const Client>, UpsError> Check(const HttpHeaders& headers,
                                                              absl::Time now) const;

  // {"tokens":[…],"token_requests":[…]}
  Json Truth() const;

  // Forgets every bearer and every request.
  void Clear();

 private:
  struct ClientState {
    std::shared_ptr<const Client> client;
    std::deque<absl::Time> requests;  // of the last 24 hours
  };
  struct Bearer {
    std::shared_ptr<const Client> client;
    absl::Time expiry;
  };
  struct IssuedToken {
    std::string client_id;
    std::string bearer;
    absl::Time issued;
    int expires_in;
  };
  struct TokenRequest {
    absl::Time time;
    std::string client_id;
    int status;
  };

  HttpResponse IssueLocked(const HttpServerRequest& request, const std::string& client_id,
                           const std::string& client_secret, absl::Time now);
  std::string NewBearer();

  mutable std::mutex mutex_;
  std::unordered_map<std::string, ClientState> clients_;
  std::unordered_map<std::string, Bearer> bearers_;
  std::deque<IssuedToken> issued_;
  std::deque<TokenRequest> requests_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace psups::ups_sandbox
