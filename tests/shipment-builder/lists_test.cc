#include "gmock/gmock.h"
#include "tests/shipment-builder/shipment_door.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Three shipments: o1 is void, o2 is labelled, o3 waits for a person.
class Lists : public ShipmentDoor {
 protected:
  void SetUp() override {
    ShipmentDoor::SetUp();
    for (const char* id : {"o1", "o2"}) {
      orders.Put(PlainOrder(id));
      Run();
    }
    As("operator/ann");
    pb::VoidShipmentRequest request;
    request.set_name(Only("o1").name());
    ASSERT_OK(Call(&Stub::VoidShipment, request));
    Run();
    ups::v1::ValidateAddressResponse none;
    none.set_verdict(ups::v1::ValidateAddressResponse::NO_CANDIDATES);
    ups.verdicts["1 Nowhere"] = none;
    orders::v1::Order unknown = PlainOrder("o3");
    unknown.mutable_document()->set_document_id("0000000777");
    unknown.mutable_schedules(0)->mutable_ship_to()->set_lines(0, "1 Nowhere");
    orders.Put(unknown);
    Run();
    int day = 1;
    for (const char* id : {"o1", "o2", "o3"}) {
      ASSERT_OK(db().Exec(
          "UPDATE shipments SET create_time = $2::timestamptz, update_time = $2::timestamptz + "
          "interval '1 hour', label_time = CASE WHEN label_time IS NOT NULL THEN $2::timestamptz + "
          "interval '2 hours' END WHERE order_id = $1",
          {id, absl::StrCat("2026-11-0", day++, "T00:00:00Z")}));
    }
    As("service/tracking-sync");
  }
  absl::StatusOr<pb::ListShipmentsResponse> List(const pb::ListShipmentsRequest& request) {
    return Call(&Stub::ListShipments, request);
  }
  std::vector<std::string> Fitting(const std::string& filter,
                                   pb::ListShipmentsRequest request = {}) {
    request.set_filter(filter);
    const auto response = List(request);
    EXPECT_OK(response) << filter;
    std::vector<std::string> names;
    if (!response.ok()) return names;
    for (const auto& shipment : response->shipments()) {
      names.push_back(shipment.order().substr(std::string("orders/").size()));
    }
    return names;
  }
};

TEST_F(Lists, EachConditionOfAFilterHolds) {
  EXPECT_THAT(Fitting(""), ElementsAre("o3", "o2", "o1"));  // newest first
  EXPECT_THAT(Fitting("state = LABELED"), ElementsAre("o2"));
  EXPECT_THAT(Fitting("state != VOIDED AND state != NEEDS_REVIEW"), ElementsAre("o2"));
  EXPECT_THAT(Fitting("order = orders/o1"), ElementsAre("o1"));
  EXPECT_THAT(Fitting("document_id = 0000000777"), ElementsAre("o3"));
  EXPECT_THAT(Fitting("connection = connections/c1 AND state = VOIDED"), ElementsAre("o1"));
  EXPECT_THAT(Fitting("connection = connections/c2"), IsEmpty());
  EXPECT_THAT(Fitting("tracking_number = 1ZA1B2C30300010002"), ElementsAre("o2"));
  EXPECT_THAT(Fitting("ups_shipment_id = 1ZA1B2C30300010002"), ElementsAre("o2"));
  EXPECT_THAT(Fitting("ups_shipment_id = 1ZA1B2C30300019999"), IsEmpty());
}

TEST_F(Lists, TimesAreComparedToTheMicrosecond) {
  EXPECT_THAT(Fitting("create_time >= 2026-11-02T00:00:00Z"), ElementsAre("o3", "o2"));
  EXPECT_THAT(Fitting("create_time > 2026-11-02T00:00:00Z"), ElementsAre("o3"));
  EXPECT_THAT(Fitting("create_time <= 2026-11-02T01:00:00+01:00"), ElementsAre("o2", "o1"));
  EXPECT_THAT(Fitting("create_time < 2026-11-02T00:00:00Z"), ElementsAre("o1"));
  EXPECT_THAT(Fitting("create_time > 2026-11-01T23:59:59.999999Z AND create_time < "
                      "2026-11-02T00:00:00.000001Z"),
              ElementsAre("o2"));
  EXPECT_THAT(Fitting("update_time > 2026-11-02T00:59:59Z"), ElementsAre("o3", "o2"));
  // What has no label has no time of it.
  EXPECT_THAT(Fitting("label_time >= 2026-11-01T02:00:00Z"), ElementsAre("o2", "o1"));
  EXPECT_THAT(Fitting("label_time < 2026-11-09T00:00:00Z"), ElementsAre("o2", "o1"));
  EXPECT_THAT(Fitting("label_time >= 1970-01-01T00:00:00Z"), ElementsAre("o2", "o1"));
}

