#include "gmock/gmock.h"
#include "services/shipment-builder/order_delivery.h"
#include "tests/shipment-builder/shipment_door.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using tracking::v1::DELIVERED;

// ---- The rule ----

Decimal D(const char* text) { return *Decimal::Parse(text); }

Package Parcel(const std::string& number, const std::string& status,
               std::vector<Content> contents) {
  return {.contents = std::move(contents), .tracking_number = number, .tracking_status = status};
}

TEST(DeliveryRuleTest, QuantitiesAddUpPerScheduleOverPackages) {
  const auto all = DeliveryOf({{.line = 2, .schedule = 1, .ordered = D("5"), .open = D("5")},
                               {.line = 1, .schedule = 1, .ordered = D("7.5"), .open = D("7.5")}},
                              {Parcel("1Z1", "DELIVERED", {{1, 1, D("2.5")}, {2, 1, D("1")}}),
                               Parcel("1Z2", "IN_TRANSIT", {{1, 1, D("4")}, {1, 1, D("1")}})});
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].ordered.line, 1);  // by number, not as they came
  EXPECT_EQ(all[0].shipped, D("7.5"));
  EXPECT_EQ(all[0].delivered, D("2.5"));
  EXPECT_EQ(all[0].outstanding(), D("5"));
  EXPECT_THAT(all[0].tracking_numbers, ElementsAre("1Z1", "1Z2"));
  EXPECT_EQ(all[1].shipped, D("1"));
  EXPECT_EQ(all[1].outstanding(), D("4"));
  EXPECT_THAT(all[1].tracking_numbers, ElementsAre("1Z1"));
}

TEST(DeliveryRuleTest, OnlyDeliveredIsDeliveredAndWhatCameBackOrWasLostIsOutstanding) {
  for (const char* status : {"", "LABEL_CREATED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY",
                             "EXCEPTION", "RETURNING", "RETURNED", "LOST", "UNKNOWN"}) {
    const auto all = DeliveryOf({{.line = 1, .schedule = 1, .ordered = D("3"), .open = D("3")}},
                                {Parcel("1Z1", status, {{1, 1, D("3")}})});
    EXPECT_EQ(all[0].delivered, D("0")) << status;
    EXPECT_EQ(all[0].outstanding(), D("3")) << status;
    const bool back = std::string(status) == "RETURNED" || std::string(status) == "LOST";
    EXPECT_EQ(all[0].returned, back ? D("3") : D("0")) << status;
  }
}

TEST(DeliveryRuleTest, NothingIsOutstandingBelowZero) {
  const auto all = DeliveryOf(
      {{.line = 1, .schedule = 1, .ordered = D("3"), .received_before = D("2"), .open = D("1")}},
      {Parcel("1Z1", "DELIVERED", {{1, 1, D("3")}})});
  EXPECT_EQ(all[0].outstanding(), D("0"));
}

TEST(DeliveryRuleTest, WhatPeopleSoftReceivedMeanwhileIsNotOutstanding) {
  // 10 ordered, 6 of them delivered by UPS, and PeopleSoft has received all.
  const auto all = DeliveryOf({{.line = 1, .schedule = 1, .ordered = D("10"), .open = D("0")}},
                              {Parcel("1Z1", "DELIVERED", {{1, 1, D("6")}})});
  EXPECT_EQ(all[0].outstanding(), D("0"));
}

TEST(DeliveryRuleTest, OfWhatWasCancelledNothingIsOutstanding) {
  const auto all = DeliveryOf(
      {{.line = 1, .schedule = 1, .ordered = D("4"), .open = D("4"), .cancelled = true}}, {});
  EXPECT_EQ(all[0].outstanding(), D("0"));
}

TEST(DeliveryRuleTest, OfAScheduleThatTheOrderHasNoMoreNothingIsOrderedButThePackagesStand) {
  const auto all = DeliveryOf({}, {Parcel("1Z1", "DELIVERED", {{4, 2, D("1")}})});
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].ordered.line, 4);
  EXPECT_EQ(all[0].ordered.schedule, 2);
  EXPECT_EQ(all[0].ordered.ordered, D("0"));
  EXPECT_EQ(all[0].delivered, D("1"));
  EXPECT_EQ(all[0].outstanding(), D("0"));
}

// ---- The whole way ----

class Delivery : public ShipmentDoor {
 protected:
  void SetUp() override {
    ShipmentDoor::SetUp();
    As("service/ps-ingest");
  }
  absl::StatusOr<pb::OrderDelivery> Get(const std::string& order = "orders/o1") {
    pb::GetOrderDeliveryRequest request;
    request.set_order(order);
    return Call(&Stub::GetOrderDelivery, request);
  }
  // "ordered received shipped delivered returned outstanding" of a schedule.
  std::string Line(int line) {
    const auto delivery = Get();
    EXPECT_OK(delivery);
    if (!delivery.ok()) return "";
    for (const auto& s : delivery->schedules()) {
      if (s.line_number() != line) continue;
      return absl::StrCat(s.ordered_quantity(), " ", s.received_before_quantity(), " ",
                          s.shipped_quantity(), " ", s.delivered_quantity(), " ",
                          s.returned_quantity(), " ", s.outstanding_quantity());
    }
    return "none";
  }
  void Scan(const std::string& number, tracking::v1::Status status) {
    tracking.Scan(number, status);
    Run();
  }
};

