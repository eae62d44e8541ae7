#include "services/ps-ingest/issued_token.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace psups::ps_ingest {
namespace {

// Where the answer does not say how long the token lives.
constexpr absl::Duration kAssumedLifetime = absl::Minutes(5);

// expires_in as a number, also as text.
std::optional<absl::Duration> Lifetime(const nlohmann::json& answer) {
  const auto field = answer.find("expires_in");
  double seconds = 0;
  if (field == answer.end()) return std::nullopt;
  if (field->is_number()) {
    seconds = field->get<double>();
  } else if (!field->is_string() ||
             !absl::SimpleAtod(field->get_ref<const std::string&>(), &seconds)) {
    return std::nullopt;
  }
  if (!(seconds >= 1 && seconds <= 1e9)) return std::nullopt;
  return absl::Seconds(seconds);
}

}  // namespace

absl::StatusOr<IssuedToken> ReadIssuedToken(const absl::StatusOr<HttpResponse>& response) {
  if (absl::IsFailedPrecondition(response.status()) || absl::IsCancelled(response.status())) {
    return response.status();
  }
  if (!response.ok()) {
    return absl::UnavailableError(
        absl::StrCat("the identity provider was not reached: ", response.status().message()));
  }
  const int status = response->status;
  const auto answer = nlohmann::json::parse(response->body, nullptr, false);
  const auto text = [&](const char* name) -> std::string {
    const bool there = answer.is_object() && answer.contains(name) && answer[name].is_string();
    return there ? answer[name].get<std::string>() : "";
  };
  const std::string error = text("error");
  if (status == 401 || error == "invalid_client" || error == "unauthorized_client") {
    return absl::UnauthenticatedError(absl::StrCat(
        "the identity provider refused the client id or its secret (HTTP ", status, ")"));
  }
  if (status >= 500 || status == 429) {
    return absl::UnavailableError(absl::StrCat("the identity provider answered HTTP ", status));
  }
  const std::string token = text("access_token");
  const auto is_plain = [](unsigned char c) { return c > ' ' && c < 0x7f; };
  if (status != 200 || token.empty() || !std::all_of(token.begin(), token.end(), is_plain)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the identity provider gave no token (HTTP ", status,
                     "); compare token_url, scope and audience with its registration"));
  }
  return IssuedToken{.token = token, .lifetime = Lifetime(answer).value_or(kAssumedLifetime)};
}

}  // namespace psups::ps_ingest
