#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "absl/strings/ascii.h"
#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

using Recovered = pb::RecoverLabelResponse;

// The gateway's operations against the sandbox and a real database.
class UpsOperationsTest : public SandboxFixture {
 protected:
  void SetUp() override {
    StartSandbox();
    Start();
    CreateAccount([](pb::Account& account) {
      account.mutable_shipper()->set_attention_name("Shipping");
      account.mutable_shipper()->set_phone("478-555-0100");
    });
  }

  std::set<std::string> VoidedAtUps() {
    std::set<std::string> numbers;
    const nlohmann::json truth = Truth();
    for (const auto& shipment : truth["shipments"]) {
      for (const auto& package : shipment["packages"]) {
        if (package["voided"] == true) numbers.insert(package["tracking_number"]);
      }
    }
    return numbers;
  }

  // That the last of `action`'s entries names exactly these calls, and that all are kept.
  void ExpectRecorded(const std::string& action, const std::vector<nlohmann::json>& journal) {
    std::vector<std::string> asked;
    for (const auto& entry : journal) asked.push_back(entry["call_id"]);
    const auto entries = Entries(action);
    ASSERT_THAT(entries, Not(IsEmpty()));
    std::vector<std::string> recorded;
    for (const auto& call : entries.back()["detail"]["calls"]) recorded.push_back(call["call_id"]);
    EXPECT_THAT(recorded, ElementsAreArray(asked));
    auto rows = schema_.db().Exec(
        "SELECT count(*) AS n FROM exchanges WHERE call_id = ANY($1::text[])", {asked});
    ASSERT_OK(rows);
    EXPECT_EQ((*rows)[0].Int("n"), static_cast<int64_t>(asked.size()));
  }

  absl::StatusOr<pb::VoidShipmentResponse> Void(const std::string& id, const pb::Call& call,
                                                const std::vector<std::string>& numbers) {
    pb::VoidShipmentRequest request;
    request.set_request_id("shipments/s1/voids/" + id);
    request.set_account("accounts/demo");
    request.set_ups_shipment_id(call.result().ups_shipment_id());
    for (const std::string& number : numbers) request.add_tracking_numbers(number);
    return gateway_->Call(&UpsOperations::VoidShipment, request);
  }

  absl::StatusOr<pb::RecoverLabelResponse> RecoverByReference(const std::string& reference) {
    pb::RecoverLabelRequest request;
    request.set_account("accounts/demo");
    request.set_reference(reference);
    return gateway_->Call(&UpsOperations::RecoverLabel, request);
  }

  absl::StatusOr<pb::RecoverLabelResponse> RecoverByNumber(const std::string& number) {
    pb::RecoverLabelRequest request;
    request.set_account("accounts/demo");
    request.set_tracking_number(number);
    return gateway_->Call(&UpsOperations::RecoverLabel, request);
  }

  absl::StatusOr<pb::FindShipmentByReferenceResponse> Find(const std::string& reference) {
    pb::FindShipmentByReferenceRequest request;
    request.set_account("accounts/demo");
    request.set_reference(reference);
    return gateway_->Call(&UpsOperations::FindShipment, request);
  }

  absl::StatusOr<pb::TrackPackageResponse> Track(const std::string& number, bool whole) {
    pb::TrackPackageRequest request;
    request.set_account("accounts/demo");
    request.set_tracking_number(number);
    request.set_whole_shipment(whole);
    return gateway_->Call(&UpsOperations::TrackPackage, request);
  }

  absl::StatusOr<pb::TrackByReferenceResponse> TrackReference(const std::string& reference,
                                                              const std::string& from = "",
                                                              const std::string& to = "") {
    pb::TrackByReferenceRequest request;
    request.set_account("accounts/demo");
    request.set_reference(reference);
    request.set_from_date(from);
    request.set_to_date(to);
    return gateway_->Call(&UpsOperations::TrackByReference, request);
  }

  static std::vector<std::string> NumbersOf(const pb::Call::Result& result) {
    std::vector<std::string> numbers;
    for (const auto& package : result.packages()) numbers.push_back(package.tracking_number());
    return numbers;
  }
};

// --- buying across borders

