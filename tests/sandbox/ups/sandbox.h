#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/auto_scan.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/faults.h"
#include "tests/sandbox/ups/journal.h"
#include "tests/sandbox/ups/parcels.h"
#include "tests/sandbox/ups/scheduler.h"
#include "tests/sandbox/ups/tokens.h"
#include "tests/sandbox/ups/track.h"
#include "tests/sandbox/ups/webhook.h"
#include "tests/sandbox/ups/xav.h"

namespace psups::ups_sandbox {

// UPS as psups sees it, listening: UPS's side and the admin API, each on its own port.
class Sandbox {
 public:
  // With `journal_file` the journal is also appended there.
  static absl::StatusOr<std::unique_ptr<Sandbox>> Start(Config config,
                                                        const std::string& journal_file = "",
                                                        Parcels::Now now = WallTime);
  ~Sandbox();

  std::string api_address() const { return api_->address(); }
  std::string admin_address() const { return admin_->address(); }

 private:
  Sandbox(Config config, Parcels::Now now);

  // Where a request belongs and what stands in its path.
  struct Destination {
    std::string route = "none";  // the name that faults and the journal use
    std::string operation = {};
    std::string argument = {};
    bool old_version = false;  // lists of one come as their element
  };
  Destination Find(const HttpServerRequest& request) const;

  void Handle(HttpServerRequest request, const HttpReplyFunction& reply);
  // What UPS does and answers; the fault may change how it is done.
  HttpResponse Do(const Destination& destination, const HttpServerRequest& request,
                  const BearerCheck& bearer, const FaultRule* fault);
  HttpResponse MakeShipment(const Client& client, const HttpServerRequest& request);
  TrackForm FormOf(const FaultRule* fault, absl::Time now) const;
  // The answer that the fault puts in place of doing anything, if it does.
  std::optional<HttpServerReply> Instead(const FaultRule& fault,
                                         const Destination& destination) const;

  HttpResponse Administer(const HttpServerRequest& request);
  HttpResponse ChangeFaults(const Json& body);
  HttpResponse AddAddresses(const Json& body);
  HttpResponse AddScans(const Json& body);
  HttpResponse RegisterWebhook(const Json& body);
  HttpResponse ChangeClient(const Json& body);
  HttpResponse RevokeTokens(const Json& body);
  HttpResponse SetVisibility(const Json& body);
  HttpResponse ReadJournal(const HttpServerRequest& request) const;
  HttpResponse ReadTruth() const;
  HttpResponse Reset();

  const Config config_;
  const Parcels::Now now_;
  Journal journal_;
  Faults faults_;
  Tokens tokens_;
  AddressBook addresses_;
  std::atomic<Visibility> visibility_;
  Parcels parcels_;
  std::unique_ptr<Scheduler> scheduler_ = std::make_unique<Scheduler>();
  AutoScan auto_scan_;
  std::unique_ptr<Webhook> webhook_;
  std::unique_ptr<HttpServer> admin_;
  std::unique_ptr<HttpServer> api_;
};

}  // namespace psups::ups_sandbox
