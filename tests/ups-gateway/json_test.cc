#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "common/testing/status_matchers.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/tracking_time.h"
#include "services/ups-gateway/wire/ups_replies.h"
#include "services/ups-gateway/wire/ups_requests.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::psups::testing::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string TestData(const std::string& name) {
  return ReadFile(std::filesystem::path(PSUPS_SOURCE_DIR) / "tests/testdata/ups" / name);
}

pb::Account Account() {
  pb::Account account;
  account.set_shipper_number("F3R1N0");
  type::v1::Address& shipper = *account.mutable_shipper();
  shipper.set_name("Fern Street Tools");
  shipper.add_lines("12 Fern St");
  shipper.set_city("Macon");
  shipper.set_state("GA");
  shipper.set_postal_code("31201");
  shipper.set_country_code("US");
  for (const auto& [api, version] : std::map<std::string, std::string>{{"xav", "v2"},
                                                                       {"ship", "v2409"},
                                                                       {"void", "v2409"},
                                                                       {"recovery", "v1"},
                                                                       {"track_alert", "v2"}}) {
    (*account.mutable_api_versions())[api] = version;
  }
  return account;
}

pb::ShipmentSpec Spec() {
  pb::ShipmentSpec spec;
  *spec.mutable_ship_from() = Account().shipper();
  spec.mutable_ship_from()->set_name("Fern Depot");
  spec.mutable_ship_from()->set_lines(0, "3 Rail Rd");
  spec.mutable_ship_from()->set_postal_code("31204");
  type::v1::Address& to = *spec.mutable_ship_to();
  to.set_name("Harbor Works");
  to.set_attention_name("Receiving");
  to.add_lines("900 Pier Ave");
  to.add_lines("Dock 4");
  to.set_city("Long Beach");
  to.set_state("CA");
  to.set_postal_code("90802-1234");
  to.set_country_code("US");
  to.set_phone("(562) 555-0134");
  to.set_residential(true);
  spec.set_service_code("03");
  spec.set_ship_date("20261124");
  spec.set_derived_reference("k3mq7");
  spec.add_references()->set_code("PO");
  spec.mutable_references(0)->set_value("US001 0000000123");
  for (const auto& [weight, length, width, height] :
       {std::tuple{"12.50", 12, 10, 4}, {"40.0", 30, 20, 20}}) {
    pb::PackageSpec& package = *spec.add_packages();
    package.set_weight_lb(weight);
    package.set_length_in(length);
    package.set_width_in(width);
    package.set_height_in(height);
  }
  return spec;
}

TEST(ShipJsonTest, TheRequestIsStrictAndWhole) {
  const WireRequest request = ShipRequest(Account(), Spec());
  EXPECT_EQ(request.target, "/api/shipments/v2409/ship");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(Json::parse(request.body), Json::parse(TestData("ship_request_domestic.json")));
}

TEST(ShipJsonTest, AcrossBordersTheReferencesStandOnTheShipment) {
  pb::ShipmentSpec spec = Spec();
  spec.mutable_ship_to()->set_country_code("DE");
  spec.mutable_ship_to()->set_state("");
  spec.mutable_ship_to()->set_postal_code("10117");
  spec.set_description("Pump parts");
  spec.set_label_format("GIF");
  const Json json = Json::parse(ShipRequest(Account(), spec).body);
  const Json& shipment = json["ShipmentRequest"]["Shipment"];
  EXPECT_EQ(shipment["ReferenceNumber"][0]["Value"], "k3mq7");
  EXPECT_FALSE(shipment["Package"][0].contains("ReferenceNumber"));
  EXPECT_FALSE(shipment["ShipTo"]["Address"].contains("StateProvinceCode"));
  EXPECT_EQ(shipment["Description"], "Pump parts");
  EXPECT_EQ(json["ShipmentRequest"]["LabelSpecification"]["HTTPUserAgent"], "Mozilla/4.5");
  EXPECT_EQ(LaneOf(spec), "US-DE");
}

