#include "services/ups-gateway/wire/ups_replies.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/decimal.h"
#include "common/status_macros.h"
#include "services/ups-gateway/wire/id_check.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/reply_values.h"
#include "services/ups-gateway/wire/tracking_time.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

std::string UpperText(const Json& object, std::string_view key) {
  return absl::AsciiStrToUpper(Text(object, key));
}

void AddAlerts(const Json& response, pb::Call::Result& result) {
  for (std::string& alert : ReadAlerts(response, "Alert")) result.add_alerts(std::move(alert));
}

// The image of {"GraphicImage": base64, …}; DATA_LOSS if there is none.
absl::StatusOr<std::string> ReadImage(const Json& label, std::string_view what) {
  const Json& image = At(label, "GraphicImage");
  if (!image.is_string()) return Unreadable(what);
  absl::StatusOr<std::string> bytes = FromBase64(image.get_ref<const std::string&>());
  if (!bytes.ok() || bytes->empty()) return Unreadable(what);
  return bytes;
}

pb::ValidateAddressResponse::Classification ReadClassification(const Json& object) {
  const std::string code = Text(At(object, "AddressClassification"), "Code");
  if (code == "1") return pb::ValidateAddressResponse::COMMERCIAL;
  if (code == "2") return pb::ValidateAddressResponse::RESIDENTIAL;
  return pb::ValidateAddressResponse::CLASSIFICATION_UNSPECIFIED;
}

pb::ValidateAddressResponse::Candidate ReadCandidate(const Json& candidate) {
  pb::ValidateAddressResponse::Candidate read;
  const Json& key = At(candidate, "AddressKeyFormat");
  type::v1::Address& address = *read.mutable_address();
  for (std::string& line : Texts(key, "AddressLine")) address.add_lines(std::move(line));
  address.set_city(Text(key, "PoliticalDivision2"));
  address.set_state(Text(key, "PoliticalDivision1"));
  address.set_postal_code(Text(key, "PostcodePrimaryLow"));
  if (const std::string extended = Text(key, "PostcodeExtendedLow"); !extended.empty()) {
    absl::StrAppend(address.mutable_postal_code(), "-", extended);
  }
  address.set_country_code(Text(key, "CountryCode"));
  address.set_urbanization(Text(key, "Urbanization"));
  read.set_classification(ReadClassification(candidate));
  return read;
}

pb::TrackingActivity ReadActivity(const Json& activity, std::string_view tracking_number) {
  pb::TrackingActivity read;
  const Json& status = At(activity, "status");
  const Json& address = At(At(activity, "location"), "address");
  read.set_tracking_number(std::string(tracking_number));
  read.set_type(Text(status, "type"));
  read.set_code(Text(status, "code"));
  read.set_status_code(Text(status, "statusCode"));
  read.set_description(Text(status, "description"));
  read.set_city(Text(address, "city"));
  read.set_state(Text(address, "stateProvince"));
  read.set_country_code(Text(address, "countryCode"));
  if (read.country_code().empty()) read.set_country_code(Text(address, "country"));
  SetTimes({.local_date = Text(activity, "date"),
            .local_time = Text(activity, "time"),
            .gmt_date = Text(activity, "gmtDate"),
            .gmt_time = Text(activity, "gmtTime"),
            .gmt_offset = Text(activity, "gmtOffset")},
           read);
  return read;
}

// Oldest first: UPS gives the newest first, and where times are equal its order counts.
void ReadActivities(const Json& package, std::string_view tracking_number,
                    std::vector<pb::TrackingActivity>& activities) {
  const std::vector<const Json*> newest_first = Many(package, "activity");
  for (auto activity = newest_first.rbegin(); activity != newest_first.rend(); ++activity) {
    activities.push_back(ReadActivity(**activity, tracking_number));
  }
}

}  // namespace

absl::StatusOr<TokenReply> ParseTokenReply(std::string_view body) {
  const Json json = ParseJson(body);
  TokenReply reply{.access_token = Text(json, "access_token")};
  if (reply.access_token.empty()) return Unreadable("a token request");
  const absl::StatusOr<Decimal> seconds = Decimal::Parse(Text(json, "expires_in"));
  if (seconds.ok() && seconds->Floor() > 0) reply.lifetime = absl::Seconds(seconds->Floor());
  return reply;
}

