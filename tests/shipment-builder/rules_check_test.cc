#include "services/shipment-builder/rules_check.h"

#include <ostream>
#include <string>

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace psups::shipment_builder {
namespace {

shipments::v1::Rules RulesOf(const std::string& text) {
  shipments::v1::Rules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules)) << text;
  return rules;
}

std::string Box(const std::string& rest) {
  return "boxes { box_id: 'S' inner { length: '10' width: '8' height: '6' unit: 'IN' } " + rest +
         " }";
}

struct Refused {
  std::string name;
  std::string rules;
  std::string message;  // without its "rules."
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

class EachRule : public ::testing::TestWithParam<Refused> {};

TEST_P(EachRule, IsCheckedAndNamesItsField) {
  const absl::Status status = CheckRules(RulesOf(GetParam().rules));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()), "rules." + GetParam().message);
}

const Refused kServices[] = {
    {"ServiceCodeMissing", "services { ship_type_id: 'GROUND' }",
     "services[0].service_code: none, want UPS's service code, such as \"03\""},
    {"ServiceCodeOfOneDigit", "services { service_code: '03' } services { service_code: '3' }",
     "services[1].service_code: \"3\", want 2 letters or digits"},
    {"ChoiceCode", "choice { service_codes: '03' service_codes: 'ground' }",
     "choice.service_codes[1]: \"ground\", want 2 letters or digits"},
    {"ChoiceCodeEmpty", "choice { service_codes: '' }",
     "choice.service_codes[0]: none, want UPS's service code, such as \"03\""},
    {"ChoiceTwice", "choice { service_codes: '03' service_codes: '03' }",
     "choice.service_codes[1]: \"03\" again, want each service once"},
    {"PriceCapOfNothing", "choice { price_cap { currency_code: 'USD' } }",
     "choice.price_cap.amount_minor: 0, want more than 0"},
    {"PriceCapWithoutCurrency", "choice { price_cap { amount_minor: 1 } }",
     "choice.price_cap.currency_code: none, want 3 characters"},
    {"PriceCapInDollars", "choice { price_cap { amount_minor: 1 currency_code: 'US$' } }",
     "choice.price_cap.currency_code: \"US$\", want such as \"USD\""},
};
INSTANTIATE_TEST_SUITE_P(Services, EachRule, ::testing::ValuesIn(kServices),
                         [](const auto& row) { return row.param.name; });

const Refused kPayers[] = {
    {"UnknownPayer", "freight { payment { payer: 9 } }",
     "freight[0].payment.payer: 9, want a value of Payer"},
    {"ShipperWithAnAccount", "freight { payment { account_number: 'A1B2C3' } }",
     "freight[0].payment: the account of another payer, want none where the shipper pays"},
    {"ReceiverWithoutAccount", "freight { payment { payer: RECEIVER } }",
     "freight[0].payment.account_number: 0 characters, want six letters or digits"},
    {"AccountIsNotRepeated", "freight { payment { payer: RECEIVER account_number: 'A1-2C3' } }",
     "freight[0].payment.account_number: 6 characters, want six letters or digits"},
    {"ReceiverInTheUsWithoutPostalCode",
     "freight { payment { payer: RECEIVER account_number: 'A1B2C3' country_code: 'US' } }",
     "freight[0].payment.postal_code: none, want 1 to 10 characters"},
    {"ReceiverAnywhereWithoutPostalCode",
     "freight { payment { payer: RECEIVER account_number: 'A1B2C3' } }",
     "freight[0].payment.postal_code: none, want 1 to 10 characters"},
    {"ThirdPartyWithoutCountry",
     "freight { payment { payer: THIRD_PARTY account_number: 'A1B2C3' postal_code: '43215' } }",
     "freight[0].payment.country_code: none, want the country of the account"},
    {"ThirdPartyWithoutPostalCode",
     "freight { payment { payer: THIRD_PARTY account_number: 'A1B2C3' country_code: 'DE' } }",
     "freight[0].payment.postal_code: none, want 1 to 10 characters"},
    {"CountryOfThreeLetters",
     "freight { payment { payer: THIRD_PARTY account_number: 'A1B2C3' postal_code: '43215' "
     "country_code: 'USA' } }",
     "freight[0].payment.country_code: \"USA\", want two capital letters, such as \"CA\""},
};
INSTANTIATE_TEST_SUITE_P(Payers, EachRule, ::testing::ValuesIn(kPayers),
                         [](const auto& row) { return row.param.name; });

