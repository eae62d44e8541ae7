#include <string>
#include <vector>

#include "tests/ps-ingest/store_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(OrderStoreTest, ARevisionIsHandedOutOnceUntilItsLeaseIsOver) {
  Connect("c1");
  Read({Row("1")});
  ASSERT_THAT(HandOut(), SizeIs(1));
  EXPECT_THAT(HandOut(), IsEmpty());
  stack_.Exec("UPDATE orders SET lease_expire_time = now()");
  EXPECT_THAT(HandOut(), SizeIs(1));
}

TEST_F(OrderStoreTest, ARevisionThatDoesNotOpenStaysBehindAndKeepsNoOther) {
  Connect("c1");
  Read({Row("1"), Row("2")});
  stack_.Exec(
      "UPDATE order_revisions r SET content = '\\x00' FROM orders o "
      "WHERE o.order_id = r.order_id AND o.document_id = '1'");
  const auto leased = HandOut();
  ASSERT_THAT(leased, SizeIs(1));
  EXPECT_EQ(leased[0].order.document().document_id(), "2");
}

TEST_F(OrderStoreTest, AnAcknowledgementEndsItForGoodAndMayComeTwice) {
  Connect("c1");
  Read({Row("1")});
  const auto leased = HandOut();
  EXPECT_THAT(Acknowledge(leased[0]), IsEmpty());
  EXPECT_THAT(Acknowledge(leased[0]), IsEmpty());
  stack_.Exec("UPDATE orders SET lease_expire_time = now()");
  EXPECT_THAT(HandOut(), IsEmpty());
  EXPECT_EQ(stack_.orders->Get(leased[0].order.name())->state(), pb::Order::ACKNOWLEDGED);
}

TEST_F(OrderStoreTest, ALostLeaseIsNamedNotAcknowledged) {
  Connect("c1");
  Read({Row("1")});
  const auto first = HandOut();
  stack_.Exec("UPDATE orders SET lease_expire_time = now()");
  const auto second = HandOut();
  EXPECT_THAT(Acknowledge(first[0]), ElementsAre(first[0].order.name()));
  EXPECT_THAT(Acknowledge(second[0]), IsEmpty());
}

TEST_F(OrderStoreTest, ANewerRevisionReplacesALeasedOneAndIsHandedOut) {
  Connect("c1");
  Read({Row("1")});
  const auto first = HandOut();
  Read({Row("1", "5")});
  EXPECT_THAT(Acknowledge(first[0]), ElementsAre(first[0].order.name()));
  const auto second = HandOut();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].order.revision(), 2);
  EXPECT_EQ(second[0].order.schedules(0).open_quantity(), "5");
  EXPECT_EQ(second[0].order.trace_id(), first[0].order.trace_id());
  EXPECT_FALSE(second[0].order.withdrawn());
}

