#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "services/ups-gateway/calls/asker.h"
#include "services/ups-gateway/ports.h"
#include "services/ups-gateway/purchase/doubt.h"

namespace psups::ups_gateway {

// When commits may have been lost: is a purchase that we do not know one that was made?
struct SearchSettings {
  absl::Duration settle = absl::Minutes(10);  // UPS may show a shipment so late
  absl::Duration window = absl::Hours(2);     // without a control, silence counts after it
};

struct SearchVerdict {
  enum class Kind { kBuy, kAtUps, kWait };
  Kind kind = Kind::kWait;
  std::string reason = {};  // kWait: a sentence
};

// True if UPS knows nothing, and a control is to show whether that means anything.
bool SearchWantsControl(const Evidence& evidence);

// Silence counts where both channels say no, the youngest loss is older than UPS may be late, and
// the control is found. What cannot be asked is waited for.
SearchVerdict JudgeSearch(const Evidence& evidence, absl::Duration since_notice,
                          const SearchSettings& settings);

// Looks for a purchase at UPS before it is made.
class SearchFirst {
 public:
  SearchFirst(CallStore& store, Asker& asker, CallRecorder& recorder, const Clock& clock,
              SearchSettings settings)
      : store_(store), asker_(asker), recorder_(recorder), clock_(clock), settings_(settings) {}

  // True if UPS has it, false if it is to be bought; UNAVAILABLE if that cannot be told now. What
  // was asked is recorded before `done`, which runs where blocking is allowed.
  using Done = std::function<void(absl::StatusOr<bool>)>;
  void Look(const Intent& intent, const SearchOrder& order, Done done);

 private:
  struct Search;
  using SearchPtr = std::shared_ptr<Search>;
  void AskLabel(const SearchPtr& search);
  void AskTrack(const SearchPtr& search);
  void AskControl(const SearchPtr& search);
  void Conclude(const SearchPtr& search);

  CallStore& store_;
  Asker& asker_;
  CallRecorder& recorder_;
  const Clock& clock_;
  const SearchSettings settings_;
};

}  // namespace psups::ups_gateway
