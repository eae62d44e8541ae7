#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/http_client.h"
#include "tests/sandbox/ups/config.h"
#include "tests/sandbox/ups/faults.h"
#include "tests/sandbox/ups/parcels.h"
#include "tests/sandbox/ups/scheduler.h"

namespace psups::ups_sandbox {

// Sends Track Alert events to the registered URL: each once, whatever the answer, with a bearer
// from the receiver's own token endpoint, kept until it expires.
class Webhook {
 public:
  Webhook(Parcels& parcels, Faults& faults, Scheduler& scheduler, Parcels::Now now);
  ~Webhook();

  // From now on events go there (null: nowhere).
  void Register(std::optional<WebhookConfig> config);

  void Push(const Event& event, Parcels::PushId id);

 private:
  struct Delivery {
    Parcels::PushId id = 0;
    std::string body = {};
    bool bad_credential = false;
  };

  void Deliver(Delivery delivery);
  void FetchToken(const WebhookConfig& config);
  void TokenArrived(const HttpOutcome& outcome);
  void Post(const WebhookConfig& config, const std::string& bearer, const Delivery& delivery);

  Parcels& parcels_;
  Faults& faults_;
  Scheduler& scheduler_;
  const Parcels::Now now_;

  std::mutex mutex_;
  std::optional<WebhookConfig> config_;
  std::string bearer_;
  absl::Time bearer_expiry_ = absl::InfinitePast();
  bool fetching_ = false;
  std::deque<Delivery> waiting_;  // for a bearer
  std::unique_ptr<HttpClient> client_;
};

}  // namespace psups::ups_sandbox
