// The admin API: what tests and demos do to UPS, and what they learn of it.
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/sandbox.h"

namespace psups::ups_sandbox {
namespace {

HttpResponse Reply(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

HttpResponse Refuse(int status, const std::string& why) {
  return Reply(status, Json{{"error", why}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

HttpResponse Refuse(const absl::Status& status) {
  return Refuse(absl::IsNotFound(status) ? 404 : 400, std::string(status.message()));
}

// One scan of the request; fields that are given outweigh what the code says.
absl::StatusOr<Parcels::Scan> ParseScan(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("want a scan or a list of scans");
  const std::string name = TextAt(json, {"code"});
  const ScanCode* const code = FindScanCode(name);
  Parcels::Scan scan;
  if (code != nullptr) scan = Parcels::ScanOf(*code, "");
  if (code == nullptr) scan.code = name;
  for (const auto& [key, value] : json.items()) {
    if (key == "code" || key == "city" || key == "state" || key == "postal" || key == "country" ||
        key == "at" || key == "physical")
      continue;
    std::string* const to = key == "tracking_number" ? &scan.tracking_number
                            : key == "type"          ? &scan.type
                            : key == "status_code"   ? &scan.status_code
                            : key == "description"   ? &scan.description
                                                     : nullptr;
    if (to == nullptr || !value.is_string())
      return absl::InvalidArgumentError(absl::StrCat(key, ": no such key, or not a text"));
    *to = value.get<std::string>();
  }
  if (scan.type.empty() || scan.code.empty())
    return absl::InvalidArgumentError(
        absl::StrCat("code ", name, ": not in the table, so type and status_code are needed"));
  if (json.contains("city") || json.contains("state") || json.contains("postal") ||
      json.contains("country")) {
    scan.place = Place{.city = TextAt(json, {"city"}),
                       .state = TextAt(json, {"state"}),
                       .postal = TextAt(json, {"postal"}),
                       .country = TextAt(json, {"country"})};
  }
  if (json.contains("at")) {
    absl::Time at;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, TextAt(json, {"at"}), &at, &error))
      return absl::InvalidArgumentError("at: want RFC 3339");
    scan.at = at;
  }
  return scan;
}

}  // namespace

HttpResponse Sandbox::Administer(const HttpServerRequest& request) {
  const std::string what = absl::StrCat(request.method, " ", request.path);
  if (what == "GET /admin/health") return Reply(200, "{\"status\":\"ok\"}");
  if (what == "GET /admin/faults") return Reply(200, Json{{"faults", faults_.Describe()}}.dump());
  if (what == "GET /admin/journal") return ReadJournal(request);
  if (what == "GET /admin/truth") return ReadTruth();
  if (what == "POST /admin/reset") return Reset();

  const bool takes_body = what == "POST /admin/faults" || what == "POST /admin/addresses" ||
                          what == "POST /admin/scans" || what == "POST /admin/webhook" ||
                          what == "POST /admin/clients" || what == "POST /admin/revoke" ||
                          what == "POST /admin/visibility";
  if (!takes_body) return Refuse(404, absl::StrCat("no such operation: ", what));
  const Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return Refuse(400, "not JSON");
  if (request.path == "/admin/faults") return ChangeFaults(body);
  if (request.path == "/admin/addresses") return AddAddresses(body);
  if (request.path == "/admin/scans") return AddScans(body);
  if (request.path == "/admin/clients") return ChangeClient(body);
  if (request.path == "/admin/revoke") return RevokeTokens(body);
  if (request.path == "/admin/visibility") return SetVisibility(body);
  return RegisterWebhook(body);
}

HttpResponse Sandbox::ChangeFaults(const Json& body) {
  if (absl::Status status = faults_.Change(body); !status.ok()) return Refuse(status);
  return Reply(200, Json{{"faults", faults_.Describe()}}.dump());
}

HttpResponse Sandbox::AddAddresses(const Json& body) {
  if (absl::Status status = addresses_.Add(body); !status.ok()) return Refuse(status);
  return Reply(200, Json{{"addresses", body.size()}}.dump());
}

HttpResponse Sandbox::AddScans(const Json& body) {
  std::vector<Parcels::Scan> scans;
  for (const Json& item : body.is_array() ? body : Json::array({body})) {
    auto scan = ParseScan(item);
    if (!scan.ok()) return Refuse(scan.status());
    if (!parcels_.IsKnown(scan->tracking_number))
      return Refuse(404, absl::StrCat("no such package: ", scan->tracking_number));
    scans.push_back(*std::move(scan));
  }
  for (Parcels::Scan& scan : scans) {
    if (auto added = parcels_.AddScan(std::move(scan)); !added.ok()) return Refuse(added.status());
  }
  return Reply(200, Json{{"events", scans.size()}}.dump());
}

HttpResponse Sandbox::RegisterWebhook(const Json& body) {
  auto webhook = ParseWebhook(body);
  if (!webhook.ok()) return Refuse(webhook.status());
  webhook_->Register(*std::move(webhook));
  return Reply(200, "{}");
}

HttpResponse Sandbox::ChangeClient(const Json& body) {
  if (absl::Status status = tokens_.ChangeClient(body); !status.ok()) return Refuse(status);
  return Reply(200, "{}");
}

HttpResponse Sandbox::RevokeTokens(const Json& body) {
  const std::string code = TextAt(body, {"code"});
  const auto revoked =
      tokens_.Revoke(TextAt(body, {"client_id"}), code.empty() ? "250002" : code, now_());
  if (!revoked.ok()) return Refuse(revoked.status());
  return Reply(200, Json{{"revoked", *revoked}}.dump());
}

HttpResponse Sandbox::SetVisibility(const Json& body) {
  const auto visibility = ParseVisibility(body);
  if (!visibility.ok()) return Refuse(visibility.status());
  visibility_ = *visibility;
  return Reply(200, "{}");
}

HttpResponse Sandbox::ReadJournal(const HttpServerRequest& request) const {
  std::int64_t since = 0;
  if (!request.query.empty()) {
    const auto value = QueryValue(request.query, "since");
    if (!value || !absl::SimpleAtoi(*value, &since)) return Refuse(400, "want ?since=N");
  }
  return Reply(200, absl::StrCat("{\"entries\":", journal_.Since(since), "}"));
}

HttpResponse Sandbox::ReadTruth() const {
  return Reply(200,
               absl::StrCat("{", parcels_.TruthMembers(), ",", tokens_.Truth().dump().substr(1)));
}

// The registered webhook stays; what else the admin API changed is again as configured.
HttpResponse Sandbox::Reset() {
  scheduler_->Clear();
  parcels_.Clear();
  tokens_.Clear();
  visibility_ = config_.visibility;
  addresses_.Clear();
  faults_.Clear();
  journal_.Clear();
  return Reply(200, "{}");
}

}  // namespace psups::ups_sandbox
