#include "tests/sandbox/peoplesoft/journal.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/sandbox/peoplesoft/local_time.h"

namespace psups::peoplesoft_sandbox {
namespace {

std::string Hashed(const std::string& secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest = {};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  const std::string bytes(digest.begin(), digest.begin() + 6);
  return absl::StrCat("sha256:", absl::BytesToHexString(bytes));
}

Json Headers(const HttpHeaders& headers) {
  Json object = Json::object();
  for (const auto& [name, value] : headers) {
    const std::string shown = absl::EqualsIgnoreCase(name, "Authorization") ? Hashed(value) : value;
    if (object.contains(name)) {
      object[name] = absl::StrCat(object[name].get<std::string>(), ", ", shown);
    } else {
      object[name] = shown;
    }
  }
  return object;
}

// A form with its client's secret hashed.
std::string HashedForm(const std::string& form) {
  constexpr char kSecret[] = "client_secret=";
  std::vector<std::string> pairs = absl::StrSplit(form, '&');
  for (std::string& pair : pairs) {
    if (absl::StartsWith(pair, kSecret)) {
      pair = absl::StrCat(kSecret, Hashed(pair.substr(sizeof(kSecret) - 1)));
    }
  }
  return absl::StrJoin(pairs, "&");
}

Json Body(const std::string& route, const std::string& body) {
  if (route == "token") return HashedForm(body);
  Json parsed = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json(body) : parsed;
}

}  // namespace

absl::Status Journal::AppendTo(const std::string& file) {
  file_.open(file, std::ios::app);
  return file_ ? absl::OkStatus() : absl::UnavailableError("journal: cannot write " + file);
}

void Journal::Add(const HttpServerRequest& request, absl::Time time, const std::string& route,
                  std::optional<int> status, const std::string& fault_id) {
  const Json entry = {
      {"n", lines_.size() + 1},
      {"time", FormatUtc(time)},
      {"method", request.method},
      {"target", request.target},
      {"route", route},
      {"headers", Headers(request.headers)},
      {"body", Body(route, request.body)},
      {"status", status ? Json(*status) : Json()},
      {"fault", fault_id.empty() ? Json() : Json(fault_id)},
      {"call_id", std::string(FindHeader(request.headers, "X-Request-ID"))},
      {"connection", request.remote_address},
  };
  lines_.push_back(Dump(entry));
  if (file_.is_open()) file_ << lines_.back() << std::endl;
}

std::string Journal::Since(int64_t since) const {
  const int64_t skipped = std::clamp<int64_t>(since, 0, std::ssize(lines_));
  return absl::StrCat("[", absl::StrJoin(lines_.begin() + skipped, lines_.end(), ","), "]");
}

}  // namespace psups::peoplesoft_sandbox