TEST(ShipJsonTest, ReadsTheReply) {
  ASSERT_OK_AND_ASSIGN(const pb::Call::Result result,
                       ParseShipReply(TestData("ship_reply.json"), "ZPL"));
  EXPECT_EQ(result.ups_shipment_id(), "1ZF3R1N00300000017");
  ASSERT_THAT(result.packages(), SizeIs(2));
  EXPECT_EQ(result.packages(1).label(), "^XA^FS^XZ");
  EXPECT_EQ(result.packages(1).label_format(), "ZPL");
  EXPECT_EQ(result.charges().amount_minor(), 3105);
  EXPECT_EQ(result.negotiated_charges().amount_minor(), 2050);
  EXPECT_THAT(result.alerts(), ElementsAre("120900: Negotiated rates apply."));
}

// Older versions write one element as an object, and nothing as "".
TEST(ShipJsonTest, OneObjectStandsForAnArrayAndBlankForNothing) {
  Json json = Json::parse(TestData("ship_reply.json"));
  Json& results = json["ShipmentResponse"]["ShipmentResults"];
  results["PackageResults"] = Json(results["PackageResults"][0]);
  json["ShipmentResponse"]["Response"]["Alert"] =
      Json(json["ShipmentResponse"]["Response"]["Alert"][0]);
  results["NegotiatedRateCharges"] = "";
  ASSERT_OK_AND_ASSIGN(const pb::Call::Result result, ParseShipReply(json.dump(), "ZPL"));
  EXPECT_THAT(result.packages(), SizeIs(1));
  EXPECT_THAT(result.alerts(), SizeIs(1));
  EXPECT_FALSE(result.has_negotiated_charges());
}

TEST(ShipJsonTest, WhatIsNoWholeSuccessIsNotTakenForOne) {
  const auto broken = [](const std::function<void(Json&)>& change) {
    Json json = Json::parse(TestData("ship_reply.json"));
    change(json["ShipmentResponse"]["ShipmentResults"]);
    return ParseShipReply(json.dump(), "ZPL").status();
  };
  const auto lost = HasCode(absl::StatusCode::kDataLoss);
  EXPECT_THAT(
      broken([](Json& r) { r["PackageResults"][1]["ShippingLabel"].erase("GraphicImage"); }), lost);
  EXPECT_THAT(broken([](Json& r) { r["PackageResults"][1]["ShippingLabel"] = ""; }), lost);
  EXPECT_THAT(
      broken([](Json& r) { r["PackageResults"][0]["ShippingLabel"]["GraphicImage"] = "%%"; }),
      lost);
  EXPECT_THAT(broken([](Json& r) { r["PackageResults"][0].erase("TrackingNumber"); }), lost);
  EXPECT_THAT(broken([](Json& r) { r.erase("ShipmentIdentificationNumber"); }), lost);
  EXPECT_THAT(broken([](Json& r) { r.erase("PackageResults"); }), lost);
  for (const char* body : {"", "null", "[]", "{}", "<html>", "{\"ShipmentResponse\":\"\"}"}) {
    EXPECT_THAT(ParseShipReply(body, "ZPL"), lost) << body;
  }
}

TEST(ShipJsonTest, OneLetterInAnotherEncodingLosesNothing) {
  std::string body = TestData("ship_reply.json");
  body.replace(body.find("Negotiated"), 1, "\xC4");
  EXPECT_OK(ParseShipReply(body, "ZPL"));
}

TEST(ShipJsonTest, EvidenceIsKeptWithoutLabels) {
  const std::string kept = WithoutLabels(TestData("ship_reply.json"));
  EXPECT_THAT(kept, Not(HasSubstr("XlhB")));
  EXPECT_THAT(kept, HasSubstr("1ZF3R1N00300000026"));
  EXPECT_EQ(Json::parse(kept)["ShipmentResponse"]["ShipmentResults"]["PackageResults"][1]
                             ["ShippingLabel"]["GraphicImage"],
            "");
  // Also of a body that was cut in the middle of a label.
  const std::string cut = "{\"a\":1,\"GraphicImage\" : \"XlhBXkZ";
  EXPECT_EQ(WithoutLabels(cut), "{\"a\":1,\"GraphicImage\" : \"");
  EXPECT_EQ(WithoutLabels("\"GraphicImage\":null}"), "\"GraphicImage\":null}");
  EXPECT_EQ(WithoutLabels(""), "");
}

