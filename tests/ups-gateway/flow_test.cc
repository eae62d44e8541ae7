#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "services/ups-gateway/flow/address_key.h"
#include "services/ups-gateway/flow/flow_control.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Gate = Circuit::Gate;
using Kind = CallEnd::Kind;

constexpr absl::Duration kRecovery = absl::Minutes(5);
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

bool Open(Operation) { return true; }

HttpOutcome Reply(int status, HttpHeaders headers = {}, std::string body = {}) {
  return {
      .response =
          HttpResponse{.status = status, .headers = std::move(headers), .body = std::move(body)},
      .body_started = true};
}

HttpOutcome NoReply() { return {.response = absl::UnavailableError("ups: connection lost")}; }

// --- the rules

TEST(FlowRules, WhatTheAccountDoesNotSayIsTheDefaultAndZeroIsNoLimit) {
  ups::v1::Account account;
  FlowSettings settings = FlowOf(account);
  EXPECT_EQ(settings.calls_per_second, 100);
  EXPECT_EQ(settings.calls_in_flight, 400);
  EXPECT_EQ(settings.caller_share_percent, 50);
  account.mutable_flow()->set_calls_per_second(0);
  account.mutable_flow()->set_calls_in_flight(0);
  settings = FlowOf(account);
  EXPECT_EQ(settings.calls_per_second, 0);
  EXPECT_EQ(settings.calls_in_flight, 0);
}

TEST(FlowRules, AReplicaHasItsPartAndAtLeastOneSlot) {
  const FlowSettings part = PartOf({.calls_per_second = 90, .calls_in_flight = 2}, 3);
  EXPECT_EQ(part.calls_per_second, 30);
  EXPECT_EQ(part.calls_in_flight, 1);
  EXPECT_EQ(PartOf({.calls_per_second = 0, .calls_in_flight = 0}, 3).calls_in_flight, 0);
}

TEST(FlowRules, A429HalvesOnceForABurstAndTheRateComesBackSlowly) {
  FlowLimit limit;
  EXPECT_EQ(RateAt(limit, 100, kStart, kRecovery), 100);
  limit = Learn(limit, {.throttled = true, .sent = kStart, .full_rate = 100},
                kStart + absl::Seconds(1), kRecovery);
  const absl::Time halved = kStart + absl::Seconds(1);
  EXPECT_DOUBLE_EQ(RateAt(limit, 100, halved, kRecovery), 50);
  // Sent before the halving, answered after it.
  limit = Learn(limit, {.throttled = true, .sent = kStart + absl::Milliseconds(900)},
                halved + absl::Seconds(1), kRecovery);
  EXPECT_NEAR(RateAt(limit, 100, halved + absl::Seconds(30), kRecovery), 60, 0.01);
  limit = Learn(limit, {.throttled = true, .sent = halved + absl::Seconds(30)},
                halved + absl::Seconds(30), kRecovery);
  EXPECT_NEAR(RateAt(limit, 100, halved + absl::Seconds(30), kRecovery), 30, 0.01);
  EXPECT_DOUBLE_EQ(RateAt(limit, 100, halved + absl::Minutes(10), kRecovery), 100);
}

TEST(FlowRules, HoweverOftenUpsComplainsSomeCallsGo) {
  FlowLimit limit;
  for (int i = 0; i < 50; ++i) {
    const absl::Time now = kStart + absl::Milliseconds(i);
    limit = Learn(limit, {.throttled = true, .sent = now}, now, kRecovery);
  }
  EXPECT_GT(RateAt(limit, 100, kStart + absl::Seconds(1), kRecovery), 1);
}

TEST(FlowRules, WithoutALimitA429SetsHalfOfWhatWentAndItIsLiftedWithTime) {
  FlowLimit limit;
  EXPECT_EQ(RateAt(limit, 0, kStart, kRecovery), 0);
  limit = Learn(limit, {.throttled = true, .sent = kStart, .full_rate = 40}, kStart, kRecovery);
  EXPECT_DOUBLE_EQ(RateAt(limit, 0, kStart, kRecovery), 20);
  EXPECT_NEAR(RateAt(limit, 0, kStart + kRecovery, kRecovery), 60, 0.01);
  EXPECT_EQ(RateAt(limit, 0, kStart + kRecovery * 2, kRecovery), 0);
}

