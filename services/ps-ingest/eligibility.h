#pragma once

#include <set>
#include <string>

#include "common/decimal.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "psups/orders/v1/order_service.pb.h"

namespace psups::ps_ingest {

// What decides whether a schedule may ship, in PeopleSoft's codes.
struct ScheduleFacts {
  std::string document_status = {};
  bool on_hold = false;
  std::string line_cancel_status = "A";
  std::string schedule_cancel_status = "A";
  std::string physical_nature = {};
  bool amount_only = false;
  bool ships_to_customer = false;
  std::string document_date = {};  // YYYY-MM-DD
  bool sourced_to_purchase_order = false;
  bool link_unknown = false;   // a requisition, and the site does not say whether it was sourced
  std::string receiving = {};  // RECV_REQ; empty if the site's query does not tell
  Decimal open_quantity = {};
  std::string business_unit = {};
};

// What a connection permits to ship, of one document type.
struct ShippingRules {
  std::set<std::string> statuses = {};        // codes
  std::set<std::string> business_units = {};  // empty: all
  std::string ship_orders_since = {};         // YYYY-MM-DD
  orders::v1::Connection::ShippingTrigger trigger = {};
};

ShippingRules RulesOf(const orders::v1::Connection& connection, type::v1::DocumentType type);

using IneligibleReason = orders::v1::Order::Schedule::IneligibleReason;

// Why the schedule does not ship: the first reason that holds, or
// INELIGIBLE_REASON_UNSPECIFIED if it may.
IneligibleReason WhyIneligible(const ScheduleFacts& facts, const ShippingRules& rules);

}  // namespace psups::ps_ingest
