#pragma once

#include <string_view>

namespace psups::ups_gateway {

// What UPS can be asked.
enum class Operation {
  kToken,
  kAddress,
  kShip,
  kVoid,
  kRecovery,
  kTrack,
  kTrackReference,
  kSubscribe,
  kRating,
  kTimeInTransit,
  kQuantumView,
  kProbe,  // whether the host answers at all
};

// The name in metrics, records and the ledger.
constexpr std::string_view NameOf(Operation operation) {
  switch (operation) {
    case Operation::kToken:
      return "token";
    case Operation::kAddress:
      return "xav";
    case Operation::kShip:
      return "ship";
    case Operation::kVoid:
      return "void";
    case Operation::kRecovery:
      return "recovery";
    case Operation::kTrack:
      return "track";
    case Operation::kTrackReference:
      return "track_reference";
    case Operation::kSubscribe:
      return "subscribe";
    case Operation::kRating:
      return "rating";
    case Operation::kTimeInTransit:
      return "time_in_transit";
    case Operation::kQuantumView:
      return "quantum_view";
    case Operation::kProbe:
      return "probe";
  }
  return "";
}

// Whether it moves money: those may use the last of the token budget.
constexpr bool MovesMoney(Operation operation) {
  return operation == Operation::kShip || operation == Operation::kVoid;
}

}  // namespace psups::ups_gateway
