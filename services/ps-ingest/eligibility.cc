#include "services/ps-ingest/eligibility.h"

#include <algorithm>

#include "services/ps-ingest/codes.h"

namespace psups::ps_ingest {
namespace {

using Schedule = orders::v1::Order::Schedule;

bool IsActive(const std::string& cancel_status) {
  return cancel_status == "A" || cancel_status == "O";
}

bool Receives(const ScheduleFacts& facts, const orders::v1::Connection::ShippingTrigger& trigger) {
  const auto& codes = trigger.recv_req();
  return codes.empty() || std::count(codes.begin(), codes.end(), facts.receiving) > 0;
}

}  // namespace

ShippingRules RulesOf(const orders::v1::Connection& connection, type::v1::DocumentType type) {
  ShippingRules rules = {
      .business_units = {connection.business_units().begin(), connection.business_units().end()},
      .ship_orders_since = connection.ship_orders_since(),
      .trigger = connection.shipping_trigger()};
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
  // Before all else: the order ships in its place, whatever becomes of the requisition.
  if (facts.sourced_to_purchase_order) return Schedule::SOURCED_TO_PO;
  if (!rules.statuses.contains(facts.document_status)) return Schedule::STATUS;
  const auto& trigger = rules.trigger;
  if (facts.on_hold && !trigger.ship_held()) return Schedule::HOLD;
  if (!IsActive(facts.line_cancel_status)) return Schedule::LINE_CANCELLED;
  if (!IsActive(facts.schedule_cancel_status)) return Schedule::SCHEDULE_CANCELLED;
  if (facts.physical_nature == "S" && !trigger.ship_services()) return Schedule::SERVICE;
  if (facts.amount_only && !trigger.ship_amount_only()) return Schedule::AMOUNT_ONLY;
  if (facts.ships_to_customer && !trigger.ship_direct()) return Schedule::DIRECT_SHIP;
  if (!Receives(facts, trigger)) return Schedule::RECV_REQ;
  // An absent date cannot show that the document is new enough: it sorts before every date.
  if (facts.document_date < rules.ship_orders_since) return Schedule::BEFORE_GO_LIVE;
  if (facts.link_unknown) return Schedule::LINK_UNKNOWN;
  if (facts.open_quantity <= Decimal()) return Schedule::NOTHING_OPEN;
  if (!rules.business_units.empty() && !rules.business_units.contains(facts.business_unit)) {
    return Schedule::BUSINESS_UNIT;
  }
  return Schedule::INELIGIBLE_REASON_UNSPECIFIED;
}

}  // namespace psups::ps_ingest
