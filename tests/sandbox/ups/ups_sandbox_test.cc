#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/label.h"
#include "tests/sandbox/ups/local_time.h"
#include "tests/sandbox/ups/sandbox_fixture.h"
#include "tests/sandbox/ups/tracking_number.h"

namespace psups::ups_sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Later than any label that a test makes.
constexpr char kSummer[] = "2050-07-23T13:15:19Z";
constexpr char kWinter[] = "2050-12-23T13:15:19Z";

// --- tracking numbers, labels, times

TEST(TrackingNumberTest, CheckDigitFitsNumbersThatUpsPrints) {
  for (const std::string number :
       {"1ZCIETST0422222228", "1ZCIETST0111111114", "1Z023E2X0214323462", "1ZISUS010330563105"})
    EXPECT_EQ(CheckDigit(std::string_view(number).substr(2, 15)), number.back()) << number;
}

TEST(TrackingNumberTest, MadeNumbersCarryAccountServiceAndCheckDigit) {
  const std::string number = MakeTrackingNumber("F3R1N0", "03", 42);
  EXPECT_EQ(number.substr(0, 17), "1ZF3R1N0030000042");
  EXPECT_EQ(CheckDigit(std::string_view(number).substr(2, 15)), number.back());
}

TEST(LabelTest, ZplIsAWholeLabelOfTheSizeAskedFor) {
  std::string zpl;
  ASSERT_TRUE(absl::Base64Unescape(LabelImage("1ZF3R1N00300000426", "ZPL", 4096), &zpl));
  EXPECT_EQ(zpl.substr(0, 3), "^XA");
  EXPECT_EQ(zpl.substr(zpl.size() - 4), "^XZ\n");
  EXPECT_THAT(zpl, HasSubstr("1ZF3R1N00300000426"));
  EXPECT_NEAR(static_cast<double>(zpl.size()), 4096, 64);
}

TEST(LocalTimeTest, StampIsLocalToTheStateWithItsOffset) {
  const absl::Time winter = absl::FromUnixSeconds(1795424462);
  const LocalStamp stamp = StampAt(winter, "CA");
  EXPECT_EQ(stamp.gmt_date + stamp.gmt_time, "20261123090102");
  EXPECT_EQ(stamp.date + stamp.time, "20261123010102");
  EXPECT_EQ(stamp.gmt_offset, "-08:00");
  EXPECT_EQ(StampAt(winter, "NY").gmt_offset, "-05:00");
  EXPECT_EQ(StampAt(winter, "??").gmt_offset, "-05:00");
}

TEST(LocalTimeTest, InSummerOnlyStatesThatKeepTheirClocksStayOnStandardTime) {
  const absl::Time summer =
      absl::FromCivil(absl::CivilSecond(2026, 7, 23, 9, 1, 2), absl::UTCTimeZone());
  const LocalStamp stamp = StampAt(summer, "NC");
  EXPECT_EQ(stamp.gmt_date + stamp.gmt_time, "20260723090102");
  EXPECT_EQ(stamp.date + stamp.time, "20260723050102");
  EXPECT_EQ(stamp.gmt_offset, "-04:00");
  const std::map<std::string, std::string> offsets = {
      {"IN", "-04:00"}, {"TX", "-05:00"}, {"CO", "-06:00"}, {"AZ", "-07:00"},
      {"CA", "-07:00"}, {"AK", "-08:00"}, {"HI", "-10:00"}, {"PR", "-04:00"}};
  for (const auto& [state, offset] : offsets)
    EXPECT_EQ(StampAt(summer, state).gmt_offset, offset) << state;
}

TEST(ConfigTest, EveryProblemIsNamed) {
  const auto config = ParseConfig(
      R"({"clients":[{"client_id":"x","accounts":["short"]}],"colour":"brown",
          "auto_scans":{"interval_ms":10,"script":["OR","??"]}})");
  const std::string message(config.status().message());
  EXPECT_THAT(message, HasSubstr("clients[0].client_secret: missing"));
  EXPECT_THAT(message, HasSubstr("clients[0].accounts"));
  EXPECT_THAT(message, HasSubstr("colour: no such key"));
  EXPECT_THAT(message, HasSubstr("auto_scans.interval_ms"));
  EXPECT_THAT(message, HasSubstr("no such code: ??"));
}

// --- token

TEST_F(UpsSandboxTest, TokenReplyIsAllTexts) {
  const Answer answer = Token();
  ASSERT_EQ(answer.code, 200) << answer.text;
  for (const auto& [key, value] : answer.body.items()) EXPECT_TRUE(value.is_string()) << key;
  EXPECT_EQ(answer.body["token_type"], "Bearer");
  EXPECT_EQ(answer.body["expires_in"], "14399");
  EXPECT_EQ(answer.body["issued_at"].get<std::string>().size(), 13u) << "milliseconds";
  EXPECT_EQ(answer.body["status"], "approved");
}

TEST_F(UpsSandboxTest, WrongClientOrSecretIs10401) {
  EXPECT_EQ(Token("nobody").error(), "10401");
  const Answer answer = Token("app", "wrong");
  EXPECT_EQ(answer.code, 401);
  EXPECT_EQ(answer.error(), "10401");
}

TEST_F(UpsSandboxTest, GrantTypeIsNeeded) {
  EXPECT_EQ(Token("app", "s3cret", "scope=x").code, 400);
  EXPECT_EQ(Token("app", "s3cret", "grant_type=password").code, 400);
}

TEST_F(UpsSandboxTest, TokenRequestsAboveTheLimitOfADayAre10429) {
  Config config = DefaultConfig();
  config.clients[0].token_limit_per_day = 2;
  Restart(config);
  EXPECT_EQ(Token().code, 200);
  EXPECT_EQ(Token().code, 200);
  const Answer third = Token();
  EXPECT_EQ(third.code, 429);
  EXPECT_EQ(third.error(), "10429");
  EXPECT_EQ(Token("other").code, 200) << "another client has its own count";
  EXPECT_THAT(Truth()["token_requests"], SizeIs(4));
  advanced_seconds_ = 25 * 3600;
  EXPECT_EQ(Token().code, 200);
}

TEST_F(UpsSandboxTest, UnknownBearerIs250002AndAnExpiredOneIs251004) {
  HttpRequest request{.method = "GET", .url = "/api/track/v1/details/1ZCIETST0422222228"};
  EXPECT_EQ(Send(sandbox_->api_address(), request).error(), "250002");
  bearer_ = "made-up";
  EXPECT_EQ(Call("GET", request.url).error(), "250002");
  bearer_.clear();
  EXPECT_EQ(Call("GET", request.url).code, 200);
  advanced_seconds_ = 14400;
  const Answer answer = Call("GET", request.url);
  EXPECT_EQ(answer.code, 401);
  EXPECT_EQ(answer.error(), "251004");
}

// --- address validation

class XavTest : public UpsSandboxTest {
 protected:
  void SetUp() override {
    UpsSandboxTest::SetUp();
    AddTable();
  }

