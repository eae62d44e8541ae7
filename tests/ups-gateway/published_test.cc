#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/testing/status_matchers.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/ups_replies.h"
#include "tests/ups_openapi.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::IsOkAndHolds;
using ::psups::testing::UpsOpenApi;
using ::psups::testing::UpsOpenApiAt;
using ::psups::testing::UpsOpenApiText;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// --- replies that UPS prints: Track Alert's and, a property at a time, Track's

constexpr char kSubscribeReplies[] = "/paths/~1subscription~1{type}~1package/post/responses";

TEST(PublishedRepliesTest, TrackAlertsSuccessesRead) {
  const Json examples =
      UpsOpenApiAt(UpsOpenApi("UPSTrackAlert"),
                   absl::StrCat(kSubscribeReplies, "/200/content/application~1json/examples"));
  ASSERT_THAT(examples, Not(IsEmpty()));
  for (const auto& [name, example] : examples.items()) {
    const Json& body = example.at("value");
    ASSERT_OK_AND_ASSIGN(const auto reply, ParseSubscribeReply(body.dump()));
    EXPECT_EQ(Json(reply.valid_tracking_numbers()), body.at("validTrackingNumbers")) << name;
    EXPECT_EQ(Json(reply.invalid_tracking_numbers()),
              body.value("invalidTrackingNumbers", Json::array()))
        << name;
  }
}

TEST(PublishedRepliesTest, TrackAlertsErrorsReadAndSayWhatToDo) {
  const Json replies = UpsOpenApiAt(UpsOpenApi("UPSTrackAlert"), kSubscribeReplies);
  std::map<std::string, Action> actions;
  for (const auto& [status, reply] : replies.items()) {
    if (status == "200") continue;
    const Json body = UpsOpenApiAt(reply, "/content/application~1json/example");
    const Json error = UpsOpenApiAt(body, "/response/errors/0");
    const HttpResponse response = {.status = std::stoi(status), .body = body.dump()};
    const std::vector<UpsError> errors = ErrorsOf(response);
    ASSERT_THAT(errors, SizeIs(1)) << status;
    EXPECT_EQ(errors[0].code, error.at("code")) << status;
    EXPECT_EQ(errors[0].message, error.at("message")) << status;
    EXPECT_EQ(CodeOf(response), error.at("code")) << status;
    actions[status] = Look(Operation::kSubscribe, CodeOf(response), response.status).action;
  }
  EXPECT_THAT(
      actions,
      ElementsAre(std::pair("400", Action::kConfigure), std::pair("401", Action::kRenewToken),
                  std::pair("404", Action::kReview), std::pair("500", Action::kBackOff)));
}

// The `example:` of each property of a schema.
std::map<std::string, std::string> PropertyExamples(const std::string& yaml,
                                                    const std::string& schema) {
  std::map<std::string, std::string> examples;
  std::string property;
  std::size_t depth = 0;
  bool inside = false;
  for (const absl::string_view line : absl::StrSplit(yaml, '\n')) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    const std::size_t indent = line.find_first_not_of(' ');
    if (text == schema + ":") {
      inside = true;
      depth = indent;
      continue;
    }
    if (!inside || text.empty()) continue;
    if (indent <= depth) break;
    absl::string_view rest = text;
    if (absl::ConsumePrefix(&rest, "example: ")) {
      absl::ConsumePrefix(&rest, "'");
      absl::ConsumeSuffix(&rest, "'");
      examples[property] = std::string(rest);
    } else if (indent == depth + 4 && absl::ConsumeSuffix(&rest, ":")) {
      property = std::string(rest);
    }
  }
  return examples;
}

