#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_message.h"

namespace psups::ups_sandbox {

using Json = nlohmann::json;

// A refusal as UPS words it: {"response":{"errors":[{"code","message"}]}}.
struct UpsError {
  int status = 400;
  std::string code = {};
  std::string message = {};
};

HttpResponse ToResponse(const Json& body);
HttpResponse ToResponse(const UpsError& error);

// The value at `path` below `json`, or null if any step is missing.
const Json& At(const Json& json, std::initializer_list<const char*> path);

// The string at `path`; empty if it is missing or not a string.
std::string TextAt(const Json& json, std::initializer_list<const char*> path);

// The path of the first value below `json` that is neither text, list nor object; almost every
// UPS scalar is a string.
std::optional<std::string> FirstNonText(const Json& json);

// {"CurrencyCode":"USD","MonetaryValue":"12.34"}
Json Money(long cents);
std::string CentsText(long cents);

// `query`'s fields decoded, in order.
std::vector<std::pair<std::string, std::string>> ParseQuery(std::string_view query);
std::optional<std::string> QueryValue(std::string_view query, std::string_view name);

// `path` cut at each '/', empty parts dropped, each decoded.
std::vector<std::string> PathParts(std::string_view path);

// {"Response":…} as every legacy-style reply begins; echoes the request's CustomerContext.
Json SuccessHeader(const Json& request);

}  // namespace psups::ups_sandbox
