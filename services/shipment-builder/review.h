#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "psups/type/v1/address.pb.h"

namespace psups::shipment_builder {

// Why a person is asked; the names are those of the API and of the column.
enum class Reason {
  kAddressInvalid,
  kAddressAmbiguous,
  kAddressSuiteChanged,
  kAddressChanged,
  kNoShipFrom,
  kNoShipTo,
  kItemWeightMissing,
  kItemDimensionsMissing,
  kPackageTooHeavy,
  kPackageTooLarge,
  kFieldTooLong,
  kServiceUnmapped,
  kUpsRejected,
  kInDoubtUnresolved,
  kCountryUnsupported,
  kChangedAfterPickup,
  kUomUnknown,
  kVoidRefused,
  kVoidedLabelScanned,
  kAddressResidential,
  kAddressUndeliverable,
};
std::string_view Name(Reason reason);
Reason ReasonFromName(std::string_view name);

// What a person may decide.
enum class Action { kAcceptCandidate, kOverrideAddress, kRetry, kCancel };
std::string_view Name(Action action);

// Which address a review is about.
enum class Side { kNone, kShipFrom, kShipTo };
std::string_view Name(Side side);
Side SideFromName(std::string_view name);

// A question to be asked.
struct ReviewDraft {
  Reason reason = Reason::kAddressInvalid;
  // A sentence or two for a clerk: what is wrong, what to do. Items and fields, never an address.
  std::string message = {};
  Side side = Side::kNone;
  type::v1::Address address = {};  // the one in question
  std::vector<type::v1::Address> candidates = {};
};

// A question that was asked.
struct Review {
  std::string connection_id = {};
  std::string review_id = {};
  std::string shipment_id = {};
  bool open = true;
  ReviewDraft asked = {};
};

// What may be decided about a review.
std::vector<Action> ActionsFor(const ReviewDraft& review);

}  // namespace psups::shipment_builder
