#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/shipment-builder/deciding.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using enum Action;

// ---- What each review allows ----

const std::map<Reason, std::vector<Action>>& Allowed() {
  static const std::map<Reason, std::vector<Action>> kAllowed = {
      {Reason::kAddressInvalid, {kOverrideAddress, kRetry, kCancel}},
      {Reason::kAddressAmbiguous, {kAcceptCandidate, kOverrideAddress, kRetry, kCancel}},
      {Reason::kAddressSuiteChanged, {kAcceptCandidate, kOverrideAddress, kRetry, kCancel}},
      {Reason::kAddressChanged, {kAcceptCandidate, kOverrideAddress, kRetry, kCancel}},
      {Reason::kNoShipFrom, {kRetry, kCancel}},
      {Reason::kNoShipTo, {kRetry, kCancel}},
      {Reason::kItemWeightMissing, {kSetMeasures, kRetry, kCancel}},
      {Reason::kItemDimensionsMissing, {kSetMeasures, kRetry, kCancel}},
      {Reason::kPackageTooHeavy, {kSetMeasures, kSplit, kRetry, kCancel}},
      {Reason::kPackageTooLarge, {kSetMeasures, kSplit, kRetry, kCancel}},
      {Reason::kFieldTooLong, {kOverrideAddress, kRetry, kCancel}},
      {Reason::kServiceUnmapped, {kChooseService, kRetry, kCancel}},
      {Reason::kUpsRejected, {kOverrideAddress, kChooseService, kRetry, kCancel}},
      {Reason::kInDoubtUnresolved, {kRetry, kCancel}},
      {Reason::kCountryUnsupported, {kRetry, kCancel}},
      {Reason::kChangedAfterPickup, {kCancel}},
      {Reason::kUomUnknown, {kSetMeasures, kRetry, kCancel}},
      {Reason::kVoidRefused, {kRetry, kCancel}},
      {Reason::kVoidedLabelScanned, {kCancel}},
      {Reason::kMeasuresImplausible, {kSetMeasures, kShipAnyway, kRetry, kCancel}},
      {Reason::kFreightTermsUnmapped, {kRetry, kCancel}},
      {Reason::kAddressResidential,
       {kAcceptCandidate, kOverrideAddress, kShipAnyway, kRetry, kCancel}},
      {Reason::kAddressUndeliverable, {kOverrideAddress, kRetry, kCancel}},
      {Reason::kShipFromAbroad, {kOverrideAddress, kRetry, kCancel}},
      {Reason::kCustomsDataMissing, {kRetry, kCancel}},
      {Reason::kPastDue, {kShipAnyway, kRetry, kCancel}},
      {Reason::kShippedByHand, {kShipAnyway, kRetry, kCancel}},
      {Reason::kPriceAboveCap, {kChooseService, kShipAnyway, kRetry, kCancel}},
      {Reason::kNoServiceInTime, {kChooseService, kShipAnyway, kRetry, kCancel}},
      {Reason::kPurchasesUnusual, {kShipAnyway, kRetry, kCancel}},
      {Reason::kPartlyShippedAsRequisition, {kRetry, kCancel}},
      {Reason::kTooManyPackages, {kRetry, kCancel}},
  };
  return kAllowed;
}

const std::vector<Action> kEveryAction = {kAcceptCandidate, kOverrideAddress, kRetry, kCancel,
                                          kSetMeasures,     kChooseService,   kSplit, kShipAnyway};

// In doubt, or labelled, by what the review is about.
void PutWhereItIsAsked(Reason reason, Shipment& shipment) {
  shipment.state = State::kNeedsReview;
  if (reason == Reason::kInDoubtUnresolved) {
    shipment.purchase = {.number = 1, .state = PurchaseState::kInDoubt};
  }
  if (reason == Reason::kVoidRefused || reason == Reason::kChangedAfterPickup ||
      reason == Reason::kVoidedLabelScanned) {
    shipment.state = State::kLabeled;
    shipment.ups_shipment_id = "1Z999";
    shipment.purchase = {.number = 1, .state = PurchaseState::kDone};
  }
}

