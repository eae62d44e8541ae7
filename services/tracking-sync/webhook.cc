#include "services/tracking-sync/webhook.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "nlohmann/json.hpp"

namespace psups::tracking_sync {
namespace {

constexpr std::size_t kStoreTogether = 256;

HttpResponse Json(int status, const nlohmann::json& body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = body.dump()};
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

const SecondsMetric kSeconds("psups_webhook_seconds",
                             "From a tracking event's arrival to its answer, stored or refused.");
const CounterMetric kRequests("psups_webhook_requests_total",
                              "Webhook requests by the status they were answered with.", {"code"});

void Count(int status) { kRequests(absl::StrCat(status)).Increment(); }

// Two strings of any lengths compared in a time that tells neither where they differ nor how long
// the right one is.
bool SecretEqual(std::string_view a, std::string_view b) {
  return ConstantTimeEqual(Sha256(a), Sha256(b));
}

// What stands behind "Basic " or "Bearer ".
std::string_view Credential(const HttpHeaders& headers, std::string_view scheme) {
  const std::string_view field = FindHeader(headers, "Authorization");
  if (field.size() <= scheme.size() || field[scheme.size()] != ' ' ||
      !absl::EqualsIgnoreCase(View(field.substr(0, scheme.size())), View(scheme))) {
    return {};
  }
  std::string_view rest = field.substr(scheme.size() + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

bool AsksForClientCredentials(std::string_view form) {
  for (const absl::string_view field : absl::StrSplit(View(form), '&')) {
    if (field == "grant_type=client_credentials") return true;
  }
  return false;
}

}  // namespace

WebhookDoor::WebhookDoor(EventInbox& inbox, WebhookCredentials credentials, Bearers bearers,
                         const Clock& clock, Wakeups& wakeups)
    : inbox_(inbox),
      credentials_(std::move(credentials)),
      bearers_(std::move(bearers)),
      clock_(clock),
      wakeups_(wakeups),
      batcher_(kStoreTogether,
               [this](std::vector<Waiting> waiting) { Store(std::move(waiting)); }) {}

void WebhookDoor::Handle(HttpServerRequest request, HttpReplyFunction reply) {
  const auto answer = [&](HttpResponse response) {
    Count(response.status);
    reply({.response = std::move(response)});
  };
  const bool token = request.path == "/oauth/token";
  const bool event = request.path == "/track-alert" || request.path == "/ups/v2/track-alert";
  if (!token && !event) return answer({.status = 404});
  if (request.method != "POST") return answer({.status = 405, .headers = {{"Allow", "POST"}}});
  if (token) return answer(IssueToken(request));

  if (!Authenticated(request)) {
    LogWarning("webhook_refused", {{"from", request.remote_address}});
    HttpResponse refusal = Json(401, {{"error", "invalid_token"}});
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
    return answer(std::move(refusal));
  }
  absl::StatusOr<std::string> number = TrackingNumberOfWebhook(request.body);
  if (!number.ok()) {
    LogWarning("webhook_malformed", {{"reason", number.status()}});
    return answer(Json(400, {{"error", std::string(number.status().message())}}));
  }
  batcher_.Add({.event = {.received_id = RandomHex128(),
                          .tracking_number = *std::move(number),
                          .body = std::move(request.body)},
                .reply = std::move(reply),
                .came = absl::Now()});
}

HttpResponse WebhookDoor::IssueToken(const HttpServerRequest& request) const {
  const absl::StatusOr<std::string> pair =
      FromBase64(std::string(Credential(request.headers, "Basic")));
  const std::size_t colon = pair.ok() ? pair->find(':') : std::string::npos;
  bool known = false;
  if (colon != std::string::npos) {
    const std::string id = pair->substr(0, colon);
    const std::string secret = pair->substr(colon + 1);
    // The standard wants both form-encoded; many clients do not. All four are compared, whatever
    // the first ones said.
    const bool id_right = SecretEqual(id, credentials_.client_id);
    const bool secret_right = SecretEqual(secret, credentials_.client_secret);
    const bool decoded_id_right = SecretEqual(PercentDecode(id), credentials_.client_id);
    const bool decoded_secret_right =
        SecretEqual(PercentDecode(secret), credentials_.client_secret);
    known = (id_right && secret_right) || (decoded_id_right && decoded_secret_right);
  }
  if (!known) {
    LogWarning("webhook_token_refused", {{"from", request.remote_address}});
    HttpResponse refusal = Json(401, {{"error", "invalid_client"}});
    refusal.headers.emplace_back("WWW-Authenticate", "Basic realm=\"psups\"");
    return refusal;
  }
  if (!AsksForClientCredentials(request.body)) {
    return Json(400, {{"error", "unsupported_grant_type"}});
  }
  return Json(200, {{"access_token", bearers_.Issue(clock_.Now())},
                    {"token_type", "Bearer"},
                    {"expires_in", absl::ToInt64Seconds(bearers_.lifetime())}});
}

bool WebhookDoor::Authenticated(const HttpServerRequest& request) const {
  const std::string_view key = FindHeader(request.headers, "x-api-key");
  bool allowed = false;
  for (const std::string& each : credentials_.api_keys) allowed |= SecretEqual(key, each);
  const bool valid = bearers_.IsValid(Credential(request.headers, "Bearer"), clock_.Now());
  return allowed && valid;
}

void WebhookDoor::Store(std::vector<Waiting> waiting) {
  std::vector<ReceivedEvent> events;
  for (Waiting& each : waiting) events.push_back(std::move(each.event));
  const absl::Status stored = inbox_.Store(events);
  if (!stored.ok()) {
    LogError("webhook_not_stored", {{"events", events.size()}, {"reason", stored}});
    for (const Waiting& each : waiting) Refused(each.came);
  }
  const HttpResponse response =
      stored.ok() ? HttpResponse{.status = 200} : Json(503, {{"error", "temporarily_unavailable"}});
  static prometheus::Histogram& seconds = kSeconds();
  for (Waiting& each : waiting) {
    each.reply({.response = response});
    seconds.Observe(absl::ToDoubleSeconds(absl::Now() - each.came));
    Count(response.status);
  }
  if (stored.ok()) wakeups_.processor.Notify();
}

absl::Status WebhookDoor::TellRefused(const std::function<absl::Status(absl::Time since)>& tell) {
  absl::Time since = absl::InfiniteFuture();
  {
    const std::lock_guard lock(mutex_);
    std::swap(since, refused_since_);  // what is refused from now on is for the next time
  }
  const absl::Status told = tell(since);
  if (!told.ok()) Refused(since);
  return told;
}

void WebhookDoor::Refused(absl::Time since) {
  const std::lock_guard lock(mutex_);
  refused_since_ = std::min(refused_since_, since);
}

}  // namespace psups::tracking_sync
