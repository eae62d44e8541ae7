#include "services/ups-gateway/wire/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/testing/metric_value.h"
#include "services/ups-gateway/wire/known_replies.h"

namespace psups::ups_gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::string TestData(const std::string& name) {
  std::ifstream file(absl::StrCat(PSUPS_SOURCE_DIR, "/tests/testdata/ups/", name));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// "shape ShipmentResponse.Foo" of each note.
std::vector<std::string> Noted(const Drift& drift) {
  std::vector<std::string> notes;
  for (const auto& [note, count] : drift.Seen()) {
    notes.push_back(absl::StrCat(std::string(std::get<std::string_view>(note)), " ",
                                 std::get<std::string>(note)));
  }
  return notes;
}

std::vector<std::string> NotedIn(Operation operation, const std::string& body) {
  Drift drift;
  drift.Look(operation, body);
  return Noted(drift);
}

const std::string kPackages = "ShipmentResponse.ShipmentResults.PackageResults";

std::string ShipReply(const std::function<void(Json&)>& change) {
  Json json = Json::parse(TestData("ship_reply.json"));
  change(json["ShipmentResponse"]);
  return json.dump();
}

TEST(DriftTest, RepliesAsWeKnowThemAreNoDrift) {
  EXPECT_THAT(NotedIn(Operation::kShip, TestData("ship_reply.json")), IsEmpty());
  EXPECT_THAT(NotedIn(Operation::kTrack, TestData("track_reply.json")), IsEmpty());
  EXPECT_THAT(NotedIn(Operation::kTrackReference, TestData("track_reply.json")), IsEmpty());
  EXPECT_THAT(NotedIn(Operation::kAddress, R"({"XAVResponse":{"Response":{"ResponseStatus":
      {"Code":"1","Description":"Success"},"TransactionReference":{"CustomerContext":"x"}},
      "ValidAddressIndicator":"","AddressClassification":{"Code":"2"},"Candidate":[
      {"AddressKeyFormat":{"AddressLine":["900 PIER AVE"],"CountryCode":"US"}}]}})"),
              IsEmpty());
  EXPECT_THAT(NotedIn(Operation::kVoid, R"({"VoidShipmentResponse":{"SummaryResult":{"Status":
      {"Code":"&#xD;1","Description":"Voided"}},"PackageLevelResult":{"TrackingNumber":"1Z1"}}})"),
              IsEmpty());
  EXPECT_THAT(NotedIn(Operation::kRecovery, R"({"LabelRecoveryResponse":{"LabelResults":[
      {"TrackingNumber":"1Z1","LabelImage":{"LabelImageFormat":{"Code":"zpl"},
      "GraphicImage":"XlhB"},"Receipt":""}],"Form":{"Image":{"Foo":1}}}})"),
              IsEmpty());
  EXPECT_THAT(NotedIn(Operation::kSubscribe,
                      R"({"validTrackingNumbers":["1Z1"],"invalidTrackingNumbers":[]})"),
              IsEmpty());
}

TEST(DriftTest, ContainersThatAreBlankOrNullAreNoDrift) {
  EXPECT_THAT(NotedIn(Operation::kShip, ShipReply([](Json& reply) {
                        reply["Response"]["Alert"] = "";
                        reply["ShipmentResults"]["ShipmentCharges"] = nullptr;
                        reply["ShipmentResults"]["NegotiatedRateCharges"] = " ";
                        reply["ShipmentResults"]["ControlLogReceipt"] = Json::array();
                      })),
              IsEmpty());
}

TEST(DriftTest, AnUnknownMemberIsNotedByItsPathAndNotLookedInto) {
  EXPECT_THAT(
      NotedIn(Operation::kShip, ShipReply([](Json& reply) {
                reply["ShipmentResults"]["PackageResults"][0]["Foo"] = {{"Bar", {1, 2}}};
                reply["ShipmentResults"]["PackageResults"][1]["Foo"] = "12 Fern St";
                reply["Sustainability"] = Json::array({Json::array()});
                // Whatever stands in a subtree that we do not read is none of ours.
                reply["ShipmentResults"]["BillingWeight"]["Foo"] = {{"Bar", 1}};
                reply["ShipmentResults"]["ShipmentCharges"]["ItemizedCharges"] = {{{"Foo", 1}}};
              })),
      ElementsAre("field ShipmentResponse.ShipmentResults.PackageResults[].Foo",
                  "field ShipmentResponse.Sustainability"));
  EXPECT_THAT(NotedIn(Operation::kSubscribe, R"({"expiryDate":"2026-12-01"})"),
              ElementsAre("field expiryDate"));
}

TEST(DriftTest, ACodeThatWeReadAndDoNotKnowIsNotedWithoutItsValue) {
  const auto notes = NotedIn(
      Operation::kTrack,
      R"({"trackResponse":{"shipment":[{"warnings":[{"code":"TW0009","message":"m"}],"package":[
         {"currentStatus":{"type":"Q"},"activity":[{"status":{"type":"d "}},
         {"status":{"type":"ZZ"}},{"status":{"type":""}}]}]}]}})");
  EXPECT_THAT(notes, UnorderedElementsAre(
                         "code trackResponse.shipment[].warnings[].code",
                         "code trackResponse.shipment[].package[].currentStatus.type",
                         "code trackResponse.shipment[].package[].activity[].status.type"));
  EXPECT_THAT(
      NotedIn(Operation::kAddress, R"({"XAVResponse":{"AddressClassification":{"Code":3}}})"),
      ElementsAre("code XAVResponse.AddressClassification.Code"));
  EXPECT_THAT(
      NotedIn(
          Operation::kShip, ShipReply([](Json& reply) {
            reply["ShipmentResults"]["PackageResults"][0]["ShippingLabel"]["ImageFormat"]["Code"] =
                "PNG";
          })),
      ElementsAre(absl::StrCat("code ", kPackages, "[].ShippingLabel.ImageFormat.Code")));
}