TEST(FlowRules, TheEndOfACallSaysWhetherUpsIsThereAndWhatItWants) {
  EXPECT_EQ(EndOf(NoReply(), kStart).kind, Kind::kOutage);
  EXPECT_EQ(EndOf({.response = absl::DeadlineExceededError("")}, kStart).kind, Kind::kOutage);
  EXPECT_EQ(EndOf(Reply(503), kStart).kind, Kind::kOutage);
  EXPECT_EQ(EndOf(Reply(200), kStart).kind, Kind::kAnswered);
  EXPECT_EQ(EndOf(Reply(400), kStart).kind, Kind::kAnswered);
  EXPECT_EQ(EndOf(Reply(429), kStart).kind, Kind::kThrottled);
  // Neither says anything of UPS: we are stopping, or the fence held it back.
  EXPECT_EQ(EndOf({.response = absl::CancelledError("")}, kStart).kind, Kind::kUnknown);
  EXPECT_EQ(EndOf({.response = absl::AbortedError("")}, kStart).kind, Kind::kUnknown);
}

TEST(FlowRules, RetryAfterAndMinimumRetrySecondsAreReadInEachForm) {
  const auto wait = [](HttpHeaders headers, std::string body = {}) {
    return EndOf(Reply(429, std::move(headers), std::move(body)), kStart).wait;
  };
  EXPECT_EQ(wait({}), absl::ZeroDuration());
  EXPECT_EQ(wait({{"retry-after", "17"}}), absl::Seconds(17));
  const auto date = [](absl::Time time) {
    return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
  };
  EXPECT_EQ(wait({{"Retry-After", date(kStart + absl::Seconds(40))}}), absl::Seconds(40));
  // By the clock of whoever wrote the date, if it tells.
  EXPECT_EQ(wait({{"Retry-After", date(kStart + absl::Seconds(40))},
                  {"Date", date(kStart + absl::Seconds(30))}}),
            absl::Seconds(10));
  EXPECT_EQ(wait({{"Retry-After", date(kStart - absl::Seconds(40))}}), absl::ZeroDuration());
  EXPECT_EQ(wait({{"Retry-After", "soon"}}), absl::ZeroDuration());
  EXPECT_EQ(wait({{"Retry-After", "99999999"}}), absl::Hours(24));
  EXPECT_EQ(wait({}, R"({"Error":[{"MinimumRetrySeconds":"0060"}]})"), absl::Seconds(60));
  EXPECT_EQ(wait({}, R"({"Error":{"MinimumRetrySeconds" : 5}})"), absl::Seconds(5));
  EXPECT_EQ(wait({}, R"({"Error":{"MinimumRetrySeconds":""}})"), absl::ZeroDuration());
  EXPECT_EQ(wait({}, R"({"MinimumRetrySeconds")"), absl::ZeroDuration());
}

TEST(FlowRules, ACallerIsAServiceAndAllPeopleAreOne) {
  EXPECT_EQ(FlowCaller("spiffe://psups/service/shipment-builder"), "shipment-builder");
  EXPECT_EQ(FlowCaller("spiffe://psups/clerk/ann"), FlowCaller("spiffe://psups/admin/bob"));
}

TEST(FlowRules, AShipByDateIsADayOrNothing) {
  EXPECT_OK(CheckShipBy(""));
  EXPECT_OK(CheckShipBy("20270131"));
  EXPECT_THAT(CheckShipBy("20270231"), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckShipBy("2027-1-1").message(), HasSubstr("ship_by_date"));
}

TEST(AddressKeys, CaseBlanksStopsAndCommasDoNotTellHousesApart) {
  Account account;
  account.settings.set_base_url("https://ups.example");
  type::v1::Address address;
  address.add_lines("12 Fern St., Suite 5");
  address.set_city("Macon");
  address.set_state("GA");
  address.set_postal_code("31201-4321");
  address.set_country_code("US");
  const std::string key = AddressKey(account, address);
  const auto with_line = [&](const char* line) {
    type::v1::Address other = address;
    other.set_lines(0, line);
    return AddressKey(account, other);
  };
  EXPECT_EQ(with_line("  12  FERN st  suite 5"), key);
  type::v1::Address other = address;
  other.set_postal_code("312014321");
  other.set_name("Harbor Works");  // UPS is not asked about it
  EXPECT_EQ(AddressKey(account, other), key);
  // But these do.
  EXPECT_NE(with_line("12.5 Fern St"), with_line("125 Fern St"));
  EXPECT_NE(with_line("12-14 Fern St"), with_line("1214 Fern St"));
  EXPECT_NE(with_line("12 1/2 Fern St"), with_line("12 12 Fern St"));
  other.set_postal_code("31201");
  EXPECT_NE(AddressKey(account, other), key);
  other = address;
  other.add_lines("");
  other.set_lines(0, "12 Fern St");
  other.set_lines(1, "Suite 5");
  EXPECT_NE(AddressKey(account, other), key);
  account.settings.set_base_url("https://cie.example");
  EXPECT_NE(AddressKey(account, address), key);
}

