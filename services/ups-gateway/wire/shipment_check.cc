#include "services/ups-gateway/wire/shipment_check.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/decimal.h"
#include "common/status_macros.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int kMostPackages = 200;
constexpr int kMostPounds = 150;
constexpr int kMostInches = 108;
constexpr int kMostLengthAndGirth = 165;
constexpr std::string_view kStates =
    " AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM "
    "NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP FM MH PW AA AE AP ";
constexpr std::string_view kProvinces = " AB BC MB NB NL NS NT NU ON PE QC SK YT ";

absl::Status Refuse(std::string_view field, std::string_view came, std::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field), ": ", std::string(came), ", want ", std::string(wanted)));
}

std::string Quoted(std::string_view text) { return absl::StrCat("\"", std::string(text), "\""); }

// Messages reach logs: of personal data only the length is named.
std::string LengthOf(std::string_view text) {
  return absl::StrCat(Characters(text), " characters");
}

absl::Status CheckText(std::string_view text, std::size_t least, std::size_t most,
                       std::string_view field) {
  const std::size_t length = Characters(text);
  if (length < least || length > most) {
    return Refuse(field, LengthOf(text),
                  least == 0 ? absl::StrCat("at most ", most) : absl::StrCat(least, " to ", most));
  }
  for (const unsigned char c : text) {
    if (c < ' ' || c == 127) return Refuse(field, "a control character", "printable text");
  }
  return absl::OkStatus();
}

