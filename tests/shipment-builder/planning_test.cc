#include "services/shipment-builder/planning.h"

#include <set>
#include <string>
#include <vector>

#include "common/crypto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/purchase.h"
#include "tests/shipment-builder/fake_peers.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;
using ::psups::shipment_builder::testing::AddressAt;
using ::psups::shipment_builder::testing::PlainOrder;
using ::psups::shipment_builder::testing::PlainSchedule;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Derive(std::string_view purpose, std::string_view text) {
  return HmacSha256("test", JoinUnambiguously({purpose, text}));
}

const Calendar kToday{.now =
                          absl::FromCivil(absl::CivilHour(2026, 11, 23, 12), absl::UTCTimeZone())};

Basis BasisOn(const Calendar& calendar) { return {.calendar = calendar, .derive = Derive}; }

std::vector<NewShipment> Plan(const Order& order) {
  std::vector<Shipment> none;
  return Reconcile(order, none, 0, BasisOn(kToday)).fresh;
}

// The reason why the order's only shipment cannot go; empty if it can.
std::string ReasonOf(const Order& order) {
  const std::vector<NewShipment> planned = Plan(order);
  EXPECT_THAT(planned, SizeIs(1));
  if (planned.empty() || !planned[0].effects.review.has_value()) return "";
  return std::string(Name(planned[0].effects.review->reason));
}

Order With(void (*change)(Schedule& schedule)) {
  Order order = PlainOrder("o1");
  change(*order.mutable_schedules(0));
  return order;
}

// ---- Groups ----

TEST(Grouping, SchedulesOfOneWayTravelTogether) {
  Order order = PlainOrder("o1");
  *order.add_schedules() = PlainSchedule(1, 2);
  *order.add_schedules() = PlainSchedule(2, 1);
  const auto planned = Plan(order);
  ASSERT_THAT(planned, SizeIs(1));
  EXPECT_THAT(planned[0].shipment.shares, SizeIs(3));
  EXPECT_THAT(planned[0].shipment.packages, SizeIs(3));  // packages never mix schedules
  EXPECT_EQ(planned[0].shipment.packages[2].number, 3);
}

TEST(Grouping, AnotherPlaceServiceOrDayIsAnotherShipment) {
  Order order = PlainOrder("o1");
  Schedule other = PlainSchedule(2, 1);
  other.set_ship_to_id("AUSTIN");
  *order.add_schedules() = other;
  other = PlainSchedule(3, 1);
  other.set_vendor_id("0000000099");
  *order.add_schedules() = other;
  other = PlainSchedule(4, 1);
  other.set_ship_type_id("2DAY");
  *order.add_schedules() = other;
  other = PlainSchedule(5, 1);
  other.set_ship_date("2026-11-28");
  *order.add_schedules() = other;
  EXPECT_THAT(Plan(order), SizeIs(5));
}

TEST(Grouping, BlankAndGroundAndPastDaysAreTheSameWay) {
  Order order = PlainOrder("o1");
  Schedule other = PlainSchedule(2, 1);
  other.set_ship_type_id("");
  other.set_ship_date("2026-11-20");
  *order.add_schedules() = other;
  other.set_line_number(3);
  other.set_ship_date("2026-11-23");
  *order.add_schedules() = other;
  EXPECT_THAT(Plan(order), SizeIs(1));
}

TEST(Grouping, OneVendorWithTwoAddressesIsTwoShipments) {
  Order order = PlainOrder("o1");
  Schedule other = PlainSchedule(2, 1);
  other.mutable_ship_from()->set_lines(0, "200 Mill St");
  *order.add_schedules() = other;
  EXPECT_THAT(Plan(order), SizeIs(2));
}

TEST(Grouping, WhatIsIneligibleOrNotOpenStaysOut) {
  Order order = PlainOrder("o1");
  Schedule other = PlainSchedule(2, 1);
  other.set_ineligible_reason(Schedule::HOLD);
  *order.add_schedules() = other;
  other = PlainSchedule(3, 1);
  other.set_open_quantity("0");
  *order.add_schedules() = other;
  other = PlainSchedule(4, 1);
  other.set_open_quantity("9");  // more than ordered: not ours to guess
  *order.add_schedules() = other;
  const auto planned = Plan(order);
  ASSERT_THAT(planned, SizeIs(1));
  EXPECT_THAT(planned[0].shipment.shares, SizeIs(1));
}

