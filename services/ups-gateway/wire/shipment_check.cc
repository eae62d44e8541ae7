#include "services/ups-gateway/wire/shipment_check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "common/status_macros.h"
#include "services/ups-gateway/wire/customs_check.h"
#include "services/ups-gateway/wire/field_check.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int kMostPackages = 200;
constexpr int kMostPounds = 150;
constexpr int kMostInches = 108;
constexpr int kMostLengthAndGirth = 165;
constexpr std::size_t kMostAmountCharacters = 19;
// Where UPS takes pounds and inches.
constexpr std::string_view kPoundCountries = " US PR CA ";
// Within and between the US and Puerto Rico, and elsewhere. UPS's other services want things that a
// ShipmentSpec does not hold.
constexpr std::string_view kDomesticServices = " 01 02 03 12 13 14 59 ";
constexpr std::string_view kOtherServices = " 07 08 11 17 54 65 70 71 72 74 96 ";
constexpr char kEarlyService[] = "14";
constexpr std::string_view kPackagings = " 01 02 03 04 21 24 25 30 2a 2b 2c ";

absl::Status CheckDeclaredValue(const type::v1::Money& value, const std::string& at) {
  RETURN_IF_ERROR(CheckCurrency(value.currency_code(), at + ".currency_code"));
  if (value.amount_minor() > 0 && AmountText(value).size() <= kMostAmountCharacters) {
    return absl::OkStatus();
  }
  return Refuse(at + ".amount_minor", absl::StrCat(value.amount_minor()),
                "more than 0, at most 19 characters");
}

