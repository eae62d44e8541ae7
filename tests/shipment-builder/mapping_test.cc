#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "services/shipment-builder/mapping_preview.h"
#include "tests/shipment-builder/dying_store.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PlainOrder;
using testing::Replica;
using ::testing::SizeIs;

class Mapping : public testing::World {
 protected:
  absl::StatusOr<MappingRecord> Set(const std::string& text,
                                    std::optional<int64_t> replaces = std::nullopt,
                                    const std::string& connection = "c1") {
    shipments::v1::Rules rules;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules));
    return mappings->SetMapping({.connection_id = connection,
                                 .rules = rules,
                                 .comment = "try",
                                 .created_by = "spiffe://psups/admin/a"},
                                replaces);
  }
  // So many orders of connection c1, each of one vendor.
  void Put(int count, const std::string& prefix = "o", const std::string& vendor = "0000000042") {
    for (int i = 0; i < count; ++i) {
      orders::v1::Order order = PlainOrder(absl::StrCat(prefix, i));
      order.mutable_schedules(0)->set_vendor_id(vendor);
      orders.Put(order);
    }
  }
  int64_t Labels() { return std::stoll(One("SELECT count(*)::text AS v FROM labels")); }
  int64_t Waiting(const std::string& limit) {
    return std::stoll(
        One("SELECT count(*)::text AS v FROM shipments WHERE waits_for = '" + limit + "'"));
  }
};

// ---- Versions ----

TEST_F(Mapping, EachSetIsAVersionAndTheSameRulesAreNone) {
  EXPECT_EQ(mappings->GetMapping("c1", 0)->version, 0);
  EXPECT_EQ(Set("label_format: 'EPL'")->version, 1);
  EXPECT_EQ(Set("label_format: 'EPL'")->version, 1);
  EXPECT_EQ(Set("label_format: 'ZPL'")->version, 2);
  EXPECT_EQ(mappings->GetMapping("c1", 1)->rules.label_format(), "EPL");
  EXPECT_EQ(mappings->GetMapping("c1", 0)->rules.label_format(), "ZPL");
  EXPECT_TRUE(absl::IsNotFound(mappings->GetMapping("c1", 3).status()));
  EXPECT_THAT(AuditActions(), ElementsAre("mapping.set", "mapping.set"));
}

TEST_F(Mapping, OfTwoWhoReplaceTheSameVersionOneIsTold) {
  ASSERT_OK(Set("label_format: 'EPL'"));
  ASSERT_OK(Set("label_format: 'SPL'", 1));
  const auto late = Set("label_format: 'GIF'", 1);
  EXPECT_TRUE(absl::IsAborted(late.status()));
  EXPECT_THAT(std::string(late.status().message()), HasSubstr("spiffe://psups/admin/a"));
}

TEST_F(Mapping, WhatWaitsForAPersonGoesOnWhenTheRulesAreMended) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ship_type_id("PIGEON");
  orders.Put(order);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kNeedsReview);
  ASSERT_OK(Set(R"(services { ship_type_id: "PIGEON" service_code: "02" })"));
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").service_code, "02");
  EXPECT_EQ(Only("o1").mapping_version, 1);
}

TEST_F(Mapping, ALabelOutlivesNewRulesAndARevisionThatChangesNothing) {
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  ASSERT_EQ(Only("o1").state, State::kLabeled);
  ASSERT_OK(Set(R"(services { ship_type_id: "*" service_code: "01" })"));
  orders::v1::Order again = PlainOrder("o1");
  again.set_revision(again.revision() + 1);
  orders.Put(again);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").service_code, "03");
  EXPECT_EQ(Labels(), 1);
}

TEST_F(Mapping, AnotherReplicaPlansByRulesThatItHasNotReadYet) {
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(Set(R"(services { ship_type_id: "*" service_code: "01" })"));
  ASSERT_OK(replica->rules.Refresh());
  orders.Put(PlainOrder("o1"));
  while (other->Round() > 0) {
  }
  EXPECT_EQ(Only("o1").service_code, "01");
}

TEST_F(Mapping, WhatIsBoughtAfterADeathIsTheSameRequest) {
  ASSERT_OK(Set(R"(label_format: "EPL" description: "Parts" signature: SIGNATURE_REQUIRED)"));
  for (int nth = 1; nth <= 8; ++nth) {
    const std::string id = absl::StrCat("o", nth);
    orders.Put(PlainOrder(id));
    {
      testing::DyingStore dying(*store, nth, testing::DyingStore::When::kAfter);
      NewReplica(dying)->Round();
    }
    Restart();
    RunAndWait();
    const Shipment shipment = Only(id);
    EXPECT_EQ(shipment.state, State::kLabeled) << nth;
    EXPECT_EQ(shipment.terms.label_format(), "EPL") << nth;
    EXPECT_EQ(shipment.purchase.number, 1) << nth;
  }
}

