#include "tests/shipment-builder/walk_world.h"

#include "absl/strings/str_split.h"

namespace psups::shipment_builder::testing {
namespace {

using UpsCall = ups::v1::Call;
constexpr int kLoops = 8;

std::string OrderId(int number) { return absl::StrCat("w", number); }

int Mean(const Visits& visits) {
  int sum = 0;
  for (std::size_t state = 0; state < kCountedStates; ++state) {
    for (std::size_t change = 0; change < kCountedChanges; ++change) sum += visits[state][change];
  }
  return 1 + sum / static_cast<int>(kCountedStates * kCountedChanges);
}

}  // namespace

std::size_t WalkShipment::StateIndex() const {
  std::string_view name = state;
  if (purchase == "IN_DOUBT") {
    name = "IN_DOUBT";
  } else if (purchase == "OPEN") {
    name = "BUYING";
  }
  const auto found = std::find(kWalkStates.begin(), kWalkStates.end(), name);
  return found == kWalkStates.end() ? kCountedStates
                                    : static_cast<std::size_t>(found - kWalkStates.begin());
}

void WalkWorld::Begin(uint64_t seed, int walks) {
  for (Side& side : sides_) {
    side.replica.reset();
    side.door.reset();
  }
  ASSERT_OK(
      db().Exec("TRUNCATE orders, schedules, schedule_sources, shipments, packages, purchases, "
                "labels, reviews, replans, audit_outbox"));
  ASSERT_OK(db().Exec("UPDATE cursors SET position = ''"));
  random_.seed(seed);
  orders = FakeOrders();
  orders.AddConnection("c1", orders::v1::Connection::ACTIVE);
  walk_ups_ = std::make_unique<WalkUps>(seed);
  walk_ups_->on_call = [this] { Interrupt(); };
  walk_tracking_ = std::make_unique<WalkTracking>(seed);
  walkers_.clear();
  contents_.clear();
  const std::string later =
      absl::FormatCivilTime(absl::ToCivilDay(clock.Now(), absl::UTCTimeZone()) + 10);
  for (int i = 0; i < walks; ++i) {
    const auto [walker, fresh] =
        walkers_.try_emplace(OrderId(i), Walker{.order = {OrderId(i), random_, later}});
    orders.Put(walker->second.order.ToProto());
  }
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    Side& side = sides_[i];
    if (side.db == nullptr) {
      side.name = absl::StrCat("walk", i);
      side.db =
          std::make_unique<Db>(absl::StrCat(schema.url(), " application_name=", side.name), 8);
      side.sealer = std::make_unique<Sealer>(*side.db, TestRing());
      side.store = MakePostgresShipmentStore(*side.db, *side.sealer);
    }
    Start(side);
  }
}

// A process that was there is dead: what was in its memory is gone.
void WalkWorld::Start(Side& side) {
  side.replica.reset();
  side.door = std::make_unique<WalkUps::Door>(*walk_ups_);
  side.mortal = std::make_unique<WalkStore>(*side.store, [this, &side] {
    EXPECT_OK(
        db().Exec("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
                  "application_name = $1 AND state = 'idle in transaction'",
                  {side.name}));
  });
  side.replica = NewReplica(*side.mortal, *side.door, *walk_tracking_);
}

void WalkWorld::Walk(uint64_t seed, int walks, int steps, Visits& visits) {
  Begin(seed, walks);
  for (step_ = 1; step_ <= steps && !HasFailure(); ++step_) {
    const std::vector<WalkShipment> shipments = ReadShipments();
    std::map<std::string, Those> of;
    for (const WalkShipment& one : shipments) of[one.order_id].push_back(&one);
    for (auto& [id, walker] : walkers_) Step(walker, of[id], visits);
    walk_tracking_->LetHear(50);
    walk_ups_->LetTimePass(25);
    walk_ups_->LetArrive(35);
    WaitUntilQuiet();
    LeasesRunOut(60);
    Work(kLoops);
    Check(ReadShipments(), absl::StrCat("after step ", step_));
  }
  for (const auto& [what, count] : walk_ups_->seen) seen[what] += count;
  if (HasFailure()) return;
  Rest();
  CheckEnd();
}

// ---- A step ----

