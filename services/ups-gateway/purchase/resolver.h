#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "services/ups-gateway/account/account_book.h"
#include "services/ups-gateway/calls/asker.h"
#include "services/ups-gateway/calls/group_commit.h"
#include "services/ups-gateway/ports.h"
#include "services/ups-gateway/purchase/doubt.h"

namespace psups::ups_gateway {

// A doubt is asked about under a lease this long, renewed while it takes longer: what a resolver
// that died held comes back soon.
constexpr absl::Duration kDoubtLease = absl::Seconds(15);

// Finds out what became of purchases whose answer was lost, by asking UPS; never by buying again.
class Resolver {
 public:
  Resolver(CallStore& store, AccountBook& accounts, Asker& asker, ManifestSource& manifest,
           const Clock& clock, DoubtSettings settings);

  // Leases what is due and starts asking; the findings are stored as they come.
  absl::StatusOr<int> Step();
  // Keeps the leases on what is being asked about; due at least thrice a lease.
  absl::Status RenewLeases();

 private:
  struct Round;
  using RoundPtr = std::shared_ptr<Round>;
  struct FindingItem {
    DoubtOutcome outcome;
    std::function<void(absl::StatusOr<std::monostate>)> done;
  };

  void Start(Doubt doubt);
  void AskLabel(const RoundPtr& round);
  void AskLabelByNumber(const RoundPtr& round);
  void AskTrack(const RoundPtr& round);
  void AskManifest(const RoundPtr& round);
  void GoOn(const RoundPtr& round);
  void AskControl(const RoundPtr& round);
  void Conclude(const RoundPtr& round);
  void VoidTwin(const RoundPtr& round, const std::string& ups_shipment_id);
  void Store(const RoundPtr& round);

  CallStore& store_;
  AccountBook& accounts_;
  Asker& asker_;
  ManifestSource& manifest_;
  const Clock& clock_;
  const DoubtSettings settings_;
  std::mutex mutex_;
  std::map<std::string, std::string> held_;  // call id → lease id, until its finding is stored
  GroupCommit<FindingItem, std::monostate> findings_;
};

}  // namespace psups::ups_gateway