TEST_F(Delivery, PartialDeliveriesOfTwoPackagesAddUp) {
  orders.Put(OrderOf("o1", {"15", "2"}));
  Run();
  const Shipment shipment = Only("o1");
  ASSERT_THAT(shipment.packages, SizeIs(3));  // line 1 fills two
  EXPECT_EQ(Line(1), "15 0 15 0 0 15");
  EXPECT_EQ(Line(2), "2 0 2 0 0 2");
  ASSERT_OK_AND_ASSIGN(pb::OrderDelivery delivery, Get());
  EXPECT_EQ(delivery.order(), "orders/o1");
  EXPECT_EQ(delivery.document().document_id(), "0000000123");
  EXPECT_FALSE(delivery.complete());
  ASSERT_THAT(delivery.schedules(), SizeIs(2));
  EXPECT_THAT(
      delivery.schedules(0).tracking_numbers(),
      ElementsAre(shipment.packages[0].tracking_number, shipment.packages[1].tracking_number));

  Scan(shipment.packages[0].tracking_number, DELIVERED);
  EXPECT_EQ(Line(1), "15 0 15 10 0 5");
  Scan(shipment.packages[2].tracking_number, DELIVERED);
  EXPECT_EQ(Line(2), "2 0 2 2 0 0");
  ASSERT_OK_AND_ASSIGN(delivery, Get());
  EXPECT_FALSE(delivery.complete());
  Scan(shipment.packages[1].tracking_number, DELIVERED);
  EXPECT_EQ(Line(1), "15 0 15 15 0 0");
  ASSERT_OK_AND_ASSIGN(delivery, Get());
  EXPECT_TRUE(delivery.complete());
}

TEST_F(Delivery, WhatComesBackIsOutstandingAgain) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string number = Only("o1").packages[0].tracking_number;
  Scan(number, DELIVERED);
  EXPECT_EQ(Line(1), "4 0 4 4 0 0");
  Scan(number, tracking::v1::RETURNED);
  EXPECT_EQ(Line(1), "4 0 4 0 4 4");
}

TEST_F(Delivery, AVoidLabelDoesNotCountAndItsSuccessorDoes) {
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string first = Only("o1").packages[0].tracking_number;
  orders::v1::Order changed = PlainOrder("o1", 2);
  changed.mutable_schedules(0)->mutable_ship_to()->set_lines(0, "1600 Market Street");
  orders.Put(changed);
  RunAndWait();
  const std::string second = Only("o1").packages[0].tracking_number;
  ASSERT_NE(first, second);
  EXPECT_EQ(ups.LiveLabels(), 1);
  ASSERT_OK_AND_ASSIGN(const pb::OrderDelivery delivery, Get());
  ASSERT_THAT(delivery.schedules(), SizeIs(1));
  EXPECT_EQ(delivery.schedules(0).shipped_quantity(), "4");
  EXPECT_THAT(delivery.schedules(0).tracking_numbers(), ElementsAre(second));
}

TEST_F(Delivery, ALabelCountsUntilItIsVoid) {
  orders.Put(PlainOrder("o1"));
  Run();
  ups.void_fails = absl::UnavailableError("503");
  As("operator/ann");
  pb::VoidShipmentRequest request;
  request.set_name(Only("o1").name());
  ASSERT_OK(Call(&Stub::VoidShipment, request));
  Run();
  EXPECT_EQ(Line(1), "4 0 4 0 0 4");
  ups.void_fails = absl::OkStatus();
  RunAndWait();
  EXPECT_EQ(Line(1), "4 0 0 0 0 4");
}

TEST_F(Delivery, APackageThatAloneWasVoidedDoesNotCount) {
  orders.Put(OrderOf("o1", {"15"}));
  Run();
  ASSERT_OK(Exec("UPDATE packages SET tracking_status = 'VOIDED' WHERE package_number = 2"));
  EXPECT_EQ(Line(1), "15 0 10 0 0 15");
}

TEST_F(Delivery, WhatWasReceivedBeforeTheOrderWasFirstSeenIsNotOurs) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ordered_quantity("10");
  orders.Put(order);
  Run();
  EXPECT_EQ(Line(1), "10 6 4 0 0 4");
  Scan(Only("o1").packages[0].tracking_number, DELIVERED);
  EXPECT_EQ(Line(1), "10 6 4 4 0 0");
  // PeopleSoft has received it too: nothing else was received before.
  orders::v1::Order received = order;
  received.set_revision(2);
  received.mutable_schedules(0)->set_open_quantity("0");
  received.mutable_schedules(0)->set_ineligible_reason(orders::v1::Order::Schedule::NOTHING_OPEN);
  orders.Put(received);
  Run();
  EXPECT_EQ(Line(1), "10 6 4 4 0 0");
}

TEST_F(Delivery, NothingIsShippedWhileAPersonDecides) {
  ups::v1::ValidateAddressResponse none;
  none.set_verdict(ups::v1::ValidateAddressResponse::NO_CANDIDATES);
  ups.verdicts["1500 Market Street"] = none;
  orders.Put(PlainOrder("o1"));
  Run();
  EXPECT_EQ(Line(1), "4 0 0 0 0 4");
}

TEST_F(Delivery, AnOrderThatWasNotTakenInIsNotFound) {
  EXPECT_THAT(Get(), HasCode(absl::StatusCode::kNotFound));
  const absl::Status status = Get("o1").status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(status.message(), "order: \"o1\", want \"orders/{id}\"");
}

}  // namespace
}  // namespace psups::shipment_builder::testing
