#include <gmock/gmock.h>

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sandbox/ups/sandbox_fixture.h"

namespace psups::ups_sandbox {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::string DayText(absl::CivilDay day) {
  return absl::StrFormat("%04d%02d%02d", day.year(), day.month(), day.day());
}

class RatingTest : public UpsSandboxTest {
 protected:
  // What DomesticShipment() is, to be rated.
  static Json RateRequest() {
    return Json::parse(R"({"RateRequest": {
      "Request": {"RequestOption": "Ratetimeintransit", "SubVersion": "2205"},
      "Shipment": {
        "Shipper": {"ShipperNumber": "F3R1N0",
          "Address": {"AddressLine": ["12 Fern St"], "City": "Macon", "StateProvinceCode": "GA",
                      "PostalCode": "31201", "CountryCode": "US"}},
        "ShipTo": {"Address": {"AddressLine": ["900 Pier Ave", "Dock 4"], "City": "Long Beach",
          "StateProvinceCode": "CA", "PostalCode": "908021234", "CountryCode": "US"}},
        "PaymentDetails": {"ShipmentCharge": [
          {"Type": "01", "BillShipper": {"AccountNumber": "F3R1N0"}}]},
        "Service": {"Code": "03"},
        "ShipmentRatingOptions": {"NegotiatedRatesIndicator": ""},
        "DeliveryTimeInformation": {"PackageBillType": "03"},
        "Package": [{"PackagingType": {"Code": "02"},
          "PackageWeight": {"UnitOfMeasurement": {"Code": "LBS", "Description": "Pounds"},
                            "Weight": "12.5"}}]}}})");
  }

  static Json& Rated(Json& body) { return body["RateRequest"]["Shipment"]; }

  static void SendTo(Json& body, const std::string& country, const std::string& state,
                     const std::string& postal) {
    Json& address = Rated(body)["ShipTo"]["Address"];
    address["CountryCode"] = country;
    address["PostalCode"] = postal;
    address.erase("StateProvinceCode");
    if (!state.empty()) address["StateProvinceCode"] = state;
  }

  Answer Ask(const std::string& option, const Json& body, const std::string& version = "v2409") {
    return Call("POST", absl::StrCat("/api/rating/", version, "/", option), body);
  }

  // What was rated, by service.
  std::map<std::string, Json> Quotes(const std::string& option, const Json& body) {
    const Answer answer = Ask(option, body);
    EXPECT_EQ(answer.code, 200) << answer.text;
    std::map<std::string, Json> quotes;
    for (const Json& quote : At(answer.body, {"RateResponse", "RatedShipment"}))
      quotes[TextAt(quote, {"Service", "Code"})] = quote;
    return quotes;
  }

  static std::string Arrival(const Json& quote) {
    return TextAt(quote,
                  {"TimeInTransit", "ServiceSummary", "EstimatedArrival", "Arrival", "Date"});
  }
  static std::string DaysUnderWay(const Json& quote) {
    return TextAt(quote,
                  {"TimeInTransit", "ServiceSummary", "EstimatedArrival", "BusinessDaysInTransit"});
  }
  static int Cents(const Json& quote) {
    double amount = 0;
    EXPECT_TRUE(absl::SimpleAtod(TextAt(quote, {"TotalCharges", "MonetaryValue"}), &amount));
    return static_cast<int>(amount * 100 + 0.5);
  }

  absl::CivilDay Today() { return absl::ToCivilDay(Now(), absl::UTCTimeZone()); }
};

TEST_F(RatingTest, WhatIsRatedIsWhatALaterShipmentCosts) {
  Json package = Json::parse(R"({"PackageWeight": {"UnitOfMeasurement": {"Code": "LBS"},
      "Weight": "3.2"}, "Dimensions": {"UnitOfMeasurement": {"Code": "IN"},
      "Length": "30", "Width": "20", "Height": "14"}})");
  for (const char* service : {"01", "02", "03", "12", "13", "14", "59"}) {
    Json rate = RateRequest();
    Rated(rate)["Service"]["Code"] = service;
    Rated(rate)["Package"].push_back(package);
    Rated(rate)["Package"][1]["PackagingType"] = {{"Code", "02"}};
    Json ship = DomesticShipment();
    Shipment(ship)["Service"]["Code"] = service;
    Shipment(ship)["ShipTo"]["AttentionName"] = "Receiving";
    Shipment(ship)["ShipTo"]["Phone"] = {{"Number", "5625550134"}};
    Shipment(ship)["ShipmentRatingOptions"] = {{"NegotiatedRatesIndicator", ""}};
    Shipment(ship)["Package"].push_back(package);
    Shipment(ship)["Package"][1]["Packaging"] = {{"Code", "02"}};

    const Json quote = Quotes("Rate", rate)[service];
    const Answer shipped = Call("POST", kShipPath, ship);
    ASSERT_EQ(shipped.code, 200) << shipped.text;
    const Json& results = At(shipped.body, {"ShipmentResponse", "ShipmentResults"});
    EXPECT_EQ(At(quote, {"TotalCharges"}), At(results, {"ShipmentCharges", "TotalCharges"}));
    EXPECT_EQ(At(quote, {"NegotiatedRateCharges", "TotalCharge"}),
              At(results, {"NegotiatedRateCharges", "TotalCharge"}));
    EXPECT_EQ(At(quote, {"BillingWeight"}), At(results, {"BillingWeight"}));
    EXPECT_THAT(At(quote, {"RatedPackage"}), SizeIs(2));
  }
}