TEST_F(OrderStoreTest, WhatMayNotShipIsStoredAndNotHandedOut) {
  Connect("c1");
  nlohmann::ordered_json held = Row("1");
  held["A.HOLD_STATUS"] = "Y";
  Read({held});
  EXPECT_THAT(HandOut(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto found, stack_.orders->List({}, {}));
  ASSERT_THAT(found.items, SizeIs(1));
  EXPECT_EQ(found.items[0].state(), pb::Order::INELIGIBLE);
  EXPECT_EQ(found.items[0].schedules(0).ineligible_reason(), pb::Order::Schedule::HOLD);
  Read({Row("1")});  // the hold is lifted
  EXPECT_THAT(HandOut(), SizeIs(1));
}

TEST_F(OrderStoreTest, WhatWasHandedOutAndMayNoLongerShipIsHandedOutAsWithdrawn) {
  Connect("c1");
  Read({Row("1"), Row("2")});
  auto leased = stack_.orders->LeaseOrders(1, kLease);
  ASSERT_THAT(*leased, SizeIs(1));
  Acknowledge((*leased)[0]);
  std::vector<nlohmann::ordered_json> held = {Row("1"), Row("2")};
  for (auto& row : held) row["A.HOLD_STATUS"] = "Y";
  Read(held);
  const auto withdrawn = HandOut();  // the other one never left here
  ASSERT_THAT(withdrawn, SizeIs(1));
  EXPECT_EQ(withdrawn[0].order.name(), (*leased)[0].order.name());
  EXPECT_TRUE(withdrawn[0].order.withdrawn());
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM orders WHERE state = 'INELIGIBLE'"), 1);
}

TEST_F(OrderStoreTest, ADispatchAgainMovesTheUpdateTimeButIsNoRevision) {
  Connect("c1");
  Read({Row("1")});
  const auto leased = HandOut();
  Acknowledge(leased[0]);
  nlohmann::ordered_json again = Row("1");
  again["A.LAST_DTTM_UPDATE"] = "2026-11-23T15:00:00";
  again["A.CHNG_ORD_BATCH"] = 1;
  Read({again});
  EXPECT_THAT(HandOut(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const pb::Order order, stack_.orders->Get(leased[0].order.name()));
  EXPECT_EQ(order.revision(), 1);
  EXPECT_EQ(order.change_order_batch(), 1);
  EXPECT_EQ(order.last_update_local_time(), "2026-11-23T15:00:00");
}

TEST_F(OrderStoreTest, ACheckTellsTheNewestRevisionAndWhatMayShip) {
  Connect("c1");
  nlohmann::ordered_json closed = Row("1");
  closed["C.SCHED_NBR"] = 2;
  closed["C.CANCEL_STATUS"] = "X";
  Read({Row("1"), closed});
  const std::string name = HandOut()[0].order.name();
  ASSERT_OK_AND_ASSIGN(const auto checked,
                       stack_.orders->Check({name, "orders/c1-aaaaaaaaaaaaaaaaaaaa"}));
  ASSERT_THAT(checked, SizeIs(1));
  EXPECT_LT(checked[0].age, absl::Minutes(1));
  EXPECT_EQ(checked[0].document.document_id(), "1");
  const auto& standing = checked[0].standing;
  EXPECT_EQ(standing.revision(), 1);
  ASSERT_EQ(standing.open_schedules_size(), 1);
  EXPECT_EQ(standing.open_schedules(0).schedule_number(), 1);
  EXPECT_EQ(standing.open_schedules(0).quantity(), "4");
}

TEST_F(OrderStoreTest, ListsNewestFirstInPagesWithoutParties) {
  Connect("c1");
  for (const char* id : {"1", "2", "3", "4", "5"}) Read({Row(id)});
  std::vector<std::string> ids;
  std::string token;
  do {
    ASSERT_OK_AND_ASSIGN(const auto found,
                         stack_.orders->List({.business_unit = "US001"}, {token, 2}));
    EXPECT_LE(found.items.size(), 2u);
    for (const pb::Order& order : found.items) {
      ids.push_back(order.document().document_id());
      EXPECT_FALSE(order.schedules(0).has_ship_to());
      EXPECT_FALSE(order.schedules(0).has_ship_from());
    }
    token = found.next_token;
  } while (!token.empty());
  EXPECT_THAT(ids, ElementsAre("5", "4", "3", "2", "1"));
  EXPECT_THAT(stack_.orders->List({.document_id = "3"}, {})->items, SizeIs(1));
  EXPECT_THAT(stack_.orders->List({.connection_id = "c2"}, {})->items, IsEmpty());
  EXPECT_THAT(stack_.orders->List({.state = pb::Order::ACKNOWLEDGED}, {})->items, IsEmpty());
}

TEST_F(OrderStoreTest, OneKeyInTwoConnectionsIsTwoOrders) {
  const auto document = [](const char* connection) {
    type::v1::DocumentKey key;
    key.set_connection(connection);
    key.set_business_unit("US001");
    key.set_document_id("1");
    return key;
  };
  EXPECT_NE(OrderId(document("connections/c1"), stack_.derive).substr(3),
            OrderId(document("connections/c2"), stack_.derive).substr(3));
}

}  // namespace
}  // namespace psups::ps_ingest