void WalkWorld::Step(Walker& walker, const Those& shipments, Visits& visits) {
  const WalkOrder::Line& line = walker.order.lines()[walker.line];
  // What a change hits: whatever holds the schedule, else what was made of it last.
  const WalkShipment* hit = nullptr;
  for (const WalkShipment* one : shipments) {
    if (one->Has(line.line, line.schedule) && (hit == nullptr || one->holds)) hit = one;
  }
  const std::size_t state = hit == nullptr ? kCountedStates : hit->StateIndex();
  const bool rare = state < kCountedStates && Rarest(walker, state, visits).second < Mean(visits);
  const bool kept_back = orders.kept_back.erase("orders/" + walker.order.id()) > 0;
  if (state == walker.wish || kept_back || Chance(random_, rare ? 60 : 4)) {
    ChangeAny(walker, state, visits);
    // What has come to an end stays there through most changes, and a void is rare: more can come.
    const std::string_view name = kWalkStates[state];
    const bool stays = name == "IN_TRANSIT" || name == "DELIVERED" || name == "VOIDED" ||
                       name == "CANCELLED" || name == "VOIDING";
    if (!Chance(random_, stays ? 70 : 30)) Wish(walker, visits);
  } else if (--walker.patience <= 0) {
    Wish(walker, visits);
  } else {
    Lead(walker, hit);
  }
  if (Chance(random_, 6)) SomethingHappensToAParcel(shipments);
  if (!shipments.empty() && Chance(random_, 25)) {
    SomebodyDecides(*shipments[random_() % shipments.size()]);
  }
}

void WalkWorld::Wish(Walker& walker, const Visits& visits) {
  std::array<std::pair<int, std::size_t>, kCountedStates> by_visits;
  for (std::size_t state = 0; state < kCountedStates; ++state) {
    by_visits[state] = {0, state};
    for (std::size_t i = 0; i < kCountedChanges; ++i) by_visits[state].first += visits[state][i];
  }
  std::sort(by_visits.begin(), by_visits.end());
  const std::size_t among = Chance(random_, 60) ? 1 : Chance(random_, 75) ? 3 : kCountedStates;
  walker.wish = by_visits[random_() % among].second;
  walker.line = random_() % walker.order.lines().size();
  walker.patience = 12;
}

void WalkWorld::Change(Walker& walker, OrderChange change, std::size_t line) {
  const WalkOrder::Line before = walker.order.lines()[line];
  walker.order.Apply(change, line, random_);
  orders.Put(walker.order.ToProto());
  Tell(walker.order.id(),
       absl::StrCat("revision ", walker.order.revision(), ": ",
                    std::string(kOrderChanges[static_cast<std::size_t>(change)].second), " of ",
                    before.line, "/", before.schedule));
}

void WalkWorld::Tell(const std::string& order_id, const std::string& what) {
  absl::StrAppend(&walkers_.at(order_id).story, "\n  step ", step_, ": ", what);
}

// The change that is possible, or would be after a hold, and was made least; and how often it was.
std::pair<std::size_t, int> WalkWorld::Rarest(const Walker& walker, std::size_t state,
                                              const Visits& visits) const {
  std::pair<std::size_t, int> rarest{0, std::numeric_limits<int>::max()};
  for (std::size_t i = 0; i < kCountedChanges; ++i) {
    const OrderChange change = kOrderChanges[i].first;
    const bool possible = change == OrderChange::kHoldOff ||
                          walker.order.Applies(change, walker.order.lines()[walker.line]);
    if (possible && visits[state][i] < rarest.second) rarest = {i, visits[state][i]};
  }
  return rarest;
}

void WalkWorld::ChangeAny(Walker& walker, std::size_t state, Visits& visits) {
  const WalkOrder::Line& line = walker.order.lines()[walker.line];
  std::size_t change = Rarest(walker, state, visits).first;
  if (Chance(random_, 30)) change = random_() % kOrderChanges.size();
  if (kOrderChanges[change].first == OrderChange::kHoldOff &&
      !walker.order.Applies(OrderChange::kHoldOff, line)) {
    // Put on hold first; the hold may end before anybody here heard of it.
    change = static_cast<std::size_t>(OrderChange::kHoldOn);
    orders.kept_back.insert("orders/" + walker.order.id());
  }
  if (!walker.order.Applies(kOrderChanges[change].first, line)) return;
  ++visits[state][change];
  Change(walker, kOrderChanges[change].first, walker.line);
}