// --- the queue

class LimiterTest : public ::testing::Test {
 protected:
  uint64_t Add(Operation operation, const std::string& caller, const std::string& ship_by = "") {
    const uint64_t id = ++ids_;
    const auto out = limiter_.Wait(id, operation, {caller, ship_by}, most_);
    if (out) crowded_out_.push_back(*out);
    return id;
  }
  // All that go, in their order, one slot at a time.
  std::vector<uint64_t> Drain() {
    std::vector<uint64_t> gone;
    while (const auto id = limiter_.Next(now_, Open)) {
      gone.push_back(*id);
      now_ += absl::Seconds(1);
    }
    return gone;
  }

  Limiter limiter_;
  absl::Time now_ = kStart;
  uint64_t ids_ = 0;
  std::size_t most_ = 1000;
  std::vector<uint64_t> crowded_out_;
};

TEST_F(LimiterTest, VoidsGoBeforeShipsAndTracksLast) {
  const uint64_t track = Add(Operation::kTrack, "a");
  const uint64_t subscribe = Add(Operation::kSubscribe, "a");
  const uint64_t address = Add(Operation::kAddress, "a");
  const uint64_t ship = Add(Operation::kShip, "a", "20270101");
  const uint64_t undo = Add(Operation::kVoid, "a");
  EXPECT_THAT(Drain(), ElementsAre(undo, ship, address, subscribe, track));
}

TEST_F(LimiterTest, CallersTakeTurnsAndWithinOneTheEarliestShipByDateGoesFirst) {
  const uint64_t a_late = Add(Operation::kShip, "a", "20270105");
  const uint64_t a_early = Add(Operation::kShip, "a", "20270101");
  const uint64_t a_early_too = Add(Operation::kShip, "a", "20270101");
  const uint64_t b = Add(Operation::kShip, "b", "20270109");
  // Asking about a lost answer takes turns with buying.
  const uint64_t own = Add(Operation::kRecovery, "");
  EXPECT_THAT(Drain(), ElementsAre(a_early, b, own, a_early_too, a_late));
}

TEST_F(LimiterTest, NobodyTakesMoreThanItsShareOfTheSlotsWhileOthersWait) {
  limiter_.Set({.calls_per_second = 0, .calls_in_flight = 10, .caller_share_percent = 50});
  for (int i = 0; i < 20; ++i) Add(Operation::kVoid, "greedy");
  for (int i = 0; i < 3; ++i) Add(Operation::kTrack, "modest");
  std::map<bool, int> gone;  // by whether it is a greedy one's
  while (const auto id = limiter_.Next(now_, Open)) ++gone[*id <= 20];
  EXPECT_EQ(gone[false], 3);
  // While the other waited at most five; then alone, the rest.
  EXPECT_EQ(gone[true], 7);
  EXPECT_EQ(limiter_.in_flight(), 10);
}

TEST_F(LimiterTest, WhatCannotGoForAnotherReasonHoldsNobodyToHisShare) {
  limiter_.Set({.calls_per_second = 0, .calls_in_flight = 10, .caller_share_percent = 50});
  for (int i = 0; i < 20; ++i) Add(Operation::kShip, "greedy");
  Add(Operation::kTrack, "modest");
  int gone = 0;
  while (limiter_.Next(now_, [](Operation op) { return op != Operation::kTrack; })) ++gone;
  EXPECT_EQ(gone, 10);
}

