#pragma once

#include <memory>
#include <string>
#include <vector>

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

 private:
  struct Waiting {
    ReceivedEvent event;
    HttpReplyFunction reply;
    absl::Time came;
  };
  HttpResponse IssueToken(const HttpServerRequest& request) const;
  bool Authenticated(const HttpServerRequest& request) const;
  void Store(std::vector<Waiting> waiting);

  EventInbox& inbox_;
  const WebhookCredentials credentials_;
  const Bearers bearers_;
  const Clock& clock_;
  Wakeups& wakeups_;
  Batcher<Waiting> batcher_;  // last: its thread uses the others
};

}  // namespace psups::tracking_sync
