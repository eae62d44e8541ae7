#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "psups/ups/v1/account_service.pb.h"
#include "services/ups-gateway/ports.h"

// What UPS says it has, and what we say we bought.
namespace psups::ups_gateway {

// UPS tells of the last seven days.
constexpr absl::Duration kManifestReach = absl::Hours(24 * 7);

// How both compare, as to labels made since `since`. Those at UPS that bear no reference of ours
// are another program's.
ups::v1::ReconcileAccountResponse CompareLabels(const std::vector<OwnLabel>& own,
                                                const std::vector<ManifestLabel>& at_ups,
                                                absl::Time since);

// Until tracking brings Quantum View: UNAVAILABLE, and what is missing.
std::unique_ptr<ManifestSource> MakeManifestNotYet();

// Compares an account's labels with UPS's.
class Reconciler {
 public:
  Reconciler(CallStore& calls, AccountStore& accounts, EpochStore& epochs, ManifestSource& source,
             const Clock& clock, absl::Duration settle)
      : calls_(calls),
        accounts_(accounts),
        epochs_(epochs),
        source_(source),
        clock_(clock),
        settle_(settle) {}

  // UNAVAILABLE if UPS cannot be asked; INVALID_ARGUMENT if UPS does not tell of that time.
  using Done = std::function<void(absl::StatusOr<ups::v1::ReconcileAccountResponse>)>;
  void Compare(const AccountPtr& account, absl::Time since, Done done);

  // Ends search-first where UPS has nothing that is not known here: for accounts whose loss was
  // noticed more than `settle` ago, so that UPS's records are complete. Waits for UPS.
  absl::StatusOr<int> Step();

 private:
  CallStore& calls_;
  AccountStore& accounts_;
  EpochStore& epochs_;
  ManifestSource& source_;
  const Clock& clock_;
  const absl::Duration settle_;
};

}  // namespace psups::ups_gateway