TEST_F(LimiterTest, AFullQueueKeepsWhatMattersAndGivesNobodyAllOfIt) {
  most_ = 3;
  const uint64_t first = Add(Operation::kAddress, "greedy");
  const uint64_t second = Add(Operation::kAddress, "greedy");
  Add(Operation::kTrack, "modest");
  Add(Operation::kShip, "greedy");     // the track makes room
  Add(Operation::kAddress, "modest");  // the second of greedy's addresses does
  Add(Operation::kTrack, "modest");    // itself: nothing less is there
  EXPECT_THAT(crowded_out_, ElementsAre(3, second, 6));
  EXPECT_EQ(limiter_.Oldest(), first);
}

TEST_F(LimiterTest, ACallThatWasNeverSentGivesItsPartBack) {
  limiter_.Set({.calls_per_second = 1, .calls_in_flight = 1});
  ASSERT_TRUE(limiter_.TryNow("a", now_));
  EXPECT_FALSE(limiter_.TryNow("a", now_));
  limiter_.Finish("a", /*sent=*/true);
  EXPECT_FALSE(limiter_.TryNow("a", now_));  // the slot is free, the rate is used
  now_ += absl::Seconds(1);
  ASSERT_TRUE(limiter_.TryNow("a", now_));
  limiter_.Finish("a", /*sent=*/false);
  EXPECT_TRUE(limiter_.TryNow("a", now_));
}

// Random callers, operations, dates and durations, in virtual time.
class LimiterProperty : public ::testing::TestWithParam<int> {
 protected:
  struct Call {
    Operation operation;
    std::string caller;
    std::string ship_by;
  };
  struct Going {
    absl::Time time;
    std::string caller;
    bool others_waited;
  };

