#include "services/ups-gateway/token/token_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {
namespace {

constexpr absl::Duration kLeasePoll = absl::Milliseconds(200);
// A renewal and the life of the token that it brings begin in one statement.
constexpr absl::Duration kSameMoment = absl::Seconds(1);

TokenDecision Refuse(absl::Status status, absl::Duration wait) {
  return {.kind = TokenDecision::Kind::kRefuse, .wait = wait, .refusal = std::move(status)};
}

std::string InWords(absl::Duration wait) {
  return absl::FormatDuration(absl::Ceil(wait, absl::Seconds(1)));
}

// Whether UPS may be asked for a token now.
TokenDecision DecideFetch(const TreasuryFacts& facts, const TokenWish& wish) {
  if (facts.credential_refused && facts.retry_left > absl::ZeroDuration()) {
    return Refuse(absl::UnauthenticatedError(absl::StrCat(facts.problem, " Next attempt in ",
                                                          InWords(facts.retry_left), ".")),
                  std::min(facts.retry_left, absl::Seconds(1)));
  }
  if (facts.closed_left > absl::ZeroDuration()) {
    return Refuse(absl::ResourceExhaustedError(absl::StrCat(facts.problem, " Next attempt in ",
                                                            InWords(facts.closed_left), ".")),
                  std::min(facts.closed_left, absl::Seconds(1)));
  }
  if (facts.lease_left > absl::ZeroDuration()) {
    return {.kind = TokenDecision::Kind::kWait, .wait = std::min(facts.lease_left, kLeasePoll)};
  }
  if (facts.retry_left > absl::ZeroDuration()) {
    return Refuse(absl::UnavailableError(absl::StrCat(facts.problem, " Next attempt in ",
                                                      InWords(facts.retry_left), ".")),
                  std::min(facts.retry_left, absl::Seconds(1)));
  }
  const int kept_for_money = wish.money ? 0 : facts.limit / 10;
  if (facts.used >= facts.limit - kept_for_money) {
    return Refuse(absl::ResourceExhaustedError(absl::StrCat(
                      "The account's token requests of 24 hours are used up: ", facts.used, " of ",
                      facts.limit, kept_for_money > 0 ? ", the rest is kept for shipping" : "",
                      ". Wait, or raise token_limit_per_day if UPS allows more.")),
                  absl::Seconds(1));
  }
  if (facts.since_request < facts.min_interval) {
    return {.kind = TokenDecision::Kind::kWait, .wait = facts.min_interval - facts.since_request};
  }
  return {.kind = TokenDecision::Kind::kFetch};
}

}  // namespace

absl::Duration SafetyMargin(absl::Duration lifetime) {
  return std::min(absl::Seconds(10), lifetime / 20);
}

absl::Duration RenewalLead(absl::Duration lifetime, double unit_random) {
  return lifetime * (270.0 / 3599.0) * (1.0 - 0.2 * unit_random);
}

TokenDecision Decide(const TreasuryFacts& facts, const TokenWish& wish) {
  const bool alive =
      !facts.token_version.empty() && facts.token_left > SafetyMargin(facts.token_lifetime);
  if (alive && facts.token_version != wish.unwanted_version) {
    return {.kind = TokenDecision::Kind::kUse};
  }
  if (alive && wish.refused) {
    // Renewing brought this token a moment ago and did not help, or has cost half the day's budget:
    // the token stays, for other operations may well be allowed to use it. One that is older than
    // the renewal says nothing of the operation: the new one is still on its way, or was lost.
    const absl::Duration age = facts.token_lifetime - facts.token_left;
    const bool renewed = age <= facts.since_forced + kSameMoment;
    const absl::Duration forced_left = kForcedInterval - facts.since_forced;
    if (renewed && forced_left > absl::ZeroDuration()) {
      return {.kind = TokenDecision::Kind::kUse, .pause = forced_left};
    }
    if (facts.used >= std::max(1, facts.limit / 2)) {
      return {.kind = TokenDecision::Kind::kUse, .pause = kForcedInterval};
    }
  }
  TokenDecision decision = DecideFetch(facts, wish);
  // A token that is only to be renewed early is still good.
  if (alive && !wish.refused && decision.kind != TokenDecision::Kind::kFetch) {
    return {.kind = TokenDecision::Kind::kUse};
  }
  return decision;
}

