#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/psupsctl/fake_services.h"
#include "tests/psupsctl/runner.h"

namespace psups::psupsctl {
namespace {

using shipments::v1::Review;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ReviewTest : public ::testing::Test {
 protected:
  Ran Run(std::vector<std::string> arguments) { return runner_.Run(std::move(arguments), ""); }
  Ran Resolve(const std::string& action, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"review", "resolve", "r1", "--action", action};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(std::move(arguments));
  }

  FakeReviews reviews_;
  Runner runner_{{&reviews_}};
};

TEST_F(ReviewTest, ListShowsTheOpenOnesUnlessAskedForMore) {
  reviews_.reviews.Add()->set_state(Review::OPEN);
  reviews_.reviews.Add()->set_state(Review::RESOLVED);
  EXPECT_EQ(Run({"review", "list", "-o", "json"}).json().size(), 1u);
  EXPECT_EQ(Run({"review", "list", "--state", "any", "-o", "json"}).json().size(), 2u);
  EXPECT_EQ(Run({"review", "list", "--state", "resolved", "-o", "json"}).json()[0]["state"],
            "RESOLVED");
}

TEST_F(ReviewTest, ListSaysWhenEachIsToLeave) {
  Review& later = *reviews_.reviews.Add();
  later.set_name("reviews/r1");
  later.set_state(Review::OPEN);
  later.set_ship_by_date("2026-12-01");
  Review& now = *reviews_.reviews.Add();
  now.set_name("reviews/r2");
  now.set_state(Review::OPEN);
  const Ran table = Run({"review", "list"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("SHIP BY"), HasSubstr("2026-12-01"), HasSubstr("now")));
  EXPECT_THAT(Run({"review", "list", "-o", "csv"}).out, Not(HasSubstr("now")));
}

TEST_F(ReviewTest, GetNumbersCandidatesAndComparesThemFieldByField) {
  Review& review = *reviews_.reviews.Add();
  review.set_name("reviews/r1");
  review.mutable_item()->set_setid("SHARE");
  review.mutable_item()->set_item_id("PUMP-7");
  review.add_candidates()->add_lines("1500 Market St");
  review.add_candidates()->add_lines("1500 Market Ct");
  Review::Difference& difference = *review.add_differences();
  difference.set_field("line 1");
  difference.set_ours("1500 Market Street");
  difference.set_theirs("1500 Market Ct");
  difference.set_candidate_index(1);
  const Ran ran = Run({"review", "get", "r1"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("PUMP-7"), HasSubstr("1: 1500 Market St"),
                             HasSubstr("2: 1500 Market Ct")));
  EXPECT_THAT(ran.out, HasSubstr("CANDIDATE  FIELD   ORDER               UPS\n"
                                 "2          line 1  1500 Market Street  1500 Market Ct\n"));
  EXPECT_EQ(Run({"review", "get", "r1", "-o", "json"}).json()["differences"][0]["theirs"],
            "1500 Market Ct");
  EXPECT_EQ(Run({"review", "get", "r2"}).code, 3);
}

TEST_F(ReviewTest, CandidatesAreCountedFrom1ByPeople) {
  EXPECT_EQ(Resolve("accept-candidate", {}).code, 2);
  EXPECT_EQ(Resolve("accept-candidate", {"--candidate", "2", "--comment", "the shop said so"}).code,
            0);
  EXPECT_EQ(reviews_.resolved.name(), "reviews/r1");
  EXPECT_EQ(reviews_.resolved.candidate_index(), 1);
  EXPECT_EQ(reviews_.resolved.comment(), "the shop said so");
  const std::string address = runner_.Write("a.json", R"({"lines": ["2 Oak St"], "city": "Troy"})");
  EXPECT_EQ(Resolve("override-address", {"--address-file", address}).code, 0);
  EXPECT_EQ(reviews_.resolved.address().lines(0), "2 Oak St");
}

TEST_F(ReviewTest, MeasuresAreReadWithTheirUnits) {
  ASSERT_EQ(Resolve("set-measures", {"--weight", "12.5 LB", "--dimensions", "10 x 8x4.25 in",
                                     "--remember", "--as", "bob"})
                .code,
            0);
  EXPECT_EQ(reviews_.resolved.action(), Review::SET_MEASURES);
  EXPECT_EQ(reviews_.resolved.weight().value(), "12.5");
  EXPECT_EQ(reviews_.resolved.weight().unit(), "LB");
  EXPECT_EQ(reviews_.resolved.dimensions().length(), "10");
  EXPECT_EQ(reviews_.resolved.dimensions().width(), "8");
  EXPECT_EQ(reviews_.resolved.dimensions().height(), "4.25");
  EXPECT_EQ(reviews_.resolved.dimensions().unit(), "IN");
  EXPECT_TRUE(reviews_.resolved.remember());
  EXPECT_EQ(reviews_.resolved.on_behalf_of(), "bob");
  EXPECT_EQ(Resolve("set-measures", {"--weight", "5kg"}).code, 0);
  EXPECT_EQ(reviews_.resolved.weight().unit(), "KG");
  EXPECT_FALSE(reviews_.resolved.has_dimensions());
}

TEST_F(ReviewTest, MeasuresThatAreNoneAreRefusedBeforeAnybodyIsAsked) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"--weight", "12.5"},
                                             {"--weight", "LB"},
                                             {"--dimensions", "10x8 IN"},
                                             {"--dimensions", "10x8x4"}}) {
    const Ran ran = Resolve("set-measures", wrong);
    EXPECT_EQ(ran.code, 2) << ran.out;
    EXPECT_FALSE(ran.err.empty());
  }
  EXPECT_TRUE(reviews_.resolved.name().empty());
}

TEST_F(ReviewTest, AServiceIsChosenByItsCode) {
  EXPECT_EQ(Resolve("choose-service", {}).code, 2);
  EXPECT_EQ(Resolve("choose-service", {"--service", "02"}).code, 0);
  EXPECT_EQ(reviews_.resolved.service_code(), "02");
}

TEST_F(ReviewTest, WhatAnActionWouldNotUseIsRefused) {
  const Ran ran = Resolve("retry", {"--weight", "5 LB"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--weight is for --action set-measures only"));
  EXPECT_EQ(Resolve("set-measures", {"--weight", "5 LB", "--service", "02"}).code, 2);
}

}  // namespace
}  // namespace psups::psupsctl