  void Run(const FlowSettings& settings) {
    std::mt19937_64 random(GetParam());
    const std::vector<Operation> operations = {Operation::kVoid, Operation::kShip,
                                               Operation::kRecovery, Operation::kAddress,
                                               Operation::kTrack};
    const std::vector<std::string> callers = {"builder", "builder", "builder", "tracking", "other"};
    Limiter limiter;
    limiter.Set(settings);
    std::multimap<absl::Time, std::string> ends;
    uint64_t ids = 0;
    for (absl::Time now = kStart; now < kStart + absl::Seconds(20); now += absl::Milliseconds(5)) {
      while (!ends.empty() && ends.begin()->first <= now) {
        limiter.Finish(ends.begin()->second, true);
        --in_flight_[ends.begin()->second];
        ends.erase(ends.begin());
      }
      // More than can go, for half of the time.
      const bool busy = (now - kStart) < absl::Seconds(10);
      for (int i = random() % (busy ? 3 : 1); i > 0; --i) {
        const Call call{operations[random() % operations.size()],
                        callers[random() % callers.size()], absl::StrCat(20270101 + random() % 5)};
        waiting_[++ids] = call;
        ASSERT_FALSE(limiter.Wait(ids, call.operation, {call.caller, call.ship_by}, 100'000));
      }
      while (const auto id = limiter.Next(now, Open)) {
        const Call call = waiting_.at(*id);
        Check(settings, *id, call);
        gone_.push_back({now, call.caller, OthersWait(call.caller)});
        waiting_.erase(*id);
        ++in_flight_[call.caller];
        ends.emplace(now + absl::Milliseconds(50 + random() % 400), call.caller);
        ASSERT_LE(limiter.in_flight(), settings.calls_in_flight);
      }
    }
    ASSERT_GT(gone_.size(), 100u);
  }

  bool OthersWait(const std::string& caller) {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [&](const auto& entry) { return entry.second.caller != caller; });
  }

  void Check(const FlowSettings& settings, uint64_t id, const Call& chosen) {
    const int priority = PriorityOf(chosen.operation);
    for (const auto& [other_id, other] : waiting_) {
      const int its = PriorityOf(other.operation);
      if (settings.caller_share_percent == 100 && its < priority) {
        ADD_FAILURE() << "priority " << priority << " went before " << its;
      }
      if (other.caller == chosen.caller && its == priority &&
          std::make_pair(other.ship_by, other_id) < std::make_pair(chosen.ship_by, id)) {
        ADD_FAILURE() << chosen.ship_by << " went before " << other.ship_by;
      }
    }
    if (OthersWait(chosen.caller)) {
      EXPECT_LT(in_flight_[chosen.caller],
                settings.calls_in_flight * settings.caller_share_percent / 100);
    }
  }

  // The most that went in any time, beyond `rate`; of those that `counts` names.
  template <typename Counts>
  double MostBeyond(double rate, Counts counts) {
    // The greatest sum of a run in which each call adds one and time takes away.
    double most = 0;
    double sum = 0;
    absl::Time last = kStart;
    for (const Going& going : gone_) {
      sum = std::max(0.0, sum - rate * absl::ToDoubleSeconds(going.time - last));
      last = going.time;
      if (!counts(going)) continue;
      sum += 1;
      most = std::max(most, sum);
    }
    return most;
  }

  std::map<uint64_t, Call> waiting_;
  std::map<std::string, int> in_flight_;
  std::vector<Going> gone_;
};

TEST_P(LimiterProperty, NothingGoesBeforeWhatIsMoreUrgentAndTheRateHolds) {
  const FlowSettings settings{
      .calls_per_second = 80, .calls_in_flight = 40, .caller_share_percent = 100};
  Run(settings);
  EXPECT_LE(MostBeyond(80, [](const Going&) { return true; }), RateBucket::Burst(80) + 0.001);
}

TEST_P(LimiterProperty, WhileOthersWaitNobodyPassesItsShare) {
  const FlowSettings settings{
      .calls_per_second = 80, .calls_in_flight = 40, .caller_share_percent = 40};
  Run(settings);
  EXPECT_LE(MostBeyond(80, [](const Going&) { return true; }), RateBucket::Burst(80) + 0.001);
  for (const std::string caller : {"builder", "tracking", "other"}) {
    EXPECT_LE(
        MostBeyond(
            32, [&](const Going& going) { return going.caller == caller && going.others_waited; }),
        RateBucket::Burst(32) + 0.001)
        << caller;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LimiterProperty, ::testing::Range(1, 9));

// --- the circuit

TEST(CircuitTest, FiveOutagesInARowOpenItAndAnAnswerBetweenDoesNot) {
  Circuit circuit;
  const auto call = [&](Kind kind) { circuit.End(kind, circuit.Begin(), kStart, 0.5); };
  for (int i = 0; i < 4; ++i) call(Kind::kOutage);
  call(Kind::kAnswered);
  for (int i = 0; i < 4; ++i) call(Kind::kOutage);
  call(Kind::kUnknown);
  EXPECT_EQ(circuit.Look(kStart, 100), Gate::kPass);
  call(Kind::kOutage);
  EXPECT_EQ(circuit.Look(kStart, 100), Gate::kRefuse);
}

class OpenCircuitTest : public ::testing::Test {
 protected:
  OpenCircuitTest() {
    for (int i = 0; i < 5; ++i) circuit_.End(Kind::kOutage, circuit_.Begin(), now_, 1);
  }
  void WaitForProbe() { now_ += circuit_.ProbeIn(now_); }

  Circuit circuit_;
  absl::Time now_ = kStart;
};

TEST_F(OpenCircuitTest, OneProbeGoesAtATimeEachLaterThanTheOneBefore) {
  for (int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(circuit_.ProbeIn(now_), absl::Seconds(seconds));
    EXPECT_EQ(circuit_.Look(now_ + absl::Seconds(seconds) - absl::Milliseconds(1), 100),
              Gate::kRefuse);
    WaitForProbe();
    ASSERT_EQ(circuit_.Look(now_, 100), Gate::kPass);
    ASSERT_TRUE(circuit_.Begin());
    EXPECT_EQ(circuit_.Look(now_, 100), Gate::kRefuse);  // one is on its way
    circuit_.End(Kind::kOutage, true, now_, 1);
  }
}

TEST_F(OpenCircuitTest, AProbeThatWasNeverSentLeavesItsPlaceToAnother) {
  WaitForProbe();
  ASSERT_TRUE(circuit_.Begin());
  circuit_.End(Kind::kUnknown, true, now_, 1);
  EXPECT_EQ(circuit_.Look(now_, 100), Gate::kPass);
}

TEST_F(OpenCircuitTest, WhatWasSentBeforeSaysNothing) {
  circuit_.End(Kind::kAnswered, false, now_, 1);
  EXPECT_TRUE(circuit_.open());
}

TEST_F(OpenCircuitTest, AnAnswerClosesItAndTheRateDoublesEverySecondFromATenth) {
  WaitForProbe();
  circuit_.End(Kind::kAnswered, circuit_.Begin(), now_, 1);
  std::vector<int> went;
  for (int second = 0; second < 3; ++second) {
    went.push_back(0);
    for (int i = 0; i < 1000; ++i) {
      if (circuit_.Look(now_, 100) == Gate::kPass) {
        circuit_.Begin();
        ++went.back();
      }
      now_ += absl::Milliseconds(1);
    }
  }
  EXPECT_THAT(went, ElementsAre(::testing::AllOf(::testing::Ge(10), ::testing::Le(20)),
                                ::testing::AllOf(::testing::Ge(20), ::testing::Le(40)),
                                ::testing::AllOf(::testing::Ge(40), ::testing::Le(80))));
  now_ += absl::Seconds(1);
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(circuit_.Look(now_, 100), Gate::kPass);
    circuit_.Begin();
  }
}

// --- all of it, in one replica

class FakeFlowStore : public FlowStore {
 public:
  absl::StatusOr<FlowView> Exchange(const std::string&, const std::vector<FlowReport>& reports,
                                    absl::Duration) override {
    reported.insert(reported.end(), reports.begin(), reports.end());
    if (!status.ok()) return status;
    return view;
  }
  absl::Status status = absl::OkStatus();
  FlowView view;
  std::vector<FlowReport> reported;
};

class FlowControlTest : public ::testing::Test {
 protected:
  FlowControlTest() { Set(100, 400); }
  ~FlowControlTest() override { flow_.Close(); }

