#include "services/ups-gateway/wire/shipment_json.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

// UPS wants letters and digits only: the dash of ZIP+4 and the blank of A1A 1A1 are for people.
std::string PostalCode(const std::string& country_code, const std::string& postal_code) {
  if (country_code != "US" && country_code != "PR" && country_code != "CA") return postal_code;
  std::string code;
  for (const char c : postal_code) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) code.push_back(c);
  }
  return code;
}

bool IsAdult(const pb::ShipmentSpec& shipment) {
  return shipment.signature() == pb::ADULT_SIGNATURE_REQUIRED;
}

}  // namespace

Json AddressJson(const type::v1::Address& address) {
  Json json = {{"AddressLine", Json::array()},
               {"City", address.city()},
               {"CountryCode", address.country_code()}};
  for (const std::string& line : address.lines()) json["AddressLine"].push_back(line);
  if (!address.state().empty()) json["StateProvinceCode"] = address.state();
  if (!address.postal_code().empty()) {
    json["PostalCode"] = PostalCode(address.country_code(), address.postal_code());
  }
  return json;
}

Json ShipToAddressJson(const type::v1::Address& address) {
  Json json = AddressJson(address);
  if (address.residential()) json["ResidentialAddressIndicator"] = "";
  return json;
}

Json MoneyJson(const type::v1::Money& money) {
  return {{"CurrencyCode", money.currency_code()}, {"MonetaryValue", AmountText(money)}};
}

std::string PlainDecimal(const std::string& text) {
  const absl::StatusOr<Decimal> decimal = Decimal::Parse(text);
  return decimal.ok() ? decimal->ToString() : text;
}

Json PaymentJson(const pb::Account& account, const pb::ShipmentSpec& spec) {
  const pb::Payment& payment = spec.payment();
  Json charge = {{"Type", "01"}};
  Json payer = {{"AccountNumber", payment.account_number()}};
  Json& address = payer["Address"];
  if (!payment.postal_code().empty()) {
    address["PostalCode"] = PostalCode(PayerCountry(spec), payment.postal_code());
  }
  switch (payment.payer()) {
    case pb::Payment::RECEIVER:
      if (address.is_null()) payer.erase("Address");
      charge["BillReceiver"] = std::move(payer);
      break;
    case pb::Payment::THIRD_PARTY:
      address["CountryCode"] = payment.country_code();
      charge["BillThirdParty"] = std::move(payer);
      break;
    default:
      charge["BillShipper"] = {{"AccountNumber", account.shipper_number()}};
  }
  return {{"ShipmentCharge", Json::array({std::move(charge)})}};
}

Json PackageJson(const pb::ShipmentSpec& shipment, const pb::PackageSpec& package) {
  Json json = {
      {"Dimensions",
       {{"UnitOfMeasurement", {{"Code", "IN"}}},
        {"Length", absl::StrCat(package.length_in())},
        {"Width", absl::StrCat(package.width_in())},
        {"Height", absl::StrCat(package.height_in())}}},
      {"PackageWeight",
       {{"UnitOfMeasurement", {{"Code", "LBS"}}}, {"Weight", PlainDecimal(package.weight_lb())}}}};
  Json options = Json::object();
  if (package.has_declared_value()) options["DeclaredValue"] = MoneyJson(package.declared_value());
  if (ReferencesOnPackages(shipment) && shipment.signature() != pb::SIGNATURE_UNSPECIFIED) {
    options["DeliveryConfirmation"]["DCISType"] = IsAdult(shipment) ? "3" : "2";
  }
  if (!options.empty()) json["PackageServiceOptions"] = std::move(options);
  return json;
}

std::string PackagingCode(const pb::PackageSpec& package) {
  return package.packaging_code().empty() ? "02" : package.packaging_code();
}

Json ServiceOptionsJson(const pb::ShipmentSpec& spec) {
  Json options = Json::object();
  if (spec.saturday_delivery()) options["SaturdayDeliveryIndicator"] = "";
  if (!ReferencesOnPackages(spec) && spec.signature() != pb::SIGNATURE_UNSPECIFIED) {
    options["DeliveryConfirmation"]["DCISType"] = IsAdult(spec) ? "2" : "1";
  }
  return options;
}

}  // namespace psups::ups_gateway