const Refused kUnits[] = {
    {"UnitMissing", "units { stands_for: 'LB' }",
     "units[0].unit_of_measure: none, want 1 to 3 characters"},
    {"UnitTooLong", "units { unit_of_measure: 'LBSS' stands_for: 'LB' }",
     "units[0].unit_of_measure: 4 characters, want 1 to 3 characters"},
    {"UnitStandsForNothing", "units { unit_of_measure: 'LBS' }",
     "units[0].stands_for: none, want LB, OZ, KG, G, IN, FT, CM or M"},
    {"UnitUnknown", "units { unit_of_measure: 'LBS' stands_for: 'POUND' }",
     "units[0].stands_for: \"POUND\", want LB, OZ, KG, G, IN, FT, CM or M"},
    {"UnitTwice",
     "units { unit_of_measure: 'LBS' stands_for: 'LB' } "
     "units { unit_of_measure: 'LBS' stands_for: 'KG' }",
     "units[1].unit_of_measure: \"LBS\" again, want each code once"},
    {"UnitThatStandsForItself", "units { unit_of_measure: 'M' stands_for: 'IN' }",
     "units[0].unit_of_measure: \"M\", want a code that does not stand for itself"},
    {"ConversionFromMissing", "conversions { unit_of_measure_to: 'EA' rate: '12' }",
     "conversions[0].unit_of_measure: none, want 1 to 3 characters"},
    {"ConversionToMissing", "conversions { unit_of_measure: 'DZ' rate: '12' }",
     "conversions[0].unit_of_measure_to: none, want 1 to 3 characters"},
    {"ConversionToItself", "conversions { unit_of_measure: 'EA' unit_of_measure_to: 'EA' }",
     "conversions[0].unit_of_measure_to: \"EA\", want another unit than unit_of_measure"},
    {"RateOfZero", "conversions { unit_of_measure: 'DZ' unit_of_measure_to: 'EA' rate: '0' }",
     "conversions[0].rate: \"0\", want a decimal of at least 0.000000001 and at most 1000000000"},
    {"RateOfWords", "conversions { unit_of_measure: 'DZ' unit_of_measure_to: 'EA' rate: 'twelve' }",
     "conversions[0].rate: \"twelve\", want a decimal of at least 0.000000001 and at most "
     "1000000000"},
    {"ConversionTurnedRound",
     "conversions { unit_of_measure: 'DZ' unit_of_measure_to: 'EA' rate: '12' } "
     "conversions { unit_of_measure: 'EA' unit_of_measure_to: 'DZ' rate: '12' }",
     "conversions[1]: \"EA\" and \"DZ\" again, want each pair once"},
};
INSTANTIATE_TEST_SUITE_P(Units, EachRule, ::testing::ValuesIn(kUnits),
                         [](const auto& row) { return row.param.name; });