pb::CreateShipmentRequest Abroad(const std::string& shipment, const std::string& country,
                                 const std::string& state, const std::string& postal_code) {
  pb::CreateShipmentRequest request = TestPurchase(shipment);
  pb::ShipmentSpec& spec = *request.mutable_shipment();
  type::v1::Address& to = *spec.mutable_ship_to();
  to.set_attention_name("Receiving");
  to.set_phone("+49 30 123456");
  to.set_country_code(country);
  to.set_state(state);
  to.set_postal_code(postal_code);
  spec.set_service_code("65");
  spec.set_description("Pump parts");
  pb::Customs& customs = *spec.mutable_customs();
  customs.set_invoice_number("INV-1");
  customs.set_invoice_date("20261123");
  customs.set_reason_for_export("SALE");
  customs.set_currency_code("USD");
  pb::CustomsLine& line = *customs.add_lines();
  line.set_description("Steel pump shaft");
  line.set_quantity(2);
  line.set_unit_code("PCS");
  line.set_unit_value("50");
  line.set_origin_country_code("US");
  return request;
}

TEST_F(UpsOperationsTest, AShipmentCrossesABorderWithItsInvoiceAndIsFoundByItsReference) {
  pb::CreateShipmentRequest germany = Abroad("s1", "DE", "", "10117");
  germany.mutable_shipment()->set_signature(pb::SIGNATURE_REQUIRED);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(germany));
  ASSERT_EQ(call.state(), pb::Call::DONE) << call.ShortDebugString();
  pb::CreateShipmentRequest canada = Abroad("s2", "CA", "ON", "K1A 0B1");
  EXPECT_THAT(gateway_->Buy(canada), HasCode(absl::StatusCode::kInvalidArgument));
  canada.mutable_shipment()->mutable_invoice_total()->set_currency_code("USD");
  canada.mutable_shipment()->mutable_invoice_total()->set_amount_minor(10000);
  ASSERT_OK_AND_ASSIGN(const pb::Call north, gateway_->Buy(canada));
  EXPECT_EQ(north.state(), pb::Call::DONE) << north.ShortDebugString();

  EXPECT_THAT(Journal("ship"), SizeIs(2));
  const nlohmann::json sent = Journal("ship")[0]["body"]["ShipmentRequest"]["Shipment"];
  EXPECT_EQ(sent["ReferenceNumber"][0]["Value"], germany.shipment().derived_reference());
  EXPECT_EQ(sent["ShipmentServiceOptions"]["InternationalForms"]["InvoiceNumber"], "INV-1");
  EXPECT_EQ(sent["ShipmentServiceOptions"]["DeliveryConfirmation"]["DCISType"], "1");
  ASSERT_OK_AND_ASSIGN(const auto found, Find(germany.shipment().derived_reference()));
  EXPECT_EQ(found.recovery(), Recovered::FOUND);
  EXPECT_THAT(found.tracking_numbers(), ElementsAreArray(NumbersOf(call.result())));
}

TEST_F(UpsOperationsTest, ASecondCallInFlightIsAbortedAndBuysNothing) {
  ASSERT_OK(gateway_->Buy(TestPurchase("warm")));  // so that a token is there
  AddFault({{"id", "s"}, {"route", "ship"}, {"kind", "slow"}, {"delay_ms", 1500}, {"count", 1}});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  auto first = std::async(std::launch::async, [&] { return gateway_->Buy(request); });
  pb::GetCallRequest get;
  get.set_request_id(request.request_id());
  while (!gateway_->operations.GetCall(get, Caller{}).ok()) {
  }
  EXPECT_THAT(gateway_->Buy(request), HasCode(absl::StatusCode::kAborted));
  ASSERT_OK_AND_ASSIGN(const pb::Call done, first.get());
  EXPECT_EQ(done.state(), pb::Call::DONE);
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(request));
  EXPECT_EQ(again.result().ups_shipment_id(), done.result().ups_shipment_id());
  EXPECT_THAT(Journal("ship"), SizeIs(2));
}

// --- voids

TEST_F(UpsOperationsTest, VoidsThePackagesThatAreNamedAndNoOthers) {
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1", 4)));
  const std::vector<std::string> all = NumbersOf(call.result());
  ASSERT_OK_AND_ASSIGN(const auto one, Void("1", call, {all[1]}));
  EXPECT_FALSE(one.already_voided());
  EXPECT_EQ(VoidedAtUps(), std::set<std::string>({all[1]}));
  ASSERT_OK(Void("2", call, {all[3], all[2]}));
  EXPECT_EQ(VoidedAtUps(), std::set<std::string>({all[1], all[2], all[3]}));
  EXPECT_THAT(Journal("void"), SizeIs(2));

  // The same id: told from the record, whatever the order; of other packages: refused.
  ASSERT_OK(Void("2", call, {all[2], all[3]}));
  for (const std::vector<std::string>& other :
       {std::vector<std::string>{}, {all[2]}, {all[2], all[3], all[1]}}) {
    EXPECT_THAT(Void("2", call, other), HasCode(absl::StatusCode::kAlreadyExists));
  }
  EXPECT_THAT(Journal("void"), SizeIs(2));

  ASSERT_THAT(Entries("ups.void.intent"), SizeIs(2));
  ASSERT_THAT(Entries("ups.void.outcome"), SizeIs(2));
  EXPECT_EQ(Entries("ups.void.intent")[0]["detail"]["tracking_numbers"][0], all[1]);
  EXPECT_EQ(Entries("ups.void.outcome")[1]["detail"]["status"], "OK");
  ExpectRecorded("ups.void.outcome", {Journal("void")[1]});
}

