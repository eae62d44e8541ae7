#include "tests/sandbox/ups/journal.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/local_time.h"

namespace psups::ups_sandbox {
namespace {

std::string Hashed(const std::string& secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest = {};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  return absl::StrCat("sha256:",
                      absl::BytesToHexString(std::string(digest.begin(), digest.begin() + 6)));
}

Json Headers(const HttpHeaders& headers) {
  Json object = Json::object();
  for (const auto& [name, value] : headers) {
    std::string shown = absl::EqualsIgnoreCase(name, "Authorization") ? Hashed(value) : value;
    Json& field = object[name];
    field =
        field.is_null() ? std::move(shown) : absl::StrCat(field.get<std::string>(), ", ", shown);
  }
  return object;
}

Json Body(const std::string& body) {
  Json parsed = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json(body) : parsed;
}

std::string Line(std::size_t n, const Journal::Entry& entry) {
  const HttpServerRequest& request = entry.request;
  return Json{{"n", n},
              {"time", FormatUtc(entry.time)},
              {"method", request.method},
              {"target", request.target},
              {"route", entry.route},
              {"headers", Headers(request.headers)},
              {"body", Body(request.body)},
              {"status", entry.status ? Json(*entry.status) : Json()},
              {"fault", entry.fault_id.empty() ? Json() : Json(entry.fault_id)},
              {"token", entry.token == 0 ? Json() : Json(entry.token)},
              {"token_state", entry.token_state.empty() ? Json() : Json(entry.token_state)},
              {"verdict", entry.verdict.empty() ? Json() : Json(entry.verdict)},
              {"call_id", std::string(FindHeader(request.headers, "transId"))},
              {"connection", request.remote_address}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

absl::Status Journal::AppendTo(const std::string& file) {
  const std::lock_guard lock(mutex_);
  file_.open(file, std::ios::app);
  return file_ ? absl::OkStatus() : absl::UnavailableError("journal: cannot write " + file);
}

void Journal::Add(Entry entry) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
  if (file_.is_open()) file_ << Line(entries_.size(), entries_.back()) << std::endl;
}

std::string Journal::Since(std::int64_t since) const {
  const std::lock_guard lock(mutex_);
  std::string all = "[";
  for (auto n = static_cast<std::size_t>(std::clamp<std::int64_t>(since, 0, std::ssize(entries_)));
       n < entries_.size(); ++n) {
    if (all.size() > 1) all += ',';
    all += Line(n + 1, entries_[n]);
  }
  all += ']';
  return all;
}

void Journal::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace psups::ups_sandbox
