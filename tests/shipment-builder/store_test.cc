#include <thread>

#include "gmock/gmock.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

using psups::testing::HasCode;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Store : public World {
 protected:
  ShipmentStore::Plan plan() { return replica->planner.plan(); }

  void TakeIn(int count) {
    std::vector<orders::v1::Order> some;
    for (int i = 0; i < count; ++i) some.push_back(PlainOrder(absl::StrCat("o", i)));
    ASSERT_OK(store->TakeIn(some, plan()));
  }
  std::vector<Leased> LeaseAll(Work work = Work::kValidate) {
    absl::StatusOr<std::vector<Leased>> leased = store->Lease(work, 100, absl::Minutes(1));
    EXPECT_OK(leased);
    return leased.ok() ? *leased : std::vector<Leased>{};
  }
  Effects Open(Shipment& shipment) {
    return OpenPurchase(shipment, "accounts/main", replica->planner.calendar(), derive);
  }
  std::string AuditCount() { return One("SELECT count(*)::text AS v FROM audit_outbox"); }
};

TEST_F(Store, ARevisionIsTakenInOnceAndNeverReplacedByAnOlderOne) {
  orders::v1::Order second = PlainOrder("o1", 2);
  ASSERT_OK_AND_ASSIGN(auto stored, store->TakeIn({second}, plan()));
  EXPECT_THAT(stored, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(stored, store->TakeIn({second}, plan()));
  EXPECT_THAT(stored, IsEmpty());
  ASSERT_OK_AND_ASSIGN(stored, store->TakeIn({PlainOrder("o1", 1)}, plan()));
  EXPECT_THAT(stored, IsEmpty());
  EXPECT_EQ(One("SELECT revision::text AS v FROM orders"), "2");
  EXPECT_EQ(AuditCount(), "1");
}

TEST_F(Store, AShipmentComesBackAsItWasStored) {
  ASSERT_OK_AND_ASSIGN(const auto stored, store->TakeIn({PlainOrder("o1")}, plan()));
  ASSERT_OK_AND_ASSIGN(const ShipmentRecord record,
                       store->GetShipment(stored.at(0).shipment.shipment_id));
  const Shipment& shipment = record.shipment;
  EXPECT_EQ(shipment.connection_id, "c1");
  EXPECT_EQ(shipment.document_type, "PO");
  EXPECT_EQ(shipment.business_unit, "US001");
  EXPECT_EQ(shipment.trace_id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(shipment.service_code, "03");
  EXPECT_EQ(shipment.fingerprint, stored[0].shipment.fingerprint);
  EXPECT_EQ(shipment.ship_to.lines(0), "1500 Market Street");
  ASSERT_THAT(shipment.shares, SizeIs(1));
  EXPECT_EQ(shipment.shares[0].quantity.ToString(), "4");
  ASSERT_THAT(shipment.packages, SizeIs(1));
  EXPECT_EQ(shipment.packages[0].weight_lb.ToString(), "20");
  ASSERT_THAT(shipment.packages[0].contents, SizeIs(1));
  EXPECT_EQ(shipment.packages[0].contents[0].quantity.ToString(), "4");
}

TEST_F(Store, ALeaseIsNotHandedOutTwice) {
  TakeIn(60);
  std::mutex mutex;
  std::multiset<std::string> handed_out;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        const auto leased = store->Lease(Work::kValidate, 5, absl::Minutes(1));
        if (!leased.ok()) continue;
        std::lock_guard lock(mutex);
        for (const Leased& one : *leased) handed_out.insert(one.shipment.shipment_id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(handed_out, SizeIs(60));
  EXPECT_EQ(std::set<std::string>(handed_out.begin(), handed_out.end()).size(), 60u);
}

TEST_F(Store, ALostLeaseChangesNothing) {
  TakeIn(1);
  const std::vector<Leased> first = LeaseAll();
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_THAT(LeaseAll(), IsEmpty());
  LetTimePass();
  const std::vector<Leased> second = LeaseAll();
  ASSERT_THAT(second, SizeIs(1));
  int asked = 0;
  const auto withdraw = [&](Shipment& shipment, std::size_t) {
    ++asked;
    return Withdraw(shipment);
  };
  ASSERT_OK_AND_ASSIGN(auto stored, store->Update(first, absl::Minutes(1), withdraw));
  EXPECT_THAT(stored, IsEmpty());
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(Only("o0").state, State::kValidating);
  ASSERT_OK_AND_ASSIGN(stored, store->Update(second, absl::Minutes(1), withdraw));
  EXPECT_THAT(stored, SizeIs(1));
}

TEST_F(Store, ALeaseIsRenewedOnlyWhileItIsHeld) {
  TakeIn(1);
  const std::vector<Leased> leased = LeaseAll();
  const std::vector<ShipmentStore::LeaseKey> keys = {{.connection_id = "c1",
                                                      .shipment_id = leased[0].shipment.shipment_id,
                                                      .lease_token = leased[0].lease_token}};
  LetTimePass();
  ASSERT_OK(store->RenewLeases(keys, absl::Minutes(1)));
  EXPECT_THAT(LeaseAll(), IsEmpty());
  LetTimePass();
  EXPECT_THAT(LeaseAll(), SizeIs(1));  // somebody else's now
  LetTimePass();
  ASSERT_OK(store->RenewLeases(keys, absl::Minutes(1)));
  EXPECT_THAT(LeaseAll(), SizeIs(1));
}

TEST_F(Store, WhatEndsItsProcessAgainAndAgainIsLeasedAlone) {
  TakeIn(3);
  for (int i = 0; i < kSuspiciousLeases; ++i) {
    EXPECT_THAT(LeaseAll(), SizeIs(3));
    LetTimePass();
  }
  for (int i = 0; i < 3; ++i) EXPECT_THAT(LeaseAll(), SizeIs(1));
  EXPECT_THAT(LeaseAll(), IsEmpty());
}

TEST_F(Store, AQuantityIsGivenToOnePurchaseOnly) {
  TakeIn(1);
  const std::vector<Leased> leased = LeaseAll();
  const auto open = [&](Shipment& shipment, std::size_t) { return Open(shipment); };
  ASSERT_OK(store->Update(leased, absl::Minutes(1), open));
  EXPECT_EQ(Allocated(), "4");
  const std::string entries = AuditCount();
  // Another purchase of the same quantity, whatever bug wants it.
  EXPECT_THAT(store->Update(leased, absl::Minutes(1), open),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Allocated(), "4");
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM purchases"), "1");
  EXPECT_EQ(AuditCount(), entries);  // nothing of it is recorded, for nothing of it was done
}

TEST_F(Store, WhatWasReceivedBeforeIsNotOursToAllocate) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ordered_quantity("6");  // 2 were received before
  ASSERT_OK(store->TakeIn({order}, plan()));
  EXPECT_EQ(db().Exec("UPDATE schedules SET allocated = 5").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_OK(db().Exec("UPDATE schedules SET allocated = 4"));
}

TEST_F(Store, AnOrderThatShrinksBelowItsLabelKeepsWhatTheLabelHolds) {
  TakeIn(1);
  ASSERT_OK(store->Update(LeaseAll(), absl::Minutes(1),
                          [&](Shipment& shipment, std::size_t) { return Open(shipment); }));
  orders::v1::Order smaller = PlainOrder("o0", 2);
  *smaller.mutable_schedules(0) = PlainSchedule(1, 1, "1");
  ASSERT_OK(store->TakeIn({smaller}, plan()));
  EXPECT_EQ(Allocated(), "4");
  EXPECT_EQ(One("SELECT undo AS v FROM shipments"), "CHANGE");
}

TEST_F(Store, OneThatIsRefusedDoesNotHoldTheOthersBack) {
  TakeIn(2);
  // A purchase that nobody knows of holds the first order's quantity.
  ASSERT_OK(db().Exec("UPDATE schedules SET allocated = 4 WHERE order_id = 'o0'"));
  orders.Put(PlainOrder("o0"));
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.size(), 1u);
  RunAndWait(8);
  EXPECT_EQ(Only("o0").state, State::kFailed);
  EXPECT_EQ(ups.requests.size(), 1u);
}

TEST_F(Store, CursorAndChangesMoveTogetherOrNotAtAll) {
  orders.Put(PlainOrder("o1"));
  Run();
  const Shipment shipment = Only("o1");
  tracking::v1::WatchEventsResponse::StatusChange change;
  change.set_shipment(shipment.name());
  change.set_tracking_number(shipment.packages[0].tracking_number);
  change.set_status(tracking::v1::DELIVERED);
  EXPECT_THAT(store->ApplyTracking("elsewhere", "1", {change}),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  ASSERT_OK(store->ApplyTracking("", "1", {change}));
  EXPECT_EQ(Only("o1").state, State::kDelivered);
  ASSERT_OK_AND_ASSIGN(const std::string cursor, store->TrackingCursor());
  EXPECT_EQ(cursor, "1");
  EXPECT_THAT(store->ApplyTracking("", "1", {change}), HasCode(absl::StatusCode::kAborted));
}

TEST_F(Store, SeveralStepsOfAParcelAreOneEntry) {
  orders.Put(PlainOrder("o1"));
  Run();
  const Shipment shipment = Only("o1");
  std::vector<tracking::v1::WatchEventsResponse::StatusChange> changes;
  for (const auto status :
       {tracking::v1::PICKED_UP, tracking::v1::OUT_FOR_DELIVERY, tracking::v1::DELIVERED}) {
    tracking::v1::WatchEventsResponse::StatusChange change;
    change.set_shipment(shipment.name());
    change.set_tracking_number(shipment.packages[0].tracking_number);
    change.set_status(status);
    changes.push_back(change);
  }
  const int before = std::stoi(AuditCount());
  ASSERT_OK(store->ApplyTracking("", "3", changes));
  EXPECT_EQ(std::stoi(AuditCount()), before + 1);
  EXPECT_EQ(One("SELECT convert_from(entry, 'UTF8')::json->'detail'->>'from' AS v FROM "
                "audit_outbox WHERE convert_from(entry, 'UTF8') LIKE '%shipment.track%'"),
            "LABELED");
}

TEST_F(Store, OpenReviewsAreToldOldestFirstAndOnce) {
  std::vector<orders::v1::Order> bad;
  for (int i = 0; i < 4; ++i) {
    bad.push_back(PlainOrder(absl::StrCat("o", i)));
    bad.back().mutable_schedules(0)->mutable_shipping_weight()->set_value("0");
  }
  for (const orders::v1::Order& order : bad) ASSERT_OK(store->TakeIn({order}, plan()));
  ASSERT_OK(Resolve(Reviews().at(1).review.review_id, shipments::v1::Review::CANCEL));
  std::vector<std::string> told;
  const auto tell = [&](const Review& review, const std::string& order) {
    EXPECT_EQ(review.asked.reason, Reason::kItemWeightMissing);
    told.push_back(order);
  };
  for (const int count : {2, 1, 0})
    EXPECT_THAT(store->TellOfReviews(2, tell), psups::testing::IsOkAndHolds(count));
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(told.back(), "o3");
  EXPECT_EQ(std::set<std::string>(told.begin(), told.end()),
            (std::set<std::string>{"o0", "o2", "o3"}));
}

TEST_F(Store, NoNameOrAddressStandsInTheDatabaseInClear) {
  orders.Put(PlainOrder("o1"));
  ups::v1::ValidateAddressResponse none;
  none.set_verdict(ups::v1::ValidateAddressResponse::AMBIGUOUS);
  *none.add_candidates()->mutable_address() =
      AddressAt("", "1500 E MARKET STREET", "DENVER", "CO", "80202");
  orders::v1::Order bad = PlainOrder("o2");
  bad.mutable_schedules(0)->mutable_ship_to()->set_lines(0, "1500 Marketplace");
  ups.verdicts["1500 Marketplace"] = none;
  orders.Put(bad);
  Run();
  ASSERT_OK_AND_ASSIGN(const Rows tables,
                       db().Exec("SELECT table_name AS v FROM information_schema.tables WHERE "
                                 "table_schema = current_schema()"));
  int rows_seen = 0;
  for (const Row& table : tables) {
    ASSERT_OK_AND_ASSIGN(const Rows rows,
                         db().Exec("SELECT t::text AS v FROM " + table.Text("v") + " t"));
    for (const Row& row : rows) {
      ++rows_seen;
      // bytea shows as hex: look for the words in both forms.
      for (const std::string word :
           {"Market", "MARKET", "Denver", "DENVER", "Cascade", "Mill St"}) {
        EXPECT_EQ(row.Text("v").find(word), std::string::npos) << table.Text("v");
        EXPECT_EQ(row.Text("v").find(Hex(word)), std::string::npos) << table.Text("v");
      }
    }
  }
  EXPECT_GT(rows_seen, 10);
}

TEST_F(Store, SealedColumnsOfTwoRowsCannotBeSwapped) {
  orders.Put(PlainOrder("o1"));
  orders.Put(PlainOrder("o2"));
  Run();
  ASSERT_OK(
      db().Exec("UPDATE shipments s SET sealed = o.sealed FROM shipments o WHERE "
                "o.shipment_id <> s.shipment_id"));
  ASSERT_OK(
      db().Exec("UPDATE labels s SET sealed = o.sealed FROM labels o WHERE "
                "o.shipment_id <> s.shipment_id"));
  ASSERT_OK_AND_ASSIGN(const auto page, store->ListShipments({}, 10, ""));
  for (const ShipmentRecord& record : page.records) {
    EXPECT_THAT(store->GetShipment(record.shipment.shipment_id),
                HasCode(absl::StatusCode::kDataLoss));
    EXPECT_THAT(views->GetLabel(record.shipment.shipment_id, 1),
                HasCode(absl::StatusCode::kDataLoss));
  }
}

TEST_F(Store, ListsArePagedNewestFirstAndFiltered) {
  TakeIn(7);
  ASSERT_OK(store->TakeIn({PlainOrder("other", 1, "c2")}, plan()));
  std::vector<std::string> seen;
  std::string token;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, store->ListShipments({}, 3, token));
    for (const ShipmentRecord& record : page.records) {
      seen.push_back(record.shipment.shipment_id);
      EXPECT_EQ(record.shipment.ship_to.ByteSizeLong(), 0u);
    }
    token = page.more ? page.records.back().position : "";
  } while (!token.empty());
  EXPECT_THAT(seen, SizeIs(8));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 8u);
  EXPECT_EQ(seen[0].rfind("c2-", 0), 0u);
  const auto count = [&](const ShipmentFilter& filter) {
    const auto page = store->ListShipments(filter, 100, "");
    return page.ok() ? page->records.size() : 999;
  };
  EXPECT_EQ(count({.connection_id = "c2"}), 1u);
  EXPECT_EQ(count({.order_id = "o3"}), 1u);
  EXPECT_EQ(count({.document_id = "0000000123"}), 8u);
  EXPECT_EQ(count({.state = State::kValidating}), 8u);
  EXPECT_EQ(count({.state = State::kLabeled}), 0u);
  EXPECT_EQ(count({.tracking_number = "1Z"}), 0u);
  EXPECT_THAT(store->ListShipments({}, 3, "nonsense"), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(Store, WhatDoesNotExistIsNotFound) {
  EXPECT_THAT(store->GetShipment("c1-nothing"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store->GetShipment("nothing"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store->GetReview("c1-nothing"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(views->GetLabel("c1-nothing", 1), HasCode(absl::StatusCode::kNotFound));
  TakeIn(1);
  EXPECT_THAT(views->GetLabel(Only("o0").shipment_id, 1),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(views->GetLabel(Only("o0").shipment_id, 9), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(Store, FiguresCountWhatIsOpen) {
  TakeIn(3);
  ASSERT_OK_AND_ASSIGN(const ShipmentStore::Figures figures, store->Count());
  ASSERT_THAT(figures.open_shipments, SizeIs(1));
  EXPECT_EQ(figures.open_shipments[0], (std::pair<State, int64_t>{State::kValidating, 3}));
  EXPECT_THAT(figures.open_reviews, IsEmpty());
}

TEST_F(Store, FiguresCountOpenReviewsByReason) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->mutable_shipping_weight()->set_value("0");
  ASSERT_OK(store->TakeIn({order}, replica->planner.plan()));
  ASSERT_OK_AND_ASSIGN(const ShipmentStore::Figures figures, store->Count());
  EXPECT_EQ(figures.open_reviews, (std::map<Reason, int64_t>{{Reason::kItemWeightMissing, 1}}));
}

}  // namespace
}  // namespace psups::shipment_builder::testing
