#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/batcher.h"
#include "services/shipment-builder/address_book.h"
#include "services/shipment-builder/address_check.h"
#include "services/shipment-builder/connections.h"
#include "services/shipment-builder/held_leases.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/pricer.h"

namespace psups::shipment_builder {

// What both verdicts make of a shipment: the parties for its label, or the question for a person.
// `account_country` is the shipper's; empty: not known.
std::variant<ValidatedParties, ReviewDraft> JudgeAddresses(
    const Shipment& shipment, const ups::v1::ValidateAddressResponse& from,
    const ups::v1::ValidateAddressResponse& to, const AddressPolicy& policy,
    const std::string& account_country);

// Has both addresses of each shipment validated, many at once. What passes goes on to the pricer
// under the same lease, so that verdict and intent are one commit; the rest goes to review.
class Validator {
 public:
  Validator(ShipmentStore& store, AddressBook& book, Pricer& pricer, const Connections& connections,
            const Planner& planner, HeldLeases& leases, Wakeup& tell);

  absl::StatusOr<int> Step();

 private:
  using Answer = absl::StatusOr<ups::v1::ValidateAddressResponse>;
  struct Asked {
    Leased leased;
    Answer from = absl::UnknownError("not asked");
    Answer to = absl::UnknownError("not asked");
  };
  // One shipment whose answers come in, in any order, on any threads.
  struct Pending;

  void Conclude(std::vector<Asked> asked);

  ShipmentStore& store_;
  AddressBook& book_;
  Pricer& pricer_;
  const Connections& connections_;
  const Planner& planner_;
  HeldLeases& leases_;
  Wakeup& tell_;
  Batcher<Asked> answered_;
};

}  // namespace psups::shipment_builder
