#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/status_matchers.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/ups_requests.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;

namespace pb = ::psups::ups::v1;

type::v1::Address Place(const std::string& country, const std::string& state,
                        const std::string& postal_code) {
  type::v1::Address address;
  address.set_name("Beispiel GmbH");
  address.set_attention_name("Wareneingang");
  address.add_lines("Unter den Linden 1");
  address.set_city("Berlin");
  address.set_state(state);
  address.set_postal_code(postal_code);
  address.set_country_code(country);
  address.set_phone("+49 30 123-456");
  return address;
}

pb::Account Account() {
  pb::Account account;
  account.set_shipper_number("F3R1N0");
  *account.mutable_shipper() = Place("US", "GA", "31201");
  (*account.mutable_api_versions())["ship"] = "v2409";
  (*account.mutable_api_versions())["void"] = "v2409";
  return account;
}

pb::ShipmentSpec Spec(const type::v1::Address& to) {
  pb::ShipmentSpec spec;
  *spec.mutable_ship_from() = Account().shipper();
  *spec.mutable_ship_to() = to;
  spec.set_service_code("65");
  spec.set_derived_reference("k3mq7");
  pb::PackageSpec& package = *spec.add_packages();
  package.set_weight_lb("5");
  package.set_length_in(16);
  package.set_width_in(12);
  package.set_height_in(8);
  return spec;
}

pb::ShipmentSpec Germany() { return Spec(Place("DE", "", "10117")); }

Json Request(const pb::ShipmentSpec& spec) {
  return Json::parse(ShipRequest(Account(), spec).body)["ShipmentRequest"];
}

Json Shipment(const pb::ShipmentSpec& spec) { return Request(spec)["Shipment"]; }

TEST(ShipRequestTest, AnInvoiceGoesWithoutPaper) {
  pb::ShipmentSpec spec = Germany();
  pb::Customs& customs = *spec.mutable_customs();
  customs.set_invoice_number("INV-12345");
  customs.set_invoice_date("20260722");
  customs.set_reason_for_export("SALE");
  customs.set_currency_code("USD");
  customs.set_terms_of_shipment("DAP");
  pb::CustomsLine& line = *customs.add_lines();
  line.set_description("Steel pump shaft");
  line.set_quantity(2);
  line.set_unit_code("PCS");
  line.set_unit_value("050.50");
  line.set_origin_country_code("US");
  line.set_commodity_code("8413910000");
  line.set_part_number("PS-100");
  EXPECT_EQ(Shipment(spec)["ShipmentServiceOptions"], Json::parse(R"({"InternationalForms":{
      "FormType":["01"],"InvoiceNumber":"INV-12345","InvoiceDate":"20260722",
      "ReasonForExport":"SALE","CurrencyCode":"USD","TermsOfShipment":"DAP",
      "Contacts":{"SoldTo":{"Name":"Beispiel GmbH","AttentionName":"Wareneingang",
        "Phone":{"Number":"4930123456"},"Address":{"AddressLine":["Unter den Linden 1"],
        "City":"Berlin","PostalCode":"10117","CountryCode":"DE"}}},
      "Product":[{"Description":["Steel pump shaft"],
        "Unit":{"Number":"2","UnitOfMeasurement":{"Code":"PCS"},"Value":"50.5"},
        "OriginCountryCode":"US","CommodityCode":"8413910000","PartNumber":"PS-100"}]}})"));

  customs.clear_terms_of_shipment();
  line.clear_commodity_code();
  line.clear_part_number();
  *customs.mutable_sold_to() = Place("DE", "", "20095");
  customs.mutable_sold_to()->set_name("Einkauf GmbH");
  Json forms = Shipment(spec)["ShipmentServiceOptions"]["InternationalForms"];
  EXPECT_EQ(forms["Contacts"]["SoldTo"]["Name"], "Einkauf GmbH");
  // What there is nothing of is left out: UPS's schema refuses an empty text.
  EXPECT_FALSE(forms.contains("TermsOfShipment"));
  EXPECT_FALSE(forms["Product"][0].contains("CommodityCode"));
  EXPECT_FALSE(forms["Product"][0].contains("PartNumber"));
}

TEST(ShipRequestTest, ThePayerIsOneOfThree) {
  pb::ShipmentSpec spec = Spec(Place("US", "CA", "90802"));
  const auto charges = [&] { return Shipment(spec)["PaymentInformation"]["ShipmentCharge"]; };
  EXPECT_EQ(charges(), Json::parse(R"([{"Type":"01","BillShipper":{"AccountNumber":"F3R1N0"}}])"));
  pb::Payment& payment = *spec.mutable_payment();
  payment.set_payer(pb::Payment::RECEIVER);
  payment.set_account_number("D4E5F6");
  EXPECT_EQ(charges(), Json::parse(R"([{"Type":"01","BillReceiver":{"AccountNumber":"D4E5F6"}}])"));
  payment.set_postal_code("90802-1234");
  EXPECT_EQ(charges(), Json::parse(R"([{"Type":"01","BillReceiver":{"AccountNumber":"D4E5F6",
      "Address":{"PostalCode":"908021234"}}}])"));
  payment.set_payer(pb::Payment::THIRD_PARTY);
  payment.set_postal_code("K1A 0B1");
  payment.set_country_code("CA");
  EXPECT_EQ(charges(), Json::parse(R"([{"Type":"01","BillThirdParty":{"AccountNumber":"D4E5F6",
      "Address":{"PostalCode":"K1A0B1","CountryCode":"CA"}}}])"));
}

