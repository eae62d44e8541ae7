#include "services/ups-gateway/purchase/call.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/crypto.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

ShipJudgement Doubt(std::string what, int http_status) {
  return {.state = pb::Call::IN_DOUBT, .doubt = std::move(what), .http_status = http_status};
}

// A 408 is a timeout of the edge's: what stands behind it may have gone on. So may it behind a code
// that says "later", unless it is the rate limit's.
bool RefusesForSure(int status, Action action) {
  if (status < 400 || status >= 500 || status == 408) return false;
  return action != Action::kReconcile && (action != Action::kBackOff || status == 429);
}

}  // namespace

std::string NewCallId(absl::Time now) {
  return absl::StrFormat("%012x", absl::ToUnixMillis(now)) + Hex(RandomBytes(10));
}

std::string FirstCallIdOf(absl::Time time) {
  return absl::StrFormat("%012x", absl::ToUnixMillis(time)) + std::string(20, '0');
}

std::string SubjectOf(std::string_view request_id) {
  const std::size_t first = request_id.find('/');
  const std::size_t second = first == request_id.npos ? first : request_id.find('/', first + 1);
  return std::string(request_id.substr(0, second));
}

ShipJudgement JudgeShip(const HttpOutcome& outcome, const pb::ShipmentSpec& shipment) {
  if (!outcome.response.ok()) {
    if (!outcome.body_started) return {.state = pb::Call::NOT_MADE};
    return Doubt(
        absl::StrCat("UPS's answer was lost (", std::string(outcome.response.status().message()),
                     "). UPS is being asked whether it made the shipment."),
        0);
  }
  const HttpResponse& response = *outcome.response;
  if (response.status >= 200 && response.status < 300) {
    absl::StatusOr<pb::Call::Result> result =
        ParseShipReply(response.body, shipment.label_format());
    if (result.ok() && result->packages_size() == shipment.packages_size()) {
      return {
          .state = pb::Call::DONE, .result = *std::move(result), .http_status = response.status};
    }
    return Doubt(
        "UPS answered, but not with a readable label for each package. UPS is being asked again.",
        response.status);
  }
  const std::string code = CodeOf(response);
  const CatalogueEntry entry = Look(Operation::kShip, code, response.status);
  if (RefusesForSure(response.status, entry.action)) {
    ShipJudgement judgement{.state = pb::Call::REJECTED, .http_status = response.status};
    judgement.error.set_ups_code(code);
    judgement.error.set_http_status(response.status);
    judgement.error.set_clerk_message(std::string(entry.sentence));
    judgement.error.set_retryable(response.status == 401 || response.status == 403 ||
                                  response.status == 429);
    judgement.token_refused = response.status == 401 && entry.action == Action::kRenewToken;
    return judgement;
  }
  if (!outcome.body_started) {
    return {.state = pb::Call::NOT_MADE, .http_status = response.status};
  }
  return Doubt(absl::StrCat("UPS answered HTTP ", response.status,
                            " after it had the request. UPS is being asked whether it made the "
                            "shipment."),
               response.status);
}

}  // namespace psups::ups_gateway
