#include <gmock/gmock.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/sandbox/ups/sandbox_fixture.h"
#include "tests/ups_openapi.h"

namespace psups::ups_sandbox {
namespace {

using ::psups::testing::UpsOpenApi;
using ::psups::testing::UpsOpenApiAt;
using ::psups::testing::UpsOpenApiFolder;
using ::testing::SizeIs;

// Which of UPS's own examples the sandbox refuses, and why; it takes all others.
struct Refusal {
  const char* code;
  const char* why;
};
const std::map<std::string, Refusal>& Refusals() {
  static const auto* const refusals = new std::map<std::string, Refusal>{
      {"ship_2", {"20007", "from Germany, and without a label specification"}},
      {"ship_6", {"120500", "within Poland, by a service of three digits"}},
      {"ship_9", {"120500", "to Germany, by a service of three digits"}},
      {"ship_11", {"120500", "from Britain to France, by a freight service"}},
      {"ship_12", {"120500", "from Britain to Germany, by a freight service"}},
      {"ship_13", {"20006", "no RequestOption, which UPS requires; an old date"}},
      {"ship_14", {"120308", "Trade Direct: from Canada, for a shipper of the US"}},
      {"ship_15", {"20008", "Trade Direct: an old date, and a label as png"}},
      {"ship_16", {"120500", "Trade Direct: a service that is none of ours"}},
      {"ship_17", {"20007", "WorldEase: what should be inside ShipmentRequest stands bare"}},
      {"rating_2", {"111285", "a ZIP of Maryland in Georgia"}},
      {"rating_3", {"111100", "to Germany, by a service of three digits"}},
      {"rating_6", {"110006", "all of the shipment stands inside Shipper"}},
      {"rating_10", {"10002", "a state that is no text but true"}},
      {"recovery_2", {"300030", "Roadie: a list of numbers that are none of UPS's"}}};
  return *refusals;
}

constexpr char kRatingPath[] = "/api/rating/v2409/Rate";

struct Example {
  std::string name = {};  // operation and UPS's own number
  std::string path = {};
  Json body = {};
};

void PrintTo(const Example& example, std::ostream* out) { *out << example.name; }

void Add(const std::string& file, const std::string& operation, const std::string& spec_path,
         const std::string& path, std::vector<Example>& examples) {
  const Json found = UpsOpenApiAt(
      UpsOpenApi(file), absl::StrCat("/paths/", absl::StrReplaceAll(spec_path, {{"/", "~1"}}),
                                     "/post/requestBody/content/application~1json/examples"));
  for (const auto& [key, example] : found.items())
    examples.push_back({absl::StrCat(operation, "_", key), path, example.at("value")});
}

std::vector<Example> Examples() {
  std::vector<Example> examples;
  Add("Shipping", "ship", "/shipments/{version}/ship", kShipPath, examples);
  Add("Rating", "rating", "/rating/{version}/{requestoption}", kRatingPath, examples);
  Add("Shipping", "recovery", "/labels/{version}/recovery", kRecoveryPath, examples);
  Add("AddressValidation", "xav", "/addressvalidation/{version}/{requestoption}",
      "/api/addressvalidation/v2/3", examples);
  Add("UPSTrackAlert", "subscribe", "/subscription/{type}/package", kSubscribePath, examples);
  return examples;
}

// The examples' account and parcel are UPS's, or blank: ours take their place.
void MakeOurs(Json& json, const std::string& tracking_number) {
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string() && (key == "ShipperNumber" || key == "AccountNumber")) value = "F3R1N0";
    if (value.is_string() && key == "TrackingNumber") value = tracking_number;
    MakeOurs(value, tracking_number);
  }
}

class PublishedRequestTest : public UpsSandboxTest,
                             public ::testing::WithParamInterface<Example> {};

