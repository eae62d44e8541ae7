#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/batcher.h"
#include "common/clock.h"
#include "services/shipment-builder/planning.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// UPS's verdicts on addresses, asked once for a while: one call serves all shipments that wait for
// the same address, and a verdict of VALID is kept, in memory and in the store, found by an HMAC.
// Other verdicts are not kept: whoever tries again wants a new answer.
class AddressBook {
 public:
  using Answer = ups::v1::ValidateAddressResponse;
  using Done = std::function<void(const absl::StatusOr<Answer>&)>;

  struct Question {
    std::string account = {};
    type::v1::Address address = {};
    std::string trace_id = {};
  };

  AddressBook(ShipmentStore& store, UpsPort& ups, const Clock& clock, Derive derive,
              absl::Duration lifetime);

  // Loads what the store has for these, so that Ask finds it in memory.
  absl::Status Preload(const std::vector<Question>& questions);
  // Calls `done` once, now or later, on any thread; it must not block.
  void Ask(const Question& question, Done done);

 private:
  using Key = std::pair<std::string, std::string>;  // account, address key
  struct Known {
    Answer answer;
    absl::Time until;
  };

  Key KeyOf(const Question& question) const;
  void Answered(const Key& key, const absl::StatusOr<Answer>& answer);
  void Remember(const Key& key, const Answer& answer);

  ShipmentStore& store_;
  UpsPort& ups_;
  const Clock& clock_;
  const Derive derive_;
  const absl::Duration lifetime_;
  std::mutex mutex_;
  std::map<Key, Known> known_;
  std::map<Key, std::vector<Done>> waiting_;
  Batcher<Verdict> keep_;
};

}  // namespace psups::shipment_builder
