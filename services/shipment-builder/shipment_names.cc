#include <array>
#include <cstdlib>
#include <utility>

#include "services/shipment-builder/shipment.h"

namespace psups::shipment_builder {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 14> kStates = {{
    {State::kReceived, "RECEIVED"},
    {State::kValidating, "VALIDATING"},
    {State::kLabeling, "LABELING"},
    {State::kLabeled, "LABELED"},
    {State::kInTransit, "IN_TRANSIT"},
    {State::kDelivered, "DELIVERED"},
    {State::kNeedsReview, "NEEDS_REVIEW"},
    {State::kFailed, "FAILED"},
    {State::kWithdrawn, "WITHDRAWN"},
    {State::kVoiding, "VOIDING"},
    {State::kVoided, "VOIDED"},
    {State::kCancelled, "CANCELLED"},
    {State::kReturned, "RETURNED"},
    {State::kLost, "LOST"},
}};

constexpr std::array<std::pair<PurchaseState, std::string_view>, 6> kPurchaseStates = {{
    {PurchaseState::kOpen, "OPEN"},
    {PurchaseState::kInDoubt, "IN_DOUBT"},
    {PurchaseState::kDone, "DONE"},
    {PurchaseState::kRejected, "REJECTED"},
    {PurchaseState::kNotMade, "NOT_MADE"},
    {PurchaseState::kVoided, "VOIDED"},
}};

}  // namespace

std::string_view Name(State state) {
  for (const auto& [known, name] : kStates) {
    if (known == state) return name;
  }
  std::abort();
}

State StateFromName(std::string_view name) {
  for (const auto& [known, text] : kStates) {
    if (text == name) return known;
  }
  std::abort();  // the column's CHECK lets no other in
}

std::string_view Name(PurchaseState state) {
  for (const auto& [known, name] : kPurchaseStates) {
    if (known == state) return name;
  }
  std::abort();
}

PurchaseState PurchaseStateFromName(std::string_view name) {
  for (const auto& [known, text] : kPurchaseStates) {
    if (text == name) return known;
  }
  std::abort();
}

std::string_view Name(PackageVoid void_state) {
  switch (void_state) {
    case PackageVoid::kNone:
      return "";
    case PackageVoid::kWanted:
      return "WANTED";
    case PackageVoid::kDone:
      return "DONE";
  }
  std::abort();
}

PackageVoid PackageVoidFromName(std::string_view name) {
  if (name == "WANTED") return PackageVoid::kWanted;
  if (name == "DONE") return PackageVoid::kDone;
  return PackageVoid::kNone;
}

std::string_view Name(Work work) {
  switch (work) {
    case Work::kNone:
      return "";
    case Work::kValidate:
      return "VALIDATE";
    case Work::kLabel:
      return "LABEL";
    case Work::kHandOver:
      return "HAND_OVER";
    case Work::kVoid:
      return "VOID";
  }
  std::abort();
}

std::string_view Name(Undo undo) {
  switch (undo) {
    case Undo::kNone:
      return "";
    case Undo::kChange:
      return "CHANGE";
    case Undo::kPerson:
      return "PERSON";
  }
  std::abort();
}

Undo UndoFromName(std::string_view name) {
  if (name == "CHANGE") return Undo::kChange;
  if (name == "PERSON") return Undo::kPerson;
  return Undo::kNone;
}

}  // namespace psups::shipment_builder
