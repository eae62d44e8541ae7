#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace psups {

// Header fields in the order they came or are to be sent; names compare without case.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The first value of `name`, or an empty view if the field is absent.
std::string_view FindHeader(const HttpHeaders& headers, std::string_view name);

// `text` with every byte outside RFC 3986's unreserved set written as %XX.
std::string PercentEncode(std::string_view text);

// The bytes that `text` stands for; a malformed escape is kept as it is. '+' stays '+'.
std::string PercentDecode(std::string_view text);

// "Basic " and base64("user:password").
std::string BasicAuthorization(std::string_view user, std::string_view password);

// A reply as HTTP carries it. A 4xx or 5xx is a reply, not an error.
struct HttpResponse {
  int status = 200;
  HttpHeaders headers = {};
  std::string body = {};
};

}  // namespace psups
