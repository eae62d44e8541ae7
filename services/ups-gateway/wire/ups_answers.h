#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/http_message.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/ups-gateway/wire/operation.h"
#include "services/ups-gateway/wire/ups_replies.h"

// What UPS's answers mean, status, code and body together. All of these: DATA_LOSS if UPS says yes
// and what it says cannot be read, else why not. An error counts wherever it stands, in a 200 too;
// what UPS has none of is no error where the answer can say so.
namespace psups::ups_gateway {

absl::StatusOr<ups::v1::ValidateAddressResponse> ReadAddress(const HttpResponse& response);

// FAILED_PRECONDITION if UPS offers nothing.
absl::StatusOr<ups::v1::QuoteRatesResponse> ReadRates(const HttpResponse& response);

// Of the whole shipment, or of these packages of it.
absl::StatusOr<ups::v1::VoidShipmentResponse> ReadVoid(
    const HttpResponse& response, const std::vector<std::string>& tracking_numbers);

absl::StatusOr<ups::v1::RecoverLabelResponse> ReadRecovery(const HttpResponse& response,
                                                           std::string_view label_format);

absl::StatusOr<ups::v1::TrackPackageResponse> ReadTrack(const HttpResponse& response,
                                                        std::string_view tracking_number);

// By a reference, or a page of a shipment's packages.
absl::StatusOr<TrackedPackages> ReadTrackedPackages(Operation operation,
                                                    const HttpResponse& response);

// Without expire_time. `asked` are the numbers that were to be subscribed.
absl::StatusOr<ups::v1::SubscribePackagesResponse> ReadSubscribe(
    const HttpResponse& response, const std::vector<std::string>& asked);

// What a caller is told of `status`: that an answer of UPS's cannot be read is an outage, which
// waiting may mend.
absl::Status AsOutage(const absl::Status& status);

// A problem of the whole account, a sentence; empty if `status` is none.
std::string AccountError(const absl::Status& status);

}  // namespace psups::ups_gateway
