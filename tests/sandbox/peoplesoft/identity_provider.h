#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/peoplesoft/config.h"

namespace psups::peoplesoft_sandbox {

// What the identity provider says to a client that it does not know.
HttpResponse InvalidClient();

// The identity provider that the site trusts: issues bearers for OAuth client credentials and knows
// which of them are good.
class IdentityProvider {
 public:
  // The answer to a POST at the site's token path.
  HttpResponse Issue(const HttpServerRequest& request, const SiteConfig& site, absl::Time now);

  bool IsGood(const std::string& bearer, absl::Time now) const;

  // Forgets every bearer.
  void Revoke() { expiries_.clear(); }

  // How many bearers were issued ever.
  int64_t issued() const { return issued_; }

 private:
  std::map<std::string, absl::Time> expiries_ = {};  // by bearer
  int64_t issued_ = 0;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace psups::peoplesoft_sandbox
