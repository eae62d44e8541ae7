#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/testing/status_matchers.h"
#include "services/ups-gateway/account/account.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/purchase/doubt.h"
#include "services/ups-gateway/token/token_rules.h"
#include "services/ups-gateway/wire/error_catalogue.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace pb = ::psups::ups::v1;

type::v1::Address Place(const std::string& state, const std::string& zip) {
  type::v1::Address address;
  address.set_name("Harbor Works");
  address.add_lines("900 Pier Ave");
  address.set_city("Long Beach");
  address.set_state(state);
  address.set_postal_code(zip);
  address.set_country_code("US");
  return address;
}

pb::ShipmentSpec GoodShipment() {
  pb::ShipmentSpec shipment;
  *shipment.mutable_ship_from() = Place("GA", "31201");
  *shipment.mutable_ship_to() = Place("CA", "90802-1234");
  shipment.set_service_code("03");
  pb::PackageSpec& package = *shipment.add_packages();
  package.set_weight_lb("12.5");
  package.set_length_in(12);
  package.set_width_in(10);
  package.set_height_in(4);
  shipment.set_derived_reference("k3mq");
  return shipment;
}

const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2026, 11, 23, 15, 0, 0), absl::UTCTimeZone());

TEST(AccountTest, DefaultsAreFilledInAndOutputFieldsCleared) {
  pb::Account asked;
  asked.set_environment(pb::Account::CIE);
  asked.set_client_id("app");
  asked.set_shipper_number("a1b2c3");
  *asked.mutable_shipper() = Place("GA", "31201");
  asked.set_credential_refused(true);
  asked.set_last_error("x");
  ASSERT_OK_AND_ASSIGN(const pb::Account account, CheckNewAccount("demo", asked));
  EXPECT_EQ(account.name(), "accounts/demo");
  EXPECT_EQ(account.base_url(), "https://wwwcie.ups.com");
  EXPECT_EQ(HostOf(account), "https://wwwcie.ups.com:443");
  EXPECT_EQ(account.token_limit_per_day(), 250);
  EXPECT_EQ(account.token_min_interval().seconds(), 60);
  EXPECT_EQ(account.shipper_number(), "A1B2C3");
  EXPECT_EQ(account.api_versions().at("ship"), "v2409");
  EXPECT_FALSE(account.credential_refused());
  EXPECT_THAT(account.last_error(), IsEmpty());

  const auto refused = [&](const char* id, const std::function<void(pb::Account&)>& change) {
    pb::Account changed = asked;
    change(changed);
    return CheckNewAccount(id, changed).status();
  };
  const auto code = HasCode(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused("Demo", [](pb::Account&) {}), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.clear_environment(); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_base_url("http://ups.example"); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_base_url("https://ups.example/api"); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_base_url("https://u:p@ups.example"); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_shipper_number("A1B2C"); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_client_id(""); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_ca_bundle_pem("x"); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_token_limit_per_day(-1); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.set_ship_timeout_seconds(4); }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { (*a.mutable_api_versions())["ship"] = "../v"; }), code);
  EXPECT_THAT(refused("demo", [](auto& a) { a.mutable_shipper()->clear_name(); }), code);
}

TEST(ErrorCatalogueTest, EverySentenceIsShortHasNoCodeAndSaysWhatToDo) {
  for (const std::string_view sentence : AllSentences()) {
    const std::string text(sentence);
    const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
    EXPECT_LE(words.size(), 25u) << text;
    EXPECT_EQ(text.find_first_of("0123456789"), text.npos) << text;
    EXPECT_TRUE(text.ends_with(".")) << text;
    // The second sentence is the action: at least two of them.
    EXPECT_GE(std::count(text.begin(), text.end(), '.'), 2) << text;
  }
}

