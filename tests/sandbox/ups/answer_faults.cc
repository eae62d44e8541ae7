#include "tests/sandbox/ups/answer_faults.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/match.h"

namespace psups::ups_sandbox {
namespace {

constexpr char kPage[] =
    "<html><head><title>Service Unavailable</title></head>"
    "<body><h1>Service Unavailable</h1></body></html>\n";
constexpr char kUnheardOf[] = "SandboxNews";

bool Named(const std::string& key, const std::string& field) {
  return field.empty() || key == field;
}

void Singletons(Json& json, const std::string& field) {
  if (field.empty() && json.is_array() && json.size() == 1) json = Json(json[0]);
  if (!json.is_structured()) return;
  for (const auto& [key, below] : json.items()) {
    if (key == field && below.is_array() && below.size() == 1) below = Json(below[0]);
    Singletons(below, field);
  }
}

// The answer itself, its one member, stays an object.
void Lists(Json& json, const std::string& field, bool outermost = true) {
  if (!json.is_structured()) return;
  for (const auto& [key, below] : json.items()) {
    Lists(below, field, false);
    if (json.is_object() && !outermost && below.is_object() && Named(key, field))
      below = Json::array({std::move(below)});
  }
}

void AddNews(Json& json, const std::string& field) {
  if (!json.is_structured()) return;
  for (Json& below : json) AddNews(below, field);
  if (json.is_object()) json[field.empty() ? kUnheardOf : field] = {{"Code", "1"}};
}

void Drop(Json& json, const std::string& field) {
  if (json.is_object()) json.erase(field);
  if (!json.is_structured()) return;
  for (Json& below : json) Drop(below, field);
}

void Pollute(Json& json) {
  if (json.is_string()) json = "&#xD;" + json.get<std::string>();
  if (!json.is_structured()) return;
  for (Json& below : json) Pollute(below);
}

void MakeKeySingular(Json& json) {
  if (!json.is_structured()) return;
  for (Json& below : json) MakeKeySingular(below);
  if (!json.is_object() || !json.contains("PackageLevelResults")) return;
  Json results = std::move(json["PackageLevelResults"]);
  json.erase("PackageLevelResults");
  json["PackageLevelResult"] = std::move(results);
}

void ChangeBody(HttpResponse& response, const std::function<void(Json&)>& change) {
  Json body = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return;
  change(body);
  response.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

HttpResponse Failure(const FaultRule& fault) {
  if (fault.body) {
    return {.status = fault.status,
            .headers = {{"Content-Type", "application/json;charset=UTF-8"}},
            .body = *fault.body};
  }
  if (!fault.code.empty())
    return ToResponse(UpsError{fault.status, fault.code, "Refused by a fault of the sandbox"});
  if (fault.status == 429) return ToResponse(UpsError{429, "10429", "Too Many Requests"});
  return ToResponse(UpsError{fault.status, "20001", "General process failure"});
}

HttpResponse HtmlPage(int status) {
  return {
      .status = status, .headers = {{"Content-Type", "text/html;charset=UTF-8"}}, .body = kPage};
}

void Spoil(const FaultRule& fault, HttpResponse& response) {
  const auto change = [&](const std::function<void(Json&)>& how) { ChangeBody(response, how); };
  if (fault.kind == FaultKind::kDoneThenStatus) response = Failure(fault);
  if (fault.kind == FaultKind::kDoneAsStatus) response.status = fault.status;
  if (fault.kind == FaultKind::kSingleton)
    change([&](Json& body) { Singletons(body, fault.field); });
  if (fault.kind == FaultKind::kLists) change([&](Json& body) { Lists(body, fault.field); });
  if (fault.kind == FaultKind::kExtraFields)
    change([&](Json& body) { AddNews(body, fault.field); });
  if (fault.kind == FaultKind::kDrop) change([&](Json& body) { Drop(body, fault.field); });
  if (fault.kind == FaultKind::kMerged)
    change([&](Json& body) { body.merge_patch(Json::parse(*fault.body)); });
  if (fault.kind == FaultKind::kPolluted) change(Pollute);
  if (fault.kind == FaultKind::kSingularKey) change(MakeKeySingular);
}

void SetHeaders(const FaultRule& fault, HttpResponse& response) {
  for (const auto& [name, value] : fault.headers) {
    std::erase_if(response.headers,
                  [&, &key = name](const auto& h) { return absl::EqualsIgnoreCase(h.first, key); });
    response.headers.emplace_back(name, value);
  }
}

void MakeSingletons(HttpResponse& response) {
  ChangeBody(response, [](Json& body) { Singletons(body, ""); });
}

}  // namespace psups::ups_sandbox
