#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "psups/ups/v1/account_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/ups-gateway/wire/operation.h"

// Our protos to UPS's JSON, always in its strict form: arrays where there may be several, texts for
// numbers, no empty text.
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
// The price of the shipment by its service, or by each if it names none, and how long it takes
// where UPS can say so.
WireRequest RateRequest(const ups::v1::Account& account, const ups::v1::ShipmentSpec& shipment);
// Of the whole shipment, or of these packages of it.
WireRequest VoidRequest(const ups::v1::Account& account, std::string_view ups_shipment_id,
                        const std::vector<std::string>& tracking_numbers = {});
WireRequest RecoveryByReferenceRequest(const ups::v1::Account& account, std::string_view reference,
                                       std::string_view label_format);
WireRequest RecoveryByNumberRequest(const ups::v1::Account& account,
                                    std::string_view tracking_number,
                                    std::string_view label_format);
WireRequest TrackRequest(std::string_view tracking_number);
// At most so many packages of the shipment, from its `offset`th on.
constexpr int kTrackedPage = 50;
WireRequest TrackShipmentRequest(std::string_view tracking_number, int offset);
WireRequest TrackReferenceRequest(const ups::v1::Account& account, std::string_view reference,
                                  absl::CivilDay from, absl::CivilDay to);
WireRequest SubscribeRequest(const ups::v1::Account& account,
                             const std::vector<std::string>& tracking_numbers);

}  // namespace psups::ups_gateway
