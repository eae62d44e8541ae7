// What UPS does that its documentation does not say: faults, wrong shapes, shipments that are seen
// late.

#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "absl/strings/match.h"
#include "tests/sandbox/ups/sandbox_fixture.h"

namespace psups::ups_sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class MisbehaviourTest : public UpsSandboxTest {
 protected:
  // The answer to one call that meets `rule` and no other.
  Answer Meeting(Json rule, const std::string& method, const std::string& path,
                 const Json& body = Json()) {
    rule["id"] = "f";
    rule["count"] = 1;
    AddFault(rule);
    Answer answer = Call(method, path, body);
    EXPECT_EQ(Admin("GET", "/admin/faults").body["faults"][0]["hits"], 1) << rule;
    return answer;
  }

  Answer ShipMeeting(Json rule) {
    rule["route"] = "ship";
    return Meeting(rule, "POST", kShipPath, DomesticShipment());
  }

  // The answer to a call with the headers as they came.
  HttpResponse Raw(const std::string& path) {
    if (bearer_.empty()) bearer_ = TextAt(Token().body, {"access_token"});
    HttpRequest request{.method = "GET", .url = "http://" + sandbox_->api_address() + path};
    request.headers = {
        {"Authorization", "Bearer " + bearer_}, {"transId", "t"}, {"transactionSrc", "test"}};
    request.total_timeout = kPatience;
    const HttpOutcome outcome = client_->Send(std::move(request));
    EXPECT_TRUE(outcome.response.ok()) << outcome.response.status();
    return outcome.response.ok() ? *outcome.response : HttpResponse{};
  }

  static const Json& Results(const Answer& answer) {
    return At(answer.body, {"ShipmentResponse", "ShipmentResults"});
  }
};

TEST_F(MisbehaviourTest, TooManyRequestsComesWithAndWithoutAHint) {
  const std::string path = "/api/track/v1/details/1ZF3R1N00300000000";
  AddFault({{"id", "bare"}, {"route", "track"}, {"kind", "status"}, {"status", 429}, {"count", 1}});
  HttpResponse response = Raw(path);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(FindHeader(response.headers, "Retry-After"), "");
  EXPECT_THAT(response.body, HasSubstr("\"10429\""));
  AddFault({{"id", "hint"},
            {"route", "track"},
            {"kind", "status"},
            {"status", 429},
            {"headers", {{"Retry-After", "7"}}},
            {"count", 1}});
  response = Raw(path);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(FindHeader(response.headers, "Retry-After"), "7");
}

TEST_F(MisbehaviourTest, AnErrorHeaderComesWithAnEmptyBody) {
  AddFault({{"id", "e"},
            {"route", "track"},
            {"kind", "status"},
            {"status", 200},
            {"body", ""},
            {"headers", {{"errorcode", "20001"}, {"content-type", "text/plain"}}}});
  const HttpResponse response = Raw("/api/track/v1/details/1ZF3R1N00300000000");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(FindHeader(response.headers, "errorcode"), "20001");
  EXPECT_EQ(FindHeader(response.headers, "Content-Type"), "text/plain");
}

TEST_F(MisbehaviourTest, AnyOfUpsCodesCanBeTheAnswer) {
  const Answer answer = ShipMeeting({{"kind", "status"}, {"status", 400}, {"code", "120802"}});
  EXPECT_EQ(answer.code, 400);
  EXPECT_EQ(answer.error(), "120802");
  EXPECT_THAT(Truth()["shipments"], SizeIs(0));
}

TEST_F(MisbehaviourTest, ConnectionIsClosedWithoutAByteBeforeOrAfterTheShipmentIsMade) {
  ASSERT_FALSE(ShipOne().empty());
  EXPECT_FALSE(ShipMeeting({{"kind", "close_before"}, {"reused", true}}).status.ok());
  EXPECT_THAT(Truth()["shipments"], SizeIs(1));
  ASSERT_FALSE(ShipOne().empty());
  EXPECT_FALSE(ShipMeeting({{"kind", "done_then_close"}, {"reused", true}}).status.ok());
  EXPECT_THAT(Truth()["shipments"], SizeIs(3));
}

TEST_F(MisbehaviourTest, ShipmentIsMadeAndTheAnswerHasAnotherStatus) {
  const Answer answer = ShipMeeting({{"kind", "done_as_status"}, {"status", 206}});
  EXPECT_EQ(answer.code, 206);
  EXPECT_THAT(TextAt(Results(answer), {"ShipmentIdentificationNumber"}), HasSubstr("1Z"));
  EXPECT_THAT(Truth()["shipments"], SizeIs(1));
}

