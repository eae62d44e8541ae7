#include "services/ups-gateway/wire/shipment_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "common/testing/status_matchers.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Not;

namespace pb = ::psups::ups::v1;

const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2026, 11, 23, 15, 0, 0), absl::UTCTimeZone());

// What is checked together: a shipment, and the account's address.
struct Case {
  pb::ShipmentSpec spec = {};
  type::v1::Address shipper = {};

  absl::Status Check() const { return CheckShipment(spec, shipper, kNow); }
};

type::v1::Address Place(const std::string& country, const std::string& state,
                        const std::string& postal_code) {
  type::v1::Address address;
  address.set_name("Harbor Works");
  address.set_attention_name("Receiving");
  address.add_lines("900 Pier Ave");
  address.set_city("Long Beach");
  address.set_state(state);
  address.set_postal_code(postal_code);
  address.set_country_code(country);
  address.set_phone("+1 (562) 555-0134");
  return address;
}

Case Domestic() {
  Case made;
  made.shipper = Place("US", "GA", "31201");
  made.spec.set_derived_reference("k3mq");
  *made.spec.mutable_ship_from() = made.shipper;
  *made.spec.mutable_ship_to() = Place("US", "CA", "90802-1234");
  made.spec.set_service_code("03");
  pb::PackageSpec& package = *made.spec.add_packages();
  package.set_weight_lb("12.5");
  package.set_length_in(12);
  package.set_width_in(10);
  package.set_height_in(4);
  return made;
}

Case PuertoRico() {
  Case made = Domestic();
  *made.spec.mutable_ship_to() = Place("PR", "PR", "00907");
  made.spec.set_description("Pump parts");
  made.spec.mutable_invoice_total()->set_currency_code("USD");
  made.spec.mutable_invoice_total()->set_amount_minor(12300);
  return made;
}

Case Abroad(const type::v1::Address& to) {
  Case made = Domestic();
  *made.spec.mutable_ship_to() = to;
  made.spec.set_service_code("65");
  made.spec.set_description("Pump parts");
  pb::Customs& customs = *made.spec.mutable_customs();
  customs.set_invoice_number("INV-1");
  customs.set_invoice_date("20261123");
  customs.set_reason_for_export("SALE");
  customs.set_currency_code("USD");
  pb::CustomsLine& line = *customs.add_lines();
  line.set_description("Steel pump shaft");
  line.set_quantity(2);
  line.set_unit_code("PCS");
  line.set_unit_value("50.00");
  line.set_origin_country_code("US");
  return made;
}

Case Germany() { return Abroad(Place("DE", "", "10117")); }

Case Canada() {
  Case made = Abroad(Place("CA", "ON", "K1A 0B1"));
  made.spec.set_service_code("11");
  *made.spec.mutable_invoice_total() = PuertoRico().spec.invoice_total();
  return made;
}

std::string Long(std::size_t characters) { return std::string(characters, 'x'); }

pb::CustomsLine& Line(Case& c) { return *c.spec.mutable_customs()->mutable_lines(0); }
pb::PackageSpec& Package(Case& c) { return *c.spec.mutable_packages(0); }

// The other payer pays.
void Bill(Case& c, pb::Payment::Payer payer, const std::string& country,
          const std::string& postal_code) {
  pb::Payment& payment = *c.spec.mutable_payment();
  payment.set_payer(payer);
  payment.set_account_number("D4E5F6");
  payment.set_country_code(country);
  payment.set_postal_code(postal_code);
}

void Refer(Case& c, int count) {
  for (int i = 0; i < count; ++i) {
    pb::Reference& reference = *c.spec.add_references();
    reference.set_code("PO");
    reference.set_value("1");
  }
}

// One limit of UPS's: what just keeps it and what just does not, and what the refusal names.
struct Limit {
  const char* name;
  Case (*base)();
  std::function<void(Case&)> inside;
  std::function<void(Case&)> outside;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const Limit& limit) { return out << limit.name; }

