#include "tests/sandbox/ups/wire.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace psups::ups_sandbox {
namespace {

const HttpHeaders& JsonHeaders() {
  static const auto* const headers =
      new HttpHeaders{{"Content-Type", "application/json;charset=UTF-8"}};
  return *headers;
}

}  // namespace

HttpResponse ToResponse(const Json& body) {
  return {.status = 200,
          .headers = JsonHeaders(),
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

HttpResponse ToResponse(const UpsError& error) {
  const Json item = {{"code", error.code}, {"message", error.message}};
  HttpResponse response = ToResponse(Json{{"response", {{"errors", Json::array({item})}}}});
  response.status = error.status;
  return response;
}

const Json& At(const Json& json, std::initializer_list<const char*> path) {
  static const auto* const missing = new Json();
  const Json* here = &json;
  for (const char* step : path) {
    if (!here->is_object()) return *missing;
    const auto found = here->find(step);
    if (found == here->end()) return *missing;
    here = &*found;
  }
  return *here;
}

std::string TextAt(const Json& json, std::initializer_list<const char*> path) {
  const Json& value = At(json, path);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<std::string> FirstNonText(const Json& json) {
  if (json.is_string()) return std::nullopt;
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      if (auto below = FirstNonText(value))
        return below->empty() ? key : absl::StrCat(key, ".", *below);
    }
    return std::nullopt;
  }
  if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (auto below = FirstNonText(json[i]))
        return below->empty() ? absl::StrCat(i) : absl::StrCat(i, ".", *below);
    }
    return std::nullopt;
  }
  return std::string();
}

std::string CentsText(long cents) { return absl::StrFormat("%d.%02d", cents / 100, cents % 100); }

Json Money(long cents) { return {{"CurrencyCode", "USD"}, {"MonetaryValue", CentsText(cents)}}; }

std::vector<std::pair<std::string, std::string>> ParseQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view field = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    fields.emplace_back(PercentDecode(field.substr(0, equals)),
                        equals == field.npos ? "" : PercentDecode(field.substr(equals + 1)));
  }
  return fields;
}

std::optional<std::string> QueryValue(std::string_view query, std::string_view name) {
  for (auto& [key, value] : ParseQuery(query)) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> PathParts(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    if (end != 0) parts.push_back(PercentDecode(path.substr(0, end)));
    path = end == path.npos ? std::string_view() : path.substr(end + 1);
  }
  return parts;
}

Json SuccessHeader(const Json& request) {
  Json header = {{"ResponseStatus", {{"Code", "1"}, {"Description", "Success"}}}};
  const std::string context = TextAt(request, {"TransactionReference", "CustomerContext"});
  if (!context.empty()) header["TransactionReference"] = {{"CustomerContext", context}};
  return header;
}

}  // namespace psups::ups_sandbox