  void AddTable() {
    const Answer answer = Admin("POST", "/admin/addresses", Json::parse(R"([
      {"input": {"lines": ["900 Pier Ave", "Ste 4"], "city": "Long Beach", "state": "CA",
                 "postal": "90802", "country": "US"}, "verdict": "valid",
       "candidates": [{"lines": ["900 PIER AVE STE 4"], "city": "LONG BEACH", "state": "CA",
                       "postal": "90802", "postal_extended": "1234", "classification": "1"}]},
      {"input": {"lines": ["1 Main St"], "city": "Albany", "state": "NY", "postal": "12207",
                 "country": "US"}, "verdict": "ambiguous",
       "candidates": [{"lines": ["1-99 E MAIN ST"], "city": "ALBANY", "state": "NY",
                       "postal": "12207", "postal_extended": "1001"},
                      {"lines": ["1-99 W MAIN ST"], "city": "ALBANY", "state": "NY",
                       "postal": "12207", "postal_extended": "1002"}]},
      {"input": {"lines": ["7 Nowhere Rd"], "city": "Macon", "state": "GA", "postal": "31201",
                 "country": "US"}, "verdict": "none", "candidates": []}])"));
    ASSERT_EQ(answer.code, 200) << answer.text;
  }

  Answer Validate(const std::vector<std::string>& lines, const std::string& city,
                  const std::string& state, const std::string& zip, const std::string& option = "3",
                  const std::string& query = "") {
    return Call("POST", "/api/addressvalidation/v2/" + option + query,
                {{"XAVRequest",
                  {{"AddressKeyFormat",
                    {{"AddressLine", lines},
                     {"PoliticalDivision2", city},
                     {"PoliticalDivision1", state},
                     {"PostcodePrimaryLow", zip},
                     {"CountryCode", "US"}}}}}});
  }
};

TEST_F(XavTest, ValidAddressComesWithItsCandidateAndClassification) {
  const Answer answer = Validate({"900  pier AVE", "ste 4"}, "long beach", "ca", "90802-9999");
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json& reply = answer.body["XAVResponse"];
  EXPECT_EQ(reply["Response"]["ResponseStatus"]["Code"], "1");
  EXPECT_EQ(reply["ValidAddressIndicator"], "");
  EXPECT_EQ(reply["AddressClassification"]["Code"], "1");
  ASSERT_THAT(reply["Candidate"], SizeIs(1));
  const Json& candidate = reply["Candidate"][0]["AddressKeyFormat"];
  EXPECT_EQ(candidate["AddressLine"], Json::array({"900 PIER AVE STE 4"}));
  EXPECT_EQ(candidate["PostcodeExtendedLow"], "1234");
  EXPECT_EQ(candidate["Region"], "LONG BEACH CA 90802-1234");
  EXPECT_EQ(reply["Candidate"][0]["AddressClassification"]["Description"], "Commercial");
}

TEST_F(XavTest, JournalSaysWhatTheCallerWasTold) {
  const auto pier = [this](const std::string& option) {
    Validate({"900 Pier Ave", "Ste 4"}, "Long Beach", "CA", "90802", option);
    return Admin("GET", "/admin/journal").body["entries"].back()["verdict"];
  };
  EXPECT_EQ(pier("3"), "valid");
  EXPECT_EQ(pier("1"), "valid");
  EXPECT_EQ(pier("2"), Json()) << "a classification only";
  Validate({"1 Main St"}, "Albany", "NY", "12207");
  Validate({"7 Nowhere Rd"}, "Macon", "GA", "31201");
  const Json entries = Admin("GET", "/admin/journal").body["entries"];
  EXPECT_EQ(entries[entries.size() - 2]["verdict"], "ambiguous");
  EXPECT_EQ(entries.back()["verdict"], "none");
  EXPECT_EQ(entries[0]["verdict"], Json()) << "the token";

  const std::vector<std::pair<std::string, Json>> hurt = {
      {"singleton", "valid"},         {"not_found", "none"},       {"status", Json()},
      {"done_then_status", Json()},   {"done_then_reset", Json()}, {"done_then_close", Json()},
      {"done_then_truncate", Json()}, {"expire_token", Json()}};
  for (const auto& [kind, told] : hurt) {
    AddFault({{"id", kind}, {"route", "xav"}, {"kind", kind}, {"count", 1}});
    EXPECT_EQ(pier("3"), told) << kind;
  }
}

TEST_F(XavTest, OptionOneHasNoClassificationAndOptionTwoNothingElse) {
  const Json one = Validate({"900 Pier Ave Ste 4"}, "Long Beach", "CA", "90802", "1").body;
  EXPECT_FALSE(one["XAVResponse"].contains("AddressClassification"));
  EXPECT_TRUE(one["XAVResponse"].contains("ValidAddressIndicator"));
  const Json two = Validate({"900 Pier Ave Ste 4"}, "Long Beach", "CA", "90802", "2").body;
  EXPECT_EQ(two["XAVResponse"]["AddressClassification"]["Code"], "1");
  EXPECT_FALSE(two["XAVResponse"].contains("ValidAddressIndicator"));
  EXPECT_FALSE(two["XAVResponse"].contains("Candidate"));
}

TEST_F(XavTest, AmbiguousAddressListsItsCandidatesUpToTheNumberAskedFor) {
  const Json all = Validate({"1 MAIN ST"}, "ALBANY", "NY", "12207").body["XAVResponse"];
  EXPECT_EQ(all["AmbiguousAddressIndicator"], "");
  EXPECT_THAT(all["Candidate"], SizeIs(2));
  const Json one =
      Validate({"1 MAIN ST"}, "ALBANY", "NY", "12207", "3", "?maximumcandidatelistsize=1")
          .body["XAVResponse"];
  EXPECT_THAT(one["Candidate"], SizeIs(1));
}

TEST_F(XavTest, UnknownAddressHasNoCandidates) {
  for (const std::string street : {"7 Nowhere Rd", "8 Unheard Of Rd"}) {
    const Json reply = Validate({street}, "Macon", "GA", "31201").body["XAVResponse"];
    EXPECT_EQ(reply["NoCandidatesIndicator"], "") << street;
    EXPECT_EQ(reply["AddressClassification"]["Description"], "UnClassified");
    EXPECT_FALSE(reply.contains("Candidate"));
  }
}

TEST_F(XavTest, RegionalRequestIgnoresTheStreet) {
  const Json reply = Validate({"no such street"}, "Long Beach", "CA", "90802", "1",
                              "?regionalrequestindicator=True")
                         .body["XAVResponse"];
  EXPECT_TRUE(reply.contains("ValidAddressIndicator"));
}

TEST_F(XavTest, BrokenRequestsAreRefused) {
  EXPECT_EQ(Validate({"1 MAIN ST"}, "ALBANY", "NY", "12207", "9").error(), "9264028");
  const auto call = [&](const Json& address) {
    return Call("POST", "/api/addressvalidation/v2/3",
                {{"XAVRequest", {{"AddressKeyFormat", address}}}});
  };
  EXPECT_EQ(call({{"AddressLine", {"1 MAIN ST"}}}).code, 400) << "no country";
  EXPECT_EQ(call({{"AddressLine", "1 MAIN ST"}, {"CountryCode", "US"}}).code, 400);
  EXPECT_EQ(call({{"CountryCode", "DE"}}).code, 400);
  EXPECT_EQ(call({{"CountryCode", "US"}, {"PostcodePrimaryLow", 12207}}).code, 400);
}

TEST_F(XavTest, TestEnvironmentKnowsOnlyNewYorkAndCalifornia) {
  Config config = DefaultConfig();
  config.cie = true;
  Restart(config);
  AddTable();
  EXPECT_EQ(Validate({"7 Nowhere Rd"}, "Macon", "GA", "31201").error(), "9264030");
  EXPECT_EQ(Validate({"1 MAIN ST"}, "ALBANY", "NY", "12207").code, 200);
}