TokenJudgement JudgeToken(const HttpOutcome& outcome) {
  TokenJudgement judgement;
  if (!outcome.response.ok()) {
    judgement.end = outcome.body_started ? TokenEnd::kLost : TokenEnd::kNotSent;
    judgement.problem = absl::StrCat(
        "UPS's token service cannot be reached: ", std::string(outcome.response.status().message()),
        ". Check the host, the network and the certificates.");
    return judgement;
  }
  const HttpResponse& response = *outcome.response;
  judgement.http_status = response.status;
  judgement.ups_code = CodeOf(response);
  if (response.status == 200) {
    absl::StatusOr<TokenReply> reply = ParseTokenReply(response.body);
    if (reply.ok()) {
      judgement.end = TokenEnd::kGranted;
      judgement.token = std::move(reply->access_token);
      judgement.lifetime = reply->lifetime.value_or(kShortLifetime);
      if (judgement.lifetime > kLongestLifetime) judgement.lifetime = kShortLifetime;
      return judgement;
    }
  }
  const std::string said =
      absl::StrCat("HTTP ", response.status,
                   judgement.ups_code.empty() ? "" : absl::StrCat(", code ", judgement.ups_code));
  if (response.status == 429) {
    judgement.end = TokenEnd::kQuota;
    judgement.problem = absl::StrCat("UPS gives no more tokens for now (", said,
                                     "). Wait; check that nothing else uses this client id.");
  } else if (response.status == 401 &&
             Look(Operation::kToken, judgement.ups_code, 401).action == Action::kConfigure) {
    judgement.end = TokenEnd::kRefused;
    judgement.problem =
        absl::StrCat("UPS refuses the client id or secret (", said,
                     "). Check both in UPS's developer portal, then run psupsctl account rotate.");
  } else {
    judgement.end = TokenEnd::kLost;
    judgement.problem = absl::StrCat("UPS's token service answers ", said,
                                     response.status < 400 ? " without a token" : "",
                                     ". It is tried again by itself.");
  }
  return judgement;
}

absl::Duration RetryWait(TokenEnd end, int failures) {
  const int doublings = std::clamp(failures - 1, 0, 10);
  switch (end) {
    case TokenEnd::kGranted:
    case TokenEnd::kQuota:
      return absl::ZeroDuration();
    case TokenEnd::kRefused:
      return kRefusedInterval;
    case TokenEnd::kNotSent:
      // It cost nothing of the budget, and the cause may be gone at once.
      return std::min(absl::Seconds(30), absl::Seconds(1) * (int64_t{1} << doublings));
    case TokenEnd::kLost:
      return std::min(absl::Minutes(15), absl::Seconds(5) * (int64_t{1} << doublings));
  }
  return absl::ZeroDuration();
}

TokenFailure AfterFailure(const TokenJudgement& judgement, int failures, bool was_refused,
                          const std::string& old_problem) {
  const bool refused = judgement.end == TokenEnd::kRefused;
  if (!was_refused || refused || judgement.end == TokenEnd::kNotSent) {
    return {.credential_refused = was_refused || refused,
            .wait = RetryWait(judgement.end, failures),
            .problem = was_refused && !refused ? old_problem : judgement.problem};
  }
  return {.credential_refused = true, .wait = kRefusedInterval, .problem = old_problem};
}

absl::Duration TimeToExhaustion(const std::vector<absl::Duration>& ages, int last_hour, int limit) {
  const absl::Duration window = absl::Hours(24) + kCountedBefore;
  int used = static_cast<int>(ages.size());
  if (used >= limit) return absl::ZeroDuration();
  if (last_hour <= 0) return absl::InfiniteDuration();
  const absl::Duration between = absl::Hours(1) / last_hour;
  // Between two requests that fall out of the window, what is used only grows.
  for (const absl::Duration age : ages) {
    const absl::Duration full = between * (limit - used);
    if (full <= window - age) return full;
    --used;
  }
  const absl::Duration full = between * limit;
  return full <= window ? full : absl::InfiniteDuration();
}

}  // namespace psups::ups_gateway
