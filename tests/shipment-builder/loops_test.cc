#include "common/metrics.h"
#include "gmock/gmock.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using UpsCall = ups::v1::Call;
using VerdictResponse = ups::v1::ValidateAddressResponse;

UpsCall CallIn(UpsCall::State state) {
  UpsCall call;
  call.set_state(state);
  return call;
}

class Loops : public World {
 protected:
  // An order whose label is neither found nor known not to be.
  void LetOneBeDoubtedForGood() {
    UpsCall doubt = CallIn(UpsCall::IN_DOUBT);
    doubt.set_needs_person(true);
    ups.next = {doubt};
    orders.Put(PlainOrder("o1"));
    RunAndWait();
    ASSERT_EQ(Reviews().size(), 1u);
  }
  // Line 1 goes to Denver now, line 2 in ten days.
  orders::v1::Order TwoLines(const std::string& id = "o1") {
    orders::v1::Order order = PlainOrder(id);
    *order.add_schedules() = PlainSchedule(2, 1);
    order.mutable_schedules(1)->set_ship_date(
        absl::FormatCivilTime(absl::ToCivilDay(clock.Now(), absl::UTCTimeZone()) + 10));
    return order;
  }
  // Both lines are to go elsewhere, now and together.
  orders::v1::Order TwoLinesElsewhere(int64_t revision, const std::string& id = "o1") {
    orders::v1::Order order = PlainOrder(id, revision);
    *order.add_schedules() = PlainSchedule(2, 1);
    for (Schedule& schedule : *order.mutable_schedules()) {
      schedule.set_ship_to_id("AUSTIN");
      *schedule.mutable_ship_to() = AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
    }
    return order;
  }
  // The lines of the order that have a label, each as often as it has one.
  std::multiset<int> LinesLabelled(const std::string& id = "o1") {
    std::multiset<int> lines;
    for (const ShipmentRecord& record : Shipments(id)) {
      if (record.shipment.state != State::kLabeled) continue;
      for (const Share& share : record.shipment.shares) lines.insert(share.line);
    }
    return lines;
  }
};

// ---- The straight way ----

TEST_F(Loops, AnOrderBecomesALabelThatTrackingFollows) {
  orders.Put(PlainOrder("o1"));
  Run();
  const Shipment shipment = Only("o1");
  EXPECT_EQ(shipment.state, State::kLabeled);
  EXPECT_TRUE(shipment.handed_over);
  EXPECT_TRUE(shipment.acknowledged);
  ASSERT_EQ(shipment.packages.size(), 1u);
  EXPECT_EQ(shipment.packages[0].weight_lb.ToString(), "20");
  EXPECT_EQ(shipment.packages[0].length_in, 16);
  const std::string number = shipment.packages[0].tracking_number;
  ASSERT_EQ(tracking.trackers.count(number), 1u);
  const auto& tracker = tracking.trackers.at(number);
  EXPECT_EQ(tracker.shipment(), shipment.name());
  EXPECT_EQ(tracker.account(), "accounts/main");
  ASSERT_EQ(tracker.contents_size(), 1);
  EXPECT_EQ(tracker.contents(0).quantity(), "4");
  EXPECT_TRUE(orders.IsAcknowledged("orders/o1"));
  EXPECT_EQ(ups.acknowledged.count(shipment.request_id()), 1u);
  EXPECT_EQ(Allocated(), "4");
  ASSERT_OK_AND_ASSIGN(const Label label, views->GetLabel(shipment.shipment_id, 1));
  EXPECT_EQ(label.bytes, "^XA label 1");
  EXPECT_EQ(label.tracking_number, number);
}

TEST_F(Loops, WhatIsSentIsWhatTheOrderSaysWithUpsZipPlusFour) {
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_EQ(ups.requests.size(), 1u);
  const ups::v1::ShipmentSpec& spec = ups.requests.begin()->second.shipment();
  EXPECT_EQ(spec.ship_to().lines(0), "1500 Market Street");
  EXPECT_EQ(spec.ship_to().postal_code(), "802024321");
  EXPECT_EQ(spec.ship_from().postal_code(), "972044321");
  EXPECT_EQ(spec.ship_to().name(), "Denver Warehouse");
  EXPECT_EQ(spec.service_code(), "03");
  ASSERT_EQ(spec.references_size(), 1);
  EXPECT_EQ(spec.references(0).code(), "PO");
  EXPECT_EQ(spec.references(0).value(), "US001 0000000123");
  EXPECT_EQ(spec.derived_reference().size(), 26u);
  EXPECT_EQ(spec.derived_reference().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            std::string::npos);
  EXPECT_EQ(spec.ship_date(), "");
}

