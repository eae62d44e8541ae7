#include "services/ups-gateway/wire/ups_answers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ups-gateway/wire/error_catalogue.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

// Why `response` is no success. `read` is what came of reading it.
absl::Status Failure(Operation operation, const HttpResponse& response, const absl::Status& read) {
  const bool yes = response.status >= 200 && response.status < 300;
  if (!yes || !CodeOf(response).empty()) return StatusFromUps(operation, response);
  if (!read.ok()) return read;
  return absl::DataLossError(absl::StrCat("UPS's answer to ", std::string(NameOf(operation)),
                                          " is not whole (HTTP ", response.status, ")"));
}

// `read` of a 200 that reads.
template <typename Reply>
absl::StatusOr<Reply> Success(Operation operation, const HttpResponse& response,
                              absl::StatusOr<Reply> read) {
  if (response.status == 200 && read.ok()) return read;
  return Failure(operation, response, read.status());
}

Action ActionOf(Operation operation, const HttpResponse& response) {
  return Look(operation, CodeOf(response), response.status).action;
}

// What Track says if it names a package; some of its answers to an unknown number are errors, and
// say the same as no package.
template <typename Reply>
absl::StatusOr<Reply> FoundOrNot(Operation operation, const HttpResponse& response,
                                 absl::StatusOr<Reply> read, bool found) {
  if (response.status == 200 && found) return read;
  if (ActionOf(operation, response) == Action::kNotFound || response.status == 404) return Reply();
  if (!CodeOf(response).empty()) return StatusFromUps(operation, response);
  return Success(operation, response, std::move(read));
}

}  // namespace

absl::StatusOr<pb::ValidateAddressResponse> ReadAddress(const HttpResponse& response) {
  return Success(Operation::kAddress, response, ParseAddressReply(response.body));
}

absl::StatusOr<pb::QuoteRatesResponse> ReadRates(const HttpResponse& response) {
  absl::StatusOr<pb::QuoteRatesResponse> rates =
      Success(Operation::kRating, response, ParseRateReply(response.body));
  if (rates.ok() && rates->quotes().empty()) {
    return absl::FailedPreconditionError(
        "UPS offers no service for this shipment. Check both addresses and the packages, or choose "
        "another service.");
  }
  return rates;
}

absl::StatusOr<pb::VoidShipmentResponse> ReadVoid(
    const HttpResponse& response, const std::vector<std::string>& tracking_numbers) {
  const absl::StatusOr<bool> voided = ParseVoidReply(response.body, tracking_numbers);
  pb::VoidShipmentResponse done;
  if (response.status == 200 && voided.ok()) {
    if (*voided) return done;
    return absl::FailedPreconditionError(
        tracking_numbers.empty()
            ? "UPS did not void the shipment. Void it at ups.com or call UPS."
            : "UPS did not void all of these packages. Look them up at ups.com and void the rest.");
  }
  if (ActionOf(Operation::kVoid, response) == Action::kDone) {
    done.set_already_voided(true);
    return done;
  }
  return Failure(Operation::kVoid, response, voided.status());
}

absl::StatusOr<pb::RecoverLabelResponse> ReadRecovery(const HttpResponse& response,
                                                      std::string_view label_format) {
  pb::RecoverLabelResponse answer;
  absl::StatusOr<RecoveryReply> reply = ParseRecoveryReply(response.body, label_format);
  if (response.status == 200 && reply.ok()) {
    if (reply->candidates == 0) {
      answer.set_outcome(pb::RecoverLabelResponse::FOUND);
      *answer.mutable_result() = std::move(reply->result);
      return answer;
    }
    answer.set_outcome(pb::RecoverLabelResponse::SEVERAL);
    for (std::string& number : reply->candidate_numbers) answer.add_candidates(std::move(number));
    return answer;
  }
  const Action action = ActionOf(Operation::kRecovery, response);
  if (action == Action::kNotFound) {
    answer.set_outcome(pb::RecoverLabelResponse::NOT_FOUND);
  } else if (action == Action::kSeveral) {
    answer.set_outcome(pb::RecoverLabelResponse::SEVERAL);
  } else if (action == Action::kVoided) {
    answer.set_outcome(pb::RecoverLabelResponse::VOIDED);
  } else {
    return Failure(Operation::kRecovery, response, reply.status());
  }
  return answer;
}

absl::StatusOr<pb::TrackPackageResponse> ReadTrack(const HttpResponse& response,
                                                   std::string_view tracking_number) {
  absl::StatusOr<pb::TrackPackageResponse> read = ParseTrackReply(response.body, tracking_number);
  const bool found = read.ok() && read->found();
  return FoundOrNot(Operation::kTrack, response, std::move(read), found);
}

absl::StatusOr<TrackedPackages> ReadTrackedPackages(Operation operation,
                                                    const HttpResponse& response) {
  absl::StatusOr<TrackedPackages> read = ParseTrackedPackages(response.body);
  const bool found = read.ok() && !read->tracking_numbers.empty();
  return FoundOrNot(operation, response, std::move(read), found);
}

absl::StatusOr<pb::SubscribePackagesResponse> ReadSubscribe(const HttpResponse& response,
                                                            const std::vector<std::string>& asked) {
  if (CodeOf(response) == "VSS210") {  // none of them
    pb::SubscribePackagesResponse none;
    for (const std::string& number : asked) none.add_invalid_tracking_numbers(number);
    return none;
  }
  return Success(Operation::kSubscribe, response, ParseSubscribeReply(response.body));
}

absl::Status AsOutage(const absl::Status& status) {
  return absl::IsDataLoss(status) ? absl::UnavailableError(status.message()) : status;
}

std::string AccountError(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status)
             ? std::string(status.message())
             : "";
}

}  // namespace psups::ups_gateway