// --- ship

TEST_F(UpsSandboxTest, MinimalDomesticShipmentGetsNumberLabelAndCharges) {
  const Answer answer = Call("POST", kShipPath, DomesticShipment());
  ASSERT_EQ(answer.code, 200) << answer.text;
  EXPECT_EQ(answer.body["ShipmentResponse"]["Response"]["ResponseStatus"]["Code"], "1");
  const Json& results = answer.body["ShipmentResponse"]["ShipmentResults"];
  const std::string id = results["ShipmentIdentificationNumber"];
  EXPECT_EQ(CheckDigit(std::string_view(id).substr(2, 15)), id.back());
  EXPECT_EQ(id.substr(0, 10), "1ZF3R1N003");
  ASSERT_THAT(results["PackageResults"], SizeIs(1));
  const Json& package = results["PackageResults"][0];
  EXPECT_EQ(package["TrackingNumber"], id) << "the lead number names the shipment";
  EXPECT_EQ(package["ShippingLabel"]["ImageFormat"]["Code"], "ZPL");
  std::string label;
  EXPECT_TRUE(
      absl::Base64Unescape(package["ShippingLabel"]["GraphicImage"].get<std::string>(), &label));
  EXPECT_THAT(label, HasSubstr(id));
  EXPECT_EQ(results["ShipmentCharges"]["TotalCharges"]["CurrencyCode"], "USD");
  EXPECT_EQ(results["ShipmentCharges"]["TotalCharges"]["MonetaryValue"],
            Truth()["shipments"][0]["charges"]);
}

