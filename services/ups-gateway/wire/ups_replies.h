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

struct RecoveryReply {
  ups::v1::Call::Result result = {};
  int candidates = 0;  // several shipments share the reference; `result` is empty then
};
absl::StatusOr<RecoveryReply> ParseRecoveryReply(std::string_view body,
                                                 std::string_view label_format);

// True if UPS says that the shipment is void.
absl::StatusOr<bool> ParseVoidReply(std::string_view body);

absl::StatusOr<ups::v1::TrackPackageResponse> ParseTrackReply(std::string_view body,
                                                              std::string_view tracking_number);

// The numbers that Track has under a reference.
absl::StatusOr<std::vector<std::string>> ParseTrackReferenceReply(std::string_view body);

// Without expire_time.
absl::StatusOr<ups::v1::SubscribePackagesResponse> ParseSubscribeReply(std::string_view body);

// How many digits of an amount stand behind the point.
int MinorDigits(std::string_view currency);

// `body` with the values of label images taken out, whether or not it is whole JSON.
std::string WithoutLabels(std::string_view body);

}  // namespace psups::ups_gateway
