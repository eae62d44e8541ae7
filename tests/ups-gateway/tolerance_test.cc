#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/tracking_time.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// A parser of UPS's success, a body that it takes, and whether it took another for success.
struct Parser {
  const char* name;
  std::string good;
  std::function<bool(const std::string&)> takes;
};

std::ostream& operator<<(std::ostream& out, const Parser& parser) { return out << parser.name; }

const std::string kNumber = "1ZF3R1N00300000017";

std::vector<Parser> Parsers() {
  return {
      {"Token", R"({"access_token":"t","expires_in":"14399"})",
       [](const std::string& body) { return ParseTokenReply(body).ok(); }},
      {"Address",
       R"({"XAVResponse":{"ValidAddressIndicator":"","Candidate":[{"AddressKeyFormat":
          {"AddressLine":["900 PIER AVE"],"CountryCode":"US"}}]}})",
       [](const std::string& body) { return ParseAddressReply(body).ok(); }},
      {"Ship",
       R"({"ShipmentResponse":{"Response":{"ResponseStatus":{"Code":"1"}},"ShipmentResults":{
          "ShipmentIdentificationNumber":"1Z1","PackageResults":[{"TrackingNumber":"1Z1",
          "ShippingLabel":{"ImageFormat":{"Code":"ZPL"},"GraphicImage":"XlhB"}}]}}})",
       [](const std::string& body) { return ParseShipReply(body, "ZPL").ok(); }},
      {"Recovery",
       R"({"LabelRecoveryResponse":{"LabelResults":[{"TrackingNumber":"1Z1","LabelImage":
          {"LabelImageFormat":{"Code":"zpl"},"GraphicImage":"XlhB"}}]}})",
       [](const std::string& body) { return ParseRecoveryReply(body, "ZPL").ok(); }},
      {"Void", R"({"VoidShipmentResponse":{"SummaryResult":{"Status":{"Code":"1"}}}})",
       [](const std::string& body) { return ParseVoidReply(body).value_or(false); }},
      {"Track",
       absl::StrCat(R"({"trackResponse":{"shipment":[{"package":[{"trackingNumber":")", kNumber,
                    R"("}]}]}})"),
       [](const std::string& body) {
         const auto reply = ParseTrackReply(body, kNumber);
         return reply.ok() && reply->found();
       }},
      {"TrackReference",
       absl::StrCat(R"({"trackResponse":{"shipment":[{"package":[{"trackingNumber":")", kNumber,
                    R"("}]}]}})"),
       [](const std::string& body) {
         const auto numbers = ParseTrackReferenceReply(body);
         return numbers.ok() && !numbers->empty();
       }},
      {"Subscribe",
       absl::StrCat(R"({"validTrackingNumbers":[")", kNumber, R"("],"invalidTrackingNumbers":[]})"),
       [](const std::string& body) {
         const auto reply = ParseSubscribeReply(body);
         return reply.ok() && reply->valid_tracking_numbers_size() > 0;
       }},
  };
}

// The shapes in which UPS's services say no, whatever the HTTP status.
struct Refusal {
  const char* name;
  HttpResponse response;
  const char* code;  // "": none is in it
};