TEST(ErrorCatalogueTest, MapsCodesAndFallsBackByStatus) {
  using A = Action;
  using O = Operation;
  struct Row {
    Operation operation;
    const char* code;
    int status;
    Action action;
  };
  const Row rows[] = {
      {O::kShip, "120802", 400, A::kReview},
      {O::kShip, "120001", 503, A::kReconcile},
      {O::kShip, "120021", 400, A::kReconcile},
      {O::kShip, "20001", 500, A::kReconcile},
      {O::kShip, "", 502, A::kReconcile},
      {O::kShip, "999999", 400, A::kReview},
      {O::kShip, "10429", 429, A::kBackOff},
      {O::kShip, "250002", 401, A::kRenewToken},
      {O::kShip, "", 403, A::kConfigure},
      {O::kShip, "120541", 400, A::kReview},
      {O::kVoid, "190117", 400, A::kDone},
      {O::kVoid, "190101", 400, A::kReview},
      {O::kVoid, "190001", 400, A::kBackOff},
      {O::kVoid, "", 500, A::kBackOff},
      {O::kRecovery, "300007", 400, A::kNotFound},
      {O::kRecovery, "300035", 400, A::kSeveral},
      {O::kRecovery, "300033", 400, A::kVoided},
      {O::kTrack, "TW0001", 404, A::kNotFound},
      {O::kTrack, "TV1002", 400, A::kReview},
      {O::kAddress, "9264028", 400, A::kConfigure},
      {O::kSubscribe, "VSS210", 400, A::kReview},
      {O::kSubscribe, "VSS300", 400, A::kConfigure},
      {O::kSubscribe, "VSS100", 500, A::kBackOff},
      {O::kSubscribe, "", 429, A::kBackOff},
      {O::kAddress, "251004", 401, A::kRenewToken},
      {O::kToken, "10401", 401, A::kConfigure},
      {O::kToken, "250002", 401, A::kRenewToken},
      {O::kTrack, "", 503, A::kBackOff},
      // A ship code means nothing to another API.
      {O::kAddress, "120802", 400, A::kReview},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Look(row.operation, row.code, row.status).action, row.action)
        << NameOf(row.operation) << " " << row.code << " " << row.status;
  }
  EXPECT_NE(Look(O::kShip, "120202", 400).sentence, Look(O::kShip, "120102", 400).sentence);
}

TEST(ErrorCatalogueTest, ReadsEveryShapeOfError) {
  const auto code = [](const std::string& body, int status = 400) {
    return CodeOf({.status = status, .body = body});
  };
  EXPECT_EQ(code(R"({"response":{"errors":[{"code":"120802","message":"m"}]}})"), "120802");
  EXPECT_EQ(code(R"({"response":{"errors":{"code":"120802","message":"m"}}})"), "120802");
  EXPECT_EQ(code(R"({"errors":[{"code":"10002","message":"m"}]})"), "10002");
  EXPECT_EQ(code(R"({"invalidTrackingNumbers":["x"],"response":{"errors":[{"code":"VSS210"}]}})"),
            "VSS210");
  EXPECT_EQ(code(R"({"trackResponse":{"shipment":[{"inquiryNumber":"1Z","warnings":
            [{"code":"TW0001","message":"Tracking Information Not Found"}]}]}})",
                 200),
            "TW0001");
  EXPECT_EQ(code(R"({"QuantumViewResponse":{"Response":{"ResponseStatusCode":"0","Error":
            {"ErrorSeverity":"Hard","ErrorCode":"330028"}}}})",
                 200),
            "330028");
  EXPECT_EQ(code(R"({"Fault":{"detail":{"Errors":{"ErrorDetail":{"PrimaryErrorCode":
            {"Code":"250003"}}}}}})",
                 500),
            "250003");
  EXPECT_EQ(code("<html>Bad gateway</html>", 502), "");
  EXPECT_EQ(code(R"({"response":""})"), "");
  EXPECT_EQ(code(R"({"response":{"errors":[{"code":"<script>"}]}})"), "");
  EXPECT_EQ(CodeOf({.status = 401, .headers = {{"apierrorcode", "250002"}}}), "250002");
  EXPECT_EQ(code(R"({"response":{"errors":[{"code":120802}]}})"), "120802");
}

