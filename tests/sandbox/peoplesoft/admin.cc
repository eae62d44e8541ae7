#include "tests/sandbox/peoplesoft/admin.h"

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace psups::peoplesoft_sandbox {
namespace {

HttpResponse Reply(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

HttpResponse Refuse(int status, const std::string& why) {
  return Reply(status, Dump(Json{{"error", why}}));
}

HttpResponse Refuse(const absl::Status& status) {
  return Refuse(400, std::string(status.message()));
}

HttpResponse Faults(Site& site) {
  return Reply(200, Dump(Json{{"faults", site.DescribeFaults()}}));
}

HttpResponse ChangeFaults(Site& site, const HttpServerRequest& request) {
  const Json change = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (absl::Status status = site.ChangeFaults(change); !status.ok()) return Refuse(status);
  return Faults(site);
}

HttpResponse Load(Site& site, const HttpServerRequest& request) {
  Json orders = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  const absl::StatusOr<int64_t> documents = site.Load(std::move(orders));
  if (!documents.ok()) return Refuse(documents.status());
  return Reply(200, Dump(Json{{"documents", *documents}}));
}

HttpResponse ReadJournal(Site& site, const HttpServerRequest& request) {
  constexpr char kSince[] = "since=";
  int64_t since = 0;
  if (!request.query.empty() &&
      (!absl::StartsWith(request.query, kSince) ||
       !absl::SimpleAtoi(request.query.substr(sizeof(kSince) - 1), &since))) {
    return Refuse(400, "want ?since=N");
  }
  return Reply(200, absl::StrCat("{\"entries\":", site.JournalSince(since), "}"));
}

HttpResponse Reset(Site& site) {
  site.Reset();
  return Reply(200, "{}");
}

HttpResponse Configure(Site& site, const HttpServerRequest& request) {
  if (absl::Status status = site.Configure(request.body); !status.ok()) return Refuse(status);
  return Reply(200, "{}");
}

HttpResponse RevokeTokens(Site& site) {
  site.RevokeTokens();
  return Reply(200, "{}");
}

using Operation = std::function<HttpResponse(Site&, const HttpServerRequest&)>;

// By path and method.
const std::map<std::string, std::map<std::string, Operation>>& Operations() {
  using Request = HttpServerRequest;
  static const auto* const operations = new std::map<std::string, std::map<std::string, Operation>>{
      {"/admin/health",
       {{"GET", [](Site&, const Request&) { return Reply(200, "{\"status\":\"ok\"}"); }}}},
      {"/admin/reset", {{"POST", [](Site& site, const Request&) { return Reset(site); }}}},
      {"/admin/faults",
       {{"GET", [](Site& site, const Request&) { return Faults(site); }}, {"POST", ChangeFaults}}},
      {"/admin/journal", {{"GET", ReadJournal}}},
      {"/admin/truth",
       {{"GET", [](Site& site, const Request&) { return Reply(200, site.Truth()); }}}},
      {"/admin/orders", {{"POST", Load}}},
      {"/admin/site", {{"POST", Configure}}},
      {"/admin/tokens/revoke",
       {{"POST", [](Site& site, const Request&) { return RevokeTokens(site); }}}}};
  return *operations;
}

}  // namespace

HttpResponse Administer(Site& site, const HttpServerRequest& request) {
  const auto by_path = Operations().find(request.path);
  if (by_path == Operations().end()) return Refuse(404, "no such path");
  const auto operation = by_path->second.find(request.method);
  if (operation == by_path->second.end()) return Refuse(405, "no such method here");
  return operation->second(site, request);
}

}  // namespace psups::peoplesoft_sandbox
