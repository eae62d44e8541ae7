#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/channel.h"
#include "common/testing/test_authority.h"
#include "services/shipment-builder/shipment_server.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {

// ShipmentService over mTLS, for whoever calls.
class ShipmentDoor : public World {
 protected:
  using Stub = shipments::v1::ShipmentService::Stub;

  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/shipment-builder"),
                                .services = {&service_}}));
    As("clerk/ann");
  }
  // What waits is answered before the server drains its calls.
  void TearDown() override { watchers_.Stop(); }

  // Who calls from now on.
  void As(const std::string& who) {
    stub_ = shipments::v1::ShipmentService::NewStub(MakeChannel(
        "localhost:" + std::to_string(server_->port()), authority_.Issue("spiffe://psups/" + who)));
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    return CallPeer(*stub_, method, request, absl::Seconds(60));
  }
  absl::StatusOr<std::vector<shipments::v1::GetLabelResponse>> ReadLabels(
      const shipments::v1::ReadLabelsRequest& request) {
    grpc::ClientContext context;
    PrepareCall(context, absl::Seconds(60), "");
    const auto reader = stub_->ReadLabels(&context, request);
    std::vector<shipments::v1::GetLabelResponse> labels;
    shipments::v1::GetLabelResponse label;
    while (reader->Read(&label)) labels.push_back(label);
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    return labels;
  }
  absl::Status Exec(const std::string& sql) { return db().Exec(sql).status(); }

  psups::testing::TestAuthority authority_;
  Executor executor_{1};
  Executor labels_{1};
  ShipmentWatchers watchers_{absl::Milliseconds(20), HasShipments};
  ShipmentServer service_{{.store = *store,
                           .views = *views,
                           .ups = ups,
                           .watchers = watchers_,
                           .undo = replica->undo,
                           .executor = executor_,
                           .labels = labels_}};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Stub> stub_;
};

// An order of a line for each quantity, each of one schedule. A carton holds 10 of them.
inline orders::v1::Order OrderOf(const std::string& id,
                                 const std::vector<std::string>& quantities) {
  orders::v1::Order order = PlainOrder(id);
  order.clear_schedules();
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    *order.add_schedules() = PlainSchedule(static_cast<int>(i) + 1, 1, quantities[i]);
  }
  return order;
}

}  // namespace psups::shipment_builder::testing
