#include "services/shipment-builder/review_webhook.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "common/http_seconds.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/shipment-builder/review_event.h"

namespace psups::shipment_builder {
namespace {

constexpr int kAtOnce = 20;
// Longer than any try takes: an event is taken by another only when who took it is gone.
constexpr absl::Duration kLease = absl::Minutes(1);
constexpr absl::Duration kLifetime = absl::Hours(7 * 24);
constexpr std::chrono::milliseconds kConnectTimeout{5'000};
constexpr std::chrono::milliseconds kTotalTimeout{10'000};
constexpr std::size_t kMostOfReply = 64 << 10;
constexpr absl::Duration kFirstWait = absl::Seconds(5);
constexpr absl::Duration kMostWait = absl::Hours(1);

const CounterMetric kPosts(
    "psups_review_webhook_total",
    "Events of reviews for the webhook: posted, failed (again later) or dropped.", {"outcome"});

}  // namespace

absl::StatusOr<int> ReviewWebhook::Step() {
  int dropped = 0;
  ASSIGN_OR_RETURN(const std::vector<ReviewEvent> events,
                   store_.TakeReviewEvents(kAtOnce, kLease, kLifetime, dropped));
  if (dropped > 0) {
    kPosts("dropped").Increment(dropped);
    LogError("review_webhook_dropped", {{"events", dropped}});
  }
  if (events.empty()) return 0;
  std::vector<HttpOutcome> outcomes(events.size());
  absl::BlockingCounter left(static_cast<int>(events.size()));
  for (std::size_t i = 0; i < events.size(); ++i) {
    http_.Send(RequestOf(events[i]), [&, i](HttpOutcome outcome) {
      outcomes[i] = std::move(outcome);
      left.DecrementCount();
    });
  }
  left.Wait();
  for (std::size_t i = 0; i < events.size(); ++i) {
    RETURN_IF_ERROR(Settle(events[i], outcomes[i]));
  }
  return static_cast<int>(events.size());
}

HttpRequest ReviewWebhook::RequestOf(const ReviewEvent& event) const {
  const std::string id = EventId(event);
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  HttpRequest request{.method = "POST",
                      .url = target_.url,
                      .body = EventJson(event),
                      .ca_bundle_file = target_.ca_file,
                      .connect_timeout = kConnectTimeout,
                      .total_timeout = kTotalTimeout,
                      .max_response_bytes = kMostOfReply};
  request.headers = {{"content-type", "application/cloudevents+json; charset=UTF-8"},
                     {"webhook-id", id},
                     {"webhook-timestamp", absl::StrCat(now)},
                     {"webhook-signature", WebhookSignature(target_.key, id, now, request.body)}};
  return request;
}

absl::Status ReviewWebhook::Settle(const ReviewEvent& event, const HttpOutcome& outcome) {
  ObserveHttp("webhook", "review", outcome);
  if (outcome.response.ok() && outcome.response->status / 100 == 2) {
    kPosts("posted").Increment();
    return store_.ReviewEventPosted(event);
  }
  kPosts("failed").Increment();
  LogWarning("review_webhook_failed",
             {{"event", EventId(event)},
              {"tries", event.tries + 1},
              {"why", outcome.response.ok() ? absl::StrCat("HTTP ", outcome.response->status)
                                            : std::string(outcome.response.status().message())}});
  const absl::Duration most =
      std::min(kMostWait, kFirstWait * (int64_t{1} << std::min(event.tries, 20)));
  return store_.ReviewEventFailed(event, most * (0.5 + random_() / 2));
}

}  // namespace psups::shipment_builder