TEST(ErrorCatalogueTest, StatusSaysWhatToDoAndRepeatsNothingOfUpss) {
  const absl::Status status = StatusFromUps(
      Operation::kVoid,
      {.status = 400,
       .body = R"({"response":{"errors":[{"code":"190103","message":"12 Fern St, Ann Lee"}]}})"});
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("intercept"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("190103"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("Fern")));
  EXPECT_THAT(StatusFromUps(Operation::kTrack, {.status = 429}),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(StatusFromUps(Operation::kTrack, {.status = 503}),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(StatusFromUps(Operation::kTrack, {.status = 401}),
              HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(StatusFromUps(Operation::kTrack, {.status = 403}),
              HasCode(absl::StatusCode::kPermissionDenied));
}

// --- purchases

HttpOutcome Reply(int status, const std::string& body) {
  return {.response = HttpResponse{.status = status, .body = body}, .body_started = true};
}
std::string Error(const char* code) {
  return absl::StrCat(R"({"response":{"errors":[{"code":")", code, R"(","message":"m"}]}})");
}
constexpr char kShipReply[] = R"({"ShipmentResponse":{"Response":{"ResponseStatus":{"Code":"1"}},
  "ShipmentResults":{"ShipmentIdentificationNumber":"1Z1","PackageResults":[{"TrackingNumber":"1Z1",
  "ShippingLabel":{"ImageFormat":{"Code":"ZPL"},"GraphicImage":"XlhB"}}]}}})";

TEST(JudgeShipTest, NothingSentIsNotMade) {
  HttpOutcome outcome{.response = absl::UnavailableError("connect"), .body_started = false};
  EXPECT_EQ(JudgeShip(outcome, GoodShipment()).state, pb::Call::NOT_MADE);
  outcome = {.response = HttpResponse{.status = 503}, .body_started = false};
  EXPECT_EQ(JudgeShip(outcome, GoodShipment()).state, pb::Call::NOT_MADE);
}

TEST(JudgeShipTest, SilenceAfterTheBodyBeganIsDoubt) {
  for (const absl::Status& status :
       {absl::DeadlineExceededError("timeout"), absl::UnavailableError("52"),
        absl::UnavailableError("65"), absl::ResourceExhaustedError("too large"),
        absl::CancelledError("closed")}) {
    EXPECT_EQ(JudgeShip({.response = status, .body_started = true}, GoodShipment()).state,
              pb::Call::IN_DOUBT)
        << status;
  }
}

TEST(JudgeShipTest, RepliesAreDoneRefusedOrDoubted) {
  const pb::ShipmentSpec shipment = GoodShipment();
  const ShipJudgement done = JudgeShip(Reply(200, kShipReply), shipment);
  EXPECT_EQ(done.state, pb::Call::DONE);
  EXPECT_EQ(done.result.packages(0).label(), "^XA");

  // Readable, but not what was asked for; or not readable: UPS has made something.
  pb::ShipmentSpec two = shipment;
  *two.add_packages() = two.packages(0);
  EXPECT_EQ(JudgeShip(Reply(200, kShipReply), two).state, pb::Call::IN_DOUBT);
  EXPECT_EQ(JudgeShip(Reply(200, std::string(kShipReply).substr(0, 150)), shipment).state,
            pb::Call::IN_DOUBT);
  EXPECT_EQ(JudgeShip(Reply(200, ""), shipment).state, pb::Call::IN_DOUBT);
  EXPECT_EQ(JudgeShip(Reply(302, ""), shipment).state, pb::Call::IN_DOUBT);
  for (const int status : {500, 502, 503, 504, 408}) {
    EXPECT_EQ(JudgeShip(Reply(status, "<html>"), shipment).state, pb::Call::IN_DOUBT) << status;
  }
  EXPECT_EQ(JudgeShip(Reply(500, Error("20001")), shipment).state, pb::Call::IN_DOUBT);
  EXPECT_EQ(JudgeShip(Reply(400, Error("120021")), shipment).state, pb::Call::IN_DOUBT);
  // "Later" is no refusal unless the rate limit says it.
  EXPECT_EQ(JudgeShip(Reply(400, Error("20001")), shipment).state, pb::Call::IN_DOUBT);

  const ShipJudgement review = JudgeShip(Reply(400, Error("120802")), shipment);
  EXPECT_EQ(review.state, pb::Call::REJECTED);
  EXPECT_EQ(review.error.ups_code(), "120802");
  EXPECT_FALSE(review.error.retryable());
  EXPECT_THAT(review.error.clerk_message(), HasSubstr("ship-to address"));
  for (const int status : {401, 403, 429}) {
    const ShipJudgement judgement = JudgeShip(Reply(status, ""), shipment);
    EXPECT_EQ(judgement.state, pb::Call::REJECTED) << status;
    EXPECT_TRUE(judgement.error.retryable()) << status;
    EXPECT_EQ(judgement.token_refused, status == 401) << status;
  }
}

