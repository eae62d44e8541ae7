#include "services/shipment-builder/buyer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {
namespace {

namespace opb = psups::orders::v1;

const CounterMetric kPurchases("psups_purchases_total", "Answers of the gateway to purchases.",
                               {"outcome"});

constexpr int kAtOnce = 100;
constexpr std::size_t kMostNames = 500;
constexpr absl::Duration kNewRevisionComesIn = absl::Seconds(1);
// How soon there may be room again.
absl::Duration RoomIsLookedForIn(const std::string& limit) {
  return limit.find("per_day") == std::string::npos ? absl::Minutes(1) : absl::Minutes(10);
}

const char* OutcomeName(PurchaseOutcome::Kind kind) {
  switch (kind) {
    case PurchaseOutcome::Kind::kDone:
      return "done";
    case PurchaseOutcome::Kind::kRejected:
      return "rejected";
    case PurchaseOutcome::Kind::kRejectedForNow:
      return "rejected_for_now";
    case PurchaseOutcome::Kind::kNotMade:
      return "not_made";
    case PurchaseOutcome::Kind::kInDoubt:
    case PurchaseOutcome::Kind::kInDoubtForPerson:
      return "in_doubt";
    case PurchaseOutcome::Kind::kLater:
      return "later";
    case PurchaseOutcome::Kind::kOurs:
    case PurchaseOutcome::Kind::kMalformed:
      return "failed";
  }
  return "";
}

// True if every schedule of the shipment may still ship what is in it.
bool StillOpen(const Shipment& shipment, const opb::CheckOrdersResponse::Standing& standing) {
  return std::all_of(shipment.shares.begin(), shipment.shares.end(), [&](const Share& share) {
    return std::any_of(
        standing.open_schedules().begin(), standing.open_schedules().end(), [&](const auto& open) {
          if (open.line_number() != share.line || open.schedule_number() != share.schedule) {
            return false;
          }
          const auto quantity = Decimal::Parse(open.quantity());
          return quantity.ok() && *quantity >= share.quantity;
        });
  });
}

}  // namespace

Buyer::Buyer(ShipmentStore& store, OrderSource& orders, UpsPort& ups,
             const Connections& connections, const Planner& planner, HeldLeases& leases,
             Wakeups wakeups)
    : store_(store),
      orders_(orders),
      ups_(ups),
      connections_(connections),
      planner_(planner),
      leases_(leases),
      wakeups_(wakeups),
      outcomes_(kAtOnce, [this](std::vector<Outcome> outcomes) { Settle(std::move(outcomes)); }) {
  using Kind = PurchaseOutcome::Kind;
  for (const Kind kind : {Kind::kDone, Kind::kRejected, Kind::kNotMade, Kind::kInDoubt}) {
    kPurchases(OutcomeName(kind));  // from 0 on
  }
}

absl::StatusOr<int> Buyer::Step() {
  ASSIGN_OR_RETURN(std::vector<Leased> leased, leases_.Take(Work::kLabel, kAtOnce));
  const int count = static_cast<int>(leased.size());
  std::vector<ToBuy> batch;
  for (Leased& one : leased) batch.push_back({.leased = std::move(one)});
  Buy(std::move(batch));
  return count;
}

void Buyer::Buy(std::vector<ToBuy> batch) {
  std::vector<ToBuy> fresh;
  for (ToBuy& one : batch) {
    const Shipment& shipment = one.leased.shipment;
    if (!shipment.purchase.MayBeLive()) {
      fresh.push_back(std::move(one));
    } else if (shipment.undo != Undo::kNone || !shipment.purchase.confirmed_by.empty()) {
      Close(one.leased);
    } else if (connections_.Of(shipment.connection_id).buys) {
      Send(std::move(one.leased));
    } else {
      // Asking to buy could still buy: it is only asked how the call stands.
      AskHowItStands(one.leased);
    }
  }
  if (fresh.empty()) return;
  std::vector<Verdict> verdicts = Judge(fresh);
  OpenAndSend(std::move(fresh), std::move(verdicts));
}

std::vector<Buyer::Verdict> Buyer::Judge(const std::vector<ToBuy>& batch) {
  using Kind = Verdict::Kind;
  std::vector<Verdict> verdicts(batch.size());
  opb::CheckOrdersRequest request;
  std::set<std::string> names;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Shipment& shipment = batch[i].leased.shipment;
    const Connections::Standing standing = connections_.Of(shipment.connection_id);
    if (!standing.known) continue;
    verdicts[i] = {.kind = standing.buys ? Kind::kBuy : Kind::kPark, .account = standing.account};
    if (standing.buys && names.size() < kMostNames && names.insert(shipment.order_name()).second) {
      request.add_names(shipment.order_name());
    }
  }
  if (names.empty()) return verdicts;
  const absl::StatusOr<opb::CheckOrdersResponse> response = orders_.CheckOrders(request);
  if (!response.ok()) LogWarning("check_orders_failed", {{"status", response.status()}});
  std::map<std::string, const opb::CheckOrdersResponse::Standing*> standings;
  if (response.ok()) {
    for (const auto& standing : response->standings()) standings[standing.name()] = &standing;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (verdicts[i].kind != Kind::kBuy) continue;
    const Shipment& shipment = batch[i].leased.shipment;
    const auto standing = standings.find(shipment.order_name());
    if (standing == standings.end()) {
      verdicts[i].kind = Kind::kWait;
    } else if (standing->second->revision() > shipment.order_revision) {
      verdicts[i].kind = Kind::kNewRevision;
    } else if (!StillOpen(shipment, *standing->second)) {
      verdicts[i].kind = Kind::kWait;
    }
  }
  return verdicts;
}

