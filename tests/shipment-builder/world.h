#pragma once

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/envelope.h"
#include "common/testing/fake_clock.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/address_book.h"
#include "services/shipment-builder/buyer.h"
#include "services/shipment-builder/connections.h"
#include "services/shipment-builder/decide.h"
#include "services/shipment-builder/hand_over.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/postgres.h"
#include "services/shipment-builder/review_server.h"
#include "services/shipment-builder/shipment_server.h"
#include "services/shipment-builder/told.h"
#include "services/shipment-builder/validator.h"
#include "services/shipment-builder/voider.h"
#include "services/shipment-builder/watcher.h"
#include "tests/shipment-builder/fake_peers.h"

namespace psups::shipment_builder::testing {

inline KeyRing TestRing() {
  const std::string path = absl::StrCat(::testing::TempDir(), "/keys.", getpid(), ".json");
  const std::string key = Base64(std::string(32, 'k'));
  std::ofstream(path) << R"({"current":"k1","keys":{"k1":")" << key << R"("},"derivation_key":")"
                      << key << "\"}";
  absl::StatusOr<KeyRing> ring = KeyRing::FromFile(path);
  std::remove(path.c_str());
  return *std::move(ring);
}

// A replica of the service without its door: all loops over one store, stepped by hand.
struct Replica {
  Replica(ShipmentStore& store, MappingStore& mappings, FakeOrders& orders, UpsPort& ups,
          TrackingPort& tracking, const Clock& clock, const Derive& derive,
          const absl::Duration& uptime)
      : connections([&uptime] { return uptime; }),
        rules(mappings),
        planner(clock, absl::UTCTimeZone(), derive, rules),
        intake(
            store, orders, ups, connections, planner, [&uptime] { return uptime; }, validate, label,
            tell, absl::ZeroDuration()),
        book(store, ups, clock, derive, absl::Hours(1)),
        leases(store, 100, absl::Minutes(1), {&validate, &label}),
        buyer(store, orders, ups, connections, planner, leases,
              {.hand_over = hand_over, .undo = undo, .replan = replan, .tell = tell}),
        pricer(store, ups, buyer, connections, planner, leases, tell),
        validator(store, book, pricer, connections, planner, leases, tell),
        handing_over(store, ups, tracking, leases),
        voider(store, ups, tracking, clock, replan, tell, leases, absl::Hours(90 * 24)),
        watcher(store, tracking, absl::ZeroDuration()),
        store(store) {}

  // One round of every loop; the number of things done.
  int Round() {
    int done = 0;
    const auto add = [&](const absl::StatusOr<int>& count) { done += count.ok() ? *count : 0; };
    add(intake.Step());
    add(intake.PlanAgain());
    add(validator.Step());
    leases.WaitUntilNone();
    add(buyer.Step());
    leases.WaitUntilNone();
    add(handing_over.Step());
    add(voider.Step());
    add(watcher.Step());
    add(TellOfReviews(store));
    return done;
  }

  Wakeup validate, label, hand_over, undo, replan, tell;
  Connections connections;
  RuleBook rules;
  Planner planner;
  Intake intake;
  AddressBook book;
  HeldLeases leases;
  Buyer buyer;
  Pricer pricer;
  Validator validator;
  HandOver handing_over;
  Voider voider;
  Watcher watcher;
  ShipmentStore& store;
};

// The service on a real database between fake peers.
class World : public ::testing::Test {
 protected:
  World() {
    orders.AddConnection("c1", orders::v1::Connection::ACTIVE);
    orders.AddConnection("c2", orders::v1::Connection::ACTIVE);
    derive = [this](std::string_view purpose, std::string_view text) {
      return sealer.ring().Derive(purpose, text);
    };
    Restart();
  }

  // What was in memory is gone.
  void Restart() {
    replica.reset();
    replica = NewReplica();
  }
  std::unique_ptr<Replica> NewReplica() { return NewReplica(*store); }
  std::unique_ptr<Replica> NewReplica(ShipmentStore& store) {
    return NewReplica(store, ups, tracking);
  }
  std::unique_ptr<Replica> NewReplica(ShipmentStore& store, UpsPort& ups, TrackingPort& tracking) {
    return std::make_unique<Replica>(store, *mappings, orders, ups, tracking, clock, derive,
                                     uptime);
  }

