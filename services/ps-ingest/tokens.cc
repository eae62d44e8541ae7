#include "services/ps-ingest/tokens.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

constexpr std::chrono::milliseconds kTokenTimeout{30'000};
constexpr std::size_t kMostTokenBytes = 64 << 10;
// Renewed so long before it ends, or a tenth of its life if that is less: a call may wait in
// queues.
constexpr absl::Duration kRenewBefore = absl::Seconds(60);

std::string KeyOf(const pb::Connection& connection, const std::string& secret) {
  return Sha256(
      JoinUnambiguously({connection.name(), connection.token_url(), connection.client_id(),
                         connection.scope(), connection.audience(), secret}));
}

std::string Form(const pb::Connection& connection) {
  std::string form = "grant_type=client_credentials";
  if (!connection.scope().empty()) {
    absl::StrAppend(&form, "&scope=", PercentEncode(connection.scope()));
  }
  if (!connection.audience().empty()) {
    absl::StrAppend(&form, "&audience=", PercentEncode(connection.audience()));
  }
  return form;
}

}  // namespace

void Tokens::Get(const pb::Connection& connection, const std::string& secret,
                 const std::string& ca_file, Done done) {
  const std::string key = KeyOf(connection, secret);
  std::unique_lock lock(mutex_);
  Held& held = held_[key];
  if (!held.token.empty() && held.renew_time > WallTime()) {
    Result result = {.token = held.token};
    lock.unlock();
    return done(std::move(result));
  }
  held.waiting.push_back(std::move(done));
  if (held.asking) return;
  held.asking = true;
  lock.unlock();
  Ask(key, connection, secret, ca_file);
}

void Tokens::Forget(const pb::Connection& connection, const std::string& secret,
                    const std::string& token) {
  std::lock_guard lock(mutex_);
  const auto held = held_.find(KeyOf(connection, secret));
  if (held != held_.end() && held->second.token == token) held->second.token.clear();
}

void Tokens::Ask(const std::string& key, const pb::Connection& connection,
                 const std::string& secret, const std::string& ca_file) {
  AuditEntry call = {.action = "ps.token", .subject = connection.name()};
  call.event_id = RandomHex128();
  call.detail = {{"call_id", call.event_id}};
  HttpRequest request = {
      .method = "POST",
      .url = connection.token_url(),
      .headers = {{"Authorization", BasicAuthorization(PercentEncode(connection.client_id()),
                                                       PercentEncode(secret))},
                  {"Content-Type", "application/x-www-form-urlencoded"},
                  {"X-Request-ID", call.event_id},
                  {"Accept", "application/json"}},
      .body = Form(connection),
      .ca_bundle_file = ca_file,
      .total_timeout = kTokenTimeout,
      .max_response_bytes = kMostTokenBytes};
  transmit_(std::move(request), [this, key, call = std::move(call)](HttpOutcome outcome) {
    Finish(key, call, outcome);
  });
}

void Tokens::Finish(const std::string& key, AuditEntry call, const HttpOutcome& outcome) {
  const absl::StatusOr<IssuedToken> issued = ReadIssuedToken(outcome.response);
  if (outcome.response.ok()) call.detail["http_status"] = outcome.response->status;
  call.detail["outcome"] = issued.ok() ? "ok"
                           : !WasConnected(outcome)
                               ? "not sent"
                               : absl::StatusCodeToString(issued.status().code());
  std::vector<Done> waiting;
  {
    std::lock_guard lock(mutex_);
    Held& held = held_[key];
    held.asking = false;
    held.token = issued.ok() ? issued->token : "";
    if (issued.ok()) {
      held.renew_time =
          WallTime() + issued->lifetime - std::min(kRenewBefore, issued->lifetime / 10);
    }
    waiting.swap(held.waiting);
  }
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    Result result = {.is_new = true};
    if (issued.ok()) {
      result.token = issued->token;
    } else {
      result.token = issued.status();
    }
    if (i == 0) result.calls.push_back(call);  // one call, one entry
    waiting[i](std::move(result));
  }
}

}  // namespace psups::ps_ingest
