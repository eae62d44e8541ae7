#include "tests/sandbox/peoplesoft/identity_provider.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/sandbox/peoplesoft/fields.h"

namespace psups::peoplesoft_sandbox {
namespace {

using Form = std::map<std::string, std::string>;

Form ParseForm(const std::string& body) {
  const auto decode = [](const std::string& text) {
    return PercentDecode(absl::StrReplaceAll(text, {{"+", " "}}));
  };
  Form form;
  for (const std::string& pair : std::vector<std::string>(absl::StrSplit(body, '&'))) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    form.emplace(decode(parts.first), decode(parts.second));
  }
  return form;
}

HttpResponse Reply(int status, const Json& body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = Dump(body)};
}

HttpResponse Refuse(const std::string& error) { return Reply(400, {{"error", error}}); }

bool IsTheClient(const HttpServerRequest& request, const Form& form, const SiteConfig& site) {
  if (site.client_id.empty()) return false;
  const std::string_view sent = FindHeader(request.headers, "Authorization");
  if (!sent.empty()) return sent == BasicAuthorization(site.client_id, site.client_secret);
  const auto id = form.find("client_id");
  const auto secret = form.find("client_secret");
  return id != form.end() && id->second == site.client_id && secret != form.end() &&
         secret->second == site.client_secret;
}

// Whether the form asks for what the site wants, if the site wants anything.
bool Matches(const Form& form, const std::string& field, const std::string& wanted) {
  const auto sent = form.find(field);
  return wanted.empty() || (sent != form.end() && sent->second == wanted);
}

}  // namespace

HttpResponse InvalidClient() { return Reply(401, {{"error", "invalid_client"}}); }

HttpResponse IdentityProvider::Issue(const HttpServerRequest& request, const SiteConfig& site,
                                     absl::Time now) {
  const Form form = ParseForm(request.body);
  if (!IsTheClient(request, form, site)) return InvalidClient();
  if (!Matches(form, "grant_type", "client_credentials")) return Refuse("unsupported_grant_type");
  if (!Matches(form, "scope", site.scope)) return Refuse("invalid_scope");
  if (!Matches(form, "audience", site.audience)) return Refuse("invalid_target");

  const std::string bearer =
      absl::StrCat(absl::Hex(random_(), absl::kZeroPad16), absl::Hex(random_(), absl::kZeroPad16));
  expiries_.emplace(bearer, now + absl::Seconds(site.token_seconds));
  ++issued_;
  Json body = {{"access_token", bearer}, {"token_type", "Bearer"}};
  if (site.token_expires_in_form == "number") body["expires_in"] = site.token_seconds;
  if (site.token_expires_in_form == "string") {
    body["expires_in"] = absl::StrCat(site.token_seconds);
  }
  return Reply(200, body);
}

bool IdentityProvider::IsGood(const std::string& bearer, absl::Time now) const {
  const auto expiry = expiries_.find(bearer);
  return expiry != expiries_.end() && now < expiry->second;
}

}  // namespace psups::peoplesoft_sandbox
