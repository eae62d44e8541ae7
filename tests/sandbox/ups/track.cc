#include "tests/sandbox/ups/track.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/local_time.h"

namespace psups::ups_sandbox {
namespace {

constexpr std::size_t kDefaultPage = 50;
constexpr std::size_t kShortestInquiry = 7;

std::string ServiceName(const std::string& code) {
  if (code == "01") return "UPS Next Day Air";
  if (code == "02") return "UPS 2nd Day Air";
  if (code == "03") return "UPS Ground";
  if (code == "12") return "UPS 3 Day Select";
  return "UPS Service " + code;
}

Json Address(const Place& place) {
  Json address = {{"countryCode", place.country}, {"country", place.country}};
  if (!place.city.empty()) address["city"] = place.city;
  if (!place.state.empty()) address["stateProvince"] = place.state;
  if (!place.postal.empty()) address["postalCode"] = place.postal;
  return address;
}

Json Status(const Event& event) {
  return {{"type", event.type},
          {"code", event.code},
          {"statusCode", event.status_code},
          {"description", event.description},
          {"simplifiedTextDescription", event.description}};
}

Json Activity(const Event& event, GmtForm gmt) {
  Json activity = {{"date", event.stamp.date},
                   {"time", event.stamp.time},
                   {"status", Status(event)},
                   {"location", {{"address", Address(event.place)}}}};
  if (gmt == GmtForm::kMissing) return activity;
  activity["gmtDate"] = event.stamp.gmt_date;
  activity["gmtTime"] = event.stamp.gmt_time;
  activity["gmtOffset"] = event.stamp.gmt_offset;
  if (gmt == GmtForm::kShort && event.stamp.gmt_time[0] == '0')
    activity["gmtTime"] = event.stamp.gmt_time.substr(1);
  return activity;
}

// Fills in what the events tell; they come oldest first and are shown newest first.
void AddEvents(std::vector<Event> events, GmtForm gmt, Json& package) {
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.moment < b.moment; });
  Json activities = Json::array();
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    activities.push_back(Activity(*event, gmt));
  package["activity"] = std::move(activities);
  if (events.empty()) return;
  package["currentStatus"] = Status(events.back());
  const auto delivered = std::find_if(events.rbegin(), events.rend(), [](const Event& event) {
    return event.type == "D" && event.status_code == "011";
  });
  if (delivered == events.rend()) return;
  package["deliveryDate"] = Json::array({Json{{"type", "DEL"}, {"date", delivered->stamp.date}}});
  package["deliveryTime"] = {{"type", "DEL"}, {"endTime", delivered->stamp.time}};
  package["deliveryInformation"] = {{"location", "DOCK"}, {"receivedBy", "RECEIVING"}};
}

Json Package(const ShipmentView& shipment, const PackageView& view, GmtForm gmt) {
  Json references = Json::array();
  for (const std::string& reference : shipment.shipment_references)
    references.push_back({{"type", "SHIPMENT"}, {"number", reference}});
  for (const std::string& reference : view.references)
    references.push_back({{"type", "PACKAGE"}, {"number", reference}});
  Json package = {{"trackingNumber", view.tracking_number},
                  {"packageCount", shipment.packages.size()},
                  {"referenceNumber", std::move(references)},
                  {"service",
                   {{"code", shipment.service},
                    {"levelCode", "0" + shipment.service},
                    {"description", ServiceName(shipment.service)}}},
                  {"weight", {{"unitOfMeasurement", "LBS"}, {"weight", view.weight}}},
                  {"packageAddress",
                   {{{"type", "ORIGIN"}, {"address", Address(shipment.from)}},
                    {{"type", "DESTINATION"}, {"address", Address(shipment.to)}}}}};
  AddEvents(view.events, gmt, package);
  return package;
}

HttpResponse Reply(Json shipments) {
  return ToResponse(Json{{"trackResponse", {{"shipment", std::move(shipments)}}}});
}