absl::StatusOr<pb::ValidateAddressResponse> ParseAddressReply(std::string_view body) {
  const Json json = ParseJson(body);
  const Json& xav = At(json, "XAVResponse");
  pb::ValidateAddressResponse response;
  if (Present(xav, "ValidAddressIndicator")) {
    response.set_verdict(pb::ValidateAddressResponse::VALID);
  } else if (Present(xav, "AmbiguousAddressIndicator")) {
    response.set_verdict(pb::ValidateAddressResponse::AMBIGUOUS);
  } else if (Present(xav, "NoCandidatesIndicator")) {
    response.set_verdict(pb::ValidateAddressResponse::NO_CANDIDATES);
  } else {
    return Unreadable("an address validation");
  }
  response.set_classification(ReadClassification(xav));
  for (const Json* candidate : Many(xav, "Candidate")) {
    *response.add_candidates() = ReadCandidate(*candidate);
  }
  return response;
}

absl::StatusOr<pb::Call::Result> ParseShipReply(std::string_view body,
                                                std::string_view label_format) {
  const Json json = ParseJson(body);
  const Json& response = At(json, "ShipmentResponse");
  const Json& results = At(response, "ShipmentResults");
  pb::Call::Result result;
  result.set_ups_shipment_id(Text(results, "ShipmentIdentificationNumber"));
  for (const Json* package : Many(results, "PackageResults")) {
    const Json& label = At(*package, "ShippingLabel");
    pb::Call::Result::Package& read = *result.add_packages();
    read.set_tracking_number(Text(*package, "TrackingNumber"));
    ASSIGN_OR_RETURN(*read.mutable_label(), ReadImage(label, "a shipment"));
    read.set_label_format(UpperText(At(label, "ImageFormat"), "Code"));
    if (read.label_format().empty()) read.set_label_format(LabelFormatAsked(label_format));
    if (read.tracking_number().empty()) return Unreadable("a shipment");
  }
  if (result.ups_shipment_id().empty() || result.packages().empty()) {
    return Unreadable("a shipment");
  }
  if (auto charges = ReadMoney(At(At(results, "ShipmentCharges"), "TotalCharges"))) {
    *result.mutable_charges() = *std::move(charges);
  }
  if (auto charges = ReadMoney(At(At(results, "NegotiatedRateCharges"), "TotalCharge"))) {
    *result.mutable_negotiated_charges() = *std::move(charges);
  }
  AddAlerts(At(response, "Response"), result);
  return result;
}

absl::StatusOr<RecoveryReply> ParseRecoveryReply(std::string_view body,
                                                 std::string_view label_format) {
  const Json json = ParseJson(body);
  const Json& response = At(json, "LabelRecoveryResponse");
  RecoveryReply reply;
  reply.candidates = static_cast<int>(Many(response, "TrackingCandidate").size());
  for (const Json* candidate : Many(response, "TrackingCandidate")) {
    std::string number = Text(*candidate, "TrackingNumber");
    if (CheckTrackingNumber(number, "TrackingNumber").ok()) {
      reply.candidate_numbers.push_back(std::move(number));
    }
  }
  if (reply.candidates > 0) return reply;
  reply.result.set_recovered(true);
  for (const Json* found : Many(response, "LabelResults")) {
    const Json& image = At(*found, "LabelImage");
    pb::Call::Result::Package& read = *reply.result.add_packages();
    read.set_tracking_number(Text(*found, "TrackingNumber"));
    ASSIGN_OR_RETURN(*read.mutable_label(), ReadImage(image, "a label recovery"));
    read.set_label_format(UpperText(At(image, "LabelImageFormat"), "Code"));
    if (read.label_format().empty()) read.set_label_format(LabelFormatAsked(label_format));
    if (read.tracking_number().empty()) return Unreadable("a label recovery");
  }
  if (reply.result.packages().empty()) return Unreadable("a label recovery");
  reply.result.set_ups_shipment_id(Text(response, "ShipmentIdentificationNumber"));
  if (reply.result.ups_shipment_id().empty()) {
    reply.result.set_ups_shipment_id(reply.result.packages(0).tracking_number());
  }
  AddAlerts(At(response, "Response"), reply.result);
  return reply;
}

absl::StatusOr<bool> ParseVoidReply(std::string_view body,
                                    const std::vector<std::string>& tracking_numbers) {
  const Json json = ParseJson(body);
  const Json& response = At(json, "VoidShipmentResponse");
  const std::string code = Text(At(At(response, "SummaryResult"), "Status"), "Code");
  if (code.empty()) return Unreadable("a void");
  std::map<std::string, bool> voided;
  for (const char* name : {"PackageLevelResults", "PackageLevelResult"}) {
    for (const Json* package : Many(response, name)) {
      voided[UpperText(*package, "TrackingNumber")] = Text(At(*package, "Status"), "Code") == "1";
    }
  }
  // Where single packages were asked for, the summary does not say of each.
  if (tracking_numbers.empty() || voided.empty()) return code == "1";
  for (const std::string& number : tracking_numbers) {
    if (!voided[number]) return false;
  }
  return true;
}