TEST(AddressJsonTest, TheRequestSplitsTheZip) {
  const WireRequest request = AddressRequest(Account(), Spec().ship_to());
  EXPECT_EQ(request.target, "/api/addressvalidation/v2/3");
  EXPECT_EQ(Json::parse(request.body), Json::parse(R"({"XAVRequest":{"AddressKeyFormat":{
      "AddressLine":["900 Pier Ave","Dock 4"],"PoliticalDivision2":"Long Beach",
      "PoliticalDivision1":"CA","PostcodePrimaryLow":"90802","PostcodeExtendedLow":"1234",
      "CountryCode":"US"}}})"));
}

TEST(AddressJsonTest, ReadsVerdictsInEveryShape) {
  ASSERT_OK_AND_ASSIGN(auto valid, ParseAddressReply(R"({"XAVResponse":{
      "Response":{"ResponseStatus":{"Code":"1"}},"ValidAddressIndicator":"",
      "AddressClassification":{"Code":"2","Description":"Residential"},
      "Candidate":{"AddressClassification":{"Code":"1"},"AddressKeyFormat":{
        "AddressLine":"900 PIER AVE","PoliticalDivision2":"LONG BEACH","PoliticalDivision1":"CA",
        "PostcodePrimaryLow":"90802","PostcodeExtendedLow":"1234",
        "Region":"LONG BEACH CA 90802-1234","CountryCode":"US"}}}})"));
  EXPECT_EQ(valid.verdict(), pb::ValidateAddressResponse::VALID);
  EXPECT_EQ(valid.classification(), pb::ValidateAddressResponse::RESIDENTIAL);
  ASSERT_THAT(valid.candidates(), SizeIs(1));
  EXPECT_THAT(valid.candidates(0).address().lines(), ElementsAre("900 PIER AVE"));
  EXPECT_EQ(valid.candidates(0).address().postal_code(), "90802-1234");
  EXPECT_EQ(valid.candidates(0).classification(), pb::ValidateAddressResponse::COMMERCIAL);

  ASSERT_OK_AND_ASSIGN(auto ambiguous, ParseAddressReply(R"({"XAVResponse":{
      "AmbiguousAddressIndicator":null,"Candidate":[
      {"AddressKeyFormat":{"AddressLine":["1-3 E MAIN ST"," "],"CountryCode":"US"}},
      {"AddressKeyFormat":{"AddressLine":["5 E MAIN ST"],"CountryCode":"US"}}]}})"));
  EXPECT_EQ(ambiguous.verdict(), pb::ValidateAddressResponse::AMBIGUOUS);
  ASSERT_THAT(ambiguous.candidates(), SizeIs(2));
  EXPECT_THAT(ambiguous.candidates(0).address().lines(), SizeIs(1));

  ASSERT_OK_AND_ASSIGN(
      auto none,
      ParseAddressReply(R"({"XAVResponse":{"NoCandidatesIndicator":"","Candidate":""}})"));
  EXPECT_EQ(none.verdict(), pb::ValidateAddressResponse::NO_CANDIDATES);
  EXPECT_THAT(none.candidates(), IsEmpty());
  // Without a verdict nothing is validated.
  EXPECT_THAT(ParseAddressReply(R"({"XAVResponse":{"AddressClassification":{"Code":"1"}}})"),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST(RecoveryJsonTest, AsksByReferenceOrByNumber) {
  const WireRequest by_reference = RecoveryByReferenceRequest(Account(), "k3mq7", "");
  EXPECT_EQ(by_reference.target, "/api/labels/v1/recovery");
  EXPECT_EQ(Json::parse(by_reference.body), Json::parse(R"({"LabelRecoveryRequest":{"Request":{},
      "LabelSpecification":{"LabelImageFormat":{"Code":"ZPL"},
      "LabelStockSize":{"Height":"6","Width":"4"}},
      "ReferenceValues":{"ReferenceNumber":{"Value":"k3mq7"},"ShipperNumber":"F3R1N0"}}})"));
  const Json by_number = Json::parse(RecoveryByNumberRequest(Account(), "1Z1", "EPL").body);
  EXPECT_EQ(by_number["LabelRecoveryRequest"]["TrackingNumber"], "1Z1");
  EXPECT_FALSE(by_number["LabelRecoveryRequest"].contains("ReferenceValues"));
}