TEST_F(Loops, ThreeLedgerEntriesUpToTheHandOver) {
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_THAT(AuditActions(),
              UnorderedElementsAre("shipment.create", "shipment.purchase", "shipment.label"));
}

TEST_F(Loops, OneVendorIsValidatedOnceForManyShipments) {
  for (int i = 0; i < 5; ++i) orders.Put(PlainOrder(absl::StrCat("o", i)));
  Run();
  EXPECT_EQ(ups.LiveLabels(), 5);
  EXPECT_EQ(ups.validations, 2);  // the vendor's and the location's
  Restart();
  orders.Put(PlainOrder("o9"));
  Run();
  EXPECT_EQ(ups.LiveLabels(), 6);
  EXPECT_EQ(ups.validations, 2);  // the verdicts outlive the process
}

TEST_F(Loops, AParcelIsFollowedToItsEnd) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  tracking.Scan(number, tracking::v1::PICKED_UP);
  Run();
  EXPECT_EQ(Only("o1").state, State::kInTransit);
  tracking.Scan(number, tracking::v1::DELIVERED);
  Run();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
  EXPECT_EQ(Only("o1").packages[0].tracking_status, "DELIVERED");
}

TEST_F(Loops, AShipmentIsDeliveredWhenItsLastPackageIs) {
  orders::v1::Order order = PlainOrder("o1");
  *order.mutable_schedules(0) = PlainSchedule(1, 1, "20");  // ten to a carton
  orders.Put(order);
  Run();
  const Shipment shipment = Only("o1");
  ASSERT_EQ(shipment.packages.size(), 2u);
  tracking.Scan(shipment.packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  EXPECT_EQ(Only("o1").state, State::kInTransit);
  tracking.Scan(shipment.packages[1].tracking_number, tracking::v1::DELIVERED);
  Run();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
}

TEST_F(Loops, AShipDateFarAheadWaits) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ship_date(
      absl::FormatCivilTime(absl::ToCivilDay(clock.Now(), absl::UTCTimeZone()) + 10));
  orders.Put(order);
  Run();
  EXPECT_EQ(Only("o1").state, State::kReceived);
  EXPECT_EQ(ups.creates, 0);
  clock.Advance(absl::Hours(24 * 4));
  LetTimePass();
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.begin()->second.shipment().ship_date(),
            absl::FormatTime("%Y%m%d", clock.Now() + absl::Hours(24 * 6), absl::UTCTimeZone()));
}

// ---- Reviews ----

TEST_F(Loops, ABadAddressIsOneReviewAndNoPurchase) {
  VerdictResponse none;
  none.set_verdict(VerdictResponse::NO_CANDIDATES);
  ups.verdicts["1500 Market Street"] = none;
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  EXPECT_EQ(ups.creates, 0);
  const auto reviews = Reviews();
  ASSERT_EQ(reviews.size(), 1u);
  EXPECT_EQ(reviews[0].review.asked.reason, Reason::kAddressInvalid);
  EXPECT_EQ(reviews[0].review.asked.message.find("Market"), std::string::npos);
  ASSERT_OK_AND_ASSIGN(const ReviewRecord whole, store->GetReview(reviews[0].review.review_id));
  EXPECT_EQ(whole.review.asked.address.lines(0), "1500 Market Street");
}