TEST_F(UpsSandboxTest, PackagesAndReferencesAndContextComeBackInOrder) {
  Json body = DomesticShipment();
  Json& packages = Shipment(body)["Package"];
  packages[0]["Dimensions"] = {
      {"UnitOfMeasurement", {{"Code", "IN"}}}, {"Length", "20"}, {"Width", "14"}, {"Height", "10"}};
  packages.push_back(packages[0]);
  packages[1]["PackageWeight"]["Weight"] = "7";
  SetReference(body, "REF1");
  Shipment(body)["ShipmentRatingOptions"] = {{"NegotiatedRatesIndicator", ""}};
  body["ShipmentRequest"]["Request"]["TransactionReference"] = {{"CustomerContext", "mine"}};
  const Answer answer = Call("POST", kShipPath, body);
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json& reply = answer.body["ShipmentResponse"];
  EXPECT_EQ(reply["Response"]["TransactionReference"]["CustomerContext"], "mine");
  ASSERT_THAT(reply["ShipmentResults"]["PackageResults"], SizeIs(2));
  EXPECT_TRUE(reply["ShipmentResults"].contains("NegotiatedRateCharges"));

  const Json truth = Truth();
  const Json& shipment = truth["shipments"][0];
  EXPECT_EQ(shipment["request"], body["ShipmentRequest"]) << "as it was received";
  EXPECT_EQ(shipment["account"], "F3R1N0");
  EXPECT_EQ(shipment["call_id"], "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(shipment["packages"][1]["request_index"], 1);
  EXPECT_EQ(shipment["packages"][1]["tracking_number"],
            reply["ShipmentResults"]["PackageResults"][1]["TrackingNumber"]);
}

TEST_F(UpsSandboxTest, SameRequestTwiceMakesTwoShipments) {
  const std::string first = ShipOne("REF1");
  const std::string second = ShipOne("REF1");
  EXPECT_NE(first, second);
  EXPECT_THAT(Truth()["shipments"], SizeIs(2));
}

TEST_F(UpsSandboxTest, GifLabelNeedsNeitherBrowserNorSizeAndComesWithAPage) {
  Json body = DomesticShipment();
  body["ShipmentRequest"]["LabelSpecification"]["LabelImageFormat"]["Code"] = "GIF";
  body["ShipmentRequest"]["LabelSpecification"].erase("LabelStockSize");
  const Answer answer = Call("POST", kShipPath, body);
  ASSERT_EQ(answer.code, 200) << answer.text;
  EXPECT_TRUE(
      answer.body["ShipmentResponse"]["ShipmentResults"]["PackageResults"][0]["ShippingLabel"]
          .contains("HTMLImage"));
}

TEST_F(UpsSandboxTest, OneValueStandsForAListOfOne) {
  Json body = DomesticShipment();
  SetReference(body, "REF1");
  Json& shipment = Shipment(body);
  shipment["ShipTo"]["Address"]["AddressLine"] = "900 Pier Ave";
  for (Json* list : {&shipment["Package"][0]["ReferenceNumber"], &shipment["Package"],
                     &shipment["PaymentInformation"]["ShipmentCharge"]})
    *list = Json((*list)[0]);
  const Answer answer = Call("POST", kShipPath, body);
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json made = Truth()["shipments"][0];
  EXPECT_EQ(made["request"], body["ShipmentRequest"]) << "as it was received";
  EXPECT_EQ(RecoverReference("REF1").code, 200);
}

TEST_F(UpsSandboxTest, AccountsOfOthersCannotShip) {
  const Answer answer = Refused([](Json& body) {
    Shipment(body)["Shipper"]["ShipperNumber"] = "ZZ9999";
    Shipment(body)["PaymentInformation"]["ShipmentCharge"][0]["BillShipper"]["AccountNumber"] =
        "ZZ9999";
  });
  EXPECT_EQ(answer.code, 400);
  EXPECT_EQ(answer.error(), "120120");
}

TEST_F(UpsSandboxTest, BrokenShipRequestsAreRefusedAndMakeNothing) {
  const std::vector<std::pair<std::string, std::function<void(Json&)>>> cases = {
      {"120500", [](Json& b) { Shipment(b).erase("Service"); }},
      {"10002", [](Json& b) { Shipment(b)["Package"][0]["PackageWeight"]["Weight"] = 12.5; }},
      {"20008",
       [](Json& b) { b["ShipmentRequest"]["LabelSpecification"].erase("LabelStockSize"); }},
      {"120100", [](Json& b) { Shipment(b)["Shipper"]["ShipperNumber"] = "F3R1N"; }},
      {"20006", [](Json& b) { b["ShipmentRequest"].erase("Request"); }},
      {"20007", [](Json& b) { Shipment(b).erase("Package"); }},
      {"20007", [](Json& b) { b["ShipmentRequest"].erase("LabelSpecification"); }},
      {"20007", [](Json& b) { Shipment(b).erase("ShipTo"); }},
      {"120200", [](Json& b) { Shipment(b)["ShipTo"]["Name"] = std::string(36, 'x'); }},
      {"120201", [](Json& b) { Shipment(b)["ShipTo"]["Address"]["AddressLine"] = Json::array(); }},
      {"120207", [](Json& b) { Shipment(b)["ShipTo"]["Address"]["PostalCode"] = "9080"; }},
      {"120802", [](Json& b) { Shipment(b)["ShipTo"]["Address"]["PostalCode"] = "10001"; }},
      {"120400", [](Json& b) { Shipment(b).erase("PaymentInformation"); }},
      {"120413",
       [](Json& b) {
         Shipment(b)["PaymentInformation"]["ShipmentCharge"][0]["BillShipper"]["AccountNumber"] =
             "F3R1N9";
       }},
      {"121210", [](Json& b) { Shipment(b)["Service"]["Code"] = "65"; }},
      {"120602", [](Json& b) { Shipment(b)["Package"][0]["PackageWeight"]["Weight"] = "0"; }},
      {"120603", [](Json& b) { Shipment(b)["Package"][0]["PackageWeight"]["Weight"] = "150.1"; }},
      {"120546",
       [](Json& b) {
         Shipment(b)["Package"][0]["PackageWeight"]["UnitOfMeasurement"]["Code"] = "KGS";
       }},
      {"121050",
       [](Json& b) {
         Shipment(b)["Package"][0]["Dimensions"] = {{"UnitOfMeasurement", {{"Code", "IN"}}},
                                                    {"Length", "109"},
                                                    {"Width", "2"},
                                                    {"Height", "2"}};
       }},
      {"121051",
       [](Json& b) {
         Shipment(b)["Package"][0]["Dimensions"] = {{"UnitOfMeasurement", {{"Code", "IN"}}},
                                                    {"Length", "60"},
                                                    {"Width", "30"},
                                                    {"Height", "30"}};
       }},
      {"120541",
       [](Json& b) {
         Shipment(b)["ReferenceNumber"] = Json::array({Json{{"Code", "PO"}, {"Value", "1"}}});
       }},
      {"120020",
       [](Json& b) {
         const Json package = Shipment(b)["Package"][0];
         Shipment(b)["Package"] = std::vector<Json>(201, package);
       }},
      {"20008", [](Json& b) { Shipment(b)["ShipmentDate"] = "20200101"; }}};
  for (const auto& [code, spoil] : cases) {
    const Answer answer = Refused(spoil);
    EXPECT_EQ(answer.code, 400) << code;
    EXPECT_EQ(answer.error(), code) << answer.text;
  }
  EXPECT_THAT(Truth()["shipments"], IsEmpty());
}

TEST_F(UpsSandboxTest, ShipmentAbroadWantsContactsAndReferencesAtTheShipment) {
  Json body = DomesticShipment();
  Json& shipment = Shipment(body);
  shipment["ShipTo"]["Address"] = {{"AddressLine", {"Hafenstrasse 4"}},
                                   {"City", "Bremen"},
                                   {"PostalCode", "28217"},
                                   {"CountryCode", "DE"}};
  shipment["Service"]["Code"] = "65";
  EXPECT_EQ(Call("POST", kShipPath, body).code, 400) << "no contact yet";
  for (const char* party : {"Shipper", "ShipTo"}) {
    shipment[party]["AttentionName"] = "Desk";
    shipment[party]["Phone"] = {{"Number", "4780001122"}};
  }
  EXPECT_EQ(Call("POST", kShipPath, body).code, 400) << "no description yet";
  shipment["Description"] = "Hand tools";
  EXPECT_EQ(Call("POST", kShipPath, body).code, 200);
  shipment["ReferenceNumber"] = Json::array({Json{{"Code", "TN"}, {"Value", "REF1"}}});
  EXPECT_EQ(Call("POST", kShipPath, body).code, 200);
  SetReference(body, "REF1");
  EXPECT_EQ(Call("POST", kShipPath, body).error(), "120542");
}

TEST_F(UpsSandboxTest, OtherVersionsAndPathsDoNotExist) {
  EXPECT_EQ(Call("POST", "/api/shipments/v1999/ship", DomesticShipment()).code, 404);
  EXPECT_EQ(Call("POST", "/shipments/v2409/ship", DomesticShipment()).code, 404);
  EXPECT_EQ(Call("GET", kShipPath).code, 404);
}

// --- void

TEST_F(UpsSandboxTest, ShipmentIsVoidedOnceAndThen190117) {
  const std::string id = ShipOne();
  const std::string path = "/api/shipments/v2409/void/cancel/" + id;
  const Answer answer = Call("DELETE", path);
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json& reply = answer.body["VoidShipmentResponse"];
  EXPECT_EQ(reply["SummaryResult"]["Status"]["Code"], "1");
  EXPECT_EQ(reply["PackageLevelResults"][0]["TrackingNumber"], id);
  EXPECT_EQ(reply["PackageLevelResults"][0]["Status"]["Code"], "1");
  EXPECT_EQ(Call("DELETE", path).error(), "190117");
  const Json truth = Truth();
  EXPECT_EQ(truth["shipments"][0]["voided"], true);
  EXPECT_EQ(truth["events"][1]["type"], "MV");
}

TEST_F(UpsSandboxTest, SomePackagesCanBeVoided) {
  Json body = DomesticShipment();
  Shipment(body)["Package"].push_back(Shipment(body)["Package"][0]);
  const Json results = Call("POST", kShipPath, body).body["ShipmentResponse"]["ShipmentResults"];
  const std::string id = results["ShipmentIdentificationNumber"];
  const std::string second = results["PackageResults"][1]["TrackingNumber"];
  const Answer answer =
      Call("DELETE", "/api/shipments/v2409/void/cancel/" + id +
                         "?trackingnumber=" + PercentEncode("[\"" + second + "\"]"));
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json truth = Truth();
  EXPECT_EQ(truth["shipments"][0]["packages"][0]["voided"], false);
  EXPECT_EQ(truth["shipments"][0]["packages"][1]["voided"], true);
  EXPECT_EQ(truth["shipments"][0]["voided"], false);
}

TEST_F(UpsSandboxTest, UnknownForeignScannedAndMalformedShipmentsAreNotVoided) {
  EXPECT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/1ZF3R1N00300000000").error(),
            "190102");
  EXPECT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/12345").error(), "190109");
  const std::string id = ShipOne();
  bearer_ = TextAt(Token("other").body, {"access_token"});
  EXPECT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/" + id).error(), "190102");
  bearer_.clear();
  ASSERT_EQ(Scan(id, "OR").code, 200);
  EXPECT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/" + id).error(), "190103");
}

// --- label recovery

