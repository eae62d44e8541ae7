#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/batcher.h"
#include "common/worker.h"
#include "services/shipment-builder/buyer.h"
#include "services/shipment-builder/choice.h"
#include "services/shipment-builder/connections.h"
#include "services/shipment-builder/held_leases.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// What the rules want asked of UPS between validation and purchase: what a shipment costs, and
// whether somebody shipped the order by hand. What passes goes on to the buyer under the same
// lease.
class Pricer {
 public:
  Pricer(ShipmentStore& store, UpsPort& ups, Buyer& buyer, const Connections& connections,
         const Planner& planner, HeldLeases& leases, Wakeup& tell);

  // Takes leased shipments over whose addresses were validated just now.
  void Price(std::vector<ToBuy> batch);

 private:
  struct Asked {
    ToBuy item;
    bool priced = false;
    absl::StatusOr<ups::v1::QuoteRatesResponse> quotes = absl::UnknownError("not asked");
    bool searched = false;
    absl::StatusOr<ups::v1::FindShipmentByReferenceResponse> found =
        absl::UnknownError("not asked");
  };
  struct Pending;

  void Ask(ToBuy item, const PriceQuestion& price, bool search);
  void Conclude(std::vector<Asked> asked);
  // What stands in its way, or nothing; fills in what was chosen.
  std::variant<std::monostate, absl::Status, ReviewDraft> Judge(
      Asked& asked, const std::vector<std::string>& strangers) const;
  std::vector<std::string> Strangers(const std::vector<Asked>& asked, absl::Status& status);
  void Stop(std::vector<Leased> held,
            std::vector<std::variant<std::monostate, absl::Status, ReviewDraft>> reasons);

  ShipmentStore& store_;
  UpsPort& ups_;
  Buyer& buyer_;
  const Connections& connections_;
  const Planner& planner_;
  HeldLeases& leases_;
  Wakeup& tell_;
  Batcher<Asked> answered_;
};

}  // namespace psups::shipment_builder