TEST_F(Loops, ACandidateThatIsAcceptedShips) {
  VerdictResponse ambiguous;
  ambiguous.set_verdict(VerdictResponse::AMBIGUOUS);
  for (const char* line : {"1500 E MARKET ST", "1500 W MARKET ST"}) {
    *ambiguous.add_candidates()->mutable_address() =
        AddressAt("", line, "DENVER", "CO", "80202-1111");
  }
  ups.verdicts["1500 Market Street"] = ambiguous;
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_EQ(Reviews().size(), 1u);
  shipments::v1::ResolveReviewRequest request;
  request.set_action(shipments::v1::Review::ACCEPT_CANDIDATE);
  request.set_candidate_index(1);
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, request));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.begin()->second.shipment().ship_to().lines(0), "1500 W MARKET ST");
  EXPECT_EQ(ups.requests.begin()->second.shipment().ship_to().name(), "Denver Warehouse");
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(Loops, TwoClerksAtOneReviewAndTheSecondIsTold) {
  VerdictResponse none;
  none.set_verdict(VerdictResponse::NO_CANDIDATES);
  ups.verdicts["1500 Market Street"] = none;
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string id = Reviews()[0].review.review_id;
  shipments::v1::ResolveReviewRequest request;
  request.set_action(shipments::v1::Review::CANCEL);
  ASSERT_OK(Resolve(id, request, "spiffe://psups/clerk/a"));
  EXPECT_OK(Resolve(id, request, "spiffe://psups/clerk/a"));  // the same again
  EXPECT_THAT(Resolve(id, request, "spiffe://psups/clerk/b"),
              psups::testing::HasCode(absl::StatusCode::kAborted));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kCancelled);
  EXPECT_EQ(ups.creates, 0);
}

TEST_F(Loops, AMissingWeightStopsItsShipmentOnly) {
  orders::v1::Order order = PlainOrder("o1");
  Schedule other = PlainSchedule(2, 1);
  other.set_ship_to_id("AUSTIN");
  *other.mutable_ship_to() = AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
  other.mutable_shipping_weight()->set_value("0");
  *order.add_schedules() = other;
  orders.Put(order);
  Run();
  const auto shipments = Shipments("o1");
  ASSERT_EQ(shipments.size(), 2u);
  std::set<State> states;
  for (const auto& record : shipments) states.insert(record.shipment.state);
  EXPECT_EQ(states, (std::set<State>{State::kLabeled, State::kNeedsReview}));
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kItemWeightMissing);
}

TEST_F(Loops, UpsRefusalIsAReviewWithItsSentenceAndTheQuantityIsFree) {
  UpsCall rejected = CallIn(UpsCall::REJECTED);
  rejected.mutable_error()->set_ups_code("120802");
  rejected.mutable_error()->set_clerk_message("Check the ship-to address.");
  ups.next = {rejected};
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kUpsRejected);
  EXPECT_EQ(Reviews()[0].review.asked.message, "Check the ship-to address.");
  EXPECT_EQ(Allocated(), "0");
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 2);
}

TEST_F(Loops, BeforeAConnectionIsHeardOfNothingIsAsked) {
  ASSERT_OK(store->TakeIn({PlainOrder("o1")}, replica->planner.plan()));
  ASSERT_OK(replica->validator.Step());
  replica->leases.WaitUntilNone();
  EXPECT_EQ(ups.validations, 0);
  EXPECT_EQ(Only("o1").state, State::kValidating);
  EXPECT_EQ(Only("o1").failure_count, 0);
}

TEST_F(Loops, OnlyTheAddressesOwnFaultIsAReview) {
  ups.validate_fails = absl::InvalidArgumentError("account: …");
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_EQ(Only("o1").failure_count, 1);
  EXPECT_THAT(Reviews(), IsEmpty());
  ups.validate_fails = absl::InvalidArgumentError("address.state: 31 characters, want 0 to 30");
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kAddressInvalid);
}

TEST_F(Loops, UpsRefusingToValidateIsNothingAgainstTheAddress) {
  ups.validate_fails = absl::FailedPreconditionError("UPS refused it.");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kValidating);
  EXPECT_THAT(Reviews(), IsEmpty());
  ups.validate_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, ARefusalThatDoesNotEndIsForAPerson) {
  ups.validate_fails = absl::FailedPreconditionError("UPS refused it.");
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  ASSERT_OK(db().Exec("UPDATE shipments SET wait_count = 60"));  // an hour later
  RunAndWait();
  EXPECT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
}

TEST_F(Loops, AReviewIsToldOnceAlsoIfItsProcessDiedAfterTheCommit) {
  const auto told = [] {
    return Counter("psups_reviews_opened_total", "Reviews opened.",
                   {{"reason", "ITEM_WEIGHT_MISSING"}})
        .Value();
  };
  const double before = told();
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->mutable_shipping_weight()->set_value("0");
  ASSERT_OK(store->TakeIn({order}, replica->planner.plan()));  // and dies
  Restart();
  const std::unique_ptr<Replica> other = NewReplica();
  Run();
  other->Round();
  RunAndWait();
  EXPECT_EQ(told() - before, 1);
}

// ---- Purchases that do not go straight ----

