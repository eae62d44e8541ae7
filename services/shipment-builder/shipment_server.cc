#include "services/shipment-builder/shipment_server.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

// A page ends early rather than pass the 4 MB that a gRPC client takes by default.
constexpr std::size_t kMostPageBytes = 3 << 20;
constexpr int kDefaultWatched = 200;
constexpr int kMostWatched = 1000;
constexpr absl::Duration kLongestWait = absl::Seconds(30);

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

type::v1::Money ToProto(const Money& money) {
  type::v1::Money result;
  result.set_amount_minor(money.amount_minor);
  result.set_currency_code(money.currency_code);
  return result;
}

pb::OrderDelivery ToProto(const std::string& order, const ShipmentViews::OrderFacts& facts) {
  pb::OrderDelivery result;
  result.set_order(order);
  *result.mutable_document() = facts.document;
  result.set_complete(true);
  for (const ScheduleDelivery& delivery : DeliveryOf(facts.schedules, facts.live)) {
    pb::OrderDelivery::Schedule& schedule = *result.add_schedules();
    schedule.set_line_number(delivery.ordered.line);
    schedule.set_schedule_number(delivery.ordered.schedule);
    schedule.set_ordered_quantity(delivery.ordered.ordered.ToString());
    schedule.set_received_before_quantity(delivery.ordered.received_before.ToString());
    schedule.set_shipped_quantity(delivery.shipped.ToString());
    schedule.set_delivered_quantity(delivery.delivered.ToString());
    schedule.set_returned_quantity(delivery.returned.ToString());
    schedule.set_outstanding_quantity(delivery.outstanding().ToString());
    for (const std::string& number : delivery.tracking_numbers) {
      schedule.add_tracking_numbers(number);
    }
    if (!delivery.outstanding().is_zero()) result.set_complete(false);
  }
  return result;
}

pb::GetLabelResponse ToProto(Label label) {
  pb::GetLabelResponse result;
  result.set_label(*std::move(label.bytes));
  result.set_label_format(label.format);
  result.set_tracking_number(label.tracking_number);
  result.set_shipment(absl::StrCat("shipments/", label.shipment_id));
  result.set_package_number(label.package_number);
  result.set_label_sha256(label.sha256);
  return result;
}

absl::StatusOr<LabelQuery> QueryOf(const pb::ReadLabelsRequest& request) {
  if (request.name().empty() == !request.has_since()) {
    return absl::InvalidArgumentError(
        absl::StrCat("name: ", request.has_since() ? "beside since" : "neither it nor since",
                     ", want one of both"));
  }
  LabelQuery query;
  if (request.has_since()) {
    query.since = absl::FromUnixSeconds(request.since().seconds()) +
                  absl::Nanoseconds(request.since().nanos());
    const TimeRange range;
    if (query.since < range.from || query.since >= range.to) {
      return absl::InvalidArgumentError("since: want a time from 1970 on, before the year 10000");
    }
    ASSIGN_OR_RETURN(query.connection_id,
                     OptionalId("connection", "connections", request.connection()));
    return query;
  }
  if (!request.connection().empty()) {
    return absl::InvalidArgumentError("connection: beside name, want it with since only");
  }
  ASSIGN_OR_RETURN(query.shipment_id, IdIn("name", "shipments", request.name()));
  return query;
}

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
    *result.mutable_terms() = shipment.terms;
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
    one.set_box_id(package.box_id);
    one.set_label_sha256(package.label_sha256);
    one.set_voided(package.void_state == PackageVoid::kDone);
  }
  result.set_ups_shipment_id(shipment.ups_shipment_id);
  if (shipment.labelled()) {
    *result.mutable_charges() = ToProto(shipment.charges);
    if (!shipment.purchase.published.currency_code.empty()) {
      *result.mutable_published_charges() = ToProto(shipment.purchase.published);
    }
  }
  for (const std::string& alert : shipment.purchase.alerts) result.add_alerts(alert);
  if (shipment.label_time.has_value()) {
    *result.mutable_label_time() = ToProto(*shipment.label_time);
  }
  result.set_mapping_version(shipment.mapping_version);
  if (shipment.estimate.has_value()) {
    *result.mutable_estimated_charges() = ToProto(*shipment.estimate);
  }
  result.set_waits_for(shipment.waits_for);
  result.set_ship_to_validated_by(shipment.ship_to_call);
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
      parts_.executor, context, request, response,
      [this](const pb::GetShipmentRequest& request, const Caller&) -> absl::StatusOr<pb::Shipment> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
        ASSIGN_OR_RETURN(const ShipmentRecord record, parts_.store.GetShipment(id));
        return ToProto(record, Parties::kShow);
      });
}

