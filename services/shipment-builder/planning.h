#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/grouping.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// 32 bytes derived from `text` for `purpose`: the same in every replica and after every restore.
using Derive = std::function<std::string(std::string_view purpose, std::string_view text)>;

// When it is, and where a day begins.
struct Calendar {
  absl::Time now = {};
  absl::TimeZone zone = absl::UTCTimeZone();

  absl::CivilDay today() const { return absl::ToCivilDay(now, zone); }
};

// UPS takes a shipment so many days ahead.
inline constexpr int kDaysAhead = 7;

// Stands on a purchase order's schedule, in memory only, whose requisition purchases hold.
inline constexpr auto kShippedAsRequisition = static_cast<Schedule::IneligibleReason>(1000);

// A shipment as an order asks for it.
struct PlannedShipment {
  std::string service_code = {};
  std::string ship_date = {};  // empty: as soon as possible
  std::vector<Share> shares = {};
  type::v1::Address ship_from = {};
  type::v1::Address ship_to = {};
  std::vector<Package> packages = {};
  std::optional<ReviewDraft> problem = {};  // why it cannot go as it is
  std::string fingerprint = {};
};

// Addresses, service and packages of one group, or the first problem in the way.
PlannedShipment PlanGroup(const orders::v1::Order& order, const Group& group, const Derive& derive);

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

// Brings shipments into line with `order`. `existing` are all shipments of it that hold schedules;
// they are changed in place. What has a label, or may have one, stays if it still is what the order
// says; else its label is voided, and its schedules are planned when that is done. What has none is
// withdrawn unless it still is exactly what would be planned. What a person undid stays undone
// while its content is the same. The rest of the order's open quantities becomes new shipments,
// numbered from `built` + 1 on. Doing it again changes nothing.
Reconciliation Reconcile(const orders::v1::Order& order, std::vector<Shipment>& existing,
                         int64_t built, const Calendar& calendar, const Derive& derive);

// What the order says now of the schedules in `shipment`, as a fingerprint; equal to the shipment's
// own if nothing changed for it.
std::string FingerprintNow(const orders::v1::Order& order, const Shipment& shipment,
                           const Derive& derive);

// The same whether its schedules may ship or not.
std::string ContentNow(const orders::v1::Order& order, const Shipment& shipment,
                       const Derive& derive);

// A person wants another try: plans the shipment's schedules anew from `order`, in place.
// FAILED_PRECONDITION if they may not ship any more.
absl::Status PlanAgain(const orders::v1::Order& order, Shipment& shipment, Effects& effects,
                       const Calendar& calendar, const Derive& derive);

}  // namespace psups::shipment_builder
