#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// Times from `from` on, before `to`, in microseconds as the database has them.
struct TimeRange {
  absl::Time from = absl::UnixEpoch();
  absl::Time to = absl::FromUnixSeconds(253'402'300'800);  // the year 10000

  bool given = false;  // else it is no condition, and nothing has to have such a time
};

// Conditions on shipments, all of which must hold; an empty one holds always. However many
// conditions are added there is one of each kind, so that they make few kinds of statements.
struct ShipmentFilter {
  std::optional<State> state = {};
  std::vector<State> not_states = {};
  std::string connection_id = {};
  std::string order_id = {};
  std::string document_id = {};
  std::string tracking_number = {};
  std::string ups_shipment_id = {};
  TimeRange created = {};
  TimeRange updated = {};
  TimeRange labelled = {};
  bool none = false;  // the conditions contradict each other

  void RequireState(State wanted);
  void Require(std::string ShipmentFilter::*field, const std::string& wanted);
};

// Adds the conditions of a filter as ListShipmentsRequest.filter describes it. INVALID_ARGUMENT
// says where it is wrong, what stands there and what is wanted.
absl::Status AddFilter(std::string_view text, ShipmentFilter& filter);

}  // namespace psups::shipment_builder
