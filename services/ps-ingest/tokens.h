#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http_client.h"
#include "common/outbox.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/issued_token.h"

namespace psups::ps_ingest {

// Whether anything of a request can have left.
inline bool WasConnected(const HttpOutcome& outcome) {
  return outcome.response.ok() || outcome.reused_connection || outcome.new_connections > 0;
}

// The access tokens of connections that authenticate by OAuth2 client credentials: each is asked
// for once at the site's identity provider, used until it expires and renewed a little before. From
// any thread.
class Tokens {
 public:
  struct Result {
    // UNAUTHENTICATED: the client id or its secret was refused; FAILED_PRECONDITION: the request
    // was, or the answer is none; UNAVAILABLE: the identity provider is away.
    absl::StatusOr<std::string> token = absl::UnknownError("not asked");
    bool is_new = false;                 // asked for by this call
    std::vector<AuditEntry> calls = {};  // to the identity provider, for the ledger
  };
  using Done = std::function<void(Result)>;

  // Sends a request to the identity provider: HttpClient::Send, or a refusal at once.
  using Transmit = std::function<void(HttpRequest request, HttpClient::Callback done)>;

  explicit Tokens(Transmit transmit) : transmit_(std::move(transmit)) {}

  // `done` runs on this thread if a token is there, else on the client's.
  void Get(const orders::v1::Connection& connection, const std::string& secret,
           const std::string& ca_file, Done done);

  // PeopleSoft refused the token: it is not used again.
  void Forget(const orders::v1::Connection& connection, const std::string& secret,
              const std::string& token);

 private:
  struct Held {
    std::string token = {};
    absl::Time renew_time = absl::InfinitePast();
    bool asking = false;
    std::vector<Done> waiting = {};
  };
  void Ask(const std::string& key, const orders::v1::Connection& connection,
           const std::string& secret, const std::string& ca_file);
  void Finish(const std::string& key, AuditEntry call, const HttpOutcome& outcome);

  const Transmit transmit_;
  std::mutex mutex_;
  std::map<std::string, Held> held_;  // by everything that the token depends on
};

}  // namespace psups::ps_ingest
