#include "services/ups-gateway/wire/lane.h"

#include "absl/strings/str_cat.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

bool IsUsOrPuertoRico(std::string_view country_code) {
  return country_code == "US" || country_code == "PR";
}

bool ReferencesOnPackages(const pb::ShipmentSpec& shipment) {
  return IsUsOrPuertoRico(shipment.ship_from().country_code()) && !CountriesDiffer(shipment);
}

std::string LaneOf(const pb::ShipmentSpec& shipment) {
  return absl::StrCat(shipment.ship_from().country_code(), "-", shipment.ship_to().country_code());
}

bool CountriesDiffer(const pb::ShipmentSpec& shipment) {
  return shipment.ship_from().country_code() != shipment.ship_to().country_code();
}

bool WantsCustoms(const pb::ShipmentSpec& shipment) {
  return CountriesDiffer(shipment) && !(IsUsOrPuertoRico(shipment.ship_from().country_code()) &&
                                        IsUsOrPuertoRico(shipment.ship_to().country_code()));
}

bool WantsInvoiceTotal(const pb::ShipmentSpec& shipment) {
  const std::string& to = shipment.ship_to().country_code();
  return shipment.ship_from().country_code() == "US" && (to == "CA" || to == "PR");
}

std::string PayerCountry(const pb::ShipmentSpec& shipment) {
  return shipment.payment().country_code().empty() ? shipment.ship_to().country_code()
                                                   : shipment.payment().country_code();
}

}  // namespace psups::ups_gateway