TEST(ShipRequestTest, TheSignatureStandsWhereTheLaneWantsItAndUnderItsCode) {
  struct Lane {
    type::v1::Address to;
    bool on_packages;
  };
  for (const Lane& lane :
       {Lane{Place("US", "CA", "90802"), true}, Lane{Place("PR", "PR", "00907"), false},
        Lane{Place("DE", "", "10117"), false}}) {
    pb::ShipmentSpec spec = Spec(lane.to);
    EXPECT_FALSE(Shipment(spec).contains("ShipmentServiceOptions"));
    EXPECT_FALSE(Shipment(spec)["Package"][0].contains("PackageServiceOptions"));
    for (const auto& [signature, package_code, shipment_code] :
         {std::tuple{pb::SIGNATURE_REQUIRED, "2", "1"}, {pb::ADULT_SIGNATURE_REQUIRED, "3", "2"}}) {
      spec.set_signature(signature);
      Json shipment = Shipment(spec);
      Json& package = shipment["Package"][0];
      if (lane.on_packages) {
        EXPECT_EQ(package["PackageServiceOptions"]["DeliveryConfirmation"]["DCISType"],
                  package_code);
        EXPECT_FALSE(shipment.contains("ShipmentServiceOptions"));
      } else {
        EXPECT_EQ(shipment["ShipmentServiceOptions"]["DeliveryConfirmation"]["DCISType"],
                  shipment_code)
            << LaneOf(spec);
        EXPECT_FALSE(package.contains("PackageServiceOptions")) << LaneOf(spec);
      }
    }
  }
}

TEST(ShipRequestTest, TheGoodsValueStandsBesideTheInvoiceToCanadaAndPuertoRicoOnly) {
  for (const auto& [to, wanted] : {std::pair{Place("CA", "ON", "K1A 0B1"), true},
                                   {Place("PR", "PR", "00907"), true},
                                   {Place("DE", "", "10117"), false},
                                   {Place("US", "CA", "90802"), false}}) {
    pb::ShipmentSpec spec = Spec(to);
    spec.mutable_invoice_total()->set_amount_minor(12300);
    spec.mutable_invoice_total()->set_currency_code("USD");
    Json shipment = Shipment(spec);
    EXPECT_EQ(shipment.contains("InvoiceLineTotal"), wanted) << LaneOf(spec);
    if (wanted) {
      EXPECT_EQ(shipment["InvoiceLineTotal"],
                Json::parse(R"({"CurrencyCode":"USD","MonetaryValue":"123.00"})"));
    }
  }
  EXPECT_EQ(Shipment(Spec(Place("CA", "ON", "K1A 0B1")))["ShipTo"]["Address"]["PostalCode"],
            "K1A0B1");
}

TEST(ShipRequestTest, ValueSaturdayAndLabelHeight) {
  pb::ShipmentSpec spec = Spec(Place("US", "CA", "90802"));
  EXPECT_EQ(Request(spec)["LabelSpecification"]["LabelStockSize"]["Height"], "6");
  spec.mutable_packages(0)->mutable_declared_value()->set_amount_minor(5);
  spec.mutable_packages(0)->mutable_declared_value()->set_currency_code("USD");
  spec.set_saturday_delivery(true);
  spec.set_label_height_in(8);
  Json request = Request(spec);
  EXPECT_EQ(request["Shipment"]["Package"][0]["PackageServiceOptions"]["DeclaredValue"],
            Json::parse(R"({"CurrencyCode":"USD","MonetaryValue":"0.05"})"));
  EXPECT_EQ(request["Shipment"]["ShipmentServiceOptions"],
            Json::parse(R"({"SaturdayDeliveryIndicator":""})"));
  EXPECT_EQ(request["LabelSpecification"]["LabelStockSize"]["Height"], "8");
}

// Every text is there whole or not at all, and none is empty but presence indicators.
void ExpectStrict(const Json& json, const std::string& path) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) ExpectStrict(value, path + "/" + key);
    return;
  }
  if (json.is_array()) {
    EXPECT_THAT(json, Not(::testing::IsEmpty())) << path;
    for (const Json& item : json) ExpectStrict(item, path);
    return;
  }
  EXPECT_TRUE(json.is_string()) << path;
  if (path.find("Indicator") == path.npos) {
    EXPECT_NE(json, "") << path;
  }
}

