#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// UPS's list of labels, as a test says it is.
class FakeManifest : public ManifestSource {
 public:
  absl::Status Ready(const Account&) override { return absl::OkStatus(); }
  void Fetch(AccountPtr, absl::Time, Done done) override { done(labels); }

  absl::StatusOr<std::vector<ManifestLabel>> labels = std::vector<ManifestLabel>();
};

// The gateway on a database that lost commits, against the sandbox.
class UpsGatewaySearchFirstTest : public SandboxFixture {
 protected:
  void SetUp() override {
    StartSandbox();
    Start({.settle = absl::ZeroDuration(), .window = absl::Hours(2)});
    CreateAccount(
        [](pb::Account& account) { account.mutable_token_min_interval()->set_seconds(1); });
    ASSERT_OK(epochs_->Compare());
  }

  void Start(SearchSettings search, absl::Duration window = absl::Hours(2)) {
    SandboxFixture::Start(
        {.doubt = {.first_wait = absl::Milliseconds(50),
                   .most_wait = absl::Milliseconds(200),
                   .window = window},
         .manifest = manifest_ ? std::shared_ptr<ManifestSource>(manifest_) : MakeManifestNotYet(),
         .search = search});
  }

  // What was bought under these request ids is forgotten, as by a restore.
  void LoseCommits(const std::vector<std::string>& request_ids = {}) {
    EXPECT_OK(
        schema_.db().Exec("DELETE FROM calls WHERE request_id = ANY($1::text[])", {request_ids}));
    EXPECT_OK(schema_.db().Exec("UPDATE database_epochs SET epoch = 'another'"));
    auto noted = epochs_->Compare();
    EXPECT_OK(noted);
    EXPECT_TRUE(noted->changed);
    gateway_->book.Forget("demo");
  }

  // Steps the resolver until the call has an end or wants a person.
  absl::StatusOr<pb::Call> Resolve(const pb::CreateShipmentRequest& request) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    absl::StatusOr<pb::Call> call = absl::UnknownError("not asked");
    while (std::chrono::steady_clock::now() < end) {
      EXPECT_OK(gateway_->resolver.Step());
      call = gateway_->calls->Get(request.request_id());
      if (!call.ok() || call->state() != pb::Call::IN_DOUBT || call->needs_person()) return call;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return call;
  }

  std::unique_ptr<EpochStore> epochs_ = MakePostgresEpochStore(schema_.db());
  std::shared_ptr<FakeManifest> manifest_;  // null: UPS's list cannot be asked
};

TEST_F(UpsGatewaySearchFirstTest, APurchaseThatTheDatabaseLostIsFoundAndNotBoughtAgain) {
  const pb::CreateShipmentRequest request = TestPurchase("s1", /*packages=*/2);
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, gateway_->Buy(request));
  ASSERT_EQ(bought.state(), pb::Call::DONE);
  LoseCommits({request.request_id()});
  ASSERT_OK_AND_ASSIGN(const pb::Call again, gateway_->Buy(request));
  EXPECT_EQ(again.state(), pb::Call::IN_DOUBT);
  EXPECT_EQ(again.request_id(), request.request_id());
  ASSERT_OK_AND_ASSIGN(const pb::Call done, Resolve(request));
  EXPECT_EQ(done.state(), pb::Call::DONE);
  EXPECT_EQ(done.result().ups_shipment_id(), bought.result().ups_shipment_id());
  EXPECT_THAT(done.result().packages(), SizeIs(2));
  EXPECT_THAT(done.result().packages(1).label(), HasSubstr("^XA"));
  EXPECT_EQ(LiveShipments(), 1);
}

TEST_F(UpsGatewaySearchFirstTest, OneThatTheDatabaseLostAndThatWasVoidedIsForAPerson) {
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, gateway_->Buy(request));
  pb::VoidShipmentRequest undo;
  undo.set_account("accounts/demo");
  undo.set_request_id("shipments/s1/voids/1");
  undo.set_ups_shipment_id(bought.result().ups_shipment_id());
  ASSERT_OK(gateway_->Call(&UpsOperations::VoidShipment, undo));
  LoseCommits({request.request_id()});
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::IN_DOUBT);
  EXPECT_TRUE(call.needs_person());
  EXPECT_EQ(LiveShipments(), 0);
}

TEST_F(UpsGatewaySearchFirstTest, WhatUpsDoesNotKnowIsBoughtOnceTheControlIsFound) {
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  LoseCommits();
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::DONE);
  EXPECT_EQ(LiveShipments(), 2);
  // Each call that was made stands in the ledger.
  const auto entries = Entries("ups.search_first");
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0]["detail"]["found"], "NOT_AT_UPS");
  EXPECT_THAT(entries[0]["detail"]["calls"], SizeIs(3));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM exchanges WHERE operation IN ('recovery', "
                  "'track_reference')"),
            3);
}