TEST(RecoveryJsonTest, ReadsLabelsAndCandidates) {
  ASSERT_OK_AND_ASSIGN(auto one, ParseRecoveryReply(R"({"LabelRecoveryResponse":{
      "ShipmentIdentificationNumber":"1Z1","LabelResults":{"TrackingNumber":"1Z1","Receipt":"",
      "LabelImage":{"LabelImageFormat":{"Code":"zpl"},"GraphicImage":"XlhB"}}}})",
                                                    "ZPL"));
  EXPECT_EQ(one.result.packages(0).label(), "^XA");
  EXPECT_EQ(one.result.packages(0).label_format(), "ZPL");
  EXPECT_TRUE(one.result.recovered());
  ASSERT_OK_AND_ASSIGN(auto several, ParseRecoveryReply(R"({"LabelRecoveryResponse":{
      "LabelResults":[],"TrackingCandidate":[{"TrackingNumber":"1Z1"},{"TrackingNumber":"1Z2"}]}})",
                                                        "ZPL"));
  EXPECT_EQ(several.candidates, 2);
  EXPECT_THAT(ParseRecoveryReply(R"({"LabelRecoveryResponse":{"LabelResults":""}})", "ZPL"),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST(VoidJsonTest, ReadsPollutedTextAndEncodesTheNumber) {
  EXPECT_EQ(VoidRequest(Account(), "1Z1/../x").target,
            "/api/shipments/v2409/void/cancel/1Z1%2F..%2Fx");
  EXPECT_THAT(
      ParseVoidReply(R"({"VoidShipmentResponse":{"SummaryResult":{"Status":{"Code":"1"}}}})"),
      IsOkAndHolds(true));
  EXPECT_THAT(ParseVoidReply(R"({"VoidShipmentResponse":{"SummaryResult":{"Status":
                             {"Code":"&#xD;\n  1","Description":"&#xD; Voided"}},
                             "PackageLevelResult":{"TrackingNumber":"1Z1"}}})"),
              IsOkAndHolds(true));
  EXPECT_THAT(
      ParseVoidReply(R"({"VoidShipmentResponse":{"SummaryResult":{"Status":{"Code":"0"}}}})"),
      IsOkAndHolds(false));
  EXPECT_THAT(ParseVoidReply("{}"), HasCode(absl::StatusCode::kDataLoss));
}

TEST(TrackJsonTest, APlacesSummerIsKnown) {
  ASSERT_OK_AND_ASSIGN(
      const auto tracked,
      ParseTrackReply(R"({"trackResponse":{"shipment":[{"package":[{"trackingNumber":"1Z1",
          "activity":[{"date":"20260723","time":"080000","status":{"type":"I","code":"DP"},
          "location":{"address":{"stateProvince":"CA","countryCode":"US"}}}]}]}]}})",
                      "1Z1"));
  ASSERT_THAT(tracked.activities(), SizeIs(1));
  EXPECT_EQ(tracked.activities(0).event_time().seconds(),
            absl::ToUnixSeconds(
                absl::FromCivil(absl::CivilSecond(2026, 7, 23, 15), absl::UTCTimeZone())));
}

TEST(TrackJsonTest, ActivitiesComeOldestFirstWithTheirTimesAndHowSureTheyAre) {
  ASSERT_OK_AND_ASSIGN(const auto tracked,
                       ParseTrackReply(TestData("track_reply.json"), "1ZF3R1N00300000017"));
  EXPECT_TRUE(tracked.found());
  ASSERT_THAT(tracked.activities(), SizeIs(5));  // the sister's is not among them
  const auto seconds = [](int day, int hour, int minute, int second) {
    return absl::ToUnixSeconds(absl::FromCivil(
        absl::CivilSecond(2026, 11, day, hour, minute, second), absl::UTCTimeZone()));
  };
  const auto& label = tracked.activities(0);
  EXPECT_EQ(label.type(), "M");
  EXPECT_EQ(label.local_time(), "2026-11-23T09:01:02");
  EXPECT_EQ(label.time_precision(), pb::TrackingActivity::DERIVED);
  const auto& pickup = tracked.activities(1);
  EXPECT_EQ(pickup.time_precision(), pb::TrackingActivity::DERIVED);
  EXPECT_EQ(pickup.event_time().seconds(), seconds(24, 22, 5, 0));  // Georgia, by the place
  EXPECT_THAT(pickup.utc_offset(), IsEmpty());
  const auto& departure = tracked.activities(2);
  EXPECT_EQ(departure.time_precision(), pb::TrackingActivity::OFFSET_GIVEN);
  EXPECT_EQ(departure.event_time().seconds(), seconds(25, 15, 0, 0));
  const auto& arrival = tracked.activities(3);
  EXPECT_EQ(arrival.time_precision(), pb::TrackingActivity::GMT_GIVEN);
  EXPECT_EQ(arrival.event_time().seconds(), seconds(27, 7, 15, 0));  // "71500"
  EXPECT_EQ(arrival.utc_offset(), "-08:00");                         // "-08.00"
  EXPECT_EQ(arrival.country_code(), "US");
  const auto& delivery = tracked.activities(4);
  EXPECT_EQ(delivery.description(), "DELIVERED");
  EXPECT_EQ(delivery.status_code(), "011");
  EXPECT_EQ(delivery.city(), "LONG BEACH");
}

