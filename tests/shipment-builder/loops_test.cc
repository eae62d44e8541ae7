#include "tests/shipment-builder/loops.h"

#include "common/testing/metric_value.h"
#include "gmock/gmock.h"

namespace psups::shipment_builder::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using UpsCall = ups::v1::Call;
using VerdictResponse = ups::v1::ValidateAddressResponse;

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
    return MetricValue("psups_reviews_opened_total", {{"reason", "ITEM_WEIGHT_MISSING"}});
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

}  // namespace
}  // namespace psups::shipment_builder::testing