const Refused kBoxes[] = {
    {"BoxWithoutName", "boxes { }", "boxes[0].box_id: none, want 1 to 20 characters"},
    {"BoxNameTooLong", "boxes { box_id: 'ABCDEFGHIJKLMNOPQRSTU' }",
     "boxes[0].box_id: 21 characters, want 1 to 20 characters"},
    {"BoxTwice", Box("") + Box(""), "boxes[1].box_id: \"S\" again, want each box once"},
    {"BoxWithoutSize", "boxes { box_id: 'S' }",
     "boxes[0].inner.length: none, want a decimal greater than 0 and at most 1000000000"},
    {"BoxSideOfZero", "boxes { box_id: 'S' inner { length: '10' width: '8' height: '0' } }",
     "boxes[0].inner.height: \"0\", want a decimal greater than 0 and at most 1000000000"},
    {"BoxUnitMissing", "boxes { box_id: 'S' inner { length: '10' width: '8' height: '1' } }",
     "boxes[0].inner.unit: none, want IN or CM"},
    {"BoxInFeet", "boxes { box_id: 'S' inner { length: '1' width: '1' height: '1' unit: 'FT' } }",
     "boxes[0].inner.unit: \"FT\", want IN or CM"},
    {"OuterIncomplete", Box("outer { length: '11' width: '9' }"),
     "boxes[0].outer.height: none, want a decimal greater than 0 and at most 1000000000"},
    {"OuterLessThanInner", Box("outer { length: '11' width: '7.99' height: '7' unit: 'IN' }"),
     "boxes[0].outer.width: less than inside, want at least that of inner"},
    {"OuterLessThanInnerInOtherUnits",
     Box("outer { length: '25.39' width: '30' height: '30' unit: 'CM' }"),
     "boxes[0].outer.length: less than inside, want at least that of inner"},
    {"LongerThanUpsCarries",
     "boxes { box_id: 'S' inner { length: '1' width: '108.1' height: '1' unit: 'IN' } }",
     "boxes[0].inner: 109 in long, want at most 108"},
    {"LengthAndGirth",
     "boxes { box_id: 'S' inner { length: '65' width: '25' height: '25' unit: 'IN' } "
     "outer { length: '65' width: '25.5' height: '25' unit: 'IN' } }",
     "boxes[0].outer: length and girth 167 in, want at most 165"},
    {"TareNegative", Box("tare_lb: '-1'"),
     "boxes[0].tare_lb: \"-1\", want a decimal of at least 0 and at most 150"},
    {"MaxWeightOfZero", Box("max_weight_lb: '0'"),
     "boxes[0].max_weight_lb: \"0\", want a decimal greater than 0 and at most 150"},
    {"MaxWeightOverUpsLimit", Box("max_weight_lb: '160'"),
     "boxes[0].max_weight_lb: \"160\", want a decimal greater than 0 and at most 150"},
    {"TareNotBelowMaxWeight", Box("tare_lb: '20' max_weight_lb: '20'"),
     "boxes[0].tare_lb: \"20\", want less than max_weight_lb, 20"},
    {"BoxPackagingCode", Box("packaging_code: 'box'"),
     "boxes[0].packaging_code: \"box\", want 2 letters or digits"},
};
INSTANTIATE_TEST_SUITE_P(Boxes, EachRule, ::testing::ValuesIn(kBoxes),
                         [](const auto& row) { return row.param.name; });

const Refused kItems[] = {
    {"ItemMissing", "items { setid: 'SHARE' }",
     "items[0].item_id: none, want an INV_ITEM_ID, or * for any"},
    {"ItemUnitTooLong", "items { item_id: 'A' unit_of_measure: 'EACH' }",
     "items[0].unit_of_measure: 4 characters, want at most 3"},
    {"ItemWeightOfZero", "items { item_id: 'A' weight { value: '0' unit: 'LB' } }",
     "items[0].weight.value: \"0\", want a decimal greater than 0 and at most 1000000000"},
    {"ItemWeightUnitUnknown", "items { item_id: 'A' weight { value: '1' unit: 'LBS' } }",
     "items[0].weight.unit: \"LBS\", want one of LB OZ KG G or a code of rules.units for one"},
    {"ItemWeightInInches", "items { item_id: 'A' weight { value: '1' unit: 'IN' } }",
     "items[0].weight.unit: \"IN\", want one of LB OZ KG G or a code of rules.units for one"},
    {"ItemSideMissing", "items { item_id: 'A' dimensions { length: '1' height: '1' } }",
     "items[0].dimensions.width: none, want a decimal greater than 0 and at most 1000000000"},
    {"ItemSidesUnitMissing",
     "items { item_id: 'A' dimensions { length: '1' width: '1' height: '1' } }",
     "items[0].dimensions.unit: none, want one of IN FT CM M or a code of rules.units for one"},
    {"TariffNumberWithPoints", "items { item_id: 'A' harmonized_code: '8471.30.0100' }",
     "items[0].harmonized_code: \"8471.30.0100\", want 6 to 15 letters or digits"},
    {"TariffNumberTooShort", "items { item_id: 'A' harmonized_code: '84713' }",
     "items[0].harmonized_code: \"84713\", want 6 to 15 letters or digits"},
    {"ItemOrigin", "items { item_id: 'A' origin_country_code: 'C1' }",
     "items[0].origin_country_code: \"C1\", want two capital letters, such as \"CA\""},
};
INSTANTIATE_TEST_SUITE_P(Items, EachRule, ::testing::ValuesIn(kItems),
                         [](const auto& row) { return row.param.name; });

