#include "gmock/gmock.h"
#include "tests/shipment-builder/loops.h"

namespace psups::shipment_builder::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using UpsCall = ups::v1::Call;

// Two lines that leave together, in a package each.
class PartVoids : public Loops {
 protected:
  orders::v1::Order TwoLinesTogether(int64_t revision) {
    orders::v1::Order order = PlainOrder("o1", revision);
    *order.add_schedules() = PlainSchedule(2, 1);
    order.mutable_schedules(1)->set_item_id("10002");
    return order;
  }
  void Buy() {
    orders.Put(TwoLinesTogether(1));
    Run();
    ASSERT_EQ(Only("o1").packages.size(), 2u);
  }
  void CancelSecondLine(int64_t revision) {
    orders::v1::Order order = TwoLinesTogether(revision);
    order.mutable_schedules(1)->set_ineligible_reason(Schedule::LINE_CANCELLED);
    orders.Put(order);
  }
};

TEST_F(Loops, WhatWaitedForALabelThatUpsDoesNotVoidGoesAtOnce) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders::v1::Order split = PlainOrder("o1", 2);
  *split.mutable_schedules(0) = PlainSchedule(1, 1, "3");
  *split.add_schedules() = PlainSchedule(1, 2, "1");
  orders.Put(split);
  RunAndWait();
  // The first is for a person, and stays with its label; nobody forgets the second.
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  EXPECT_EQ(ups.LiveLabels(), 2);
  EXPECT_EQ(One("SELECT allocated::text AS v FROM schedules WHERE schedule_number = 2"), "1");
  EXPECT_EQ(ups.voids, 1);
}

TEST_F(Loops, AHoldThatComesBeforeARefusedVoidIsAskedForAgainShipsNothingNew) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS is not ready.");
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  orders::v1::Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(held);
  RunAndWait();
  ups.void_fails = absl::OkStatus();
  ASSERT_OK(Resolve(Reviews().at(0).review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  orders.Put(PlainOrder("o1", 3));
  RunAndWait();
  EXPECT_EQ(ups.requests.size(), 1u);  // a person wanted it void
}

TEST_F(Loops, AVoidForAHoldThatIsAskedForAgainShipsWhenTheHoldEnds) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS is not ready.");
  orders::v1::Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(held);
  RunAndWait();
  ups.void_fails = absl::OkStatus();
  ASSERT_OK(Resolve(Reviews().at(0).review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  orders.Put(PlainOrder("o1", 3));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Loops, ALabelThatAPersonLetGoStaysWhenTheHoldEnds) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS has picked it up.");
  orders::v1::Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  orders.Put(held);
  RunAndWait();
  ASSERT_OK(Resolve(Reviews().at(0).review.review_id, shipments::v1::Review::CANCEL));
  RunAndWait();
  held.set_revision(3);  // re-dispatched: nobody is asked again
  orders.Put(held);
  RunAndWait();
  orders.Put(PlainOrder("o1", 4));
  RunAndWait();
  EXPECT_EQ(ups.voids, 1);
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_THAT(Reviews(), IsEmpty());
  // Another place is another matter.
  orders::v1::Order elsewhere = PlainOrder("o1", 5);
  *elsewhere.mutable_schedules(0)->mutable_ship_to() =
      AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
  orders.Put(elsewhere);
  RunAndWait();
  EXPECT_EQ(ups.voids, 2);
}

TEST_F(Loops, ALabelOlderThanUpsVoidsIsAReviewAndUpsIsNotAsked) {
  orders.Put(PlainOrder("o1"));
  Run();
  clock.Advance(absl::Hours(91 * 24));
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  EXPECT_EQ(ups.voids, 0);
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  EXPECT_EQ(Allocated(), "4");
}

TEST_F(Loops, AVoidThatWasDoneBeforeIsDone) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.voided.insert(Only("o1").ups_shipment_id);  // 190117
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  RunAndWait();
  EXPECT_EQ(Shipments("o1").at(0).shipment.state, State::kVoided);
  EXPECT_THAT(Reviews(), IsEmpty());
  EXPECT_EQ(Allocated(), "0");
}

