#include "tests/sandbox/ups/rating_rules.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/checks.h"
#include "tests/sandbox/ups/services.h"

namespace psups::ups_sandbox {
namespace {

using Refusal = std::optional<UpsError>;

constexpr char kAccount[] = "111580";
constexpr char kZip[] = "111285";
constexpr char kState[] = "111286";

// The codes that a party's errors have.
struct PartyCodes {
  const char* address;
  const char* country;
  const char* state;
  const char* postal;
};
constexpr PartyCodes kShipper = {"110006", "110108", "110105", "110106"};
constexpr PartyCodes kShipTo = {"110010", "110208", "110012", "110045"};
constexpr PartyCodes kShipFrom = {"110014", "110308", "110016", "110046"};

Refusal CheckLines(const Json& address, const std::string& who, const PartyCodes& codes) {
  const Json& lines = At(address, {"AddressLine"});
  const bool good = lines.is_null() || (lines.is_array() && lines.size() <= 3);
  if (!good) return UpsError{400, codes.address, absl::StrCat("Invalid ", who, " address line")};
  return std::nullopt;
}

Refusal CheckParty(const Json& party, const std::string& who, const PartyCodes& codes) {
  const auto refuse = [&](const char* code, const std::string& what) {
    return UpsError{400, code, absl::StrCat("Missing or invalid ", who, " ", what)};
  };
  const Json& address = At(party, {"Address"});
  if (!address.is_object()) return refuse(codes.address, "address");
  if (Refusal refusal = CheckLines(address, who, codes)) return refusal;
  const std::string country = TextAt(address, {"CountryCode"});
  if (country.size() != 2) return refuse(codes.country, "country code");
  const std::string state = TextAt(address, {"StateProvinceCode"});
  const std::string postal = TextAt(address, {"PostalCode"});
  if (!state.empty() && state.size() != 2) return refuse(kState, "state");
  if (country != "US" && country != "CA") return std::nullopt;
  if (state.empty()) return refuse(codes.state, "state");
  if (postal.empty() || postal.size() > 9) return refuse(codes.postal, "postal code");
  if (country == "US" && (!IsDigits(postal) || (postal.size() != 5 && postal.size() != 9) ||
                          !ZipFitsState(postal, state)))
    return UpsError{400, kZip,
                    absl::StrCat("The postal code of ", who, " is not one of its state")};
  return std::nullopt;
}

Refusal CheckShipper(const Json& shipment, const Client& client) {
  const Json& shipper = At(shipment, {"Shipper"});
  if (!shipper.is_object()) return UpsError{400, "110004", "Missing shipper information"};
  const std::string account = TextAt(shipper, {"ShipperNumber"});
  if (!account.empty() && account.size() != 6)
    return UpsError{400, "110005", "Invalid shipper number"};
  if (!account.empty() && !client.Owns(account))
    return UpsError{400, kAccount, "The account number is not one that this user may rate with"};
  return CheckParty(shipper, "shipper", kShipper);
}

Refusal CheckPayment(const Json& shipment) {
  const Json& details = At(shipment, {"PaymentDetails"});
  if (details.is_null()) return std::nullopt;  // the shipper pays
  const Json& charges = At(details, {"ShipmentCharge"});
  if (!charges.is_array() || charges.empty()) return Missing("PaymentDetails.ShipmentCharge");
  for (const Json& charge : charges) {
    if (PayersOf(charge) != 1)
      return UpsError{400, "110401", "Exactly one payer is required per charge"};
    const std::string shipper = TextAt(charge, {"BillShipper", "AccountNumber"});
    if (!shipper.empty() && shipper != TextAt(shipment, {"Shipper", "ShipperNumber"}))
      return UpsError{400, kAccount, "The payer account number must be the shipper's"};
  }
  return std::nullopt;
}

Refusal CheckService(const std::string& code, const std::string& from, const std::string& to) {
  const Service* const service = FindService(code);
  if (service == nullptr) return UpsError{400, "111100", "The service does not exist there"};
  if (!Serves(*service, from, to)) {
    return UpsError{400, "111210",
                    "The requested service is unavailable between the selected locations."};
  }
  return std::nullopt;
}

Refusal CheckSize(const Json& size, const std::string& weight_unit, bool pounds_only) {
  if (size.is_null()) return std::nullopt;
  const std::string unit = TextAt(size, {"UnitOfMeasurement", "Code"});
  if (unit != "IN" && unit != "CM")
    return UpsError{400, "110021", "Missing or invalid unit of the dimensions"};
  if (pounds_only && unit == "CM")
    return UpsError{400, "111057", "The unit does not fit the shipper's country"};
  if ((weight_unit == "KGS") != (unit == "CM"))
    return UpsError{400, "110548", "Weight and dimensions mix two systems of units"};
  double sides[3] = {};
  int i = 0;
  for (const char* side : {"Length", "Width", "Height"}) {
    const auto value = Measure(TextAt(size, {side}), 9);
    if (!value) return UpsError{400, "110609", absl::StrCat("Missing or invalid package ", side)};
    sides[i++] = unit == "IN" ? *value : *value / 2.54;
  }
  std::sort(sides, sides + 3);
  if (sides[2] > 108) return UpsError{400, "111055", "The package is longer than is allowed"};
  if (sides[2] + 2 * (sides[0] + sides[1]) > 165)
    return UpsError{400, "111058", "The package's length and girth are above what is allowed"};
  return std::nullopt;
}

Refusal CheckPackage(const Json& package, bool pounds_only) {
  static const auto* const packagings = new std::set<std::string>{
      "00", "01", "02", "03", "04", "21", "24", "25", "30", "2a", "2b", "2c"};
  if (packagings->count(TextAt(package, {"PackagingType", "Code"})) == 0)
    return UpsError{400, "110600", "Missing or invalid packaging type"};
  const std::string unit = TextAt(package, {"PackageWeight", "UnitOfMeasurement", "Code"});
  if (unit != "LBS" && unit != "KGS")
    return UpsError{400, "110023", "Missing or invalid unit of the package weight"};
  if (pounds_only && unit == "KGS")
    return UpsError{400, "111057", "The unit does not fit the shipper's country"};
  const auto weight = Measure(TextAt(package, {"PackageWeight", "Weight"}), 6);
  if (!weight) return UpsError{400, "111030", "A package must have a weight above zero"};
  if (*weight > (unit == "LBS" ? 150 : 70))
    return UpsError{400, "111035", "The package weight is above the most that is allowed"};
  return CheckSize(At(package, {"Dimensions"}), unit, pounds_only);
}

Refusal CheckPackages(const Json& shipment) {
  const Json& packages = At(shipment, {"Package"});
  if (!packages.is_array() || packages.empty())
    return UpsError{400, "110002", "There are no packages in the shipment"};
  if (packages.size() > 200)
    return UpsError{400, "110003", "A shipment may have at most 200 packages"};
  const bool pounds_only = IsUsOrPr(TextAt(shipment, {"Shipper", "Address", "CountryCode"}));
  for (const Json& package : packages) {
    if (Refusal refusal = CheckPackage(package, pounds_only)) return refusal;
  }
  return std::nullopt;
}

// Whoever asks for the time across a border, which that to Puerto Rico is, has to say what it all
// weighs and is worth.
Refusal CheckTimeInTransit(const Json& shipment, bool abroad, absl::Time now) {
  if (abroad && !Measure(TextAt(shipment, {"ShipmentTotalWeight", "Weight"}), 8))
    return UpsError{400, "111546", "Invalid weight of the shipment"};
  if (abroad && !Measure(TextAt(shipment, {"InvoiceLineTotal", "MonetaryValue"}), 19))
    return UpsError{400, "111549", "Invalid value of the shipment's contents"};
  const Json& delivery = At(shipment, {"DeliveryTimeInformation"});
  if (delivery.is_null()) return std::nullopt;  // rated without
  const std::string bill = TextAt(delivery, {"PackageBillType"});
  if (bill != "02" && bill != "03" && bill != "04" && bill != "07")
    return UpsError{400, "20008", "DeliveryTimeInformation.PackageBillType is not valid"};
  if (At(delivery, {"Pickup"}).is_null()) return std::nullopt;
  const auto day = Day(TextAt(delivery, {"Pickup", "Date"}));
  const absl::CivilDay today = absl::ToCivilDay(now, absl::UTCTimeZone());
  if (!day || *day < today - 35 || *day > today + 60)
    return UpsError{400, "20008", "Pickup.Date: want 35 days back to 60 days ahead"};
  return std::nullopt;
}

}  // namespace

std::optional<RateOption> ReadRateOption(const std::string& option, const std::string& additional) {
  const std::string asked = absl::AsciiStrToLower(option);
  const bool more = absl::AsciiStrToLower(additional) == "timeintransit";
  if (asked == "rate") return RateOption{false, more};
  if (asked == "shop") return RateOption{true, more};
  if (asked == "ratetimeintransit") return RateOption{false, true};
  if (asked == "shoptimeintransit") return RateOption{true, true};
  return std::nullopt;
}

void MakeRateLists(Json& body) {
  for (const char* list :
       {"/Shipper/Address/AddressLine", "/ShipTo/Address/AddressLine",
        "/ShipFrom/Address/AddressLine", "/PaymentDetails/ShipmentCharge", "/Package"})
    MakeList(body, absl::StrCat("/RateRequest/Shipment", list));
}

Refusal CheckRateRequest(const Json& body, const RateOption& option, const Client& client,
                         absl::Time now) {
  const Json& request = At(body, {"RateRequest"});
  if (!request.is_object()) return Missing("RateRequest");
  if (const auto path = FirstNonText(request))
    return UpsError{400, "10002", absl::StrCat("RateRequest.", *path, " must be a text")};
  const Json& shipment = At(request, {"Shipment"});
  if (!shipment.is_object()) return Missing("Shipment");
  if (Refusal refusal = CheckShipper(shipment, client)) return refusal;
  if (Refusal refusal = CheckParty(At(shipment, {"ShipTo"}), "ShipTo", kShipTo)) return refusal;
  if (shipment.contains("ShipFrom")) {
    if (Refusal refusal = CheckParty(At(shipment, {"ShipFrom"}), "ShipFrom", kShipFrom))
      return refusal;
  }
  if (Refusal refusal = CheckPayment(shipment)) return refusal;
  const std::string from = TextAt(ShipFromOrShipper(shipment), {"Address", "CountryCode"});
  const std::string to = TextAt(shipment, {"ShipTo", "Address", "CountryCode"});
  if (!option.all_services) {
    if (Refusal refusal = CheckService(TextAt(shipment, {"Service", "Code"}), from, to))
      return refusal;
  }
  if (Refusal refusal = CheckPackages(shipment)) return refusal;
  if (!option.time_in_transit) return std::nullopt;
  return CheckTimeInTransit(shipment, from != to, now);
}

}  // namespace psups::ups_sandbox
