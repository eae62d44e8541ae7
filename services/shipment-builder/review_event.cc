#include "services/shipment-builder/review_event.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "nlohmann/json.hpp"
#include "services/shipment-builder/review.h"

namespace psups::shipment_builder {
namespace {

constexpr char kSecretPrefix[] = "whsec_";

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// The state that the event is about; a review may have gone on meanwhile.
std::string StateOf(const ReviewEvent& event) { return event.closed ? event.record.state : "OPEN"; }

// "name.example" in "https://name.example:8443/hook".
std::string HostOf(const std::string& url) {
  std::string host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (!host.empty() && host.front() == '[') return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

std::string EventId(const ReviewEvent& event) {
  return absl::StrCat(event.record.review.review_id, "-", StateOf(event));
}

std::string EventJson(const ReviewEvent& event) {
  const ReviewRecord& record = event.record;
  const ReviewDraft& asked = record.review.asked;
  const std::string name = absl::StrCat("reviews/", record.review.review_id);
  nlohmann::ordered_json data = {
      {"review", name},
      {"state", StateOf(event)},
      {"reason", std::string(Name(asked.reason))},
      {"message", asked.message},
      {"shipment", absl::StrCat("shipments/", record.review.shipment_id)},
      {"document",
       {{"connection", absl::StrCat("connections/", record.review.connection_id)},
        {"document_type", record.document_type == "REQ" ? "REQUISITION" : "PURCHASE_ORDER"},
        {"business_unit", record.business_unit},
        {"document_id", record.document_id}}},
      {"ship_by_date", record.ship_date}};
  if (event.closed) {
    data["resolution"] = record.resolution;
    data["resolved_by"] = record.resolved_by;
  } else {
    nlohmann::ordered_json actions = nlohmann::ordered_json::array();
    for (const Action action : ActionsFor(asked)) actions.push_back(std::string(Name(action)));
    data["actions"] = std::move(actions);
  }
  const nlohmann::ordered_json result = {
      {"specversion", "1.0"},
      {"id", EventId(event)},
      {"source", "/psups/shipment-builder"},
      {"type", event.closed ? "psups.review.closed.v1" : "psups.review.opened.v1"},
      {"subject", name},
      {"time", TimeText(event.closed ? record.close_time.value_or(record.create_time)
                                     : record.create_time)},
      {"datacontenttype", "application/json"},
      {"data", std::move(data)}};
  // What a site's codes hold that is no UTF-8 does not keep the event back.
  return result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string WebhookSignature(std::string_view key, std::string_view id, int64_t unix_seconds,
                             std::string_view body) {
  const std::string text = absl::StrCat(std::string(id), ".", unix_seconds, ".", std::string(body));
  return absl::StrCat("v1,", Base64(HmacSha256(key, text)));
}

absl::StatusOr<std::string> WebhookKey(const std::string& setting, const std::string& secret) {
  constexpr std::size_t kShortest = 16;
  std::string key = secret;
  if (absl::StartsWith(secret, kSecretPrefix)) {
    const auto bytes = FromBase64(secret.substr(sizeof(kSecretPrefix) - 1));
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(setting, ": what follows whsec_ in it is not Base64"));
    }
    key = *bytes;
  }
  if (key.size() >= kShortest) return key;
  return absl::InvalidArgumentError(
      absl::StrCat(setting, ": the secret has ", key.size(), " bytes, want at least ", kShortest));
}

absl::Status CheckWebhookUrl(const std::string& setting, const std::string& url) {
  const bool plain = std::none_of(url.begin(), url.end(), [](unsigned char c) {
    return c <= ' ' || c == 0x7f || c == '@' || c == '#';
  });
  const std::string host = plain && absl::StrContains(url, "://") ? HostOf(url) : "";
  const bool here = host == "localhost" || host == "127.0.0.1" || host == "::1";
  const bool secure = absl::StartsWith(url, "https://");
  if (!host.empty() && (secure || (here && absl::StartsWith(url, "http://")))) {
    return absl::OkStatus();
  }
  // The text is not repeated: what stands in it may be a password.
  return absl::InvalidArgumentError(absl::StrCat(
      setting, ": want an https:// URL without blank, '@' or '#' (http:// only to localhost)"));
}

}  // namespace psups::shipment_builder