  void Set(int per_second, int in_flight) {
    auto account = std::make_shared<Account>();
    account->id = "demo";
    account->treasury_id = "t";
    account->settings.mutable_flow()->set_calls_per_second(per_second);
    account->settings.mutable_flow()->set_calls_in_flight(in_flight);
    account_ = account;
  }
  void Ask(const std::string& name, Operation operation = Operation::kShip,
           const std::string& ship_by = "", const std::string& caller = "builder") {
    flow_.Admit(account_, operation, {caller, ship_by},
                [this, name](absl::StatusOr<FlowPassPtr> pass) {
                  if (pass.ok()) {
                    went_.push_back(name);
                    passes_[name] = *std::move(pass);
                  } else {
                    refused_[name] = pass.status();
                  }
                });
  }
  void Fail(int calls, Operation operation = Operation::kShip) {
    for (int i = 0; i < calls; ++i) {
      const std::string name = absl::StrCat("fail", ++names_);
      Ask(name, operation);
      ASSERT_EQ(passes_.count(name), 1u) << refused_[name];
      passes_[name]->End(NoReply());
    }
  }
  void Elapse(absl::Duration time, absl::Duration step = absl::Milliseconds(5)) {
    for (absl::Duration gone; gone < time; gone += step) {
      clock_.Advance(step);
      flow_.Pump();
    }
  }