TEST_F(UpsOperationsTest, AVoidThatUpsDidNotDoForEachPackageIsNone) {
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1", 2)));
  ASSERT_OK_AND_ASSIGN(const pb::Call other, gateway_->Buy(TestPurchase("s2")));
  const std::string mine = call.result().packages(1).tracking_number();
  const std::string theirs = other.result().packages(0).tracking_number();
  EXPECT_THAT(Void("1", call, {mine, theirs}), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(VoidedAtUps(), std::set<std::string>({mine}));
  // It may be tried again, and it is told the same again.
  EXPECT_THAT(Void("1", call, {mine, theirs}), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Journal("void"), SizeIs(2));

  Answer("void", 400, R"({"response":{"errors":[{"code":"190113","message":"m"}]}})");
  const absl::Status whole = Void("2", call, {mine}).status();
  EXPECT_THAT(whole, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(whole.message()), HasSubstr("Void the whole shipment"));
}

TEST_F(UpsOperationsTest, PackagesToVoidAreCheckedBeforeUpsIsAsked) {
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1", 21)));
  const std::vector<std::string> all = NumbersOf(call.result());
  const auto refused = HasCode(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Void("1", call, all), refused);
  EXPECT_THAT(Void("1", call, {all[0], all[0]}), refused);
  EXPECT_THAT(Void("1", call, {absl::AsciiStrToLower(all[0])}), refused);
  EXPECT_THAT(Void("1", call, {all[0] + "1"}), refused);
  EXPECT_THAT(Journal("void"), IsEmpty());
  EXPECT_OK(Void("1", call, {all.begin(), all.end() - 1}));
  EXPECT_THAT(VoidedAtUps(), SizeIs(20));
}

// --- labels once more

TEST_F(UpsOperationsTest, RecoversLabelsByNumberAndByReference) {
  pb::CreateShipmentRequest request = TestPurchase("s1", 2);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  const std::string reference = request.shipment().derived_reference();
  ASSERT_OK_AND_ASSIGN(auto found, RecoverByReference(reference));
  EXPECT_EQ(found.outcome(), Recovered::FOUND);
  EXPECT_EQ(found.result().ups_shipment_id(), call.result().ups_shipment_id());
  ASSERT_THAT(found.result().packages(), SizeIs(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(found.result().packages(i).label(), call.result().packages(i).label());
  }
  ExpectRecorded("ups.recover_label", Journal("recovery"));
  EXPECT_EQ(Entries("ups.recover_label")[0]["detail"]["outcome"], "FOUND");

  const std::string second = call.result().packages(1).tracking_number();
  ASSERT_OK_AND_ASSIGN(found, RecoverByNumber(second));
  EXPECT_THAT(NumbersOf(found.result()), ElementsAre(second));

  // Two shipments under one reference.
  request.set_request_id("shipments/s2/purchases/1");
  ASSERT_OK_AND_ASSIGN(const pb::Call twin, gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const auto several, RecoverByReference(reference));
  EXPECT_EQ(several.outcome(), Recovered::SEVERAL);
  EXPECT_THAT(several.candidates(),
              ::testing::UnorderedElementsAre(call.result().ups_shipment_id(),
                                              twin.result().ups_shipment_id()));
  ASSERT_OK(Void("1", call, {}));
  ASSERT_OK(Void("2", twin, {}));
  ASSERT_OK_AND_ASSIGN(const auto voided, RecoverByReference(reference));
  EXPECT_EQ(voided.outcome(), Recovered::VOIDED);
  ASSERT_OK_AND_ASSIGN(const auto none, RecoverByReference("unheard"));
  EXPECT_EQ(none.outcome(), Recovered::NOT_FOUND);
  EXPECT_FALSE(none.has_result());
}

TEST_F(UpsOperationsTest, ALabelIsAskedForByOneKeyOfTheRightForm) {
  pb::RecoverLabelRequest request;
  request.set_account("accounts/demo");
  const auto refused = HasCode(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(gateway_->Call(&UpsOperations::RecoverLabel, request), refused);
  EXPECT_THAT(RecoverByNumber("1Z023E2X021432346"), refused);
  EXPECT_THAT(RecoverByReference(""), refused);
  EXPECT_THAT(RecoverByReference(std::string(36, 'x')), refused);
  request.set_reference("x");
  request.set_label_format("PDF");
  EXPECT_THAT(gateway_->Call(&UpsOperations::RecoverLabel, request), refused);
  request.set_label_format("");
  request.set_account("accounts/none");
  EXPECT_THAT(gateway_->Call(&UpsOperations::RecoverLabel, request),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Journal("recovery"), IsEmpty());
}

// --- finding

TEST_F(UpsOperationsTest, FindsAShipmentByBothChannelsAndSaysWhichKnowIt) {
  const pb::CreateShipmentRequest request = TestPurchase("s1", 2);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  const std::string reference = request.shipment().derived_reference();
  ASSERT_OK_AND_ASSIGN(auto found, Find(reference));
  EXPECT_EQ(found.recovery(), Recovered::FOUND);
  EXPECT_TRUE(found.tracked());
  EXPECT_THAT(found.tracking_numbers(), ElementsAreArray(NumbersOf(call.result())));
  std::vector<nlohmann::json> calls = Journal("recovery");
  calls.push_back(Journal("track")[0]);
  ExpectRecorded("ups.find_shipment", calls);
  EXPECT_EQ(Entries("ups.find_shipment")[0]["subject"], "accounts/demo");
  EXPECT_EQ(Entries("ups.find_shipment")[0]["detail"]["tracked"], true);

  AddFault({{"id", "r"}, {"route", "recovery"}, {"kind", "not_found"}});
  ASSERT_OK_AND_ASSIGN(found, Find(reference));
  EXPECT_EQ(found.recovery(), Recovered::NOT_FOUND);
  EXPECT_TRUE(found.tracked());
  EXPECT_THAT(found.tracking_numbers(), ElementsAreArray(NumbersOf(call.result())));
  ASSERT_OK_AND_ASSIGN(found, Find("unheard"));
  EXPECT_EQ(found.recovery(), Recovered::NOT_FOUND);
  EXPECT_FALSE(found.tracked());
  EXPECT_THAT(found.tracking_numbers(), IsEmpty());

  // Half an answer is none: the caller would take it for "not there".
  Answer("track", 503, "");
  EXPECT_THAT(Find(reference), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Entries("ups.find_shipment").back()["detail"]["status"], "UNAVAILABLE");
  EXPECT_THAT(Entries("ups.find_shipment").back()["detail"]["calls"], SizeIs(2));
}

// --- tracking

TEST_F(UpsOperationsTest, TracksAllPackagesOfAShipmentPageByPage) {
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1", 120)));
  const std::vector<std::string> all = NumbersOf(call.result());
  Admin("POST", "/admin/scans",
        {{"tracking_number", all[119]}, {"code", "OR"}, {"city", "Macon"}, {"state", "GA"}});
  ASSERT_OK_AND_ASSIGN(const auto tracked, Track(all[7], /*whole=*/true));
  EXPECT_TRUE(tracked.found());
  EXPECT_THAT(tracked.tracking_numbers(), ElementsAreArray(all));
  ASSERT_THAT(tracked.activities(), SizeIs(121));
  EXPECT_EQ(tracked.activities(120).tracking_number(), all[119]);
  EXPECT_EQ(tracked.activities(120).code(), "OR");
  const auto pages = Journal("track");
  ASSERT_THAT(pages, SizeIs(3));
  EXPECT_THAT(pages[2]["target"].get<std::string>(), HasSubstr("offset=100&count=50"));
  ExpectRecorded("ups.track", pages);
  EXPECT_EQ(Entries("ups.track")[0]["subject"], "trackers/" + all[7]);

  ASSERT_OK_AND_ASSIGN(const auto one, Track(all[7], /*whole=*/false));
  EXPECT_THAT(one.tracking_numbers(), ElementsAre(all[7]));
  EXPECT_THAT(one.activities(), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto unknown, Track("1Z023E2X0214323462", /*whole=*/true));
  EXPECT_FALSE(unknown.found());
  EXPECT_THAT(unknown.tracking_numbers(), IsEmpty());
}

TEST_F(UpsOperationsTest, PagesThatDoNotFitTogetherAreNoAnswerAndEnd) {
  const std::string page = R"({"trackResponse":{"shipment":[{"package":[
      {"trackingNumber":"1Z023E2X0214323462","packageCount":5}]}]}})";
  Answer("track", 200, page);
  EXPECT_THAT(Track("1Z023E2X0214323462", /*whole=*/true), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Journal("track"), SizeIs(2));
  ExpectRecorded("ups.track", Journal("track"));
}

