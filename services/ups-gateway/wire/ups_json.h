#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/ups/v1/account_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/ups-gateway/wire/operation.h"

// Our protos to UPS's JSON, always in its strict form, and UPS's JSON back, however it comes.
namespace psups::ups_gateway {

// A request to UPS but for host, token and the headers that all have in common.
struct WireRequest {
  Operation operation = Operation::kAddress;
  std::string method = "POST";
  std::string target = {};  // path and query
  std::string body = {};
  std::string content_type = "application/json";
};

WireRequest TokenRequest();
WireRequest AddressRequest(const ups::v1::Account& account, const type::v1::Address& address);
WireRequest ShipRequest(const ups::v1::Account& account, const ups::v1::ShipmentSpec& shipment);
WireRequest VoidRequest(const ups::v1::Account& account, std::string_view ups_shipment_id);
WireRequest RecoveryByReferenceRequest(const ups::v1::Account& account, std::string_view reference,
                                       std::string_view label_format);
WireRequest RecoveryByNumberRequest(const ups::v1::Account& account,
                                    std::string_view tracking_number,
                                    std::string_view label_format);
WireRequest TrackRequest(std::string_view tracking_number);
WireRequest TrackReferenceRequest(const ups::v1::Account& account, std::string_view reference,
                                  absl::CivilDay from, absl::CivilDay to);
WireRequest SubscribeRequest(const ups::v1::Account& account,
                             const std::vector<std::string>& tracking_numbers);

// Where UPS wants our references: on each package within the US or Puerto Rico, else on the
// shipment.
bool ReferencesOnPackages(const ups::v1::ShipmentSpec& shipment);

// "US-US": where from and where to.
std::string LaneOf(const ups::v1::ShipmentSpec& shipment);

// 2, or 0 for a currency that has no smaller unit.
int MinorDigits(std::string_view currency);

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

// `body` with the values of label images taken out, whether or not it is whole JSON.
std::string WithoutLabels(std::string_view body);

}  // namespace psups::ups_gateway