TEST(CallIdTest, IsThirtyTwoHexDigitsAndAscendsWithTime) {
  const std::string id = NewCallId(kNow);
  EXPECT_EQ(id.size(), 32u);
  EXPECT_NE(id, NewCallId(kNow));
  EXPECT_LT(id, NewCallId(kNow + absl::Milliseconds(1)));
  EXPECT_LE(FirstCallIdOf(kNow), id);
  EXPECT_EQ(SubjectOf("shipments/x/purchases/2"), "shipments/x");
}

// --- doubts

class DoubtTest : public ::testing::Test {
 protected:
  DoubtTest() {
    doubt_.package_count = 1;
    doubt_.age = absl::Minutes(10);
    evidence_.label = Evidence::Label::kNotFound;
    evidence_.track = Evidence::Track::kNotFound;
  }
  Finding Settled() { return Settle(doubt_, evidence_, settings_); }
  Doubt doubt_;
  Evidence evidence_;
  DoubtSettings settings_;
};

TEST_F(DoubtTest, AFoundLabelEndsIt) {
  evidence_.label = Evidence::Label::kFound;
  evidence_.result.add_packages();
  EXPECT_EQ(Settled().state, pb::Call::DONE);
  evidence_.result.add_packages();
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  EXPECT_TRUE(Settled().needs_person);
}

TEST_F(DoubtTest, SilenceIsNeverNotMadeByDefault) {
  for (const absl::Duration age : {absl::Minutes(1), absl::Hours(3), absl::Hours(100)}) {
    doubt_.age = age;
    doubt_.negative_count = 50;
    evidence_.control = Evidence::Control::kFound;
    const Finding finding = Settled();
    EXPECT_EQ(finding.state, pb::Call::IN_DOUBT);
    EXPECT_EQ(finding.needs_person, age >= settings_.window);
    EXPECT_THAT(finding.doubt, Not(IsEmpty()));
  }
}

TEST_F(DoubtTest, BuyingAgainNeedsTheWindowAnEarlierNoAndTheControl) {
  settings_.rebuy_window = absl::Minutes(5);
  doubt_.negative_count = 1;
  evidence_.control = Evidence::Control::kFound;
  EXPECT_TRUE(WantsControl(doubt_, evidence_, settings_));
  EXPECT_EQ(Settled().state, pb::Call::NOT_MADE);

  evidence_.control = Evidence::Control::kNotFound;
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  evidence_.control = Evidence::Control::kNone;
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  evidence_.control = Evidence::Control::kUnknown;
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  evidence_.control = Evidence::Control::kFound;
  doubt_.negative_count = 0;  // never asked before
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  doubt_.negative_count = 1;
  doubt_.age = absl::Minutes(4);
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  doubt_.age = absl::Minutes(10);
  evidence_.track = Evidence::Track::kUnknown;  // one channel could not be asked
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  evidence_.track = Evidence::Track::kNotFound;
  doubt_.known_number = "1Z1";  // Track knew it once
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
}