TEST_F(UpsSandboxTest, LabelIsRecoveredByReference) {
  Json body = DomesticShipment();
  Shipment(body)["Package"].push_back(Shipment(body)["Package"][0]);
  SetReference(body, "01HREF");
  const Json shipped = Call("POST", kShipPath, body).body["ShipmentResponse"]["ShipmentResults"];
  const Answer answer = RecoverReference("01HREF");
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json& reply = answer.body["LabelRecoveryResponse"];
  EXPECT_EQ(reply["ShipmentIdentificationNumber"], shipped["ShipmentIdentificationNumber"]);
  ASSERT_THAT(reply["LabelResults"], SizeIs(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(reply["LabelResults"][i]["TrackingNumber"],
              shipped["PackageResults"][i]["TrackingNumber"]);
    EXPECT_EQ(reply["LabelResults"][i]["LabelImage"]["GraphicImage"],
              shipped["PackageResults"][i]["ShippingLabel"]["GraphicImage"])
        << "the same label";
  }
  EXPECT_EQ(reply["LabelResults"][0]["LabelImage"]["LabelImageFormat"]["Code"], "zpl");
}

TEST_F(UpsSandboxTest, LabelIsRecoveredByTrackingNumber) {
  const std::string id = ShipOne();
  const Answer answer =
      Call("POST", kRecoveryPath,
           {{"LabelRecoveryRequest", {{"Request", Json::object()}, {"TrackingNumber", id}}}});
  ASSERT_EQ(answer.code, 200) << answer.text;
  EXPECT_EQ(answer.body["LabelRecoveryResponse"]["LabelResults"][0]["TrackingNumber"], id);
}

TEST_F(UpsSandboxTest, RecoverySaysWhetherThereAreNoneSeveralOrVoidedOnes) {
  EXPECT_EQ(RecoverReference("01HREF").error(), "300007");
  const std::string first = ShipOne("01HREF");
  const std::string second = ShipOne("01HREF");
  const Answer several = RecoverReference("01HREF");
  ASSERT_EQ(several.code, 200) << several.text;
  EXPECT_THAT(several.body["LabelRecoveryResponse"]["LabelResults"], IsEmpty());
  EXPECT_THAT(several.body["LabelRecoveryResponse"]["TrackingCandidate"], SizeIs(2));
  ASSERT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/" + first).code, 200);
  EXPECT_EQ(TextAt(RecoverReference("01HREF").body,
                   {"LabelRecoveryResponse", "ShipmentIdentificationNumber"}),
            second);
  ASSERT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/" + second).code, 200);
  EXPECT_EQ(RecoverReference("01HREF").error(), "300033");
}

TEST_F(UpsSandboxTest, BrokenRecoveriesAreRefused) {
  const auto recover = [&](const Json& request) {
    return Call("POST", kRecoveryPath, {{"LabelRecoveryRequest", request}});
  };
  const Json empty = Json::object();
  EXPECT_EQ(recover({{"TrackingNumber", "1ZF3R1N00300000000"}}).code, 400) << "no Request";
  EXPECT_EQ(recover({{"Request", empty}, {"TrackingNumber", "1ZF3R1N003000000000"}}).error(),
            "300014");
  EXPECT_EQ(recover({{"Request", empty}}).error(), "300005");
  EXPECT_EQ(
      recover({{"Request", empty}, {"ReferenceValues", {{"ReferenceNumber", {{"Value", "x"}}}}}})
          .error(),
      "300031");
  EXPECT_EQ(recover({{"Request", empty},
                     {"ReferenceValues",
                      {{"ReferenceNumber", {{"Value", "x"}}}, {"ShipperNumber", "ZZ9999"}}}})
                .error(),
            "300031");
}

// --- track

TEST_F(UpsSandboxTest, UnknownNumberIs200WithAWarning) {
  const Answer answer = Call("GET", "/api/track/v1/details/1ZF3R1N00300000000");
  ASSERT_EQ(answer.code, 200);
  const Json& shipment = answer.body["trackResponse"]["shipment"][0];
  EXPECT_EQ(shipment["warnings"][0]["code"], "TW0001");
  EXPECT_FALSE(shipment.contains("package"));
}

TEST_F(UpsSandboxTest, TrackWantsItsHeadersAndASensibleNumber) {
  ASSERT_FALSE(ShipOne().empty());
  HttpRequest request{.method = "GET", .url = "/api/track/v1/details/1ZF3R1N00300000000"};
  request.headers = {{"Authorization", "Bearer " + bearer_}};
  EXPECT_EQ(Send(sandbox_->api_address(), request).code, 400);
  EXPECT_EQ(Call("GET", "/api/track/v1/details/123456").error(), "TV1002");
}

TEST_F(UpsSandboxTest, ActivitiesComeNewestFirstInLocalTimeAndGmt) {
  const std::string id = ShipOne("01HREF");
  ASSERT_EQ(Scan(id, "OR", kSummer).code, 200);
  ASSERT_EQ(Scan(id, "OT", kWinter).code, 200);
  ASSERT_EQ(Scan(id, "FS", kWinter).code, 200);
  const Answer answer = Call("GET", "/api/track/v1/details/" + id);
  ASSERT_EQ(answer.code, 200);
  const Json& package = answer.body["trackResponse"]["shipment"][0]["package"][0];
  EXPECT_EQ(package["trackingNumber"], id);
  EXPECT_EQ(package["packageCount"], 1);
  EXPECT_EQ(package["referenceNumber"][0]["number"], "01HREF");
  ASSERT_THAT(package["activity"], SizeIs(4));
  EXPECT_EQ(package["activity"][0]["status"]["type"], "D");
  EXPECT_EQ(package["activity"][0]["status"]["statusCode"], "011");
  EXPECT_EQ(package["activity"][3]["status"]["type"], "M");
  EXPECT_EQ(package["currentStatus"]["code"], "FS");
  EXPECT_EQ(package["deliveryDate"][0]["type"], "DEL");
  const Json& origin = package["activity"][2];
  EXPECT_EQ(origin["gmtOffset"], "-04:00");
  EXPECT_EQ(origin["location"]["address"]["city"], "Macon");
  const Json truth = Truth();
  EXPECT_EQ(truth["events"][1]["date"], origin["date"]);
  EXPECT_EQ(truth["events"][1]["gmt_time"], origin["gmtTime"]);
  EXPECT_EQ(package["activity"][0]["gmtOffset"], "-08:00");
}

TEST_F(UpsSandboxTest, ScansSayWhenAndWhereAndWhatIfTheyMust) {
  const std::string id = ShipOne();
  const Answer answer = Admin("POST", "/admin/scans",
                              Json::array({Json{{"tracking_number", id},
                                                {"code", "XD"},
                                                {"city", "Denver"},
                                                {"state", "CO"},
                                                {"at", "2026-01-02T03:04:05Z"}},
                                           Json{{"tracking_number", id},
                                                {"code", "QQ"},
                                                {"type", "I"},
                                                {"status_code", "044"},
                                                {"description", "odd"}}}));
  ASSERT_EQ(answer.code, 200) << answer.text;
  const Json events = Truth()["events"];
  EXPECT_EQ(events[1]["date"], "20260101");
  EXPECT_EQ(events[1]["time"], "200405");
  EXPECT_EQ(events[1]["gmt_time"], "030405");
  EXPECT_EQ(events[1]["city"], "Denver");
  EXPECT_EQ(events[2]["status_code"], "044");
  EXPECT_EQ(Scan(id, "??").code, 400);
  EXPECT_EQ(Scan("1ZF3R1N00300000000", "OR").code, 404);
}

TEST_F(UpsSandboxTest, TrackByReferenceFindsWithinItsDates) {
  const std::string id = ShipOne("01HREF");
  const std::string path = "/api/track/v1/reference/details/01HREF";
  const Answer found = Call("GET", path + "?shipperNum=F3R1N0");
  ASSERT_EQ(found.code, 200);
  EXPECT_EQ(found.body["trackResponse"]["shipment"][0]["inquiryNumber"], "01HREF");
  EXPECT_EQ(found.body["trackResponse"]["shipment"][0]["package"][0]["trackingNumber"], id);
  EXPECT_EQ(
      found.body["trackResponse"]["shipment"][0]["package"][0]["activity"][0]["status"]["type"],
      "M");
  EXPECT_THAT(Call("GET", path + "?shipperNum=ZZ9999").text, HasSubstr("TW0001"));
  EXPECT_THAT(Call("GET", path + "?fromPickUpDate=20200101&toPickUpDate=20200131").text,
              HasSubstr("TW0001"));
  advanced_seconds_ = 4000;
  const std::string before = FormatDate(Now());
  EXPECT_EQ(Call("GET", path + "?fromPickUpDate=20200101&toPickUpDate=" + before).code, 200);
}

TEST_F(UpsSandboxTest, ShipmentIsTrackedInPagesOfPackages) {
  Json body = DomesticShipment();
  for (int i = 0; i < 2; ++i) Shipment(body)["Package"].push_back(Shipment(body)["Package"][0]);
  const std::string id =
      TextAt(Call("POST", kShipPath, body).body,
             {"ShipmentResponse", "ShipmentResults", "ShipmentIdentificationNumber"});
  const Json page = Call("GET", "/api/track/v1/shipment/details/" + id + "?offset=1&count=1").body;
  const Json& packages = page["trackResponse"]["shipment"][0]["package"];
  ASSERT_THAT(packages, SizeIs(1));
  EXPECT_EQ(packages[0]["packageCount"], 3);
  EXPECT_NE(packages[0]["trackingNumber"], id);
}

TEST_F(UpsSandboxTest, AutoScansFollowTheScriptInDifferentSeconds) {
  Config config = DefaultConfig();
  config.auto_scans = AutoScans{.interval = 1000ms, .script = {"OR", "FS"}};
  Restart(config);
  const std::string scanned = ShipOne();
  const std::string voided = ShipOne();
  ASSERT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/" + voided).code, 200);
  ASSERT_TRUE(Eventually([&] { return Truth()["events"].size() >= 5; }));
  std::vector<std::string> codes;
  std::set<std::string> seconds;
  const Json truth = Truth();
  for (const Json& event : truth["events"]) {
    if (event["tracking_number"] != scanned) continue;
    codes.push_back(event["code"]);
    seconds.insert(event["gmt_date"].get<std::string>() + event["gmt_time"].get<std::string>());
  }
  EXPECT_THAT(codes, ElementsAre("MP", "OR", "FS"));
  EXPECT_THAT(seconds, SizeIs(3));
}

// --- Track Alert

// Receives what the sandbox pushes, and gives it tokens.
class TrackAlertTest : public UpsSandboxTest {
 protected:
  void SetUp() override {
    UpsSandboxTest::SetUp();
    auto started =
        HttpServer::Start({}, [this](HttpServerRequest request, const HttpReplyFunction& reply) {
          const std::lock_guard lock(mutex_);
          HttpResponse response;
          if (request.path == "/oauth/token") {
            response.body = R"({"access_token":"hook-token","expires_in":3600})";
            token_requests_.push_back(std::move(request));
          } else {
            response.status = status_;
            pushes_.push_back(std::move(request));
          }
          reply({.response = std::move(response)});
        });
    ASSERT_TRUE(started.ok());
    receiver_ = *std::move(started);
    RegisterReceiver();
  }

  // The receiver's fields are used by its handler: it goes first.
  void TearDown() override {
    sandbox_.reset();
    receiver_.reset();
  }

  void RegisterReceiver() {
    const std::string base = "http://" + receiver_->address();
    ASSERT_EQ(Admin("POST", "/admin/webhook",
                    {{"url", base + "/hook/track-alert"},
                     {"token_url", base + "/oauth/token"},
                     {"client_id", "ups"},
                     {"client_secret", "hooksecret"},
                     {"x_api_key", "key-1"}})
                  .code,
              200);
  }

  Answer Subscribe(const Json& numbers, const std::string& path = kSubscribePath) {
    return Call("POST", path, {{"locale", "en_US"}, {"trackingNumberList", numbers}});
  }

  std::vector<HttpServerRequest> Pushes() {
    const std::lock_guard lock(mutex_);
    return pushes_;
  }

  std::mutex mutex_;
  int status_ = 200;
  std::vector<HttpServerRequest> pushes_;
  std::vector<HttpServerRequest> token_requests_;
  std::unique_ptr<HttpServer> receiver_;
};

TEST_F(TrackAlertTest, EventsAfterTheSubscriptionArePushedOnceWithUpsHeaders) {
  const std::string id = ShipOne();
  ASSERT_EQ(Scan(id, "OR").code, 200);
  const Answer answer = Subscribe({id});
  ASSERT_EQ(answer.code, 200) << answer.text;
  EXPECT_EQ(answer.body["validTrackingNumbers"], Json::array({id}));
  EXPECT_EQ(answer.body["invalidTrackingNumbers"], Json::array());
  ASSERT_EQ(Scan(id, "OT", kSummer).code, 200);
  ASSERT_TRUE(Eventually([&] { return Pushes().size() == 1; }));
  ASSERT_EQ(Scan(id, "FS", kWinter).code, 200);
  ASSERT_TRUE(Eventually([&] { return Truth()["webhooks"].size() == 2; }));
  const auto pushes = Pushes();
  ASSERT_THAT(pushes, SizeIs(2)) << "what came before the subscription is not pushed";

  const HttpServerRequest& push = pushes[0];
  EXPECT_EQ(push.target, "/hook/track-alert");
  EXPECT_EQ(FindHeader(push.headers, "User-Agent"), "UPSPubSubTrackingService");
  EXPECT_EQ(FindHeader(push.headers, "x-api-key"), "key-1");
  EXPECT_EQ(FindHeader(push.headers, "Authorization"), "Bearer hook-token");
  const Json body = Json::parse(push.body);
  EXPECT_EQ(body["trackingNumber"], id);
  EXPECT_EQ(body["activityStatus"]["type"], "I");
  EXPECT_EQ(body["activityStatus"]["code"], "OT");
  EXPECT_EQ(body["activityStatus"]["descriptionCode"], "021");
  EXPECT_EQ(body["gmtOffset"], "-07.00") << "with a dot, unlike Track";
  EXPECT_EQ(body["localActivityTime"], "061519");
  EXPECT_EQ(Json::parse(pushes[1].body)["gmtOffset"], "-08.00");
  EXPECT_EQ(body["activityLocation"]["stateProvince"], "CA");
  EXPECT_EQ(body["activityLocation"]["postalCode"], "") << "blank until the delivery";
  EXPECT_EQ(Json::parse(pushes[1].body)["activityLocation"]["postalCode"], "90802");

  ASSERT_THAT(token_requests_, SizeIs(1)) << "the bearer is used again";
  EXPECT_EQ(FindHeader(token_requests_[0].headers, "Authorization"),
            BasicAuthorization("ups", "hooksecret"));
  EXPECT_EQ(token_requests_[0].body, "grant_type=client_credentials");

  const Json truth = Truth();
  EXPECT_EQ(truth["events"][1]["pushed"], 0);
  EXPECT_EQ(truth["events"][2]["pushed"], 1);
  EXPECT_EQ(truth["webhooks"][0]["status"], 200);
  EXPECT_EQ(truth["subscriptions"][0]["tracking_number"], id);
}

TEST_F(TrackAlertTest, FailedPushIsNotRepeated) {
  const std::string id = ShipOne();
  ASSERT_EQ(Subscribe({id}).code, 200);
  status_ = 503;
  ASSERT_EQ(Scan(id, "OR").code, 200);
  ASSERT_TRUE(Eventually([&] { return Truth()["webhooks"].size() == 1; }));
  EXPECT_EQ(Truth()["webhooks"][0]["status"], 503);
  EXPECT_THAT(Pushes(), SizeIs(1));
}

TEST_F(TrackAlertTest, SubscriptionEndsAfterFourteenDays) {
  const std::string id = ShipOne();
  ASSERT_EQ(Subscribe({id}).code, 200);
  advanced_seconds_ = 14 * 24 * 3600 + 1;
  ASSERT_EQ(Scan(id, "OR").code, 200);
  bearer_.clear();
  ASSERT_EQ(Subscribe({id}).code, 200) << "a new subscription may be made";
  ASSERT_EQ(Scan(id, "OT").code, 200);
  ASSERT_TRUE(Eventually([&] { return Pushes().size() == 1; }));
  EXPECT_EQ(Json::parse(Pushes()[0].body)["activityStatus"]["code"], "OT");
}

TEST_F(TrackAlertTest, BadNumbersAreNamedAndTheOthersSubscribed) {
  const std::string id = ShipOne();
  const Answer some = Subscribe({id, "1Zbad", "XX"});
  ASSERT_EQ(some.code, 200);
  EXPECT_EQ(some.body["validTrackingNumbers"], Json::array({id}));
  EXPECT_EQ(some.body["invalidTrackingNumbers"], Json::array({"1Zbad", "XX"}));
  const Answer none = Subscribe({"1Zbad"});
  EXPECT_EQ(none.code, 400);
  EXPECT_EQ(none.error(), "VSS210");
  EXPECT_EQ(none.body["invalidTrackingNumbers"], Json::array({"1Zbad"}));
}

TEST_F(TrackAlertTest, BrokenSubscriptionsAreRefused) {
  const std::string id = ShipOne();
  EXPECT_EQ(Subscribe(Json::array()).error(), "VSS200");
  EXPECT_EQ(Subscribe(std::vector<std::string>(101, id)).error(), "VSS220");
  EXPECT_EQ(Call("POST", kSubscribePath, {{"trackingNumberList", {id}}}).error(), "VSS300");
  EXPECT_EQ(Subscribe({id}, "/api/track/v2/subscription/golden/package").error(), "VSS930");
  EXPECT_EQ(Call("POST", "/api/track/v2/subscription/enhanced/package",
                 {{"locale", "en_US"}, {"trackingNumberList", {id}}, {"eventPreferences", {"U"}}})
                .code,
            400);
}

TEST_F(TrackAlertTest, EnhancedSubscriptionPushesOnlyWhatItNames) {
  const std::string id = ShipOne();
  ASSERT_EQ(Call("POST", "/api/track/v2/subscription/enhanced/package",
                 {{"locale", "en_US"}, {"trackingNumberList", {id}}, {"eventPreferences", {"D"}}})
                .code,
            200);
  ASSERT_EQ(Scan(id, "OR").code, 200);
  ASSERT_EQ(Scan(id, "FS").code, 200);
  ASSERT_TRUE(Eventually([&] { return Pushes().size() == 1; }));
  EXPECT_EQ(Json::parse(Pushes()[0].body)["activityStatus"]["type"], "D");
}

TEST_F(TrackAlertTest, WebhookFaultsLoseDoubleOrSpoilAnEvent) {
  const std::string id = ShipOne();
  ASSERT_EQ(Subscribe({id}).code, 200);
  for (const char* kind : {"lost", "duplicate", "bad_credential"})
    AddFault({{"id", kind}, {"route", "webhook"}, {"kind", kind}, {"count", 1}});
  for (const char* code : {"OR", "DP", "OT"}) ASSERT_EQ(Scan(id, code).code, 200);
  ASSERT_TRUE(Eventually([&] { return Pushes().size() == 3; }));
  std::multiset<std::string> seen;
  for (const HttpServerRequest& push : Pushes()) {
    const std::string code = Json::parse(push.body)["activityStatus"]["code"];
    seen.insert(code);
    if (code == "OT") {
      EXPECT_EQ(FindHeader(push.headers, "x-api-key"), "wrong");
    }
  }
  EXPECT_EQ(seen, (std::multiset<std::string>{"DP", "DP", "OT"}));
}

TEST_F(TrackAlertTest, TestEnvironmentTakesItsTestNumbersOnlyAndScansThem) {
  Config config = DefaultConfig();
  config.cie = true;
  Restart(config);
  RegisterReceiver();
  EXPECT_EQ(Subscribe({"1ZF3R1N00300000000"}).error(), "VSS215");
  ASSERT_EQ(Subscribe({"1ZCIETST0422222228"}).code, 200);
  ASSERT_TRUE(Eventually([&] { return Pushes().size() >= 2; }));
  EXPECT_THAT(Call("GET", "/api/track/v1/details/1ZCIETST0422222228").text,
              HasSubstr("Origin Scan"));
}

// --- faults, journal, admin

TEST_F(UpsSandboxTest, WithheldReplyLeavesAShipmentBehind) {
  AddFault({{"id", "w"}, {"route", "ship"}, {"kind", "withhold"}, {"count", 1}});
  Json body = DomesticShipment();
  SetReference(body, "01HREF");
  const Answer answer = Call("POST", kShipPath, body, 1000ms);
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(answer.body_started);
  EXPECT_THAT(Truth()["shipments"], SizeIs(1));
  EXPECT_EQ(RecoverReference("01HREF").code, 200) << "and it can be found";
  const Json entries = Admin("GET", "/admin/journal?since=1").body["entries"];
  EXPECT_EQ(entries[0]["route"], "ship");
  EXPECT_EQ(entries[0]["status"], Json());
  EXPECT_EQ(entries[0]["fault"], "w");
}

TEST_F(UpsSandboxTest, FaultsDoOrDoNotDoAsTheirNameSays) {
  struct Case {
    const char* kind;
    int code;  // 0: no reply
    bool done;
  };
  ASSERT_FALSE(ShipOne().empty());
  std::size_t made = 1;
  for (const Case& c : std::vector<Case>{{"status", 503, false},
                                         {"html", 503, false},
                                         {"reset_before", 0, false},
                                         {"expire_token", 401, false},
                                         {"not_found", 404, false},
                                         {"done_then_status", 503, true},
                                         {"done_then_reset", 0, true},
                                         {"done_then_close", 0, true},
                                         {"done_then_truncate", 0, true},
                                         {"singleton", 200, true}}) {
    AddFault({{"id", "f"}, {"route", "ship"}, {"kind", c.kind}, {"count", 1}});
    const Answer answer = Call("POST", kShipPath, DomesticShipment());
    EXPECT_EQ(answer.code, c.code) << c.kind;
    made += c.done ? 1 : 0;
    EXPECT_THAT(Truth()["shipments"], SizeIs(made)) << c.kind;
    EXPECT_EQ(Call("POST", kShipPath, DomesticShipment()).code, 200) << "once only: " << c.kind;
    ++made;
  }
}

TEST_F(UpsSandboxTest, SlowFaultDelaysAndMatchNarrows) {
  AddFault(
      {{"id", "s"}, {"route", "*"}, {"kind", "slow"}, {"delay_ms", 150}, {"match", "REF-SLOW"}});
  const auto hits = [&] { return Admin("GET", "/admin/faults").body["faults"][0]["hits"]; };
  Json body = DomesticShipment();
  EXPECT_EQ(Call("POST", kShipPath, body).code, 200);
  EXPECT_EQ(hits(), 0);
  SetReference(body, "REF-SLOW");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Call("POST", kShipPath, body).code, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 150ms);
  EXPECT_EQ(hits(), 1);
}