TEST(PublishedRepliesTest, TracksActivityReads) {
  const std::string yaml = UpsOpenApiText("published/Tracking.yaml");
  Json activity = PropertyExamples(yaml, "Activity");
  activity["status"] = PropertyExamples(yaml, "Status");
  activity["location"] = PropertyExamples(yaml, "Location");
  activity["location"]["address"] = PropertyExamples(yaml, "Address");
  const std::string number = PropertyExamples(yaml, "Shipment")["inquiryNumber"];
  ASSERT_EQ(activity.value("gmtTime", ""), "74700");  // a digit short
  const Json package = {{"trackingNumber", number}, {"activity", Json::array({activity})}};
  const Json shipment = {{"inquiryNumber", number}, {"package", Json::array({package})}};
  const Json body = {{"trackResponse", {{"shipment", Json::array({shipment})}}}};

  ASSERT_OK_AND_ASSIGN(const auto tracked, ParseTrackReply(body.dump(), number));
  EXPECT_TRUE(tracked.found());
  ASSERT_THAT(tracked.activities(), SizeIs(1));
  const pb::TrackingActivity& read = tracked.activities(0);
  EXPECT_EQ(read.type(), activity["status"]["type"]);
  EXPECT_EQ(read.code(), activity["status"]["code"]);
  EXPECT_EQ(read.status_code(), activity["status"]["statusCode"]);
  EXPECT_EQ(read.description(), activity["status"]["description"]);
  EXPECT_EQ(read.city(), activity["location"]["address"]["city"]);
  EXPECT_EQ(read.state(), activity["location"]["address"]["stateProvince"]);
  EXPECT_EQ(read.country_code(), activity["location"]["address"]["countryCode"]);
  EXPECT_EQ(read.utc_offset(), activity["gmtOffset"]);
  EXPECT_EQ(read.time_precision(), pb::TrackingActivity::GMT_GIVEN);
  EXPECT_EQ(read.event_time().seconds() % 86400, 7 * 3600 + 47 * 60);
  EXPECT_THAT(ParseTrackReferenceReply(body.dump()), IsOkAndHolds(ElementsAre(number)));
}

// --- replies of which UPS prints the shape only: each of its fields is there, and filled by us

constexpr char kNumber[] = "1ZF3R1N00300000017";

std::string Value(const std::string& field) {
  static const auto* const values =
      new std::map<std::string, std::string>{{"ShipmentIdentificationNumber", kNumber},
                                             {"TrackingNumber", kNumber},
                                             {"GraphicImage", "XlhB"},
                                             {"CurrencyCode", "USD"},
                                             {"MonetaryValue", "12.34"},
                                             {"Date", "20261130"},
                                             {"PostcodePrimaryLow", "90802"},
                                             {"PostcodeExtendedLow", "1234"}};
  const auto found = values->find(field);
  return found == values->end() ? "1" : found->second;
}

Json Whole(const Json& spec, const Json& schema, const std::string& field) {
  if (schema.contains("$ref")) {
    const Json::json_pointer at(schema["$ref"].get<std::string>().substr(1));
    return Whole(spec, spec.at(at), field);
  }
  const std::string type = schema.value("type", "");
  if (type == "array") return Json::array({Whole(spec, schema.at("items"), field)});
  if (type != "object") return Value(field);
  Json object = Json::object();
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, below] : properties.items()) object[name] = Whole(spec, below, name);
  return object;
}

// A reply of `spec` in which everything is that can be.
Json Reply(const char* spec_name, const char* schema) {
  const Json spec = UpsOpenApi(spec_name);
  return Whole(spec, UpsOpenApiAt(spec, absl::StrCat("/components/schemas/", schema)), "");
}

TEST(PublishedShapesTest, AWholeShipReplyReads) {
  const Json body = Reply("Shipping", "SHIPResponseWrapper");
  ASSERT_OK_AND_ASSIGN(const pb::Call::Result result, ParseShipReply(body.dump(), "ZPL"));
  EXPECT_EQ(result.ups_shipment_id(), kNumber);
  ASSERT_THAT(result.packages(), SizeIs(1));
  EXPECT_EQ(result.packages(0).tracking_number(), kNumber);
  EXPECT_EQ(result.packages(0).label(), "^XA");
  EXPECT_EQ(result.packages(0).label_format(), "1");
  EXPECT_EQ(result.charges().amount_minor(), 1234);
  EXPECT_EQ(result.negotiated_charges().amount_minor(), 1234);
  EXPECT_THAT(result.alerts(), ElementsAre("1: 1"));
}