TEST_F(DoubtTest, AnOutageBothersNobody) {
  evidence_.label = Evidence::Label::kUnknown;
  evidence_.track = Evidence::Track::kUnknown;
  evidence_.obstacle = "UPS cannot do this now";
  doubt_.age = absl::Hours(50);
  EXPECT_FALSE(Settled().needs_person);
  EXPECT_FALSE(Settled().negative);
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  doubt_.age = settings_.watch;  // unless it does not end
  EXPECT_TRUE(Settled().needs_person);
}

TEST_F(DoubtTest, AChannelThatRefusesForGoodIsForAPersonOnceTheWindowIsOver) {
  settings_.rebuy_window = absl::Minutes(5);
  doubt_.negative_count = 5;
  evidence_.label = Evidence::Label::kUnknown;
  evidence_.obstacle = "UPS does not give the label again.";
  evidence_.refused = true;
  evidence_.control = Evidence::Control::kFound;
  EXPECT_FALSE(Settled().needs_person);
  doubt_.age = absl::Hours(3);
  EXPECT_TRUE(Settled().needs_person);
  EXPECT_THAT(Settled().doubt, HasSubstr("ups.com"));
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);  // no channel said no
}

TEST_F(DoubtTest, SeveralOrVoidedOnesAreForAPerson) {
  for (const auto label : {Evidence::Label::kSeveral, Evidence::Label::kVoided}) {
    evidence_.label = label;
    EXPECT_TRUE(Settled().needs_person);
    EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  }
}

TEST_F(DoubtTest, TrackedButWithoutLabelIsAskedOn) {
  evidence_.track = Evidence::Track::kFound;
  evidence_.number = "1Z1";
  EXPECT_EQ(Settled().state, pb::Call::IN_DOUBT);
  EXPECT_FALSE(Settled().needs_person);
  EXPECT_EQ(Settled().known_number, "1Z1");
  doubt_.age = absl::Hours(3);
  EXPECT_TRUE(Settled().needs_person);
  EXPECT_THAT(Settled().doubt, HasSubstr("1Z1"));
}

TEST_F(DoubtTest, WaitsGrowMeetTheWindowsEndAndOnlyWhatIsDecidedIsLetGo) {
  doubt_.age = absl::Seconds(30);
  EXPECT_EQ(Settled().next_wait, absl::Seconds(30));
  doubt_.round_count = 1;
  EXPECT_EQ(Settled().next_wait, absl::Minutes(2));
  doubt_.round_count = 30;
  EXPECT_EQ(Settled().next_wait, absl::Minutes(15));
  doubt_.age = absl::Hours(2) - absl::Minutes(1);
  EXPECT_LT(Settled().next_wait, absl::Minutes(1) + absl::Seconds(1));
  doubt_.age = settings_.watch;
  EXPECT_EQ(Settled().next_wait, absl::Hours(24));
  doubt_.not_made = true;
  EXPECT_EQ(Settled().next_wait, absl::InfiniteDuration());
}

TEST_F(DoubtTest, ALateTwinOfWhatCountsAsNotMadeIsNamed) {
  doubt_.not_made = true;
  EXPECT_EQ(Settled().state, pb::Call::NOT_MADE);
  EXPECT_THAT(Settled().twin, IsEmpty());
  evidence_.label = Evidence::Label::kFound;
  evidence_.result.set_ups_shipment_id("1Z9");
  EXPECT_EQ(Settled().state, pb::Call::NOT_MADE);
  EXPECT_EQ(Settled().twin, "1Z9");
}

TEST_F(DoubtTest, SeveralLateTwinsAreToldToAPersonForNoneCanBeChosen) {
  doubt_.not_made = true;
  evidence_.label = Evidence::Label::kSeveral;
  EXPECT_THAT(Settled().twin, IsEmpty());
  EXPECT_THAT(Settled().doubt, HasSubstr("void them"));
  evidence_.number = "1Z9";  // tracking tells one
  EXPECT_EQ(Settled().twin, "1Z9");
}

// --- tokens

