#include "tests/sandbox/ups/ship.h"

#include "absl/strings/str_format.h"
#include "tests/sandbox/ups/checks.h"
#include "tests/sandbox/ups/label.h"
#include "tests/sandbox/ups/services.h"
#include "tests/sandbox/ups/ship_rules.h"

namespace psups::ups_sandbox {
namespace {

Place PlaceOf(const Json& party) {
  Place place{.city = TextAt(party, {"Address", "City"}),
              .state = TextAt(party, {"Address", "StateProvinceCode"}),
              .postal = TextAt(party, {"Address", "PostalCode"}),
              .country = TextAt(party, {"Address", "CountryCode"})};
  if (place.country == "US") place.postal = place.postal.substr(0, 5);
  return place;
}

std::vector<std::string> References(const Json& list) {
  std::vector<std::string> values;
  if (!list.is_array()) return values;
  for (const Json& reference : list) values.push_back(TextAt(reference, {"Value"}));
  return values;
}

Json PackageResult(const std::string& tracking_number, const std::string& format, long cents,
                   int label_bytes) {
  Json label = {{"ImageFormat", {{"Code", format}, {"Description", format}}},
                {"GraphicImage", LabelImage(tracking_number, format, label_bytes)}};
  if (format == "GIF") label["HTMLImage"] = LabelPage(tracking_number);
  return {{"TrackingNumber", tracking_number},
          {"BaseServiceCharge", Money(cents)},
          {"ServiceOptionsCharges", Money(0)},
          {"ShippingLabel", std::move(label)}};
}

}  // namespace

ShipResult Ship(Parcels& parcels, const Client& client, const HttpServerRequest& request,
                int label_bytes, absl::Time now) {
  Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded())
    return {.response = ToResponse(UpsError{400, "10001", "The request is not well-formed JSON"})};
  NewShipment fresh;
  fresh.request =
      At(body, {"ShipmentRequest"}).dump(-1, ' ', false, Json::error_handler_t::replace);
  MakeLists(body);
  if (const auto refusal = CheckShipRequest(body, client, now))
    return {.response = ToResponse(*refusal)};

  const Json& ship_request = At(body, {"ShipmentRequest"});
  const Json header = SuccessHeader(At(ship_request, {"Request"}));
  const std::string format =
      TextAt(ship_request, {"LabelSpecification", "LabelImageFormat", "Code"});
  const Json& shipment = At(ship_request, {"Shipment"});
  const bool negotiated =
      At(shipment, {"ShipmentRatingOptions"}).is_object() &&
      At(shipment, {"ShipmentRatingOptions"}).contains("NegotiatedRatesIndicator");

  fresh.account = TextAt(shipment, {"Shipper", "ShipperNumber"});
  fresh.service = TextAt(shipment, {"Service", "Code"});
  fresh.from = PlaceOf(ShipFromOrShipper(shipment));
  fresh.to = PlaceOf(At(shipment, {"ShipTo"}));
  fresh.shipment_references = References(At(shipment, {"ReferenceNumber"}));
  fresh.call_id = std::string(FindHeader(request.headers, "transId"));
  const Json& packages_asked = At(shipment, {"Package"});
  for (const Json& package : packages_asked) {
    fresh.package_references.push_back(References(At(package, {"ReferenceNumber"})));
    fresh.package_weights.push_back(TextAt(package, {"PackageWeight", "Weight"}));
  }
  const Charges charges = ChargesOf(packages_asked, *FindService(fresh.service));
  fresh.charges_cents = charges.cents;
  ShipmentView made = parcels.Create(std::move(fresh));

  Json packages = Json::array();
  for (std::size_t i = 0; i < made.packages.size(); ++i) {
    packages.push_back(PackageResult(made.packages[i].tracking_number, format,
                                     charges.package_cents[i], label_bytes));
  }
  Json results = {{"ShipmentIdentificationNumber", made.shipment_id},
                  {"BillingWeight",
                   {{"UnitOfMeasurement", {{"Code", "LBS"}, {"Description", "Pounds"}}},
                    {"Weight", absl::StrFormat("%d.0", charges.pounds)}}},
                  {"ShipmentCharges",
                   {{"TransportationCharges", Money(charges.cents)},
                    {"ServiceOptionsCharges", Money(0)},
                    {"TotalCharges", Money(charges.cents)}}},
                  {"PackageResults", std::move(packages)}};
  if (negotiated)
    results["NegotiatedRateCharges"] = {{"TotalCharge", Money(NegotiatedCents(charges.cents))}};
  return {
      .response = ToResponse(Json{
          {"ShipmentResponse", {{"Response", header}, {"ShipmentResults", std::move(results)}}}}),
      .made = std::move(made)};
}

}  // namespace psups::ups_sandbox
