#include "tests/sandbox/ups/void_shipment.h"

#include <algorithm>

#include "tests/sandbox/ups/tracking_number.h"

namespace psups::ups_sandbox {
namespace {

// One number, or a JSON list of them; empty if it is neither.
std::set<std::string> NamedPackages(const std::string& value) {
  std::set<std::string> numbers;
  if (!value.starts_with('[')) return {value};
  const Json list = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return {};
  for (const Json& number : list) {
    if (!number.is_string()) return {};
    numbers.insert(number.get<std::string>());
  }
  return numbers;
}

bool HasPackage(const ShipmentView& shipment, const std::string& number) {
  return std::any_of(shipment.packages.begin(), shipment.packages.end(),
                     [&](const PackageView& p) { return p.tracking_number == number; });
}

Json PackageStatus(const std::string& number, bool voided) {
  return {{"TrackingNumber", number},
          {"Status",
           {{"Code", voided ? "1" : "0"}, {"Description", voided ? "Voided" : "Not Voided"}}}};
}

HttpResponse Voided(Json packages) {
  return ToResponse(
      Json{{"VoidShipmentResponse",
            {{"Response", SuccessHeader(Json())},
             {"SummaryResult", {{"Status", {{"Code", "1"}, {"Description", "Voided"}}}}},
             {"PackageLevelResults", std::move(packages)}}}});
}

const UpsError kAlreadyVoided{400, "190117", "The shipment has already been voided."};

}  // namespace

UpsError VoidNotFound() {
  return {400, "190102", "No shipment found within the allowed void period"};
}

HttpResponse VoidShipment(Parcels& parcels, const Client& client, const std::string& shipment_id,
                          const HttpServerRequest& request) {
  if (!LooksLike1Z(shipment_id))
    return ToResponse(UpsError{400, "190109", "The shipment identification number is not valid"});
  const auto shipment = parcels.FindShipment(shipment_id);
  if (!shipment || !client.Owns(shipment->account)) return ToResponse(VoidNotFound());
  const auto wanted = QueryValue(request.query, "trackingnumber");
  std::set<std::string> named;
  if (wanted) {
    named = NamedPackages(*wanted);
    if (named.empty() || named.size() > 20)
      return ToResponse(UpsError{400, "190110", "The tracking numbers are not valid"});
    if (std::none_of(named.begin(), named.end(),
                     [&](const std::string& number) { return HasPackage(*shipment, number); }))
      return ToResponse(VoidNotFound());
  } else {
    for (const PackageView& package : shipment->packages) named.insert(package.tracking_number);
  }
  if (shipment->voided) return ToResponse(kAlreadyVoided);
  if (shipment->picked_up)
    return ToResponse(UpsError{400, "190103", "The pickup request has already been completed."});

  const int voided = parcels.Void(shipment_id, named);
  if (voided == 0 && !wanted) return ToResponse(kAlreadyVoided);  // another call was faster
  Json packages = Json::array();
  for (const std::string& number : named)
    packages.push_back(PackageStatus(number, HasPackage(*shipment, number)));
  return Voided(std::move(packages));
}

}  // namespace psups::ups_sandbox
