#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/request_json.h"
#include "services/ups-gateway/wire/ups_requests.h"
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

Json PartyJson(const type::v1::Address& address) {
  Json json = {{"Name", address.name()}, {"Address", AddressJson(address)}};
  if (!address.attention_name().empty()) json["AttentionName"] = address.attention_name();
  if (const std::string phone = Digits(address.phone()); !phone.empty()) {
    json["Phone"] = {{"Number", phone}};
  }
  return json;
}

Json ReferencesJson(const pb::ShipmentSpec& shipment) {
  Json references = Json::array({{{"Code", "TN"}, {"Value", shipment.derived_reference()}}});
  for (const pb::Reference& reference : shipment.references()) {
    references.push_back({{"Code", reference.code()}, {"Value", reference.value()}});
  }
  return references;
}

// Without leading or trailing zeros.
std::string PlainDecimal(const std::string& text) {
  const absl::StatusOr<Decimal> decimal = Decimal::Parse(text);
  return decimal.ok() ? decimal->ToString() : text;
}

Json MoneyJson(const type::v1::Money& money) {
  return {{"CurrencyCode", money.currency_code()}, {"MonetaryValue", AmountText(money)}};
}

bool IsAdult(const pb::ShipmentSpec& shipment) {
  return shipment.signature() == pb::ADULT_SIGNATURE_REQUIRED;
}

Json PackageJson(const pb::ShipmentSpec& shipment, const pb::PackageSpec& package) {
  Json json = {
      {"Packaging", {{"Code", package.packaging_code().empty() ? "02" : package.packaging_code()}}},
      {"Dimensions",
       {{"UnitOfMeasurement", {{"Code", "IN"}}},
        {"Length", absl::StrCat(package.length_in())},
        {"Width", absl::StrCat(package.width_in())},
        {"Height", absl::StrCat(package.height_in())}}}};
  json["PackageWeight"] = {{"UnitOfMeasurement", {{"Code", "LBS"}}},
                           {"Weight", PlainDecimal(package.weight_lb())}};
  if (ReferencesOnPackages(shipment)) json["ReferenceNumber"] = ReferencesJson(shipment);
  Json options = Json::object();
  if (package.has_declared_value()) options["DeclaredValue"] = MoneyJson(package.declared_value());
  if (ReferencesOnPackages(shipment) && shipment.signature() != pb::SIGNATURE_UNSPECIFIED) {
    options["DeliveryConfirmation"]["DCISType"] = IsAdult(shipment) ? "3" : "2";
  }
  if (!options.empty()) json["PackageServiceOptions"] = std::move(options);
  return json;
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

Json ProductJson(const pb::CustomsLine& line) {
  Json json = {{"Description", DescriptionLines(line.description())},
               {"Unit",
                {{"Number", absl::StrCat(line.quantity())},
                 {"UnitOfMeasurement", {{"Code", line.unit_code()}}},
                 {"Value", PlainDecimal(line.unit_value())}}},
               {"OriginCountryCode", line.origin_country_code()}};
  if (!line.commodity_code().empty()) json["CommodityCode"] = line.commodity_code();
  if (!line.part_number().empty()) json["PartNumber"] = line.part_number();
  return json;
}

// The commercial invoice, without paper.
Json InvoiceJson(const pb::ShipmentSpec& spec) {
  const pb::Customs& customs = spec.customs();
  Json json = {
      {"FormType", Json::array({"01"})},
      {"InvoiceNumber", customs.invoice_number()},
      {"InvoiceDate", customs.invoice_date()},
      {"ReasonForExport", customs.reason_for_export()},
      {"CurrencyCode", customs.currency_code()},
      {"Contacts",
       {{"SoldTo", PartyJson(customs.has_sold_to() ? customs.sold_to() : spec.ship_to())}}},
      {"Product", Json::array()}};
  if (!customs.terms_of_shipment().empty()) json["TermsOfShipment"] = customs.terms_of_shipment();
  for (const pb::CustomsLine& line : customs.lines()) json["Product"].push_back(ProductJson(line));
  return json;
}

Json OptionsJson(const pb::ShipmentSpec& spec) {
  Json options = Json::object();
  if (spec.saturday_delivery()) options["SaturdayDeliveryIndicator"] = "";
  if (!ReferencesOnPackages(spec) && spec.signature() != pb::SIGNATURE_UNSPECIFIED) {
    options["DeliveryConfirmation"]["DCISType"] = IsAdult(spec) ? "2" : "1";
  }
  if (spec.has_customs()) options["InternationalForms"] = InvoiceJson(spec);
  return options;
}

}  // namespace

WireRequest ShipRequest(const pb::Account& account, const pb::ShipmentSpec& spec) {
  Json shipper = PartyJson(account.shipper());
  shipper["ShipperNumber"] = account.shipper_number();
  Json ship_to = PartyJson(spec.ship_to());
  if (spec.ship_to().residential()) ship_to["Address"]["ResidentialAddressIndicator"] = "";

  Json shipment = {{"Shipper", std::move(shipper)},
                   {"ShipTo", std::move(ship_to)},
                   {"ShipFrom", PartyJson(spec.ship_from())},
                   {"PaymentInformation", PaymentJson(account, spec)},
                   {"Service", {{"Code", spec.service_code()}}},
                   {"ShipmentRatingOptions", {{"NegotiatedRatesIndicator", ""}}},
                   {"Package", Json::array()}};
  if (!spec.description().empty()) shipment["Description"] = spec.description();
  if (!spec.ship_date().empty()) shipment["ShipmentDate"] = spec.ship_date();
  if (!ReferencesOnPackages(spec)) shipment["ReferenceNumber"] = ReferencesJson(spec);
  if (WantsInvoiceTotal(spec)) shipment["InvoiceLineTotal"] = MoneyJson(spec.invoice_total());
  if (Json options = OptionsJson(spec); !options.empty()) {
    shipment["ShipmentServiceOptions"] = std::move(options);
  }
  for (const pb::PackageSpec& package : spec.packages()) {
    shipment["Package"].push_back(PackageJson(spec, package));
  }
  return {.operation = Operation::kShip,
          .target = absl::StrCat("/api/shipments/", Version(account, "ship"), "/ship"),
          .body = Dump({{"ShipmentRequest",
                         {{"Request", {{"RequestOption", "nonvalidate"}, {"SubVersion", "2205"}}},
                          {"Shipment", std::move(shipment)},
                          {"LabelSpecification",
                           LabelSpecification(spec.label_format(), spec.label_height_in())}}}})};
}

}  // namespace psups::ups_gateway