// ---- What stands in the way ----

TEST(Planning, EachProblemIsItsReview) {
  EXPECT_EQ(ReasonOf(With([](Schedule&) {})), "");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.clear_ship_from(); })), "NO_SHIP_FROM");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_ship_from()->clear_lines(); })),
            "NO_SHIP_FROM");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.clear_ship_to(); })), "NO_SHIP_TO");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_ship_to()->clear_name(); })), "NO_SHIP_TO");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_ship_to()->set_country_code("CA"); })),
            "COUNTRY_UNSUPPORTED");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_ship_from()->set_country_code("MX"); })),
            "COUNTRY_UNSUPPORTED");
  EXPECT_EQ(
      ReasonOf(With([](Schedule& s) { s.mutable_ship_to()->set_name(std::string(36, 'x')); })),
      "FIELD_TOO_LONG");
  EXPECT_EQ(
      ReasonOf(With([](Schedule& s) { s.mutable_ship_to()->set_name(std::string(35, 'x')); })), "");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) {
              s.mutable_ship_to()->set_attention_name(std::string(36, 'x'));
            })),
            "FIELD_TOO_LONG");
  EXPECT_EQ(ReasonOf(With(
                [](Schedule& s) { s.mutable_ship_from()->set_lines(0, std::string(36, '1')); })),
            "FIELD_TOO_LONG");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) {
              for (int i = 0; i < 3; ++i) s.mutable_ship_to()->add_lines("More");
            })),
            "FIELD_TOO_LONG");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.set_ship_type_id("DRONE"); })), "SERVICE_UNMAPPED");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_shipping_weight()->set_value("0"); })),
            "ITEM_WEIGHT_MISSING");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_item_dimensions()->set_width(""); })),
            "ITEM_DIMENSIONS_MISSING");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_shipping_weight()->set_unit("STN"); })),
            "UOM_UNKNOWN");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_shipping_weight()->set_value("151"); })),
            "PACKAGE_TOO_HEAVY");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) { s.mutable_item_dimensions()->set_length("109"); })),
            "PACKAGE_TOO_LARGE");
  EXPECT_EQ(ReasonOf(With([](Schedule& s) {
              s.mutable_shipping_weight()->set_value("60");
              s.set_ordered_quantity("201");
              s.set_open_quantity("201");
            })),
            "TOO_MANY_PACKAGES");
}

TEST(Planning, NoReviewTellsAnAddress) {
  for (void (*change)(Schedule&) : std::initializer_list<void (*)(Schedule&)>{
           [](Schedule& s) {
             s.mutable_ship_to()->set_lines(0, "1500 Secret" + std::string(30, 'x'));
           },
           [](Schedule& s) { s.mutable_ship_to()->set_name("Secret" + std::string(36, 'x')); },
           [](Schedule& s) { s.mutable_ship_to()->set_city("Secret" + std::string(36, 'x')); },
           [](Schedule& s) {
             s.mutable_ship_to()->set_lines(0, "Secret");
             s.mutable_ship_to()->set_country_code("CA");
           }}) {
    const auto planned = Plan(With(change));
    ASSERT_TRUE(planned.at(0).effects.review.has_value());
    EXPECT_EQ(planned[0].effects.review->message.find("Secret"), std::string::npos);
    EXPECT_EQ(planned[0].effects.detail.dump().find("Secret"), std::string::npos);
  }
}

TEST(Planning, ServicesByShipVia) {
  const std::pair<const char*, const char*> services[] = {
      {"", "03"}, {"GROUND", "03"}, {"3DAY", "12"}, {"2DAY", "02"}, {"1DAY", "01"}};
  for (const auto& [ship_type, code] : services) {
    Order order = PlainOrder("o1");
    order.mutable_schedules(0)->set_ship_type_id(ship_type);
    EXPECT_EQ(Plan(order).at(0).shipment.service_code, code);
  }
}