TEST_F(UpsSandboxTest, ProbabilityIsDeterministicBySeed) {
  std::vector<std::string> runs;
  for (int run = 0; run < 2; ++run) {
    AddFault(
        {{"id", "p"}, {"route", "track"}, {"kind", "status"}, {"probability", 0.5}, {"seed", 7}});
    std::string& codes = runs.emplace_back();
    for (int i = 0; i < 20; ++i)
      absl::StrAppend(&codes, Call("GET", "/api/track/v1/details/1ZF3R1N00300000000").code, " ");
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_THAT(runs[0], HasSubstr("200"));
  EXPECT_THAT(runs[0], HasSubstr("503"));
}

TEST_F(UpsSandboxTest, AFaultForReusedConnectionsSparesTheFirstRequest) {
  Faults faults;
  ASSERT_TRUE(
      faults
          .Change(
              {{"add",
                {{{"id", "r"}, {"route", "ship"}, {"kind", "done_then_close"}, {"reused", true}}}}})
          .ok());
  EXPECT_FALSE(faults.Draw("ship", "/", "", "127.0.0.1:1"));
  EXPECT_TRUE(faults.Draw("ship", "/", "", "127.0.0.1:1"));
  EXPECT_FALSE(faults.Draw("ship", "/", "", "127.0.0.1:2"));
}

TEST_F(UpsSandboxTest, NotFoundFaultHidesAShipmentFromTheResolver) {
  ShipOne("01HREF");
  AddFault({{"id", "r"}, {"route", "recovery"}, {"kind", "not_found"}, {"count", 1}});
  AddFault({{"id", "t"}, {"route", "track"}, {"kind", "not_found"}, {"count", 1}});
  EXPECT_EQ(RecoverReference("01HREF").error(), "300007");
  EXPECT_THAT(Call("GET", "/api/track/v1/reference/details/01HREF").text, HasSubstr("TW0001"));
  EXPECT_EQ(RecoverReference("01HREF").code, 200);
}

TEST_F(UpsSandboxTest, GmtCanBeMissingOrShort) {
  const std::string id = ShipOne();
  ASSERT_EQ(Admin("POST", "/admin/scans",
                  {{"tracking_number", id}, {"code", "OR"}, {"at", "2030-01-02T07:47:00Z"}})
                .code,
            200);
  AddFault({{"id", "a"}, {"route", "track"}, {"kind", "no_gmt"}, {"count", 1}});
  AddFault({{"id", "b"}, {"route", "track"}, {"kind", "short_gmt"}, {"count", 1}});
  const auto newest = [&] {
    return Call("GET", "/api/track/v1/details/" + id)
        .body["trackResponse"]["shipment"][0]["package"][0]["activity"][0];
  };
  EXPECT_FALSE(newest().contains("gmtTime"));
  EXPECT_EQ(newest()["gmtTime"], "74700");
  EXPECT_EQ(newest()["gmtTime"], "074700");
}

TEST_F(UpsSandboxTest, BadFaultRulesAreRefused) {
  for (const Json& rule :
       {Json{{"id", "x"}, {"route", "ship"}, {"kind", "explode"}},
        Json{{"id", "x"}, {"route", "nowhere"}, {"kind", "status"}},
        Json{{"id", "x"}, {"route", "ship"}, {"kind", "lost"}},
        Json{{"id", "x"}, {"route", "ship"}, {"kind", "slow"}},
        Json{{"route", "ship"}, {"kind", "status"}},
        Json{{"id", "x"}, {"route", "ship"}, {"kind", "status"}, {"colour", "red"}}})
    EXPECT_EQ(Admin("POST", "/admin/faults", {{"add", Json::array({rule})}}).code, 400) << rule;
  EXPECT_THAT(Admin("GET", "/admin/faults").body["faults"], IsEmpty());
}

TEST_F(UpsSandboxTest, JournalShowsEveryRequestAndNoCredential) {
  ShipOne();
  const Answer journal = Admin("GET", "/admin/journal");
  const Json& entries = journal.body["entries"];
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0]["n"], 1);
  EXPECT_EQ(entries[0]["route"], "token");
  EXPECT_EQ(entries[0]["body"], "grant_type=client_credentials");
  EXPECT_EQ(entries[1]["method"], "POST");
  EXPECT_EQ(entries[1]["target"], kShipPath);
  EXPECT_EQ(entries[1]["status"], 200);
  EXPECT_EQ(entries[1]["fault"], Json());
  EXPECT_EQ(entries[1]["call_id"], "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(entries[1]["body"], DomesticShipment());
  EXPECT_THAT(entries[1]["connection"].get<std::string>(), HasSubstr("127.0.0.1:"));
  EXPECT_THAT(entries[1]["headers"]["Authorization"].get<std::string>(),
              ::testing::MatchesRegex("sha256:[0-9a-f]{12}"));
  EXPECT_THAT(journal.text, Not(HasSubstr(bearer_)));
  EXPECT_THAT(Admin("GET", "/admin/journal?since=1").body["entries"], SizeIs(1));
}

