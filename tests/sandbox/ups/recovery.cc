#include "tests/sandbox/ups/recovery.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/label.h"
#include "tests/sandbox/ups/local_time.h"
#include "tests/sandbox/ups/tracking_number.h"

namespace psups::ups_sandbox {
namespace {

constexpr std::size_t kMostCandidates = 50;
constexpr std::size_t kMostPackages = 100;

const UpsError kVoided{400, "300033", "The label cannot be recovered: the shipment was voided"};

Json Label(const std::string& number, const std::string& format, int label_bytes) {
  Json image = {{"LabelImageFormat", {{"Code", absl::AsciiStrToLower(format)}}},
                {"GraphicImage", LabelImage(number, format, label_bytes)}};
  if (format == "GIF") image["HTMLImage"] = LabelPage(number);
  return {{"TrackingNumber", number}, {"LabelImage", std::move(image)}};
}

HttpResponse Recovered(const Json& header, const ShipmentView& shipment,
                       const std::string& only_number, const std::string& format, int label_bytes) {
  Json labels = Json::array();
  for (const PackageView& package : shipment.packages) {
    if (package.voided) continue;
    if (!only_number.empty() && package.tracking_number != only_number) continue;
    labels.push_back(Label(package.tracking_number, format, label_bytes));
  }
  if (labels.empty()) return ToResponse(kVoided);
  if (labels.size() > kMostPackages)
    return ToResponse(UpsError{400, "300003", "Too many packages for a recovery"});
  return ToResponse(Json{{"LabelRecoveryResponse",
                          {{"Response", header},
                           {"ShipmentIdentificationNumber", shipment.shipment_id},
                           {"LabelResults", std::move(labels)}}}});
}

HttpResponse Candidates(const Json& header, const std::vector<ShipmentView>& shipments) {
  Json candidates = Json::array();
  for (const ShipmentView& shipment : shipments) {
    candidates.push_back({{"TrackingNumber", shipment.shipment_id},
                          {"DestinationPostalCode", shipment.to.postal},
                          {"DestinationCountryCode", shipment.to.country},
                          {"PickupDateRange",
                           {{"BeginDate", FormatDate(shipment.created)},
                            {"EndDate", FormatDate(shipment.created + absl::Hours(24 * 30))}}}});
  }
  return ToResponse(Json{{"LabelRecoveryResponse",
                          {{"Response", header},
                           {"LabelResults", Json::array()},
                           {"TrackingCandidate", std::move(candidates)}}}});
}

}  // namespace

UpsError RecoveryNotFound() {
  return {400, "300007", "The shipment was not found or has not been processed yet"};
}

HttpResponse RecoverLabel(const Parcels& parcels, const Client& client,
                          const HttpServerRequest& request, absl::Time until, int label_bytes) {
  const Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded())
    return ToResponse(UpsError{400, "10001", "The request is not well-formed JSON"});
  const Json& wanted = At(body, {"LabelRecoveryRequest"});
  if (!wanted.is_object() || !At(wanted, {"Request"}).is_object())
    return ToResponse(UpsError{400, "20007", "Missing required field: Request"});
  if (const auto path = FirstNonText(wanted))
    return ToResponse(UpsError{400, "10002", absl::StrCat(*path, " must be a text")});
  std::string format = "GIF";
  if (wanted.contains("LabelSpecification")) {
    static const auto* const formats = new std::set<std::string>{"GIF", "PDF", "ZPL", "EPL", "SPL"};
    const std::string asked = TextAt(wanted, {"LabelSpecification", "LabelImageFormat", "Code"});
    if (!asked.empty()) format = asked;
    if (formats->count(format) == 0)
      return ToResponse(UpsError{400, "20008", "LabelImageFormat.Code is not valid"});
  }
  const Json header = SuccessHeader(At(wanted, {"Request"}));

  if (wanted.contains("TrackingNumber")) {
    const std::string number = TextAt(wanted, {"TrackingNumber"});
    if (!LooksLike1Z(number))
      return ToResponse(UpsError{400, "300014", "The tracking number is not valid"});
    const auto shipment = parcels.FindByPackage(number, until);
    if (!shipment || !client.Owns(shipment->account)) return ToResponse(RecoveryNotFound());
    const bool whole = number == shipment->shipment_id;
    return Recovered(header, *shipment, whole ? "" : number, format, label_bytes);
  }
  if (!wanted.contains("ReferenceValues"))
    return ToResponse(UpsError{400, "300005", "A tracking number or a reference is required"});
  const std::string reference = TextAt(wanted, {"ReferenceValues", "ReferenceNumber", "Value"});
  const std::string account = TextAt(wanted, {"ReferenceValues", "ShipperNumber"});
  if (reference.empty() || reference.size() > 35)
    return ToResponse(UpsError{400, "300030", "The reference number is not valid"});
  if (account.size() != 6 || !client.Owns(account))
    return ToResponse(UpsError{400, "300031", "The shipper number is not valid"});
  const std::vector<ShipmentView> found = parcels.FindByReference(account, reference, until);
  if (found.empty()) return ToResponse(RecoveryNotFound());
  std::vector<ShipmentView> live;
  for (const ShipmentView& shipment : found) {
    if (!shipment.voided) live.push_back(shipment);
  }
  if (live.empty()) return ToResponse(kVoided);
  if (live.size() == 1) return Recovered(header, live[0], "", format, label_bytes);
  if (live.size() > kMostCandidates)
    return ToResponse(UpsError{400, "300035", "Too many shipments have this reference"});
  return Candidates(header, live);
}

}  // namespace psups::ups_sandbox
