#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// One credential's row in memory, by a clock that tests move. Shared by several treasuries it
// stands for the database that several processes share.
class FakeTokenStore : public TokenStore {
 public:
  explicit FakeTokenStore(const Clock& clock) : clock_(clock) {}

  absl::StatusOr<TokenAnswer> Ask(const Account&, const TokenWish& wish, std::string_view call_id,
                                  absl::Duration lease) override {
    if (!outage.ok()) return outage;
    ++asks;
    TokenAnswer answer;
    answer.client_id = "app";
    answer.client_secret = secret;
    const TreasuryFacts facts = Facts();
    answer.decision = Decide(facts, wish);
    answer.version = facts.token_version;
    answer.left = facts.token_left;
    answer.lifetime = facts.token_lifetime;
    answer.token = token_;
    if (answer.decision.kind == TokenDecision::Kind::kFetch) {
      counted.push_back(clock_.Now());
      ++ever_counted;
      lease_id_ = std::string(call_id);
      lease_until_ = clock_.Now() + lease;
      if (wish.refused) forced_ = clock_.Now();
      if (refused) retry_ = clock_.Now() + kRefusedInterval;
    }
    return answer;
  }

  absl::Status Settle(const TokenOutcome& outcome) override {
    if (!outage.ok()) return outage;
    if (outcome.call_id != lease_id_) return absl::OkStatus();
    lease_until_ = absl::InfinitePast();
    lease_id_.clear();
    const TokenJudgement& judgement = outcome.judgement;
    if (judgement.end == TokenEnd::kGranted) {
      token_ = judgement.token;
      version_ = outcome.call_id;
      lifetime_ = judgement.lifetime;
      expire_ = counted.back() + judgement.lifetime;  // what is leased was counted last
      problem_.clear();
      refused = false;
      failures_ = 0;
      retry_ = absl::InfinitePast();
      return absl::OkStatus();
    }
    if (judgement.end == TokenEnd::kNotSent) counted.pop_back();
    const TokenFailure failure = AfterFailure(judgement, ++failures_, refused, problem_);
    refused = failure.credential_refused;
    problem_ = failure.problem;
    if (judgement.end == TokenEnd::kQuota) closed_ = clock_.Now() + absl::Hours(1);
    retry_ = clock_.Now() + failure.wait;
    return absl::OkStatus();
  }

  absl::StatusOr<TokenBudget> Budget(const Account&) override {
    return TokenBudget{.facts = Facts(), .expire_time = expire_};
  }

  absl::StatusOr<std::map<std::string, std::string>> Versions(
      const std::vector<std::string>& treasury_ids) override {
    if (!outage.ok()) return outage;
    return std::map<std::string, std::string>{{treasury_ids.at(0), version_}};
  }

  void Rotate(const std::string& anew) {
    secret = anew;
    refused = false;
    failures_ = 0;
    problem_.clear();
    retry_ = absl::InfinitePast();
  }

  int limit = 250;
  absl::Duration min_interval = absl::Seconds(60);
  bool refused = false;
  std::string secret = "s3cret";
  absl::Status outage = absl::OkStatus();
  std::vector<absl::Time> counted;
  int asks = 0;
  int ever_counted = 0;

 private:
  TreasuryFacts Facts() const {
    const absl::Time now = clock_.Now();
    TreasuryFacts facts;
    facts.token_version = version_;
    facts.token_left = expire_ - now;
    facts.token_lifetime = lifetime_;
    facts.lease_left = lease_until_ - now;
    facts.closed_left = closed_ - now;
    facts.retry_left = retry_ - now;
    facts.since_forced = now - forced_;
    facts.credential_refused = refused;
    facts.problem = problem_;
    facts.limit = limit;
    facts.min_interval = min_interval;
    facts.used =
        static_cast<int>(std::count_if(counted.begin(), counted.end(), [&](absl::Time time) {
          return now - time < absl::Hours(24) + kCountedBefore;
        }));
    if (!counted.empty()) facts.since_request = now - counted.back();
    return facts;
  }

  const Clock& clock_;
  std::string token_;
  std::string version_;
  std::string problem_;
  absl::Duration lifetime_;
  absl::Time expire_ = absl::InfinitePast();
  std::string lease_id_;
  absl::Time lease_until_ = absl::InfinitePast();
  absl::Time forced_ = absl::InfinitePast();
  absl::Time closed_ = absl::InfinitePast();
  absl::Time retry_ = absl::InfinitePast();
  int failures_ = 0;
};

}  // namespace psups::ups_gateway
