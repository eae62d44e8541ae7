#include "services/ups-gateway/flow/flow_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace psups::ups_gateway {
namespace {

constexpr double kLeastShare = 1.0 / 64;
constexpr double kLeastRate = 1;  // calls a second to start from where nothing was measured
constexpr double kUnlimitedShare = 2;
constexpr absl::Duration kLongestWait = absl::Hours(24);
// A body that asks for time is short.
constexpr std::size_t kMostBodyRead = 64 << 10;
constexpr char kServicePrefix[] = "spiffe://psups/service/";
constexpr char kPeople[] = "people";

// Seconds, or a date as HTTP writes it, against the reply's own clock if it tells.
absl::Duration ReadRetryAfter(const HttpResponse& response, absl::Time now) {
  const std::string text(FindHeader(response.headers, "Retry-After"));
  int64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) {
    return absl::Seconds(std::clamp<int64_t>(seconds, 0, absl::ToInt64Seconds(kLongestWait)));
  }
  constexpr char kHttpDate[] = "%a, %d %b %Y %H:%M:%S GMT";
  absl::Time then;
  std::string error;
  if (text.empty() || !absl::ParseTime(kHttpDate, text, &then, &error)) return absl::ZeroDuration();
  const std::string date(FindHeader(response.headers, "Date"));
  absl::Time said;
  return then - (absl::ParseTime(kHttpDate, date, &said, &error) ? said : now);
}

// "MinimumRetrySeconds": a number or a string of one, wherever it stands.
absl::Duration ReadMinimumRetry(const HttpResponse& response) {
  constexpr absl::string_view kName = "\"MinimumRetrySeconds\"";
  if (response.body.size() > kMostBodyRead) return absl::ZeroDuration();
  const std::size_t found = response.body.find(kName.data(), 0, kName.size());
  if (found == std::string::npos) return absl::ZeroDuration();
  const std::size_t first = response.body.find_first_not_of(" \t\r\n:\"", found + kName.size());
  if (first == std::string::npos) return absl::ZeroDuration();
  std::size_t end = first;
  while (end < response.body.size() &&
         absl::ascii_isdigit(static_cast<unsigned char>(response.body[end]))) {
    ++end;
  }
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(response.body.substr(first, end - first), &seconds)) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(std::min<int64_t>(seconds, absl::ToInt64Seconds(kLongestWait)));
}

}  // namespace

std::string FlowCaller(std::string_view identity) {
  constexpr std::size_t kLength = sizeof(kServicePrefix) - 1;
  if (identity.substr(0, kLength) == kServicePrefix) return std::string(identity.substr(kLength));
  return kPeople;
}

absl::Status CheckShipBy(const std::string& ship_by_date) {
  absl::Time day;
  std::string error;
  if (ship_by_date.empty() ||
      (ship_by_date.size() == 8 && absl::ParseTime("%E4Y%m%d", ship_by_date, &day, &error))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("ship_by_date: ", ship_by_date.size(), " characters, want YYYYMMDD"));
}

FlowSettings FlowOf(const ups::v1::Account& account) {
  FlowSettings settings;
  const ups::v1::Flow& flow = account.flow();
  if (flow.has_calls_per_second()) settings.calls_per_second = std::max(0, flow.calls_per_second());
  if (flow.has_calls_in_flight()) settings.calls_in_flight = std::max(0, flow.calls_in_flight());
  if (flow.has_caller_share_percent()) {
    settings.caller_share_percent = std::clamp(flow.caller_share_percent(), 1, 100);
  }
  return settings;
}

FlowSettings PartOf(FlowSettings whole, int replicas) {
  whole.calls_per_second /= replicas;
  if (whole.calls_in_flight > 0) {
    whole.calls_in_flight = std::max(1, whole.calls_in_flight / replicas);
  }
  return whole;
}

int PriorityOf(Operation operation) {
  switch (operation) {
    case Operation::kToken:
    case Operation::kProbe:
    case Operation::kVoid:
      return 0;
    // What asks about a lost answer frees the money that is held for it.
    case Operation::kShip:
    case Operation::kRecovery:
    case Operation::kTrackReference:
      return 1;
    case Operation::kAddress:
      return 2;
    case Operation::kSubscribe:
      return 3;
    case Operation::kTrack:
      return 4;
    case Operation::kQuantumView:
      return 5;
    case Operation::kRating:
    case Operation::kTimeInTransit:
      return 6;
  }
  return 6;
}

double ShareAt(const FlowLimit& limit, absl::Time now, absl::Duration recovery) {
  if (limit.change_time == absl::InfinitePast()) return kUnlimitedShare;
  return limit.share +
         absl::FDivDuration(std::max(absl::ZeroDuration(), now - limit.change_time), recovery);
}

double RateAt(const FlowLimit& limit, double set, absl::Time now, absl::Duration recovery) {
  const double share = ShareAt(limit, now, recovery);
  if (set > 0) return set * std::min(1.0, share);
  return share >= kUnlimitedShare ? 0 : std::max(kLeastRate, limit.full_rate) * share;
}

FlowLimit Learn(FlowLimit limit, const FlowNews& news, absl::Time now, absl::Duration recovery) {
  limit.not_before = std::max(limit.not_before, news.not_before);
  if (!news.throttled || news.sent < limit.change_time) return limit;
  const double share = ShareAt(limit, now, recovery);
  // Where the account sets no rate, the one at which UPS complained is the full one.
  if (share >= kUnlimitedShare || limit.full_rate <= 0) limit.full_rate = news.full_rate;
  limit.share = std::max(kLeastShare, std::min(1.0, share) / 2);
  limit.change_time = now;
  return limit;
}

CallEnd EndOf(const HttpOutcome& outcome, absl::Time now) {
  if (!outcome.response.ok()) {
    const absl::Status& status = outcome.response.status();
    if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
      return {.kind = CallEnd::Kind::kOutage};
    }
    return {.kind = absl::IsResourceExhausted(status) ? CallEnd::Kind::kAnswered
                                                      : CallEnd::Kind::kUnknown};
  }
  const HttpResponse& response = *outcome.response;
  CallEnd end{.kind = CallEnd::Kind::kAnswered};
  if (response.status == 429) end.kind = CallEnd::Kind::kThrottled;
  if (response.status >= 500) end.kind = CallEnd::Kind::kOutage;
  end.wait = std::clamp(std::max(ReadRetryAfter(response, now), ReadMinimumRetry(response)),
                        absl::ZeroDuration(), kLongestWait);
  return end;
}

}  // namespace psups::ups_gateway