std::vector<Refusal> Refusals() {
  return {
      {"Normal",
       {.body = R"({"response":{"errors":[{"code":"120802","message":"m"}]}})"},
       "120802"},
      {"OneErrorAsObject",
       {.body = R"({"response":{"errors":{"code":"120802","message":"m"}}})"},
       "120802"},
      {"CodeAsNumber", {.body = R"({"response":{"errors":[{"code":120802}]}})"}, "120802"},
      {"OnlyTheSecondHasACode",
       {.body = R"({"response":{"errors":[{"message":"m"},{"code":" 120802&#xD; "}]}})"},
       "120802"},
      {"ErrorsAtTheRoot", {.body = R"({"errors":[{"code":"10002","message":"m"}]})"}, "10002"},
      {"TrackAlert",
       {.body = R"({"invalidTrackingNumbers":["x"],"response":{"errors":[{"code":"VSS210"}]}})"},
       "VSS210"},
      {"TrackWarning",
       {.body = R"({"trackResponse":{"shipment":[{"inquiryNumber":"1ZF3R1N00300000017",
           "warnings":[{"code":"TW0001","message":"Tracking Information Not Found"}]}]}})"},
       "TW0001"},
      {"OneTrackWarningAsObject",
       {.body = R"({"trackResponse":{"shipment":{"warnings":{"code":"TW0001"}}}})"},
       "TW0001"},
      {"QuantumView",
       {.body = R"({"QuantumViewResponse":{"Response":{"ResponseStatusCode":"0","Error":[
           {"ErrorSeverity":"Transient","ErrorCode":"330028","MinimumRetrySeconds":"60"}]}}})"},
       "330028"},
      {"Fault",
       {.body = R"({"Fault":{"detail":{"Errors":{"ErrorDetail":{"Severity":"Hard",
           "PrimaryErrorCode":{"Code":"250003","Description":"d"}}}}}})"},
       "250003"},
      {"Html", {.body = "<html><body>Bad gateway: 120802</body></html>"}, ""},
      {"Plain", {.body = "upstream connect error"}, ""},
      {"Empty", {.body = ""}, ""},
      {"EmptyWithAHeader", {.headers = {{"apierrorcode", "250002"}}, .body = ""}, "250002"},
      {"HtmlWithAHeader",
       {.headers = {{"APIErrorCode", "10429"}, {"APIErrorMsg", "m"}}, .body = "<html>"},
       "10429"},
      {"CodeThatIsNone", {.body = R"({"response":{"errors":[{"code":"<script>"}]}})"}, ""},
      {"CodeOfManyLetters",
       {.body = R"({"response":{"errors":[{"code":"1208021208021208021208021208"}]}})"},
       ""},
      {"CodeThatIsAnObject", {.body = R"({"response":{"errors":[{"code":{"a":1}}]}})"}, ""},
      {"ErrorsThatAreTexts", {.body = R"({"response":{"errors":["120802"]}})"}, ""},
      {"BlankResponse", {.body = R"({"response":""})"}, ""},
      {"BlankErrors", {.body = R"({"response":{"errors":""}})"}, ""},
      {"Null", {.body = "null"}, ""},
      {"Text", {.body = R"("120802")"}, ""},
      {"Number", {.body = "120802"}, ""},
      {"Array", {.body = R"([{"code":"120802"}])"}, ""},
      {"EmptyObject", {.body = "{}"}, ""},
      {"ZeroBytes", {.body = std::string(64, '\0')}, ""},
  };
}

TEST(RefusalShapesTest, NoneIsTakenForASuccessAndItsCodeIsFound) {
  for (const Refusal& refusal : Refusals()) {
    for (const int status : {200, 206, 400, 401, 500}) {
      HttpResponse response = refusal.response;
      response.status = status;
      EXPECT_EQ(CodeOf(response), refusal.code) << refusal.name << " " << status;
      for (const Operation operation :
           {Operation::kAddress, Operation::kShip, Operation::kVoid, Operation::kTrack}) {
        EXPECT_FALSE(StatusFromUps(operation, response).ok()) << refusal.name;
      }
    }
    for (const Parser& parser : Parsers()) {
      EXPECT_FALSE(parser.takes(refusal.response.body)) << parser << " took " << refusal.name;
    }
  }
}

TEST(RefusalShapesTest, AnErrorBesideHalfASuccessIsNoSuccess) {
  for (const Parser& parser : Parsers()) {
    Json json = Json::parse(parser.good);
    for (Json& member : json) member = "";
    json["response"] = {{"errors", {{{"code", "120802"}}}}};
    EXPECT_FALSE(parser.takes(json.dump())) << parser;
    EXPECT_EQ(CodeOf({.status = 200, .body = json.dump()}), "120802") << parser;
  }
}

TEST(TolerantReaderTest, TakesEveryGoodBodyAndNoneThatIsCut) {
  for (const Parser& parser : Parsers()) {
    ASSERT_TRUE(parser.takes(parser.good)) << parser;
    for (std::size_t size = 0; size < parser.good.size(); ++size) {
      ASSERT_FALSE(parser.takes(parser.good.substr(0, size))) << parser << " cut to " << size;
    }
  }
}

TEST(TolerantReaderTest, OneObjectStandsForAnArrayInEveryReply) {
  // "[{" and "}]" of the good bodies are arrays of one.
  for (const Parser& parser : Parsers()) {
    std::string single = parser.good;
    for (const auto& [from, to] :
         {std::pair{"[{", "{"}, {"}]", "}"}, {"[\"", "\""}, {"\"]", "\""}}) {
      for (std::size_t at = 0; (at = single.find(from)) != single.npos;) {
        single.replace(at, 2, to);
      }
    }
    EXPECT_TRUE(parser.takes(single)) << parser << ": " << single;
  }
}

