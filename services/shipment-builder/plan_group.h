#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "psups/orders/v1/order_service.pb.h"
#include "services/shipment-builder/grouping.h"
#include "services/shipment-builder/packing.h"
#include "services/shipment-builder/review.h"
#include "services/shipment-builder/rules.h"
#include "services/shipment-builder/terms.h"

namespace psups::shipment_builder {

// 32 bytes derived from `text` for `purpose`: the same in every replica and after every restore.
using Derive = std::function<std::string(std::string_view purpose, std::string_view text)>;

// A shipment as an order asks for it.
struct PlannedShipment {
  std::string service_code = {};
  std::string ship_date = {};  // empty: as soon as possible
  std::vector<Share> shares = {};
  type::v1::Address ship_from = {};
  type::v1::Address ship_to = {};
  std::vector<Package> packages = {};
  Terms terms = {};
  int64_t mapping_version = 0;
  std::string vendor = {};                  // as Shipment has it
  std::string due_date = {};                // as Shipment has it
  std::optional<ReviewDraft> problem = {};  // why it cannot go as it is
  std::string fingerprint = {};
};

// What a person chose for one shipment, beside what the order says.
struct Choices {
  std::string service_code = {};  // empty: the ship via's
  bool implausible_measures_ship = false;

  bool any() const { return !service_code.empty() || implausible_measures_ship; }
};

// Addresses, service, packages and terms of one group, or the first problem in the way. The
// fingerprint is always that of what the order says.
PlannedShipment PlanGroup(const orders::v1::Order& order, const Group& group, const Rules& rules,
                          const Derive& derive, const Choices& choices = {});

}  // namespace psups::shipment_builder
