#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/identity.h"
#include "psups/ups/v1/account_service.pb.h"
#include "services/ups-gateway/calls/asker.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// What UPS's answer to a product's probe says of the app. `outcome` as Asker has it.
ups::v1::TestAccountResponse::Check JudgeProbe(const std::string& name,
                                               const std::string& portal_product,
                                               Operation operation,
                                               const absl::StatusOr<HttpResponse>& outcome);

// Whether a host name leads anywhere: OK, or what the resolver says. Blocks.
absl::Status LookUpHost(const std::string& host);

// Examines an account: the host's name, its certificate, a token, and each of UPS's products that
// we call, by a question that costs nothing and changes nothing. Each call is in the ledger; a
// refusal of one product changes nothing for other calls.
class Doctor {
 public:
  using LookUp = std::function<absl::Status(const std::string& host)>;
  Doctor(UpsLine line, Asker& asker, CallRecorder& recorder, LookUp look_up = LookUpHost)
      : line_(std::move(line)), asker_(asker), recorder_(recorder), look_up_(std::move(look_up)) {}

  using Done = std::function<void(absl::StatusOr<ups::v1::TestAccountResponse>)>;
  // Never blocks.
  void Examine(AccountPtr account, const Caller& caller, Done done);

 private:
  struct Visit;
  using VisitPtr = std::shared_ptr<Visit>;

  void LookAtName(const VisitPtr& visit);
  void LookAtHost(const VisitPtr& visit);
  void LookAtToken(const VisitPtr& visit);
  void Probe(const VisitPtr& visit, std::size_t product);
  void Renew(const VisitPtr& visit);
  void Record(const VisitPtr& visit, std::vector<Exchange> exchanges,
              std::shared_ptr<void> unrecorded, std::function<void()> next);

  const UpsLine line_;
  Asker& asker_;
  CallRecorder& recorder_;
  const LookUp look_up_;
};

}  // namespace psups::ups_gateway