TEST(TolerantReaderTest, BlankMissingAndForeignMembersReadAsNothingWhereverTheyStand) {
  for (const Parser& parser : Parsers()) {
    // Each member in turn, at every depth, becomes something else: never a crash.
    const Json good = Json::parse(parser.good).flatten();
    for (const auto& [pointer, value] : good.items()) {
      for (Json::json_pointer at(pointer); !at.empty(); at = at.parent_pointer()) {
        for (const char* other : {"\"\"", "null", "{}", "[]", "[[]]", "[\"\"]", "0", "true", "1.5",
                                  "[null,{},\"x\",[{}]]", "{\"\":{\"\":\"\"}}"}) {
          Json changed = Json::parse(parser.good);
          changed[at] = Json::parse(other);
          const std::string body = changed.dump();
          parser.takes(body);
          EXPECT_THAT(CodeOf({.status = 200, .body = body}), IsEmpty());
        }
      }
    }
  }
}

TEST(TolerantReaderTest, DeepNestingReadsAsNoJsonAndCostsNoStack) {
  for (const std::size_t depth : {65u, 1'000u, 100'000u, 30'000'000u}) {
    EXPECT_TRUE(ParseJson(std::string(depth, '[')).is_null()) << depth;
  }
  const std::string closed = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_TRUE(ParseJson(closed).is_null());
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_TRUE(ParseJson(objects).is_null());
  for (const Parser& parser : Parsers()) {
    std::string body = parser.good;
    body.insert(body.size() - 1, absl::StrCat(R"(,"more":)", closed));
    EXPECT_FALSE(parser.takes(body)) << parser;
  }
  // As deep as anything of UPS's, several times over; brackets in texts are none.
  EXPECT_TRUE(ParseJson(std::string(64, '[') + std::string(64, ']')).is_array());
  const Json text = ParseJson(
      R"({"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"["})");
  EXPECT_TRUE(text.is_object());
}

TEST(TolerantReaderTest, NumbersAreReadHoweverTheyAreWrittenButNeverGuessed) {
  const auto text = [](const std::string& value) {
    return Text(ParseJson(absl::StrCat(R"({"a":)", value, "}")), "a");
  };
  EXPECT_EQ(text("12"), "12");
  EXPECT_EQ(text("-12"), "-12");
  EXPECT_EQ(text("12.5"), "12.5");
  EXPECT_EQ(text("true"), "true");
  EXPECT_EQ(text("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(text("92748999936352543400000017"), "");  // a double keeps only some of its digits
  EXPECT_EQ(text("1e300"), "");
  EXPECT_EQ(text("1e400"), "");
  EXPECT_EQ(text("-1e400"), "");
  EXPECT_EQ(text("null"), "");
  EXPECT_EQ(text("[1]"), "");

  for (const auto& [written, cents] : {std::pair{"+0031.05", 3105},
                                       {"00000000", 0},
                                       {" 31.05 ", 3105},
                                       {"&#xD;31.05", 3105},
                                       {"000000000000000000031.050000000000000", 3105},
                                       {"31.051", 3106}}) {
    ASSERT_OK_AND_ASSIGN(
        const pb::Call::Result result,
        ParseShipReply(
            absl::StrCat(
                R"({"ShipmentResponse":{"ShipmentResults":{"ShipmentIdentificationNumber":"1Z1",
                "ShipmentCharges":{"TotalCharges":{"CurrencyCode":"USD","MonetaryValue":")",
                written, R"("}},"PackageResults":[{"TrackingNumber":"1Z1",
                "ShippingLabel":{"GraphicImage":"XlhB"}}]}}})"),
            "ZPL"));
    EXPECT_EQ(result.charges().amount_minor(), cents) << written;
  }
  ASSERT_OK_AND_ASSIGN(const TokenReply token,
                       ParseTokenReply(R"({"access_token":"t","expires_in":"+0003599.0"})"));
  EXPECT_EQ(token.lifetime, absl::Seconds(3599));
}