// A text that is measured in characters.
template <typename Set>
Limit Text(const char* name, Case (*base)(), std::size_t most, Set set, const char* message) {
  return {name, base, [=](Case& c) { set(c, Long(most)); },
          [=](Case& c) { set(c, Long(most + 1)); }, message};
}

// One that must be there.
template <typename Set>
Limit Needed(const char* name, Case (*base)(), Set set, const char* message) {
  return {name, base, [=](Case& c) { set(c, "x"); }, [=](Case& c) { set(c, ""); }, message};
}

std::vector<Limit> AddressLimits() {
  return {
      Text(
          "NameLength", Domestic, 35,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_name(t); },
          "shipment.ship_to.name: 36 characters, want 1 to 35"),
      Needed(
          "NameNeeded", Domestic, [](Case& c, auto t) { c.spec.mutable_ship_from()->set_name(t); },
          "shipment.ship_from.name: 0 characters, want 1 to 35"),
      {"NameBlank", Domestic, [](Case& c) { c.spec.mutable_ship_to()->set_name(" x"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_name("  "); },
       "shipment.ship_to.name: blanks only"},
      {"NamePrintable", Domestic, [](Case& c) { c.spec.mutable_ship_to()->set_name("A B"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_name("A\nB"); }, "a control character"},
      Text(
          "AttentionLength", Domestic, 35,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_attention_name(t); },
          "shipment.ship_to.attention_name: 36 characters"),
      Text(
          "LineLength", Domestic, 35,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_lines(0, t); },
          "shipment.ship_to.lines[0]: 36 characters"),
      {"LineCount", Domestic,
       [](Case& c) {
         while (c.spec.ship_to().lines_size() < 3) c.spec.mutable_ship_to()->add_lines("x");
       },
       [](Case& c) {
         while (c.spec.ship_to().lines_size() < 4) c.spec.mutable_ship_to()->add_lines("x");
       },
       "shipment.ship_to.lines: 4 lines, want 1 to 3"},
      {"LineNeeded", Domestic, [](Case&) {},
       [](Case& c) { c.spec.mutable_ship_from()->clear_lines(); },
       "shipment.ship_from.lines: 0 lines, want 1 to 3"},
      Text(
          "CityLength", Domestic, 30,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_city(t); },
          "shipment.ship_to.city: 31 characters"),
      {"PhoneDigits", Domestic,
       [](Case& c) { c.spec.mutable_ship_to()->set_phone("123-456-789-012-345"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_phone("123-456-789-012-3456"); },
       "shipment.ship_to.phone: 16 digits, want at most 15"},
      {"PhoneExtension", Domestic,
       [](Case& c) { c.spec.mutable_ship_to()->set_phone("(562) 555-0134"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_phone("(562) 555-0134 x12"); },
       "shipment.ship_to.phone: other than digits and punctuation"},
      {"ZipForm", Domestic, [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("908021234"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("9080"); },
       "shipment.ship_to.postal_code: 4 characters"},
      {"ZipDigits", Domestic, [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("90802"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("9O802"); },
       "shipment.ship_to.postal_code"},
      {"ZipPuertoRico", PuertoRico,
       [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("00907-1234"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("00907-123"); },
       "shipment.ship_to.postal_code"},
      {"PostalCodeCanada", Canada,
       [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("K1A0B1"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_postal_code("k1a0b1"); },
       "shipment.ship_to.postal_code: 6 characters, want the form A1A 1A1"},
      Text(
          "PostalCodeLength", Germany, 9,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_postal_code(t); },
          "shipment.ship_to.postal_code: 10 characters"),
      {"StateOfTheUs", Domestic, [](Case& c) { c.spec.mutable_ship_to()->set_state("AP"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_state("ZZ"); },
       "shipment.ship_to.state: 2 characters"},
      {"ProvinceOfCanada", Canada, [](Case& c) { c.spec.mutable_ship_to()->set_state("YT"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_state("CA"); }, "want a province"},
      {"ProvinceOfVietnam", [] { return Abroad(Place("VN", "SG", "70000")); }, [](Case&) {},
       [](Case& c) { c.spec.mutable_ship_to()->clear_state(); },
       "shipment.ship_to.state: 0 characters, want 1 to 5"},
      {"PostalCodeOfVietnam", [] { return Abroad(Place("VN", "SG", "70000")); }, [](Case&) {},
       [](Case& c) { c.spec.mutable_ship_to()->clear_postal_code(); },
       "shipment.ship_to.postal_code: 0 characters, want 1 to 9"},
      {"CountyOfIreland", [] { return Abroad(Place("IE", "D", "")); }, [](Case&) {},
       [](Case& c) { c.spec.mutable_ship_to()->clear_state(); },
       "shipment.ship_to.state: 0 characters"},
      Text(
          "StateLength", Germany, 5,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_state(t); },
          "shipment.ship_to.state: 6 characters"),
      {"CountryCode", Germany, [](Case&) {},
       [](Case& c) { c.spec.mutable_ship_to()->set_country_code("De"); },
       "shipment.ship_to.country_code"},
      {"ShippersCountry", Domestic, [](Case&) {},
       [](Case& c) { c.shipper = Place("CA", "ON", "K1A 0B1"); },
       "shipment.ship_from.country_code: another country, want the shipper's country, \"CA\""},
  };
}

std::vector<Limit> PackageLimits() {
  return {
      {"Weight", Domestic, [](Case& c) { Package(c).set_weight_lb("150"); },
       [](Case& c) { Package(c).set_weight_lb("150.1"); },
       "shipment.packages[0].weight_lb: \"150.1\", want a decimal"},
      {"WeightAboveZero", Domestic, [](Case& c) { Package(c).set_weight_lb("0.1"); },
       [](Case& c) { Package(c).set_weight_lb("0"); }, "weight_lb: \"0\""},
      {"WeightPlaces", Domestic, [](Case& c) { Package(c).set_weight_lb("12.50"); },
       [](Case& c) { Package(c).set_weight_lb("12.55"); }, "weight_lb"},
      {"WeightIsANumber", Domestic, [](Case& c) { Package(c).set_weight_lb("12"); },
       [](Case& c) { Package(c).set_weight_lb("12 lb"); }, "weight_lb"},
      {"PoundsAndInches",
       [] {
         Case made = Canada();
         made.shipper = made.spec.ship_to();
         *made.spec.mutable_ship_from() = made.shipper;
         made.spec.clear_customs();
         return made;
       },
       [](Case&) {},
       [](Case& c) {
         c.shipper = Germany().spec.ship_to();
         *c.spec.mutable_ship_from() = c.shipper;
       },
       "shipment.ship_from.country_code: \"DE\", want US, PR or CA"},
      {"Length", Domestic, [](Case& c) { Package(c).set_length_in(108); },
       [](Case& c) { Package(c).set_length_in(109); }, "length_in: 109, want 1 to 108"},
      {"LengthIsLongest", Domestic, [](Case& c) { Package(c).set_width_in(12); },
       [](Case& c) { Package(c).set_width_in(13); }, "length_in: 12, want the longest side"},
      {"LengthAndGirth", Domestic,
       [](Case& c) {
         Package(c).set_length_in(65);
         Package(c).set_width_in(30);
         Package(c).set_height_in(20);
       },
       [](Case& c) {
         Package(c).set_length_in(66);
         Package(c).set_width_in(30);
         Package(c).set_height_in(20);
       },
       "length and girth 166"},
      {"HeightNeeded", Domestic, [](Case& c) { Package(c).set_height_in(1); },
       [](Case& c) { Package(c).set_height_in(0); }, "height_in: 0, want 1 to 108"},
      {"PackageCount", Domestic,
       [](Case& c) {
         while (c.spec.packages_size() < 200) *c.spec.add_packages() = c.spec.packages(0);
       },
       [](Case& c) {
         while (c.spec.packages_size() < 201) *c.spec.add_packages() = c.spec.packages(0);
       },
       "shipment.packages: 201, want 1 to 200"},
      {"PackageNeeded", Domestic, [](Case&) {}, [](Case& c) { c.spec.clear_packages(); },
       "shipment.packages: 0, want 1 to 200"},
      {"EveryPackage", Domestic, [](Case& c) { *c.spec.add_packages() = c.spec.packages(0); },
       [](Case& c) {
         *c.spec.add_packages() = c.spec.packages(0);
         c.spec.mutable_packages(1)->set_weight_lb("151");
       },
       "shipment.packages[1].weight_lb"},
      {"Packaging", Domestic, [](Case& c) { Package(c).set_packaging_code("2a"); },
       [](Case& c) { Package(c).set_packaging_code("56"); },
       "shipment.packages[0].packaging_code: \"56\""},
      {"DeclaredValueAboveZero", Domestic,
       [](Case& c) {
         Package(c).mutable_declared_value()->set_currency_code("USD");
         Package(c).mutable_declared_value()->set_amount_minor(1);
       },
       [](Case& c) { Package(c).mutable_declared_value()->set_currency_code("USD"); },
       "shipment.packages[0].declared_value.amount_minor: 0"},
      {"DeclaredValueLength", Domestic,
       [](Case& c) {
         Package(c).mutable_declared_value()->set_currency_code("USD");
         Package(c).mutable_declared_value()->set_amount_minor(999'999'999'999'999'999);
       },
       [](Case& c) {
         Package(c).mutable_declared_value()->set_currency_code("USD");
         Package(c).mutable_declared_value()->set_amount_minor(1'000'000'000'000'000'000);
       },
       "declared_value.amount_minor"},
      {"DeclaredValueCurrency", Domestic,
       [](Case& c) {
         Package(c).mutable_declared_value()->set_currency_code("EUR");
         Package(c).mutable_declared_value()->set_amount_minor(1);
       },
       [](Case& c) { Package(c).mutable_declared_value()->set_amount_minor(1); },
       "declared_value.currency_code"},
  };
}

std::vector<Limit> ShipmentLimits() {
  return {
      {"ServiceDomestic", Domestic, [](Case& c) { c.spec.set_service_code("59"); },
       [](Case& c) { c.spec.set_service_code("65"); },
       "shipment.service_code: \"65\", want 01, 02, 03"},
      {"ServicePuertoRico", PuertoRico, [](Case& c) { c.spec.set_service_code("01"); },
       [](Case& c) { c.spec.set_service_code("11"); }, "shipment.service_code: \"11\""},
      {"ServiceAbroad", Germany, [](Case& c) { c.spec.set_service_code("07"); },
       [](Case& c) { c.spec.set_service_code("03"); },
       "shipment.service_code: \"03\", want 07, 08"},
      {"ServiceKnown", Domestic, [](Case&) {}, [](Case& c) { c.spec.set_service_code("93"); },
       "shipment.service_code: \"93\""},
      {"ReferenceCount", Domestic, [](Case& c) { Refer(c, 1); }, [](Case& c) { Refer(c, 2); },
       "shipment.references: 2, want at most one"},
      {"ReferenceValue", Domestic,
       [](Case& c) {
         Refer(c, 1);
         c.spec.mutable_references(0)->set_value(Long(35));
       },
       [](Case& c) {
         Refer(c, 1);
         c.spec.mutable_references(0)->set_value(Long(36));
       },
       "shipment.references[0].value: 36 characters"},
      {"ReferenceCode", Domestic,
       [](Case& c) {
         Refer(c, 1);
         c.spec.mutable_references(0)->set_code("9V");
       },
       [](Case& c) {
         Refer(c, 1);
         c.spec.mutable_references(0)->set_code("P-");
       },
       "shipment.references[0].code: \"P-\""},
      {"ReferenceOfOurs", Domestic, [](Case& c) { Refer(c, 1); },
       [](Case& c) {
         Refer(c, 1);
         c.spec.mutable_references(0)->set_code("TN");
       },
       "other than TN"},
      {"DerivedReference", Domestic, [](Case& c) { c.spec.set_derived_reference(Long(26)); },
       [](Case& c) { c.spec.set_derived_reference(Long(27)); }, "shipment.derived_reference"},
      {"DerivedReferenceForm", Domestic, [](Case& c) { c.spec.set_derived_reference("a1"); },
       [](Case& c) { c.spec.set_derived_reference("a-1"); }, "shipment.derived_reference: \"a-1\""},
      {"DerivedReferenceNeeded", Domestic, [](Case&) {},
       [](Case& c) { c.spec.clear_derived_reference(); }, "shipment.derived_reference: \"\""},
      Text(
          "DescriptionLength", Germany, 50, [](Case& c, auto t) { c.spec.set_description(t); },
          "shipment.description: 51 characters"),
      Needed(
          "DescriptionAbroad", Germany, [](Case& c, auto t) { c.spec.set_description(t); },
          "shipment.description: none"),
      Needed(
          "DescriptionPuertoRico", PuertoRico, [](Case& c, auto t) { c.spec.set_description(t); },
          "shipment.description: none"),
      Needed(
          "DescriptionEmirates", [] { return Abroad(Place("AE", "", "")); },
          [](Case& c, auto t) { c.spec.set_description(t); }, "shipment.description: none"),
      Needed(
          "AttentionAbroad", Germany,
          [](Case& c, auto t) { c.spec.mutable_ship_to()->set_attention_name(t); },
          "shipment.ship_to.attention_name: none"),
      {"PhoneAbroad", Germany, [](Case& c) { c.spec.mutable_ship_to()->set_phone("4930123"); },
       [](Case& c) { c.spec.mutable_ship_to()->set_phone("-"); }, "shipment.ship_to.phone: none"},
      Needed(
          "ShippersAttentionAbroad", PuertoRico,
          [](Case& c, auto t) { c.shipper.set_attention_name(t); },
          "account.shipper.attention_name: none"),
      {"ShippersPhoneAbroad", Canada, [](Case&) {}, [](Case& c) { c.shipper.clear_phone(); },
       "account.shipper.phone: none"},
      {"AttentionEarly", Domestic,
       [](Case& c) { c.spec.mutable_ship_to()->clear_attention_name(); },
       [](Case& c) {
         c.spec.mutable_ship_to()->clear_attention_name();
         c.spec.set_service_code("14");
       },
       "shipment.ship_to.attention_name: none"},
      {"PhoneEarly", Domestic, [](Case& c) { c.spec.mutable_ship_to()->clear_phone(); },
       [](Case& c) {
         c.spec.mutable_ship_to()->clear_phone();
         c.spec.set_service_code("14");
       },
       "shipment.ship_to.phone: none"},
      {"LabelFormat", Domestic, [](Case& c) { c.spec.set_label_format("SPL"); },
       [](Case& c) { c.spec.set_label_format("PNG"); }, "shipment.label_format: \"PNG\""},
      {"LabelHeight", Domestic, [](Case& c) { c.spec.set_label_height_in(8); },
       [](Case& c) { c.spec.set_label_height_in(7); }, "shipment.label_height_in: 7, want 6 or 8"},
      {"Signature", Domestic, [](Case& c) { c.spec.set_signature(pb::ADULT_SIGNATURE_REQUIRED); },
       [](Case& c) { c.spec.set_signature(static_cast<pb::Signature>(3)); },
       "shipment.signature: 3"},
      {"ShipDateFirst", Domestic, [](Case& c) { c.spec.set_ship_date("20261123"); },
       [](Case& c) { c.spec.set_ship_date("20261122"); },
       "shipment.ship_date: \"20261122\", want today to seven days ahead"},
      {"ShipDateLast", Domestic, [](Case& c) { c.spec.set_ship_date("20261130"); },
       [](Case& c) { c.spec.set_ship_date("20261201"); }, "shipment.ship_date"},
      {"ShipDateForm", Domestic, [](Case& c) { c.spec.set_ship_date("20261130"); },
       [](Case& c) { c.spec.set_ship_date("20261131"); }, "a day as YYYYMMDD"},
      {"PayerOne", Domestic,
       [](Case& c) { c.spec.mutable_payment()->set_payer(pb::Payment::SHIPPER); },
       [](Case& c) { c.spec.mutable_payment()->set_account_number("D4E5F6"); },
       "shipment.payment: the account of another payer, want none"},
      {"PayerKnown", Domestic, [](Case& c) { Bill(c, pb::Payment::RECEIVER, "", "90802"); },
       [](Case& c) { Bill(c, static_cast<pb::Payment::Payer>(4), "US", "90802"); },
       "shipment.payment.payer: 4"},
      {"PayerAccount", Domestic, [](Case& c) { Bill(c, pb::Payment::RECEIVER, "", "90802"); },
       [](Case& c) {
         Bill(c, pb::Payment::RECEIVER, "", "90802");
         c.spec.mutable_payment()->set_account_number("D4E5F");
       },
       "shipment.payment.account_number: 5 characters, want six"},
      {"PayersCountry", Domestic, [](Case& c) { Bill(c, pb::Payment::THIRD_PARTY, "DE", "10117"); },
       [](Case& c) { Bill(c, pb::Payment::THIRD_PARTY, "", "10117"); },
       "shipment.payment.country_code"},
      {"PayersPostalCode", Domestic,
       [](Case& c) { Bill(c, pb::Payment::THIRD_PARTY, "IE", "D01"); },
       [](Case& c) { Bill(c, pb::Payment::THIRD_PARTY, "IE", ""); },
       "shipment.payment.postal_code: 0 characters"},
      {"ReceiversPostalCode", Canada,
       [](Case& c) { Bill(c, pb::Payment::RECEIVER, "", "K1A 0B1"); },
       [](Case& c) { Bill(c, pb::Payment::RECEIVER, "", ""); },
       "shipment.payment.postal_code: 0 characters, want the form A1A 1A1"},
  };
}

std::vector<Limit> CustomsLimits() {
  return {
      {"InvoiceTotalCanada", Canada,
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(100); },
       [](Case& c) { c.spec.clear_invoice_total(); }, "shipment.invoice_total.currency_code"},
      {"InvoiceTotalPuertoRico", PuertoRico, [](Case&) {},
       [](Case& c) { c.spec.clear_invoice_total(); }, "shipment.invoice_total.currency_code"},
      {"InvoiceTotalLeast", Canada,
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(100); },
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(0); },
       "shipment.invoice_total.amount_minor: 0, want whole units"},
      {"InvoiceTotalMost", Canada,
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(9'999'999'900); },
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(10'000'000'000); },
       "shipment.invoice_total.amount_minor"},
      {"InvoiceTotalWhole", Canada,
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(200); },
       [](Case& c) { c.spec.mutable_invoice_total()->set_amount_minor(201); },
       "shipment.invoice_total.amount_minor: 201"},
      {"InvoiceWanted", Germany, [](Case&) {}, [](Case& c) { c.spec.clear_customs(); },
       "shipment.customs: none"},
      {"InvoiceUnwanted", Domestic, [](Case&) {}, [](Case& c) { c.spec.mutable_customs(); },
       "shipment.customs: an invoice"},
      {"InvoiceUnwantedPuertoRico", PuertoRico, [](Case&) {},
       [](Case& c) { c.spec.mutable_customs(); }, "shipment.customs: an invoice"},
      Text(
          "InvoiceNumber", Germany, 35,
          [](Case& c, auto t) { c.spec.mutable_customs()->set_invoice_number(t); },
          "shipment.customs.invoice_number: 36 characters"),
      Needed(
          "InvoiceNumberNeeded", Germany,
          [](Case& c, auto t) { c.spec.mutable_customs()->set_invoice_number(t); },
          "shipment.customs.invoice_number: 0 characters"),
      {"InvoiceDate", Germany,
       [](Case& c) { c.spec.mutable_customs()->set_invoice_date("20240229"); },
       [](Case& c) { c.spec.mutable_customs()->set_invoice_date("20250229"); },
       "shipment.customs.invoice_date"},
      Text(
          "ReasonForExport", Germany, 20,
          [](Case& c, auto t) { c.spec.mutable_customs()->set_reason_for_export(t); },
          "shipment.customs.reason_for_export: 21 characters"),
      {"InvoiceCurrency", Germany,
       [](Case& c) { c.spec.mutable_customs()->set_currency_code("EUR"); },
       [](Case& c) { c.spec.mutable_customs()->set_currency_code("eur"); },
       "shipment.customs.currency_code: \"eur\""},
      {"Terms", Germany, [](Case& c) { c.spec.mutable_customs()->set_terms_of_shipment("DAP"); },
       [](Case& c) { c.spec.mutable_customs()->set_terms_of_shipment("DPU"); },
       "shipment.customs.terms_of_shipment: \"DPU\""},
      {"LineCountMost", Germany,
       [](Case& c) {
         while (c.spec.customs().lines_size() < 50)
           *c.spec.mutable_customs()->add_lines() = Line(c);
       },
       [](Case& c) {
         while (c.spec.customs().lines_size() < 51)
           *c.spec.mutable_customs()->add_lines() = Line(c);
       },
       "shipment.customs.lines: 51, want 1 to 50"},
      {"LineCountLeast", Germany, [](Case&) {},
       [](Case& c) { c.spec.mutable_customs()->clear_lines(); }, "shipment.customs.lines: 0"},
      Text(
          "LineDescription", Germany, 105, [](Case& c, auto t) { Line(c).set_description(t); },
          "shipment.customs.lines[0].description: 106 characters"),
      {"LineQuantity", Germany, [](Case& c) { Line(c).set_quantity(9'999'999); },
       [](Case& c) { Line(c).set_quantity(10'000'000); },
       "shipment.customs.lines[0].quantity: 10000000"},
      {"LineQuantityAboveZero", Germany, [](Case& c) { Line(c).set_quantity(1); },
       [](Case& c) { Line(c).set_quantity(0); }, "shipment.customs.lines[0].quantity: 0"},
      Text(
          "LineUnit", Germany, 3, [](Case& c, auto t) { Line(c).set_unit_code(t); },
          "shipment.customs.lines[0].unit_code: 4 characters"),
      {"LineValueAboveZero", Germany, [](Case& c) { Line(c).set_unit_value("0.000001"); },
       [](Case& c) { Line(c).set_unit_value("0.00"); },
       "shipment.customs.lines[0].unit_value: \"0.00\""},
      {"LineValuePlaces", Germany, [](Case& c) { Line(c).set_unit_value("1.123456"); },
       [](Case& c) { Line(c).set_unit_value("1.1234567"); }, "lines[0].unit_value"},
      {"LineValueLength", Germany, [](Case& c) { Line(c).set_unit_value("123456789012.123456"); },
       [](Case& c) { Line(c).set_unit_value("1234567890123.123456"); }, "lines[0].unit_value"},
      {"LineOrigin", Germany, [](Case& c) { Line(c).set_origin_country_code("CN"); },
       [](Case& c) { Line(c).set_origin_country_code(""); }, "lines[0].origin_country_code"},
      {"CommodityShort", Germany, [](Case& c) { Line(c).set_commodity_code("841391"); },
       [](Case& c) { Line(c).set_commodity_code("84139"); }, "lines[0].commodity_code: \"84139\""},
      {"CommodityLong", Germany, [](Case& c) { Line(c).set_commodity_code(Long(15)); },
       [](Case& c) { Line(c).set_commodity_code(Long(16)); }, "lines[0].commodity_code"},
      Text(
          "PartNumber", Germany, 10, [](Case& c, auto t) { Line(c).set_part_number(t); },
          "lines[0].part_number: 11 characters"),
      {"SoldToCountry", Germany,
       [](Case& c) { *c.spec.mutable_customs()->mutable_sold_to() = Place("DE", "", "10117"); },
       [](Case& c) { *c.spec.mutable_customs()->mutable_sold_to() = Place("FR", "", "75001"); },
       "shipment.customs.sold_to.country_code: another country"},
      Needed(
          "SoldToAttention", Germany,
          [](Case& c, auto t) {
            *c.spec.mutable_customs()->mutable_sold_to() = Place("DE", "", "10117");
            c.spec.mutable_customs()->mutable_sold_to()->set_attention_name(t);
          },
          "shipment.customs.sold_to.attention_name"),
      {"SoldToAddress", Germany,
       [](Case& c) { *c.spec.mutable_customs()->mutable_sold_to() = Place("DE", "", "10117"); },
       [](Case& c) { c.spec.mutable_customs()->mutable_sold_to(); },
       "shipment.customs.sold_to.name: 0 characters"},
  };
}

std::vector<Limit> Limits() {
  std::vector<Limit> limits = AddressLimits();
  for (const auto& more : {PackageLimits(), ShipmentLimits(), CustomsLimits()}) {
    limits.insert(limits.end(), more.begin(), more.end());
  }
  return limits;
}

class LimitTest : public ::testing::TestWithParam<Limit> {};

TEST_P(LimitTest, WhatJustKeepsItIsTakenAndWhatJustDoesNotIsRefusedByName) {
  Case inside = GetParam().base();
  ASSERT_OK(inside.Check());
  GetParam().inside(inside);
  EXPECT_OK(inside.Check());
  Case outside = GetParam().base();
  GetParam().outside(outside);
  const absl::Status status = outside.Check();
  ASSERT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
  EXPECT_THAT(std::string(status.message()), HasSubstr(", want "));
}

INSTANTIATE_TEST_SUITE_P(All, LimitTest, ::testing::ValuesIn(Limits()),
                         [](const ::testing::TestParamInfo<Limit>& info) {
                           return std::string(info.param.name);
                         });

TEST(ShipmentCheckTest, CharactersCountNotBytes) {
  Case c = Domestic();
  c.spec.mutable_ship_to()->set_name("Ärztehaus Nürnberg Süd, Büro für Öl");  // 35 characters
  EXPECT_OK(c.Check());
}

TEST(ShipmentCheckTest, TheFirstDayIsThatOfHawaii) {
  Case c = Domestic();
  c.spec.set_ship_date("20261122");
  const absl::Time early =
      absl::FromCivil(absl::CivilSecond(2026, 11, 23, 9, 0, 0), absl::UTCTimeZone());
  EXPECT_OK(CheckShipment(c.spec, c.shipper, early));
}

TEST(ShipmentCheckTest, ARefusalNamesNoPersonalData) {
  for (const Limit& limit : AddressLimits()) {
    Case outside = limit.base();
    outside.spec.mutable_ship_to()->set_lines(0, "77 Secret St");
    limit.outside(outside);
    const std::string message(outside.Check().message());
    for (const char* text : {"Secret", "Harbor", "xxx", "x12", "90802", "9080", "k1a0b1"}) {
      EXPECT_THAT(message, Not(HasSubstr(text))) << limit.name;
    }
  }
}

TEST(ShipmentCheckTest, RequestIdsHaveOneForm) {
  EXPECT_OK(CheckRequestId("shipments/a.b-c_1/purchases/12", "purchases"));
  for (const char* bad : {"", "shipments//purchases/1", "shipments/a/purchases/x",
                          "shipments/a/voids/1", "shipments/a b/purchases/1", "a/purchases/1"}) {
    EXPECT_THAT(CheckRequestId(bad, "purchases"), HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
  EXPECT_THAT(CheckRequestId(std::string("shipments/a\0b/purchases/1", 25), "purchases"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace psups::ups_gateway
