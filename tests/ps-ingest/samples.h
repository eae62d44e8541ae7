#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/connection.h"

namespace psups::ps_ingest {

inline orders::v1::Connection SampleConnection() {
  orders::v1::Connection connection;
  connection.set_environment(orders::v1::Connection::PRODUCTION);
  connection.set_base_url("https://erp.example.com/PSIGW/RESTListeningConnector");
  connection.set_node("PSFT_EP");
  connection.set_oprid("PSUPS");
  connection.set_base_time_zone("America/New_York");
  connection.set_ship_orders_since("2026-11-01");
  connection.set_ups_account("accounts/demo");
  SetDefaults(connection, "c1");
  return connection;
}

inline absl::TimeZone NewYork() { return ZoneOf(SampleConnection()); }

// A row of PSUPS_PO, complete, that may ship.
inline nlohmann::ordered_json SampleRow() {
  nlohmann::ordered_json row;
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    const std::string name(ColumnName(static_cast<Column>(i), type::v1::PURCHASE_ORDER));
    if (!name.empty()) row[name] = " ";
  }
  row.update(nlohmann::ordered_json::parse(R"({
    "A.BUSINESS_UNIT": "US001", "A.PO_ID": "0000000123", "A.CHNG_ORD_BATCH": 0,
    "A.PO_STATUS": "D", "A.HOLD_STATUS": "N", "A.PO_DT": "2026-11-20",
    "A.LAST_DTTM_UPDATE": "2026-11-23T14:30:00", "A.VENDOR_SETID": "SHARE",
    "A.VENDOR_ID": "0000000007", "B.LINE_NBR": 1, "B.CANCEL_STATUS": "A",
    "B.INV_ITEM_ID": "10001", "B.UNIT_OF_MEASURE": "EA", "B.PHYSICAL_NATURE": "G",
    "B.AMT_ONLY_FLG": "N", "C.SCHED_NBR": 1, "C.CANCEL_STATUS": "A", "C.QTY_PO": 4.0000,
    "E.NAME1": "Acme Valves", "D.ADDRESS1": "1 Main St", "D.CITY": "Chicago", "D.STATE": "IL",
    "D.POSTAL": "60601", "D.COUNTRY": "USA", "F.DESCR": "Main Campus",
    "F.ADDRESS1": "10 Dock Rd", "F.ADDRESS3": "Suite 4", "F.CITY": "Columbus", "F.STATE": "OH",
    "F.POSTAL": "43215", "F.COUNTRY": "USA", "F.ATTN_TO": "Receiving",
    "G.INV_ITEM_WEIGHT": 12.5, "G.UNIT_MEASURE_WT": "LB", "H.SHIPPING_WEIGHT": 0,
    "QTY_RECEIVED": 0})"));
  return row;
}

inline std::string SampleBody(const std::vector<nlohmann::ordered_json>& rows) {
  nlohmann::ordered_json body;
  body["status"] = "success";
  body["data"]["query"]["numrows"] = rows.size();
  body["data"]["query"]["queryname="] = "Q";
  body["data"]["query"]["rows"] = rows;
  return body.dump();
}

}  // namespace psups::ps_ingest