void Buyer::OpenAndSend(std::vector<ToBuy> batch, std::vector<Verdict> verdicts) {
  std::vector<Leased> held;
  for (const ToBuy& one : batch) held.push_back(one.leased);
  const auto limits = [&](const std::string& connection) -> Limits {
    return planner_.BasisFor(connection).rules.newest().text().limits();
  };
  const auto change = [&](Shipment& live, std::size_t i, Gate* gate) -> Effects {
    Effects effects;
    const State from = live.state;
    const bool waiting =
        from == State::kReceived || from == State::kValidating || from == State::kLabeling;
    if (!waiting || live.purchase.MayBeLive()) return Effects{};
    Verdict::Kind verdict = verdicts[i].kind;
    if (verdict == Verdict::Kind::kBuy) {
      // Judging took its time.
      const Connections::Standing standing = connections_.Of(live.connection_id);
      if (!standing.buys) verdict = standing.known ? Verdict::Kind::kPark : Verdict::Kind::kWait;
    }
    Admission admission;
    if (verdict == Verdict::Kind::kBuy && gate != nullptr) {
      admission = gate->Look(live.vendor, live.Waived(Reason::kPurchasesUnusual));
      if (admission.kind != Admission::Kind::kBuy) verdict = Verdict::Kind::kLimit;
    }
    live.waits_for = admission.limit;
    if (batch[i].estimate.has_value()) live.estimate = batch[i].estimate;
    if (!batch[i].service_code.empty()) live.service_code = batch[i].service_code;
    if (verdict == Verdict::Kind::kBuy) {
      // The entry of the intent tells by which calls the addresses were validated.
      if (batch[i].parties.has_value()) TakeParties(live, *batch[i].parties, effects);
      Effects opened =
          OpenPurchase(live, verdicts[i].account, planner_.calendar(), planner_.derive());
      opened.parties_changed = effects.parties_changed;
      if (gate != nullptr) gate->Count(live.vendor);
      return opened;
    }
    if (batch[i].parties.has_value()) {
      TakeParties(live, *batch[i].parties, effects);
      effects.action = "shipment.validate";
    }
    switch (verdict) {
      case Verdict::Kind::kBuy:
        break;
      case Verdict::Kind::kPark:
        Progress(live);
        live.state = State::kReceived;
        live.due_in = absl::InfiniteDuration();
        break;
      case Verdict::Kind::kWait:
        Postpone(live);
        live.state = State::kLabeling;
        break;
      case Verdict::Kind::kLimit:
        if (admission.kind == Admission::Kind::kAsk) {
          gate->Asked();
          Effects asked =
              OpenReview(live, {.reason = Reason::kPurchasesUnusual, .message = admission.message});
          asked.parties_changed = effects.parties_changed;
          return asked;
        }
        Progress(live);
        live.state = State::kLabeling;
        live.due_in = RoomIsLookedForIn(admission.limit);
        break;
      case Verdict::Kind::kNewRevision:
        Progress(live);
        live.state = State::kLabeling;
        live.due_in = kNewRevisionComesIn;
        break;
      case Verdict::Kind::kShippedElsewhere:
        // Planning leaves a purchase order's schedules out; a requisition waits for its revision.
        Postpone(live);
        live.state = State::kLabeling;
        effects.replan = live.document_type == "PO";
        break;
    }
    if (live.state != from && effects.action.empty()) effects.action = "shipment.wait";
    if (!effects.action.empty()) {
      effects.detail["from"] = std::string(Name(from));
      effects.detail["to"] = std::string(Name(live.state));
    }
    return effects;
  };
  // A limit that was set a moment ago holds for this purchase, too.
  const absl::Status known = planner_.rules().Refresh().status();
  absl::StatusOr<std::vector<Stored>> stored =
      known.ok() ? store_.UpdateGated(held, leases_.lease(), limits, change)
                 : absl::UnavailableError(known.message());
  const bool elsewhere = absl::IsAlreadyExists(stored.status());
  if ((elsewhere || absl::IsFailedPrecondition(stored.status())) && batch.size() > 1) {
    // One of them would take what another purchase holds: each for itself, so that only that one
    // stops.
    for (std::size_t i = 0; i < batch.size(); ++i) OpenAndSend({batch[i]}, {verdicts[i]});
    return;
  }
  if (elsewhere) {
    LogInfo("shipped_elsewhere",
            {{"shipment", held.front().shipment.name()}, {"status", stored.status()}});
    OpenAndSend(std::move(batch), {{.kind = Verdict::Kind::kShippedElsewhere}});
    wakeups_.replan.Notify();
    return;
  }
  if (absl::IsFailedPrecondition(stored.status())) {
    stored = store_.Update(held, leases_.lease(), [&](Shipment& live, std::size_t) {
      return Fail(live, "its schedules' quantities are held by another purchase");
    });
    if (stored.ok()) TellPeople(*stored, wakeups_.tell);
    leases_.Remove(held);
    return;
  }
  // Whatever the error, the rows stand as they stood or with the purchase open: after the lease
  // they come again, and an open purchase is asked for under its own id.
  if (!stored.ok()) LogWarning("purchases_not_opened", {{"status", stored.status()}});
  std::map<std::string, const Shipment*> opened;
  if (stored.ok()) {
    for (const Stored& one : *stored) {
      if (one.shipment.purchase.MayBeLive()) opened[one.shipment.shipment_id] = &one.shipment;
    }
  }
  std::vector<Leased> over;
  for (Leased& one : held) {
    const auto found = opened.find(one.shipment.shipment_id);
    if (found == opened.end()) {
      over.push_back(std::move(one));
    } else {
      Send({*found->second, one.lease_token});
    }
  }
  leases_.Remove(over);
}

