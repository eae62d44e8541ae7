#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/planning.h"
#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {

// Both addresses as they go on the label, and the calls by which UPS validated them.
struct ValidatedParties {
  type::v1::Address ship_from = {};
  type::v1::Address ship_to = {};
  std::string ship_from_call = {};
  std::string ship_to_call = {};
};

// Puts them on the shipment.
void TakeParties(Shipment& shipment, const ValidatedParties& parties, Effects& effects);

// Opens the next purchase: takes the schedules' quantities, derives its reference. To be stored
// before the gateway is asked.
// YYYYMMDD if UPS is to be told a day, else empty: today.
std::string DayForUps(const std::string& ship_date, absl::CivilDay today);

Effects OpenPurchase(Shipment& shipment, const std::string& account, const Calendar& calendar,
                     const Derive& derive);

// The request of the purchase under way: the same every time, for it is made from what is stored.
ups::v1::CreateShipmentRequest RequestOf(const Shipment& shipment);

// The request that ends it, in the name of the person who confirmed that it was not made, if one
// did.
ups::v1::CloseCallRequest CloseOf(const Shipment& shipment);

// How a purchase stands by what the gateway says of it.
PurchaseOutcome OutcomeOf(const absl::StatusOr<ups::v1::Call>& answer, absl::Time now);

// True if the gateway refused the request as such, so that it may never have taken the call:
// CloseCall tells, and sees to it that it never will.
bool RefusedAsSuch(const absl::Status& status);

// What such a refusal means when the call is NOT_MADE.
PurchaseOutcome OutcomeOfRefusal(const absl::Status& refusal);

// The outage class of an error: waiting helps, and nobody is to blame here.
bool IsOutage(const absl::Status& status);

}  // namespace psups::shipment_builder
