#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "psups/shipments/v1/review_service.pb.h"
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
  kMeasuresImplausible,
  kFreightTermsUnmapped,
  kAddressResidential,
  kAddressUndeliverable,
  kShipFromAbroad,
  kCustomsDataMissing,
  kPastDue,
  kShippedByHand,
  kPriceAboveCap,
  kNoServiceInTime,
  kPurchasesUnusual,
  kPartlyShippedAsRequisition,
  kTooManyPackages,
};
std::vector<Reason> AllReasons();
std::string_view Name(Reason reason);
Reason ReasonFromName(std::string_view name);

// What a person may decide.
enum class Action {
  kAcceptCandidate,
  kOverrideAddress,
  kRetry,
  kCancel,
  kSetMeasures,
  kChooseService,
  kSplit,
  kShipAnyway,
};
std::string_view Name(Action action);

// Which address a review is about.
enum class Side { kNone, kShipFrom, kShipTo };
std::string_view Name(Side side);
Side SideFromName(std::string_view name);

// The item that a review is about, and a schedule that asks for it.
struct ItemInQuestion {
  std::string setid = {};
  std::string item_id = {};  // empty: a line without an item
  std::string unit_of_measure = {};
  int line = 0;
  int schedule = 0;
};

// A question to be asked.
struct ReviewDraft {
  Reason reason = Reason::kAddressInvalid;
  // A sentence or two for a clerk: what is wrong, what to do. Items and fields, never an address.
  std::string message = {};
  Side side = Side::kNone;
  type::v1::Address address = {};  // the one in question
  std::vector<type::v1::Address> candidates = {};
  std::optional<ItemInQuestion> item = {};
};

// What a person decided about a question.
struct MadeDecision {
  ReviewDraft asked = {};
  shipments::v1::ResolveReviewRequest request = {};
};

// A question that was asked.
struct Review {
  std::string connection_id = {};
  std::string review_id = {};
  std::string shipment_id = {};
  bool open = true;
  ReviewDraft asked = {};
  // What was decided about the same shipment before, oldest first. Filled for a decision only.
  std::vector<MadeDecision> before = {};
};

// What is kept sealed of a question, and back.
shipments::v1::Review EvidenceOf(const ReviewDraft& review);
void TakeEvidence(const shipments::v1::Review& evidence, ReviewDraft& review);

// What may be decided about a review.
std::vector<Action> ActionsFor(const ReviewDraft& review);

}  // namespace psups::shipment_builder
