#include "services/ups-gateway/wire/known_replies.h"

namespace psups::ups_gateway {
namespace {

constexpr std::string_view kAddress = R"({"XAVResponse": {
  "Response": {
    "ResponseStatus": {"Code": "0|1", "Description": ""},
    "Alert": [{"Code": "", "Description": ""}],
    "TransactionReference": "*"},
  "ValidAddressIndicator": "", "AmbiguousAddressIndicator": "", "NoCandidatesIndicator": "",
  "AddressClassification": {"Code": "0|1|2", "Description": ""},
  "Candidate": [{
    "AddressClassification": {"Code": "0|1|2", "Description": ""},
    "AddressKeyFormat": {
      "ConsigneeName": "", "AttentionName": "", "AddressLine": [""], "Region": "",
      "PoliticalDivision2": "", "PoliticalDivision1": "", "PostcodePrimaryLow": "",
      "PostcodeExtendedLow": "", "Urbanization": "", "CountryCode": ""}}]}})";

constexpr std::string_view kShip = R"({"ShipmentResponse": {
  "Response": {
    "ResponseStatus": {"Code": "1", "Description": ""},
    "Alert": [{"Code": "", "Description": ""}],
    "TransactionReference": "*"},
  "ShipmentResults": {
    "Disclaimer": [{"Code": "", "Description": ""}],
    "ShipmentCharges": {
      "RateChart": "", "BaseServiceCharge": "*", "TransportationCharges": "*",
      "ItemizedCharges": ["*"], "ServiceOptionsCharges": "*", "TaxCharges": ["*"],
      "TotalCharges": {"CurrencyCode": "", "MonetaryValue": ""}, "TotalChargesWithTaxes": "*"},
    "NegotiatedRateCharges": {
      "ItemizedCharges": ["*"], "TaxCharges": ["*"], "RateModifier": ["*"],
      "TotalCharge": {"CurrencyCode": "", "MonetaryValue": ""}, "TotalChargesWithTaxes": "*"},
    "FRSShipmentData": "*", "RatingMethod": "", "BillableWeightCalculationMethod": "",
    "BillingWeight": "*", "ShipmentIdentificationNumber": "", "MIDualReturnShipmentKey": "",
    "BarCodeImage": "",
    "PackageResults": [{
      "TrackingNumber": "", "RateModifier": ["*"], "BaseServiceCharge": "*",
      "ServiceOptionsCharges": "*",
      "ShippingLabel": {
        "ImageFormat": {"Code": "GIF|ZPL|EPL|SPL", "Description": ""}, "GraphicImage": "",
        "GraphicImagePart": [""], "InternationalSignatureGraphicImage": "", "HTMLImage": "",
        "PDF417": ""},
      "ShippingReceipt": "*", "USPSPICNumber": "", "CN22Number": "", "Accessorial": ["*"],
      "SimpleRate": "*", "Form": "*", "ItemizedCharges": ["*"], "NegotiatedCharges": "*"}],
    "ControlLogReceipt": ["*"], "Form": "*", "CODTurnInPage": "*", "HighValueReport": "*",
    "LabelURL": "", "LocalLanguageLabelURL": "", "ReceiptURL": "", "LocalLanguageReceiptURL": "",
    "DGPaperImage": [""], "MasterCartonID": "", "RoarRatedIndicator": "", "GCCN": "", "USI": "",
    "Message": "", "SubProNumber": "", "PalletLabel": "*", "BillOfLading": ""}}})";

constexpr std::string_view kRating = R"({"RateResponse": {
  "Response": {
    "ResponseStatus": {"Code": "1", "Description": ""},
    "Alert": [{"Code": "", "Description": ""}],
    "AlertDetail": ["*"],
    "TransactionReference": "*"},
  "RatedShipment": [{
    "Disclaimer": ["*"], "Service": {"Code": "", "Description": ""}, "RateChart": "", "Zone": "",
    "RatedShipmentAlert": [{"Code": "", "Description": ""}],
    "BillableWeightCalculationMethod": "", "RatingMethod": "", "BillingWeight": "*",
    "TransportationCharges": "*", "BaseServiceCharge": "*", "ItemizedCharges": ["*"],
    "FRSShipmentData": "*", "ServiceOptionsCharges": "*", "TaxCharges": ["*"],
    "TotalCharges": {"CurrencyCode": "", "MonetaryValue": ""}, "TotalChargesWithTaxes": "*",
    "NegotiatedRateCharges": {
      "BaseServiceCharge": ["*"], "RateModifier": ["*"], "ItemizedCharges": ["*"],
      "TaxCharges": ["*"], "TotalCharge": {"CurrencyCode": "", "MonetaryValue": ""},
      "TotalChargesWithTaxes": "*"},
    "RatedPackage": ["*"],
    "TimeInTransit": {
      "PickupDate": "", "DocumentsOnlyIndicator": "", "PackageBillType": "",
      "ServiceSummary": {
        "Service": "*", "GuaranteedIndicator": "", "Disclaimer": "",
        "EstimatedArrival": {
          "Arrival": {"Date": "", "Time": ""}, "BusinessDaysInTransit": "", "Pickup": "*",
          "DayOfWeek": "", "CustomerCenterCutoff": "", "DelayCount": "", "HolidayCount": "",
          "RestDays": "", "TotalTransitDays": ""},
        "SaturdayDelivery": "", "SaturdayDeliveryDisclaimer": "", "SundayDelivery": "",
        "SundayDeliveryDisclaimer": ""},
      "AutoDutyCode": "", "Disclaimer": ""},
    "GuaranteedDelivery": {
      "BusinessDaysInTransit": "", "DeliveryByTime": "", "ScheduledDeliveryDate": ""},
    "RoarRatedIndicator": ""}]}})";