// ---- Preview ----

TEST_F(Mapping, APreviewSaysWhatWouldBeDifferentAndChangesNothing) {
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  Put(2);
  orders::v1::Order odd = PlainOrder("o9");
  odd.mutable_schedules(0)->set_ship_type_id("PIGEON");
  orders.Put(odd);
  RunAndWait();
  const int creates = ups.creates;
  const std::string before = One("SELECT count(*)::text AS v FROM shipments");
  shipments::v1::Rules rules;
  rules.add_services()->set_ship_type_id("*");
  rules.mutable_services(0)->set_service_code("01");
  const auto preview = Preview(*mappings->NewestOrders("c1", 100), replica->planner.BasisFor("c1"),
                               Rules(rules), {});
  EXPECT_EQ(preview.orders(), 3);
  EXPECT_EQ(preview.orders_changed(), 3);
  EXPECT_EQ(preview.active().shipments(), 2);
  ASSERT_THAT(preview.active().reviews(), SizeIs(1));
  EXPECT_EQ(preview.active().reviews(0).key(), "SERVICE_UNMAPPED");
  EXPECT_EQ(preview.proposed().shipments(), 3);
  EXPECT_THAT(preview.proposed().reviews(), SizeIs(0));
  ASSERT_THAT(preview.proposed().services(), SizeIs(1));
  EXPECT_EQ(preview.proposed().services(0).key(), "01");
  std::vector<std::string> changes;
  for (const auto& difference : preview.differences()) {
    changes.insert(changes.end(), difference.changes().begin(), difference.changes().end());
  }
  EXPECT_THAT(changes, Contains("service 03 → 01"));
  EXPECT_THAT(changes, Contains("review SERVICE_UNMAPPED → none"));
  EXPECT_EQ(ups.creates, creates);
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM shipments"), before);
}

TEST_F(Mapping, APreviewEstimatesByWhatLabelsHaveCost) {
  Put(1);
  RunAndWait();
  ASSERT_EQ(Labels(), 1);
  const int64_t paid = Only("o0").charges.amount_minor;
  ASSERT_GT(paid, 0);
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  Put(2, "p");
  RunAndWait();
  const auto preview = Preview(*mappings->NewestOrders("c1", 100), replica->planner.BasisFor("c1"),
                               Rules(shipments::v1::Rules()), *mappings->PastCosts("c1"));
  EXPECT_EQ(preview.active().shipments(), 2);
  EXPECT_EQ(preview.active().cost().amount_minor(), 2 * paid);
  EXPECT_EQ(preview.orders_changed(), 0);
}

// ---- Price and search ----

TEST_F(Mapping, TheCheapestServiceInTimeIsBought) {
  ASSERT_OK(Set(R"(choice { service_codes: ["03", "12", "02", "01"] })"));
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_due_date("2026-11-28");
  orders.Put(order);
  RunAndWait();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(Only("o1").service_code, "12");
  EXPECT_EQ(Only("o1").estimate->amount_minor, 1500);
}

TEST_F(Mapping, WhatIsObservedIsPricedAndNotBought) {
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  ASSERT_OK(Set("choice { estimate: true }"));
  Put(1);
  RunAndWait();
  EXPECT_EQ(Only("o0").state, State::kReceived);
  ASSERT_TRUE(Only("o0").estimate.has_value());
  EXPECT_EQ(Only("o0").estimate->amount_minor, 1000);
  EXPECT_EQ(ups.quotes, 1);
  EXPECT_EQ(ups.creates, 0);
}

TEST_F(Mapping, APriceThatIsNotToBeHadNowIsWaitedFor) {
  ASSERT_OK(Set("choice { estimate: true }"));
  ups.quote_fails = absl::UnavailableError("down");
  Put(1);
  RunAndWait();
  EXPECT_EQ(Labels(), 0);
  ups.quote_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Labels(), 1);
}

TEST_F(Mapping, AnOrderThatWasShippedByHandIsAsked) {
  ASSERT_OK(Set("buying { search_first: true }"));
  const orders::v1::Order order = PlainOrder("o1");
  const std::string reference =
      absl::StrCat(order.document().business_unit(), " ", order.document().document_id());
  ups.by_hand.emplace(reference, "1ZHAND0000000000001");
  orders.Put(order);
  RunAndWait();
  EXPECT_EQ(ups.creates, 0);
  ASSERT_THAT(Reviews(), SizeIs(1));
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kShippedByHand);
  EXPECT_THAT(Reviews()[0].review.asked.message, HasSubstr("1ZHAND0000000000001"));
}