TEST_F(Loops, ALabelThatWasVoidedAtUpsByHandIsNotTakenForAlive) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  ups.voided.insert(number);
  tracking.Scan(number, tracking::v1::VOIDED);
  RunAndWait();
  EXPECT_EQ(Shipments("o1").at(0).shipment.state, State::kVoided);
  EXPECT_EQ(Allocated(), "0");
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Loops, ADoubtThatUpsSettlesAfterAPersonVoidedTheLabelIsBoughtAnew) {
  LetOneBeDoubtedForGood();
  const std::string request_id = Only("o1").request_id();
  // The gateway finds it, the clerk too, who voids it and says so.
  ups.Finish(request_id, UpsCall::DONE);
  ups.voided.insert(ups.calls.at(request_id).result().ups_shipment_id());
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Allocated(), "4");
}

TEST_F(Loops, AVoidedLabelStillCountsAgainstTheDaysLimit) {
  shipments::v1::Rules rules;
  rules.mutable_limits()->set_purchases_per_day(1);
  ASSERT_OK(mappings->SetMapping(
      {.connection_id = "c1", .rules = rules, .created_by = "spiffe://psups/admin/a"},
      std::nullopt));
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  orders::v1::Order newer = PlainOrder("o1", 2);
  *newer.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  orders.Put(newer);
  RunAndWait();
  EXPECT_EQ(ups.voids, 1);
  EXPECT_EQ(ups.requests.size(), 1u);  // a void is no refund
  EXPECT_EQ(Only("o1").waits_for, "limit purchases_per_day");
}

// ---- One package of several ----

TEST_F(PartVoids, ACancelledLineTakesItsPackageOnly) {
  Buy();
  const Shipment before = Only("o1");
  ASSERT_EQ(before.packages.size(), 2u);
  CancelSecondLine(2);
  RunAndWait();
  const Shipment after = Only("o1");
  EXPECT_EQ(after.shipment_id, before.shipment_id);
  EXPECT_EQ(after.state, State::kLabeled);
  EXPECT_THAT(ups.voided_packages, UnorderedElementsAre(before.packages[1].tracking_number));
  EXPECT_THAT(ups.voided, IsEmpty());
  EXPECT_EQ(tracking.closed.count(before.packages[1].tracking_number), 1u);
  EXPECT_EQ(tracking.closed.count(before.packages[0].tracking_number), 0u);
  EXPECT_EQ(ups.requests.size(), 1u);  // nothing is bought again
  EXPECT_EQ(Allocated(), "4");
  EXPECT_EQ(after.shares.size(), 1u);
  // The same order again is no change.
  CancelSecondLine(3);
  RunAndWait();
  EXPECT_EQ(ups.voids, 1);
}

TEST_F(PartVoids, WhatComesBackToTheOrderIsBoughtByItself) {
  Buy();
  CancelSecondLine(2);
  RunAndWait();
  orders.Put(TwoLinesTogether(3));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 2);  // one for each line
  EXPECT_EQ(ups.requests.size(), 2u);
  EXPECT_EQ(Allocated(), "8");
}

TEST_F(PartVoids, WhatUpsVoidsAsAWholeOnlyIsVoidedAndTheRestBoughtAnew) {
  Buy();
  ups.part_void_fails = absl::FailedPreconditionError("Only as a whole.");
  CancelSecondLine(2);
  RunAndWait();
  EXPECT_EQ(ups.voided.size(), 1u);
  EXPECT_EQ(ups.requests.size(), 2u);
  EXPECT_EQ(Only("o1").packages.size(), 1u);
  EXPECT_EQ(Allocated(), "4");
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(PartVoids, WhatComesBackWhileItsPackageGoesIsBoughtByItself) {
  Buy();
  ups.void_fails = absl::UnavailableError("down");
  CancelSecondLine(2);
  RunAndWait();
  EXPECT_EQ(Allocated(), "8");
  orders.Put(TwoLinesTogether(3));
  RunAndWait();
  ups.void_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_THAT(ups.voided, IsEmpty());
  EXPECT_EQ(ups.voided_packages.size(), 1u);
  EXPECT_EQ(ups.LiveLabels(), 2);  // one for each line
  EXPECT_EQ(Allocated(), "8");
}

TEST_F(PartVoids, ALowerQuantityWhoseVoidsUpsRefusedIsBoughtWhenAPersonHasThemAskedForAgain) {
  orders::v1::Order order = PlainOrder("o1");
  *order.mutable_schedules(0) = PlainSchedule(1, 1, "25");
  orders.Put(order);
  Run();
  ups.void_fails = absl::FailedPreconditionError("UPS is not ready.");
  order.set_revision(2);
  *order.mutable_schedules(0) = PlainSchedule(1, 1, "20");
  orders.Put(order);
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidRefused);
  ups.void_fails = absl::OkStatus();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Allocated(), "20");
}

