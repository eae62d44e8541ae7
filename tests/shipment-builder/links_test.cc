#include <future>
#include <thread>

#include "common/metrics.h"
#include "gmock/gmock.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

using psups::testing::HasCode;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A requisition and the purchase order it was sourced to: one of them ships.
class Links : public World {
 protected:
  static orders::v1::Order Requisition(const std::string& id, int64_t revision = 1) {
    orders::v1::Order order = PlainOrder(id, revision);
    order.mutable_document()->set_document_type(type::v1::REQUISITION);
    return order;
  }
  // Its only schedule came from the first schedules of `requisitions`.
  static orders::v1::Order PurchaseOrder(const std::string& id,
                                         const std::vector<std::string>& requisitions,
                                         int64_t revision = 1) {
    orders::v1::Order order = PlainOrder(id, revision);
    for (const std::string& requisition : requisitions) {
      auto& source = *order.mutable_schedules(0)->add_sources();
      source.set_order("orders/" + requisition);
      source.set_line_number(1);
      source.set_schedule_number(1);
    }
    return order;
  }
  static orders::v1::Order Sourced(orders::v1::Order requisition) {
    requisition.set_revision(requisition.revision() + 1);
    requisition.mutable_schedules(0)->set_ineligible_reason(Schedule::SOURCED_TO_PO);
    return requisition;
  }

  void Ship(const orders::v1::Order& order) {
    orders.Put(order);
    Run();
    EXPECT_EQ(Only(AfterSlash(order.name())).state, State::kLabeled);
  }
  static std::string AfterSlash(const std::string& name) { return name.substr(name.find('/') + 1); }
  void Void(const std::string& order) {
    ASSERT_OK(store->ChangeShipment(Only(order).shipment_id, RequestVoid));
    Run();
  }
  // Whether `order` has a label that is not void.
  bool Labelled(const std::string& order) {
    const std::vector<ShipmentRecord> shipments = Shipments(order);
    return std::any_of(shipments.begin(), shipments.end(), [](const ShipmentRecord& record) {
      return record.shipment.state == State::kLabeled;
    });
  }
  std::string Skipped(const std::string& order) {
    return One("SELECT skipped AS v FROM schedules WHERE order_id = '" + order + "'");
  }
  // Leases what waits to be validated, and buys it.
  absl::Status Buy(const std::vector<Leased>& leased) {
    return store
        ->Update(leased, absl::Minutes(1),
                 [&](Shipment& shipment, std::size_t) {
                   return OpenPurchase(shipment, "accounts/main", replica->planner.calendar(),
                                       derive);
                 })
        .status();
  }
  std::vector<Leased> LeaseAll() {
    auto leased = store->Lease(Work::kValidate, 100, absl::Minutes(1));
    EXPECT_OK(leased);
    return leased.ok() ? *leased : std::vector<Leased>{};
  }
  void TakeIn(const std::vector<orders::v1::Order>& some) {
    ASSERT_OK(store->TakeIn(some, replica->planner.plan()));
  }
};

TEST_F(Links, WhatWasShippedAsARequisitionIsNotShippedAsAPurchaseOrder) {
  Ship(Requisition("r1"));
  orders.Put(PurchaseOrder("p1", {"r1"}));
  RunAndWait();
  EXPECT_EQ(ups.LiveLabels(), 1);
  EXPECT_THAT(Shipments("p1"), IsEmpty());
  EXPECT_THAT(Reviews(), IsEmpty());
  EXPECT_TRUE(orders.IsAcknowledged("orders/p1"));
  EXPECT_EQ(Skipped("p1"), "SHIPPED_AS_REQUISITION");
  EXPECT_EQ(One("SELECT convert_from(entry, 'UTF8')::json->'detail'->'schedules'->0->>'reason' AS "
                "v FROM audit_outbox WHERE convert_from(entry, 'UTF8') LIKE '%order.skip%'"),
            "SHIPPED_AS_REQUISITION");
}

TEST_F(Links, WhatIsSkippedStandsInTheLedgerOnce) {
  Ship(Requisition("r1"));
  for (int revision = 1; revision < 4; ++revision) {
    orders.Put(PurchaseOrder("p1", {"r1"}, revision));
    Run();
  }
  const std::vector<std::string> actions = AuditActions();
  EXPECT_EQ(std::count(actions.begin(), actions.end(), "order.skip"), 1);
}