TEST_F(UpsOperationsTest, TracksByReferenceWithinItsDays) {
  const pb::CreateShipmentRequest request = TestPurchase("s1", 2);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  const std::string reference = request.shipment().derived_reference();
  ASSERT_OK_AND_ASSIGN(const auto tracked, TrackReference(reference));
  EXPECT_THAT(tracked.tracking_numbers(), ElementsAreArray(NumbersOf(call.result())));
  EXPECT_THAT(tracked.activities(), SizeIs(2));
  ExpectRecorded("ups.track_reference", Journal("track"));
  ASSERT_OK_AND_ASSIGN(const auto before, TrackReference(reference, "20200101", "20200102"));
  EXPECT_THAT(before.tracking_numbers(), IsEmpty());
  EXPECT_THAT(Journal("track").back()["target"].get<std::string>(),
              HasSubstr("fromPickUpDate=20200101&toPickUpDate=20200102"));
  ASSERT_OK_AND_ASSIGN(const auto unknown, TrackReference("unheard"));
  EXPECT_THAT(unknown.tracking_numbers(), IsEmpty());
  const auto refused = HasCode(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(TrackReference(""), refused);
  EXPECT_THAT(TrackReference(reference, "2020-01-01"), refused);
  EXPECT_THAT(TrackReference(reference, "20200102", "20200101"), refused);
}

// --- whatever UPS answers

struct OddAnswer {
  const char* name;
  const char* kind;
  int status;
  const char* body;
};

class OddAnswerTest : public UpsOperationsTest, public ::testing::WithParamInterface<OddAnswer> {};

TEST_P(OddAnswerTest, IsASuccessOfNoOperationAndForShipADoubt) {
  const pb::CreateShipmentRequest request = TestPurchase("s1", 2);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(request));
  const std::string number = call.result().ups_shipment_id();
  nlohmann::json rule = {{"id", "odd"}, {"kind", GetParam().kind}};
  if (GetParam().status != 0) rule["status"] = GetParam().status;
  if (GetParam().body != nullptr) rule["body"] = GetParam().body;
  for (const char* route : {"xav", "ship", "void", "recovery", "track", "subscribe"}) {
    rule["id"] = route;
    rule["route"] = route;
    AddFault(rule);
  }
  const auto later = HasCode(absl::StatusCode::kUnavailable);
  EXPECT_THAT(Void("1", call, {}), later);
  EXPECT_THAT(Void("2", call, {number}), later);
  EXPECT_THAT(RecoverByNumber(number), later);
  EXPECT_THAT(Find(request.shipment().derived_reference()), later);
  EXPECT_THAT(Track(number, false), later);
  EXPECT_THAT(Track(number, true), later);
  EXPECT_THAT(TrackReference(request.shipment().derived_reference()), later);
  pb::ValidateAddressRequest validate;
  validate.set_account("accounts/demo");
  *validate.mutable_address() = TestAddress("");
  EXPECT_THAT(gateway_->Call(&UpsOperations::ValidateAddress, validate), later);
  pb::SubscribePackagesRequest subscribe;
  subscribe.set_account("accounts/demo");
  subscribe.add_tracking_numbers(number);
  EXPECT_THAT(gateway_->Call(&UpsOperations::SubscribePackages, subscribe), later);
  ASSERT_OK_AND_ASSIGN(const pb::Call doubted, gateway_->Buy(TestPurchase("s2")));
  EXPECT_EQ(doubted.state(), pb::Call::IN_DOUBT) << doubted.ShortDebugString();
}

INSTANTIATE_TEST_SUITE_P(
    All, OddAnswerTest,
    ::testing::Values(OddAnswer{"PageOfHtml", "html", 200, nullptr},
                      OddAnswer{"BlankBody", "status", 200, " "},
                      OddAnswer{"ErrorInside", "status", 200,
                                R"({"response":{"errors":[{"code":"20001","message":"m"}]}})"},
                      OddAnswer{"PartialContent", "done_then_status", 206, "{}"},
                      OddAnswer{"CutBody", "done_then_truncate", 0, nullptr},
                      OddAnswer{"ErrorPage", "html", 502, nullptr}),
    [](const ::testing::TestParamInfo<OddAnswer>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace psups::ups_gateway