  testing::FakeClock clock_{kStart};
  testing::FakeClock wall_{kStart};
  FakeFlowStore store_;
  FlowControl flow_{store_, "run1", clock_, wall_, [] { return 1.0; }, {.most_waiting = 50}};
  AccountPtr account_;
  int names_ = 0;
  std::vector<std::string> went_;
  std::map<std::string, FlowPassPtr> passes_;
  std::map<std::string, absl::Status> refused_;
};

TEST_F(FlowControlTest, ACallGoesAtOnceWhileThereIsRoomAndElseWhenOneEnds) {
  Set(0, 2);
  EXPECT_TRUE(flow_.Free(account_, Operation::kShip));
  Ask("a");
  Ask("b");
  EXPECT_FALSE(flow_.Free(account_, Operation::kShip));
  Ask("c");
  EXPECT_THAT(went_, ElementsAre("a", "b"));
  passes_["a"]->End(Reply(200));
  EXPECT_THAT(went_, ElementsAre("a", "b", "c"));
  Ask("d");
  FlowPassPtr unsent = std::move(passes_["b"]);
  unsent = nullptr;
  flow_.Pump();
  EXPECT_THAT(went_, ElementsAre("a", "b", "c", "d"));
}

TEST_F(FlowControlTest, ALongQueueOfCallsThatAllGiveUpAtOnceIsNoDeepRecursion) {
  Set(0, 1);
  FlowControl flow(store_, "run1", clock_, wall_, [] { return 1.0; }, {});
  FlowPassPtr first;
  flow.Admit(account_, Operation::kShip, {},
             [&](absl::StatusOr<FlowPassPtr> pass) { first = *std::move(pass); });
  int given_up = 0;
  int depth = 0;
  int deepest = 0;
  for (int i = 0; i < 1000; ++i) {
    flow.Admit(account_, Operation::kShip, {}, [&](absl::StatusOr<FlowPassPtr> pass) {
      deepest = std::max(deepest, ++depth);
      if (pass.ok()) *pass = nullptr;  // as when there is no token
      ++given_up;
      --depth;
    });
  }
  first = nullptr;
  while (flow.Pump() > 0) {
  }
  EXPECT_EQ(given_up, 1000);
  EXPECT_EQ(deepest, 1);
}

TEST_F(FlowControlTest, WhoHasWaitedTooLongIsToldThatNothingWasSent) {
  Set(0, 1);
  Ask("a");
  Ask("b");
  Elapse(absl::Seconds(19), absl::Seconds(1));
  EXPECT_EQ(refused_.count("b"), 0u);
  Elapse(absl::Seconds(2), absl::Seconds(1));
  EXPECT_THAT(refused_["b"], HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused_["b"].message(), HasSubstr("not sent"));
  passes_["a"]->End(Reply(200));
  EXPECT_THAT(went_, ElementsAre("a"));
}

TEST_F(FlowControlTest, AFullQueueRefuses) {
  Set(0, 1);
  for (int i = 0; i < 52; ++i) Ask(absl::StrCat("c", i));
  EXPECT_THAT(refused_, SizeIs(1));
  EXPECT_THAT(refused_["c51"], HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(FlowControlTest, AnotherServicesValidationsDoNotEatShippings) {
  Set(100, 0);
  for (int i = 0; i < 40; ++i) Ask(absl::StrCat("v", i), Operation::kAddress, "", "portal");
  Elapse(absl::Milliseconds(50));
  went_.clear();
  Ask("ship");
  Ask("validation", Operation::kAddress, "", "builder");
  Elapse(absl::Milliseconds(50));
  EXPECT_THAT(std::vector<std::string>(went_.begin(), went_.begin() + 2),
              ::testing::UnorderedElementsAre("ship", "validation"));
}

TEST_F(FlowControlTest, DueInIsWhenTheNextMayGo) {
  Set(10, 0);
  EXPECT_EQ(flow_.DueIn(), absl::Seconds(1));
  Ask("a");
  Ask("b");
  EXPECT_THAT(went_, ElementsAre("a"));
  EXPECT_EQ(flow_.DueIn(), absl::Milliseconds(100));
  clock_.Advance(flow_.DueIn());
  EXPECT_EQ(flow_.Pump(), 1);
  EXPECT_THAT(went_, ElementsAre("a", "b"));
}

TEST_F(FlowControlTest, AfterA429TheRateIsHalfAndTheOthersAreTold) {
  Ask("a");
  passes_["a"]->End(Reply(429));
  ASSERT_OK(flow_.Share());
  ASSERT_THAT(store_.reported, SizeIs(1));
  EXPECT_TRUE(store_.reported[0].throttled);
  EXPECT_EQ(store_.reported[0].operation, "");
  store_.view.standings = {{.account_id = "demo", .share = 0.5, .full_rate = 100}};
  ASSERT_OK(flow_.Share());
  EXPECT_THAT(store_.reported, SizeIs(1));  // once
  Elapse(absl::Seconds(1));
  went_.clear();
  for (int i = 0; i < 49; ++i) Ask(absl::StrCat("c", i));
  for (int second = 0; second < 2; ++second) {
    Elapse(absl::Milliseconds(500));
    for (int i = 0; i < 25; ++i) Ask(absl::StrCat("more", second, i));
  }
  EXPECT_NEAR(static_cast<double>(went_.size()), 55, 3);
}

TEST_F(FlowControlTest, WhatTheOthersCouldNotBeToldIsToldLater) {
  Ask("a");
  passes_["a"]->End(Reply(429, {{"Retry-After", "10"}}));
  store_.status = absl::UnavailableError("no database");
  EXPECT_THAT(flow_.Share(), HasCode(absl::StatusCode::kUnavailable));
  clock_.Advance(absl::Seconds(4));
  store_.status = absl::OkStatus();
  store_.reported.clear();
  ASSERT_OK(flow_.Share());
  ASSERT_THAT(store_.reported, SizeIs(1));
  EXPECT_EQ(store_.reported[0].sent_ago, absl::Seconds(4));
  EXPECT_EQ(store_.reported[0].wait, absl::Seconds(6));
}

TEST_F(FlowControlTest, WithoutALimitA429StartsOneAtHalfOfWhatWent) {
  Set(0, 0);
  for (int i = 0; i < 2000; ++i) {
    Ask("a");
    clock_.Advance(absl::Milliseconds(25));  // 40 a second
  }
  passes_["a"]->End(Reply(429));
  went_.clear();
  for (int i = 0; i < 50; ++i) Ask(absl::StrCat("c", i));
  Elapse(absl::Seconds(1));
  EXPECT_NEAR(static_cast<double>(went_.size()), 21, 3);
}

TEST_F(FlowControlTest, ARetryAfterHoldsCallsBackAndALongOneRefusesThem) {
  Ask("a");
  Ask("z");
  passes_["a"]->End(Reply(429, {{"Retry-After", "3"}}));
  Ask("b");
  Elapse(absl::Milliseconds(2990));
  EXPECT_THAT(went_, ElementsAre("a", "z"));
  Elapse(absl::Milliseconds(20));
  EXPECT_THAT(went_, ElementsAre("a", "z", "b"));
  passes_["z"]->End(Reply(429, {{"Retry-After", "600"}}));
  Ask("c");
  EXPECT_THAT(refused_["c"], HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(FlowControlTest, WhatUpsWantsForOneOperationHoldsThatOneBack) {
  Ask("track", Operation::kTrack);
  passes_["track"]->End(Reply(503, {}, R"({"Error":{"MinimumRetrySeconds":"10"}})"));
  Ask("later", Operation::kTrack);
  Ask("ship");
  EXPECT_THAT(went_, ElementsAre("track", "ship"));
  Elapse(absl::Seconds(11), absl::Milliseconds(100));
  EXPECT_THAT(went_, ElementsAre("track", "ship", "later"));
}

TEST_F(FlowControlTest, ReplicasDivideTheRate) {
  store_.view.replicas = 4;
  ASSERT_OK(flow_.Share());
  for (int i = 0; i < 50; ++i) Ask(absl::StrCat("c", i));
  Elapse(absl::Seconds(1));
  EXPECT_NEAR(static_cast<double>(went_.size()), 27, 2);
}

TEST_F(FlowControlTest, AnOperationThatUpsDoesNotAnswerIsRefusedAndTheOthersGo) {
  Set(0, 1);
  Fail(4);
  Ask("fifth");
  Ask("waits");
  passes_["fifth"]->End(NoReply());
  EXPECT_THAT(refused_["waits"], HasCode(absl::StatusCode::kUnavailable));
  Ask("ship");
  EXPECT_THAT(refused_["ship"], HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(refused_["ship"].message(), HasSubstr("nothing was sent"));
  Ask("void", Operation::kVoid);
  EXPECT_THAT(went_, ::testing::Contains("void"));
}

TEST_F(FlowControlTest, AfterAnOutageTheBacklogDrainsByShipByDateWithARamp) {
  Fail(5);
  clock_.Advance(absl::Seconds(1));
  Ask("probe");
  Ask("too early");
  EXPECT_THAT(refused_["too early"], HasCode(absl::StatusCode::kUnavailable));
  passes_["probe"]->End(Reply(200));
  went_.clear();
  for (int i = 0; i < 40; ++i) {
    Ask(absl::StrCat("c", i), Operation::kShip, absl::StrCat(20270140 - i));
  }
  Elapse(absl::Seconds(1));
  EXPECT_GE(went_.size(), 10u);
  EXPECT_LE(went_.size(), 20u);
  EXPECT_EQ(went_[0], "c39");
  Elapse(absl::Seconds(2));
  ASSERT_THAT(went_, SizeIs(40));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(went_[i], absl::StrCat("c", 39 - i));
}

TEST_F(FlowControlTest, ClosingRefusesThoseWhoWaitAndLetsTheOthersEnd) {
  Set(0, 1);
  Ask("a");
  Ask("b");
  flow_.Close();
  EXPECT_THAT(refused_["b"], HasCode(absl::StatusCode::kUnavailable));
  passes_["a"]->End(Reply(200));
  Ask("c");
  EXPECT_THAT(went_, ElementsAre("a", "c"));
}

}  // namespace
}  // namespace psups::ups_gateway
