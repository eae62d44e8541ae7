#pragma once

#include <string>
#include <string_view>

#include "psups/ups/v1/ups_service.pb.h"

// What depends on where a shipment goes from and to.
namespace psups::ups_gateway {

// The US or Puerto Rico: UPS's domestic services run within and between them.
bool IsUsOrPuertoRico(std::string_view country_code);

// Where UPS wants our references and the signature: on each package within the US or Puerto Rico,
// else on the shipment.
bool ReferencesOnPackages(const ups::v1::ShipmentSpec& shipment);

// "US-US": where from and where to.
std::string LaneOf(const ups::v1::ShipmentSpec& shipment);

// Whether the countries differ, as UPS counts them: Puerto Rico is one.
bool CountriesDiffer(const ups::v1::ShipmentSpec& shipment);

// Whether a commercial invoice goes with it: across a border other than between the US and Puerto
// Rico.
bool WantsCustoms(const ups::v1::ShipmentSpec& shipment);

// Whether UPS wants the goods' value beside the invoice: from the US to Canada or Puerto Rico.
bool WantsInvoiceTotal(const ups::v1::ShipmentSpec& shipment);

// Where the payer's account is: a receiver's in ship_to's country unless it says otherwise.
std::string PayerCountry(const ups::v1::ShipmentSpec& shipment);

}  // namespace psups::ups_gateway