TEST(DriftTest, AnotherShapeThanTheLearnedOneIsNotedAndWhatIsInItStillCompared) {
  EXPECT_THAT(NotedIn(Operation::kShip, ShipReply([](Json& reply) {
                        Json package = reply["ShipmentResults"]["PackageResults"][0];
                        package["Foo"] = 1;
                        reply["ShipmentResults"]["PackageResults"] = package;  // object for array
                        reply["ShipmentResults"]["ShipmentCharges"] =
                            Json::array({{{"Bar", 1}}});  // array for object
                        reply["ShipmentResults"]["ShipmentIdentificationNumber"] =
                            Json::array({"1Z1"});                             // array for text
                        reply["Response"]["ResponseStatus"] = "Success";      // text for object
                        reply["ShipmentResults"]["LabelURL"] = {{"Foo", 1}};  // object for text
                        reply["Response"]["Alert"] = "careful";               // text for array
                      })),
              UnorderedElementsAre(
                  absl::StrCat("shape ", kPackages), absl::StrCat("field ", kPackages, "[].Foo"),
                  "shape ShipmentResponse.ShipmentResults.ShipmentCharges",
                  "field ShipmentResponse.ShipmentResults.ShipmentCharges[].Bar",
                  "shape ShipmentResponse.ShipmentResults.ShipmentIdentificationNumber",
                  "shape ShipmentResponse.Response.ResponseStatus",
                  "shape ShipmentResponse.ShipmentResults.LabelURL",
                  "shape ShipmentResponse.Response.Alert"));
  // A text where an array of texts was learned, as the first version of address validation has it.
  EXPECT_THAT(NotedIn(Operation::kAddress, R"({"XAVResponse":{"Candidate":[{"AddressKeyFormat":
      {"AddressLine":"900 PIER AVE"}}]}})"),
              ElementsAre("shape XAVResponse.Candidate[].AddressKeyFormat.AddressLine"));
}

TEST(DriftTest, OddAndLongNamesAreOtherAndSoIsAllBeyondTheBound) {
  EXPECT_THAT(NotedIn(Operation::kShip,
                      absl::StrCat(R"({"Ann Lee":1,"\u00e4":1,"":1,"<b>":1,")",
                                   std::string(Drift::kMostPathBytes + 1, 'x'), R"(":1})")),
              ElementsAre("field other"));
  EXPECT_THAT(NotedIn(Operation::kShip, "\"text\""), ElementsAre("shape other"));

  Drift drift;
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 500; ++i) {
    drift.Look(Operation::kShip, absl::StrCat(R"({"Foo)", i, R"(":1})"));
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), Drift::kMostPaths + 1);
  const auto seen = drift.Seen();
  EXPECT_LE(seen.size(), Drift::kMostPaths + 1);
  EXPECT_THAT(seen, ::testing::Contains(Pair(Drift::Note{Operation::kShip, "field", "other"},
                                             500 - Drift::kMostPaths)));
  // Thousands of unknown members in one reply are no load.
  std::string many = "{";
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&many, R"("Foo)", i, R"(":1,)");
  EXPECT_THAT(NotedIn(Operation::kShip, many + R"("Bar":1})"), SizeIs(50));
}

TEST(DriftTest, APathIsCountedOnceAReplyAndLoggedOnceAProcess) {
  const auto counted = [] {
    return psups::MetricValue("psups_ups_drift_total", {{"op", "ship"}, {"kind", "field"}});
  };
  const std::string body = ShipReply([](Json& reply) {
    for (Json& package : reply["ShipmentResults"]["PackageResults"]) package["Foo"] = "Ann Lee";
  });
  const double before = counted();
  Drift drift;
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) drift.Look(Operation::kShip, body);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(drift.Seen(),
              ElementsAre(Pair(Drift::Note{Operation::kShip, "field", kPackages + "[].Foo"}, 3)));
  EXPECT_EQ(counted() - before, 3);
  EXPECT_THAT(log, HasSubstr(kPackages + "[].Foo"));
  EXPECT_THAT(log, Not(HasSubstr("Ann")));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
}

TEST(DriftTest, WhatIsNoJsonIsLeftToItsReader) {
  const std::string good = TestData("ship_reply.json");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(NotedIn(Operation::kShip, good.substr(0, size)), IsEmpty());
  }
  for (const std::string& body :
       {std::string(1'000'000, '['), std::string("<html>"),
        std::string("{\"ShipmentResponse\":\xFF"),
        std::string(R"({"ShipmentResponse":{"a":1e999}})").substr(0, 20), std::string(64, '\0')}) {
    NotedIn(Operation::kShip, body);
  }
  EXPECT_THAT(NotedIn(Operation::kToken, R"({"access_token":"t"})"), IsEmpty());
}

}  // namespace
}  // namespace psups::ups_gateway
