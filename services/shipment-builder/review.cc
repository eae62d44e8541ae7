#include "services/shipment-builder/review.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace psups::shipment_builder {
namespace {

constexpr std::array<std::pair<Reason, std::string_view>, 21> kReasons = {{
    {Reason::kAddressInvalid, "ADDRESS_INVALID"},
    {Reason::kAddressAmbiguous, "ADDRESS_AMBIGUOUS"},
    {Reason::kAddressSuiteChanged, "ADDRESS_SUITE_CHANGED"},
    {Reason::kAddressChanged, "ADDRESS_CHANGED"},
    {Reason::kNoShipFrom, "NO_SHIP_FROM"},
    {Reason::kNoShipTo, "NO_SHIP_TO"},
    {Reason::kItemWeightMissing, "ITEM_WEIGHT_MISSING"},
    {Reason::kItemDimensionsMissing, "ITEM_DIMENSIONS_MISSING"},
    {Reason::kPackageTooHeavy, "PACKAGE_TOO_HEAVY"},
    {Reason::kPackageTooLarge, "PACKAGE_TOO_LARGE"},
    {Reason::kFieldTooLong, "FIELD_TOO_LONG"},
    {Reason::kServiceUnmapped, "SERVICE_UNMAPPED"},
    {Reason::kUpsRejected, "UPS_REJECTED"},
    {Reason::kInDoubtUnresolved, "IN_DOUBT_UNRESOLVED"},
    {Reason::kCountryUnsupported, "COUNTRY_UNSUPPORTED"},
    {Reason::kChangedAfterPickup, "CHANGED_AFTER_PICKUP"},
    {Reason::kUomUnknown, "UOM_UNKNOWN"},
    {Reason::kVoidRefused, "VOID_REFUSED"},
    {Reason::kVoidedLabelScanned, "VOIDED_LABEL_SCANNED"},
    {Reason::kAddressResidential, "ADDRESS_RESIDENTIAL"},
    {Reason::kAddressUndeliverable, "ADDRESS_UNDELIVERABLE"},
}};

}  // namespace

std::string_view Name(Reason reason) {
  for (const auto& [known, name] : kReasons) {
    if (known == reason) return name;
  }
  std::abort();
}

Reason ReasonFromName(std::string_view name) {
  for (const auto& [known, text] : kReasons) {
    if (text == name) return known;
  }
  std::abort();  // the column's CHECK lets no other in
}

std::string_view Name(Action action) {
  switch (action) {
    case Action::kAcceptCandidate:
      return "ACCEPT_CANDIDATE";
    case Action::kOverrideAddress:
      return "OVERRIDE_ADDRESS";
    case Action::kRetry:
      return "RETRY";
    case Action::kCancel:
      return "CANCEL";
  }
  std::abort();
}

std::string_view Name(Side side) {
  switch (side) {
    case Side::kNone:
      return "";
    case Side::kShipFrom:
      return "SHIP_FROM";
    case Side::kShipTo:
      return "SHIP_TO";
  }
  std::abort();
}

Side SideFromName(std::string_view name) {
  if (name == "SHIP_FROM") return Side::kShipFrom;
  if (name == "SHIP_TO") return Side::kShipTo;
  return Side::kNone;
}

std::vector<Action> ActionsFor(const ReviewDraft& review) {
  switch (review.reason) {
    case Reason::kAddressInvalid:
    case Reason::kAddressUndeliverable:
      return {Action::kOverrideAddress, Action::kRetry, Action::kCancel};
    case Reason::kAddressAmbiguous:
    case Reason::kAddressSuiteChanged:
    case Reason::kAddressChanged:
    case Reason::kAddressResidential:
      return {Action::kAcceptCandidate, Action::kOverrideAddress, Action::kRetry, Action::kCancel};
    case Reason::kFieldTooLong:
      if (review.side != Side::kNone) {
        return {Action::kOverrideAddress, Action::kRetry, Action::kCancel};
      }
      return {Action::kRetry, Action::kCancel};
    case Reason::kUpsRejected:
      return {Action::kOverrideAddress, Action::kRetry, Action::kCancel};
    case Reason::kNoShipFrom:
    case Reason::kNoShipTo:
    case Reason::kItemWeightMissing:
    case Reason::kItemDimensionsMissing:
    case Reason::kPackageTooHeavy:
    case Reason::kPackageTooLarge:
    case Reason::kServiceUnmapped:
    case Reason::kInDoubtUnresolved:
    case Reason::kCountryUnsupported:
    case Reason::kUomUnknown:
    case Reason::kVoidRefused:
      return {Action::kRetry, Action::kCancel};
    case Reason::kChangedAfterPickup:
    case Reason::kVoidedLabelScanned:
      return {Action::kCancel};
  }
  std::abort();
}

}  // namespace psups::shipment_builder