TEST_F(UpsGatewaySearchFirstTest, WhileUpsMayBeLateItsSilenceDoesNotCount) {
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  LoseCommits();
  Start({.settle = absl::Hours(1)});
  const absl::StatusOr<pb::Call> call = gateway_->Buy(TestPurchase("s1"));
  EXPECT_THAT(call, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(call.status().message()), HasSubstr("does not know one yet"));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 1);
  EXPECT_EQ(LiveShipments(), 1);
}

TEST_F(UpsGatewaySearchFirstTest, WhileUpsCannotBeAskedNothingIsBought) {
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  LoseCommits();
  for (const char* route : {"recovery", "track"}) {
    AddFault({{"id", "f"}, {"route", route}, {"kind", "status"}, {"status", 503}});
    EXPECT_THAT(gateway_->Buy(TestPurchase("s1")), HasCode(absl::StatusCode::kUnavailable));
    RemoveFaults({"f"});
  }
  EXPECT_EQ(Count("SELECT count(*) AS n FROM calls"), 1);
  EXPECT_EQ(LiveShipments(), 1);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::DONE);
}

TEST_F(UpsGatewaySearchFirstTest, RecoveryThatNeverMatchesBuysNothing) {
  ASSERT_OK(gateway_->Buy(TestPurchase("control")));
  LoseCommits();
  AddFault({{"id", "r"}, {"route", "recovery"}, {"kind", "not_found"}});
  AddFault({{"id", "t"}, {"route", "track"}, {"kind", "not_found"}});
  const absl::StatusOr<pb::Call> call = gateway_->Buy(TestPurchase("s1"));
  EXPECT_THAT(call, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(call.status().message()), HasSubstr("does not find one that exists"));
  EXPECT_EQ(LiveShipments(), 1);
}

TEST_F(UpsGatewaySearchFirstTest, WithoutAControlItWaitsForTheWindowAndThenBuys) {
  LoseCommits();
  const absl::StatusOr<pb::Call> waits = gateway_->Buy(TestPurchase("s1"));
  EXPECT_THAT(waits, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(waits.status().message()),
              AllOf(HasSubstr("no other to check its word by"), HasSubstr("tried again")));
  EXPECT_EQ(LiveShipments(), 0);
  ASSERT_OK(schema_.db().Exec(
      "UPDATE database_epochs SET notice_time = notice_time - interval '2 hours'"));
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::DONE);
  EXPECT_EQ(LiveShipments(), 1);
}

