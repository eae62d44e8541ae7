#include "services/ups-gateway/purchase/caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/status_matchers.h"
#include "services/ups-gateway/purchase/manifest.h"
#include "services/ups-gateway/purchase/search_first.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace pb = ::psups::ups::v1;

pb::CreateShipmentRequest Purchase(int packages, int64_t cost, const std::string& currency) {
  pb::CreateShipmentRequest request;
  for (int i = 0; i < packages; ++i) request.mutable_shipment()->add_packages();
  if (currency.empty()) return request;
  request.mutable_expected_cost()->set_amount_minor(cost);
  request.mutable_expected_cost()->set_currency_code(currency);
  return request;
}

TEST(CapsTest, WhereNothingWasSaidTheDefaultsHoldAndZeroIsNoLimit) {
  pb::Account account;
  EXPECT_EQ(CapsOf(account).per_hour, 2000);
  EXPECT_EQ(CapsOf(account).per_day, 10000);
  EXPECT_EQ(CapsOf(account).spend_per_day, 0);
  account.mutable_caps()->set_purchases_per_hour(0);
  account.mutable_caps()->set_purchases_per_day(0);
  const PurchaseCaps caps = CapsOf(account);
  EXPECT_THAT(FillRoom(caps, {.in_hour = 1'000'000, .in_day = 1'000'000, .spend_in_day = 1 << 30},
                       {{.cost = 1}}),
              ElementsAre(CapHit::kNone));
  EXPECT_EQ(UsedRatio(caps, {.in_hour = 5, .in_day = 5}), 0);
}

