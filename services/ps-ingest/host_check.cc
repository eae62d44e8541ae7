#include "services/ps-ingest/host_check.h"

#include <netdb.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/http_address.h"

namespace psups::ps_ingest {
namespace {

// "https://erp.example.com:8443/x" → "erp.example.com".
std::string HostOf(const std::string& url) {
  std::string host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (!host.empty() && host.front() == '[') return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

Check CheckHost(const std::string& url) {
  const std::string host = HostOf(url);
  const std::string subject = "host " + host;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host.c_str(), nullptr, &hints, &found); failed != 0) {
    return MakeCheck(subject, false,
                     absl::StrCat("the name has no address (", gai_strerror(failed),
                                  "); correct the URL or the DNS"));
  }
  const absl::Cleanup free = [&] { freeaddrinfo(found); };
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (IsForbiddenAddress(*at->ai_addr)) {
      return MakeCheck(subject, false,
                       "its address is link-local or a metadata service's, which is never called");
    }
  }
  return MakeCheck(subject, true, "the name has an address");
}

}  // namespace psups::ps_ingest