// The package's results stand under either name.
constexpr std::string_view kVoid = R"({"VoidShipmentResponse": {
  "Response": {
    "ResponseStatus": {"Code": "1", "Description": ""},
    "Alert": {"Code": "", "Description": ""},
    "TransactionReference": "*"},
  "SummaryResult": {"Status": {"Code": "0|1", "Description": ""}},
  "PackageLevelResults": [{
    "TrackingNumber": "", "Status": {"Code": "0|1", "Description": ""}}],
  "PackageLevelResult": "*"}})";

constexpr std::string_view kRecovery = R"({"LabelRecoveryResponse": {
  "Response": {
    "ResponseStatus": {"Code": "1", "Description": ""},
    "Alert": [{"Code": "", "Description": ""}],
    "TransactionReference": "*"},
  "ShipmentIdentificationNumber": "",
  "LabelResults": [{
    "TrackingNumber": "",
    "LabelImage": {
      "LabelImageFormat": {"Code": "GIF|PDF|ZPL|EPL|SPL", "Description": ""}, "GraphicImage": "",
      "HTMLImage": "", "PDF417": "", "InternationalSignatureGraphicImage": "", "URL": ""},
    "MailInnovationsTrackingNumber": "", "MailInnovationsLabelImage": "*", "Receipt": "*",
    "Form": "*"}],
  "CODTurnInPage": "*", "Form": "*", "HighValueReport": "*",
  "TrackingCandidate": [{
    "TrackingNumber": "", "DestinationPostalCode": "", "DestinationCountryCode": "",
    "PickupDateRange": "*"}]}})";

constexpr std::string_view kTrack = R"({"trackResponse": {"shipment": [{
  "inquiryNumber": "", "userRelation": [""],
  "warnings": [{"code": "TW0001", "message": ""}],
  "package": [{
    "trackingNumber": "", "packageCount": "", "statusCode": "", "statusDescription": "",
    "isSmartPackage": "", "ucixStatus": "",
    "currentStatus": {
      "type": "M|MV|P|I|O|D|X|RS|U|W|DO|DD|NA", "code": "", "description": "",
      "simplifiedTextDescription": "", "statusCode": ""},
    "activity": [{
      "date": "", "time": "", "gmtDate": "", "gmtTime": "", "gmtOffset": "", "logicalScan": "",
      "location": {
        "slic": "",
        "address": {
          "addressLine1": "", "addressLine2": "", "addressLine3": "", "city": "",
          "stateProvince": "", "postalCode": "", "countryCode": "", "country": ""}},
      "status": {
        "type": "M|MV|P|I|O|D|X|RS|U|W|DO|DD|NA", "code": "", "description": "",
        "simplifiedTextDescription": "", "statusCode": ""}}],
    "deliveryDate": [{"type": "", "date": ""}],
    "deliveryTime": {"type": "", "startTime": "", "endTime": ""},
    "deliveryInformation": "*", "milestones": ["*"], "packageAddress": ["*"],
    "referenceNumber": [{"type": "", "number": ""}],
    "alternateTrackingNumber": [{"type": "", "number": ""}],
    "service": "*", "weight": "*", "dimension": "*", "accessPointInformation": "*",
    "additionalAttributes": [""], "additionalServices": [""], "paymentInformation": ["*"],
    "suppressionIndicators": [""]}]}]}})";

constexpr std::string_view kSubscribe = R"({
  "validTrackingNumbers": [""], "invalidTrackingNumbers": [""]})";

}  // namespace

const Json& KnownReply(Operation operation) {
  static const Json unknown;
  static const Json address = Json::parse(kAddress);
  static const Json ship = Json::parse(kShip);
  static const Json rating = Json::parse(kRating);
  static const Json voided = Json::parse(kVoid);
  static const Json recovery = Json::parse(kRecovery);
  static const Json track = Json::parse(kTrack);
  static const Json subscribe = Json::parse(kSubscribe);
  switch (operation) {
    case Operation::kAddress:
      return address;
    case Operation::kShip:
      return ship;
    case Operation::kVoid:
      return voided;
    case Operation::kRecovery:
      return recovery;
    case Operation::kTrack:
    case Operation::kTrackReference:
      return track;
    case Operation::kSubscribe:
      return subscribe;
    case Operation::kRating:
      return rating;
    case Operation::kToken:
    case Operation::kTimeInTransit:
    case Operation::kQuantumView:
    case Operation::kProbe:
      return unknown;
  }
  return unknown;
}

}  // namespace psups::ups_gateway