TEST(TokenRulesTest, RenewalIsEarlyAndInProportion) {
  EXPECT_LE(RenewalLead(absl::Seconds(3599), 0), absl::Seconds(270));
  EXPECT_GE(RenewalLead(absl::Seconds(3599), 0.999), absl::Seconds(215));
  EXPECT_NEAR(absl::ToDoubleSeconds(RenewalLead(absl::Seconds(14399), 0)), 1080, 1);
  // 26 requests of one-hour tokens make a day.
  EXPECT_LT(86400 / (3599 - 270), 26);
  EXPECT_LT(SafetyMargin(absl::Seconds(5)), absl::Seconds(1));
  // However short it lives, a token is renewed before it is no longer used.
  for (const int seconds : {1, 5, 60, 600, 3599, 14399}) {
    const absl::Duration lifetime = absl::Seconds(seconds);
    EXPECT_GT(RenewalLead(lifetime, 0.999), SafetyMargin(lifetime)) << seconds;
  }
  EXPECT_EQ(SafetyMargin(absl::Seconds(14399)), absl::Seconds(10));
}

class TokenDecisionTest : public ::testing::Test {
 protected:
  using Kind = TokenDecision::Kind;
  TokenDecisionTest() {
    facts_.limit = 250;
    facts_.min_interval = absl::Seconds(60);
    facts_.problem = "p";
  }
  void HaveToken(absl::Duration left = absl::Hours(1)) {
    facts_.token_version = "v1";
    facts_.token_left = left;
    facts_.token_lifetime = absl::Seconds(3599);
    facts_.used = 1;
    facts_.since_request = absl::Hours(1);
  }
  TokenDecision Decided() { return Decide(facts_, wish_); }
  TreasuryFacts facts_;
  TokenWish wish_;
};

TEST_F(TokenDecisionTest, TheFirstIsFetchedAndThenUsedByAll) {
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  HaveToken();
  EXPECT_EQ(Decided().kind, Kind::kUse);
  facts_.token_left = absl::Seconds(5);
  EXPECT_EQ(Decided().kind, Kind::kFetch);
}

TEST_F(TokenDecisionTest, EarlyRenewalFetchesButNeverTakesAGoodTokenAway) {
  HaveToken(absl::Minutes(3));
  wish_.unwanted_version = "v1";
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.lease_left = absl::Seconds(3);
  EXPECT_EQ(Decided().kind, Kind::kUse);
  facts_.lease_left = absl::ZeroDuration();
  facts_.used = 250;
  EXPECT_EQ(Decided().kind, Kind::kUse);
  facts_.used = 1;
  facts_.closed_left = absl::Minutes(30);
  EXPECT_EQ(Decided().kind, Kind::kUse);
  facts_.token_version = "v2";  // another process renewed it
  EXPECT_EQ(Decided().kind, Kind::kUse);
}

TEST_F(TokenDecisionTest, OneAtATimeAndNotTooOften) {
  facts_.lease_left = absl::Seconds(20);
  EXPECT_EQ(Decided().kind, Kind::kWait);
  EXPECT_LE(Decided().wait, absl::Seconds(1));
  facts_.lease_left = absl::ZeroDuration();
  facts_.used = 1;
  facts_.since_request = absl::Seconds(10);
  EXPECT_EQ(Decided().kind, Kind::kWait);
  EXPECT_EQ(Decided().wait, absl::Seconds(50));
}

TEST_F(TokenDecisionTest, TheLimitHoldsAndItsLastTenthIsForMoney) {
  facts_.since_request = absl::Hours(1);
  facts_.used = 224;
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.used = 225;
  EXPECT_EQ(Decided().kind, Kind::kRefuse);
  EXPECT_THAT(Decided().refusal, HasCode(absl::StatusCode::kResourceExhausted));
  wish_.money = true;
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.used = 250;
  EXPECT_EQ(Decided().kind, Kind::kRefuse);
  facts_.limit = 5;
  facts_.used = 4;
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.used = 5;
  EXPECT_EQ(Decided().kind, Kind::kRefuse);
}

