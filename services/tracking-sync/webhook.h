#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/batcher.h"
#include "common/clock.h"
#include "common/http_server.h"
#include "prometheus/counter.h"
#include "services/tracking-sync/bearer.h"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/service.h"

namespace psups::tracking_sync {

// The credentials that UPS holds for our door.
struct WebhookCredentials {
  std::string client_id = {};
  std::string client_secret = {};
  std::vector<std::string> api_keys = {};  // allowed values of x-api-key
};

// The only door from the internet: POST /oauth/token gives UPS a bearer for its client credentials,
// POST /track-alert (or /ups/v2/track-alert) takes a tracking event. 200 means that the event is
// durable; every failure to store is 503, since UPS, told 200, forgets.
class WebhookDoor {
 public:
  WebhookDoor(EventInbox& inbox, WebhookCredentials credentials, Bearers bearers,
              const Clock& clock, Wakeups& wakeups);

  // Answers one request; `reply` is called once, perhaps later and from another thread.
  void Handle(HttpServerRequest request, HttpReplyFunction reply);

  // UPS does not resend what got a 503. Hands `tell` when the first such event came, InfiniteFuture
  // if none did, and forgets it if that is OK.
  absl::Status TellRefused(const std::function<absl::Status(absl::Time since)>& tell);

 private:
  struct Waiting {
    ReceivedEvent event;
    HttpReplyFunction reply;
    absl::Time came;
  };
  HttpResponse IssueToken(const HttpServerRequest& request) const;
  bool Authenticated(const HttpServerRequest& request) const;
  void Store(std::vector<Waiting> waiting);
  void Refused(absl::Time since);

  EventInbox& inbox_;
  const WebhookCredentials credentials_;
  const Bearers bearers_;
  const Clock& clock_;
  Wakeups& wakeups_;
  std::mutex mutex_;
  absl::Time refused_since_ = absl::InfiniteFuture();
  Batcher<Waiting> batcher_;  // last: its thread uses the others
};

}  // namespace psups::tracking_sync