TEST_F(Mapping, OurOwnLabelsAreNoStrangersToTheSearch) {
  ASSERT_OK(Set("buying { search_first: true }"));
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  ASSERT_EQ(Labels(), 1);
  EXPECT_EQ(ups.searches, 1);
  orders::v1::Order more = PlainOrder("o1");
  more.set_revision(more.revision() + 1);
  *more.add_schedules() = testing::PlainSchedule(2, 1);
  const std::string reference =
      absl::StrCat(more.document().business_unit(), " ", more.document().document_id());
  ups.by_hand.emplace(reference, Only("o1").packages[0].tracking_number);
  more.mutable_schedules(1)->set_ship_type_id("2DAY");
  orders.Put(more);
  RunAndWait();
  EXPECT_THAT(Reviews(), SizeIs(0));
  EXPECT_EQ(ups.searches, 2);
}

// ---- Ship-from ----

TEST_F(Mapping, AVendorOutsideTheAccountsCountryIsAsked) {
  ups.account_country = "CA";
  Restart();
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  ASSERT_THAT(Reviews(), SizeIs(1));
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kShipFromAbroad);
  EXPECT_EQ(ups.creates, 0);
}

// ---- Limits ----

TEST_F(Mapping, TwoReplicasTogetherKeepTheConnectionsLimit) {
  ASSERT_OK(Set("limits { purchases_per_hour: 7 }"));
  Put(20);
  const std::unique_ptr<Replica> other = NewReplica();
  std::thread beside([&] {
    for (int i = 0; i < 6; ++i) other->Round();
  });
  for (int i = 0; i < 6; ++i) replica->Round();
  beside.join();
  RunAndWait();
  EXPECT_EQ(Labels(), 7);
  EXPECT_EQ(Waiting("limit purchases_per_hour"), 13);
  EXPECT_THAT(Reviews(), SizeIs(0));
}

TEST_F(Mapping, ALimitThatWasSetAMomentAgoHoldsForAReplicaThatDidNotReadItYet) {
  const std::unique_ptr<Replica> other = NewReplica();
  ASSERT_OK(other->intake.Step());  // what it knows is from before
  Put(3);
  ASSERT_OK(replica->intake.Step());
  ASSERT_OK(Set("limits { purchases_per_hour: 1 }"));
  ASSERT_OK(other->validator.Step());
  other->leases.WaitUntilNone();
  EXPECT_EQ(Labels(), 1);
}

TEST_F(Mapping, ALimitThatHasRoomAgainLetsThemGoOn) {
  ASSERT_OK(Set("limits { purchases_per_hour: 2 }"));
  Put(3);
  RunAndWait();
  EXPECT_EQ(Labels(), 2);
  ASSERT_OK(db().Exec("UPDATE purchases SET create_time = create_time - interval '61 minutes'"));
  RunAndWait();
  EXPECT_EQ(Labels(), 3);
  EXPECT_EQ(Waiting("limit purchases_per_hour"), 0);
}

TEST_F(Mapping, AVendorsLimitStopsThatVendorOnly) {
  ASSERT_OK(Set("limits { vendor_purchases_per_day: 1 }"));
  Put(3, "o", "0000000042");
  Put(1, "p", "0000000043");
  RunAndWait();
  EXPECT_EQ(Labels(), 2);
  EXPECT_EQ(Waiting("limit vendor_purchases_per_day"), 2);
}

TEST_F(Mapping, AnUnusualRateStopsTheConnectionUntilAPersonSaysThatItIsRight) {
  Put(3, "a");
  RunAndWait();
  ASSERT_OK(db().Exec("UPDATE purchases SET create_time = now() - interval '8 days'"));
  ASSERT_OK(Set("limits { anomaly_percent: 200 anomaly_least: 1 }"));
  Put(10, "b");
  RunAndWait();
  EXPECT_EQ(Labels(), 3 + 6);
  ASSERT_THAT(Reviews(), SizeIs(1));
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kPurchasesUnusual);
  EXPECT_EQ(Waiting("unusual rate of purchases"), 4);  // the asked one among them
  shipments::v1::ResolveReviewRequest request;
  request.set_action(shipments::v1::Review::SHIP_ANYWAY);
  ASSERT_OK(Resolve(Reviews()[0].review.review_id, request, "spiffe://psups/operator/a"));
  RunAndWait();
  EXPECT_EQ(Labels(), 13);
}

TEST_F(Mapping, ADayThatIsCountedOutNeverStopsVoids) {
  ASSERT_OK(Set("limits { purchases_per_day: 1 }"));
  Put(1);
  RunAndWait();
  ASSERT_OK(store->ChangeShipment(Only("o0").shipment_id, [](Shipment& shipment, Effects& effects) {
    return RequestVoid(shipment, effects);
  }));
  RunAndWait();
  EXPECT_EQ(One("SELECT state AS v FROM shipments"), "VOIDED");
}

}  // namespace
}  // namespace psups::shipment_builder
