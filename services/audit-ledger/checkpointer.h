#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "services/audit-ledger/checkpoint.h"
#include "services/audit-ledger/ports.h"

namespace psups::audit_ledger {

// Signs the head of the log when it has moved.
class Checkpointer {
 public:
  Checkpointer(LogStore& store, Signer signer, std::string origin)
      : store_(store), signer_(std::move(signer)), origin_(std::move(origin)) {}

  // The checkpoint of the head: the newest if it is that, else one signed now. DATA_LOSS, and
  // nothing signed, if the log does not begin with what was signed last.
  absl::StatusOr<SignedCheckpoint> Current();

  // The worker's step: always 0, so that the next one waits for the interval.
  absl::StatusOr<int> Step();

  const std::string& public_key_pem() const { return signer_.public_key_pem(); }
  const std::string& origin() const { return origin_; }

 private:
  absl::StatusOr<bool> Extends(const CompactTree& head,
                               const std::optional<SignedCheckpoint>& last);

  LogStore& store_;
  const Signer signer_;
  const std::string origin_;
  absl::Time last_signed_ = WallTime();
};

}  // namespace psups::audit_ledger
