#include "services/shipment-builder/mapping_server.h"

#include "common/channel.h"
#include "common/testing/test_authority.h"
#include "gmock/gmock.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::HasSubstr;
using Stub = pb::MappingService::Stub;

// What people get and may do with rules, over mTLS.
class MappingDoor : public World {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/shipment-builder"),
                                .services = {&mappings_}}));
    As("admin");
  }
  // Who calls from now on.
  void As(const std::string& role) {
    stub_ = pb::MappingService::NewStub(
        MakeChannel("localhost:" + std::to_string(server_->port()),
                    authority_.Issue("spiffe://psups/" + role + "/ann")));
  }
  absl::StatusOr<pb::Mapping> Set(const pb::Rules& rules, int64_t version = 0) {
    pb::SetMappingRequest request;
    request.set_connection("connections/c1");
    *request.mutable_rules() = rules;
    request.set_version(version);
    request.set_comment("from a test");
    return CallPeer(*stub_, &Stub::SetMapping, request, absl::Seconds(30));
  }
  absl::StatusOr<pb::Mapping> Get(int64_t version) {
    pb::GetMappingRequest request;
    request.set_connection("connections/c1");
    request.set_version(version);
    return CallPeer(*stub_, &Stub::GetMapping, request, absl::Seconds(30));
  }
  absl::StatusOr<pb::PreviewMappingResponse> Preview(const pb::Rules& rules, int limit = 0) {
    pb::PreviewMappingRequest request;
    request.set_connection("connections/c1");
    *request.mutable_rules() = rules;
    request.set_order_limit(limit);
    return CallPeer(*stub_, &Stub::PreviewMapping, request, absl::Seconds(30));
  }
  static pb::Rules Labels(const std::string& format) {
    pb::Rules rules;
    rules.set_label_format(format);
    return rules;
  }

  psups::testing::TestAuthority authority_;
  Executor executor_{2};
  MappingServer mappings_{*mappings, replica->planner, replica->replan, executor_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Stub> stub_;
};

TEST_F(MappingDoor, WhatIsSetIsAVersionThatSaysWhoAndWhy) {
  ASSERT_OK_AND_ASSIGN(const pb::Mapping set, Set(Labels("EPL")));
  EXPECT_EQ(set.connection(), "connections/c1");
  EXPECT_EQ(set.version(), 1);
  EXPECT_EQ(set.created_by(), "spiffe://psups/admin/ann");
  EXPECT_EQ(set.comment(), "from a test");
  EXPECT_TRUE(set.has_create_time());
  ASSERT_OK(Set(Labels("GIF"), 1));
  EXPECT_EQ(Get(1)->rules().label_format(), "EPL");
  EXPECT_EQ(Get(0)->rules().label_format(), "GIF");
  EXPECT_THAT(Get(3), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(MappingDoor, WhatIsSetCountsForThisReplicaAtOnce) {
  ASSERT_OK(Set(Labels("EPL")));
  EXPECT_EQ(replica->planner.BasisFor("c1").rules.newest().text().label_format(), "EPL");
}

TEST_F(MappingDoor, WhoReplacesAVersionThatIsNoLongerTheNewestIsTold) {
  ASSERT_OK(Set(Labels("EPL")));
  ASSERT_OK(Set(Labels("GIF"), 1));
  EXPECT_THAT(Set(Labels("SPL"), 1), HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Get(0)->version(), 2);
}

TEST_F(MappingDoor, APreviewSaysWhatWouldChangeAndStoresNothing) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->set_ship_type_id("PIGEON");
  orders.Put(order);
  Run();
  pb::Rules rules;
  auto& service = *rules.add_services();
  service.set_ship_type_id("PIGEON");
  service.set_service_code("03");
  As("operator");
  ASSERT_OK_AND_ASSIGN(const pb::PreviewMappingResponse preview, Preview(rules));
  EXPECT_EQ(preview.orders_changed(), 1);
  EXPECT_EQ(preview.orders(), 1);
  EXPECT_EQ(Get(0)->version(), 0);
}

TEST_F(MappingDoor, AnOperatorMayLookAndOnlyAnAdminMaySet) {
  As("operator");
  EXPECT_OK(Get(0));
  EXPECT_THAT(Set(Labels("EPL")), HasCode(absl::StatusCode::kPermissionDenied));
  As("clerk");
  EXPECT_THAT(Preview(Labels("EPL")), HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(MappingDoor, ErrorsNameTheFieldAndWhatIsWanted) {
  const absl::Status format = Set(Labels("PNG")).status();
  EXPECT_THAT(format, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(format.message()), HasSubstr("rules.label_format: \"PNG\""));
  const absl::Status limit = Preview(Labels("ZPL"), 10'001).status();
  EXPECT_THAT(limit, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(limit.message()), HasSubstr("order_limit: 10001, want 1 to 10000"));
  pb::GetMappingRequest nobody;
  nobody.set_connection("c1");
  EXPECT_THAT(CallPeer(*stub_, &Stub::GetMapping, nobody, absl::Seconds(30)),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace psups::shipment_builder::testing
