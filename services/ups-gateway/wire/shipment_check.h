#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"

namespace psups::ups_gateway {

// How many days ahead UPS takes a ship date.
constexpr int kMostDaysAhead = 7;

// All of these: INVALID_ARGUMENT naming the field, what came and what is wanted. Nothing is cut to
// fit.

// What UPS's schema does not check and what would cost money to learn from UPS. `now` is for the
// ship date, `shipper` the account's address: UPS picks up in its country only.
absl::Status CheckShipment(const ups::v1::ShipmentSpec& shipment, const type::v1::Address& shipper,
                           absl::Time now);

// A place that UPS prints or drives to; `field` is its name in messages.
absl::Status CheckParty(const type::v1::Address& address, std::string_view field);

// An address to be validated: enough of it to ask about.
absl::Status CheckAddressToValidate(const type::v1::Address& address);

// "shipments/{id}/purchases/{n}", and "shipments/{id}/voids/{n}".
absl::Status CheckRequestId(std::string_view request_id, std::string_view kind);

// "connections/{connection_id}", or empty.
absl::Status CheckConnection(std::string_view connection);

// 7 to 34 letters and digits.
absl::Status CheckTrackingNumber(std::string_view number, std::string_view field);

// Of UTF-8, as people count.
std::size_t Characters(std::string_view text);

}  // namespace psups::ups_gateway
