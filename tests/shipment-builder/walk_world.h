#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/shipment-builder/dying_store.h"
#include "tests/shipment-builder/walk_orders.h"
#include "tests/shipment-builder/walk_tracking.h"
#include "tests/shipment-builder/walk_ups.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {

// The states in which an order may be hit by a change, as far as they are told apart.
inline constexpr std::array<std::string_view, 12> kWalkStates = {
    "RECEIVED",   "VALIDATING", "NEEDS_REVIEW", "BUYING", "IN_DOUBT",  "LABELED",
    "IN_TRANSIT", "DELIVERED",  "VOIDING",      "VOIDED", "CANCELLED", "other"};
inline constexpr std::size_t kCountedStates = 11;
// By state and change: how often.
using Visits = std::array<std::array<int, kOrderChanges.size()>, kWalkStates.size()>;

// The process of a replica may die at any transaction: before it, when its connections drop in the
// middle, or after its commit.
class WalkStore : public MortalStore {
 public:
  WalkStore(ShipmentStore& store, std::function<void()> drop_connections)
      : MortalStore(store), drop_connections_(std::move(drop_connections)) {}

  enum class Death { kBefore, kInTheMiddle, kAfter };
  void DieAt(int nth, Death death) {
    std::lock_guard lock(mutex_);
    left_ = nth;
    death_ = death;
  }
  void Live() {
    std::lock_guard lock(mutex_);
    left_ = 0;
  }
  bool dead() {
    std::lock_guard lock(mutex_);
    return dead_;
  }

  // The leases that the replica holds; nothing is renewed.
  std::size_t Held(HeldLeases& leases) {
    held_ = 0;
    EXPECT_OK(leases.Renew());
    return held_;
  }
  absl::Status RenewLeases(const std::vector<LeaseKey>& keys, absl::Duration) override {
    held_ = keys.size();
    return absl::OkStatus();
  }

 protected:
  Fate Next() override {
    std::lock_guard lock(mutex_);
    if (dead_) return Fate::kDead;
    if (left_ == 0 || --left_ > 0) return Fate::kLives;
    if (death_ == Death::kInTheMiddle) {
      dying_ = true;
      return Fate::kLives;
    }
    dead_ = true;
    return death_ == Death::kBefore ? Fate::kDiesBefore : Fate::kDiesAfter;
  }
  void InTheMiddle() override {
    std::lock_guard lock(mutex_);
    if (!dying_) return;
    dying_ = false;
    dead_ = true;
    drop_connections_();
  }

 private:
  const std::function<void()> drop_connections_;
  std::mutex mutex_;
  int left_ = 0;
  Death death_ = Death::kBefore;
  bool dying_ = false;
  bool dead_ = false;
  std::atomic<std::size_t> held_ = 0;
};

// A shipment as the database has it.
struct WalkShipment {
  std::string order_id, shipment_id, state, undo, purchase, work, review, review_id;
  bool holds = false;
  bool let_go = false;  // a person decided that its label is right as it is
  std::vector<Share> shares;
  std::vector<std::string> numbers;

  bool Has(int line, int schedule) const {
    return std::any_of(shares.begin(), shares.end(), [&](const Share& share) {
      return share.line == line && share.schedule == schedule;
    });
  }
  std::size_t StateIndex() const;
};

// Many orders at once, each on a walk of its own, and two replicas of the service on a real
// database.
class WalkWorld : public World {
 protected:
  // A random walk of `steps` for each of `walks` orders, then peace until everything rests.
  void Walk(uint64_t seed, int walks, int steps, Visits& visits);

  std::map<std::string, int> seen;  // what happened at UPS, how often

 private:
  struct Side {
    std::unique_ptr<Db> db;
    std::unique_ptr<Sealer> sealer;
    std::unique_ptr<ShipmentStore> store;
    std::unique_ptr<WalkStore> mortal;
    std::unique_ptr<WalkUps::Door> door;
    std::unique_ptr<Replica> replica;
    std::string name;
  };

  void Begin(uint64_t seed, int walks);
  void Start(Side& side);
  // ---- A step ----
  // A walk looks for a state of one of its order's schedules, so that changes come there, too.
  struct Walker {
    WalkOrder order;
    std::size_t line = 0;
    std::size_t wish = 0;
    int patience = 0;
    std::string story = {};  // what happened to it, for whoever reads of a failure
  };
  using Those = std::vector<const WalkShipment*>;
  void Step(Walker& walker, const Those& shipments, Visits& visits);
  void Wish(Walker& walker, const Visits& visits);
  std::pair<std::size_t, int> Rarest(const Walker& walker, std::size_t state,
                                     const Visits& visits) const;
  // Something that may bring the schedule where the walk wants it.
  void Lead(Walker& walker, const WalkShipment* shipment);
  void Change(Walker& walker, OrderChange change, std::size_t line);
  void Tell(const std::string& order_id, const std::string& what);
  void ChangeAny(Walker& walker, std::size_t state, Visits& visits);
  void SomethingHappensToAParcel(const Those& shipments);
  void Scan(const WalkShipment& shipment, tracking::v1::Status status);
  void Void(const WalkShipment& shipment);
  void SomebodyDecides(const WalkShipment& shipment);
  void Decide(const WalkShipment& shipment, shipments::v1::Review::Action action);
  void Work(int loops);
  void RunLoop(Side& side, int loop);
  void Interrupt();
  void WaitUntilQuiet();
  void LeasesRunOut(int percent);
  // ---- What is to be true ----
  std::vector<WalkShipment> ReadShipments();
  void LearnContents(const std::vector<WalkUps::TrueLabel>& labels);
  void Check(const std::vector<WalkShipment>& shipments, const std::string& when);
  void Rest();
  void CheckEnd();
  std::string Story(const std::string& order_id);
  void CheckSchedule(const WalkOrder& order, const WalkOrder::Line& line, const Those& holders);

  Random random_;
  std::unique_ptr<WalkUps> walk_ups_;
  std::unique_ptr<WalkTracking> walk_tracking_;
  std::array<Side, 2> sides_;
  std::map<std::string, Walker> walkers_;
  // By purchase: what is in each parcel of its label.
  using Contents = std::vector<std::map<std::pair<int, int>, Decimal>>;
  std::map<std::string, Contents> contents_;
  std::atomic<bool> interrupting_ = false;
  int step_ = 0;
};

}  // namespace psups::shipment_builder::testing