TEST_F(Lists, AFilterHoldsBesideTheOtherConditionsAndOverPages) {
  pb::ListShipmentsRequest request;
  request.set_state(pb::Shipment::LABELED);
  EXPECT_THAT(Fitting("document_id = 0000000123", request), ElementsAre("o2"));
  EXPECT_THAT(Fitting("state = VOIDED", request), IsEmpty());
  request.clear_state();
  request.set_document_id("0000000777");
  EXPECT_THAT(Fitting("document_id = 0000000123", request), IsEmpty());
  request.clear_document_id();
  request.set_filter("document_id = 0000000123");
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto first, List(request));
  ASSERT_EQ(first.shipments_size(), 1);
  EXPECT_EQ(first.shipments(0).order(), "orders/o2");
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, List(request));
  ASSERT_EQ(second.shipments_size(), 1);
  EXPECT_EQ(second.shipments(0).order(), "orders/o1");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(Lists, AWrongFilterSaysWhere) {
  pb::ListShipmentsRequest request;
  request.set_filter("state = LABELED OR state = VOIDED");
  const absl::Status status = List(request).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(status.message(), "filter: at character 17: \"OR\", want AND or the end");
}

TEST_F(Lists, TheCostEstimateCountsWhatWaitsAndNoMore) {
  ups.create_fails = absl::UnavailableError("503");  // its purchase stays open
  orders.Put(PlainOrder("o4"));
  Run();
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  orders.Put(OrderOf("o5", {"15"}));
  orders.Put(PlainOrder("o6"));
  Run();
  pb::EstimateCostRequest request;
  request.set_connection("connections/c1");
  As("viewer/ann");
  ASSERT_OK_AND_ASSIGN(const auto estimate, Call(&Stub::EstimateCost, request));
  EXPECT_EQ(estimate.shipments(), 2);  // o5, o6
  EXPECT_EQ(estimate.packages(), 3);
  EXPECT_EQ(estimate.shipments_without_estimate(), 2);
  EXPECT_FALSE(estimate.has_cost());
  EXPECT_EQ(estimate.reviews(), 1);  // o3
  request.set_connection("connections/c2");
  ASSERT_OK_AND_ASSIGN(const auto none, Call(&Stub::EstimateCost, request));
  EXPECT_EQ(none.shipments(), 0);
  EXPECT_EQ(none.reviews(), 0);
  request.set_connection("");
  EXPECT_THAT(Call(&Stub::EstimateCost, request), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(Lists, TheCostEstimateAddsUpWhatUpsWasAskedAbout) {
  orders.AddConnection("c1", orders::v1::Connection::OBSERVE);
  for (const char* id : {"o5", "o6", "o7", "o8"}) orders.Put(PlainOrder(id));
  Run();
  ASSERT_OK(
      Exec("UPDATE shipments SET estimated_minor = 1100, estimated_currency = 'USD' WHERE "
           "order_id IN ('o5', 'o6')"));
  ASSERT_OK(
      Exec("UPDATE shipments SET estimated_minor = 700, estimated_currency = 'CAD' WHERE "
           "order_id = 'o7'"));
  pb::EstimateCostRequest request;
  request.set_connection("connections/c1");
  ASSERT_OK_AND_ASSIGN(const auto estimate, [&] {
    As("viewer/ann");
    return Call(&Stub::EstimateCost, request);
  }());
  EXPECT_EQ(estimate.shipments(), 4);
  EXPECT_EQ(estimate.cost().amount_minor(), 2200);
  EXPECT_EQ(estimate.cost().currency_code(), "USD");
  EXPECT_EQ(estimate.shipments_without_estimate(), 2);  // of another currency there is no sum
}

TEST_F(Lists, AShipmentTellsWhatItsLabelCostAndWhatUpsSaidOfIt) {
  ups::v1::Call bought;
  bought.set_state(ups::v1::Call::DONE);
  auto& result = *bought.mutable_result();
  result.mutable_negotiated_charges()->set_amount_minor(900);
  result.mutable_negotiated_charges()->set_currency_code("USD");
  result.add_alerts("121000: first\nof all");
  result.add_alerts("121001: second");
  ups.next = {bought};
  orders.Put(PlainOrder("o9"));
  Run();
  pb::ListShipmentsRequest request;
  request.set_order("orders/o9");
  ASSERT_OK_AND_ASSIGN(const auto response, List(request));
  ASSERT_EQ(response.shipments_size(), 1);
  const pb::Shipment& shipment = response.shipments(0);
  EXPECT_EQ(shipment.charges().amount_minor(), 900);
  EXPECT_EQ(shipment.published_charges().amount_minor(), 1234);
  EXPECT_EQ(shipment.published_charges().currency_code(), "USD");
  EXPECT_THAT(shipment.alerts(), ElementsAre("121000: first of all", "121001: second"));
  EXPECT_TRUE(shipment.has_label_time());
  EXPECT_EQ(shipment.packages(0).label_sha256().size(), 64u);
  EXPECT_FALSE(shipment.packages(0).voided());
  EXPECT_FALSE(shipment.ship_to_validated_by().empty());
  EXPECT_FALSE(shipment.has_terms());
}

}  // namespace
}  // namespace psups::shipment_builder::testing
