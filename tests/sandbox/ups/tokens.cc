#include "tests/sandbox/ups/tokens.h"

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

}  // namespace

Tokens::Tokens(const std::vector<Client>& clients) {
  for (const Client& client : clients)
    clients_[client.client_id].client = std::make_shared<const Client>(client);
}

HttpResponse Tokens::Issue(const HttpServerRequest& request, absl::Time now) {
  const auto [client_id, client_secret] = BasicPair(request.headers);
  const std::lock_guard lock(mutex_);
  HttpResponse response = IssueLocked(request, client_id, client_secret, now);
  requests_.push_back({now, client_id, response.status});
  return response;
}

HttpResponse Tokens::IssueLocked(const HttpServerRequest& request, const std::string& client_id,
                                 const std::string& client_secret, absl::Time now) {
  const auto found = clients_.find(client_id);
  if (found == clients_.end() || found->second.client->client_secret != client_secret)
    return ToResponse(kBadClient);
  if (!IsForm(request.headers))
    return ToResponse(UpsError{400, "10002", "The content type must be a form."});
  const auto grant = QueryValue(request.body, "grant_type");
  if (!grant) return ToResponse(UpsError{400, "10003", "grant_type is missing."});
  if (*grant != "client_credentials")
    return ToResponse(UpsError{400, "10002", "grant_type is not valid."});

  ClientState& state = found->second;
  const Client& client = *state.client;
  while (!state.requests.empty() && state.requests.front() <= now - absl::Hours(24))
    state.requests.pop_front();
  state.requests.push_back(now);
  if (static_cast<int>(state.requests.size()) > client.token_limit_per_day)
    return ToResponse(UpsError{429, "10429", "Too Many Requests"});

  const std::string bearer = NewBearer();
  bearers_[bearer] = {state.client, now + absl::Seconds(client.token_seconds)};
  issued_.push_back({client_id, bearer, now, client.token_seconds});
  return ToResponse(Json{{"token_type", "Bearer"},
                         {"issued_at", absl::StrCat(absl::ToUnixMillis(now))},
                         {"client_id", client_id},
                         {"access_token", bearer},
                         {"scope", ""},
                         {"expires_in", absl::StrCat(client.token_seconds)},
                         {"refresh_count", "0"},
                         {"status", "approved"}});
}

std::string Tokens::NewBearer() {
  return absl::StrFormat("sandbox-%016x%016x%016x", random_(), random_(), random_());
}

std::variant<std::shared_ptr<const Client>, UpsError> Tokens::Check(const HttpHeaders& headers,
                                                                    absl::Time now) const {
  const std::string_view header = FindHeader(headers, "Authorization");
  absl::string_view bearer(header.data(), header.size());
  if (!absl::ConsumePrefix(&bearer, "Bearer ")) return kBadBearer;
  const std::lock_guard lock(mutex_);
  const auto found = bearers_.find(std::string(bearer));
  if (found == bearers_.end()) return kBadBearer;
  if (found->second.expiry <= now) return kExpired;
  return found->second.client;
}

Json Tokens::Truth() const {
  const std::lock_guard lock(mutex_);
  Json tokens = Json::array();
  for (const IssuedToken& token : issued_) {
    tokens.push_back({{"client_id", token.client_id},
                      {"bearer", token.bearer},
                      {"issued", FormatUtc(token.issued)},
                      {"expires_in", token.expires_in}});
  }
  Json requests = Json::array();
  for (const TokenRequest& request : requests_) {
    requests.push_back({{"time", FormatUtc(request.time)},
                        {"client_id", request.client_id},
                        {"status", request.status}});
  }
  return {{"tokens", std::move(tokens)}, {"token_requests", std::move(requests)}};
}

void Tokens::Clear() {
  const std::lock_guard lock(mutex_);
  bearers_.clear();
  issued_.clear();
  requests_.clear();
  for (auto& [unused, state] : clients_) state.requests.clear();
}

}  // namespace psups::ups_sandbox
