#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/decide.h"
#include "services/shipment-builder/rule_book.h"
#include "tests/shipment-builder/fake_peers.h"

namespace psups::shipment_builder::testing {

// Rules as a test has them set.
class SetRules : public MappingStore {
 public:
  absl::StatusOr<std::vector<MappingRecord>> NewMappings(
      const std::map<std::string, int64_t>&) override {
    return records;
  }
  absl::StatusOr<MappingRecord> GetMapping(const std::string&, int64_t) override {
    return absl::NotFoundError("");
  }
  absl::StatusOr<MappingRecord> SetMapping(const MappingRecord& mapping,
                                           std::optional<int64_t>) override {
    return mapping;
  }
  absl::StatusOr<std::vector<OrderWithShipments>> NewestOrders(const std::string&, int) override {
    return std::vector<OrderWithShipments>();
  }
  absl::StatusOr<std::vector<PastCost>> PastCosts(const std::string&) override {
    return std::vector<PastCost>();
  }

  std::vector<MappingRecord> records;
};

// A shipment of one order and the questions about it.
class Deciding : public ::testing::Test {
 protected:
  orders::v1::Order& Made(void (*change)(Schedule& schedule) = [](Schedule&) {}) {
    change(*order.mutable_schedules(0));
    Build();
    return order;
  }
  void Build() {
    std::vector<Shipment> none;
    Reconciliation planned = Reconcile(order, none, 0, planner.BasisFor("c1"));
    ASSERT_THAT(planned.fresh, ::testing::SizeIs(1));
    shipment = std::move(planned.fresh[0].shipment);
    review.asked = planned.fresh[0].effects.review.value_or(ReviewDraft());
    review.asked.item = ItemInQuestion{.setid = "SHARE",
                                       .item_id = order.schedules(0).item_id(),
                                       .unit_of_measure = order.schedules(0).unit_of_measure(),
                                       .line = 1,
                                       .schedule = 1};
  }
  absl::Status Run(const shipments::v1::ResolveReviewRequest& request) {
    effects = Effects();
    return Decide(review, order, request, "spiffe://psups/clerk/ann", planner, shipment, effects);
  }
  // Decides, and has what comes next asked.
  absl::Status RunAndAsk(const shipments::v1::ResolveReviewRequest& request) {
    const absl::Status status = Run(request);
    review.before.push_back({.asked = review.asked, .request = request});
    if (effects.review.has_value()) {
      const auto item = review.asked.item;
      review.asked = *effects.review;
      if (!review.asked.item.has_value()) review.asked.item = item;
    }
    return status;
  }
  static shipments::v1::ResolveReviewRequest Request(Action action) {
    shipments::v1::ResolveReviewRequest request;
    shipments::v1::Review::Action value = shipments::v1::Review::ACTION_UNSPECIFIED;
    EXPECT_TRUE(shipments::v1::Review::Action_Parse(std::string(Name(action)), &value));
    request.set_action(value);
    return request;
  }
  static shipments::v1::ResolveReviewRequest Weighing(const std::string& value,
                                                      const std::string& unit) {
    shipments::v1::ResolveReviewRequest request = Request(Action::kSetMeasures);
    request.mutable_weight()->set_value(value);
    request.mutable_weight()->set_unit(unit);
    return request;
  }
  // What a person would enter for the action.
  static shipments::v1::ResolveReviewRequest Sensible(Action action) {
    shipments::v1::ResolveReviewRequest request = Request(action);
    if (action == Action::kSetMeasures) request = Weighing("7", "LB");
    if (action == Action::kChooseService) request.set_service_code("02");
    if (action == Action::kOverrideAddress) {
      *request.mutable_address() = AddressAt("", "1600 Market Street", "Denver", "CO", "80202");
    }
    return request;
  }
  // Changes between what is stored and what the order says: none if planning leaves it alone.
  bool StaysAsItIs() {
    std::vector<Shipment> existing = {shipment};
    const Reconciliation now = Reconcile(order, existing, 1, planner.BasisFor("c1"));
    return now.fresh.empty() && existing[0].state == shipment.state;
  }

  psups::testing::FakeClock clock;
  SetRules mappings;
  RuleBook rules{mappings};
  Planner planner{clock, absl::UTCTimeZone(),
                  [](std::string_view purpose, std::string_view text) {
                    return HmacSha256("test", JoinUnambiguously({purpose, text}));
                  },
                  rules};
  orders::v1::Order order = PlainOrder("o1");
  Shipment shipment;
  Review review{.connection_id = "c1", .review_id = "c1-r"};
  Effects effects;
};

}  // namespace psups::shipment_builder::testing