TEST(Planning, ItStartsWhereItShould) {
  Order order = PlainOrder("o1");
  EXPECT_EQ(Plan(order).at(0).shipment.state, State::kValidating);
  EXPECT_EQ(Plan(order).at(0).shipment.ship_date, "");
  order.mutable_schedules(0)->set_ship_date("2026-11-30");  // in seven days
  EXPECT_EQ(Plan(order).at(0).shipment.state, State::kValidating);
  EXPECT_EQ(Plan(order).at(0).shipment.ship_date, "2026-11-30");
  order.mutable_schedules(0)->set_ship_date("2026-12-01");
  EXPECT_EQ(Plan(order).at(0).shipment.state, State::kReceived);
  EXPECT_EQ(Plan(order).at(0).shipment.due_in, absl::Hours(12));  // tomorrow's first hour
}

TEST(Planning, IdsAreDerivedNotDrawn) {
  EXPECT_EQ(Plan(PlainOrder("o1")).at(0).shipment.shipment_id,
            Plan(PlainOrder("o1")).at(0).shipment.shipment_id);
  EXPECT_NE(Plan(PlainOrder("o1")).at(0).shipment.shipment_id,
            Plan(PlainOrder("o2")).at(0).shipment.shipment_id);
}

TEST(Purchases, ReferencesAreDerivedShortAndDifferByAttempt) {
  std::set<std::string> references;
  for (const int64_t revision : {1, 2}) {
    Shipment shipment = Plan(PlainOrder("o1", revision)).at(0).shipment;
    for (int attempt = 0; attempt < 3; ++attempt) {
      OpenPurchase(shipment, "accounts/a", kToday, Derive);
      EXPECT_LE(shipment.purchase.reference.size(), 26u);
      references.insert(shipment.purchase.reference);
    }
  }
  EXPECT_THAT(references, SizeIs(6));
  Shipment again = Plan(PlainOrder("o1", 1)).at(0).shipment;
  OpenPurchase(again, "accounts/a", kToday, Derive);
  EXPECT_EQ(references.count(again.purchase.reference), 1u);
}

// ---- Changes ----

Shipment Labelled(const Order& order) {
  Shipment shipment = Plan(order).at(0).shipment;
  OpenPurchase(shipment, "accounts/a", kToday, Derive);
  shipment.purchase.state = PurchaseState::kDone;
  shipment.state = State::kLabeled;
  shipment.ups_shipment_id = "1Z";
  return shipment;
}

Shipment Scanned(const Order& order) {
  Shipment shipment = Labelled(order);
  shipment.state = State::kInTransit;
  return shipment;
}

Order Changed(int64_t revision = 2) {
  Order order = PlainOrder("o1", revision);
  *order.mutable_schedules(0) = PlainSchedule(1, 1, "2");
  return order;
}

struct Outcome {
  Shipment shipment;
  std::size_t fresh;
  bool review;
};

Outcome After(Shipment shipment, const Order& order, const Calendar& calendar = kToday) {
  std::vector<Shipment> existing = {std::move(shipment)};
  const Reconciliation result = Reconcile(order, existing, 1, BasisOn(calendar));
  return {existing[0], result.fresh.size(),
          result.changes[0].has_value() && result.changes[0]->review.has_value()};
}

TEST(Changes, WithoutALabelTheOldIsReplaced) {
  const Order order = PlainOrder("o1");
  for (const State state : {State::kReceived, State::kValidating, State::kLabeling,
                            State::kNeedsReview, State::kFailed}) {
    Shipment shipment = Plan(order).at(0).shipment;
    shipment.state = state;
    const Outcome outcome = After(shipment, Changed());
    EXPECT_EQ(outcome.shipment.state, State::kWithdrawn) << Name(state);
    EXPECT_FALSE(outcome.shipment.holds);
    EXPECT_EQ(outcome.fresh, 1u);
  }
}

