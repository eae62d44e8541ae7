#include "services/ups-gateway/wire/ups_requests.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/ups-gateway/wire/request_json.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

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

}  // namespace

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

WireRequest VoidRequest(const pb::Account& account, std::string_view ups_shipment_id,
                        const std::vector<std::string>& tracking_numbers) {
  std::string target = absl::StrCat("/api/shipments/", Version(account, "void"), "/void/cancel/",
                                    Escape(ups_shipment_id));
  if (tracking_numbers.size() == 1) {
    absl::StrAppend(&target, "?trackingnumber=", Escape(tracking_numbers[0]));
  } else if (!tracking_numbers.empty()) {
    absl::StrAppend(&target, "?trackingnumber=", Escape(Dump(tracking_numbers)));
  }
  return {.operation = Operation::kVoid, .method = "DELETE", .target = std::move(target)};
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

WireRequest TrackShipmentRequest(std::string_view tracking_number, int offset) {
  return {.operation = Operation::kTrack,
          .method = "GET",
          .target = absl::StrCat("/api/track/v1/shipment/details/", Escape(tracking_number),
                                 "?locale=en_US&offset=", offset, "&count=", kTrackedPage)};
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
