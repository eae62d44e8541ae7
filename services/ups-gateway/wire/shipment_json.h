#pragma once

#include <string>

#include "psups/ups/v1/account_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/ups-gateway/wire/json_reader.h"

// What is said of a shipment alike, whether it is bought or priced.
namespace psups::ups_gateway {

Json AddressJson(const type::v1::Address& address);

// The receiver's, which says too whether somebody lives there.
Json ShipToAddressJson(const type::v1::Address& address);

Json MoneyJson(const type::v1::Money& money);

// Without leading or trailing zeros.
std::string PlainDecimal(const std::string& text);

// Who pays for the transport: {"ShipmentCharge": […]}.
Json PaymentJson(const ups::v1::Account& account, const ups::v1::ShipmentSpec& shipment);

// Measures and options of a package.
Json PackageJson(const ups::v1::ShipmentSpec& shipment, const ups::v1::PackageSpec& package);

// UPS's code of the packaging.
std::string PackagingCode(const ups::v1::PackageSpec& package);

// The options of the whole but for customs; an empty object if there are none.
Json ServiceOptionsJson(const ups::v1::ShipmentSpec& shipment);

}  // namespace psups::ups_gateway
