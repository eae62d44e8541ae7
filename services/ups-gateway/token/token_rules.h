#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http_client.h"

// When a token may be used, renewed, asked for; and when not. No clock, no database.
namespace psups::ups_gateway {

// How old a committed count may be when its request's body is written; longer, and it is abandoned.
constexpr absl::Duration kSendFence = absl::Seconds(5);
// How long after its count a request may reach UPS: the fence, the longest timeout an account may
// have, and a little. The window of 24 hours is counted that much longer.
constexpr absl::Duration kCountedBefore = absl::Seconds(310);
// Least time between two renewals because UPS said 401.
constexpr absl::Duration kForcedInterval = absl::Minutes(6);
// Least time between two requests with a credential that UPS refused: often enough to notice by
// ourselves that it was put right in UPS's portal.
constexpr absl::Duration kRefusedInterval = absl::Hours(1);
// What an expires_in is taken for that is missing, unreadable or absurd.
constexpr absl::Duration kShortLifetime = absl::Minutes(10);
constexpr absl::Duration kLongestLifetime = absl::Hours(24);

// How long before its end a token is no longer used.
absl::Duration SafetyMargin(absl::Duration lifetime);

// How long before its end a token is renewed when a call wants it: at most 270 s of 3,599 s, in
// proportion for others, up to a fifth later by `unit_random` so that replicas do not renew at
// once.
absl::Duration RenewalLead(absl::Duration lifetime, double unit_random);

// What the treasury's row and the requests counted say, by the database's clock, under the row's
// lock.
struct TreasuryFacts {
  std::string token_version = {};  // empty: no token
  absl::Duration token_left = absl::ZeroDuration();
  absl::Duration token_lifetime = absl::ZeroDuration();
  absl::Duration lease_left = absl::ZeroDuration();   // positive: another request is being made
  absl::Duration closed_left = absl::ZeroDuration();  // positive: UPS said 429
  absl::Duration retry_left = absl::ZeroDuration();   // positive: backing off from a failure
  absl::Duration since_request = absl::InfiniteDuration();
  absl::Duration since_forced = absl::InfiniteDuration();
  bool credential_refused = false;
  std::string problem = {};
  int used = 0;   // requests counted in the window
  int limit = 0;  // the least of the accounts that share the credential
  absl::Duration min_interval = absl::ZeroDuration();
};

// What a process wants of the treasury.
struct TokenWish {
  std::string unwanted_version = {};  // the token it has and wants another for; empty: it has none
  bool refused = false;               // UPS said 401 to that one
  bool money = false;                 // a ship or void waits for it
};

struct TokenDecision {
  enum class Kind {
    kUse,     // the row's token is good
    kFetch,   // ask UPS, now; the request is to be counted first
    kWait,    // ask again after `wait`
    kRefuse,  // `refusal`, for `wait` at least
  };
  Kind kind = Kind::kRefuse;
  absl::Duration wait = absl::ZeroDuration();
  absl::Status refusal = absl::OkStatus();
  // With kUse of a token that UPS refused: it stays, and the operation that was refused is to pause
  // for this long, for then it is the operation and not the token.
  absl::Duration pause = absl::ZeroDuration();
};

TokenDecision Decide(const TreasuryFacts& facts, const TokenWish& wish);

// How a token request ended.
enum class TokenEnd {
  kGranted,
  kRefused,  // UPS does not know the credential: asked again once an hour, or when it is rotated
  kQuota,    // 429: closed for an hour
  kLost,     // sent, and no token: anything else
  kNotSent,  // no byte of it was sent
};

struct TokenJudgement {
  TokenEnd end = TokenEnd::kLost;
  std::string token = {};
  absl::Duration lifetime = absl::ZeroDuration();
  std::string problem = {};  // a sentence with the next step; empty if granted
  int http_status = 0;
  std::string ups_code = {};
};

TokenJudgement JudgeToken(const HttpOutcome& outcome);

// The wait after the `failures`th failure in a row that was no refusal, 1 the first.
absl::Duration RetryWait(TokenEnd end, int failures);

// What a failure leaves in the credential's row. A refusal stands until a token is granted or the
// secret rotated, whatever else UPS answers meanwhile.
struct TokenFailure {
  bool credential_refused = false;
  absl::Duration wait = absl::ZeroDuration();
  std::string problem = {};
};
TokenFailure AfterFailure(const TokenJudgement& judgement, int failures, bool was_refused,
                          const std::string& old_problem);

// When the budget is used up if requests go on as in the last hour; infinite if it lasts. `ages`
// are those of the requests in the window, the oldest first.
absl::Duration TimeToExhaustion(const std::vector<absl::Duration>& ages, int last_hour, int limit);

}  // namespace psups::ups_gateway