TEST_F(Deciding, EveryReasonOfTheApiHasItsActions) {
  EXPECT_EQ(Allowed().size(),
            static_cast<std::size_t>(pb::Review::Reason_descriptor()->value_count() - 1));
  for (const auto& [reason, actions] : Allowed()) {
    EXPECT_EQ(ActionsFor({.reason = reason, .side = Side::kShipTo}), actions) << Name(reason);
    EXPECT_EQ(ReasonFromName(Name(reason)), reason);
    EXPECT_EQ(actions.back(), kCancel) << Name(reason);
  }
}

TEST_F(Deciding, EachPairOfReasonAndActionIsDoneOrRefusedWithWhatIsPossible) {
  for (const auto& [reason, actions] : Allowed()) {
    for (const Action action : kEveryAction) {
      SCOPED_TRACE(::testing::Message() << Name(reason) << " " << Name(action));
      // 12 lb a dozen, so that it can be split into halves.
      order = PlainOrder("o1");
      Made([](Schedule& schedule) {
        schedule.set_conversion_rate("2");
        schedule.set_standard_unit_of_measure("PC");
        schedule.mutable_item_weight()->set_value("2.5");
        schedule.mutable_item_weight()->set_unit("LB");
      });
      review.asked.reason = reason;
      review.asked.side = Side::kShipTo;
      review.asked.candidates = {AddressAt("", "1500 Market Ct", "Denver", "CO", "80202")};
      PutWhereItIsAsked(reason, shipment);
      const absl::Status status = Run(Sensible(action));
      if (std::find(actions.begin(), actions.end(), action) == actions.end()) {
        EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
        EXPECT_THAT(std::string(status.message()),
                    AllOf(HasSubstr(std::string(Name(action))), HasSubstr("want "),
                          HasSubstr(std::string(Name(actions.front())))));
        continue;
      }
      EXPECT_OK(status);
      const bool labelled = shipment.labelled();
      if (action == kCancel && !labelled && reason != Reason::kInDoubtUnresolved) {
        EXPECT_EQ(shipment.state, State::kCancelled);
      }
      if (labelled) continue;
      if (action != kCancel) {
        EXPECT_TRUE(shipment.state == State::kValidating || shipment.state == State::kLabeling);
        EXPECT_THAT(shipment.packages, Not(IsEmpty()));
      }
      const bool chosen_late = action == kChooseService && reason == Reason::kNoServiceInTime;
      EXPECT_EQ(shipment.Waived(reason), action == kShipAnyway || chosen_late);
    }
  }
}

// ---- Services, addresses, waivers ----