TEST_F(Loops, ARefusalForNowIsBoughtAgainUnderTheNextNumber) {
  UpsCall rejected = CallIn(UpsCall::REJECTED);
  rejected.mutable_error()->set_retryable(true);
  ups.next = {rejected, CallIn(UpsCall::NOT_MADE)};
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 3);
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "4");
  EXPECT_EQ(ups.requests.size(), 3u);
  std::set<std::string> references;
  for (const auto& [id, request] : ups.requests) {
    references.insert(request.shipment().derived_reference());
  }
  EXPECT_EQ(references.size(), 3u);
}

TEST_F(Loops, InDoubtThenDoneIsOneLabel) {
  ups.next = {CallIn(UpsCall::IN_DOUBT)};
  orders.Put(PlainOrder("o1"));
  RunAndWait(5);
  const Shipment waiting = Only("o1");
  EXPECT_EQ(waiting.state, State::kLabeling);
  EXPECT_EQ(waiting.purchase.state, PurchaseState::kInDoubt);
  EXPECT_EQ(waiting.failure_count, 0);
  EXPECT_EQ(Allocated(), "4");
  ups.Finish(waiting.request_id(), UpsCall::DONE);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatNeedsAPersonHealsItselfWhenUpsKnows) {
  LetOneBeDoubtedForGood();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kInDoubtUnresolved);
  ups.Finish(Only("o1").request_id(), UpsCall::DONE);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_THAT(Reviews(), IsEmpty());
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, ADoubtThatIsCancelledIsVoidedWhenTheLabelTurnsUp) {
  LetOneBeDoubtedForGood();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  EXPECT_EQ(Allocated(), "4");        // it may be live
  EXPECT_THAT(Reviews(), IsEmpty());  // and nobody is asked again
  const std::string request_id = Only("o1").request_id();
  ups.Finish(request_id, UpsCall::DONE);
  RunAndWait();
  EXPECT_EQ(Shipments("o1").at(0).shipment.state, State::kVoided);
  EXPECT_EQ(ups.LiveLabels(), 0);
  EXPECT_EQ(Allocated(), "0");
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatAPersonCancelsEndsAndNothingIsBoughtAgain) {
  LetOneBeDoubtedForGood();
  const std::string request_id = Only("o1").request_id();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kCancelled);
  EXPECT_EQ(ups.closed_by[request_id], "spiffe://psups/clerk/a");
  EXPECT_EQ(Allocated(), "0");
  orders.Put(PlainOrder("o1", 2));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatAPersonLookedIntoIsBoughtAgain) {
  LetOneBeDoubtedForGood();
  const std::string request_id = Only("o1").request_id();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  // The gateway is away, and the process dies: the decision outlives both.
  ups.close_fails = absl::UnavailableError("down");
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(Allocated(), "4");
  EXPECT_THAT(Reviews(), IsEmpty());
  Restart();
  ups.close_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(ups.closed_by[request_id], "spiffe://psups/clerk/a");
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 2);
  EXPECT_EQ(Only("o1").purchase.confirmed_by, "");  // that was said of the first one
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "4");
}

TEST_F(Loops, WhatTheGatewayTookInAnotherFormIsAskedAbout) {
  ups.create_fails = absl::UnavailableError("503");
  orders.Put(PlainOrder("o1"));
  Run();
  ups.create_fails = absl::OkStatus();
  ups::v1::CreateShipmentRequest other = RequestOf(Only("o1"));
  other.mutable_shipment()->set_label_format("GIF");
  ups.CreateShipment(other, "", [](const absl::StatusOr<UpsCall>&) {});
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, AnAnswerThatSaysNothingIsAskedForUntilItDoes) {
  ups.create_fails = absl::InternalError("bug");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kLabeling);
  EXPECT_EQ(Allocated(), "4");
  ups.create_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 1);
}

TEST_F(Loops, AnOutageWaitsAndCountsNothing) {
  ups.create_fails = absl::UnavailableError("503");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kLabeling);
  EXPECT_EQ(Only("o1").failure_count, 0);
  ups.create_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 1);
}

