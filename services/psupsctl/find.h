#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "psups/orders/v1/order_service.pb.h"
#include "psups/shipments/v1/shipment_service.pb.h"
#include "services/psupsctl/session.h"

namespace psups::psupsctl {

// What a person calls an order: a PO_ID or REQ_ID, alone or as BUSINESS_UNIT/ID, or orders/x.
struct OrderQuery {
  std::string text = {};
  std::string connection = {};     // narrows, if the number stands in several
  std::string business_unit = {};  // likewise
  std::string name = {};           // the very one, of those that have the number
};

// The one order that is meant, without names and addresses. NOT_FOUND, or FAILED_PRECONDITION with
// the choices if there are several.
absl::StatusOr<orders::v1::Order> FindOrder(Session& session, const OrderQuery& query);

// The one shipment of a name (shipments/x or x) or a 1Z number, without names and addresses.
absl::StatusOr<shipments::v1::Shipment> FindShipment(Session& session, const std::string& text);

// "PO US001 0000000123" and so on fit for columns: the type and the number.
std::string NumberOf(const type::v1::DocumentKey& document);

bool IsTrackingNumber(const std::string& text);

}  // namespace psups::psupsctl