TEST(Changes, NothingChangedMeansNothingHappens) {
  const Order again = PlainOrder("o1", 2);
  for (const State state : {State::kReceived, State::kValidating, State::kLabeling,
                            State::kNeedsReview, State::kFailed, State::kCancelled}) {
    Shipment shipment = Plan(PlainOrder("o1")).at(0).shipment;
    shipment.state = state;
    const Outcome outcome = After(shipment, again);
    EXPECT_EQ(outcome.shipment.state, state) << Name(state);
    EXPECT_EQ(outcome.fresh, 0u);
    EXPECT_EQ(outcome.shipment.order_revision, 2);
  }
  EXPECT_EQ(After(Labelled(PlainOrder("o1")), again).shipment.state, State::kLabeled);
  EXPECT_EQ(After(Scanned(PlainOrder("o1")), again).shipment.state, State::kInTransit);
}

TEST(Changes, ALabelIsVoidedFirstAndTheNewOneWaits) {
  const Outcome outcome = After(Labelled(PlainOrder("o1")), Changed());
  EXPECT_EQ(outcome.shipment.state, State::kVoiding);
  EXPECT_EQ(outcome.shipment.undo, Undo::kChange);
  EXPECT_EQ(outcome.fresh, 0u);
}

TEST(Changes, EachPartOfTheContentCounts) {
  const auto changed = [](void (*change)(Schedule&)) {
    Order order = PlainOrder("o1", 2);
    change(*order.mutable_schedules(0));
    return After(Labelled(PlainOrder("o1")), order).shipment.state == State::kVoiding;
  };
  EXPECT_TRUE(changed([](Schedule& s) { s.mutable_ship_to()->set_lines(0, "1 Other St"); }));
  EXPECT_TRUE(changed([](Schedule& s) { s.mutable_ship_to()->set_name("Other"); }));
  EXPECT_TRUE(changed([](Schedule& s) { s.mutable_ship_from()->set_city("Salem"); }));
  EXPECT_TRUE(changed([](Schedule& s) { s.set_ship_type_id("1DAY"); }));
  EXPECT_TRUE(changed([](Schedule& s) { s.mutable_shipping_weight()->set_value("6"); }));
  EXPECT_TRUE(changed([](Schedule& s) { s.set_ineligible_reason(Schedule::STATUS); }));
  EXPECT_FALSE(changed([](Schedule& s) { s.set_unit_price("99"); }));
  EXPECT_FALSE(changed([](Schedule& s) { s.set_description("new words"); }));
  EXPECT_FALSE(changed([](Schedule& s) { s.set_ship_date("2026-11-28"); }));
}

TEST(Changes, ALabelBeingBoughtIsToBeUndone) {
  Shipment shipment = Plan(PlainOrder("o1")).at(0).shipment;
  OpenPurchase(shipment, "accounts/a", kToday, Derive);
  Outcome outcome = After(shipment, Changed());
  EXPECT_EQ(outcome.shipment.state, State::kLabeling);
  EXPECT_EQ(outcome.shipment.undo, Undo::kChange);
  EXPECT_EQ(outcome.fresh, 0u);
  // Changed back meanwhile: it is wanted after all.
  outcome = After(outcome.shipment, PlainOrder("o1", 3));
  EXPECT_EQ(outcome.shipment.undo, Undo::kNone);
}

TEST(Changes, AScannedShipmentIsAskedAboutOncePerRevision) {
  Outcome outcome = After(Scanned(PlainOrder("o1")), Changed());
  EXPECT_TRUE(outcome.review);
  EXPECT_EQ(outcome.shipment.state, State::kInTransit);
  EXPECT_EQ(outcome.fresh, 0u);
  EXPECT_FALSE(After(outcome.shipment, Changed()).review);
  EXPECT_TRUE(After(outcome.shipment, Changed(3)).review);
}

TEST(Changes, ReceiptsOfTheParcelAreNoChange) {
  Order received = PlainOrder("o1", 2);
  received.mutable_schedules(0)->set_open_quantity("1");
  EXPECT_FALSE(After(Scanned(PlainOrder("o1")), received).review);
  received.mutable_schedules(0)->set_open_quantity("0");
  received.mutable_schedules(0)->set_ineligible_reason(Schedule::STATUS);  // complete
  EXPECT_FALSE(After(Scanned(PlainOrder("o1")), received).review);
  EXPECT_EQ(After(Labelled(PlainOrder("o1")), received).shipment.state, State::kLabeled);
  // Cancelled instead, nothing received.
  received.mutable_schedules(0)->set_open_quantity("4");
  EXPECT_TRUE(After(Scanned(PlainOrder("o1")), received).review);
}