bool HasShipments(const pb::WatchShipmentsResponse& response) {
  return !response.shipments().empty();
}

absl::StatusOr<pb::ListShipmentsResponse> ShipmentServer::List(
    const pb::ListShipmentsRequest& request) {
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
  RETURN_IF_ERROR(AddFilter(request.filter(), filter));
  ASSIGN_OR_RETURN(const auto page, parts_.store.ListShipments(filter, size, request.page_token()));
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
}

grpc::ServerUnaryReactor* ShipmentServer::ListShipments(grpc::CallbackServerContext* context,
                                                        const pb::ListShipmentsRequest* request,
                                                        pb::ListShipmentsResponse* response) {
  return Handle(parts_.executor, context, request, response,
                [this](const auto& r, const Caller&) { return List(r); });
}

absl::StatusOr<pb::WatchShipmentsResponse> ShipmentServer::Watch(
    const pb::WatchShipmentsRequest& request) {
  const int limit = request.limit() == 0 ? kDefaultWatched : request.limit();
  if (limit < 1 || limit > kMostWatched) {
    return absl::InvalidArgumentError(absl::StrCat("limit: ", limit, ", want 1 to ", kMostWatched));
  }
  const absl::Duration wait = FromProto(request.wait());
  if (wait < absl::ZeroDuration() || wait > kLongestWait) {
    return absl::InvalidArgumentError(absl::StrCat(
        "wait: ", absl::FormatDuration(wait), ", want 0 to ", absl::FormatDuration(kLongestWait)));
  }
  ASSIGN_OR_RETURN(const auto changes, parts_.views.ReadChanges(request.cursor(), limit));
  pb::WatchShipmentsResponse response;
  response.set_next_cursor(changes.next_cursor);
  std::size_t bytes = 0;
  for (const ShipmentRecord& record : changes.records) {
    pb::Shipment& shipment = *response.add_shipments();
    shipment = ToProto(record, Parties::kHide);
    bytes += shipment.ByteSizeLong();
    if (bytes <= kMostPageBytes) continue;
    response.set_next_cursor(record.position);
    break;
  }
  return response;
}

grpc::ServerUnaryReactor* ShipmentServer::WatchShipments(grpc::CallbackServerContext* context,
                                                         const pb::WatchShipmentsRequest* request,
                                                         pb::WatchShipmentsResponse* response) {
  return HandleAsync(context, request, response, [this](const auto& r, const Caller&, auto done) {
    parts_.executor.Post([this, r, done] {
      parts_.watchers.Answer([this, r] { return Watch(r); }, FromProto(r.wait()), done);
    });
  });
}

grpc::ServerUnaryReactor* ShipmentServer::GetOrderDelivery(
    grpc::CallbackServerContext* context, const pb::GetOrderDeliveryRequest* request,
    pb::OrderDelivery* response) {
  return Handle(parts_.executor, context, request, response,
                [this](const pb::GetOrderDeliveryRequest& request,
                       const Caller&) -> absl::StatusOr<pb::OrderDelivery> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("order", "orders", request.order()));
                  ASSIGN_OR_RETURN(const auto facts, parts_.views.GetOrderFacts(id));
                  return ToProto(request.order(), facts);
                });
}