TEST_F(TokenDecisionTest, ARefusedTokenIsRenewedOnceInSixMinutesAndForHalfTheDay) {
  HaveToken();
  wish_ = {.unwanted_version = "v1", .refused = true};
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.since_forced = absl::Minutes(2);
  EXPECT_EQ(Decided().kind, Kind::kUse);
  EXPECT_EQ(Decided().pause, absl::Minutes(4));
  facts_.since_forced = absl::Minutes(7);
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.used = 125;
  EXPECT_EQ(Decided().kind, Kind::kUse);
  EXPECT_GT(Decided().pause, absl::ZeroDuration());
  // Expired on top of it: that is no forced renewal any more.
  facts_.token_left = absl::ZeroDuration();
  EXPECT_EQ(Decided().kind, Kind::kFetch);
}

TEST_F(TokenDecisionTest, ARefusedTokenWhoseRenewalIsUnderWayOrWasLostPausesNoOperation) {
  HaveToken(absl::Minutes(30));
  wish_ = {.unwanted_version = "v1", .refused = true};
  facts_.since_forced = facts_.since_request = absl::Seconds(1);
  facts_.lease_left = absl::Seconds(30);  // another process is renewing it
  EXPECT_EQ(Decided().kind, Kind::kWait);
  EXPECT_EQ(Decided().pause, absl::ZeroDuration());
  facts_.lease_left = absl::ZeroDuration();
  facts_.retry_left = absl::Seconds(4);  // and got no answer
  EXPECT_EQ(Decided().kind, Kind::kRefuse);
  EXPECT_THAT(Decided().refusal, HasCode(absl::StatusCode::kUnavailable));
  facts_.retry_left = absl::ZeroDuration();
  facts_.since_forced = facts_.since_request = absl::Seconds(61);
  EXPECT_EQ(Decided().kind, Kind::kFetch);
}

