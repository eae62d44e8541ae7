#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"

// UPS's JSON to our protos, however it comes.
namespace psups::ups_gateway {

struct TokenReply {
  std::string access_token = {};
  std::optional<absl::Duration> lifetime = {};  // unset: missing, or nothing one could obey
};
absl::StatusOr<TokenReply> ParseTokenReply(std::string_view body);

// All of these: DATA_LOSS if `body` cannot be read as the success that its status says it is.
absl::StatusOr<ups::v1::ValidateAddressResponse> ParseAddressReply(std::string_view body);

// `label_format` is what was asked for; UPS may answer in another.
absl::StatusOr<ups::v1::Call::Result> ParseShipReply(std::string_view body,
                                                     std::string_view label_format);

// The cheapest first, by the account's own price where there is one. What UPS gives no price for is
// left out. Without quotes: UPS offers nothing.
absl::StatusOr<ups::v1::QuoteRatesResponse> ParseRateReply(std::string_view body);

struct RecoveryReply {
  ups::v1::Call::Result result = {};
  int candidates = 0;  // several shipments share the reference; `result` is empty then
  std::vector<std::string> candidate_numbers = {};  // of those that have one
};
absl::StatusOr<RecoveryReply> ParseRecoveryReply(std::string_view body,
                                                 std::string_view label_format);

// True if UPS says that the shipment is void, or each of these packages of it.
absl::StatusOr<bool> ParseVoidReply(std::string_view body,
                                    const std::vector<std::string>& tracking_numbers = {});

struct TrackedPackages {
  std::vector<ups::v1::TrackingActivity> activities = {};  // oldest first
  std::vector<std::string> tracking_numbers = {};          // in UPS's order
  int package_count = 0;  // how many the shipment has, which may be more than these; 0: not said
};

// All packages in a reply of Track's, whatever was asked by.
absl::StatusOr<TrackedPackages> ParseTrackedPackages(std::string_view body);

// That package of them.
absl::StatusOr<ups::v1::TrackPackageResponse> ParseTrackReply(std::string_view body,
                                                              std::string_view tracking_number);

// The numbers that Track has under a reference.
absl::StatusOr<std::vector<std::string>> ParseTrackReferenceReply(std::string_view body);

// Oldest first; where times are equal, in the order that they have.
void SortByTime(std::vector<ups::v1::TrackingActivity>& activities);

// Without expire_time.
absl::StatusOr<ups::v1::SubscribePackagesResponse> ParseSubscribeReply(std::string_view body);

// `body` with the values of label images taken out, whether or not it is whole JSON.
std::string WithoutLabels(std::string_view body);

}  // namespace psups::ups_gateway