grpc::ServerUnaryReactor* ShipmentServer::EstimateCost(grpc::CallbackServerContext* context,
                                                       const pb::EstimateCostRequest* request,
                                                       pb::EstimateCostResponse* response) {
  return Handle(parts_.executor, context, request, response,
                [this](const pb::EstimateCostRequest& request,
                       const Caller&) -> absl::StatusOr<pb::EstimateCostResponse> {
                  ASSIGN_OR_RETURN(const std::string id,
                                   IdIn("connection", "connections", request.connection()));
                  ASSIGN_OR_RETURN(const CostEstimate estimate, parts_.views.EstimateCost(id));
                  pb::EstimateCostResponse result;
                  result.set_shipments(estimate.shipments);
                  result.set_packages(estimate.packages);
                  if (estimate.cost.has_value()) *result.mutable_cost() = ToProto(*estimate.cost);
                  result.set_shipments_without_estimate(estimate.without_estimate);
                  result.set_reviews(estimate.open_reviews);
                  return result;
                });
}

grpc::ServerUnaryReactor* ShipmentServer::GetLabel(grpc::CallbackServerContext* context,
                                                   const pb::GetLabelRequest* request,
                                                   pb::GetLabelResponse* response) {
  return Handle(
      parts_.labels, context, request, response,
      [this](const pb::GetLabelRequest& request,
             const Caller& caller) -> absl::StatusOr<pb::GetLabelResponse> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
        if (request.package_number() < 0) {
          return absl::InvalidArgumentError(
              absl::StrCat("package_number: ", request.package_number(), ", want at least 1"));
        }
        ASSIGN_OR_RETURN(Label label,
                         labels_.Get(id, std::max(1, request.package_number()), caller.identity));
        return ToProto(std::move(label));
      });
}

grpc::ServerWriteReactor<pb::GetLabelResponse>* ShipmentServer::ReadLabels(
    grpc::CallbackServerContext* context, const pb::ReadLabelsRequest* request) {
  using Next = NextMessage<pb::GetLabelResponse>;
  return HandleStream<pb::ReadLabelsRequest, pb::GetLabelResponse>(
      parts_.labels, context, request,
      [this](const pb::ReadLabelsRequest& request, const Caller& caller) -> absl::StatusOr<Next> {
        ASSIGN_OR_RETURN(LabelQuery query, QueryOf(request));
        const auto reader =
            std::make_shared<LabelReader>(parts_.views, labels_, std::move(query), caller.identity);
        return Next([reader]() -> absl::StatusOr<std::optional<pb::GetLabelResponse>> {
          ASSIGN_OR_RETURN(std::optional<Label> label, reader->Next());
          if (!label.has_value()) return std::nullopt;
          return ToProto(*std::move(label));
        });
      });
}

grpc::ServerUnaryReactor* ShipmentServer::VoidShipment(grpc::CallbackServerContext* context,
                                                       const pb::VoidShipmentRequest* request,
                                                       pb::Shipment* response) {
  return Handle(parts_.executor, context, request, response,
                [this](const pb::VoidShipmentRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Shipment> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
                  RETURN_IF_ERROR(CheckText("reason", request.reason()));
                  ASSIGN_OR_RETURN(
                      const ShipmentRecord record,
                      parts_.store.ChangeShipment(id, [&](Shipment& shipment, Effects& effects) {
                        const absl::Status status = RequestVoid(shipment, effects);
                        effects.actor = caller.identity;
                        if (!request.reason().empty()) effects.detail["reason"] = request.reason();
                        return status;
                      }));
                  parts_.undo.Notify();
                  return ToProto(record, Parties::kShow);
                });
}

grpc::ServerUnaryReactor* ShipmentServer::RetryShipment(grpc::CallbackServerContext* context,
                                                        const pb::RetryShipmentRequest* request,
                                                        pb::Shipment* response) {
  return Handle(parts_.executor, context, request, response,
                [this](const pb::RetryShipmentRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Shipment> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
                  ASSIGN_OR_RETURN(
                      const ShipmentRecord record,
                      parts_.store.ChangeShipment(id, [&](Shipment& shipment, Effects& effects) {
                        const absl::Status status = RequestRetry(shipment, effects);
                        effects.actor = caller.identity;
                        effects.lease = Effects::Lease::kEnd;
                        return status;
                      }));
                  return ToProto(record, Parties::kShow);
                });
}

}  // namespace psups::shipment_builder