TEST(Changes, WhatWasCutToWhatHasArrivedLosesItsLabel) {
  Order cut = PlainOrder("o1", 2);
  cut.mutable_schedules(0)->set_ordered_quantity("1");  // of 4: this one came another way
  cut.mutable_schedules(0)->set_open_quantity("0");
  cut.mutable_schedules(0)->set_ineligible_reason(Schedule::NOTHING_OPEN);
  EXPECT_EQ(After(Labelled(PlainOrder("o1")), cut).shipment.state, State::kVoiding);
  EXPECT_TRUE(After(Scanned(PlainOrder("o1")), cut).review);
}

TEST(Changes, ReceiptsBeforeTheShipmentCountFromThere) {
  Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ordered_quantity("10");  // 6 were received before
  Order received = order;
  received.set_revision(2);
  received.mutable_schedules(0)->set_open_quantity("0");
  received.mutable_schedules(0)->set_ineligible_reason(Schedule::NOTHING_OPEN);
  EXPECT_EQ(After(Labelled(order), received).shipment.state, State::kLabeled);
}

TEST(Changes, AScheduleThatIsAddedShipsByItself) {
  Order more = PlainOrder("o1", 2);
  *more.add_schedules() = PlainSchedule(2, 1);
  Outcome outcome = After(Labelled(PlainOrder("o1")), more);
  EXPECT_EQ(outcome.shipment.state, State::kLabeled);
  EXPECT_EQ(outcome.fresh, 1u);
  // Before a label both go together.
  outcome = After(Plan(PlainOrder("o1")).at(0).shipment, more);
  EXPECT_EQ(outcome.shipment.state, State::kWithdrawn);
  EXPECT_EQ(outcome.fresh, 1u);
}

TEST(Changes, WhatWouldTravelWithAVoidedPartWaitsForIt) {
  Order two = PlainOrder("o1");
  Schedule other = PlainSchedule(2, 1);
  other.set_ship_to_id("AUSTIN");
  *other.mutable_ship_to() = AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
  *two.add_schedules() = other;
  Shipment labelled = Labelled(PlainOrder("o1"));  // line 1, to Denver
  // Now both go to Austin: line 1 is being voided, line 2 waits to travel with it.
  Order changed = two;
  changed.set_revision(2);
  changed.mutable_schedules(0)->set_ship_to_id("AUSTIN");
  *changed.mutable_schedules(0)->mutable_ship_to() = other.ship_to();
  std::vector<Shipment> existing = {labelled};
  EXPECT_THAT(Reconcile(changed, existing, 1, BasisOn(kToday)).fresh, IsEmpty());
  EXPECT_EQ(existing[0].state, State::kVoiding);
  existing.clear();
  const auto fresh = Reconcile(changed, existing, 1, BasisOn(kToday)).fresh;
  ASSERT_THAT(fresh, SizeIs(1));
  EXPECT_THAT(fresh[0].shipment.shares, SizeIs(2));
}

TEST(Changes, DaysThatPassAreNoChange) {
  Order two = PlainOrder("o1");
  Schedule later = PlainSchedule(2, 1);
  later.set_ship_date("2026-11-25");
  *two.add_schedules() = later;
  std::vector<Shipment> existing;
  for (NewShipment& fresh : Reconcile(two, existing, 0, BasisOn(kToday)).fresh) {
    Shipment shipment = fresh.shipment;
    shipment.state = State::kLabeled;
    shipment.ups_shipment_id = "1Z";
    existing.push_back(shipment);
  }
  ASSERT_THAT(existing, SizeIs(2));
  two.set_revision(2);
  Calendar later_on = kToday;
  later_on.now += absl::Hours(24 * 10);
  EXPECT_THAT(Reconcile(two, existing, 2, BasisOn(later_on)).fresh, IsEmpty());
  for (const Shipment& shipment : existing) EXPECT_EQ(shipment.state, State::kLabeled);
}

