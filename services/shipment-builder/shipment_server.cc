#include "services/shipment-builder/shipment_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

// A page ends early rather than pass the 4 MB that a gRPC client takes by default.
constexpr std::size_t kMostPageBytes = 3 << 20;

}  // namespace

pb::Shipment ToProto(const ShipmentRecord& record, Parties parties) {
  const Shipment& shipment = record.shipment;
  pb::Shipment result;
  result.set_name(shipment.name());
  pb::Shipment::State state = pb::Shipment::STATE_UNSPECIFIED;
  pb::Shipment::State_Parse(std::string(Name(shipment.state)), &state);
  result.set_state(state);
  *result.mutable_document() = Document(shipment.connection_id, shipment.document_type,
                                        shipment.business_unit, shipment.document_id);
  result.set_order(shipment.order_name());
  result.set_order_revision(shipment.order_revision);
  result.set_service_code(shipment.service_code);
  result.set_ship_date(shipment.ship_date);
  if (parties == Parties::kShow) {
    *result.mutable_ship_from() = shipment.ship_from;
    *result.mutable_ship_to() = shipment.ship_to;
  }
  for (const Package& package : shipment.packages) {
    pb::Shipment::Package& one = *result.add_packages();
    one.set_package_number(package.number);
    one.set_tracking_number(package.tracking_number);
    one.set_weight_lb(package.weight_lb.ToString());
    one.set_length_in(package.length_in);
    one.set_width_in(package.width_in);
    one.set_height_in(package.height_in);
    for (const Content& content : package.contents) {
      type::v1::ScheduleQuantity& quantity = *one.add_contents();
      quantity.set_line_number(content.line);
      quantity.set_schedule_number(content.schedule);
      quantity.set_quantity(content.quantity.ToString());
    }
    one.set_tracking_status(package.tracking_status);
  }
  result.set_ups_shipment_id(shipment.ups_shipment_id);
  if (shipment.labelled()) {
    result.mutable_charges()->set_amount_minor(shipment.charges.amount_minor);
    result.mutable_charges()->set_currency_code(shipment.charges.currency_code);
  }
  if (!record.review_id.empty()) result.set_review(absl::StrCat("reviews/", record.review_id));
  result.set_failure(shipment.failure);
  result.set_trace_id(shipment.trace_id);
  *result.mutable_create_time() = ToProto(record.create_time);
  *result.mutable_update_time() = ToProto(record.update_time);
  if (shipment.purchase.number > 0) result.set_purchase(shipment.request_id());
  return result;
}

grpc::ServerUnaryReactor* ShipmentServer::GetShipment(grpc::CallbackServerContext* context,
                                                      const pb::GetShipmentRequest* request,
                                                      pb::Shipment* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::GetShipmentRequest& request, const Caller&) -> absl::StatusOr<pb::Shipment> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
        ASSIGN_OR_RETURN(const ShipmentRecord record, store_.GetShipment(id));
        return ToProto(record, Parties::kShow);
      });
}

grpc::ServerUnaryReactor* ShipmentServer::ListShipments(grpc::CallbackServerContext* context,
                                                        const pb::ListShipmentsRequest* request,
                                                        pb::ListShipmentsResponse* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::ListShipmentsRequest& request,
             const Caller&) -> absl::StatusOr<pb::ListShipmentsResponse> {
        ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
        ShipmentFilter filter{.document_id = request.document_id(),
                              .tracking_number = request.tracking_number()};
        ASSIGN_OR_RETURN(filter.order_id, OptionalId("order", "orders", request.order()));
        ASSIGN_OR_RETURN(filter.connection_id,
                         OptionalId("connection", "connections", request.connection()));
        if (request.state() != pb::Shipment::STATE_UNSPECIFIED) {
          if (!pb::Shipment::State_IsValid(request.state())) {
            return absl::InvalidArgumentError(
                absl::StrCat("state: ", static_cast<int>(request.state()), ", no such state"));
          }
          filter.state = StateFromName(pb::Shipment::State_Name(request.state()));
        }
        ASSIGN_OR_RETURN(const auto page, store_.ListShipments(filter, size, request.page_token()));
        pb::ListShipmentsResponse result;
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < page.records.size(); ++i) {
          const ShipmentRecord& record = page.records[i];
          pb::Shipment& shipment = *result.add_shipments();
          shipment = ToProto(record, Parties::kHide);
          bytes += shipment.ByteSizeLong();
          const bool last = i + 1 == page.records.size();
          if (last ? page.more : bytes > kMostPageBytes) {
            result.set_next_page_token(record.position);
            break;
          }
        }
        return result;
      });
}

grpc::ServerUnaryReactor* ShipmentServer::GetLabel(grpc::CallbackServerContext* context,
                                                   const pb::GetLabelRequest* request,
                                                   pb::GetLabelResponse* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::GetLabelRequest& request,
             const Caller&) -> absl::StatusOr<pb::GetLabelResponse> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
        if (request.package_number() < 0) {
          return absl::InvalidArgumentError(
              absl::StrCat("package_number: ", request.package_number(), ", want at least 1"));
        }
        ASSIGN_OR_RETURN(Label label, store_.GetLabel(id, std::max(1, request.package_number())));
        pb::GetLabelResponse result;
        result.set_label(std::move(label.bytes));
        result.set_label_format(label.format);
        result.set_tracking_number(label.tracking_number);
        return result;
      });
}

grpc::ServerUnaryReactor* ShipmentServer::VoidShipment(grpc::CallbackServerContext* context,
                                                       const pb::VoidShipmentRequest* request,
                                                       pb::Shipment* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::VoidShipmentRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Shipment> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
                  RETURN_IF_ERROR(CheckText("reason", request.reason()));
                  ASSIGN_OR_RETURN(
                      const ShipmentRecord record,
                      store_.ChangeShipment(id, [&](Shipment& shipment, Effects& effects) {
                        const absl::Status status = RequestVoid(shipment, effects);
                        effects.actor = caller.identity;
                        if (!request.reason().empty()) effects.detail["reason"] = request.reason();
                        return status;
                      }));
                  undo_.Notify();
                  return ToProto(record, Parties::kShow);
                });
}

grpc::ServerUnaryReactor* ShipmentServer::RetryShipment(grpc::CallbackServerContext* context,
                                                        const pb::RetryShipmentRequest* request,
                                                        pb::Shipment* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::RetryShipmentRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Shipment> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
                  ASSIGN_OR_RETURN(
                      const ShipmentRecord record,
                      store_.ChangeShipment(id, [&](Shipment& shipment, Effects& effects) {
                        const absl::Status status = RequestRetry(shipment, effects);
                        effects.actor = caller.identity;
                        effects.lease = Effects::Lease::kEnd;
                        return status;
                      }));
                  return ToProto(record, Parties::kShow);
                });
}

}  // namespace psups::shipment_builder