const Refused kOthers[] = {
    {"PackagingCode", "packaging_code: '2'", "packaging_code: \"2\", want 2 letters or digits"},
    {"LineUse", "address_lines { lines: STREET lines: 8 }",
     "address_lines[0].lines[1]: 8, want a value of LineUse"},
    {"Country", "addresses { countries: 'CA' countries: 'DEU' }",
     "addresses.countries[1]: \"DEU\", want two capital letters, such as \"CA\""},
    {"CountryEmpty", "addresses { countries: '' }",
     "addresses.countries[0]: none, want a country's code"},
    {"ReferenceTn", "reference { purchase_order_code: 'TN' }",
     "reference.purchase_order_code: \"TN\", want another: TN holds the derived reference"},
    {"RequisitionReferenceTn", "reference { requisition_code: 'TN' }",
     "reference.requisition_code: \"TN\", want another: TN holds the derived reference"},
    {"ReferenceOfOneLetter", "reference { requisition_code: 'R' }",
     "reference.requisition_code: \"R\", want 2 letters or digits"},
    {"ReferenceSource", "reference { source: 7 }", "reference.source: 7, want a value of Source"},
    {"LabelFormat", "label_format: 'PDF'", "label_format: \"PDF\", want ZPL, EPL, SPL or GIF"},
    {"LabelHeight", "label_height_in: 7", "label_height_in: 7, want 6 or 8"},
    {"Description", "description: 'Spare parts for machines in the factory in Columbus'",
     "description: 51 characters, want at most 50"},
    {"ControlCharacter", "description: 'Spare\\nparts'",
     "description: a control character, want plain text"},
    {"DeclaredValue", "declared_value_percent: 101", "declared_value_percent: 101, want 0 to 100"},
    {"DeclaredValueNegative", "declared_value_percent: -1",
     "declared_value_percent: -1, want 0 to 100"},
    {"Signature", "signature: 5", "signature: 5, want a value of Signature"},
    {"DaysAhead", "buying { days_ahead: 8 }", "buying.days_ahead: 8, want 0 to 7"},
    {"DaysAheadNegative", "buying { days_ahead: -1 }", "buying.days_ahead: -1, want 0 to 7"},
    {"PastDue", "buying { past_due: 3 }", "buying.past_due: 3, want a value of PastDue"},
    {"ReasonForExport", "international { reason_for_export: 'FOR THE EXHIBITION IN MAY' }",
     "international.reason_for_export: 25 characters, want at most 20"},
    {"TermsOfShipment", "international { terms_of_shipment: 'DDU' }",
     "international.terms_of_shipment: \"DDU\", want one of UPS's terms, such as DAP"},
    {"Origin", "international { origin_country_code: 'us' }",
     "international.origin_country_code: \"us\", want two capital letters, such as \"CA\""},
    {"InvoiceUnit", "international { unit_code: 'PIECES' }",
     "international.unit_code: \"PIECES\", want 1 to 3 letters or digits"},
    {"AttentionNameIsNotRepeated",
     "international { attention_name: 'Ann Example of the Receiving Department' }",
     "international.attention_name: 39 characters, want at most 35"},
    {"PhoneWithExtension", "international { phone: '614 555 0100 x3' }",
     "international.phone: other than digits and punctuation, want a number without extension"},
    {"PhoneTooLong", "international { phone: '1234567890123456' }",
     "international.phone: 16 digits, want 1 to 15"},
    {"PerHour", "limits { purchases_per_hour: -1 }",
     "limits.purchases_per_hour: -1, want 0 to 2147483647"},
    {"PerDay", "limits { purchases_per_day: -1 }",
     "limits.purchases_per_day: -1, want 0 to 2147483647"},
    {"VendorPerHour", "limits { vendor_purchases_per_hour: -1 }",
     "limits.vendor_purchases_per_hour: -1, want 0 to 2147483647"},
    {"VendorPerDay", "limits { vendor_purchases_per_day: -1 }",
     "limits.vendor_purchases_per_day: -1, want 0 to 2147483647"},
    {"AnomalyPercent", "limits { anomaly_percent: 99 }",
     "limits.anomaly_percent: 99, want 100 to 100000"},
    {"AnomalyPercentTooHigh", "limits { anomaly_percent: 100001 }",
     "limits.anomaly_percent: 100001, want 100 to 100000"},
    {"AnomalyLeast", "limits { anomaly_least: -1 }",
     "limits.anomaly_least: -1, want 0 to 2147483647"},
};
INSTANTIATE_TEST_SUITE_P(Others, EachRule, ::testing::ValuesIn(kOthers),
                         [](const auto& row) { return row.param.name; });