absl::Status CheckPackage(const pb::PackageSpec& package, const std::string& field) {
  const absl::StatusOr<Decimal> weight = Decimal::Parse(package.weight_lb());
  if (!weight.ok() || *weight <= Decimal(0) || *weight > Decimal(kMostPounds) ||
      weight->RoundUp(1) != *weight) {
    return Refuse(field + ".weight_lb", Quoted(package.weight_lb().substr(0, 40)),
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
  if (!packaging.empty() && !Contains(kPackagings, packaging)) {
    return Refuse(field + ".packaging_code", Quoted(packaging.substr(0, 20)),
                  "01, 02, 03, 04, 21, 24, 25, 30, 2a, 2b or 2c");
  }
  if (!package.has_declared_value()) return absl::OkStatus();
  return CheckDeclaredValue(package.declared_value(), field + ".declared_value");
}

absl::Status CheckPackages(const pb::ShipmentSpec& shipment) {
  if (shipment.packages().empty() || shipment.packages_size() > kMostPackages) {
    return Refuse("shipment.packages", absl::StrCat(shipment.packages_size()), "1 to 200");
  }
  for (int i = 0; i < shipment.packages_size(); ++i) {
    RETURN_IF_ERROR(CheckPackage(shipment.packages(i), absl::StrCat("shipment.packages[", i, "]")));
  }
  return absl::OkStatus();
}

absl::Status CheckReferences(const pb::ShipmentSpec& shipment) {
  const std::string& derived = shipment.derived_reference();
  if (derived.size() > 26 || !AllAlphanumeric(derived)) {
    return Refuse("shipment.derived_reference", Quoted(derived.substr(0, 40)),
                  "1 to 26 letters and digits");
  }
  if (shipment.references_size() > 1) {
    return Refuse("shipment.references", absl::StrCat(shipment.references_size()),
                  "at most one: UPS takes two, and the derived reference is the other");
  }
  for (const pb::Reference& reference : shipment.references()) {
    const std::string& code = reference.code();
    if (code.size() != 2 || !AllAlphanumeric(code) || code == "TN") {
      return Refuse("shipment.references[0].code", Quoted(code.substr(0, 20)),
                    "two letters or digits other than TN, such as \"PO\"");
    }
    RETURN_IF_ERROR(CheckText(reference.value(), 1, 35, "shipment.references[0].value"));
  }
  return absl::OkStatus();
}

absl::Status CheckShipDate(const std::string& date, absl::Time now) {
  if (date.empty()) return absl::OkStatus();
  absl::CivilDay day;
  RETURN_IF_ERROR(CheckDay(date, "shipment.ship_date", day));
  // The day is that of the place; Hawaii's begins last.
  const absl::CivilDay first = absl::ToCivilDay(now - absl::Hours(10), absl::UTCTimeZone());
  const absl::CivilDay last = absl::ToCivilDay(now, absl::UTCTimeZone()) + kMostDaysAhead;
  if (day >= first && day <= last) return absl::OkStatus();
  return Refuse("shipment.ship_date", Quoted(date), "today to seven days ahead");
}

absl::Status CheckService(const pb::ShipmentSpec& shipment) {
  const bool domestic = IsUsOrPuertoRico(shipment.ship_from().country_code()) &&
                        IsUsOrPuertoRico(shipment.ship_to().country_code());
  if (Contains(domestic ? kDomesticServices : kOtherServices, shipment.service_code())) {
    return absl::OkStatus();
  }
  return Refuse("shipment.service_code", Quoted(shipment.service_code().substr(0, 20)),
                domestic ? "01, 02, 03, 12, 13, 14 or 59 within the US and Puerto Rico"
                         : "07, 08, 11, 17, 54, 65, 70, 71, 72, 74 or 96 elsewhere");
}

// One payer, and only what names it.
absl::Status CheckPayment(const pb::ShipmentSpec& shipment) {
  const pb::Payment& payment = shipment.payment();
  const std::string at = "shipment.payment";
  const bool other =
      payment.payer() == pb::Payment::RECEIVER || payment.payer() == pb::Payment::THIRD_PARTY;
  if (!other) {
    if (payment.payer() != pb::Payment::SHIPPER &&
        payment.payer() != pb::Payment::PAYER_UNSPECIFIED) {
      return Refuse(at + ".payer", absl::StrCat(payment.payer()),
                    "SHIPPER, RECEIVER or THIRD_PARTY");
    }
    if (!payment.account_number().empty() || !payment.postal_code().empty() ||
        !payment.country_code().empty()) {
      return Refuse(at, "the account of another payer", "none where the shipper pays");
    }
    return absl::OkStatus();
  }
  if (payment.account_number().size() != 6 || !AllAlphanumeric(payment.account_number())) {
    return Refuse(at + ".account_number", LengthOf(payment.account_number()),
                  "six letters or digits");
  }
  if (payment.payer() == pb::Payment::THIRD_PARTY || !payment.country_code().empty()) {
    RETURN_IF_ERROR(CheckCountryCode(payment.country_code(), at + ".country_code"));
  }
  if (payment.payer() == pb::Payment::THIRD_PARTY) {
    RETURN_IF_ERROR(CheckText(payment.postal_code(), 1, 10, at + ".postal_code"));
  }
  return CheckPostalCode(PayerCountry(shipment), payment.postal_code(), at + ".postal_code");
}

// Who can be called, and what is in it, where UPS or customs ask.
absl::Status CheckWhatLanesWant(const pb::ShipmentSpec& shipment,
                                const type::v1::Address& shipper) {
  if (CountriesDiffer(shipment)) RETURN_IF_ERROR(CheckContact(shipper, "account.shipper"));
  if (CountriesDiffer(shipment) || shipment.service_code() == kEarlyService) {
    RETURN_IF_ERROR(CheckContact(shipment.ship_to(), "shipment.ship_to"));
  }
  RETURN_IF_ERROR(CheckText(shipment.description(), 0, 50, "shipment.description"));
  if (CountriesDiffer(shipment) && shipment.description().empty()) {
    return Refuse("shipment.description", "none", "1 to 50 characters where the countries differ");
  }
  return CheckInvoiceTotal(shipment);
}

}  // namespace

absl::Status CheckPricedShipment(const pb::ShipmentSpec& shipment, const type::v1::Address& shipper,
                                 absl::Time now) {
  RETURN_IF_ERROR(CheckParty(shipment.ship_from(), "shipment.ship_from"));
  RETURN_IF_ERROR(CheckParty(shipment.ship_to(), "shipment.ship_to"));
  const std::string& from = shipment.ship_from().country_code();
  if (from != shipper.country_code()) {
    return Refuse("shipment.ship_from.country_code", "another country",
                  absl::StrCat("the shipper's country, ", Quoted(shipper.country_code())));
  }
  if (!Contains(kPoundCountries, from)) {
    return Refuse("shipment.ship_from.country_code", Quoted(from),
                  "US, PR or CA, where UPS takes pounds and inches");
  }
  if (!shipment.service_code().empty()) RETURN_IF_ERROR(CheckService(shipment));
  RETURN_IF_ERROR(CheckPackages(shipment));
  RETURN_IF_ERROR(CheckPayment(shipment));
  if (!pb::Signature_IsValid(shipment.signature())) {
    return Refuse("shipment.signature", absl::StrCat(shipment.signature()),
                  "SIGNATURE_REQUIRED, ADULT_SIGNATURE_REQUIRED or none");
  }
  RETURN_IF_ERROR(CheckWhatLanesWant(shipment, shipper));
  return CheckShipDate(shipment.ship_date(), now);
}

absl::Status CheckShipment(const pb::ShipmentSpec& shipment, const type::v1::Address& shipper,
                           absl::Time now) {
  RETURN_IF_ERROR(CheckPricedShipment(shipment, shipper, now));
  RETURN_IF_ERROR(CheckService(shipment));
  RETURN_IF_ERROR(CheckReferences(shipment));
  RETURN_IF_ERROR(CheckCustoms(shipment));
  RETURN_IF_ERROR(CheckLabelFormat(shipment.label_format(), "shipment.label_format"));
  const int height = shipment.label_height_in();
  if (height == 0 || height == 6 || height == 8) return absl::OkStatus();
  return Refuse("shipment.label_height_in", absl::StrCat(height), "6 or 8");
}

}  // namespace psups::ups_gateway
