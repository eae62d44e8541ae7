#include "absl/strings/str_cat.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/request_json.h"
#include "services/ups-gateway/wire/shipment_json.h"
#include "services/ups-gateway/wire/ups_requests.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

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

}  // namespace

WireRequest ShipRequest(const pb::Account& account, const pb::ShipmentSpec& spec) {
  Json shipper = PartyJson(account.shipper());
  shipper["ShipperNumber"] = account.shipper_number();
  Json ship_to = PartyJson(spec.ship_to());
  ship_to["Address"] = ShipToAddressJson(spec.ship_to());

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
  Json options = ServiceOptionsJson(spec);
  if (spec.has_customs()) options["InternationalForms"] = InvoiceJson(spec);
  if (!options.empty()) shipment["ShipmentServiceOptions"] = std::move(options);
  for (const pb::PackageSpec& package : spec.packages()) {
    Json json = PackageJson(spec, package);
    json["Packaging"] = {{"Code", PackagingCode(package)}};
    if (ReferencesOnPackages(spec)) json["ReferenceNumber"] = ReferencesJson(spec);
    shipment["Package"].push_back(std::move(json));
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