bool AllDigits(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

bool AllAlphanumeric(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

bool IsResourceId(std::string_view text) {
  for (const char c : text) {
    const bool ok = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                    c == '.' || c == '~';
    if (!ok) return false;
  }
  return !text.empty();
}

bool Contains(std::string_view list, std::string_view word) {
  return list.find(absl::StrCat(" ", std::string(word), " ")) != list.npos;
}

bool IsZip(std::string_view text) {
  if (text.size() == 10 && text[5] == '-') {
    return AllDigits(text.substr(0, 5)) && AllDigits(text.substr(6));
  }
  return (text.size() == 5 || text.size() == 9) && AllDigits(text);
}

bool IsCanadianPostalCode(std::string_view text) {
  std::string code;
  for (const char c : text) {
    if (c != ' ') code.push_back(c);
  }
  if (code.size() != 6) return false;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto c = static_cast<unsigned char>(code[i]);
    if (i % 2 == 0 ? !absl::ascii_isupper(c) : !absl::ascii_isdigit(c)) return false;
  }
  return true;
}

absl::Status CheckPlace(const type::v1::Address& address, std::string_view field) {
  const std::string at(field);
  const std::string& country = address.country_code();
  if (country.size() != 2 || !absl::ascii_isupper(static_cast<unsigned char>(country[0])) ||
      !absl::ascii_isupper(static_cast<unsigned char>(country[1]))) {
    return Refuse(at + ".country_code", LengthOf(country), "two capital letters, such as \"US\"");
  }
  if (country == "US" || country == "PR") {
    if (!Contains(kStates, address.state())) {
      return Refuse(at + ".state", LengthOf(address.state()), "a state of the US, such as \"CA\"");
    }
    if (!IsZip(address.postal_code())) {
      return Refuse(at + ".postal_code", LengthOf(address.postal_code()),
                    "five digits, nine digits, or five-dash-four");
    }
  } else if (country == "CA") {
    if (!Contains(kProvinces, address.state())) {
      return Refuse(at + ".state", LengthOf(address.state()), "a province, such as \"ON\"");
    }
    if (!IsCanadianPostalCode(address.postal_code())) {
      return Refuse(at + ".postal_code", LengthOf(address.postal_code()), "the form A1A 1A1");
    }
  } else {
    RETURN_IF_ERROR(CheckText(address.state(), 0, 5, at + ".state"));
    RETURN_IF_ERROR(CheckText(address.postal_code(), 0, 9, at + ".postal_code"));
  }
  return absl::OkStatus();
}

absl::Status CheckPackage(const pb::PackageSpec& package, const std::string& field) {
  const absl::StatusOr<Decimal> weight = Decimal::Parse(package.weight_lb());
  if (!weight.ok() || *weight <= Decimal(0) || *weight > Decimal(kMostPounds) ||
      weight->RoundUp(1) != *weight) {
    return Refuse(field + ".weight_lb", Quoted(package.weight_lb()),
                  "a decimal with at most one place, greater than 0 and at most 150");
  }
  const auto side = [&](int inches, const char* name) -> absl::Status {
    if (inches >= 1 && inches <= kMostInches) return absl::OkStatus();
    return Refuse(absl::StrCat(field, ".", name), absl::StrCat(inches), "1 to 108");
  };
  RETURN_IF_ERROR(side(package.length_in(), "length_in"));
  RETURN_IF_ERROR(side(package.width_in(), "width_in"));
  RETURN_IF_ERROR(side(package.height_in(), "height_in"));
  if (package.length_in() < package.width_in() || package.length_in() < package.height_in()) {
    return Refuse(field + ".length_in", absl::StrCat(package.length_in()), "the longest side");
  }
  const int girth = 2 * (package.width_in() + package.height_in());
  if (package.length_in() + girth > kMostLengthAndGirth) {
    return Refuse(field + ".length_in",
                  absl::StrCat("length and girth ", package.length_in() + girth),
                  "length + 2 × (width + height) at most 165");
  }
  const std::string& packaging = package.packaging_code();
  if (!packaging.empty() && (packaging.size() != 2 || !AllAlphanumeric(packaging))) {
    return Refuse(field + ".packaging_code", Quoted(packaging), "two characters, such as \"02\"");
  }
  return absl::OkStatus();
}

absl::Status CheckReferences(const pb::ShipmentSpec& shipment) {
  const std::string& derived = shipment.derived_reference();
  if (derived.size() > 26 || !AllAlphanumeric(derived)) {
    return Refuse("shipment.derived_reference", Quoted(derived), "1 to 26 letters and digits");
  }
  if (shipment.references_size() > 1) {
    return Refuse("shipment.references", absl::StrCat(shipment.references_size()),
                  "at most one: UPS takes two, and the derived reference is the other");
  }
  for (const pb::Reference& reference : shipment.references()) {
    const std::string& code = reference.code();
    if (code.size() != 2 || !AllAlphanumeric(code) || code == "TN") {
      return Refuse("shipment.references[0].code", Quoted(code),
                    "two letters or digits other than TN, such as \"PO\"");
    }
    RETURN_IF_ERROR(CheckText(reference.value(), 1, 35, "shipment.references[0].value"));
  }
  return absl::OkStatus();
}

absl::Status CheckShipDate(const std::string& date, absl::Time now) {
  if (date.empty()) return absl::OkStatus();
  const std::string wanted = "YYYYMMDD, today to seven days ahead";
  absl::Time time;
  std::string error;
  if (date.size() != 8 || !AllDigits(date) || !absl::ParseTime("%E4Y%m%d", date, &time, &error)) {
    return Refuse("shipment.ship_date", Quoted(date), wanted);
  }
  // The day is that of the place; Hawaii's begins last.
  const absl::CivilDay day = absl::ToCivilDay(time, absl::UTCTimeZone());
  const absl::CivilDay first = absl::ToCivilDay(now - absl::Hours(10), absl::UTCTimeZone());
  const absl::CivilDay last = absl::ToCivilDay(now, absl::UTCTimeZone()) + kMostDaysAhead;
  if (day < first || day > last) return Refuse("shipment.ship_date", Quoted(date), wanted);
  return absl::OkStatus();
}

}  // namespace

std::size_t Characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
  }
  return count;
}

absl::Status CheckParty(const type::v1::Address& address, std::string_view field) {
  const std::string at(field);
  RETURN_IF_ERROR(CheckText(address.name(), 1, 35, at + ".name"));
  RETURN_IF_ERROR(CheckText(address.attention_name(), 0, 35, at + ".attention_name"));
  if (address.lines().empty() || address.lines_size() > 3) {
    return Refuse(at + ".lines", absl::StrCat(address.lines_size(), " lines"), "1 to 3");
  }
  for (int i = 0; i < address.lines_size(); ++i) {
    RETURN_IF_ERROR(CheckText(address.lines(i), 1, 35, absl::StrCat(at, ".lines[", i, "]")));
  }
  RETURN_IF_ERROR(CheckText(address.city(), 1, 30, at + ".city"));
  int digits = 0;
  for (const char c : address.phone()) {
    digits += absl::ascii_isdigit(static_cast<unsigned char>(c)) ? 1 : 0;
  }
  if (digits > 15) return Refuse(at + ".phone", absl::StrCat(digits, " digits"), "at most 15");
  return CheckPlace(address, field);
}