TEST_F(Links, TheOtherSchedulesOfThePurchaseOrderShip) {
  Ship(Requisition("r1"));
  orders::v1::Order order = PurchaseOrder("p1", {"r1"});
  *order.add_schedules() = PlainSchedule(2, 1);
  Ship(order);
  ASSERT_THAT(Only("p1").shares, SizeIs(1));
  EXPECT_EQ(Only("p1").shares[0].line, 2);
}

TEST_F(Links, ARequisitionsLabelStaysWhenItIsSourcedLater) {
  const orders::v1::Order requisition = Requisition("r1");
  Ship(requisition);
  orders.Put(Sourced(requisition));
  Run();
  orders.Put(PurchaseOrder("p1", {"r1"}));
  RunAndWait();
  EXPECT_TRUE(Labelled("r1"));
  EXPECT_EQ(ups.voids, 0);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Links, ARequisitionWithoutALabelGivesWayWhenItIsSourced) {
  ups.validate_fails = absl::UnavailableError("down");
  orders.Put(Requisition("r1"));
  Run();
  orders.Put(Sourced(Requisition("r1")));
  orders.Put(PurchaseOrder("p1", {"r1"}));
  ups.validate_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_TRUE(Labelled("p1"));
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Links, ARequisitionWaitsWhileItsPurchaseOrderHasTheLabel) {
  Ship(PurchaseOrder("p1", {"r1"}));
  orders.Put(Requisition("r1"));  // its own revision does not say so yet
  orders.Put(PlainOrder("o1"));   // of the same batch
  RunAndWait(8);
  EXPECT_EQ(Only("r1").state, State::kLabeling);
  EXPECT_EQ(Only("r1").purchase.number, 0);
  EXPECT_TRUE(Labelled("o1"));
  EXPECT_EQ(ups.requests.size(), 2u);
}

TEST_F(Links, OfTwoThatAreBoughtTogetherOneIsAndTheOthersGoOn) {
  orders.Put(Requisition("r1"));
  orders.Put(PurchaseOrder("p1", {"r1"}));
  orders.Put(PlainOrder("o1"));
  RunAndWait();
  EXPECT_NE(Labelled("r1"), Labelled("p1"));
  EXPECT_TRUE(Labelled("o1"));
  EXPECT_EQ(ups.requests.size(), 2u);
}

