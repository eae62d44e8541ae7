#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http_server.h"
#include "tests/sandbox/peoplesoft/config.h"
#include "tests/sandbox/peoplesoft/documents.h"
#include "tests/sandbox/peoplesoft/faults.h"
#include "tests/sandbox/peoplesoft/identity_provider.h"
#include "tests/sandbox/peoplesoft/journal.h"
#include "tests/sandbox/peoplesoft/tables.h"
#include "tests/sandbox/peoplesoft/write_back.h"

namespace psups::peoplesoft_sandbox {

// A PeopleSoft site in memory: answers what comes over the wire, and knows what really happened.
// Safe to use from any thread.
class Site {
 public:
  using Now = std::function<absl::Time()>;

  Site(SiteConfig config, Now now);

  // Also writes the journal to `file`.
  absl::Status AppendJournalTo(const std::string& file);

  // The PeopleSoft side.
  void Handle(const HttpServerRequest& request, const HttpReplyFunction& reply);

  // {"tables": …, "documents": …}: stored, all of it, or INVALID_ARGUMENT. Returns how many
  // documents came.
  absl::StatusOr<int64_t> Load(Json orders);

  // Changes keys of the configuration from the next request on; see ChangeConfig.
  absl::Status Configure(const std::string& change);

  absl::Status ChangeFaults(const Json& change);
  Json DescribeFaults() const;
  std::string JournalSince(int64_t since) const;
  std::string Truth();

  // Every bearer issued is unknown from now on.
  void RevokeTokens();

  // Forgets everything but the configuration as it is now.
  void Reset();

 private:
  // All that Reset forgets.
  struct State {
    Tables tables = {};
    Documents documents = {};
    WriteBack write_back = {};
    Faults faults = {};
    IdentityProvider identity_provider = {};
    std::vector<std::string> reads = {};
  };
  struct Address;  // what a request's path asks for

  // What the site takes `now` for.
  absl::Time SiteTime(absl::Time now) const;
  // Makes whatever was to happen by `now` happen.
  void CatchUp(absl::Time now);
  Address Locate(const std::string& path) const;
  HttpResponse Answer(const HttpServerRequest& request, const Address& address,
                      const FaultRule* fault, absl::Time now);
  bool IsAuthenticated(const HttpServerRequest& request, absl::Time now) const;
  HttpResponse AnswerQuery(const HttpServerRequest& request, const Address& address,
                           const FaultRule* fault, absl::Time now);
  HttpResponse AnswerWriteBack(const HttpServerRequest& request, const FaultRule* fault,
                               absl::Time now);
  HttpResponse AnswerWithFault(const HttpServerRequest& request, const Address& address,
                               const FaultRule& fault) const;

  const Now now_;
  mutable std::mutex mutex_;
  SiteConfig config_;
  State state_ = {};
  Journal journal_ = {};
};

}  // namespace psups::peoplesoft_sandbox
