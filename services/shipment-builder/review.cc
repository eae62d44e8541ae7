#include "services/shipment-builder/review.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace psups::shipment_builder {
namespace {

constexpr std::array<std::pair<Reason, std::string_view>, 32> kReasons = {{
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
    {Reason::kMeasuresImplausible, "MEASURES_IMPLAUSIBLE"},
    {Reason::kFreightTermsUnmapped, "FREIGHT_TERMS_UNMAPPED"},
    {Reason::kAddressResidential, "ADDRESS_RESIDENTIAL"},
    {Reason::kAddressUndeliverable, "ADDRESS_UNDELIVERABLE"},
    {Reason::kShipFromAbroad, "SHIP_FROM_ABROAD"},
    {Reason::kCustomsDataMissing, "CUSTOMS_DATA_MISSING"},
    {Reason::kPastDue, "PAST_DUE"},
    {Reason::kShippedByHand, "SHIPPED_BY_HAND"},
    {Reason::kPriceAboveCap, "PRICE_ABOVE_CAP"},
    {Reason::kNoServiceInTime, "NO_SERVICE_IN_TIME"},
    {Reason::kPurchasesUnusual, "PURCHASES_UNUSUAL"},
    {Reason::kPartlyShippedAsRequisition, "PARTLY_SHIPPED_AS_REQUISITION"},
    {Reason::kTooManyPackages, "TOO_MANY_PACKAGES"},
}};

}  // namespace

std::vector<Reason> AllReasons() {
  std::vector<Reason> all;
  for (const auto& [reason, name] : kReasons) all.push_back(reason);
  return all;
}

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
    case Action::kSetMeasures:
      return "SET_MEASURES";
    case Action::kChooseService:
      return "CHOOSE_SERVICE";
    case Action::kSplit:
      return "SPLIT";
    case Action::kShipAnyway:
      return "SHIP_ANYWAY";
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

shipments::v1::Review EvidenceOf(const ReviewDraft& review) {
  shipments::v1::Review evidence;
  if (review.side != Side::kNone) *evidence.mutable_address() = review.address;
  for (const auto& candidate : review.candidates) *evidence.add_candidates() = candidate;
  if (review.item.has_value()) {
    auto& item = *evidence.mutable_item();
    item.set_setid(review.item->setid);
    item.set_item_id(review.item->item_id);
    item.set_unit_of_measure(review.item->unit_of_measure);
    item.set_line_number(review.item->line);
    item.set_schedule_number(review.item->schedule);
  }
  return evidence;
}

void TakeEvidence(const shipments::v1::Review& evidence, ReviewDraft& review) {
  review.address = evidence.address();
  review.candidates.assign(evidence.candidates().begin(), evidence.candidates().end());
  if (!evidence.has_item()) return;
  const auto& item = evidence.item();
  review.item = ItemInQuestion{.setid = item.setid(),
                               .item_id = item.item_id(),
                               .unit_of_measure = item.unit_of_measure(),
                               .line = item.line_number(),
                               .schedule = item.schedule_number()};
}

std::vector<Action> ActionsFor(const ReviewDraft& review) {
  using enum Action;
  switch (review.reason) {
    case Reason::kAddressInvalid:
    case Reason::kAddressUndeliverable:
    case Reason::kShipFromAbroad:
      return {kOverrideAddress, kRetry, kCancel};
    case Reason::kAddressAmbiguous:
    case Reason::kAddressSuiteChanged:
    case Reason::kAddressChanged:
      return {kAcceptCandidate, kOverrideAddress, kRetry, kCancel};
    case Reason::kAddressResidential:
      return {kAcceptCandidate, kOverrideAddress, kShipAnyway, kRetry, kCancel};
    case Reason::kFieldTooLong:
      if (review.side != Side::kNone) return {kOverrideAddress, kRetry, kCancel};
      return {kRetry, kCancel};
    case Reason::kUpsRejected:
      return {kOverrideAddress, kChooseService, kRetry, kCancel};
    case Reason::kItemWeightMissing:
    case Reason::kItemDimensionsMissing:
    case Reason::kUomUnknown:
      return {kSetMeasures, kRetry, kCancel};
    case Reason::kMeasuresImplausible:
      return {kSetMeasures, kShipAnyway, kRetry, kCancel};
    case Reason::kPackageTooHeavy:
    case Reason::kPackageTooLarge:
      return {kSetMeasures, kSplit, kRetry, kCancel};
    case Reason::kServiceUnmapped:
      return {kChooseService, kRetry, kCancel};
    case Reason::kPriceAboveCap:
    case Reason::kNoServiceInTime:
      return {kChooseService, kShipAnyway, kRetry, kCancel};
    case Reason::kPastDue:
    case Reason::kShippedByHand:
    case Reason::kPurchasesUnusual:
      return {kShipAnyway, kRetry, kCancel};
    case Reason::kNoShipFrom:
    case Reason::kNoShipTo:
    case Reason::kInDoubtUnresolved:
    case Reason::kCountryUnsupported:
    case Reason::kVoidRefused:
    case Reason::kFreightTermsUnmapped:
    case Reason::kCustomsDataMissing:
    case Reason::kPartlyShippedAsRequisition:
    case Reason::kTooManyPackages:
      return {kRetry, kCancel};
    case Reason::kChangedAfterPickup:
    case Reason::kVoidedLabelScanned:
      return {kCancel};
  }
  std::abort();
}

}  // namespace psups::shipment_builder
