#include "services/ups-gateway/wire/ups_requests.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ups-gateway/wire/json_reader.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr std::size_t kPrintedPhoneDigits = 15;
constexpr char kLabelAgent[] = "Mozilla/4.5";  // what UPS wants beside a GIF

std::string Escape(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
        c == '~') {
      escaped.push_back(c);
    } else {
      escaped.push_back('%');
      escaped.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      escaped.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
  }
  return escaped;
}

std::string Digits(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) digits.push_back(c);
  }
  return digits;
}

std::string Version(const pb::Account& account, const char* api) {
  const auto found = account.api_versions().find(api);
  return found == account.api_versions().end() ? "" : found->second;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool IsUsOrPuertoRico(const type::v1::Address& address) {
  return address.country_code() == "US" || address.country_code() == "PR";
}

// UPS wants letters and digits only; the dash of ZIP+4 is for people.
std::string PostalCode(const type::v1::Address& address) {
  return IsUsOrPuertoRico(address) ? Digits(address.postal_code()) : address.postal_code();
}

Json AddressJson(const type::v1::Address& address) {
  Json json = {{"AddressLine", Json::array()},
               {"City", address.city()},
               {"CountryCode", address.country_code()}};
  for (const std::string& line : address.lines()) json["AddressLine"].push_back(line);
  if (!address.state().empty()) json["StateProvinceCode"] = address.state();
  if (!address.postal_code().empty()) json["PostalCode"] = PostalCode(address);
  return json;
}

Json PartyJson(const type::v1::Address& address) {
  Json json = {{"Name", address.name()}, {"Address", AddressJson(address)}};
  if (!address.attention_name().empty()) json["AttentionName"] = address.attention_name();
  if (const std::string phone = Digits(address.phone()); !phone.empty()) {
    json["Phone"] = {{"Number", phone.substr(0, kPrintedPhoneDigits)}};
  }
  return json;
}
Json LabelSpecification(std::string_view label_format) {
  const std::string format = LabelFormatAsked(label_format);
  Json json = {{"LabelImageFormat", {{"Code", format}}},
               {"LabelStockSize", {{"Height", "6"}, {"Width", "4"}}}};
  if (format == "GIF") json["HTTPUserAgent"] = kLabelAgent;
  return json;
}

Json ReferencesJson(const pb::ShipmentSpec& shipment) {
  Json references = Json::array({{{"Code", "TN"}, {"Value", shipment.derived_reference()}}});
  for (const pb::Reference& reference : shipment.references()) {
    references.push_back({{"Code", reference.code()}, {"Value", reference.value()}});
  }
  return references;
}

Json PackageJson(const pb::ShipmentSpec& shipment, const pb::PackageSpec& package) {
  Json json = {
      {"Packaging", {{"Code", package.packaging_code().empty() ? "02" : package.packaging_code()}}},
      {"Dimensions",
       {{"UnitOfMeasurement", {{"Code", "IN"}}},
        {"Length", absl::StrCat(package.length_in())},
        {"Width", absl::StrCat(package.width_in())},
        {"Height", absl::StrCat(package.height_in())}}}};
  const absl::StatusOr<Decimal> weight = Decimal::Parse(package.weight_lb());
  json["PackageWeight"] = {{"UnitOfMeasurement", {{"Code", "LBS"}}},
                           {"Weight", weight.ok() ? weight->ToString() : package.weight_lb()}};
  if (ReferencesOnPackages(shipment)) json["ReferenceNumber"] = ReferencesJson(shipment);
  return json;
}

}  // namespace

std::string LabelFormatAsked(std::string_view format) {
  return format.empty() ? "ZPL" : std::string(format);
}

WireRequest TokenRequest() {
  return {.operation = Operation::kToken,
          .target = "/security/v1/oauth/token",
          .body = "grant_type=client_credentials",
          .content_type = "application/x-www-form-urlencoded"};
}

WireRequest AddressRequest(const pb::Account& account, const type::v1::Address& address) {
  Json key = {{"AddressLine", Json::array()}, {"CountryCode", address.country_code()}};
  for (const std::string& line : address.lines()) key["AddressLine"].push_back(line);
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) key[name] = value;
  };
  const std::string zip = Digits(address.postal_code());
  set("PoliticalDivision2", address.city());
  set("PoliticalDivision1", address.state());
  set("PostcodePrimaryLow", zip.substr(0, 5));
  set("PostcodeExtendedLow", zip.size() > 5 ? zip.substr(5) : "");
  set("Urbanization", address.urbanization());
  return {.operation = Operation::kAddress,
          .target = absl::StrCat("/api/addressvalidation/", Version(account, "xav"), "/3"),
          .body = Dump({{"XAVRequest", {{"AddressKeyFormat", std::move(key)}}}})};
}

bool ReferencesOnPackages(const pb::ShipmentSpec& shipment) {
  return IsUsOrPuertoRico(shipment.ship_from()) &&
         shipment.ship_from().country_code() == shipment.ship_to().country_code();
}