TEST_P(PublishedRequestTest, IsTakenOrRefusedForAStatedReason) {
  const std::string number = ShipOne();
  Json body = GetParam().body;
  MakeOurs(body, number);
  const Answer answer = Call("POST", GetParam().path, body);
  const std::size_t made = Truth()["shipments"].size() - 1;
  if (const auto refusal = Refusals().find(GetParam().name); refusal != Refusals().end()) {
    EXPECT_EQ(answer.code, 400) << answer.text;
    EXPECT_EQ(answer.error(), refusal->second.code) << answer.text << refusal->second.why;
    EXPECT_EQ(made, 0u);
    return;
  }
  ASSERT_EQ(answer.code, 200) << answer.text;
  EXPECT_EQ(made, GetParam().path == kShipPath ? 1u : 0u);
  if (GetParam().path == kShipPath) {
    const Json packages = Shipment(body).at("Package");
    EXPECT_THAT(At(answer.body, {"ShipmentResponse", "ShipmentResults", "PackageResults"}),
                SizeIs(packages.is_array() ? packages.size() : 1));
  } else if (GetParam().path == kRecoveryPath) {
    EXPECT_EQ(TextAt(answer.body, {"LabelRecoveryResponse", "ShipmentIdentificationNumber"}),
              number);
  } else if (GetParam().path == kRatingPath) {
    EXPECT_THAT(At(answer.body, {"RateResponse", "RatedShipment"}), SizeIs(1));
  } else if (GetParam().path == kSubscribePath) {
    EXPECT_EQ(At(answer.body, {"validTrackingNumbers"}), body.at("trackingNumberList"));
  } else {
    EXPECT_TRUE(At(answer.body, {"XAVResponse"}).contains("NoCandidatesIndicator")) << answer.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Examples, PublishedRequestTest, ::testing::ValuesIn(Examples()),
                         [](const auto& info) { return info.param.name; });

TEST(PublishedRequestsTest, EachOperationHasSomeAndEachRefusalIsOfOne) {
  std::map<std::string, int> found;
  std::map<std::string, Refusal> unused = Refusals();
  for (const Example& example : Examples()) {
    ++found[example.name.substr(0, example.name.find('_'))];
    unused.erase(example.name);
  }
  EXPECT_THAT(found, SizeIs(5)) << "UPS_OPENAPI_DIR: not all of UPS's files are in "
                                << UpsOpenApiFolder() << "/patched";
  for (const auto& [name, refusal] : unused) ADD_FAILURE() << name << ": " << refusal.why;
}

// Whether everything that `schema` requires is in `value`; the path of the first that is not.
std::optional<std::string> Missing(const Json& spec, const Json& schema, const Json& value) {
  if (schema.contains("$ref")) {
    const std::vector<std::string> path = absl::StrSplit(schema["$ref"].get<std::string>(), '/');
    return Missing(spec, spec["components"]["schemas"][path.back()], value);
  }
  const std::string type = schema.value("type", "");
  if (type == "string" && !value.is_string()) return "(a text)";
  if (type == "array") {
    if (!value.is_array()) return "(a list)";
    for (const Json& item : value) {
      if (auto below = Missing(spec, schema["items"], item)) return "[]." + *below;
    }
    return std::nullopt;
  }
  if (type == "object" && !value.is_object()) return "(an object)";
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name.get<std::string>())) return name.get<std::string>();
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, below] : properties.items()) {
    if (!value.contains(name)) continue;
    if (auto missing = Missing(spec, below, value[name])) return name + "." + *missing;
  }
  return std::nullopt;
}

TEST_F(UpsSandboxTest, RepliesHaveWhatUpsSpecificationRequires) {
  const Json shipping = UpsOpenApi("Shipping");
  const Json addresses = UpsOpenApi("AddressValidation");
  const Json rating = UpsOpenApi("Rating");
  ASSERT_TRUE(shipping.is_object() && addresses.is_object() && rating.is_object())
      << UpsOpenApiFolder();
  const auto missing = [](const Json& spec, const char* schema, const Json& value) {
    return Missing(spec, spec["components"]["schemas"][schema], value).value_or("");
  };
  ASSERT_EQ(Admin("POST", "/admin/addresses", Json::parse(R"([{"verdict": "ambiguous",
      "input": {"lines": ["1 Main St"], "city": "Albany", "state": "NY", "postal": "12207"},
      "candidates": [{"lines": ["1-99 E MAIN ST"], "city": "ALBANY", "state": "NY",
                      "postal": "12207", "postal_extended": "1001"}]}])"))
                .code,
            200);
  const Answer validated =
      Call("POST", "/api/addressvalidation/v2/3",
           Json::parse(R"({"XAVRequest": {"AddressKeyFormat": {"AddressLine": ["1 MAIN ST"],
             "PoliticalDivision2": "ALBANY", "PoliticalDivision1": "NY",
             "PostcodePrimaryLow": "12207", "CountryCode": "US"}}})"));
  EXPECT_EQ(missing(addresses, "XAVResponseWrapper", validated.body), "");
  Json rate;
  for (const Example& example : Examples()) {
    if (example.name == "rating_1") rate = example.body;
  }
  MakeOurs(rate, "");
  rate["RateRequest"]["Shipment"]["DeliveryTimeInformation"] = {{"PackageBillType", "03"}};
  const Answer rated = Call("POST", "/api/rating/v2409/Shoptimeintransit", rate);
  ASSERT_EQ(rated.code, 200) << rated.text;
  EXPECT_EQ(missing(rating, "RATEResponseWrapper", rated.body), "");
  const Answer shipped = Call("POST", kShipPath, DomesticShipment());
  EXPECT_EQ(missing(shipping, "SHIPResponseWrapper", shipped.body), "");
  const std::string id = ShipOne("01HREF");
  EXPECT_EQ(missing(shipping, "LABELRECOVERYResponseWrapper", RecoverReference("01HREF").body), "");
  EXPECT_EQ(missing(shipping, "VOIDSHIPMENTResponseWrapper",
                    Call("DELETE", "/api/shipments/v2409/void/cancel/" + id).body),
            "");
  EXPECT_EQ(missing(shipping, "ErrorResponse",
                    Call("DELETE", "/api/shipments/v2409/void/cancel/" + id).body),
            "");
}

}  // namespace
}  // namespace psups::ups_sandbox