TEST_F(PartVoids, WhatAPersonWantedVoidIsNotBoughtAgainBecauseItsPackagesWereToGoBefore) {
  Buy();
  ups.void_fails = absl::UnavailableError("503");
  CancelSecondLine(2);
  RunAndWait();
  ASSERT_OK(store->ChangeShipment(Only("o1").shipment_id, RequestVoid));
  ups.void_fails = absl::FailedPreconditionError("UPS is not ready.");
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  ups.void_fails = absl::OkStatus();
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 0);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(PartVoids, AScanOfAVoidPackageIsAskedAboutWhateverElseIsHeardWithIt) {
  for (const bool void_one_first : {true, false}) {
    const std::string id = void_one_first ? "first" : "second";
    orders::v1::Order order = TwoLinesTogether(1);
    order.set_name("orders/" + id);
    orders.Put(order);
    Run();
    order.set_revision(2);
    order.mutable_schedules(1)->set_ineligible_reason(Schedule::LINE_CANCELLED);
    orders.Put(order);
    RunAndWait();
    const Shipment shipment = Only(id);
    for (const int i : void_one_first ? std::vector<int>{1, 0} : std::vector<int>{0, 1}) {
      tracking.Scan(shipment.packages[static_cast<std::size_t>(i)].tracking_number,
                    tracking::v1::PICKED_UP);
    }
    RunAndWait();
    EXPECT_EQ(Only(id).state, State::kInTransit);
    ASSERT_EQ(Reviews().size(), void_one_first ? 1u : 2u);
  }
  for (const ReviewRecord& record : Reviews()) {
    EXPECT_EQ(record.review.asked.reason, Reason::kVoidedLabelScanned);
  }
  EXPECT_THAT(AuditActions(), Contains("shipment.track").Times(2));
  EXPECT_THAT(AuditActions(), Contains("shipment.review").Times(2));
}

TEST_F(PartVoids, AVoidPackageOnItsWayIsAskedAboutBesideAnotherQuestionAndUntilSomebodyAnswers) {
  Buy();
  CancelSecondLine(2);
  RunAndWait();
  const Shipment shipment = Only("o1");
  tracking.Scan(shipment.packages[1].tracking_number, tracking::v1::PICKED_UP);
  RunAndWait();
  // The rest is to go elsewhere, and is refused its void.
  ups.void_fails = absl::FailedPreconditionError("UPS is not ready.");
  orders::v1::Order elsewhere = PlainOrder("o1", 3);
  *elsewhere.mutable_schedules(0)->mutable_ship_to() =
      AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
  orders.Put(elsewhere);
  RunAndWait();
  std::vector<Reason> reasons;
  for (const ReviewRecord& record : Reviews()) reasons.push_back(record.review.asked.reason);
  EXPECT_THAT(reasons, UnorderedElementsAre(Reason::kVoidedLabelScanned, Reason::kVoidRefused));
}

TEST_F(PartVoids, AVoidPackageThatIsScannedWhileTheRestIsVoidedIsAskedAbout) {
  Buy();
  CancelSecondLine(2);
  RunAndWait();
  const Shipment shipment = Only("o1");
  ups.void_fails = absl::UnavailableError("503");
  ASSERT_OK(store->ChangeShipment(shipment.shipment_id, RequestVoid));
  tracking.Scan(shipment.packages[1].tracking_number, tracking::v1::PICKED_UP);
  RunAndWait();
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kVoidedLabelScanned);
}

TEST_F(PartVoids, APackageThatSomebodyVoidedAtUpsKeepsNoShipmentFromItsEnd) {
  Buy();
  const Shipment shipment = Only("o1");
  tracking.Scan(shipment.packages[1].tracking_number, tracking::v1::VOIDED);
  tracking.Scan(shipment.packages[0].tracking_number, tracking::v1::PICKED_UP);
  tracking.Scan(shipment.packages[0].tracking_number, tracking::v1::DELIVERED);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kDelivered);
}

TEST_F(PartVoids, DyingAfterUpsVoidedThePackageFreesItLater) {
  Buy();
  tracking.close_fails = absl::UnavailableError("down");
  CancelSecondLine(2);
  RunAndWait();
  EXPECT_EQ(Allocated(), "8");
  Restart();
  tracking.close_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Allocated(), "4");
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

}  // namespace
}  // namespace psups::shipment_builder::testing