TEST_F(Deciding, AServiceThatAPersonChoosesIsNoChangeOfTheOrder) {
  Made([](Schedule& schedule) { schedule.set_ship_type_id("PIGEON"); });
  ASSERT_EQ(review.asked.reason, Reason::kServiceUnmapped);
  ASSERT_OK(Run(Sensible(kChooseService)));
  EXPECT_EQ(shipment.service_code, "02");
  EXPECT_TRUE(shipment.service_chosen);
  EXPECT_EQ(shipment.state, State::kValidating);
  EXPECT_THAT(shipment.packages, SizeIs(1));
  EXPECT_TRUE(StaysAsItIs());
  pb::ResolveReviewRequest request = Sensible(kChooseService);
  request.set_service_code("GROUND");
  EXPECT_THAT(Run(request), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(Deciding, AnAddressInPlaceOfOneThatIsTooLongIsPackedToo) {
  Made([](Schedule& schedule) {
    schedule.mutable_ship_to()->set_lines(0, std::string(40, 'x'));
    schedule.mutable_ship_to()->set_phone("3035550100");
  });
  ASSERT_EQ(review.asked.reason, Reason::kFieldTooLong);
  ASSERT_OK(Run(Sensible(kOverrideAddress)));
  EXPECT_EQ(shipment.state, State::kValidating);
  EXPECT_THAT(shipment.packages, SizeIs(1));
  EXPECT_EQ(shipment.ship_to.lines(0), "1600 Market Street");
  EXPECT_EQ(shipment.ship_to.name(), "Denver Warehouse");
  EXPECT_EQ(shipment.ship_to.phone(), "3035550100");
  EXPECT_TRUE(StaysAsItIs());
}

TEST_F(Deciding, AnAddressOfBeforeARetryDoesNotComeBack) {
  Made([](Schedule& schedule) { schedule.mutable_ship_to()->set_lines(0, std::string(40, 'x')); });
  ASSERT_OK(RunAndAsk(Sensible(kOverrideAddress)));
  review.asked = {.reason = Reason::kUpsRejected, .side = Side::kShipTo};
  order.mutable_schedules(0)->mutable_ship_to()->set_lines(0, "1 Elm Street");
  ASSERT_OK(RunAndAsk(Request(kRetry)));
  EXPECT_EQ(shipment.ship_to.lines(0), "1 Elm Street");
  ASSERT_OK(RunAndAsk(Sensible(kChooseService)));
  EXPECT_EQ(shipment.service_code, "02");
  EXPECT_EQ(shipment.ship_to.lines(0), "1 Elm Street");
}

TEST_F(Deciding, AnAddressThatAPersonGivesKeepsItsLinesWhateverTheRulesSayOfThem) {
  MappingRecord set{.connection_id = "c1", .version = 1};
  set.rules.add_address_lines()->add_lines(pb::Rules::LEFT_OUT);
  mappings.records = {set};
  ASSERT_OK(rules.Refresh());
  Made([](Schedule& schedule) {
    schedule.mutable_ship_to()->set_lines(0, "Dock 4");
    schedule.mutable_ship_to()->add_lines(std::string(40, 'x'));
  });
  ASSERT_EQ(review.asked.reason, Reason::kFieldTooLong);
  pb::ResolveReviewRequest request = Sensible(kOverrideAddress);
  request.mutable_address()->set_lines(0, "Suite 100");
  request.mutable_address()->add_lines("1600 Market Street");
  ASSERT_OK(Run(request));
  EXPECT_THAT(shipment.ship_to.lines(), ElementsAre("Suite 100", "1600 Market Street"));
  EXPECT_TRUE(StaysAsItIs());
}

TEST_F(Deciding, WhatAnOperatorLetsPassIsNotAskedAgain) {
  Made([](Schedule& schedule) {
    schedule.mutable_shipping_weight()->set_value("0.001");  // a brick of feathers
  });
  ASSERT_EQ(review.asked.reason, Reason::kMeasuresImplausible);
  ASSERT_OK(Run(Request(kShipAnyway)));
  EXPECT_EQ(shipment.state, State::kValidating);
  EXPECT_THAT(shipment.packages, SizeIs(1));
  EXPECT_THAT(shipment.waived, ElementsAre("MEASURES_IMPLAUSIBLE"));
  ASSERT_OK(Run(Request(kShipAnyway)));
  EXPECT_THAT(shipment.waived, SizeIs(1));
}

TEST_F(Deciding, ACandidateThatIsNotThereIsRefused) {
  Made();
  review.asked = {.reason = Reason::kAddressChanged, .side = Side::kShipTo};
  EXPECT_THAT(Run(Request(kAcceptCandidate)), HasCode(absl::StatusCode::kFailedPrecondition));
  review.asked.candidates = {AddressAt("", "1500 Market Ct", "Denver", "CO", "80202")};
  pb::ResolveReviewRequest request = Request(kAcceptCandidate);
  request.set_candidate_index(1);
  EXPECT_THAT(Run(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_candidate_index(0);
  ASSERT_OK(Run(request));
  EXPECT_EQ(shipment.ship_to.lines(0), "1500 Market Ct");
  EXPECT_EQ(shipment.ship_to.name(), "Denver Warehouse");
}

}  // namespace
}  // namespace psups::shipment_builder::testing