TEST(Changes, WhatAPersonDecidedHoldsUntilTheOrderChanges) {
  Shipment cancelled = Plan(PlainOrder("o1")).at(0).shipment;
  cancelled.state = State::kCancelled;
  EXPECT_EQ(After(cancelled, PlainOrder("o1", 2)).fresh, 0u);
  const Outcome outcome = After(cancelled, Changed());
  EXPECT_EQ(outcome.fresh, 1u);
  EXPECT_FALSE(outcome.shipment.holds);
  EXPECT_EQ(outcome.shipment.state, State::kCancelled);
}

TEST(Changes, ACancelledShipmentHoldsUpNoOtherSchedule) {
  Order two = PlainOrder("o1");
  *two.add_schedules() = PlainSchedule(2, 1);
  Shipment cancelled = Plan(two).at(0).shipment;
  ASSERT_THAT(cancelled.shares, SizeIs(2));
  cancelled.state = State::kCancelled;
  // The first line is held by now; a third one came.
  Order now = two;
  now.set_revision(2);
  now.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  *now.add_schedules() = PlainSchedule(3, 1);
  EXPECT_EQ(After(cancelled, now).fresh, 1u);
}

TEST(Changes, WhatAPersonUndidStaysUndoneThroughAHold) {
  Order held = PlainOrder("o1", 2);
  held.mutable_schedules(0)->set_ineligible_reason(Schedule::HOLD);
  Shipment cancelled = Plan(PlainOrder("o1")).at(0).shipment;
  cancelled.state = State::kCancelled;
  Shipment voided = Labelled(PlainOrder("o1"));
  voided.state = State::kVoided;
  voided.undo = Undo::kPerson;
  voided.purchase.state = PurchaseState::kVoided;
  for (const Shipment& shipment : {cancelled, voided}) {
    Outcome outcome = After(shipment, held);
    EXPECT_TRUE(outcome.shipment.holds) << Name(shipment.state);
    outcome = After(outcome.shipment, PlainOrder("o1", 3));
    EXPECT_TRUE(outcome.shipment.holds);
    EXPECT_EQ(outcome.fresh, 0u);
    EXPECT_EQ(After(outcome.shipment, Changed(4)).fresh, 1u);
  }
  // While it is being voided, too.
  voided.state = State::kVoiding;
  EXPECT_EQ(After(voided, held).shipment.undo, Undo::kPerson);
  EXPECT_EQ(After(voided, Changed()).shipment.undo, Undo::kChange);
}

TEST(Changes, ClosingAnOrderThatHasArrivedAsksNothing) {
  Order closed = PlainOrder("o1", 2);
  closed.mutable_schedules(0)->set_ineligible_reason(Schedule::STATUS);
  for (const State end : {State::kDelivered, State::kReturned, State::kLost}) {
    Shipment shipment = Labelled(PlainOrder("o1"));
    shipment.state = end;
    EXPECT_FALSE(After(shipment, closed).review) << Name(end);
    EXPECT_TRUE(After(shipment, Changed()).review) << Name(end);
  }
  EXPECT_TRUE(After(Scanned(PlainOrder("o1")), closed).review);  // it can still be stopped
}

TEST(Changes, WhoseVoidIsBeforeAPersonIsLeftAlone) {
  Shipment shipment = Labelled(PlainOrder("o1"));
  shipment.void_refused = true;
  EXPECT_EQ(After(shipment, Changed()).shipment.state, State::kLabeled);
  EXPECT_EQ(After(shipment, Changed()).fresh, 0u);
  shipment.state = State::kInTransit;
  EXPECT_FALSE(After(shipment, Changed()).review);
}

TEST(Changes, TheSameTwiceIsTheSameAsOnce) {
  const Order order = Changed();
  std::vector<Shipment> existing = {Plan(PlainOrder("o1")).at(0).shipment};
  const Reconciliation first = Reconcile(order, existing, 1, BasisOn(kToday));
  ASSERT_THAT(first.fresh, SizeIs(1));
  std::vector<Shipment> now = {first.fresh[0].shipment};
  const Reconciliation second = Reconcile(order, now, 2, BasisOn(kToday));
  EXPECT_THAT(second.fresh, IsEmpty());
  EXPECT_EQ(now[0].state, first.fresh[0].shipment.state);
}

}  // namespace
}  // namespace psups::shipment_builder