TEST(TolerantReaderTest, TextsAreTrimmedAndOddLettersLoseNoReply) {
  EXPECT_EQ(Text(ParseJson("{\"a\":\"&#xD;&#xA; x y \\t&#13;&#10;\"}"), "a"), "x y");
  EXPECT_EQ(Text(ParseJson("{\"a\":\"M\xC4rz\"}"), "a"), "M?rz");  // Latin-1
  EXPECT_EQ(Text(ParseJson("{\"a\":\"x\\ud83d\"}"), "a"), "x?");   // half a pair
  EXPECT_EQ(Text(ParseJson("{\"a\":\"\\uDE00x\"}"), "a"), "?x");   // the other half
  EXPECT_EQ(Text(ParseJson("{\"a\":\"\\ud83d\\ude00\"}"), "a"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(Text(ParseJson("{\"a\":\"\\\\ud83d\xFF\"}"), "a"), "\\ud83d?");  // no escape
  EXPECT_EQ(Text(ParseJson("{\"a\":\"x\ny\"}"), "a"), "x y");                // bare line end
  EXPECT_EQ(Text(ParseJson("\xEF\xBB\xBF{\"a\":\"x\"}"), "a"), "x");         // byte order mark
  for (const char* cut : {"\xFF\\", "\xFF\\u", "\xFF\\ud", "{\"a\":\"\\ud83", "\"\\", "\xC4"}) {
    EXPECT_TRUE(ParseJson(cut).is_null()) << cut;
  }
}

// Both found by the fuzz targets.
TEST(TolerantReaderTest, AYearOfFewerDigitsIsNoTime) {
  pb::TrackingActivity activity;
  SetTimes({.local_date = "02271126", .local_time = "084000"}, activity);
  EXPECT_THAT(activity.local_time(), IsEmpty());
  EXPECT_FALSE(activity.has_event_time());
}

TEST(TolerantReaderTest, LabelsAreTakenOutWhereKeysShareAQuote) {
  EXPECT_EQ(WithoutLabels(R"({"HTMLImage"GraphicImage":"XlhB"})"),
            R"({"HTMLImage"GraphicImage":""})");
}

TEST(TolerantReaderTest, OfTwoMembersOfOneNameTheLastCounts) {
  EXPECT_EQ(Text(ParseJson(R"({"a":"1","a":"2"})"), "a"), "2");
  // Twins instead of an array: what is left is one package, which is not what was asked for.
  ASSERT_OK_AND_ASSIGN(
      const pb::Call::Result result,
      ParseShipReply(
          R"({"ShipmentResponse":{"ShipmentResults":{"ShipmentIdentificationNumber":"1Z1",
          "PackageResults":{"TrackingNumber":"1Z1","ShippingLabel":{"GraphicImage":"XlhB"}},
          "PackageResults":{"TrackingNumber":"1Z2","ShippingLabel":{"GraphicImage":"XlhB"}}}}})",
          "ZPL"));
  EXPECT_THAT(result.packages(), SizeIs(1));
}

TEST(TolerantReaderTest, NoneOneAndManyReadAlike) {
  const Json json = ParseJson(R"({"none":"","null":null,"one":{"a":1},"many":[{"a":1},"",{"a":2}],
      "text":"x","texts":["x"," ",["y"],"z"],"number":7,"flag":null})");
  EXPECT_THAT(Many(json, "none"), IsEmpty());
  EXPECT_THAT(Many(json, "null"), IsEmpty());
  EXPECT_THAT(Many(json, "missing"), IsEmpty());
  EXPECT_THAT(Many(json, "text"), IsEmpty());
  EXPECT_THAT(Many(json, "one"), SizeIs(1));
  EXPECT_THAT(Many(json, "many"), SizeIs(2));
  EXPECT_THAT(Texts(json, "text"), ElementsAre("x"));
  EXPECT_THAT(Texts(json, "texts"), ElementsAre("x", "z"));
  EXPECT_THAT(Texts(json, "number"), ElementsAre("7"));
  EXPECT_THAT(Texts(json, "none"), IsEmpty());
  // A presence indicator counts by its key alone.
  EXPECT_TRUE(Present(json, "none"));
  EXPECT_TRUE(Present(json, "flag"));
  EXPECT_FALSE(Present(json, "missing"));
  EXPECT_FALSE(Present(ParseJson("\"flag\""), "flag"));
}

}  // namespace
}  // namespace psups::ups_gateway