TEST_F(Loops, ABugOfOursEndsInFailedAndARetryGoesOnUnderTheSameRequest) {
  ups.create_fails = ups.close_fails = absl::InvalidArgumentError("account: …");
  orders.Put(PlainOrder("o1"));
  RunAndWait(8);
  EXPECT_EQ(Only("o1").state, State::kFailed);
  EXPECT_EQ(Allocated(), "4");
  ups.create_fails = ups.close_fails = absl::OkStatus();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, [](Shipment& shipment, Effects& e) {
    e.lease = Effects::Lease::kEnd;
    return RequestRetry(shipment, e);
  }));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").purchase.number, 1);
}

TEST_F(Loops, ARequestThatTheGatewayNeverTookIsAReview) {
  ups.create_fails = absl::InvalidArgumentError("shipment.ship_to.name: …");
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kUpsRejected);
  EXPECT_EQ(Allocated(), "0");
  // Nor will it ever: a copy of the request that is still on its way buys nothing.
  EXPECT_EQ(ups.calls.at(Only("o1").request_id()).state(), UpsCall::NOT_MADE);
}

TEST_F(Loops, ARefusedRequestThatCannotBeClosedKeepsItsQuantity) {
  ups.create_fails = absl::InvalidArgumentError("shipment.ship_to.name: …");
  ups.close_fails = absl::UnavailableError("down");
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeling);
  EXPECT_EQ(Allocated(), "4");
}

// ---- Who may buy ----

TEST_F(Loops, AnObservedConnectionValidatesAndBuysWhenActivated) {
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kReceived);
  EXPECT_TRUE(Only("o1").validated);
  EXPECT_EQ(ups.creates, 0);
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE);
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, WithoutWordFromPsIngestForAMinuteNothingIsBought) {
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  orders.down = absl::UnavailableError("down");
  uptime += absl::Seconds(61);
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  orders.down = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, WordThatCameSlowlyIsAsOldAsItsQuestion) {
  orders.on_lease = [this] { uptime += absl::Seconds(61); };
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  orders.on_lease = nullptr;
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, APauseInTheLastMomentStopsThePurchase) {
  orders.on_check = [this] {
    orders.AddConnection("c1", orders::v1::Connection::PAUSED);
    EXPECT_OK(replica->intake.Step());
  };
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  EXPECT_EQ(Only("o1").state, State::kReceived);
  EXPECT_EQ(Allocated(), "0");
}

TEST_F(Loops, ATestConnectionIsRefusedAProductionAccount) {
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE, orders::v1::Connection::TEST);
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  EXPECT_EQ(Only("o1").state, State::kReceived);
  ups.production = false;
  uptime += absl::Minutes(11);  // the account is looked at again
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Loops, AScheduleThatIsClosedInTheLastMomentIsNotBought) {
  orders.Put(PlainOrder("o1"));
  orders.closed.insert("orders/o1");
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  EXPECT_EQ(Allocated(), "0");
}

TEST_F(Loops, ARevisionThatIsNotTakenInYetHoldsTheOldOneBack) {
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "6");
  orders.Put(newer);
  ASSERT_OK(replica->validator.Step());
  replica->leases.WaitUntilNone();
  EXPECT_EQ(ups.creates, 0);
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "6");
  EXPECT_EQ(ups.LiveLabels(), 1);
}

// ---- Changes ----

TEST_F(Loops, ARedispatchWithNothingChangedDoesNothing) {
  orders.Put(PlainOrder("o1"));
  Run();
  const Shipment before = Only("o1");
  orders.Put(PlainOrder("o1", 2));
  RunAndWait();
  const Shipment after = Only("o1");
  EXPECT_EQ(after.shipment_id, before.shipment_id);
  EXPECT_EQ(after.state, State::kLabeled);
  EXPECT_EQ(after.order_revision, 2);
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_THAT(ups.voided, IsEmpty());
}

TEST_F(Loops, AChangeAfterTheLabelVoidsItThenShipsTheNewRevision) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string old_number = Only("o1").packages[0].tracking_number;
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.voided.count(old_number), 1u);
  EXPECT_EQ(tracking.closed.count(old_number), 1u);
  const Shipment shipment = Only("o1");
  EXPECT_EQ(shipment.state, State::kLabeled);
  EXPECT_EQ(shipment.shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "2");
  const auto& tracker = tracking.trackers.at(shipment.packages[0].tracking_number);
  ASSERT_EQ(tracker.replaces_size(), 1);
  EXPECT_EQ(tracker.replaces(0), old_number);
}

