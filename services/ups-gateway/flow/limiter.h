#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "services/ups-gateway/flow/flow_rules.h"

namespace psups::ups_gateway {

// A bucket that fills at a rate, up to a small burst: so much may go in any time and so much more.
struct RateBucket {
  double tokens = 1;
  absl::Time as_of = absl::InfinitePast();

  static double Burst(double rate) { return rate > 10 ? rate / 10 : 1; }
  void Fill(double rate, absl::Time now);
};

// The queue in front of one account, in one replica: which call goes next, and when. A call of a
// higher priority goes before one of a lower; within a priority the callers take turns, and within
// a caller the earliest ship-by date goes first, then whoever came first. While others wait no
// caller takes more than its share of the rate and of the slots.
class Limiter {
 public:
  // Whether an operation may go now, apart from the limits here.
  using Gate = std::function<bool(Operation)>;

  // The limits of this replica; may change at any time.
  void Set(const FlowSettings& settings) { settings_ = settings; }

  // Lets a call go at once if nobody waits and the limits allow it.
  bool TryNow(const std::string& caller, absl::Time now);
  // Whether TryNow would.
  bool Free(absl::Time now);

  // Puts a call into the queue; `id`s ascend. If `most` wait already, whoever is to make room: of
  // the lowest priority the last of the caller that has the most there. It may be the new one
  // itself.
  std::optional<uint64_t> Wait(uint64_t id, Operation operation, const CallOrigin& origin,
                               std::size_t most);
  // The call that goes now, taken out of the queue; none if none may.
  std::optional<uint64_t> Next(absl::Time now, const Gate& gate);
  // Takes a call, or all of an operation, out of the queue.
  void Remove(uint64_t id);
  std::vector<uint64_t> RemoveAll(Operation operation);
  std::optional<uint64_t> Oldest() const;
  // The operations of which calls wait.
  std::vector<Operation> Waiting() const;

  // A call that went has ended. `sent` false: it never was sent, and gives its part of the rate
  // back.
  void Finish(const std::string& caller, bool sent);

  // When a call that waits could go by the rate; InfiniteFuture if only an end can let one go.
  absl::Time NextTime(absl::Time now);
  // Calls a second that went of late.
  double RecentRate(absl::Time now) const;

  std::size_t waiting() const { return waiting_.size(); }
  int in_flight() const { return in_flight_; }

 private:
  using Place = std::pair<std::string, uint64_t>;  // ship-by date and arrival
  struct CallerState {
    int in_flight = 0;
    int waiting = 0;
    RateBucket bucket = {};
    std::map<int, uint64_t> last_turn = {};  // by priority
  };
  // The calls of one operation that wait, by caller.
  struct Lane {
    std::map<std::string, std::set<Place>> callers = {};
  };
  using LaneKey = std::pair<int, Operation>;  // priority first
  struct Seat {
    LaneKey lane;
    std::string caller;
    Place place;
  };

  double ShareRate() const;
  bool HasRoom(absl::Time now);
  bool InShare(CallerState& state, absl::Time now) const;
  void Go(CallerState& state, absl::Time now);
  uint64_t Last(uint64_t newcomer) const;

  FlowSettings settings_ = {};
  RateBucket bucket_ = {};
  int in_flight_ = 0;
  uint64_t turns_ = 0;
  std::map<std::string, CallerState> callers_;
  std::map<LaneKey, Lane> lanes_;
  std::map<uint64_t, Seat> waiting_;  // by arrival
  double recent_ = 0;                 // decays; of calls that went
  absl::Time recent_as_of_ = absl::InfinitePast();
};

}  // namespace psups::ups_gateway
