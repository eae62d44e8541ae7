#include "tests/sandbox/ups/ship_rules.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/checks.h"
#include "tests/sandbox/ups/local_time.h"
#include "tests/sandbox/ups/services.h"

namespace psups::ups_sandbox {
namespace {

using Refusal = std::optional<UpsError>;

// The codes that a party's errors have.
struct PartyCodes {
  const char* name;
  const char* address_line;
  const char* city;
  const char* state;
  const char* postal;
  const char* country;
  const char* attention;
  const char* phone;
  const char* address;  // ZIP and state do not fit
};
constexpr PartyCodes kShipper = {"120101", "120102", "120103", "120104", "120105",
                                 "120106", "120108", "120109", "120801"};
constexpr PartyCodes kShipTo = {"120200", "120201", "120203", "120206", "120207",
                                "120208", "120209", "120213", "120802"};
constexpr PartyCodes kShipFrom = {"120300", "120301", "120303", "120306", "120307",
                                  "120308", "120309", "120313", "120803"};

Refusal CheckParty(const Json& party, const std::string& who, const PartyCodes& codes,
                   bool contact_needed) {
  const auto refuse = [&](const char* code, const std::string& what) {
    return UpsError{400, code, absl::StrCat("Missing or invalid ", who, " ", what)};
  };
  if (!party.is_object()) return Missing(who);
  const std::string name = TextAt(party, {"Name"});
  if (name.empty() || name.size() > 35) return refuse(codes.name, "name");
  const Json& lines = At(party, {"Address", "AddressLine"});
  if (!lines.is_array() || lines.empty() || lines.size() > 3)
    return refuse(codes.address_line, "address line");
  for (const Json& line : lines) {
    const std::string text = line.is_string() ? line.get<std::string>() : "";
    if (text.empty() || text.size() > 35) return refuse(codes.address_line, "address line");
  }
  const std::string city = TextAt(party, {"Address", "City"});
  if (city.empty() || city.size() > 30) return refuse(codes.city, "city");
  const std::string country = TextAt(party, {"Address", "CountryCode"});
  if (country.size() != 2) return refuse(codes.country, "country code");
  const std::string state = TextAt(party, {"Address", "StateProvinceCode"});
  const std::string postal = TextAt(party, {"Address", "PostalCode"});
  if (country == "US" || country == "CA") {
    if (state.size() != 2) return refuse(codes.state, "state");
    if (postal.empty()) return refuse(codes.postal, "postal code");
  }
  if (postal.size() > 9) return refuse(codes.postal, "postal code");
  if (country == "US") {
    if (!IsDigits(postal) || (postal.size() != 5 && postal.size() != 9))
      return refuse(codes.postal, "postal code");
    if (!ZipFitsState(postal, state)) {
      return UpsError{400, codes.address,
                      absl::StrCat("Address Validation Error on ", who, " address")};
    }
  }
  if (contact_needed) {
    if (TextAt(party, {"AttentionName"}).empty()) return refuse(codes.attention, "attention name");
    if (TextAt(party, {"Phone", "Number"}).empty()) return refuse(codes.phone, "phone number");
  }
  const std::string phone = TextAt(party, {"Phone", "Number"});
  if (!phone.empty() && (!IsDigits(phone) || phone.size() > 15))
    return refuse(codes.phone, "phone number");
  if (TextAt(party, {"AttentionName"}).size() > 35)
    return refuse(codes.attention, "attention name");
  return std::nullopt;
}

Refusal CheckPayment(const Json& shipment) {
  const Json& charges = At(shipment, {"PaymentInformation", "ShipmentCharge"});
  if (!charges.is_array() || charges.empty())
    return UpsError{400, "120400", "Missing or invalid payment information"};
  int transport = 0;
  for (const Json& charge : charges) {
    const std::string type = TextAt(charge, {"Type"});
    if (type == "01") ++transport;
    if (PayersOf(charge) != 1)
      return UpsError{400, "120401", "Exactly one payer is required per charge"};
    if (charge.contains("BillShipper") && TextAt(charge, {"BillShipper", "AccountNumber"}) !=
                                              TextAt(shipment, {"Shipper", "ShipperNumber"})) {
      return UpsError{400, "120413", "The payer account number must be the shipper account number"};
    }
  }
  if (transport != 1)
    return UpsError{400, "120402", "Transportation charges need exactly one payer"};
  return std::nullopt;
}

Refusal CheckService(const std::string& code, const std::string& from, const std::string& to) {
  const Service* const service = FindService(code);
  if (service == nullptr) return UpsError{400, "120500", "Missing or invalid service code"};
  if (!Serves(*service, from, to)) {
    return UpsError{400, "121210",
                    "The requested service is unavailable between the selected locations."};
  }
  return std::nullopt;
}

Refusal CheckReferences(const Json& references, std::size_t most, const char* too_many) {
  if (references.is_null()) return std::nullopt;
  if (references.size() > most) return UpsError{400, too_many, "Too many reference numbers"};
  for (const Json& reference : references) {
    const std::string value = TextAt(reference, {"Value"});
    if (value.empty() || value.size() > 35)
      return UpsError{400, "120540", "Missing or invalid reference number value"};
  }
  return std::nullopt;
}

Refusal CheckPackage(const Json& package, const std::string& shipper_country) {
  static const auto* const packagings =
      new std::set<std::string>{"01", "02", "03", "04", "21", "24", "25", "30", "2a", "2b", "2c"};
  if (packagings->count(TextAt(package, {"Packaging", "Code"})) == 0)
    return UpsError{400, "120600", "Missing or invalid packaging code"};

  const std::string unit = TextAt(package, {"PackageWeight", "UnitOfMeasurement", "Code"});
  if (unit != "LBS" && unit != "KGS" && unit != "OZS")
    return UpsError{400, "120601", "Missing or invalid unit of the package weight"};
  if (IsUsOrPr(shipper_country) && unit == "KGS")
    return UpsError{400, "120546", "The unit of the weight does not fit the shipper's country"};
  const auto weight = Measure(TextAt(package, {"PackageWeight", "Weight"}), 5);
  if (!weight) return UpsError{400, "120602", "Missing or invalid package weight"};
  const double most = unit == "LBS" ? 150 : unit == "KGS" ? 70 : 2400;
  if (*weight > most)
    return UpsError{400, "120603", "The package weight is above the most that is allowed"};

  const Json& size = At(package, {"Dimensions"});
  if (size.is_null()) return std::nullopt;
  const std::string size_unit = TextAt(size, {"UnitOfMeasurement", "Code"});
  if (size_unit != "IN" && size_unit != "CM")
    return UpsError{400, "120604", "Missing or invalid unit of the dimensions"};
  if (IsUsOrPr(shipper_country) && size_unit == "CM")
    return UpsError{400, "120547", "The unit of the dimensions does not fit the shipper's country"};
  if ((unit == "KGS") != (size_unit == "CM"))
    return UpsError{400, "120548", "Weight and dimensions mix two systems of units"};
  double sides[3] = {};
  int i = 0;
  for (const char* side : {"Length", "Width", "Height"}) {
    const std::string text = TextAt(size, {side});
    const auto value = Measure(text, 3);
    if (!value || !IsDigits(text))
      return UpsError{400, "120605", absl::StrCat("Missing or invalid package ", side)};
    sides[i++] = size_unit == "IN" ? *value : *value / 2.54;
  }
  std::sort(sides, sides + 3);
  if (sides[2] > 108) return UpsError{400, "121050", "The package is longer than is allowed"};
  if (sides[2] + 2 * (sides[0] + sides[1]) > 165)
    return UpsError{400, "121051", "The package's length and girth are above what is allowed"};
  return std::nullopt;
}

Refusal CheckPackages(const Json& shipment, const std::string& shipper_country) {
  const Json& packages = At(shipment, {"Package"});
  if (packages.is_null()) return Missing("Shipment.Package");
  if (packages.empty()) return Missing("Shipment.Package");
  if (packages.size() > 200)
    return UpsError{400, "120020", "A shipment may have at most 200 packages"};
  std::set<std::string> weight_units;
  std::set<std::string> size_units;
  for (const Json& package : packages) {
    if (Refusal refusal = CheckPackage(package, shipper_country)) return refusal;
    weight_units.insert(TextAt(package, {"PackageWeight", "UnitOfMeasurement", "Code"}));
    if (package.contains("Dimensions"))
      size_units.insert(TextAt(package, {"Dimensions", "UnitOfMeasurement", "Code"}));
  }
  if (weight_units.size() > 1 || size_units.size() > 1)
    return UpsError{400, "120528", "All packages of a shipment must have the same units"};

  const Json& at_shipment = At(shipment, {"ReferenceNumber"});
  const bool at_packages = ReferencesAtPackages(shipment);
  if (at_packages && !at_shipment.is_null()) {
    return UpsError{400, "120541",
                    "Shipment level reference numbers are not allowed between these locations"};
  }
  if (Refusal refusal = CheckReferences(at_shipment, 2, "120543")) return refusal;
  for (const Json& package : packages) {
    const Json& references = At(package, {"ReferenceNumber"});
    if (!at_packages && !references.is_null()) {
      return UpsError{400, "120542",
                      "Package level reference numbers are not allowed between these locations"};
    }
    if (Refusal refusal = CheckReferences(references, 5, "120544")) return refusal;
  }
  return std::nullopt;
}

Refusal CheckLabel(const Json& specification) {
  static const auto* const formats = new std::set<std::string>{"GIF", "ZPL", "EPL", "SPL"};
  if (!specification.is_object()) return Missing("LabelSpecification");
  const std::string format = TextAt(specification, {"LabelImageFormat", "Code"});
  if (formats->count(format) == 0)
    return UpsError{400, "20008", "LabelSpecification.LabelImageFormat.Code is not valid"};
  if (format == "GIF") return std::nullopt;  // has one size, and a browser by default
  const std::string height = TextAt(specification, {"LabelStockSize", "Height"});
  if ((height != "6" && height != "8") || TextAt(specification, {"LabelStockSize", "Width"}) != "4")
    return UpsError{400, "20008", "LabelSpecification.LabelStockSize is not valid"};
  return std::nullopt;
}

Refusal CheckDate(const Json& shipment, absl::Time now) {
  if (!shipment.contains("ShipmentDate")) return std::nullopt;
  const std::string text = TextAt(shipment, {"ShipmentDate"});
  // "Today" is wider than a day here: the shipper's place is not asked for its time.
  if (text.size() != 8 || !IsDigits(text) || text < FormatDate(now - absl::Hours(24)) ||
      text > FormatDate(now + absl::Hours(24 * 7)))
    return UpsError{400, "20008", "Shipment.ShipmentDate: want today to seven days ahead"};
  return std::nullopt;
}

Refusal CheckInvoiceTotal(const Json& shipment, const std::string& from, const std::string& to) {
  if (from != "US" || (to != "PR" && to != "CA")) return std::nullopt;
  if (TextAt(shipment, {"InvoiceLineTotal", "MonetaryValue"}).empty())
    return Missing("Shipment.InvoiceLineTotal");
  return std::nullopt;
}

}  // namespace

void MakeLists(Json& body) {
  const std::string shipment = "/ShipmentRequest/Shipment";
  for (const char* list : {"/Shipper/Address/AddressLine", "/ShipTo/Address/AddressLine",
                           "/ShipFrom/Address/AddressLine", "/PaymentInformation/ShipmentCharge",
                           "/ReferenceNumber", "/Package"})
    MakeList(body, shipment + list);
  const std::size_t packages = At(body, {"ShipmentRequest", "Shipment", "Package"}).size();
  for (std::size_t i = 0; i < packages; ++i)
    MakeList(body, absl::StrCat(shipment, "/Package/", i, "/ReferenceNumber"));
}

bool ReferencesAtPackages(const Json& shipment) {
  const std::string from = TextAt(ShipFromOrShipper(shipment), {"Address", "CountryCode"});
  const std::string to = TextAt(shipment, {"ShipTo", "Address", "CountryCode"});
  return from == to && IsUsOrPr(from);
}

Refusal CheckShipRequest(const Json& body, const Client& client, absl::Time now) {
  const Json& request = At(body, {"ShipmentRequest"});
  if (!request.is_object()) return Missing("ShipmentRequest");
  if (const auto path = FirstNonText(request))
    return UpsError{400, "10002", absl::StrCat("ShipmentRequest.", *path, " must be a text")};
  const std::string option = TextAt(request, {"Request", "RequestOption"});
  if (option != "nonvalidate" && option != "validate")
    return UpsError{400, "20006", "Request.RequestOption is not valid"};
  const Json& shipment = At(request, {"Shipment"});
  if (!shipment.is_object()) return Missing("Shipment");

  const std::string account = TextAt(shipment, {"Shipper", "ShipperNumber"});
  if (account.size() != 6) return UpsError{400, "120100", "Missing or invalid shipper number"};
  if (!client.Owns(account)) {
    return UpsError{400, "120120", "The shipper number is not one that this user may ship with"};
  }
  const std::string shipper_country = TextAt(shipment, {"Shipper", "Address", "CountryCode"});
  const std::string from = TextAt(ShipFromOrShipper(shipment), {"Address", "CountryCode"});
  const std::string to = TextAt(shipment, {"ShipTo", "Address", "CountryCode"});
  const bool abroad = !to.empty() && from != to && !(IsUsOrPr(from) && IsUsOrPr(to));
  const std::string service = TextAt(shipment, {"Service", "Code"});
  const bool contact = abroad || service == "14";
  if (Refusal refusal = CheckParty(At(shipment, {"Shipper"}), "Shipper", kShipper, abroad))
    return refusal;
  if (Refusal refusal = CheckParty(At(shipment, {"ShipTo"}), "ShipTo", kShipTo, contact))
    return refusal;
  if (shipment.contains("ShipFrom")) {
    if (Refusal refusal = CheckParty(At(shipment, {"ShipFrom"}), "ShipFrom", kShipFrom, false))
      return refusal;
    if (from != shipper_country)
      return UpsError{400, "120308", "ShipFrom must be in the shipper's country"};
  }
  const std::string description = TextAt(shipment, {"Description"});
  if (abroad && description.empty()) return Missing("Shipment.Description");
  if (description.size() > 50) return UpsError{400, "20008", "Shipment.Description is too long"};

  if (Refusal refusal = CheckPayment(shipment)) return refusal;
  if (Refusal refusal = CheckService(service, from, to)) return refusal;
  if (Refusal refusal = CheckPackages(shipment, shipper_country)) return refusal;
  if (Refusal refusal = CheckInvoiceTotal(shipment, from, to)) return refusal;
  if (Refusal refusal = CheckDate(shipment, now)) return refusal;
  return CheckLabel(At(request, {"LabelSpecification"}));
}

}  // namespace psups::ups_sandbox