void WalkWorld::Lead(Walker& walker, const WalkShipment* shipment) {
  WalkOrder& order = walker.order;
  const WalkOrder::Line& line = order.lines()[walker.line];
  const auto change = [&](OrderChange what) {
    if (order.Applies(what, line)) Change(walker, what, walker.line);
  };
  const std::string_view wish = kWalkStates[walker.wish];
  const std::string_view state =
      kWalkStates[shipment == nullptr ? kCountedStates : shipment->StateIndex()];
  // A hold is left on now and then, for its end to come where the walk wants to be.
  if (order.WhyNot(line) == Schedule::HOLD && Chance(random_, 40)) {
    return change(OrderChange::kHoldOff);
  }
  if (order.WhyNot(line) == Schedule::STATUS) return change(OrderChange::kReinstated);
  if (!line.alive() || line.open() == 0) {
    if (!order.Applies(OrderChange::kNewLine, line)) return;
    Change(walker, OrderChange::kNewLine, walker.line);
    walker.line = order.lines().size() - 1;
    return;
  }
  const bool scanned = state == "IN_TRANSIT" || state == "DELIVERED" || state == "other";
  if (wish == "RECEIVED") {
    if (!line.later && !scanned) change(OrderChange::kShipDate);
  } else if (line.later) {
    change(OrderChange::kShipDate);
  } else if (wish == "NEEDS_REVIEW" || wish == "CANCELLED") {
    if (state == "NEEDS_REVIEW") {
      if (wish == "CANCELLED") Decide(*shipment, shipments::v1::Review::CANCEL);
    } else if (!scanned) {
      change(OrderChange::kSpoiled);
    }
  } else if (line.spoiled()) {
    change(OrderChange::kMended);
  } else if (state == "LABELED" && (wish == "IN_TRANSIT" || wish == "DELIVERED")) {
    Scan(*shipment, wish == "DELIVERED" ? tracking::v1::DELIVERED : tracking::v1::IN_TRANSIT);
  } else if (state == "IN_TRANSIT" && wish == "DELIVERED") {
    Scan(*shipment, tracking::v1::DELIVERED);
    ++walker.patience;  // it takes a while to hear of all parcels
  } else if (state == "LABELED" && (wish == "VOIDING" || wish == "VOIDED")) {
    Void(*shipment);
  } else if (scanned && shipment != nullptr && !shipment->numbers.empty() &&
             order.Applies(OrderChange::kNewLine, line)) {
    Change(walker, OrderChange::kNewLine, walker.line);  // what UPS has does not come back
    walker.line = order.lines().size() - 1;
  }
}

void WalkWorld::Scan(const WalkShipment& shipment, tracking::v1::Status status) {
  for (const std::string& number : shipment.numbers) {
    if (!walk_tracking_->Follows(number)) continue;
    walk_ups_->Scan(number);
    walk_tracking_->Happen(number, status);
    Tell(shipment.order_id, absl::StrCat(tracking::v1::Status_Name(status), " ", number));
  }
}

void WalkWorld::SomethingHappensToAParcel(const Those& shipments) {
  std::vector<std::string> numbers;
  for (const WalkShipment* one : shipments) {
    for (const std::string& number : one->numbers) {
      if (walk_tracking_->Follows(number)) numbers.push_back(number);
    }
  }
  if (numbers.empty()) return;
  const std::string& number = numbers[random_() % numbers.size()];
  static constexpr tracking::v1::Status kHappens[] = {
      tracking::v1::PICKED_UP, tracking::v1::IN_TRANSIT, tracking::v1::EXCEPTION,
      tracking::v1::DELIVERED, tracking::v1::RETURNED,   tracking::v1::LOST};
  walk_ups_->Scan(number);
  walk_tracking_->Happen(number, kHappens[random_() % std::size(kHappens)]);
}

void WalkWorld::Void(const WalkShipment& one) {
  const bool done = store->ChangeShipment(one.shipment_id, RequestVoid).ok();
  Tell(one.order_id, absl::StrCat("void of ", one.shipment_id, done ? "" : " refused"));
}

void WalkWorld::Decide(const WalkShipment& one, shipments::v1::Review::Action action) {
  shipments::v1::ResolveReviewRequest request;
  request.set_action(action);
  if (action == shipments::v1::Review::OVERRIDE_ADDRESS) {
    *request.mutable_address() = PlaceAddress("AUSTIN");
  }
  // Some decisions are not possible, and some come too late: they are told so.
  const bool decided = Resolve(one.review_id, request).ok();
  Tell(one.order_id,
       absl::StrCat(one.review, " of ", one.shipment_id, " ",
                    shipments::v1::Review::Action_Name(action), decided ? "" : " refused"));
}