TEST_F(RatingTest, NothingIsMadeAndTheJournalHasIt) {
  Quotes("Shop", RateRequest());
  EXPECT_THAT(Truth()["shipments"], IsEmpty());
  EXPECT_EQ(Admin("GET", "/admin/journal").body["entries"].back()["route"], "rating");
}

TEST_F(RatingTest, ShopOffersAllThatRunsBetweenTwoPlacesAndTheFasterIsDearer) {
  const auto quotes = Quotes("Shoptimeintransit", RateRequest());
  ASSERT_THAT(quotes, SizeIs(7));
  // 59 arrives in the morning of 02's day, 13, 01 and 14 on one day in that order.
  const std::vector<std::string> slowest_first = {"03", "12", "02", "59", "13", "01", "14"};
  for (std::size_t i = 1; i < slowest_first.size(); ++i) {
    const Json& slower = quotes.at(slowest_first[i - 1]);
    const Json& faster = quotes.at(slowest_first[i]);
    EXPECT_LT(Cents(slower), Cents(faster)) << slowest_first[i];
    EXPECT_GE(Arrival(slower), Arrival(faster)) << slowest_first[i];
  }
  Json abroad = RateRequest();
  SendTo(abroad, "DE", "", "80337");
  std::vector<std::string> services;
  for (const auto& [service, quote] : Quotes("Shop", abroad)) services.push_back(service);
  EXPECT_THAT(services, UnorderedElementsAre("07", "08", "11", "54", "65"));
}

TEST_F(RatingTest, DeliveryIsSoManyBusinessDaysAfterTheShipDate) {
  const absl::CivilDay friday = absl::NextWeekday(Today(), absl::Weekday::friday);
  Json body = RateRequest();
  Json& day = Rated(body)["DeliveryTimeInformation"]["Pickup"]["Date"];
  day = DayText(friday);
  auto quotes = Quotes("Shoptimeintransit", body);
  const std::map<std::string, int> days_on = {{"01", 3}, {"13", 3}, {"14", 3}, {"02", 4},
                                              {"59", 4}, {"12", 5}, {"03", 6}};
  for (const auto& [service, days] : days_on)
    EXPECT_EQ(Arrival(quotes[service]), DayText(friday + days)) << service;
  EXPECT_EQ(DaysUnderWay(quotes["12"]), "3");
  EXPECT_EQ(
      TextAt(quotes["01"], {"TimeInTransit", "ServiceSummary", "EstimatedArrival", "DayOfWeek"}),
      "MON");
  for (const int later : {1, 2, 3}) {  // what leaves at the weekend leaves on Monday
    day = DayText(friday + later);
    quotes = Quotes("Shoptimeintransit", body);
    EXPECT_EQ(Arrival(quotes["01"]), DayText(friday + 4)) << later;
    EXPECT_EQ(TextAt(quotes["01"], {"TimeInTransit", "PickupDate"}), DayText(friday + later));
  }
}

TEST_F(RatingTest, GroundTakesTheLongerTheFartherTheZipIs) {
  struct Way {
    const char* state;
    const char* zip;
    const char* days;
  };
  for (const Way& way : {Way{"FL", "33101", "2"}, Way{"OH", "43085", "2"}, Way{"IL", "60601", "3"},
                         Way{"CA", "90802", "4"}, Way{"NH", "03079", "3"}}) {
    Json body = RateRequest();
    SendTo(body, "US", way.state, way.zip);
    EXPECT_EQ(DaysUnderWay(Quotes("Ratetimeintransit", body)["03"]), way.days) << way.zip;
    Rated(body)["Service"]["Code"] = "02";
    EXPECT_EQ(DaysUnderWay(Quotes("Ratetimeintransit", body)["02"]), "2") << way.zip;
  }
  Json across = RateRequest();
  Rated(across)["Shipper"]["Address"]["StateProvinceCode"] = "ME";
  Rated(across)["Shipper"]["Address"]["PostalCode"] = "04101";
  EXPECT_EQ(DaysUnderWay(Quotes("Ratetimeintransit", across)["03"]), "5");
}