TEST_F(UpsSandboxTest, JournalFileGetsALineARequest) {
  const std::string file = ::testing::TempDir() + absl::StrCat("/ups_journal_", getpid());
  std::filesystem::remove(file);
  sandbox_.reset();
  sandbox_ = *Sandbox::Start(DefaultConfig(), file);
  ShipOne();
  std::ifstream in(file);
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[1]["route"], "ship");
}

TEST_F(UpsSandboxTest, ResetForgetsEverythingButTheConfiguration) {
  ShipOne("01HREF");
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "status"}});
  ASSERT_EQ(Admin("POST", "/admin/reset").code, 200);
  EXPECT_THAT(Truth()["shipments"], IsEmpty());
  EXPECT_THAT(Truth()["token_requests"], IsEmpty());
  EXPECT_THAT(Admin("GET", "/admin/journal").body["entries"], IsEmpty());
  EXPECT_EQ(Call("POST", kShipPath, DomesticShipment()).error(), "250002")
      << "bearers are forgotten too";
  bearer_.clear();
  EXPECT_EQ(RecoverReference("01HREF").error(), "300007");
  EXPECT_FALSE(ShipOne().empty());
}

TEST_F(UpsSandboxTest, HealthAndUnknownAdminPaths) {
  EXPECT_EQ(Admin("GET", "/admin/health").code, 200);
  EXPECT_EQ(Admin("GET", "/admin/nothing").code, 404);
  EXPECT_EQ(Admin("POST", "/admin/scans", "no object").code, 400);
}

TEST_F(UpsSandboxTest, NumbersStayUniqueUnderManyCallsAtOnce) {
  ShipOne();
  constexpr int kCalls = 400;
  std::mutex mutex;
  std::set<std::string> numbers;
  std::atomic<int> left = kCalls;
  const std::string body = DomesticShipment().dump();
  for (int i = 0; i < kCalls; ++i) {
    HttpRequest request{.method = "POST", .url = "http://" + sandbox_->api_address() + kShipPath};
    request.headers = {{"Authorization", "Bearer " + bearer_},
                       {"Content-Type", "application/json"}};
    request.body = body;
    client_->Send(std::move(request), [&](const HttpOutcome& outcome) {
      if (outcome.response.ok()) {
        const std::lock_guard lock(mutex);
        numbers.insert(
            TextAt(Json::parse(outcome.response->body),
                   {"ShipmentResponse", "ShipmentResults", "ShipmentIdentificationNumber"}));
      }
      --left;
    });
  }
  ASSERT_TRUE(Eventually([&] { return left == 0; }));
  EXPECT_THAT(numbers, SizeIs(kCalls));
}

}  // namespace
}  // namespace psups::ups_sandbox