TEST(PublishedShapesTest, AWholeRecoveryReplyReadsAsCandidatesOrAsLabels) {
  Json body = Reply("Shipping", "LABELRECOVERYResponseWrapper");
  ASSERT_OK_AND_ASSIGN(const RecoveryReply several, ParseRecoveryReply(body.dump(), "ZPL"));
  EXPECT_EQ(several.candidates, 1);
  body["LabelRecoveryResponse"].erase("TrackingCandidate");
  ASSERT_OK_AND_ASSIGN(const RecoveryReply one, ParseRecoveryReply(body.dump(), "ZPL"));
  EXPECT_EQ(one.result.ups_shipment_id(), kNumber);
  ASSERT_THAT(one.result.packages(), SizeIs(1));
  EXPECT_EQ(one.result.packages(0).tracking_number(), kNumber);
  EXPECT_EQ(one.result.packages(0).label(), "^XA");
  EXPECT_EQ(one.result.packages(0).label_format(), "1");
}

TEST(PublishedShapesTest, AWholeAddressReplyReads) {
  Json body = Reply("AddressValidation", "XAVResponseWrapper");
  ASSERT_OK_AND_ASSIGN(auto reply, ParseAddressReply(body.dump()));
  EXPECT_EQ(reply.verdict(), pb::ValidateAddressResponse::VALID);
  EXPECT_EQ(reply.classification(), pb::ValidateAddressResponse::COMMERCIAL);
  ASSERT_THAT(reply.candidates(), SizeIs(1));
  EXPECT_EQ(reply.candidates(0).classification(), pb::ValidateAddressResponse::COMMERCIAL);
  const type::v1::Address& address = reply.candidates(0).address();
  EXPECT_THAT(address.lines(), ElementsAre("1"));
  EXPECT_EQ(address.postal_code(), "90802-1234");
  for (const std::string* text : {&address.city(), &address.state(), &address.country_code()})
    EXPECT_EQ(*text, "1");
  body["XAVResponse"].erase("ValidAddressIndicator");
  ASSERT_OK_AND_ASSIGN(reply, ParseAddressReply(body.dump()));
  EXPECT_EQ(reply.verdict(), pb::ValidateAddressResponse::AMBIGUOUS);
  body["XAVResponse"].erase("AmbiguousAddressIndicator");
  ASSERT_OK_AND_ASSIGN(reply, ParseAddressReply(body.dump()));
  EXPECT_EQ(reply.verdict(), pb::ValidateAddressResponse::NO_CANDIDATES);
}

TEST(PublishedShapesTest, AWholeVoidReplyReads) {
  const Json body = Reply("Shipping", "VOIDSHIPMENTResponseWrapper");
  EXPECT_THAT(ParseVoidReply(body.dump()), IsOkAndHolds(true));
}

TEST(PublishedShapesTest, AWholeRateReplyReads) {
  Json body = Reply("Rating", "RATEResponseWrapper");
  body["RateResponse"]["RatedShipment"][0]["Service"]["Code"] = "03";
  ASSERT_OK_AND_ASSIGN(const pb::QuoteRatesResponse rates, ParseRateReply(body.dump()));
  ASSERT_THAT(rates.quotes(), SizeIs(1));
  EXPECT_EQ(rates.quotes(0).charges().amount_minor(), 1234);
  EXPECT_EQ(rates.quotes(0).negotiated_charges().amount_minor(), 1234);
  EXPECT_EQ(rates.quotes(0).delivery_date(), "2026-11-30");
  EXPECT_EQ(rates.quotes(0).business_days(), 1);
  EXPECT_THAT(rates.alerts(), ElementsAre("1: 1"));
}

TEST(PublishedShapesTest, WholeErrorsRead) {
  for (const char* spec : {"Shipping", "AddressValidation", "Rating"}) {
    const std::vector<UpsError> errors =
        ErrorsOf({.status = 400, .body = Reply(spec, "ErrorResponse").dump()});
    ASSERT_THAT(errors, SizeIs(1)) << spec;
    EXPECT_EQ(errors[0].code, "1") << spec;
    EXPECT_EQ(errors[0].message, "1") << spec;
  }
}

}  // namespace
}  // namespace psups::ups_gateway