TEST(CapsTest, APurchaseCountsWhatIsExpectedInTheCapsCurrencyElseWhatAPackageIsTakenToCost) {
  pb::Account account;
  pb::Caps& asked = *account.mutable_caps();
  asked.mutable_spend_per_day()->set_amount_minor(100'000);
  asked.mutable_spend_per_day()->set_currency_code("USD");
  EXPECT_EQ(CostOf(Purchase(2, 1234, "USD"), CapsOf(account)), 1234);
  EXPECT_EQ(CostOf(Purchase(2, 1234, "CAD"), CapsOf(account)), 10'000);
  EXPECT_EQ(CostOf(Purchase(3, 0, ""), CapsOf(account)), 15'000);
  asked.mutable_assumed_cost_per_package()->set_amount_minor(700);
  EXPECT_EQ(CostOf(Purchase(3, 0, ""), CapsOf(account)), 2'100);
  asked.clear_assumed_cost_per_package();
  asked.mutable_spend_per_day()->set_currency_code("JPY");
  EXPECT_EQ(CostOf(Purchase(1, 0, ""), CapsOf(account)), 50);
}

TEST(CapsTest, RoomGoesToTheEarliestDayThenByOrder) {
  const PurchaseCaps caps{.per_hour = 10, .per_day = 100};
  EXPECT_THAT(FillRoom(caps, {.in_hour = 8},
                       {{.ship_by_date = "20261127"},
                        {.ship_by_date = "20261125"},
                        {.ship_by_date = "20261126"},
                        {.ship_by_date = "20261126"}}),
              ElementsAre(CapHit::kPurchasesPerHour, CapHit::kNone, CapHit::kNone,
                          CapHit::kPurchasesPerHour));
  EXPECT_THAT(FillRoom(caps, {.in_hour = 0, .in_day = 99}, {{}, {}}),
              ElementsAre(CapHit::kNone, CapHit::kPurchasesPerDay));
}

TEST(CapsTest, WhatCostsTooMuchLeavesItsRoomToOthers) {
  const PurchaseCaps caps{.spend_per_day = 1'000, .currency = "USD"};
  EXPECT_THAT(FillRoom(caps, {.spend_in_day = 400}, {{.cost = 601}, {.cost = 500}, {.cost = 100}}),
              ElementsAre(CapHit::kSpendPerDay, CapHit::kNone, CapHit::kNone));
  EXPECT_DOUBLE_EQ(UsedRatio(caps, {.spend_in_day = 400}), 0.4);
}

TEST(CapsTest, NextFreeIsWhenEnoughHasFallenOutOfTheWindow) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const PurchaseCaps caps{.per_hour = 10, .per_day = 30, .spend_per_day = 500, .currency = "USD"};
  const std::vector<CountedBucket> buckets = {
      {.begin = now - absl::Minutes(10), .purchases = 2, .spend = 100},
      {.begin = now - absl::Minutes(50), .purchases = 9, .spend = 300},
      {.begin = now - absl::Hours(5), .purchases = 19, .spend = 100}};
  EXPECT_EQ(NextFree(caps, CapHit::kPurchasesPerHour, 1, buckets, now), now + absl::Minutes(15));
  EXPECT_EQ(NextFree(caps, CapHit::kPurchasesPerDay, 1, buckets, now),
            now + absl::Hours(19) + absl::Minutes(5));
  EXPECT_EQ(NextFree(caps, CapHit::kSpendPerDay, 50, buckets, now),
            now + absl::Hours(19) + absl::Minutes(5));
  EXPECT_EQ(NextFree(caps, CapHit::kSpendPerDay, 350, buckets, now),
            now + absl::Hours(23) + absl::Minutes(15));
  EXPECT_EQ(NextFree(caps, CapHit::kSpendPerDay, 501, buckets, now), absl::InfiniteFuture());
}

TEST(CapsTest, ARefusalNamesTheCapAndSaysWhatToDo) {
  const PurchaseCaps caps{.per_hour = 10, .spend_per_day = 500, .currency = "USD"};
  const absl::Status refusal =
      CapRefusal("demo", caps, CapHit::kPurchasesPerHour, absl::FromUnixSeconds(1'800'000'000));
  EXPECT_THAT(refusal, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(refusal.message(),
            "accounts/demo: the cap of 10 purchases in an hour is reached, raise "
            "caps.purchases_per_hour or wait; next free at 2027-01-15T08:00:00Z");
  EXPECT_THAT(
      std::string(CapRefusal("demo", caps, CapHit::kSpendPerDay, absl::InfiniteFuture()).message()),
      AllOf(HasSubstr("caps.spend_per_day"), HasSubstr("waiting alone does not help")));
}

TEST(CapsTest, AnExpectedCostIsAnAmountInACurrency) {
  EXPECT_OK(CheckExpectedCost(Purchase(1, 100, "USD")));
  EXPECT_OK(CheckExpectedCost(Purchase(1, 0, "")));
  EXPECT_THAT(CheckExpectedCost(Purchase(1, -1, "USD")),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckExpectedCost(Purchase(1, int64_t{1} << 60, "USD")),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckExpectedCost(Purchase(1, 1, "US")), HasCode(absl::StatusCode::kInvalidArgument));
}

// --- search-first

class JudgeSearchTest : public ::testing::Test {
 protected:
  SearchVerdict Judge(absl::Duration since_notice) {
    return JudgeSearch(evidence_, since_notice,
                       {.settle = absl::Minutes(10), .window = absl::Hours(2)});
  }
  SearchVerdict::Kind Kind(absl::Duration since_notice) { return Judge(since_notice).kind; }

  Evidence evidence_{.label = Evidence::Label::kNotFound, .track = Evidence::Track::kNotFound};
};

TEST_F(JudgeSearchTest, WhateverUpsHasIsNotBought) {
  for (const auto label :
       {Evidence::Label::kFound, Evidence::Label::kSeveral, Evidence::Label::kVoided}) {
    evidence_.label = label;
    EXPECT_EQ(Kind(absl::Hours(24)), SearchVerdict::Kind::kAtUps);
  }
  evidence_.label = Evidence::Label::kUnknown;
  evidence_.track = Evidence::Track::kFound;
  EXPECT_EQ(Kind(absl::Hours(24)), SearchVerdict::Kind::kAtUps);
}

TEST_F(JudgeSearchTest, WhatCannotBeAskedIsWaitedForHoweverLong) {
  evidence_.control = Evidence::Control::kFound;
  evidence_.obstacle = "UPS is down.";
  evidence_.track = Evidence::Track::kUnknown;
  EXPECT_EQ(Kind(absl::Hours(240)), SearchVerdict::Kind::kWait);
  EXPECT_THAT(Judge(absl::Hours(240)).reason, HasSubstr("UPS is down."));
  evidence_.track = Evidence::Track::kNotFound;
  evidence_.label = Evidence::Label::kUnknown;
  EXPECT_EQ(Kind(absl::Hours(240)), SearchVerdict::Kind::kWait);
}

TEST_F(JudgeSearchTest, SilenceCountsOnceTheControlIsFoundAndUpsCannotBeLate) {
  evidence_.control = Evidence::Control::kFound;
  EXPECT_EQ(Kind(absl::Minutes(9)), SearchVerdict::Kind::kWait);
  EXPECT_THAT(Judge(absl::Minutes(9)).reason, HasSubstr("in 60 s"));
  EXPECT_EQ(Kind(absl::Minutes(10)), SearchVerdict::Kind::kBuy);
}

TEST_F(JudgeSearchTest, AControlThatUpsDeniesMakesItsSilenceWorthless) {
  evidence_.control = Evidence::Control::kNotFound;
  EXPECT_EQ(Kind(absl::Hours(240)), SearchVerdict::Kind::kWait);
  evidence_.control = Evidence::Control::kUnknown;
  EXPECT_EQ(Kind(absl::Hours(240)), SearchVerdict::Kind::kWait);
}

TEST_F(JudgeSearchTest, WithoutAControlSilenceCountsAfterTheWindow) {
  evidence_.control = Evidence::Control::kNone;
  EXPECT_EQ(Kind(absl::Minutes(119)), SearchVerdict::Kind::kWait);
  EXPECT_EQ(Kind(absl::Minutes(120)), SearchVerdict::Kind::kBuy);
}

// --- UPS's list of labels

TEST(CompareLabelsTest, EachSideSaysWhatTheOtherLacks) {
  const absl::Time since = absl::FromUnixSeconds(1'800'000'000);
  const absl::Time after = since + absl::Minutes(5);
  const absl::Time before = since - absl::Minutes(5);
  const std::string ours(26, 'A');
  const pb::ReconcileAccountResponse response =
      CompareLabels({{"1ZBOTH", true, after},
                     {"1ZHERE", true, after},
                     {"1ZVOIDEDTHERE", true, after},
                     {"1ZVOIDEDHERE", false, after},
                     {"1ZVOIDEDBOTH", false, after},
                     {"1ZEDGE", true, before}},
                    {{"1ZBOTH", ours, false, after},
                     {"1ZVOIDEDTHERE", ours, true, after},
                     {"1ZVOIDEDHERE", ours, false, after},
                     {"1ZVOIDEDBOTH", ours, true, after},
                     {"1ZEDGE", ours, false, after},
                     {"1ZLOST", ours, false, after},
                     {"1ZOLD", ours, false, before},
                     {"1ZFOREIGN", "PO 4711", false, after}},
                    since);
  EXPECT_EQ(response.matched(), 1);
  EXPECT_THAT(response.only_here(), ElementsAre("1ZHERE", "1ZVOIDEDTHERE"));
  EXPECT_THAT(response.only_at_ups(), ElementsAre("1ZVOIDEDHERE", "1ZLOST"));
}

TEST(ManifestTest, WhatIsMissingIsSaidWhileUpsCannotBeAsked) {
  const absl::Status ready = MakeManifestNotYet()->Ready({});
  EXPECT_THAT(ready, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(ready.message()), HasSubstr("Quantum View"));
}

}  // namespace
}  // namespace psups::ups_gateway
