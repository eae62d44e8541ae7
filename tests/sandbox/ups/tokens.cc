#include "tests/sandbox/ups/tokens.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "tests/sandbox/ups/local_time.h"

namespace psups::ups_sandbox {
namespace {

const UpsError kBadClient{401, "10401", "ClientId is Invalid"};
const UpsError kBadBearer{401, "250002", "Invalid Authentication Information."};
const UpsError kExpired{401, "251004", "The access token has expired."};
const UpsError kTooMany{429, "10429", "Too Many Requests"};

// The two halves of a Basic header; both empty if it is none.
std::pair<std::string, std::string> BasicPair(const HttpHeaders& headers) {
  const std::string_view header = FindHeader(headers, "Authorization");
  absl::string_view rest(header.data(), header.size());
  std::string pair;
  if (!absl::StartsWithIgnoreCase(rest, "Basic ") ||
      !absl::Base64Unescape(absl::StripAsciiWhitespace(rest.substr(6)), &pair))
    return {};
  const std::size_t colon = pair.find(':');
  if (colon == pair.npos) return {};
  return {pair.substr(0, colon), pair.substr(colon + 1)};
}

bool IsForm(const HttpHeaders& headers) {
  const std::string_view type = FindHeader(headers, "Content-Type");
  return absl::StartsWithIgnoreCase(absl::string_view(type.data(), type.size()),
                                    "application/x-www-form-urlencoded");
}

// Drops what is older than `span`.
void Forget(std::deque<absl::Time>& moments, absl::Time now, absl::Duration span) {
  while (!moments.empty() && moments.front() <= now - span) moments.pop_front();
}

TokenAnswer Refuse(const std::string& client_id, const UpsError& error) {
  return {.response = ToResponse(error), .client_id = client_id};
}

}  // namespace

const char* NameOf(BearerState state) {
  switch (state) {
    case BearerState::kNone:
      return "";
    case BearerState::kUnknown:
      return "unknown";
    case BearerState::kGood:
      return "good";
    case BearerState::kExpired:
      return "expired";
    case BearerState::kRevoked:
      return "revoked";
  }
  return "";
}

Tokens::Tokens(const std::vector<Client>& clients) : configured_(clients) { Clear(); }

TokenAnswer Tokens::Issue(const HttpServerRequest& request, absl::Time now) {
  const auto [client_id, client_secret] = BasicPair(request.headers);
  const std::lock_guard lock(mutex_);
  return IssueLocked(request, client_id, client_secret, now);
}

TokenAnswer Tokens::IssueLocked(const HttpServerRequest& request, const std::string& client_id,
                                const std::string& client_secret, absl::Time now) {
  const auto found = clients_.find(client_id);
  if (found == clients_.end() || found->second.client->client_secret != client_secret)
    return Refuse(client_id, kBadClient);
  if (!IsForm(request.headers))
    return Refuse(client_id, {400, "10002", "The content type must be a form."});
  const auto grant = QueryValue(request.body, "grant_type");
  if (!grant) return Refuse(client_id, {400, "10003", "grant_type is missing."});
  if (*grant != "client_credentials")
    return Refuse(client_id, {400, "10002", "grant_type is not valid."});

  ClientState& state = found->second;
  const Client& client = *state.client;
  Forget(state.requests, now, absl::Hours(24));
  state.requests.push_back(now);
  if (static_cast<int>(state.requests.size()) > client.token_limit_per_day)
    return Refuse(client_id, kTooMany);

  const std::string bearer = NewBearer();
  const Json said =
      client.expires_in ? *client.expires_in : Json(absl::StrCat(client.token_seconds));
  tokens_.push_back({.client_id = client_id,
                     .bearer = bearer,
                     .issued = now,
                     .expiry = now + absl::Seconds(client.token_seconds),
                     .said = said});
  bearers_[bearer] = std::ssize(tokens_);
  Json answer = {{"token_type", "Bearer"},
                 {"issued_at", absl::StrCat(absl::ToUnixMillis(now))},
                 {"client_id", client_id},
                 {"access_token", bearer},
                 {"scope", ""},
                 {"refresh_count", "0"},
                 {"status", "approved"}};
  if (!said.is_null()) answer["expires_in"] = said;
  return {.response = ToResponse(answer), .client_id = client_id, .granted = true};
}

std::string Tokens::NewBearer() {
  return absl::StrFormat("sandbox-%016x%016x%016x", random_(), random_(), random_());
}

BearerCheck Tokens::LookLocked(const HttpHeaders& headers, absl::Time now) const {
  const std::string_view header = FindHeader(headers, "Authorization");
  absl::string_view bearer(header.data(), header.size());
  if (!absl::ConsumePrefix(&bearer, "Bearer ")) return {.refusal = kBadBearer};
  const auto found = bearers_.find(std::string(bearer));
  if (found == bearers_.end()) return {.refusal = kBadBearer, .state = BearerState::kUnknown};
  const Token& token = tokens_[found->second - 1];
  BearerCheck check{.state = BearerState::kGood, .token = found->second};
  if (token.revoked && *token.revoked <= now) {
    check.state = BearerState::kRevoked;
    check.refusal = token.revoked_code == kExpired.code ? kExpired : kBadBearer;
  } else if (token.expiry <= now) {
    check.state = BearerState::kExpired;
    check.refusal = kExpired;
  } else {
    check.client = clients_.at(token.client_id).client;
  }
  return check;
}

BearerCheck Tokens::Check(const std::string& route, const HttpHeaders& headers, absl::Time now) {
  const std::lock_guard lock(mutex_);
  BearerCheck check = LookLocked(headers, now);
  if (check.token == 0) return check;
  Token& token = tokens_[check.token - 1];
  ++token.uses;
  if (check.refusal) {
    token.late_uses.push_back({now, route});
    return check;
  }
  if (const int most = check.client->calls_per_second; most > 0) {
    std::deque<absl::Time>& calls = clients_.at(token.client_id).calls;
    Forget(calls, now, absl::Seconds(1));
    if (std::ssize(calls) >= most) {
      check.refusal = kTooMany;
    } else {
      calls.push_back(now);
    }
  }
  return check;
}

void Tokens::Record(absl::Time time, const HttpServerRequest& request, bool granted,
                    std::optional<int> status) {
  std::string client_id = BasicPair(request.headers).first;
  const std::lock_guard lock(mutex_);
  requests_.push_back({time, std::move(client_id), granted, status});
}

absl::Status Tokens::ChangeClient(const Json& change) {
  const std::string client_id = TextAt(change, {"client_id"});
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(client_id);
  auto client =
      ParseClient(change, found == clients_.end() ? Client{} : Client(*found->second.client));
  if (!client.ok()) return client.status();
  clients_[client_id].client = std::make_shared<const Client>(*std::move(client));
  return absl::OkStatus();
}

absl::StatusOr<int> Tokens::Revoke(const std::string& client_id, const std::string& code,
                                   absl::Time now) {
  if (code != kBadBearer.code && code != kExpired.code)
    return absl::InvalidArgumentError("code: want 250002 or 251004");
  const std::lock_guard lock(mutex_);
  if (clients_.count(client_id) == 0)
    return absl::NotFoundError(absl::StrCat("no such client: ", client_id));
  int revoked = 0;
  for (Token& token : tokens_) {
    if (token.client_id != client_id || token.revoked || token.expiry <= now) continue;
    token.revoked = now;
    token.revoked_code = code;
    ++revoked;
  }
  return revoked;
}

Json Tokens::Truth() const {
  const std::lock_guard lock(mutex_);
  Json tokens = Json::array();
  for (const Token& token : tokens_) {
    Json late_uses = Json::array();
    for (const LateUse& use : token.late_uses)
      late_uses.push_back({{"time", FormatUtc(use.time)}, {"route", use.route}});
    tokens.push_back({{"n", tokens.size() + 1},
                      {"client_id", token.client_id},
                      {"bearer", token.bearer},
                      {"issued", FormatUtc(token.issued)},
                      {"expires", FormatUtc(token.expiry)},
                      {"expires_in", token.said},
                      {"revoked", token.revoked ? Json(FormatUtc(*token.revoked)) : Json()},
                      {"uses", token.uses},
                      {"late_uses", std::move(late_uses)}});
  }
  Json requests = Json::array();
  for (const TokenRequest& request : requests_) {
    requests.push_back({{"time", FormatUtc(request.time)},
                        {"client_id", request.client_id},
                        {"granted", request.granted},
                        {"status", request.status ? Json(*request.status) : Json()}});
  }
  return {{"tokens", std::move(tokens)}, {"token_requests", std::move(requests)}};
}

void Tokens::Clear() {
  const std::lock_guard lock(mutex_);
  bearers_.clear();
  tokens_.clear();
  requests_.clear();
  clients_.clear();
  for (const Client& client : configured_)
    clients_[client.client_id].client = std::make_shared<const Client>(client);
}

}  // namespace psups::ups_sandbox