TEST(RulesCheck, TheEmptyRuleSetIsFine) { EXPECT_TRUE(CheckRules({}).ok()); }

TEST(RulesCheck, WhatStandsAtTheLimitIsFine) {
  for (const std::string& text : {
           Box("tare_lb: '0' max_weight_lb: '150'"),
           Box("outer { length: '25.4' width: '20.32' "
               "height: '15.24' unit: 'CM' }"),
           std::string("boxes { box_id: 'L' inner { length: '107' width: '14' height: '14.5' "
                       "unit: 'IN' } outer { length: '107' width: '14' height: '14.5' "
                       "unit: 'IN' } }"),
           std::string("declared_value_percent: 100 label_height_in: 8 buying { days_ahead: 0 }"),
           std::string("limits { anomaly_percent: 100 anomaly_least: 0 purchases_per_hour: 0 }"),
           std::string("conversions { unit_of_measure: 'DZ' unit_of_measure_to: 'EA' "
                       "rate: '0.000000001' }"),
           std::string("freight { freight_terms: 'COL' payment { payer: RECEIVER "
                       "account_number: 'A1B2C3' country_code: 'DE' } }"),
           std::string("units { unit_of_measure: 'LBS' stands_for: 'LB' } "
                       "items { item_id: '*' weight { value: '1.5' unit: 'LBS' } }"),
       }) {
    const absl::Status status = CheckRules(RulesOf(text));
    EXPECT_TRUE(status.ok()) << text << ": " << status;
  }
}

TEST(RulesCheck, NormalRulesAreTrimmedAndInUpsCase) {
  const shipments::v1::Rules typed = RulesOf(
      "services { ship_type_id: ' Ground ' service_code: 'm2' } packaging_code: '2A' "
      "freight { payment { payer: RECEIVER account_number: 'a1b2c3' country_code: 'de ' } } "
      "units { unit_of_measure: 'lbs' stands_for: 'lb' } addresses { countries: 'ca' } "
      "boxes { box_id: ' Small one ' inner { length: ' 1' width: '1' height: '1' unit: 'in' } } "
      "reference { purchase_order_code: 'po' } label_format: 'zpl' description: ' Parts '");
  const shipments::v1::Rules normal = RulesOf(
      "services { ship_type_id: 'Ground' service_code: 'M2' } packaging_code: '2a' "
      "freight { payment { payer: RECEIVER account_number: 'A1B2C3' country_code: 'DE' } } "
      "units { unit_of_measure: 'LBS' stands_for: 'LB' } addresses { countries: 'CA' } "
      "boxes { box_id: 'Small one' inner { length: '1' width: '1' height: '1' unit: 'IN' } } "
      "reference { purchase_order_code: 'PO' } label_format: 'ZPL' description: 'Parts'");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(NormalRules(typed), normal))
      << NormalRules(typed).DebugString();
  EXPECT_TRUE(CheckRules(normal).ok()) << CheckRules(normal);
  EXPECT_FALSE(CheckRules(typed).ok());
}

}  // namespace
}  // namespace psups::shipment_builder
