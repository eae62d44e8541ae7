#include "common/channel.h"
#include "common/testing/test_authority.h"
#include "gmock/gmock.h"
#include "services/shipment-builder/shipment_server.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// The door: what people get and may do, over mTLS.
class Door : public World {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/shipment-builder"),
                                .services = {&shipments_}}));
    As("clerk");
  }
  // Who calls from now on.
  void As(const std::string& role) {
    const auto channel = MakeChannel("localhost:" + std::to_string(server_->port()),
                                     authority_.Issue("spiffe://psups/" + role + "/ann"));
    shipment_stub_ = pb::ShipmentService::NewStub(channel);
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (pb::ShipmentService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    return CallPeer(*shipment_stub_, method, request, absl::Seconds(30));
  }
  absl::StatusOr<pb::Shipment> Get(const std::string& name) {
    pb::GetShipmentRequest request;
    request.set_name(name);
    return Call(&pb::ShipmentService::Stub::GetShipment, request);
  }

  psups::testing::TestAuthority authority_;
  Executor executor_{2};
  ShipmentWatchers watchers_{absl::Milliseconds(20), HasShipments};
  ShipmentServer shipments_{{.store = *store,
                             .views = *views,
                             .ups = ups,
                             .watchers = watchers_,
                             .undo = replica->undo,
                             .executor = executor_,
                             .labels = executor_}};
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::ShipmentService::Stub> shipment_stub_;
};

TEST_F(Door, AClerkSeesTheWholeShipmentAndItsLabel) {
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_OK_AND_ASSIGN(const pb::Shipment shipment, Get(Only("o1").name()));
  EXPECT_EQ(shipment.state(), pb::Shipment::LABELED);
  EXPECT_EQ(shipment.order(), "orders/o1");
  EXPECT_EQ(shipment.document().connection(), "connections/c1");
  EXPECT_EQ(shipment.document().document_id(), "0000000123");
  EXPECT_EQ(shipment.ship_to().lines(0), "1500 Market Street");
  EXPECT_EQ(shipment.ship_to().postal_code(), "802024321");
  EXPECT_EQ(shipment.charges().amount_minor(), 1234);
  EXPECT_EQ(shipment.purchase(), shipment.name() + "/purchases/1");
  ASSERT_THAT(shipment.packages(), SizeIs(1));
  EXPECT_EQ(shipment.packages(0).weight_lb(), "20");
  EXPECT_EQ(shipment.packages(0).contents(0).quantity(), "4");
  pb::GetLabelRequest request;
  request.set_name(shipment.name());
  ASSERT_OK_AND_ASSIGN(const pb::GetLabelResponse label,
                       Call(&pb::ShipmentService::Stub::GetLabel, request));
  EXPECT_EQ(label.label(), "^XA label 1");
  EXPECT_EQ(label.label_format(), "ZPL");
  request.set_package_number(7);
  EXPECT_THAT(Call(&pb::ShipmentService::Stub::GetLabel, request),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(Door, AViewerSeesListsWithoutNamesAndAddressesAndNothingElse) {
  orders.Put(PlainOrder("o1"));
  Run();
  As("viewer");
  ASSERT_OK_AND_ASSIGN(const pb::ListShipmentsResponse shipments,
                       Call(&pb::ShipmentService::Stub::ListShipments, pb::ListShipmentsRequest()));
  ASSERT_THAT(shipments.shipments(), SizeIs(1));
  EXPECT_FALSE(shipments.shipments(0).has_ship_to());
  EXPECT_FALSE(shipments.shipments(0).has_ship_from());
  EXPECT_THAT(Get(shipments.shipments(0).name()), HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(Door, ErrorsNameTheFieldAndWhatIsWanted) {
  const absl::Status status = Get("nonsense").status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("name: \"nonsense\", want \"shipments/{id}\""));
  pb::ListShipmentsRequest list;
  list.set_page_size(1001);
  EXPECT_THAT(Call(&pb::ShipmentService::Stub::ListShipments, list),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(Door, AnOperatorVoidsALabelAClerkDoesNot) {
  orders.Put(PlainOrder("o1"));
  Run();
  pb::VoidShipmentRequest request;
  request.set_name(Only("o1").name());
  request.set_reason("ordered twice");
  EXPECT_THAT(Call(&pb::ShipmentService::Stub::VoidShipment, request),
              HasCode(absl::StatusCode::kPermissionDenied));
  As("operator");
  ASSERT_OK_AND_ASSIGN(pb::Shipment shipment,
                       Call(&pb::ShipmentService::Stub::VoidShipment, request));
  EXPECT_EQ(shipment.state(), pb::Shipment::VOIDING);
  Run();
  ASSERT_OK_AND_ASSIGN(shipment, Call(&pb::ShipmentService::Stub::VoidShipment, request));
  EXPECT_EQ(shipment.state(), pb::Shipment::VOIDED);
  EXPECT_EQ(ups.voided.size(), 1u);
  pb::RetryShipmentRequest retry;
  retry.set_name(request.name());
  EXPECT_THAT(Call(&pb::ShipmentService::Stub::RetryShipment, retry),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace psups::shipment_builder::testing