Json Shipment(const std::string& inquiry, Json packages) {
  return {{"inquiryNumber", inquiry}, {"package", std::move(packages)}};
}

std::optional<HttpResponse> Refusal(const HttpServerRequest& request, std::size_t length,
                                    std::size_t least) {
  for (const char* header : {"transId", "transactionSrc"}) {
    if (FindHeader(request.headers, header).empty())
      return ToResponse(UpsError{400, "10003", absl::StrCat(header, " header is missing")});
  }
  if (length < least || length > 34)
    return ToResponse(UpsError{400, "TV1002", "Invalid inquiry number"});
  return std::nullopt;
}

std::size_t NumberOr(const std::optional<std::string>& text, std::size_t otherwise) {
  std::size_t value = 0;
  return text && absl::SimpleAtoi(*text, &value) ? value : otherwise;
}

}  // namespace

HttpResponse TrackNotFound(const std::string& inquiry) {
  const Json warning = {{"code", "TW0001"}, {"message", "Tracking Information Not Found"}};
  return Reply(
      Json::array({Json{{"inquiryNumber", inquiry}, {"warnings", Json::array({warning})}}}));
}

HttpResponse TrackDetails(const Parcels& parcels, const std::string& number,
                          const HttpServerRequest& request, const TrackForm& form) {
  if (auto refusal = Refusal(request, number.size(), kShortestInquiry)) return *refusal;
  if (const auto shipment = parcels.FindByPackage(number, form.until)) {
    for (const PackageView& package : shipment->packages) {
      if (package.tracking_number == number)
        return Reply(
            Json::array({Shipment(number, Json::array({Package(*shipment, package, form.gmt)}))}));
    }
  }
  if (auto events = parcels.LooseEvents(number); events && !events->empty()) {
    Json package = {{"trackingNumber", number}, {"packageCount", 1}};
    AddEvents(*std::move(events), form.gmt, package);
    return Reply(Json::array({Shipment(number, Json::array({std::move(package)}))}));
  }
  return TrackNotFound(number);
}

HttpResponse TrackReference(const Parcels& parcels, const std::string& reference,
                            const HttpServerRequest& request, const TrackForm& form,
                            absl::Time now) {
  if (auto refusal = Refusal(request, reference.size(), 1)) return *refusal;
  const std::string from =
      QueryValue(request.query, "fromPickUpDate").value_or(FormatDate(now - absl::Hours(24 * 14)));
  const std::string to = QueryValue(request.query, "toPickUpDate").value_or(FormatDate(now));
  Json shipments = Json::array();
  for (const ShipmentView& shipment : parcels.FindByReference(
           QueryValue(request.query, "shipperNum").value_or(""), reference, form.until)) {
    const std::string created = FormatDate(shipment.created);
    if (created < from || created > to) continue;
    Json packages = Json::array();
    for (const PackageView& package : shipment.packages)
      packages.push_back(Package(shipment, package, form.gmt));
    shipments.push_back(Shipment(reference, std::move(packages)));
  }
  return shipments.empty() ? TrackNotFound(reference) : Reply(std::move(shipments));
}

HttpResponse TrackShipment(const Parcels& parcels, const std::string& number,
                           const HttpServerRequest& request, const TrackForm& form) {
  if (auto refusal = Refusal(request, number.size(), kShortestInquiry)) return *refusal;
  const auto shipment = parcels.FindByPackage(number, form.until);
  if (!shipment) return TrackNotFound(number);
  const std::size_t offset = NumberOr(QueryValue(request.query, "offset"), 0);
  const std::size_t count = NumberOr(QueryValue(request.query, "count"), kDefaultPage);
  Json packages = Json::array();
  for (std::size_t i = offset; i < shipment->packages.size() && i - offset < count; ++i)
    packages.push_back(Package(*shipment, shipment->packages[i], form.gmt));
  return Reply(Json::array({Shipment(number, std::move(packages))}));
}

}  // namespace psups::ups_sandbox