TEST_F(MisbehaviourTest, OnePostMakesTwins) {
  const Answer answer = ShipMeeting({{"kind", "normal"}, {"twin", true}});
  const Json shipments = Truth()["shipments"];
  ASSERT_THAT(shipments, SizeIs(2));
  EXPECT_EQ(Results(answer)["ShipmentIdentificationNumber"], shipments[0]["shipment_id"]);
  EXPECT_NE(shipments[0]["shipment_id"], shipments[1]["shipment_id"]);
  EXPECT_EQ(shipments[0]["call_id"], shipments[1]["call_id"]);
}

TEST_F(MisbehaviourTest, TwinsOfALostAnswerAreCandidatesOfTheirReference) {
  AddFault({{"id", "t"}, {"route", "ship"}, {"kind", "done_then_reset"}, {"twin", true}});
  Json body = DomesticShipment();
  SetReference(body, "01HREF");
  EXPECT_FALSE(Call("POST", kShipPath, body).status.ok());
  const Answer found = RecoverReference("01HREF");
  EXPECT_THAT(At(found.body, {"LabelRecoveryResponse", "TrackingCandidate"}), SizeIs(2))
      << found.text;
}

TEST_F(MisbehaviourTest, NewShipmentIsUnknownToRecoveryAndTrackForATime) {
  ASSERT_EQ(
      Admin("POST", "/admin/visibility", {{"recovery_ms", 30'000}, {"track_ms", 90'000}}).code,
      200);
  const std::string id = ShipOne("01HREF");
  const auto recovered = [&] {
    return Call("POST", kRecoveryPath,
                {{"LabelRecoveryRequest", {{"Request", Json::object()}, {"TrackingNumber", id}}}});
  };
  const auto tracked = [&] {
    std::string missing;
    for (const std::string& path :
         {"details/" + id, "shipment/details/" + id, std::string("reference/details/01HREF")})
      missing += absl::StrContains(Call("GET", "/api/track/v1/" + path).text, "TW0001") ? "-" : "+";
    return missing;
  };
  EXPECT_EQ(RecoverReference("01HREF").error(), "300007");
  EXPECT_EQ(recovered().error(), "300007");
  EXPECT_EQ(tracked(), "---");
  advanced_seconds_ = 30;
  EXPECT_EQ(RecoverReference("01HREF").code, 200);
  EXPECT_EQ(recovered().code, 200);
  EXPECT_EQ(tracked(), "---");
  advanced_seconds_ = 90;
  EXPECT_EQ(tracked(), "+++");
  EXPECT_EQ(Admin("POST", "/admin/visibility", {{"recovery", 1}}).code, 400);
}

TEST_F(MisbehaviourTest, UnseenShipmentCanBeVoided) {
  ASSERT_EQ(
      Admin("POST", "/admin/visibility", {{"recovery_ms", 30'000}, {"track_ms", 30'000}}).code,
      200);
  EXPECT_EQ(Call("DELETE", "/api/shipments/v2409/void/cancel/" + ShipOne()).code, 200);
}