TEST(TrackJsonTest, AnUnknownNumberIsNoError) {
  ASSERT_OK_AND_ASSIGN(const auto tracked, ParseTrackReply(R"({"trackResponse":{"shipment":[
      {"inquiryNumber":"1Z1","warnings":[{"code":"TW0001","message":"Not Found"}]}]}})",
                                                           "1Z1"));
  EXPECT_FALSE(tracked.found());
  EXPECT_THAT(tracked.activities(), IsEmpty());
  EXPECT_THAT(ParseTrackReply("<html>", "1Z1"), HasCode(absl::StatusCode::kDataLoss));
}

TEST(TrackJsonTest, ByReferenceGivesNumbersAndNothingElse) {
  const WireRequest request = TrackReferenceRequest(
      Account(), "k3 mq", absl::CivilDay(2026, 11, 22), absl::CivilDay(2026, 11, 24));
  EXPECT_THAT(request.target, HasSubstr("/reference/details/k3%20mq?"));
  EXPECT_THAT(request.target, HasSubstr("fromPickUpDate=20261122&toPickUpDate=20261124"));
  EXPECT_THAT(request.target, HasSubstr("shipperNum=F3R1N0"));
  ASSERT_OK_AND_ASSIGN(auto numbers, ParseTrackReferenceReply(R"({"trackResponse":{"shipment":[
      {"package":[{"trackingNumber":"1ZF3R1N00300000017"},{"trackingNumber":"'; --"}]}]}})"));
  EXPECT_THAT(numbers, ElementsAre("1ZF3R1N00300000017"));
}

TEST(TrackJsonTest, ImpossibleTimesAreLeftOut) {
  for (const auto& [date, time] : {std::pair{"20261332", "101010"},
                                   {"2026112", "101010"},
                                   {"20261123", "256000"},
                                   {"", ""},
                                   {"20261123", "1010101"}}) {
    pb::TrackingActivity activity;
    SetTimes({.local_date = date, .local_time = time, .gmt_offset = "-99:00"}, activity);
    EXPECT_FALSE(activity.has_event_time()) << date << " " << time;
    EXPECT_THAT(activity.utc_offset(), IsEmpty());
  }
}

TEST(SubscribeJsonTest, AsksForAllEventsAndReadsPartialSuccess) {
  const WireRequest request = SubscribeRequest(Account(), {"1Z1", "1Z2"});
  EXPECT_EQ(request.target, "/api/track/v2/subscription/standard/package");
  EXPECT_EQ(Json::parse(request.body), Json::parse(R"({"locale":"en_US","countryCode":"US",
      "trackingNumberList":["1Z1","1Z2"]})"));
  ASSERT_OK_AND_ASSIGN(
      auto reply,
      ParseSubscribeReply(R"({"validTrackingNumbers":"1Z1","invalidTrackingNumbers":["1Z2"]})"));
  EXPECT_THAT(reply.valid_tracking_numbers(), ElementsAre("1Z1"));
  EXPECT_THAT(reply.invalid_tracking_numbers(), ElementsAre("1Z2"));
  EXPECT_THAT(ParseSubscribeReply("{}"), HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace psups::ups_gateway
