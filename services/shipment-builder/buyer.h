#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/batcher.h"
#include "common/worker.h"
#include "services/shipment-builder/connections.h"
#include "services/shipment-builder/held_leases.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/purchase.h"

namespace psups::shipment_builder {

// A leased shipment that is ready to be bought; `parties` if they were validated just now and
// nothing of it is stored yet.
struct ToBuy {
  Leased leased = {};
  std::optional<ValidatedParties> parties = {};
  // What was chosen by price just now; empty: the shipment's own.
  std::string service_code = {};
  std::optional<Money> estimate = {};
};

// Buys labels: looks at the order once more, stores the intent, asks the gateway, stores what
// became of it. A shipment's lease is given up when its outcome is stored.
class Buyer {
 public:
  struct Wakeups {
    Wakeup& hand_over;
    Wakeup& undo;
    Wakeup& replan;
    Wakeup& tell;
  };

  Buyer(ShipmentStore& store, OrderSource& orders, UpsPort& ups, const Connections& connections,
        const Planner& planner, HeldLeases& leases, Wakeups wakeups);

  // The label loop: leases shipments that wait for a label, or for news of a purchase.
  absl::StatusOr<int> Step();
  // Takes leased shipments over. Blocks on the database and on one call to ps-ingest.
  void Buy(std::vector<ToBuy> batch);

 private:
  struct Outcome {
    Leased leased;
    PurchaseOutcome outcome;
  };

  struct Verdict {
    enum class Kind { kBuy, kPark, kWait, kLimit, kNewRevision, kShippedElsewhere };
    Kind kind = Kind::kWait;
    std::string account = {};
  };
  std::vector<Verdict> Judge(const std::vector<ToBuy>& batch);
  void OpenAndSend(std::vector<ToBuy> batch, std::vector<Verdict> verdicts);
  void Send(Leased leased);
  void AskHowItStands(const Leased& leased);
  // Ends the purchase, or hears that it was made. `refusal`: why the gateway did not take it.
  void Close(const Leased& leased, const absl::Status& refusal = absl::OkStatus());
  void Settle(std::vector<Outcome> outcomes);

  ShipmentStore& store_;
  OrderSource& orders_;
  UpsPort& ups_;
  const Connections& connections_;
  const Planner& planner_;
  HeldLeases& leases_;
  const Wakeups wakeups_;
  Batcher<Outcome> outcomes_;
};

}  // namespace psups::shipment_builder