TEST_F(Loops, AWithdrawnOrderLosesItsLabel) {
  orders.Put(PlainOrder("o1"));
  Run();
  orders::v1::Order newer = PlainOrder("o1", 2);
  newer.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  EXPECT_EQ(Shipments("o1").size(), 1u);
  EXPECT_EQ(Allocated(), "0");
  newer = PlainOrder("o1", 3);
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, AChangeAfterTheFirstScanIsAReviewOnce) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::IN_TRANSIT);
  Run();
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kInTransit);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kChangedAfterPickup);
  EXPECT_THAT(ups.voided, IsEmpty());
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  newer.set_revision(3);
  orders.Put(newer);
  RunAndWait();
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(Loops, ReceivingTheParcelIsNoChange) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  orders::v1::Order received = PlainOrder("o1", 2);
  received.mutable_schedules(0)->set_open_quantity("0");
  received.mutable_schedules(0)->set_ineligible_reason(Schedule::NOTHING_OPEN);
  orders.Put(received);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(Loops, AChangeWhileTheLabelIsBoughtVoidsIt) {
  ups.hold = true;
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(replica->validator.Step());
  for (int i = 0; i < 2000 && ups.creates == 0; ++i) absl::SleepFor(absl::Milliseconds(5));
  ASSERT_EQ(ups.creates, 1);
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  ASSERT_OK(replica->intake.Step());
  ups.Release();
  replica->leases.WaitUntilNone();
  EXPECT_EQ(Shipments("o1").at(0).shipment.state, State::kVoiding);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(Allocated(), "2");
}

TEST_F(Loops, AChangeWhileInDoubtWaitsForTheTruth) {
  ups.next = {CallIn(UpsCall::IN_DOUBT)};
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  const std::string request_id = Only("o1").request_id();
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);  // nothing else is bought meanwhile
  ups.Finish(request_id, UpsCall::NOT_MADE);
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_THAT(ups.voided, IsEmpty());
}

TEST_F(Loops, AVoidThatUpsRefusesIsAReviewAndTheLabelStays) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  EXPECT_EQ(ups.requests.size(), 1u);
  ups.void_fails = absl::OkStatus();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, WhatWaitedForALabelThatStaysGoesByItself) {
  orders.Put(TwoLines());
  Run();
  EXPECT_EQ(LinesLabelled(), (std::multiset<int>{1}));
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders.Put(TwoLinesElsewhere(2));
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  EXPECT_EQ(ups.voids, 1);
  // "Let it go, then cancel."
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  RunAndWait();
  EXPECT_EQ(LinesLabelled(), (std::multiset<int>{1, 2}));
  EXPECT_EQ(ups.voids, 1);
  EXPECT_EQ(Allocated(), "8");
}

TEST_F(Loops, ARefusedVoidIsAskedAboutOnceUntilAPersonDecides) {
  orders.Put(TwoLines());
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders.Put(TwoLinesElsewhere(2));
  RunAndWait();
  const std::string review = Reviews().at(0).review.review_id;
  ASSERT_OK(db().Exec("INSERT INTO replans (connection_id, order_id) VALUES ('c1', 'o1')"));
  RunAndWait();
  orders.Put(TwoLinesElsewhere(3));
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.review_id, review);
  EXPECT_EQ(ups.voids, 1);
}

TEST_F(Loops, WhatWaitedForADoubtThatAPersonEndsGoesByItself) {
  for (const bool turns_up : {false, true}) {
    const std::string end = turns_up ? "VOIDED" : "CANCELLED";
    UpsCall doubt = CallIn(UpsCall::IN_DOUBT);
    doubt.set_needs_person(true);
    ups.next = {doubt};
    orders.Put(TwoLines(end));
    RunAndWait();
    ASSERT_EQ(Reviews().size(), 1u);
    const std::string request_id = "shipments/" + Reviews()[0].review.shipment_id + "/purchases/1";
    orders.Put(TwoLinesElsewhere(2, end));
    RunAndWait();
    ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
    if (turns_up) ups.Finish(request_id, UpsCall::DONE);
    RunAndWait();
    // Line 1 is what the person cancelled: it is not bought again, now or later.
    EXPECT_EQ(LinesLabelled(end), (std::multiset<int>{2})) << end;
    orders.Put(TwoLinesElsewhere(3, end));
    RunAndWait();
    EXPECT_EQ(LinesLabelled(end), (std::multiset<int>{2})) << end;
    EXPECT_EQ(One("SELECT state AS v FROM shipments WHERE holds AND share_lines = '{1}' AND "
                  "order_id = '" +
                  end + "'"),
              end);
  }
}