TEST_F(Links, ALinkThatIsLearnedWhileTheRequisitionIsBoughtHolds) {
  TakeIn({Requisition("r1")});
  const std::vector<Leased> requisition = LeaseAll();
  TakeIn({PurchaseOrder("p1", {"r1"})});
  const std::vector<Leased> purchase_order = LeaseAll();
  ASSERT_THAT(purchase_order, SizeIs(1));
  ASSERT_OK(Buy(requisition));
  EXPECT_THAT(Buy(purchase_order), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(Allocated(), "4");
}

TEST_F(Links, ARequisitionCannotTakeWhatItsPurchaseOrderHolds) {
  TakeIn({Requisition("r1")});
  const std::vector<Leased> requisition = LeaseAll();
  TakeIn({PurchaseOrder("p1", {"r1"})});
  ASSERT_OK(Buy(LeaseAll()));
  EXPECT_THAT(Buy(requisition), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(Allocated(), "4");
}

// Both have taken their quantity and looked before one of them commits, if nothing keeps them from
// it.
TEST_F(Links, OfTwoPurchasesAtOnceOneWins) {
  TakeIn({Requisition("r1")});
  const std::vector<Leased> requisition = LeaseAll();
  TakeIn({PurchaseOrder("p1", {"r1"})});
  const std::vector<Leased> purchase_order = LeaseAll();
  std::future<absl::Status> first, second;
  ASSERT_OK(db().Transact([&](Tx& tx) -> absl::Status {
    // The last thing that both write.
    EXPECT_OK(tx.Exec("LOCK TABLE audit_outbox IN EXCLUSIVE MODE"));
    first = std::async(std::launch::async, [&] { return Buy(requisition); });
    second = std::async(std::launch::async, [&] { return Buy(purchase_order); });
    while (One("SELECT (count(*) >= 2)::text AS v FROM pg_locks WHERE NOT granted") != "true") {
      std::this_thread::yield();
    }
    return absl::OkStatus();
  }));
  const absl::Status one = first.get(), other = second.get();
  EXPECT_NE(one.ok(), other.ok());
  EXPECT_THAT(one.ok() ? other : one, HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(Allocated(), "4");
}

// The requisition's void and the purchase order's arrival, each before the other has committed.
TEST_F(Links, AVoidAtTheMomentThePurchaseOrderComesIsNotMissed) {
  Ship(Requisition("r1"));
  ASSERT_OK(store->ChangeShipment(Only("r1").shipment_id, RequestVoid));
  std::future<void> voided, taken_in;
  ASSERT_OK(db().Transact([&](Tx& tx) -> absl::Status {
    EXPECT_OK(tx.Exec("LOCK TABLE audit_outbox IN EXCLUSIVE MODE"));
    voided = std::async(std::launch::async, [&] { EXPECT_OK(replica->voider.Step()); });
    taken_in = std::async(std::launch::async, [&] { TakeIn({PurchaseOrder("p1", {"r1"})}); });
    while (One("SELECT (count(*) >= 2)::text AS v FROM pg_locks WHERE NOT granted") != "true") {
      std::this_thread::yield();
    }
    return absl::OkStatus();
  }));
  voided.get();
  taken_in.get();
  orders.Put(PurchaseOrder("p1", {"r1"}));
  RunAndWait();
  EXPECT_TRUE(Labelled("p1"));
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Links, ThePurchaseOrderShipsWhenTheRequisitionsLabelIsVoid) {
  Ship(Requisition("r1"));
  orders.Put(PurchaseOrder("p1", {"r1"}));
  Run();
  ASSERT_FALSE(Labelled("p1"));
  Void("r1");
  EXPECT_TRUE(Labelled("p1"));
  EXPECT_EQ(Skipped("p1"), "");
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Links, WhatWasShippedInPartAsARequisitionIsAskedAndCounted) {
  Ship(Requisition("r1"));
  orders.Put(PurchaseOrder("p1", {"r1", "r2"}));
  RunAndWait();
  EXPECT_EQ(Only("p1").state, State::kNeedsReview);
  ASSERT_EQ(Reviews().size(), 1u);
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kPartlyShippedAsRequisition);
  EXPECT_EQ(Skipped("p1"), "PARTLY_SHIPPED_AS_REQUISITION");
  EXPECT_THAT(AuditActions(), Contains("order.skip"));
  ASSERT_OK_AND_ASSIGN(const ShipmentStore::Figures figures, store->Count());
  EXPECT_EQ(figures.partly_shipped, 1);
  Void("r1");
  EXPECT_TRUE(Labelled("p1"));
  ASSERT_OK_AND_ASSIGN(const ShipmentStore::Figures after, store->Count());
  EXPECT_EQ(after.partly_shipped, 0);
  EXPECT_THAT(Reviews(), IsEmpty());
}

TEST_F(Links, TwoLabelsThatTurnOutToBeOneQuantityBecomeOne) {
  Ship(Requisition("r1"));
  Ship(PlainOrder("p1"));  // it does not name its source yet
  orders.Put(PurchaseOrder("p1", {"r1"}, 2));
  RunAndWait();
  EXPECT_TRUE(Labelled("r1"));
  EXPECT_FALSE(Labelled("p1"));
  EXPECT_EQ(ups.LiveLabels(), 1);
}

TEST_F(Links, AreThoseOfTheNewestRevision) {
  Ship(Requisition("r1"));
  orders.Put(PurchaseOrder("p1", {"r1"}));
  Run();
  ASSERT_FALSE(Labelled("p1"));
  Ship(PurchaseOrder("p1", {"r2"}, 2));
  orders.Put(Requisition("r2"));
  RunAndWait();
  EXPECT_FALSE(Labelled("r2"));
}

TEST_F(Links, StandWhileALabelOfThePurchaseOrderMayBeLive) {
  Ship(PurchaseOrder("p1", {"r1"}));
  // The order says nothing of the requisition any more, and its label is still there.
  TakeIn({PurchaseOrder("p1", {}, 2)});
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM schedule_sources"), "1");
}

TEST_F(Links, APersonCannotRetryWhatWasShippedAsARequisition) {
  orders::v1::Order order = PurchaseOrder("p1", {"r1"});
  order.mutable_schedules(0)->mutable_shipping_weight()->set_value("0");
  orders.Put(order);
  Run();
  ASSERT_THAT(Reviews(), SizeIs(1));
  Ship(Requisition("r1"));
  EXPECT_THAT(Resolve(Reviews()[0].review.review_id, shipments::v1::Review::RETRY),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace psups::shipment_builder::testing
