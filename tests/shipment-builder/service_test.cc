#include "common/channel.h"
#include "common/testing/test_authority.h"
#include "gmock/gmock.h"
#include "services/shipment-builder/decide.h"
#include "services/shipment-builder/review_server.h"
#include "services/shipment-builder/shipment_server.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// The door: what people get and may do, over mTLS.
class Door : public World {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/shipment-builder"),
                                .services = {&shipments_, &reviews_}}));
    As("clerk");
  }
  // Who calls from now on.
  void As(const std::string& role) {
    const auto channel = MakeChannel("localhost:" + std::to_string(server_->port()),
                                     authority_.Issue("spiffe://psups/" + role + "/ann"));
    shipment_stub_ = pb::ShipmentService::NewStub(channel);
    review_stub_ = pb::ReviewService::NewStub(channel);
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (pb::ShipmentService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    return CallPeer(*shipment_stub_, method, request, absl::Seconds(30));
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (pb::ReviewService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    return CallPeer(*review_stub_, method, request, absl::Seconds(30));
  }
  absl::StatusOr<pb::Shipment> Get(const std::string& name) {
    pb::GetShipmentRequest request;
    request.set_name(name);
    return Call(&pb::ShipmentService::Stub::GetShipment, request);
  }
  absl::StatusOr<pb::Review> Resolve(const pb::ResolveReviewRequest& request) {
    return Call(&pb::ReviewService::Stub::ResolveReview, request);
  }
  // A shipment whose address UPS does not know.
  std::string OpenReview() {
    ups::v1::ValidateAddressResponse none;
    none.set_verdict(ups::v1::ValidateAddressResponse::NO_CANDIDATES);
    ups.verdicts["1500 Market Street"] = none;
    orders.Put(PlainOrder("o1"));
    Run();
    return "reviews/" + Reviews().at(0).review.review_id;
  }

  psups::testing::TestAuthority authority_;
  Executor executor_{2};
  ShipmentServer shipments_{*store, replica->undo, executor_};
  ReviewServer reviews_{*store, replica->planner, replica->validate, replica->tell, executor_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::ShipmentService::Stub> shipment_stub_;
  std::unique_ptr<pb::ReviewService::Stub> review_stub_;
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
  OpenReview();
  As("viewer");
  ASSERT_OK_AND_ASSIGN(const pb::ListShipmentsResponse shipments,
                       Call(&pb::ShipmentService::Stub::ListShipments, pb::ListShipmentsRequest()));
  ASSERT_THAT(shipments.shipments(), SizeIs(1));
  EXPECT_FALSE(shipments.shipments(0).has_ship_to());
  EXPECT_FALSE(shipments.shipments(0).has_ship_from());
  EXPECT_FALSE(shipments.shipments(0).review().empty());
  ASSERT_OK_AND_ASSIGN(const pb::ListReviewsResponse reviews,
                       Call(&pb::ReviewService::Stub::ListReviews, pb::ListReviewsRequest()));
  ASSERT_THAT(reviews.reviews(), SizeIs(1));
  EXPECT_FALSE(reviews.reviews(0).has_address());
  EXPECT_THAT(reviews.reviews(0).actions(),
              ElementsAre(pb::Review::OVERRIDE_ADDRESS, pb::Review::RETRY, pb::Review::CANCEL));
  EXPECT_THAT(Get(shipments.shipments(0).name()), HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(Door, AnAddressThatAClerkGivesIsValidatedAndShipped) {
  pb::ResolveReviewRequest request;
  request.set_name(OpenReview());
  request.set_action(pb::Review::OVERRIDE_ADDRESS);
  *request.mutable_address() = AddressAt("", "1600 Market Street", "Denver", "CO", "80202");
  request.mutable_address()->clear_country_code();
  request.set_comment("as the warehouse says");
  ASSERT_OK_AND_ASSIGN(const pb::Review review, Resolve(request));
  EXPECT_EQ(review.state(), pb::Review::RESOLVED);
  EXPECT_EQ(review.resolution(), pb::Review::OVERRIDE_ADDRESS);
  EXPECT_EQ(review.resolved_by(), "spiffe://psups/clerk/ann");
  EXPECT_TRUE(review.has_close_time());
  EXPECT_EQ(One("SELECT convert_from(entry, 'UTF8')::json->>'actor' AS v FROM audit_outbox WHERE "
                "convert_from(entry, 'UTF8') LIKE '%shipment.decide%'"),
            "spiffe://psups/clerk/ann");
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  const auto& address = ups.requests.begin()->second.shipment().ship_to();
  EXPECT_EQ(address.lines(0), "1600 Market Street");
  EXPECT_EQ(address.name(), "Denver Warehouse");
  EXPECT_EQ(address.country_code(), "US");
}

TEST_F(Door, WhoEndsADoubtIsNamedToTheGateway) {
  ups::v1::Call doubt;
  doubt.set_state(ups::v1::Call::IN_DOUBT);
  doubt.set_needs_person(true);
  ups.next = {doubt};
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string first = Only("o1").request_id();
  pb::ResolveReviewRequest request;
  request.set_name("reviews/" + Reviews().at(0).review.review_id);
  request.set_action(pb::Review::RETRY);
  ASSERT_OK(Resolve(request));
  RunAndWait();
  EXPECT_EQ(ups.closed_by[first], "spiffe://psups/clerk/ann");
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(Door, ErrorsNameTheFieldAndWhatIsWanted) {
  pb::ResolveReviewRequest request;
  request.set_name("nonsense");
  request.set_action(pb::Review::RETRY);
  absl::Status status = Resolve(request).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("name: \"nonsense\", want \"reviews/{id}\""));
  request.set_name(OpenReview());
  request.set_action(pb::Review::ACTION_UNSPECIFIED);
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_action(pb::Review::ACCEPT_CANDIDATE);  // there is none
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kFailedPrecondition));
  request.set_action(pb::Review::OVERRIDE_ADDRESS);
  *request.mutable_address() = AddressAt("", std::string(36, 'x'), "Denver", "CO", "80202");
  status = Resolve(request).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()), HasSubstr("address.lines"));
  request.mutable_address()->set_lines(0, "1 Main St");
  request.mutable_address()->set_postal_code("8020");
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_comment(std::string(201, 'x'));
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Reviews().size(), 1u);  // nothing of it closed the review
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