TEST_F(Loops, GoodsThatCameWhileItWasBoughtAreNotWaitedFor) {
  UpsCall rejected = CallIn(UpsCall::REJECTED);
  rejected.mutable_error()->set_retryable(true);
  for (const UpsCall::State end : {UpsCall::NOT_MADE, UpsCall::REJECTED}) {
    const std::string id = UpsCall::State_Name(end);
    ups.next = {CallIn(UpsCall::IN_DOUBT)};
    orders::v1::Order order = PlainOrder(id);
    *order.mutable_schedules(0) = PlainSchedule(1, 1, "10");
    orders.Put(order);
    RunAndWait();
    order.set_revision(2);
    order.mutable_schedules(0)->set_open_quantity("7");
    orders.Put(order);
    RunAndWait();
    UpsCall& call = ups.calls.at(Only(id).request_id());
    *call.mutable_error() = rejected.error();
    call.set_state(end);
    RunAndWait();
    EXPECT_EQ(Only(id).state, State::kLabeled);
    EXPECT_EQ(Only(id).shares[0].quantity.ToString(), "7");
  }
  EXPECT_EQ(ups.LiveLabels(), 2);
}

TEST_F(Loops, AHoldAndItsReleaseDoNotShipWhatAPersonVoided) {
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  orders::v1::Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(held);
  RunAndWait();
  orders.Put(PlainOrder("o1", 3));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, AScanOfAVoidedParcelIsAReviewThatAPersonCloses) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  tracking.Scan(number, tracking::v1::VOIDED);
  tracking.Scan(number, tracking::v1::PICKED_UP);
  Run();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidedLabelScanned);
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::CANCEL));
  tracking.Scan(number, tracking::v1::DELIVERED);
  RunAndWait();
  EXPECT_THAT(Reviews(), IsEmpty());
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, WhatAPersonVoidedIsNotShippedAgainByItself) {
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  orders.Put(PlainOrder("o1", 2));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);
  orders::v1::Order changed = PlainOrder("o1", 3);
  *changed.mutable_schedules(0) = PlainSchedule(1, 1, "5");
  orders.Put(changed);
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
}

// ---- Deaths ----

TEST_F(Loops, DyingBeforeTheAcknowledgementTakesTheOrderInOnce) {
  orders.acknowledge_fails = absl::UnavailableError("dead");
  orders.Put(PlainOrder("o1"));
  EXPECT_FALSE(replica->intake.Step().ok());
  Restart();
  orders.acknowledge_fails = absl::OkStatus();
  Run();
  EXPECT_EQ(Shipments("o1").size(), 1u);
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_TRUE(orders.IsAcknowledged("orders/o1"));
}

TEST_F(Loops, DyingBetweenIntentAndCallBuysOnceUnderTheSameRequest) {
  ups.create_fails = absl::CancelledError("it never left");
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string request_id = Only("o1").request_id();
  EXPECT_EQ(Allocated(), "4");
  Restart();
  ups.create_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").request_id(), request_id);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, AChangeBetweenIntentAndCallNeitherBuysNorHangs) {
  ups.create_fails = absl::CancelledError("it never left");
  orders.Put(PlainOrder("o1"));
  Run();
  const ups::v1::CreateShipmentRequest first = RequestOf(Only("o1"));
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  ups.create_fails = absl::OkStatus();
  ups.close_fails = absl::UnavailableError("down");
  RunAndWait();
  // The request may still be on its way to the gateway: silence proves nothing.
  EXPECT_EQ(Only("o1").undo, Undo::kChange);
  EXPECT_EQ(Allocated(), "4");
  ups.close_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Only("o1").shares[0].quantity.ToString(), "2");
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(Allocated(), "2");
  // It comes at last, and buys nothing.
  ups.CreateShipment(first, "", [](const absl::StatusOr<UpsCall>& call) {
    ASSERT_OK(call);
    EXPECT_EQ(call->state(), UpsCall::NOT_MADE);
  });
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, APausedConnectionHearsOfItsPurchasesAndBuysNothing) {
  ups.hold = true;
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(replica->validator.Step());
  for (int i = 0; i < 2000 && ups.creates == 0; ++i) absl::SleepFor(absl::Milliseconds(5));
  orders.AddConnection("c1", orders::v1::Connection::PAUSED);
  orders.Put(PlainOrder("o2"));
  LetTimePass();
  const std::unique_ptr<Replica> other = NewReplica();
  ups.hold = false;
  for (int i = 0; i < 5; ++i) other->Round();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o2").state, State::kReceived);
  EXPECT_EQ(ups.creates, 1);
  ups.Release();
  replica->leases.WaitUntilNone();
}