TEST_F(TokenDecisionTest, ARefusedCredentialAndAClosedTreasuryAskNobody) {
  facts_.credential_refused = true;
  facts_.retry_left = absl::Minutes(59);
  EXPECT_EQ(Decided().kind, Kind::kRefuse);
  EXPECT_THAT(Decided().refusal, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(std::string(Decided().refusal.message()), HasSubstr("Next attempt in 59m"));
  facts_.retry_left = -absl::Seconds(1);  // the hour is over: it may have been put right
  EXPECT_EQ(Decided().kind, Kind::kFetch);
  facts_.credential_refused = false;
  facts_.closed_left = absl::Minutes(59);
  EXPECT_EQ(Decided().kind, Kind::kRefuse);
  EXPECT_THAT(Decided().refusal, HasCode(absl::StatusCode::kResourceExhausted));
  facts_.closed_left = absl::ZeroDuration();
  facts_.retry_left = absl::Seconds(20);
  EXPECT_THAT(Decided().refusal, HasCode(absl::StatusCode::kUnavailable));
}

TEST(TokenFailureTest, ARefusalStandsWhateverComesAfterItAndIsAskedOnceAnHour) {
  const TokenJudgement refused{.end = TokenEnd::kRefused, .problem = "refused"};
  const TokenJudgement lost{.end = TokenEnd::kLost, .problem = "lost"};
  const TokenJudgement unsent{.end = TokenEnd::kNotSent, .problem = "no network"};
  TokenFailure failure = AfterFailure(refused, 1, false, "");
  EXPECT_TRUE(failure.credential_refused);
  EXPECT_EQ(failure.wait, absl::Hours(1));
  EXPECT_EQ(failure.problem, "refused");
  failure = AfterFailure(lost, 2, true, "refused");
  EXPECT_TRUE(failure.credential_refused);
  EXPECT_EQ(failure.wait, absl::Hours(1));
  EXPECT_EQ(failure.problem, "refused");
  failure = AfterFailure(unsent, 2, true, "refused");  // cost nothing
  EXPECT_TRUE(failure.credential_refused);
  EXPECT_LT(failure.wait, absl::Minutes(1));
  failure = AfterFailure(lost, 1, false, "");
  EXPECT_FALSE(failure.credential_refused);
  EXPECT_EQ(failure.wait, absl::Seconds(5));
  EXPECT_EQ(failure.problem, "lost");
}

TEST(TokenForecastTest, ItCountsWhatComesAndWhatFallsOut) {
  using absl::Hours;
  using absl::Minutes;
  const auto ages = [](int number, absl::Duration age) {
    return std::vector<absl::Duration>(number, age);
  };
  // Ten left, ten an hour.
  EXPECT_EQ(TimeToExhaustion(ages(240, Hours(1)), 10, 250), Hours(1));
  // Two an hour for ever are 48 a day.
  EXPECT_EQ(TimeToExhaustion(ages(2, Minutes(30)), 2, 250), absl::InfiniteDuration());
  EXPECT_EQ(TimeToExhaustion({}, 0, 250), absl::InfiniteDuration());
  // Nothing left.
  EXPECT_EQ(TimeToExhaustion(ages(250, Hours(1)), 0, 250), absl::ZeroDuration());
  // Ten left at ten an hour, but all the others fall out in half an hour.
  EXPECT_EQ(TimeToExhaustion(ages(240, Hours(24) + kCountedBefore - Minutes(30)), 10, 250),
            absl::InfiniteDuration());
  // Twelve an hour are more than a day's 250, though nothing was used before.
  EXPECT_EQ(TimeToExhaustion({}, 12, 250), Hours(1) / 12 * 250);
}

TEST(JudgeTokenTest, RepliesAreJudged) {
  const auto judged = [](int status, const std::string& body) {
    return JudgeToken(
        {.response = HttpResponse{.status = status, .body = body}, .body_started = true});
  };
  TokenJudgement granted =
      judged(200, R"({"access_token":"t","expires_in":"14399","issued_at":"1706710921672"})");
  EXPECT_EQ(granted.end, TokenEnd::kGranted);
  EXPECT_EQ(granted.token, "t");
  EXPECT_EQ(granted.lifetime, absl::Seconds(14399));
  EXPECT_EQ(judged(200, R"({"access_token":"t","expires_in":3599})").lifetime, absl::Seconds(3599));
  EXPECT_EQ(judged(200, R"({"access_token":"t","expires_in":"5"})").lifetime, absl::Seconds(5));
  for (const char* body :
       {R"({"access_token":"t"})", R"({"access_token":"t","expires_in":"soon"})",
        R"({"access_token":"t","expires_in":"-5"})", R"({"access_token":"t","expires_in":"0"})",
        R"({"access_token":"t","expires_in":null})",
        R"({"access_token":"t","expires_in":"999999999999999"})"}) {
    EXPECT_EQ(judged(200, body).end, TokenEnd::kGranted) << body;
    EXPECT_EQ(judged(200, body).lifetime, kShortLifetime) << body;
  }
  EXPECT_EQ(judged(200, "{}").end, TokenEnd::kLost);
  EXPECT_EQ(judged(200, "<html>").end, TokenEnd::kLost);
  EXPECT_EQ(judged(401, Error("10401")).end, TokenEnd::kRefused);
  EXPECT_THAT(judged(401, Error("10401")).problem, HasSubstr("account rotate"));
  EXPECT_EQ(judged(401, Error("250002")).end, TokenEnd::kLost);
  EXPECT_EQ(judged(429, Error("10429")).end, TokenEnd::kQuota);
  EXPECT_EQ(judged(503, "").end, TokenEnd::kLost);
  EXPECT_EQ(JudgeToken({.response = absl::UnavailableError("dns"), .body_started = false}).end,
            TokenEnd::kNotSent);
  EXPECT_EQ(JudgeToken({.response = absl::DeadlineExceededError("t"), .body_started = true}).end,
            TokenEnd::kLost);
  // However long UPS is away, the budget outlasts it.
  absl::Duration day = absl::ZeroDuration();
  int requests = 0;
  for (int failures = 1; day < absl::Hours(24); ++failures) {
    day += std::max(RetryWait(TokenEnd::kLost, failures), absl::Seconds(60));
    ++requests;
  }
  EXPECT_LT(requests, 125);
}

}  // namespace
}  // namespace psups::ups_gateway
