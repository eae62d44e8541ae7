#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/postgres.h"
#include "services/shipment-builder/postgres_rows.h"

namespace psups::shipment_builder {

// Requisitions and the purchase orders they were sourced to: no two linked schedules are ever both
// in purchases that are, or may be, labels.

// Has everybody wait, until the transaction ends, who would store links of the same requisitions or
// change what purchases hold of schedules that are linked by them. `schedules` are those whose
// allocation changes: connection, order, line, schedule, whether it is a requisition's. False: no
// link can be in the way.
absl::StatusOr<bool> LockLinked(Tx& tx, const Arrays& schedules);

// ALREADY_EXISTS if a purchase holds one of `schedules` (connection, order, line, schedule) and
// another holds one that it is linked with. To be asked after LockLinked.
absl::Status CheckLinked(Tx& tx, const Arrays& schedules);

// Replaces the orders' links by what they say now, under the same lock.
absl::Status StoreLinks(Tx& tx, const std::vector<OrderToPlan>& orders);

// A purchase order's schedule that is not planned because a requisition was shipped instead.
struct Skipped {
  std::string order_id = {};
  int line = 0;
  int schedule = 0;
  std::string reason = {};
};

// Marks the schedules whose requisitions purchases hold as not to be shipped, in `orders` only;
// their entry stands in the ledger once. Returns those that were not skipped before.
absl::StatusOr<std::vector<Skipped>> SkipShipped(Tx& tx, std::vector<OrderToPlan>& orders);

// The same without storing it, for one order.
absl::Status MarkSkipped(Tx& tx, const ShipmentKey& key, orders::v1::Order& order);

}  // namespace psups::shipment_builder
