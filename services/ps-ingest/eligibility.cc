#include "services/ps-ingest/eligibility.h"

#include "services/ps-ingest/codes.h"

namespace psups::ps_ingest {
namespace {

using Schedule = orders::v1::Order::Schedule;

bool IsActive(const std::string& cancel_status) {
  return cancel_status == "A" || cancel_status == "O";
}

}  // namespace

ShippingRules RulesOf(const orders::v1::Connection& connection, type::v1::DocumentType type) {
  ShippingRules rules = {
      .business_units = {connection.business_units().begin(), connection.business_units().end()},
      .ship_orders_since = connection.ship_orders_since()};
  if (type == type::v1::REQUISITION) {
    for (const std::string& status : connection.requisition_statuses()) {
      rules.statuses.insert(RequisitionStatusCode(status));
    }
  } else {
    for (const std::string& status : connection.purchase_order_statuses()) {
      rules.statuses.insert(PurchaseOrderStatusCode(status));
    }
  }
  return rules;
}

IneligibleReason WhyIneligible(const ScheduleFacts& facts, const ShippingRules& rules) {
  if (!rules.statuses.contains(facts.document_status)) return Schedule::STATUS;
  if (facts.on_hold) return Schedule::HOLD;
  if (!IsActive(facts.line_cancel_status)) return Schedule::LINE_CANCELLED;
  if (!IsActive(facts.schedule_cancel_status)) return Schedule::SCHEDULE_CANCELLED;
  if (facts.physical_nature == "S") return Schedule::SERVICE;
  if (facts.amount_only) return Schedule::AMOUNT_ONLY;
  if (facts.ships_to_customer) return Schedule::DIRECT_SHIP;
  // An absent date cannot show that the document is new enough: it sorts before every date.
  if (facts.document_date < rules.ship_orders_since) return Schedule::BEFORE_GO_LIVE;
  if (facts.sourced_to_purchase_order) return Schedule::SOURCED_TO_PO;
  if (facts.open_quantity <= Decimal()) return Schedule::NOTHING_OPEN;
  if (!rules.business_units.empty() && !rules.business_units.contains(facts.business_unit)) {
    return Schedule::BUSINESS_UNIT;
  }
  return Schedule::INELIGIBLE_REASON_UNSPECIFIED;
}

}  // namespace psups::ps_ingest