TEST_F(UpsGatewaySearchFirstTest, AStoppedAccountDoesNotEvenAsk) {
  LoseCommits();
  pb::StopAccountRequest stop;
  stop.set_name("accounts/demo");
  stop.set_reason("inventory");
  ASSERT_OK_AND_ASSIGN(const pb::Account stopped,
                       gateway_->account_server.StopBuying(stop, Caller{.identity = "ops"}));
  EXPECT_TRUE(stopped.stopped());
  EXPECT_TRUE(stopped.searches_first());
  EXPECT_THAT(gateway_->Buy(TestPurchase("s1")), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Entries("ups.search_first"), SizeIs(0));
  EXPECT_THAT(Entries("account.stop"), SizeIs(1));
  stop.set_reason("");
  EXPECT_THAT(gateway_->account_server.StopBuying(stop, Caller{}),
              HasCode(absl::StatusCode::kInvalidArgument));
  stop.set_reason(std::string(201, 'x'));
  EXPECT_THAT(gateway_->account_server.StopBuying(stop, Caller{}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

// --- UPS's list of labels

absl::StatusOr<pb::ReconcileAccountResponse> Reconcile(Gateway& gateway, absl::Time since) {
  pb::ReconcileAccountRequest request;
  request.set_name("accounts/demo");
  request.mutable_since()->set_seconds(absl::ToUnixSeconds(since));
  auto promise = std::make_shared<std::promise<absl::StatusOr<pb::ReconcileAccountResponse>>>();
  gateway.account_server.Reconcile(
      request, [promise](auto response) { promise->set_value(std::move(response)); });
  return promise->get_future().get();
}

TEST_F(UpsGatewaySearchFirstTest, ReconcilingComparesOurLiveLabelsWithUpssAndSaysIfItCannot) {
  const absl::Time since = absl::Now() - absl::Hours(2);
  EXPECT_THAT(Reconcile(*gateway_, since), HasCode(absl::StatusCode::kUnavailable));
  manifest_ = std::make_shared<FakeManifest>();
  Start({});
  EXPECT_THAT(Reconcile(*gateway_, absl::Now() - absl::Hours(24 * 8)),
              HasCode(absl::StatusCode::kInvalidArgument));

  const pb::CreateShipmentRequest request = TestPurchase("s1", /*packages=*/2);
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call undone, gateway_->Buy(TestPurchase("s2")));
  pb::VoidShipmentRequest undo;
  undo.set_account("accounts/demo");
  undo.set_request_id("shipments/s2/voids/1");
  undo.set_ups_shipment_id(undone.result().ups_shipment_id());
  ASSERT_OK(gateway_->Call(&UpsOperations::VoidShipment, undo));
  ASSERT_OK_AND_ASSIGN(const pb::Call halved, gateway_->Buy(TestPurchase("s3", /*packages=*/2)));
  undo.set_request_id("shipments/s3/voids/1");
  undo.set_ups_shipment_id(halved.result().ups_shipment_id());
  undo.add_tracking_numbers(halved.result().packages(1).tracking_number());
  ASSERT_OK(gateway_->Call(&UpsOperations::VoidShipment, undo));
  const std::string& reference = request.shipment().derived_reference();
  manifest_->labels = std::vector<ManifestLabel>{
      {bought.result().packages(0).tracking_number(), reference, false, absl::Now()},
      {undone.result().packages(0).tracking_number(), reference, false, absl::Now()}};
  ASSERT_OK_AND_ASSIGN(const pb::ReconcileAccountResponse found, Reconcile(*gateway_, since));
  EXPECT_EQ(found.matched(), 1);
  EXPECT_THAT(found.only_here(), ElementsAre(bought.result().packages(1).tracking_number(),
                                             halved.result().packages(0).tracking_number()));
  EXPECT_THAT(found.only_at_ups(), ElementsAre(undone.result().packages(0).tracking_number()));
  manifest_->labels = absl::UnavailableError("503");
  EXPECT_THAT(Reconcile(*gateway_, since), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(UpsGatewaySearchFirstTest, SearchingEndsByItselfOnceUpsHasNothingThatIsUnknownHere) {
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  ASSERT_OK_AND_ASSIGN(const pb::Call bought, gateway_->Buy(request));
  const auto searches = [&] {
    return (*gateway_->accounts->Get("demo"))->settings.searches_first();
  };
  LoseCommits({request.request_id()});
  ASSERT_OK(gateway_->reconciler.Step());
  EXPECT_TRUE(searches());  // UPS's list cannot be asked

  manifest_ = std::make_shared<FakeManifest>();
  manifest_->labels =
      std::vector<ManifestLabel>{{bought.result().packages(0).tracking_number(),
                                  request.shipment().derived_reference(), false, absl::Now()}};
  Start({.settle = absl::ZeroDuration()}, /*window=*/absl::ZeroDuration());
  ASSERT_OK(gateway_->reconciler.Step());
  EXPECT_TRUE(searches());  // it has one that we do not know
  ASSERT_OK(gateway_->Buy(request));
  ASSERT_OK_AND_ASSIGN(const pb::Call found, Resolve(request));
  EXPECT_EQ(found.state(), pb::Call::DONE);
  ASSERT_OK(gateway_->reconciler.Step());
  EXPECT_FALSE(searches());
  EXPECT_THAT(Entries("account.search_first_end"), SizeIs(1));
  EXPECT_EQ(LiveShipments(), 1);
  ASSERT_OK(gateway_->Buy(TestPurchase("s2")));
  EXPECT_THAT(Entries("ups.search_first"), SizeIs(1));
}

TEST_F(UpsGatewaySearchFirstTest, SearchingGoesOnWhileUpssListMayStillGrow) {
  manifest_ = std::make_shared<FakeManifest>();
  Start({.settle = absl::ZeroDuration()}, /*window=*/absl::Hours(2));
  LoseCommits();
  ASSERT_OK(gateway_->reconciler.Step());
  EXPECT_TRUE((*gateway_->accounts->Get("demo"))->settings.searches_first());
}

TEST_F(UpsGatewaySearchFirstTest, ALostAnswerIsFoundInUpssListWhereTheOtherChannelsSayNo) {
  manifest_ = std::make_shared<FakeManifest>();
  Start({});
  const pb::CreateShipmentRequest request = TestPurchase("s1");
  const std::string& reference = request.shipment().derived_reference();
  AddFault({{"id", "r"}, {"route", "recovery"}, {"kind", "not_found"}, {"match", reference}});
  AddFault({{"id", "t"}, {"route", "track"}, {"kind", "not_found"}});
  AddFault({{"id", "f"}, {"route", "ship"}, {"kind", "done_then_reset"}, {"count", 1}});
  ASSERT_OK(gateway_->Buy(request));
  const nlohmann::json truth = Admin("GET", "/admin/truth");
  manifest_->labels = std::vector<ManifestLabel>{
      {"1ZOTHER", std::string(26, 'B'), false, absl::Now()},
      {truth["shipments"][0]["packages"][0]["tracking_number"].get<std::string>(), reference, false,
       absl::Now()}};
  ASSERT_OK_AND_ASSIGN(const pb::Call call, Resolve(request));
  EXPECT_EQ(call.state(), pb::Call::DONE);
  EXPECT_THAT(call.result().packages(0).label(), HasSubstr("^XA"));
}

}  // namespace
}  // namespace psups::ups_gateway
