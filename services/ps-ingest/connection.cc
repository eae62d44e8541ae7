#include "services/ps-ingest/connection.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/names.h"
#include "services/ps-ingest/prompts.h"

namespace psups::ps_ingest {
namespace {

// A document may be dated after the day it was last touched: one dated on the first day that ships
// is found if that was not more than this before it.
constexpr absl::Duration kReadBefore = absl::Hours(24 * 30);

namespace pb = orders::v1;
namespace type_pb = type::v1;

void SetQueryDefaults(pb::Connection& c) {
  if (c.authentication() == pb::Connection::AUTHENTICATION_UNSPECIFIED) {
    c.set_authentication(pb::Connection::BASIC);
  }
  if (c.query_owner() == pb::Connection::QUERY_OWNER_UNSPECIFIED) {
    c.set_query_owner(pb::Connection::PUBLIC);
  }
  if (c.result_type() == pb::Connection::RESULT_TYPE_UNSPECIFIED) {
    c.set_result_type(pb::Connection::JSON);
  }
  if (c.prompt_time_form() == pb::Connection::PROMPT_TIME_FORM_UNSPECIFIED) {
    c.set_prompt_time_form(pb::Connection::BLANK);
  }
  if (c.window_prompts().empty()) {
    for (const char* const name : {kFromPrompt, kToPrompt, kAfterUnitPrompt, kAfterIdPrompt}) {
      c.add_window_prompts(name);
    }
  }
  if (c.purchase_order_query().empty()) c.set_purchase_order_query("PSUPS_PO");
  if (c.requisition_query().empty()) c.set_requisition_query("PSUPS_REQ");
  if (c.purchase_order_key_query().empty()) c.set_purchase_order_key_query("PSUPS_PO_KEY");
  if (c.requisition_key_query().empty()) c.set_requisition_key_query("PSUPS_REQ_KEY");
}

}  // namespace

void SetDefaults(pb::Connection& c, const std::string& connection_id) {
  c.set_name(ConnectionName(connection_id));
  c.clear_state();
  c.clear_state_reason();
  c.clear_version();
  c.clear_watermark();
  c.clear_last_read_time();
  c.clear_last_error();
  c.clear_learned_row_cap();
  c.clear_last_sweep_time();
  if (c.display_name().empty()) c.set_display_name(connection_id);
  while (!c.base_url().empty() && c.base_url().back() == '/') c.mutable_base_url()->pop_back();
  if (c.document_types().empty()) {
    c.add_document_types(type_pb::PURCHASE_ORDER);
    c.add_document_types(type_pb::REQUISITION);
  }
  if (c.purchase_order_statuses().empty()) c.add_purchase_order_statuses("D");
  if (c.requisition_statuses().empty()) c.add_requisition_statuses("A");
  SetQueryDefaults(c);
  if (c.poll_interval_seconds() == 0) c.set_poll_interval_seconds(60);
  if (c.max_poll_interval_seconds() == 0) {
    c.set_max_poll_interval_seconds(std::max(300, c.poll_interval_seconds()));
  }
  if (c.sweep_interval_seconds() == 0) c.set_sweep_interval_seconds(86400);
  if (c.lookup_max_age_seconds() == 0) c.set_lookup_max_age_seconds(3600);
  if (c.check_max_age_seconds() == 0) c.set_check_max_age_seconds(30);
  if (c.overlap_seconds() == 0) c.set_overlap_seconds(1800);
  if (c.lag_seconds() == 0) c.set_lag_seconds(5);
  if (c.max_window_seconds() == 0) c.set_max_window_seconds(86400);
  if (c.max_rows() == 0) c.set_max_rows(1000);
  if (c.read_timeout_seconds() == 0) c.set_read_timeout_seconds(180);
  if (c.write_back_path().empty()) c.set_write_back_path("PSUPS_TRACKING.v1/");
}

bool MustReadAgain(const pb::Connection& before, const pb::Connection& after) {
  const auto relevant = [](const pb::Connection& c) {
    pb::Connection r;
    r.set_base_url(c.base_url());
    r.set_node(c.node());
    r.set_base_time_zone(c.base_time_zone());
    *r.mutable_document_types() = c.document_types();
    *r.mutable_business_units() = c.business_units();
    r.set_ship_orders_since(c.ship_orders_since());
    r.set_purchase_order_query(c.purchase_order_query());
    r.set_requisition_query(c.requisition_query());
    *r.mutable_column_map() = c.column_map();
    *r.mutable_purchase_order_statuses() = c.purchase_order_statuses();
    *r.mutable_requisition_statuses() = c.requisition_statuses();
    r.set_query_owner(c.query_owner());
    r.set_prompt_time_form(c.prompt_time_form());
    *r.mutable_window_prompts() = c.window_prompts();
    *r.mutable_prompt_names() = c.prompt_names();
    *r.mutable_shipping_trigger() = c.shipping_trigger();
    r.set_vendor_query(c.vendor_query());
    r.set_location_query(c.location_query());
    r.set_item_query(c.item_query());
    return r;
  };
  return !google::protobuf::util::MessageDifferencer::Equals(relevant(before), relevant(after));
}

absl::TimeZone ZoneOf(const pb::Connection& connection) {
  absl::TimeZone zone;
  absl::LoadTimeZone(connection.base_time_zone(), &zone);
  return zone;
}

WindowRules WindowRulesOf(const pb::Connection& connection) {
  return {.overlap = absl::Seconds(connection.overlap_seconds()),
          .lag = absl::Seconds(connection.lag_seconds()),
          .longest = absl::Seconds(connection.max_window_seconds()),
          .zone = ZoneOf(connection),
          .whole_days = connection.prompt_time_form() == pb::Connection::DAY};
}

absl::Time StartOf(const pb::Connection& connection) {
  const absl::TimeZone zone = ZoneOf(connection);
  const absl::StatusOr<LocalTime> day = ParseLocalTime(connection.ship_orders_since(), zone);
  return day.ok() ? EarliestMoment(*day, zone) - kReadBefore : absl::InfiniteFuture();
}

std::string ReaderKey(const pb::Connection& connection) {
  return absl::StrCat(absl::AsciiStrToLower(connection.base_url()), " ", connection.oprid());
}

const std::string& QueryOf(const pb::Connection& connection, type_pb::DocumentType type) {
  return type == type_pb::REQUISITION ? connection.requisition_query()
                                      : connection.purchase_order_query();
}

absl::Status Activate(pb::Connection& connection, bool& activated) {
  if (connection.state() == pb::Connection::STOPPED) {
    return absl::FailedPreconditionError(
        absl::StrCat(connection.name(), " is STOPPED: ", connection.state_reason()));
  }
  activated = true;
  connection.set_state(pb::Connection::ACTIVE);
  connection.clear_state_reason();
  return absl::OkStatus();
}

absl::Status Pause(pb::Connection& connection, const std::string& reason) {
  if (reason.size() > 200) {
    return absl::InvalidArgumentError(
        absl::StrCat("reason: ", reason.size(), " characters, want at most 200"));
  }
  if (connection.state() != pb::Connection::ACTIVE &&
      connection.state() != pb::Connection::PAUSED) {
    return absl::FailedPreconditionError(
        absl::StrCat(connection.name(), " is ", pb::Connection::State_Name(connection.state()),
                     ": it buys and writes nothing as it is"));
  }
  connection.set_state(pb::Connection::PAUSED);
  connection.set_state_reason(reason.empty() ? "paused by a person; resume it to go on" : reason);
  return absl::OkStatus();
}

absl::Status Resume(pb::Connection& connection, bool activated) {
  if (connection.state() == pb::Connection::PAUSED ||
      connection.state() == pb::Connection::STOPPED) {
    connection.set_state(activated ? pb::Connection::ACTIVE : pb::Connection::OBSERVE);
    connection.clear_state_reason();
  }
  return absl::OkStatus();
}

}  // namespace psups::ps_ingest
