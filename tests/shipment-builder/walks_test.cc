#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/shipment-builder/walk_world.h"

namespace psups::shipment_builder::testing {
namespace {

constexpr int kWalksAtOnce = 50;
constexpr int kSteps = 30;
// The whole run is 2,000 walks (WALKS=2000), in which each pair of state and change is to be
// visited so often. A smaller one may miss a pair by chance: of it each state and each change is
// asked for.
constexpr int kAllWalks = 2000;
constexpr int kVisitsEach = 50;

int64_t Number(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::atoll(text);
}

void Print(const Visits& visits, const std::map<std::string, int>& seen) {
  std::printf("%-20s", "");
  for (const std::string_view state : kWalkStates) {
    std::printf("%12.*s", static_cast<int>(state.size()), state.data());
  }
  for (std::size_t change = 0; change < kOrderChanges.size(); ++change) {
    const std::string_view name = kOrderChanges[change].second;
    std::printf("\n%-20.*s", static_cast<int>(name.size()), name.data());
    for (const auto& state : visits) std::printf("%12d", state[change]);
  }
  std::printf("\n");
  for (const auto& [what, count] : seen) std::printf("%s: %d\n", what.c_str(), count);
}

class Walks : public WalkWorld {};

TEST_F(Walks, NeverTwoLiveLabelsForOneScheduleQuantityWhateverChanges) {
  const int walks = static_cast<int>(Number("WALKS", 200));
  const auto seed = static_cast<uint64_t>(Number("WALKS_SEED", absl::ToUnixMicros(absl::Now())));
  Visits visits = {};
  for (int done = 0; done < walks; done += kWalksAtOnce) {
    const uint64_t one = seed + static_cast<uint64_t>(done / kWalksAtOnce);
    std::printf("walks %d to %d: WALKS=%d WALKS_SEED=%llu\n", done + 1, done + kWalksAtOnce,
                kWalksAtOnce, static_cast<unsigned long long>(one));
    Visits now = {};
    Walk(one, kWalksAtOnce, kSteps, now);
    for (std::size_t state = 0; state < kWalkStates.size(); ++state) {
      for (std::size_t change = 0; change < kOrderChanges.size(); ++change) {
        visits[state][change] += now[state][change];
      }
    }
    if (HasFailure()) break;
  }
  Print(visits, seen);
  if (HasFailure()) return;
  std::array<int, kCountedChanges> of_change = {};
  for (std::size_t state = 0; state < kCountedStates; ++state) {
    int of_state = 0;
    for (std::size_t change = 0; change < kCountedChanges; ++change) {
      const int here = visits[state][change];
      of_state += here;
      of_change[change] += here;
      if (walks < kAllWalks) continue;
      EXPECT_GE(here, kVisitsEach) << kWalkStates[state] << ", " << kOrderChanges[change].second;
    }
    EXPECT_GT(of_state, 0) << kWalkStates[state];
  }
  for (std::size_t change = 0; change < kCountedChanges; ++change) {
    EXPECT_GT(of_change[change], 0) << kOrderChanges[change].second;
  }
}

}  // namespace
}  // namespace psups::shipment_builder::testing