void SortByTime(std::vector<pb::TrackingActivity>& activities) {
  std::stable_sort(activities.begin(), activities.end(),
                   [](const pb::TrackingActivity& a, const pb::TrackingActivity& b) {
                     return a.event_time().seconds() < b.event_time().seconds();
                   });
}

absl::StatusOr<TrackedPackages> ParseTrackedPackages(std::string_view body) {
  const Json json = ParseJson(body);
  if (!At(json, "trackResponse").is_object()) return Unreadable("tracking");
  TrackedPackages tracked;
  for (const Json* shipment : Many(At(json, "trackResponse"), "shipment")) {
    for (const Json* package : Many(*shipment, "package")) {
      std::string number = Text(*package, "trackingNumber");
      if (!CheckTrackingNumber(number, "trackingNumber").ok()) continue;
      int count = 0;
      if (absl::SimpleAtoi(Text(*package, "packageCount"), &count)) {
        tracked.package_count = std::max(tracked.package_count, count);
      }
      ReadActivities(*package, number, tracked.activities);
      tracked.tracking_numbers.push_back(std::move(number));
    }
  }
  SortByTime(tracked.activities);
  return tracked;
}

absl::StatusOr<pb::TrackPackageResponse> ParseTrackReply(std::string_view body,
                                                         std::string_view tracking_number) {
  const Json json = ParseJson(body);
  if (!At(json, "trackResponse").is_object()) return Unreadable("tracking");
  std::vector<pb::TrackingActivity> activities;
  pb::TrackPackageResponse response;
  for (const Json* shipment : Many(At(json, "trackResponse"), "shipment")) {
    const std::vector<const Json*> packages = Many(*shipment, "package");
    for (const Json* package : packages) {
      const std::string number = Text(*package, "trackingNumber");
      const bool ours = absl::EqualsIgnoreCase(
          number, absl::string_view(tracking_number.data(), tracking_number.size()));
      if (!ours && !(number.empty() && packages.size() == 1)) continue;
      response.set_found(true);
      ReadActivities(*package, tracking_number, activities);
    }
  }
  if (response.found()) response.add_tracking_numbers(std::string(tracking_number));
  SortByTime(activities);
  *response.mutable_activities() = {std::make_move_iterator(activities.begin()),
                                    std::make_move_iterator(activities.end())};
  return response;
}

absl::StatusOr<std::vector<std::string>> ParseTrackReferenceReply(std::string_view body) {
  ASSIGN_OR_RETURN(TrackedPackages tracked, ParseTrackedPackages(body));
  return std::move(tracked.tracking_numbers);
}

absl::StatusOr<pb::SubscribePackagesResponse> ParseSubscribeReply(std::string_view body) {
  const Json json = ParseJson(body);
  if (!Present(json, "validTrackingNumbers") && !Present(json, "invalidTrackingNumbers")) {
    return Unreadable("a tracking subscription");
  }
  pb::SubscribePackagesResponse response;
  for (std::string& number : Texts(json, "validTrackingNumbers")) {
    response.add_valid_tracking_numbers(std::move(number));
  }
  for (std::string& number : Texts(json, "invalidTrackingNumbers")) {
    response.add_invalid_tracking_numbers(std::move(number));
  }
  return response;
}

std::string WithoutLabels(std::string_view body) {
  std::string kept;
  std::size_t from = 0;
  while (true) {
    std::size_t at = std::string_view::npos;
    for (const std::string_view key : {"\"GraphicImage\"", "\"HTMLImage\""}) {
      const std::size_t found = body.find(key, from);
      if (found != body.npos) at = std::min(at, found + key.size());
    }
    if (at == body.npos) break;
    const std::size_t open = body.find_first_not_of(" \t\r\n:", at);
    if (open == body.npos || body[open] != '"') {
      // In a broken body the quote behind this key may open the next.
      kept += body.substr(from, at - 1 - from);
      from = at - 1;
      continue;
    }
    kept += body.substr(from, open + 1 - from);
    from = std::min(body.find('"', open + 1), body.size());  // base64 holds no escapes
  }
  kept += body.substr(from);
  return kept;
}

}  // namespace psups::ups_gateway