  // Until nothing is left to do.
  void Run() {
    for (int rounds = 0; rounds < 50; ++rounds) {
      if (replica->Round() == 0) return;
    }
    ADD_FAILURE() << "does not come to rest";
  }
  // What waits for a time, or under a lease, is due now; what is parked stays parked.
  void LetTimePass() {
    ASSERT_OK(db().Exec("UPDATE shipments SET due_time = now() WHERE due_time < 'infinity'"));
  }
  void RunAndWait(int times = 3) {
    for (int i = 0; i < times; ++i) {
      Run();
      LetTimePass();
    }
    Run();
  }

  Db& db() { return schema.db(); }
  std::vector<ShipmentRecord> Shipments(const std::string& order = "") {
    absl::StatusOr<Page<ShipmentRecord>> page = store->ListShipments({.order_id = order}, 1000, "");
    EXPECT_OK(page);
    if (!page.ok()) return {};
    std::vector<ShipmentRecord> records;
    for (const ShipmentRecord& record : page->records) {
      absl::StatusOr<ShipmentRecord> whole = store->GetShipment(record.shipment.shipment_id);
      EXPECT_OK(whole);
      if (whole.ok()) records.push_back(*std::move(whole));
    }
    return records;
  }
  // The only shipment of the order that is neither withdrawn nor void.
  Shipment Only(const std::string& order) {
    std::vector<Shipment> found;
    for (const ShipmentRecord& record : Shipments(order)) {
      if (record.shipment.state != State::kWithdrawn && record.shipment.state != State::kVoided) {
        found.push_back(record.shipment);
      }
    }
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Shipment{} : found.front();
  }
  std::vector<ReviewRecord> Reviews(const std::string& state = "OPEN") {
    absl::StatusOr<Page<ReviewRecord>> page = store->ListReviews({.state = state}, 1000, "");
    EXPECT_OK(page);
    return page.ok() ? page->records : std::vector<ReviewRecord>{};
  }
  std::string One(const std::string& sql) {
    absl::StatusOr<Rows> rows = db().Exec(sql);
    EXPECT_OK(rows);
    return rows.ok() && !rows->empty() ? (*rows)[0].Text("v") : "";
  }
  // Sum of what purchases hold.
  std::string Allocated() {
    return One("SELECT coalesce(sum(allocated), 0)::text AS v FROM schedules");
  }
  std::vector<std::string> AuditActions() {
    absl::StatusOr<Rows> rows = db().Exec(
        "SELECT convert_from(entry, 'UTF8')::json->>'action' AS v FROM audit_outbox ORDER BY "
        "create_time, event_id");
    EXPECT_OK(rows);
    std::vector<std::string> actions;
    if (rows.ok()) {
      for (const Row& row : *rows) actions.push_back(row.Text("v"));
    }
    return actions;
  }
  // Resolves a review as a clerk would.
  absl::StatusOr<ShipmentStore::Resolved> Resolve(
      const std::string& review_id, const shipments::v1::ResolveReviewRequest& request,
      const std::string& who = "spiffe://psups/clerk/a") {
    shipments::v1::ResolveReviewRequest named = request;
    named.set_name(absl::StrCat("reviews/", review_id));
    return store->ResolveReview(review_id, {.request = named, .actor = who},
                                [&](const Review& review, const orders::v1::Order& order,
                                    Shipment& shipment, Effects& effects) {
                                  return Decide(review, order, named, who, replica->planner,
                                                shipment, effects);
                                });
  }
  absl::StatusOr<ShipmentStore::Resolved> Resolve(const std::string& review_id,
                                                  shipments::v1::Review::Action action) {
    shipments::v1::ResolveReviewRequest request;
    request.set_action(action);
    return Resolve(review_id, request);
  }

  psups::testing::ScratchSchema schema{"shipment-builder"};
  Sealer sealer{schema.db(), TestRing()};
  std::unique_ptr<ShipmentStore> store = MakePostgresShipmentStore(schema.db(), sealer);
  std::unique_ptr<MappingStore> mappings = MakePostgresMappingStore(schema.db(), sealer);
  std::unique_ptr<ShipmentViews> views = MakePostgresShipmentViews(schema.db(), sealer);
  psups::testing::FakeClock clock;
  absl::Duration uptime = absl::ZeroDuration();
  Derive derive;
  FakeOrders orders;
  FakeUps ups;
  FakeTracking tracking;
  std::unique_ptr<Replica> replica;
};

}  // namespace psups::shipment_builder::testing
