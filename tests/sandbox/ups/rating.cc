#include "tests/sandbox/ups/rating.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sandbox/ups/checks.h"
#include "tests/sandbox/ups/rating_rules.h"
#include "tests/sandbox/ups/services.h"

namespace psups::ups_sandbox {
namespace {

std::string DayText(absl::CivilDay day) {
  return absl::StrFormat("%04d%02d%02d", day.year(), day.month(), day.day());
}

std::string WeekdayText(absl::CivilDay day) {
  static constexpr const char* kNames[] = {"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"};
  return kNames[static_cast<int>(absl::GetWeekday(day))];
}

Json Weight(long pounds) {
  return {{"UnitOfMeasurement", {{"Code", "LBS"}, {"Description", "Pounds"}}},
          {"Weight", absl::StrCat(pounds, pounds < 1000 ? ".0" : "")}};
}

// What is asked, taken apart.
struct Asked {
  const Json& shipment;
  bool negotiated = false;
  bool time_in_transit = false;
  absl::CivilDay pickup = {};
};

Json TimeInTransit(const Asked& asked, const Service& service) {
  const int days =
      BusinessDays(service, TextAt(ShipFromOrShipper(asked.shipment), {"Address", "PostalCode"}),
                   TextAt(asked.shipment, {"ShipTo", "Address", "PostalCode"}));
  const absl::CivilDay leaves = BusinessDay(asked.pickup);
  const absl::CivilDay arrives = AfterBusinessDays(leaves, days);
  return {
      {"PickupDate", DayText(asked.pickup)},
      {"PackageBillType", TextAt(asked.shipment, {"DeliveryTimeInformation", "PackageBillType"})},
      {"ServiceSummary",
       {{"Service", {{"Description", service.name}}},
        {"SaturdayDelivery", "0"},
        {"EstimatedArrival",
         {{"Arrival", {{"Date", DayText(arrives)}, {"Time", service.by}}},
          {"BusinessDaysInTransit", absl::StrCat(days)},
          {"Pickup", {{"Date", DayText(leaves)}, {"Time", "170000"}}},
          {"DayOfWeek", WeekdayText(arrives)},
          {"CustomerCenterCutoff", "160000"}}}}}};
}

Json RatedShipment(const Asked& asked, const Service& service) {
  const Charges charges = ChargesOf(At(asked.shipment, {"Package"}), service);
  Json packages = Json::array();
  for (std::size_t i = 0; i < charges.package_cents.size(); ++i) {
    packages.push_back({{"TransportationCharges", Money(charges.package_cents[i])},
                        {"ServiceOptionsCharges", Money(0)},
                        {"TotalCharges", Money(charges.package_cents[i])},
                        {"BillingWeight", Weight(charges.package_pounds[i])}});
  }
  Json rated = {{"Service", {{"Code", service.code}, {"Description", service.name}}},
                {"RatedShipmentAlert",
                 Json::array({{{"Code", "110971"},
                               {"Description", "The invoice may differ from the rates."}}})},
                {"BillingWeight", Weight(charges.pounds)},
                {"TransportationCharges", Money(charges.cents)},
                {"ServiceOptionsCharges", Money(0)},
                {"TotalCharges", Money(charges.cents)},
                {"RatedPackage", std::move(packages)}};
  if (asked.negotiated) {
    rated["NegotiatedRateCharges"] = {{"TotalCharge", Money(NegotiatedCents(charges.cents))}};
  }
  if (asked.time_in_transit) rated["TimeInTransit"] = TimeInTransit(asked, service);
  return rated;
}

}  // namespace

HttpResponse Rate(const std::string& option, const Client& client, const HttpServerRequest& request,
                  absl::Time now) {
  const auto wanted =
      ReadRateOption(option, QueryValue(request.query, "additionalinfo").value_or(""));
  if (!wanted) return ToResponse(UpsError{400, "20006", "The request option is not valid"});
  Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded())
    return ToResponse(UpsError{400, "10001", "The request is not well-formed JSON"});
  MakeRateLists(body);
  if (const auto refusal = CheckRateRequest(body, *wanted, client, now))
    return ToResponse(*refusal);

  const Json& shipment = At(body, {"RateRequest", "Shipment"});
  const Json& options = At(shipment, {"ShipmentRatingOptions"});
  const Json& delivery = At(shipment, {"DeliveryTimeInformation"});
  const Asked asked = {.shipment = shipment,
                       .negotiated = options.is_object() &&
                                     options.contains("NegotiatedRatesIndicator") &&
                                     !TextAt(shipment, {"Shipper", "ShipperNumber"}).empty(),
                       .time_in_transit = wanted->time_in_transit && delivery.is_object(),
                       .pickup = Day(TextAt(delivery, {"Pickup", "Date"}))
                                     .value_or(absl::ToCivilDay(now, absl::UTCTimeZone()))};
  const std::vector<const Service*> services =
      wanted->all_services
          ? ServicesBetween(TextAt(ShipFromOrShipper(shipment), {"Address", "CountryCode"}),
                            TextAt(shipment, {"ShipTo", "Address", "CountryCode"}))
          : std::vector<const Service*>{FindService(TextAt(shipment, {"Service", "Code"}))};
  Json rated = Json::array();
  for (const Service* service : services) rated.push_back(RatedShipment(asked, *service));
  return ToResponse(Json{{"RateResponse",
                          {{"Response", SuccessHeader(At(body, {"RateRequest", "Request"}))},
                           {"RatedShipment", std::move(rated)}}}});
}

}  // namespace psups::ups_sandbox