std::string LaneOf(const pb::ShipmentSpec& shipment) {
  return absl::StrCat(shipment.ship_from().country_code(), "-", shipment.ship_to().country_code());
}

WireRequest ShipRequest(const pb::Account& account, const pb::ShipmentSpec& spec) {
  Json shipper = PartyJson(account.shipper());
  shipper["ShipperNumber"] = account.shipper_number();
  Json ship_to = PartyJson(spec.ship_to());
  if (spec.ship_to().residential()) ship_to["Address"]["ResidentialAddressIndicator"] = "";

  Json shipment = {
      {"Shipper", std::move(shipper)},
      {"ShipTo", std::move(ship_to)},
      {"ShipFrom", PartyJson(spec.ship_from())},
      {"PaymentInformation",
       {{"ShipmentCharge",
         Json::array(
             {{{"Type", "01"}, {"BillShipper", {{"AccountNumber", account.shipper_number()}}}}})}}},
      {"Service", {{"Code", spec.service_code()}}},
      {"ShipmentRatingOptions", {{"NegotiatedRatesIndicator", ""}}},
      {"Package", Json::array()}};
  if (!spec.description().empty()) shipment["Description"] = spec.description();
  if (!spec.ship_date().empty()) shipment["ShipmentDate"] = spec.ship_date();
  if (!ReferencesOnPackages(spec)) shipment["ReferenceNumber"] = ReferencesJson(spec);
  for (const pb::PackageSpec& package : spec.packages()) {
    shipment["Package"].push_back(PackageJson(spec, package));
  }
  return {.operation = Operation::kShip,
          .target = absl::StrCat("/api/shipments/", Version(account, "ship"), "/ship"),
          .body = Dump({{"ShipmentRequest",
                         {{"Request", {{"RequestOption", "nonvalidate"}, {"SubVersion", "2205"}}},
                          {"Shipment", std::move(shipment)},
                          {"LabelSpecification", LabelSpecification(spec.label_format())}}}})};
}

WireRequest VoidRequest(const pb::Account& account, std::string_view ups_shipment_id) {
  return {.operation = Operation::kVoid,
          .method = "DELETE",
          .target = absl::StrCat("/api/shipments/", Version(account, "void"), "/void/cancel/",
                                 Escape(ups_shipment_id))};
}

WireRequest RecoveryByReferenceRequest(const pb::Account& account, std::string_view reference,
                                       std::string_view label_format) {
  const Json values = {{"ReferenceNumber", {{"Value", std::string(reference)}}},
                       {"ShipperNumber", account.shipper_number()}};
  return {.operation = Operation::kRecovery,
          .target = absl::StrCat("/api/labels/", Version(account, "recovery"), "/recovery"),
          .body = Dump({{"LabelRecoveryRequest",
                         {{"Request", Json::object()},
                          {"LabelSpecification", LabelSpecification(label_format)},
                          {"ReferenceValues", values}}}})};
}

WireRequest RecoveryByNumberRequest(const pb::Account& account, std::string_view tracking_number,
                                    std::string_view label_format) {
  return {.operation = Operation::kRecovery,
          .target = absl::StrCat("/api/labels/", Version(account, "recovery"), "/recovery"),
          .body = Dump({{"LabelRecoveryRequest",
                         {{"Request", Json::object()},
                          {"LabelSpecification", LabelSpecification(label_format)},
                          {"TrackingNumber", std::string(tracking_number)}}}})};
}

WireRequest TrackRequest(std::string_view tracking_number) {
  return {
      .operation = Operation::kTrack,
      .method = "GET",
      .target = absl::StrCat("/api/track/v1/details/", Escape(tracking_number), "?locale=en_US")};
}

WireRequest TrackReferenceRequest(const pb::Account& account, std::string_view reference,
                                  absl::CivilDay from, absl::CivilDay to) {
  const auto day = [](absl::CivilDay date) {
    return absl::FormatTime("%Y%m%d", absl::FromCivil(date, absl::UTCTimeZone()),
                            absl::UTCTimeZone());
  };
  return {.operation = Operation::kTrackReference,
          .method = "GET",
          .target = absl::StrCat(
              "/api/track/v1/reference/details/", Escape(reference),
              "?locale=en_US&fromPickUpDate=", day(from), "&toPickUpDate=", day(to),
              "&shipperNum=", Escape(account.shipper_number()), "&refNumType=SmallPackage")};
}

WireRequest SubscribeRequest(const pb::Account& account,
                             const std::vector<std::string>& tracking_numbers) {
  return {
      .operation = Operation::kSubscribe,
      .target = absl::StrCat("/api/track/", Version(account, "track_alert"),
                             "/subscription/standard/package"),
      .body = Dump(
          {{"locale", "en_US"}, {"countryCode", "US"}, {"trackingNumberList", tracking_numbers}})};
}

}  // namespace psups::ups_gateway
