#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/grouping.h"
#include "services/shipment-builder/plan_group.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// When it is, and where a day begins.
struct Calendar {
  absl::Time now = {};
  absl::TimeZone zone = absl::UTCTimeZone();

  absl::CivilDay today() const { return absl::ToCivilDay(now, zone); }
};

// What planning goes by.
struct Basis {
  Calendar calendar = {};
  Derive derive = {};
  RuleHistory rules = {};  // of the order's connection
};

// A shipment to be stored, with what goes with it.
struct NewShipment {
  Shipment shipment = {};
  Effects effects = {};
};

// What a revision of an order makes of the shipments there are.
struct Reconciliation {
  // One for each existing shipment, in their order; nullopt: it stays exactly as it is.
  std::vector<std::optional<Effects>> changes = {};
  std::vector<NewShipment> fresh = {};
};

// Brings shipments into line with `order`, by the newest rules; what has a label, or may have one,
// is judged by the rules it was built by. `existing` are all shipments of it that hold schedules;
// they are changed in place. What has a label, or may have one, stays if it still is what the order
// says; else its label is voided, and its schedules are planned when that is done. What has none is
// withdrawn unless it still is exactly what would be planned. What a person undid stays undone
// while its content is the same. The rest of the order's open quantities becomes new shipments,
// numbered from `built` + 1 on. Doing it again changes nothing.
Reconciliation Reconcile(const orders::v1::Order& order, std::vector<Shipment>& existing,
                         int64_t built, const Basis& basis);

// What the order says now of the schedules in `shipment`, whether they may ship or not, as a
// fingerprint; equal to the shipment's own if nothing changed for it.
std::string ContentNow(const orders::v1::Order& order, const Shipment& shipment,
                       const Basis& basis);

// A person wants another try: plans the shipment's schedules anew from `order`, in place, by the
// newest rules. Its fingerprint is that of the order alone: what a person decided is no change of
// it. FAILED_PRECONDITION if they may not ship any more.
absl::Status PlanAgain(const orders::v1::Order& order, Shipment& shipment, Effects& effects,
                       const Basis& basis, const Choices& choices = {});

}  // namespace psups::shipment_builder