TEST_F(RatingTest, TimeInTransitComesOnlyIfItIsAskedForTwice) {
  const auto has_time = [&](const std::string& option, const Json& body) {
    return Quotes(option, body)["03"].contains("TimeInTransit");
  };
  Json body = RateRequest();
  EXPECT_TRUE(has_time("Ratetimeintransit", body));
  EXPECT_TRUE(has_time("shopTimeInTransit", body));
  EXPECT_TRUE(has_time("Rate?additionalinfo=timeintransit", body));
  EXPECT_FALSE(has_time("Rate", body));
  EXPECT_FALSE(has_time("Shop", body));
  Rated(body).erase("DeliveryTimeInformation");
  EXPECT_FALSE(has_time("Ratetimeintransit", body));
}

TEST_F(RatingTest, NegotiatedRatesAreTheShippersAndWantToBeAskedFor) {
  Json body = RateRequest();
  EXPECT_TRUE(Quotes("Rate", body)["03"].contains("NegotiatedRateCharges"));
  Rated(body).erase("PaymentDetails");
  Rated(body)["Shipper"].erase("ShipperNumber");
  EXPECT_FALSE(Quotes("Rate", body)["03"].contains("NegotiatedRateCharges"));
  body = RateRequest();
  Rated(body).erase("ShipmentRatingOptions");
  EXPECT_FALSE(Quotes("Rate", body)["03"].contains("NegotiatedRateCharges"));
}

TEST_F(RatingTest, BrokenRateRequestsAreRefused) {
  const std::vector<std::pair<std::string, std::function<void(Json&)>>> broken = {
      {"20007", [](Json& s) { s = ""; }},
      {"10002", [](Json& s) { s["Package"][0]["PackageWeight"]["Weight"] = 12.5; }},
      {"110004", [](Json& s) { s.erase("Shipper"); }},
      {"110005", [](Json& s) { s["Shipper"]["ShipperNumber"] = "F3R1"; }},
      {"111580", [](Json& s) { s["Shipper"]["ShipperNumber"] = "ZZ9999"; }},
      {"110006", [](Json& s) { s["Shipper"].erase("Address"); }},
      {"110010",
       [](Json& s) {
         s["ShipTo"]["Address"]["AddressLine"] = {"1", "2", "3", "4"};
       }},
      {"110208", [](Json& s) { s["ShipTo"]["Address"].erase("CountryCode"); }},
      {"110012", [](Json& s) { s["ShipTo"]["Address"].erase("StateProvinceCode"); }},
      {"110045", [](Json& s) { s["ShipTo"]["Address"].erase("PostalCode"); }},
      {"111285", [](Json& s) { s["ShipTo"]["Address"]["PostalCode"] = "31201"; }},
      {"111286", [](Json& s) { s["ShipTo"]["Address"]["StateProvinceCode"] = "CAL"; }},
      {"110014",
       [](Json& s) {
         s["ShipFrom"] = {{"Name", "Fern Depot"}};
       }},
      {"20007", [](Json& s) { s["PaymentDetails"] = Json::object(); }},
      {"110401", [](Json& s) { s["PaymentDetails"]["ShipmentCharge"][0].erase("BillShipper"); }},
      {"111580",
       [](Json& s) {
         s["PaymentDetails"]["ShipmentCharge"][0]["BillShipper"]["AccountNumber"] = "ZZ9999";
       }},
      {"111100", [](Json& s) { s.erase("Service"); }},
      {"111100", [](Json& s) { s["Service"]["Code"] = "99"; }},
      {"111210", [](Json& s) { s["Service"]["Code"] = "07"; }},
      {"110002", [](Json& s) { s["Package"] = Json::array(); }},
      {"110003", [](Json& s) { s["Package"] = Json(201, s["Package"][0]); }},
      {"110600",
       [](Json& s) {  // as ship calls it
         s["Package"][0]["Packaging"] = std::exchange(s["Package"][0]["PackagingType"], "");
       }},
      {"110023", [](Json& s) { s["Package"][0]["PackageWeight"].erase("UnitOfMeasurement"); }},
      {"111057",
       [](Json& s) { s["Package"][0]["PackageWeight"]["UnitOfMeasurement"]["Code"] = "KGS"; }},
      {"111030", [](Json& s) { s["Package"][0]["PackageWeight"]["Weight"] = "0"; }},
      {"111035", [](Json& s) { s["Package"][0]["PackageWeight"]["Weight"] = "150.1"; }},
      {"20008", [](Json& s) { s["DeliveryTimeInformation"]["PackageBillType"] = "01"; }},
      {"20008", [](Json& s) { s["DeliveryTimeInformation"]["Pickup"]["Date"] = "20260230"; }},
      {"20008", [](Json& s) { s["DeliveryTimeInformation"]["Pickup"]["Date"] = "20200102"; }}};
  for (const auto& [code, spoil] : broken) {
    Json body = RateRequest();
    spoil(Rated(body));
    const Answer answer = Ask("Ratetimeintransit", body);
    EXPECT_EQ(answer.code, 400) << code << answer.text;
    EXPECT_EQ(answer.error(), code) << answer.text;
  }
  EXPECT_EQ(Ask("Rates", RateRequest()).error(), "20006");
  EXPECT_EQ(Ask("Rate", RateRequest(), "v2").error(), "20002");
}