TEST_F(Loops, DyingBetweenLabelAndStoreAsksForTheSameLabel) {
  ups.hold = true;
  orders.Put(PlainOrder("o1"));
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(replica->validator.Step());
  for (int i = 0; i < 2000 && ups.creates == 0; ++i) absl::SleepFor(absl::Milliseconds(5));
  // Another replica gets the row when the lease is over; the first one's answer comes too late.
  LetTimePass();
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->intake.Step());
  ups.hold = false;
  ASSERT_OK(other->buyer.Step());
  other->leases.WaitUntilNone();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  ups.Release();
  replica->leases.WaitUntilNone();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.size(), 1u);
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM labels"), "1");
}

TEST_F(Loops, DyingAfterTheLabelHandsItOverLater) {
  tracking.create_fails = absl::UnavailableError("down");
  ups.acknowledge_fails = absl::UnavailableError("down");
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_FALSE(Only("o1").handed_over);
  Restart();
  tracking.create_fails = ups.acknowledge_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_TRUE(Only("o1").handed_over);
  EXPECT_EQ(tracking.trackers.size(), 1u);
}

TEST_F(Loops, OneTrackerThatIsRefusedDoesNotHoldTheOthers) {
  orders.Put(PlainOrder("o1"));
  orders.Put(PlainOrder("o2"));
  ups.next = {};
  tracking::v1::CreateTrackersRequest::NewTracker foreign;
  foreign.set_shipment("shipments/else");
  tracking.trackers["1ZA1B2C30300010001"] = foreign;
  Run();
  int handed_over = 0;
  for (const auto& record : Shipments()) handed_over += record.shipment.handed_over;
  EXPECT_EQ(handed_over, 1);
}

TEST_F(Loops, TwoReplicasAtOnceBuyEachOrderOnce) {
  constexpr int kOrders = 40;
  for (int i = 0; i < kOrders; ++i) orders.Put(PlainOrder(absl::StrCat("o", i)));
  ASSERT_OK(replica->intake.Step());
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->intake.Step());
  std::vector<std::thread> threads;
  for (Replica* one : {replica.get(), other.get()}) {
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([one] {
        for (int round = 0; round < 20; ++round) {
          (void)one->validator.Step();
          (void)one->buyer.Step();
          (void)one->handing_over.Step();
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  replica->leases.WaitUntilNone();
  other->leases.WaitUntilNone();
  Run();
  EXPECT_EQ(ups.requests.size(), static_cast<std::size_t>(kOrders));
  EXPECT_EQ(ups.LiveLabels(), kOrders);
  EXPECT_EQ(Allocated(), absl::StrCat(4 * kOrders));
}

TEST_F(Loops, ARestoredTrackingDatabaseIsReadFromItsBeginning) {
  orders.Put(PlainOrder("o1"));
  Run();
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::PICKED_UP);
  Run();
  tracking.epoch = "b.";
  tracking.Scan(Only("o1").packages[0].tracking_number, tracking::v1::DELIVERED);
  Run();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
}

TEST_F(Loops, AReplicaThatComesLateToANewEpochGoesOn) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  tracking.Scan(number, tracking::v1::PICKED_UP);
  Run();
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->watcher.Step());
  tracking.epoch = "b.";
  Run();
  EXPECT_FALSE(other->watcher.Step().ok());
  tracking.Scan(number, tracking::v1::DELIVERED);
  ASSERT_OK(other->watcher.Step());
  EXPECT_EQ(Only("o1").state, State::kDelivered);
}

TEST_F(Loops, OneNumberInTwoConnectionsNeverMixes) {
  orders.Put(PlainOrder("o1", 1, "c1"));
  orders.Put(PlainOrder("o2", 1, "c2"));
  Run();
  EXPECT_EQ(ups.LiveLabels(), 2);
  EXPECT_EQ(Only("o1").connection_id, "c1");
  EXPECT_EQ(Only("o2").connection_id, "c2");
}

}  // namespace
}  // namespace psups::shipment_builder::testing
