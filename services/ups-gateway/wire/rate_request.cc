#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/request_json.h"
#include "services/ups-gateway/wire/shipment_json.h"
#include "services/ups-gateway/wire/ups_requests.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr char kVersion[] = "v2409";
constexpr char kDailyPickup[] = "01";
constexpr char kNoDocuments[] = "03";
constexpr std::size_t kStateCharacters = 2;

// Rating takes states of two letters only, where ship takes some of three.
Json RatedAddress(Json address) {
  const auto state = address.find("StateProvinceCode");
  if (state != address.end() && state->get_ref<const std::string&>().size() != kStateCharacters) {
    address.erase(state);
  }
  return {{"Address", std::move(address)}};
}

// Unlike ship it wants units in words.
Json Unit(const char* code, const char* description) {
  return {{"Code", code}, {"Description", description}};
}

Json RatedPackage(const pb::ShipmentSpec& spec, const pb::PackageSpec& package) {
  Json json = PackageJson(spec, package);
  json["PackagingType"] = {{"Code", PackagingCode(package)}};
  json["Dimensions"]["UnitOfMeasurement"] = Unit("IN", "Inches");
  json["PackageWeight"]["UnitOfMeasurement"] = Unit("LBS", "Pounds");
  return json;
}

std::string TotalPounds(const pb::ShipmentSpec& spec) {
  Decimal total;
  for (const pb::PackageSpec& package : spec.packages()) {
    const absl::StatusOr<Decimal> weight = Decimal::Parse(package.weight_lb());
    if (weight.ok()) total = total + *weight;
  }
  return total.ToString();
}

}  // namespace

WireRequest RateRequest(const pb::Account& account, const pb::ShipmentSpec& spec) {
  Json shipper = RatedAddress(AddressJson(account.shipper()));
  shipper["ShipperNumber"] = account.shipper_number();
  Json shipment = {{"Shipper", std::move(shipper)},
                   {"ShipTo", RatedAddress(ShipToAddressJson(spec.ship_to()))},
                   {"ShipFrom", RatedAddress(AddressJson(spec.ship_from()))},
                   {"PaymentDetails", PaymentJson(account, spec)},
                   {"ShipmentRatingOptions", {{"NegotiatedRatesIndicator", ""}}},
                   {"Package", Json::array()}};
  for (const pb::PackageSpec& package : spec.packages()) {
    shipment["Package"].push_back(RatedPackage(spec, package));
  }
  if (!spec.service_code().empty()) shipment["Service"] = {{"Code", spec.service_code()}};
  if (Json options = ServiceOptionsJson(spec); !options.empty()) {
    shipment["ShipmentServiceOptions"] = std::move(options);
  }
  const bool has_value = CountriesDiffer(spec) && spec.invoice_total().amount_minor() > 0;
  if (has_value) shipment["InvoiceLineTotal"] = MoneyJson(spec.invoice_total());
  // Across a border UPS refuses to say how long it takes if it does not know the goods' value.
  const bool timed = has_value || !CountriesDiffer(spec);
  if (timed) {
    Json& delivery = shipment["DeliveryTimeInformation"];
    delivery["PackageBillType"] = kNoDocuments;
    if (!spec.ship_date().empty()) delivery["Pickup"]["Date"] = spec.ship_date();
    shipment["ShipmentTotalWeight"] = {{"UnitOfMeasurement", Unit("LBS", "Pounds")},
                                       {"Weight", TotalPounds(spec)}};
  }
  const std::string option =
      absl::StrCat(spec.service_code().empty() ? "Shop" : "Rate", timed ? "timeintransit" : "");
  // An account from before rates were asked for has no version of it.
  const std::string version = Version(account, "rating");
  return {.operation = Operation::kRating,
          .target = absl::StrCat("/api/rating/", version.empty() ? kVersion : version, "/", option),
          .body = Dump({{"RateRequest",
                         {{"Request", {{"RequestOption", option}, {"SubVersion", "2205"}}},
                          {"PickupType", {{"Code", kDailyPickup}}},
                          {"Shipment", std::move(shipment)}}}})};
}

}  // namespace psups::ups_gateway