absl::Status CheckAddressToValidate(const type::v1::Address& address) {
  if (address.lines().empty() || address.lines_size() > 3) {
    return Refuse("address.lines", absl::StrCat(address.lines_size(), " lines"), "1 to 3");
  }
  for (int i = 0; i < address.lines_size(); ++i) {
    RETURN_IF_ERROR(CheckText(address.lines(i), 1, 100, absl::StrCat("address.lines[", i, "]")));
  }
  RETURN_IF_ERROR(CheckText(address.city(), 0, 30, "address.city"));
  RETURN_IF_ERROR(CheckText(address.state(), 0, 30, "address.state"));
  RETURN_IF_ERROR(CheckText(address.urbanization(), 0, 30, "address.urbanization"));
  if (!address.postal_code().empty() && !IsZip(address.postal_code())) {
    return Refuse("address.postal_code", LengthOf(address.postal_code()),
                  "five digits, nine digits, or five-dash-four");
  }
  return absl::OkStatus();
}

absl::Status CheckShipment(const pb::ShipmentSpec& shipment, const type::v1::Address& shipper,
                           absl::Time now) {
  RETURN_IF_ERROR(CheckParty(shipment.ship_from(), "shipment.ship_from"));
  RETURN_IF_ERROR(CheckParty(shipment.ship_to(), "shipment.ship_to"));
  if (shipment.ship_from().country_code() != shipper.country_code()) {
    return Refuse("shipment.ship_from.country_code", "another country",
                  absl::StrCat("the shipper's country, ", Quoted(shipper.country_code())));
  }
  // Customs papers are not made here yet, and without them the parcel would be stopped.
  if (shipment.ship_to().country_code() != shipment.ship_from().country_code()) {
    return Refuse("shipment.ship_to.country_code", "another country", "the country of ship_from");
  }
  if (shipment.service_code().size() != 2 || !AllAlphanumeric(shipment.service_code())) {
    return Refuse("shipment.service_code", Quoted(shipment.service_code()),
                  "two letters or digits, such as \"03\"");
  }
  if (shipment.packages().empty() || shipment.packages_size() > kMostPackages) {
    return Refuse("shipment.packages", absl::StrCat(shipment.packages_size()), "1 to 200");
  }
  for (int i = 0; i < shipment.packages_size(); ++i) {
    RETURN_IF_ERROR(CheckPackage(shipment.packages(i), absl::StrCat("shipment.packages[", i, "]")));
  }
  RETURN_IF_ERROR(CheckReferences(shipment));
  RETURN_IF_ERROR(CheckText(shipment.description(), 0, 50, "shipment.description"));
  if (!shipment.label_format().empty() && !Contains(" ZPL EPL SPL GIF ", shipment.label_format())) {
    return Refuse("shipment.label_format", Quoted(shipment.label_format()), "ZPL, EPL, SPL or GIF");
  }
  return CheckShipDate(shipment.ship_date(), now);
}

absl::Status CheckRequestId(std::string_view request_id, std::string_view kind) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(request_id.data(), request_id.size()), '/');
  if (request_id.size() <= 200 && parts.size() == 4 && parts[0] == "shipments" &&
      IsResourceId(parts[1]) && parts[2] == kind && AllDigits(parts[3])) {
    return absl::OkStatus();
  }
  return Refuse("request_id", Quoted(request_id.substr(0, 200)),
                absl::StrCat("shipments/{id}/", std::string(kind), "/{n}"));
}

absl::Status CheckConnection(std::string_view connection) {
  constexpr std::string_view kPrefix = "connections/";
  if (connection.empty() ||
      (connection.size() <= 100 && connection.substr(0, kPrefix.size()) == kPrefix &&
       IsResourceId(connection.substr(kPrefix.size())))) {
    return absl::OkStatus();
  }
  return Refuse("connection", Quoted(connection.substr(0, 100)), "connections/{connection_id}");
}

absl::Status CheckTrackingNumber(std::string_view number, std::string_view field) {
  if (number.size() >= 7 && number.size() <= 34 && AllAlphanumeric(number)) return absl::OkStatus();
  return Refuse(field, Quoted(number.substr(0, 40)), "7 to 34 letters and digits");
}

}  // namespace psups::ups_gateway