TEST_F(RatingTest, SizesAreLookedAt) {
  const auto error = [&](const char* unit, const char* length, const char* width,
                         const char* height) {
    Json body = RateRequest();
    Rated(body)["Package"][0]["Dimensions"] = {{"UnitOfMeasurement", {{"Code", unit}}},
                                               {"Length", length},
                                               {"Width", width},
                                               {"Height", height}};
    return Ask("Rate", body).error();
  };
  EXPECT_EQ(error("IN", "14", "10.5", "8"), "");
  EXPECT_EQ(error("", "14", "10", "8"), "110021");
  EXPECT_EQ(error("CM", "14", "10", "8"), "111057");
  EXPECT_EQ(error("IN", "14", "10", ""), "110609");
  EXPECT_EQ(error("IN", "10", "109", "8"), "111055");
  EXPECT_EQ(error("IN", "100", "17", "16"), "111058");
}

TEST_F(RatingTest, TimeAcrossABorderWantsWeightAndValueOfTheWhole) {
  for (const auto& [country, state, postal, service] :
       {std::array{"CA", "QC", "H2L5K3", "11"}, std::array{"PR", "", "00901", "02"}}) {
    Json body = RateRequest();
    SendTo(body, country, state, postal);
    Rated(body)["Service"]["Code"] = service;
    EXPECT_EQ(Ask("Ratetimeintransit", body).error(), "111546") << country;
    EXPECT_EQ(Ask("Rate", body).code, 200) << country;
    Rated(body)["ShipmentTotalWeight"] = {{"UnitOfMeasurement", {{"Code", "LBS"}}},
                                          {"Weight", "12.5"}};
    EXPECT_EQ(Ask("Shoptimeintransit", body).error(), "111549") << country;
    Rated(body)["InvoiceLineTotal"] = {{"CurrencyCode", "USD"}, {"MonetaryValue", "283"}};
    EXPECT_NE(Arrival(Quotes("Shoptimeintransit", body)[service]), "") << country;
  }
}

TEST_F(RatingTest, OneValueStandsForAListOfOneAndOlderVersionsAnswerSo) {
  Json body = RateRequest();
  for (const char* list :
       {"Package", "PaymentDetails/ShipmentCharge", "ShipTo/Address/AddressLine"}) {
    Json& value = Rated(body)[Json::json_pointer(absl::StrCat("/", list))];
    value = Json(value[0]);
  }
  const Answer answer = Ask("Rate", body, "v2205");
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json& rated = At(answer.body, {"RateResponse", "RatedShipment"});
  EXPECT_EQ(TextAt(rated, {"Service", "Code"}), "03");
  EXPECT_TRUE(At(rated, {"RatedPackage"}).is_object()) << answer.text;
}

TEST_F(RatingTest, FaultsMeetIt) {
  AddFault({{"id", "x"}, {"route", "rating"}, {"kind", "status"}, {"count", 1}});
  EXPECT_EQ(Ask("Rate", RateRequest()).code, 503);
  AddFault({{"id", "y"},
            {"route", "rating"},
            {"kind", "drop"},
            {"field", "TimeInTransit"},
            {"count", 1}});
  EXPECT_THAT(Arrival(Quotes("Ratetimeintransit", RateRequest())["03"]), IsEmpty());
  EXPECT_NE(Arrival(Quotes("Ratetimeintransit", RateRequest())["03"]), "");
}

}  // namespace
}  // namespace psups::ups_sandbox