void Buyer::Send(Leased leased) {
  const ups::v1::CreateShipmentRequest request = RequestOf(leased.shipment);
  const std::string trace_id = leased.shipment.trace_id;
  ups_.CreateShipment(request, trace_id,
                      [this, leased = std::move(leased)](absl::StatusOr<ups::v1::Call> call) {
                        if (RefusedAsSuch(call.status())) {
                          Close(leased, call.status());
                        } else if (absl::IsAlreadyExists(call.status())) {
                          AskHowItStands(leased);  // it was taken, in another form
                        } else {
                          outcomes_.Add({leased, OutcomeOf(call, planner_.calendar().now)});
                        }
                      });
}

void Buyer::AskHowItStands(const Leased& leased) {
  ups_.GetCall(leased.shipment.request_id(), leased.shipment.trace_id,
               [this, leased](const absl::StatusOr<ups::v1::Call>& call) {
                 outcomes_.Add({leased, OutcomeOf(call, planner_.calendar().now)});
               });
}

void Buyer::Close(const Leased& leased, const absl::Status& refusal) {
  ups_.CloseCall(CloseOf(leased.shipment), leased.shipment.trace_id,
                 [this, leased, refusal](const absl::StatusOr<ups::v1::Call>& call) {
                   PurchaseOutcome outcome = OutcomeOf(call, planner_.calendar().now);
                   if (!refusal.ok() && outcome.kind == PurchaseOutcome::Kind::kNotMade) {
                     outcome = OutcomeOfRefusal(refusal);
                   } else if (!refusal.ok() && RefusedAsSuch(call.status())) {
                     outcome.kind = PurchaseOutcome::Kind::kMalformed;
                   }
                   outcomes_.Add({leased, std::move(outcome)});
                 });
}

void Buyer::Settle(std::vector<Outcome> outcomes) {
  std::vector<Leased> held;
  for (const Outcome& one : outcomes) held.push_back(one.leased);
  const absl::StatusOr<std::vector<Stored>> stored =
      store_.Update(held, leases_.lease(), [&](Shipment& live, std::size_t i) -> Effects {
        if (live.purchase.number != held[i].shipment.purchase.number ||
            !live.purchase.MayBeLive()) {
          return Effects{};
        }
        return SettlePurchase(live, outcomes[i].outcome);
      });
  if (stored.ok()) {
    for (const Outcome& one : outcomes) {
      const int labels = one.outcome.result.packages_size();
      const int packages = static_cast<int>(one.leased.shipment.packages.size());
      if (one.outcome.kind == PurchaseOutcome::Kind::kDone && labels != packages) {
        LogError(
            "label_count_differs",
            {{"shipment", one.leased.shipment.name()}, {"packages", packages}, {"labels", labels}});
      }
      if (one.outcome.kind == PurchaseOutcome::Kind::kOurs) {
        LogError("purchase_answer_unexpected", {{"purchase", one.leased.shipment.request_id()},
                                                {"message", one.outcome.message}});
      }
      kPurchases(OutcomeName(one.outcome.kind)).Increment();
    }
    TellPeople(*stored, wakeups_.tell);
    wakeups_.hand_over.Notify();
    for (const Stored& one : *stored) {
      if (one.shipment.state == State::kVoiding) wakeups_.undo.Notify();
      const bool nothing_bought = !one.shipment.labelled() && !one.shipment.purchase.MayBeLive();
      if (nothing_bought) wakeups_.replan.Notify();
    }
  } else {
    // After the lease they are asked for again, under the same request ids.
    LogWarning("outcomes_not_stored", {{"status", stored.status()}, {"count", outcomes.size()}});
  }
  leases_.Remove(held);
}

}  // namespace psups::shipment_builder
