// What a call pays for its token when one is in memory, beside what reading the clock costs.

#include <benchmark/benchmark.h>

#include "services/ups-gateway/token/treasury.h"
#include "tests/ups-gateway/fake_token_store.h"

namespace psups::ups_gateway {
namespace {

class GrantingUps : public UpsApi {
 public:
  void Send(const Account&, UpsRequest, std::function<void(HttpOutcome)> done) override {
    done({.response =
              HttpResponse{.status = 200, .body = R"({"access_token":"t","expires_in":"14399"})"},
          .body_started = true});
  }
};

struct World {
  World() {
    auto made = std::make_shared<Account>();
    made->id = "demo";
    made->treasury_id = "https://localhost:443 psups-demo-client";
    made->settings.set_read_timeout_seconds(30);
    account = std::move(made);
    treasury.Get(account, Operation::kAddress, [](const absl::StatusOr<Token>&) {});
    (void)treasury.Step();  // asks
    (void)treasury.Step();  // stores
  }

  Clock clock;
  FakeTokenStore store{clock};
  GrantingUps ups;
  Treasury treasury{store, ups, clock, [] { return 0.5; }};
  AccountPtr account;
};

void GetToken(benchmark::State& state) {
  static World world;
  for (auto _ : state) {
    bool granted = false;
    world.treasury.Get(world.account, Operation::kAddress,
                       [&granted](const absl::StatusOr<Token>& token) { granted = token.ok(); });
    if (!granted) state.SkipWithError("no token in memory");
  }
}
BENCHMARK(GetToken)->Threads(1)->Threads(4)->UseRealTime();

void ReadClock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(WallTime());
}
BENCHMARK(ReadClock);

}  // namespace
}  // namespace psups::ups_gateway