TEST_F(MisbehaviourTest, RecoveryMayNeverMatch) {
  ShipOne("01HREF");
  AddFault({{"id", "never"}, {"route", "recovery"}, {"kind", "not_found"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RecoverReference("01HREF").error(), "300007");
}

TEST_F(MisbehaviourTest, ListsAndObjectsChangePlaces) {
  Answer answer = ShipMeeting({{"kind", "singleton"}});
  EXPECT_TRUE(Results(answer)["PackageResults"].is_object());
  answer = ShipMeeting({{"kind", "lists"}});
  const Json& results = answer.body["ShipmentResponse"]["ShipmentResults"];
  ASSERT_TRUE(results.is_array()) << answer.text;
  EXPECT_TRUE(results[0]["ShipmentCharges"][0]["TotalCharges"].is_array());
  EXPECT_TRUE(results[0]["PackageResults"][0].is_object()) << "what is a list stays one";
  answer = ShipMeeting({{"kind", "lists"}, {"field", "BillingWeight"}});
  EXPECT_TRUE(Results(answer)["BillingWeight"].is_array());
  EXPECT_TRUE(Results(answer)["ShipmentCharges"].is_object());
  AddFault({{"id", "s"},
            {"route", "recovery"},
            {"kind", "singleton"},
            {"field", "LabelResults"},
            {"count", 1}});
  ShipOne("01HREF");
  EXPECT_TRUE(RecoverReference("01HREF").body["LabelRecoveryResponse"]["LabelResults"].is_object());
}

TEST_F(MisbehaviourTest, OlderVersionsWriteListsOfOneAsTheirElement) {
  Answer answer = Call("POST", "/api/shipments/v2205/ship", DomesticShipment());
  const Json results = Results(answer);
  EXPECT_TRUE(results["PackageResults"].is_object()) << answer.text;
  answer = Call("DELETE", "/api/shipments/v1/void/cancel/" +
                              TextAt(results, {"ShipmentIdentificationNumber"}));
  EXPECT_TRUE(answer.body["VoidShipmentResponse"]["PackageLevelResults"].is_object())
      << answer.text;
  ASSERT_EQ(Admin("POST", "/admin/addresses",
                  Json::array({{{"input",
                                 {{"lines", {"1 Main St"}},
                                  {"city", "Macon"},
                                  {"state", "GA"},
                                  {"postal", "31201"}}},
                                {"verdict", "valid"}}}))
                .code,
            200);
  answer = Call("POST", "/api/addressvalidation/v1/3",
                {{"XAVRequest",
                  {{"AddressKeyFormat",
                    {{"AddressLine", {"1 Main St"}},
                     {"PoliticalDivision2", "Macon"},
                     {"PoliticalDivision1", "GA"},
                     {"PostcodePrimaryLow", "31201"},
                     {"CountryCode", "US"}}}}}});
  EXPECT_EQ(answer.body["XAVResponse"]["Candidate"]["AddressKeyFormat"]["AddressLine"], "1 Main St")
      << answer.text;
}

TEST_F(MisbehaviourTest, UnheardOfMembersStandEverywhere) {
  Answer answer = ShipMeeting({{"kind", "extra_fields"}});
  EXPECT_TRUE(answer.body.contains("SandboxNews"));
  EXPECT_TRUE(Results(answer)["PackageResults"][0].contains("SandboxNews"));
  EXPECT_TRUE(Results(answer).contains("ShipmentIdentificationNumber"));
  answer = ShipMeeting({{"kind", "extra_fields"}, {"field", "FutureField"}});
  EXPECT_TRUE(Results(answer).contains("FutureField"));
}

TEST_F(MisbehaviourTest, LabelIsMissingOfAShipmentThatWasMade) {
  const Answer answer = ShipMeeting({{"kind", "drop"}, {"field", "ShippingLabel"}});
  EXPECT_EQ(answer.code, 200);
  EXPECT_THAT(answer.text, Not(HasSubstr("GraphicImage")));
  EXPECT_TRUE(Results(answer)["PackageResults"][0].contains("TrackingNumber"));
  EXPECT_THAT(Truth()["shipments"], SizeIs(1));
}

TEST_F(MisbehaviourTest, AnswerTakesInWhatTheRuleMerges) {
  const std::string alert =
      R"({"ShipmentResponse":{"Response":{"Alert":[{"Code":"120900","Description":"Not eligible"}]},
          "ShipmentResults":{"BillingWeight":null}}})";
  const Answer answer = ShipMeeting({{"kind", "merged"}, {"body", alert}});
  const Json& alerts = At(answer.body, {"ShipmentResponse", "Response", "Alert"});
  ASSERT_THAT(alerts, SizeIs(1)) << answer.text;
  EXPECT_EQ(alerts[0]["Code"], "120900");
  EXPECT_FALSE(Results(answer).contains("BillingWeight"));
  EXPECT_TRUE(Results(answer).contains("PackageResults"));
}

TEST_F(MisbehaviourTest, VoidIsAnsweredAsTheTestEnvironmentHas) {
  const std::string path = "/api/shipments/v2409/void/cancel/" + ShipOne();
  const Answer answer = Meeting({{"route", "void"}, {"kind", "polluted"}}, "DELETE", path);
  const Json& voided = answer.body["VoidShipmentResponse"];
  EXPECT_EQ(voided["SummaryResult"]["Status"]["Code"], "&#xD;1");
  const std::string other = "/api/shipments/v2409/void/cancel/" + ShipOne();
  const Answer singular = Meeting({{"route", "void"}, {"kind", "singular_key"}}, "DELETE", other);
  EXPECT_TRUE(singular.body["VoidShipmentResponse"].contains("PackageLevelResult"));
  EXPECT_FALSE(singular.body["VoidShipmentResponse"].contains("PackageLevelResults"));
}

TEST_F(MisbehaviourTest, SlowShipmentIsMadeAtOnceAndAnsweredLater) {
  AddFault({{"id", "s"}, {"route", "ship"}, {"kind", "slow"}, {"delay_ms", 90'000}});
  const Answer answer = Call("POST", kShipPath, DomesticShipment(), 300ms);
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Truth()["shipments"], SizeIs(1)) << "it was made at once";
}

TEST_F(MisbehaviourTest, RulesThatMakeNoSenseAreRefused) {
  for (const Json& rule :
       {Json{{"route", "ship"}, {"kind", "drop"}},
        Json{{"route", "ship"}, {"kind", "merged"}, {"body", "[]"}},
        Json{{"route", "track"}, {"kind", "normal"}, {"twin", true}},
        Json{{"route", "ship"}, {"kind", "polluted"}},
        Json{{"route", "ship"}, {"kind", "status"}, {"headers", {{"Retry-After", 7}}}}}) {
    Json named = rule;
    named["id"] = "x";
    EXPECT_EQ(Admin("POST", "/admin/faults", {{"add", Json::array({named})}}).code, 400) << rule;
  }
}

}  // namespace
}  // namespace psups::ups_sandbox
