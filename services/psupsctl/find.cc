#include "services/psupsctl/find.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace orders = psups::orders::v1;
namespace shipments = psups::shipments::v1;

}  // namespace

absl::StatusOr<orders::Order> FindOrder(Session& session, const OrderQuery& query) {
  orders::ListOrdersRequest request;
  if (!query.connection.empty()) request.set_connection(Named("connections", query.connection));
  request.set_business_unit(query.business_unit);
  if (absl::StartsWith(query.text, "orders/")) {
    orders::GetOrderRequest get;
    get.set_name(query.text);
    return session.Call(kPsIngest, &orders::OrderService::Stub::GetOrder, get);
  }
  request.set_document_id(query.text);
  if (const auto slash = query.text.find('/'); slash != std::string::npos) {
    request.set_business_unit(query.text.substr(0, slash));
    request.set_document_id(query.text.substr(slash + 1));
  }
  ASSIGN_OR_RETURN(std::vector<orders::Order> found,
                   session.List(
                       kPsIngest, &orders::OrderService::Stub::ListOrders, request, {.all = true},
                       [](auto& page) -> auto& { return *page.mutable_orders(); }));
  if (!query.name.empty()) {
    std::erase_if(found, [&](const orders::Order& order) { return order.name() != query.name; });
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no order ", query.text,
                     " was read from PeopleSoft; psupsctl order list shows those that were"));
  }
  std::vector<std::string> choices;
  for (const orders::Order& order : found) {
    choices.push_back(absl::StrCat(DocumentText(order.document()), " of ",
                                   IdOf(order.document().connection()), " (", order.name(), ")"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("several orders are called ", query.text, ": ", absl::StrJoin(choices, ", "),
                   "; choose by --connection, --business-unit or the name"));
}

absl::StatusOr<shipments::Shipment> FindShipment(Session& session, const std::string& text) {
  using Stub = shipments::ShipmentService::Stub;
  if (!IsTrackingNumber(text)) {
    shipments::GetShipmentRequest request;
    request.set_name(Named("shipments", text));
    return session.Call(kShipmentBuilder, &Stub::GetShipment, request);
  }
  shipments::ListShipmentsRequest request;
  request.set_tracking_number(text);
  ASSIGN_OR_RETURN(const std::vector<shipments::Shipment> found,
                   session.List(
                       kShipmentBuilder, &Stub::ListShipments, request, {.all = true},
                       [](auto& page) -> auto& { return *page.mutable_shipments(); }));
  if (found.empty()) return absl::NotFoundError(absl::StrCat("no shipment has ", text));
  return found.front();
}

std::string NumberOf(const type::v1::DocumentKey& document) {
  const bool is_order = document.document_type() == type::v1::PURCHASE_ORDER;
  return absl::StrCat(is_order ? "PO " : "REQ ", document.document_id());
}

bool IsTrackingNumber(const std::string& text) { return absl::StartsWith(text, "1Z"); }

}  // namespace psups::psupsctl