TEST(ShipRequestTest, TheLeastAndTheMostAreStrict) {
  pb::ShipmentSpec least = Germany();
  for (type::v1::Address* address : {least.mutable_ship_from(), least.mutable_ship_to()}) {
    address->clear_attention_name();
    address->clear_phone();
    address->clear_state();
    address->clear_postal_code();
  }
  ExpectStrict(Request(least), "");
  pb::ShipmentSpec most = Germany();
  most.mutable_customs()->add_lines()->set_description("x");
  for (const char* field : {"invoice_number", "invoice_date", "reason_for_export", "currency_code",
                            "terms_of_shipment"}) {
    const auto* descriptor = pb::Customs::descriptor()->FindFieldByName(field);
    pb::Customs::GetReflection()->SetString(most.mutable_customs(), descriptor, "x");
  }
  pb::CustomsLine& line = *most.mutable_customs()->mutable_lines(0);
  line.set_unit_code("PCS");
  line.set_unit_value("1");
  line.set_origin_country_code("US");
  most.set_signature(pb::SIGNATURE_REQUIRED);
  most.set_saturday_delivery(true);
  most.set_description("Pump parts");
  most.add_references()->set_code("PO");
  most.mutable_references(0)->set_value("1");
  ExpectStrict(Request(most), "");
}

TEST(ShipRequestTest, WhatIsAsLongAsUpsTakesArrivesWhole) {
  pb::ShipmentSpec spec = Germany();
  const std::string name(35, 'n'), line(35, 'l'), city(30, 'c'), phone(15, '7');
  type::v1::Address& to = *spec.mutable_ship_to();
  to.set_name(name);
  to.set_attention_name(line);
  to.add_lines(line);
  to.add_lines(line);
  to.set_city(city);
  to.set_phone("+" + phone);
  const Json sent = Shipment(spec).at("ShipTo");
  EXPECT_EQ(sent.at("Name"), name);
  EXPECT_EQ(sent.at("AttentionName"), line);
  EXPECT_EQ(sent.at("Phone").at("Number"), phone);
  EXPECT_EQ(sent.at("Address").at("City"), city);
  EXPECT_EQ(sent.at("Address").at("AddressLine").at(2), line);
}

TEST(VoidRequestTest, OnePackageIsNamedPlainlyAndSeveralAsAList) {
  EXPECT_EQ(VoidRequest(Account(), "1Z1").target, "/api/shipments/v2409/void/cancel/1Z1");
  EXPECT_EQ(VoidRequest(Account(), "1Z1", {"1Z2"}).target,
            "/api/shipments/v2409/void/cancel/1Z1?trackingnumber=1Z2");
  EXPECT_EQ(VoidRequest(Account(), "1Z1", {"1Z2", "1Z3"}).target,
            "/api/shipments/v2409/void/cancel/1Z1?trackingnumber=%5B%221Z2%22%2C%221Z3%22%5D");
}

TEST(TrackShipmentRequestTest, AsksForAPage) {
  const WireRequest request = TrackShipmentRequest("1Z1/x", 50);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target,
            "/api/track/v1/shipment/details/1Z1%2Fx?locale=en_US&offset=50&count=50");
}

TEST(WireTextTest, ADescriptionKeepsItsWordsWholeWhereTheyFit) {
  const std::string fifteen(15, 'a');
  EXPECT_THAT(DescriptionLines("Steel pump  shaft"), ElementsAre("Steel pump shaft"));
  EXPECT_THAT(DescriptionLines(fifteen + " " + fifteen + " bcdef"),
              ElementsAre(fifteen + " " + fifteen, "bcdef"));
  // Wrapped it would be four lines: it is cut where a line is full, and nothing is lost.
  const std::string twenty(20, 'b');
  const std::string text = twenty + " " + twenty + " " + twenty + " " + twenty;
  const std::vector<std::string> lines = DescriptionLines(text);
  EXPECT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0] + lines[1] + lines[2], text);
  for (const std::string& line : lines) EXPECT_LE(Characters(line), 35u);
  std::string umlauts;
  for (int i = 0; i < 105; ++i) umlauts += "Ä";
  for (const std::string& line : DescriptionLines(umlauts)) EXPECT_EQ(Characters(line), 35u);
  EXPECT_EQ(DescriptionLines(umlauts).size(), 3u);
}

TEST(WireTextTest, AmountsHaveTheirCurrencysPlaces) {
  const auto text = [](int64_t amount, const char* currency) {
    type::v1::Money money;
    money.set_amount_minor(amount);
    money.set_currency_code(currency);
    return AmountText(money);
  };
  EXPECT_EQ(text(1234, "USD"), "12.34");
  EXPECT_EQ(text(1205, "EUR"), "12.05");
  EXPECT_EQ(text(1234, "JPY"), "1234");
}

}  // namespace
}  // namespace psups::ups_gateway
