#include "gmock/gmock.h"
#include "tests/shipment-builder/dying_store.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

using When = DyingStore::When;

// One order's whole life: label, change, void, new label, delivery. It dies once, at each of its
// transactions in turn, before and after the commit; whatever was lost, the end is the same.
class Deaths : public World, public ::testing::WithParamInterface<When> {
 protected:
  // Lets the replica over `dying` work until nothing is left to do or it is dead; then a new one
  // over the real store takes over.
  void RunOver(DyingStore& dying) {
    for (int i = 0; i < 4; ++i) {
      if (dying.dead()) Restart();
      Run();
      LetTimePass();
    }
    if (dying.dead()) Restart();
    Run();
  }

  // False if it did not live to see its n-th transaction.
  bool Live(int n, When when) {
    const std::string id = absl::StrCat("order", n);
    DyingStore dying(*store, n, when);
    replica = NewReplica(dying);
    orders.Put(PlainOrder(id));
    RunOver(dying);
    const std::size_t bought_first = ups.requests.size();
    orders::v1::Order changed = PlainOrder(id, 2);
    *changed.mutable_schedules(0) = PlainSchedule(1, 1, "2");
    orders.Put(changed);
    RunOver(dying);
    EXPECT_GE(ups.requests.size(), bought_first);
    const Shipment live = Only(id);
    EXPECT_EQ(live.state, State::kLabeled);
    if (!live.packages.empty() && tracking.trackers.count(live.packages[0].tracking_number) > 0) {
      tracking.Scan(live.packages[0].tracking_number, tracking::v1::DELIVERED);
    }
    RunOver(dying);

    const Shipment end = Only(id);
    EXPECT_EQ(end.state, State::kDelivered);
    EXPECT_TRUE(end.handed_over);
    EXPECT_EQ(end.shares.at(0).quantity.ToString(), "2");
    EXPECT_EQ(
        One(absl::StrCat("SELECT allocated::text AS v FROM schedules WHERE order_id = '", id, "'")),
        "2");
    int labels_alive = 0;
    for (const ShipmentRecord& record : Shipments(id)) {
      const Shipment& shipment = record.shipment;
      if (shipment.purchase.number == 0) continue;
      EXPECT_EQ(shipment.purchase.number, 1);
      const auto call = ups.calls.find(shipment.request_id());
      if (call == ups.calls.end()) continue;
      const std::string number = call->second.result().ups_shipment_id();
      const bool voided = ups.voided.count(number) > 0;
      labels_alive += !voided;
      // A void label is followed by nobody as if it were alive.
      EXPECT_EQ(voided && tracking.trackers.count(number) > 0, tracking.closed.count(number) > 0);
    }
    EXPECT_EQ(labels_alive, 1);
    const bool died = dying.dead();
    replica.reset();
    Restart();
    return died;
  }
};

TEST_P(Deaths, AreHarmlessAtEveryTransaction) {
  int n = 1;
  while (n < 200 && Live(n, GetParam())) {
    ASSERT_FALSE(HasFailure()) << "died at transaction " << n;
    ++n;
  }
  EXPECT_GT(n, 20);  // it is a life of more transactions than that
  EXPECT_LT(n, 200);
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfterTheCommit, Deaths,
                         ::testing::Values(When::kBefore, When::kAfter));

}  // namespace
}  // namespace psups::shipment_builder::testing