void WalkWorld::SomebodyDecides(const WalkShipment& one) {
  if (one.review_id.empty()) {
    if (one.state == "LABELED" && Chance(random_, 8)) {
      Void(one);
    }
    return;
  }
  if (one.review == "IN_DOUBT_UNRESOLVED" && Chance(random_, 60)) {
    // Whoever decides has looked; some look badly.
    const auto shipment = store->GetShipment(one.shipment_id);
    ASSERT_OK(shipment);
    for (const std::string& number : walk_ups_->VoidByHand(shipment->shipment.request_id())) {
      walk_tracking_->Happen(number, tracking::v1::VOIDED);
    }
    Tell(one.order_id, absl::StrCat(one.shipment_id, " is void at UPS by hand if it is there"));
  }
  const int roll = Between(random_, 0, 9);
  Decide(one, roll < 5   ? shipments::v1::Review::RETRY
              : roll < 8 ? shipments::v1::Review::CANCEL
                         : shipments::v1::Review::OVERRIDE_ADDRESS);
}

void WalkWorld::RunLoop(Side& side, int loop) {
  Replica& replica = *side.replica;
  switch (loop) {
    case 0:
      return (void)replica.intake.Step();
    case 1:
      return (void)replica.intake.PlanAgain();
    case 2:
      return (void)replica.validator.Step();
    case 3:
      return (void)replica.buyer.Step();
    case 4:
      return (void)replica.handing_over.Step();
    case 5:
      return (void)replica.voider.Step();
    case 6:
      return (void)replica.watcher.Step();
    default:
      return (void)TellOfReviews(*side.mortal);
  }
}

void WalkWorld::Work(int loops) {
  orders.down = Chance(random_, 4) ? absl::UnavailableError("down") : absl::OkStatus();
  orders.acknowledge_fails = Chance(random_, 8) ? absl::UnavailableError("down") : absl::OkStatus();
  for (int i = 0; i < loops; ++i) {
    if (!Chance(random_, 75)) continue;
    // Mostly in their order, so that things get on; sometimes any.
    const int loop = Chance(random_, 75) ? i : Between(random_, 0, kLoops - 1);
    Side& side = sides_[random_() % sides_.size()];
    if (Chance(random_, 12)) {
      side.mortal->DieAt(Between(random_, 1, 3),
                         static_cast<WalkStore::Death>(Between(random_, 0, 2)));
    }
    RunLoop(side, loop);
    WaitUntilQuiet();
    side.mortal->Live();
    const bool died = side.mortal->dead();
    seen["deaths"] += died;
    if (died || Chance(random_, 1)) Start(side);
  }
}

// While a call is at UPS: the other replica goes on, with leases that ran out.
void WalkWorld::Interrupt() {
  if (interrupting_.exchange(true)) return;
  const auto walker =
      std::next(walkers_.begin(), static_cast<std::ptrdiff_t>(random_() % walkers_.size()));
  WalkOrder& order = walker->second.order;
  const std::size_t line = random_() % order.lines().size();
  const OrderChange change = kOrderChanges[random_() % kCountedChanges].first;
  if (order.Applies(change, order.lines()[line])) Change(walker->second, change, line);
  LeasesRunOut(30);
  RunLoop(sides_[random_() % sides_.size()], Chance(random_, 50) ? 0 : Between(random_, 0, 5));
  interrupting_ = false;
}

// Until nothing is under way but what is held back at UPS.
void WalkWorld::WaitUntilQuiet() {
  for (int calm = 0; calm < 2;) {
    ++calm;
    for (Side& side : sides_) {
      while (side.mortal->Held(side.replica->leases) != walk_ups_->UnderWay(*side.door)) {
        calm = 0;
        std::this_thread::yield();
      }
    }
  }
}

void WalkWorld::LeasesRunOut(int percent) {
  std::vector<std::string> ids;
  for (const auto& [id, walker] : walkers_) {
    if (Chance(random_, percent)) ids.push_back(id);
  }
  EXPECT_OK(db().Exec(
      "UPDATE shipments SET due_time = now() WHERE due_time < 'infinity' AND state <> 'RECEIVED' "
      "AND due_time > now() AND order_id = ANY($1::text[])",
      {ids}));
}

}  // namespace psups::shipment_builder::testing
