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

namespace psups::ps_ingest {
namespace {

// A document may be dated after the day it was last touched: one dated on the first day that ships
// is found if that was not more than this before it.
constexpr absl::Duration kReadBefore = absl::Hours(24 * 30);

namespace pb = orders::v1;
namespace type_pb = type::v1;

// Collects what is wrong with each field, so that a person mends all at once.
class Problems {
 public:
  void Add(std::string_view field, std::string_view came, std::string_view want) {
    texts_.push_back(std::string(field) + ": \"" + std::string(came) + "\", want " +
                     std::string(want));
  }
  void Length(std::string_view field, const std::string& text, std::size_t least,
              std::size_t most) {
    if (text.size() >= least && text.size() <= most) return;
    Add(field, text.substr(0, 40), absl::StrCat(least, " to ", most, " characters"));
  }
  void Range(std::string_view field, int32_t value, int32_t least, int32_t most) {
    if (value < least || value > most) {
      Add(field, absl::StrCat(value), absl::StrCat(least, " to ", most));
    }
  }
  absl::Status status() const {
    if (texts_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(texts_, "; "));
  }

 private:
  std::vector<std::string> texts_;
};

bool IsDate(const std::string& text) {
  const absl::StatusOr<LocalTime> time = ParseLocalTime(text, absl::UTCTimeZone());
  return text.size() == 10 && time.ok();
}

bool HasSpaceOrControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

void CheckUrl(const pb::Connection& c, Problems& problems) {
  const std::string& url = c.base_url();
  const bool https = absl::StartsWith(url, "https://") && url.size() > 8;
  const bool http = absl::StartsWith(url, "http://") && url.size() > 7;
  if (!https && !(http && c.allow_http())) {
    problems.Add("base_url", url, "an https:// URL (http:// only with allow_http)");
  } else if (url.size() > 500 || HasSpaceOrControl(url) ||
             url.find_first_of("?#@") != std::string::npos) {
    problems.Add("base_url", url.substr(0, 80),
                 "at most 500 characters without blank, '?', '#', '@'");
  }
}

void CheckLists(const pb::Connection& c, Problems& problems) {
  std::set<int> types;
  for (const int type : c.document_types()) {
    if ((type != type_pb::PURCHASE_ORDER && type != type_pb::REQUISITION) ||
        !types.insert(type).second) {
      problems.Add("document_types", absl::StrCat(type),
                   "PURCHASE_ORDER and REQUISITION, each at most once");
    }
  }
  for (const std::string& unit : c.business_units()) problems.Length("business_units", unit, 1, 5);
  for (const std::string& status : c.purchase_order_statuses()) {
    problems.Length("purchase_order_statuses", status, 1, 30);
  }
  for (const std::string& status : c.requisition_statuses()) {
    problems.Length("requisition_statuses", status, 1, 30);
  }
  for (const auto& [ours, theirs] : c.column_map()) {
    if (!IsColumnName(ours)) {
      problems.Add("column_map", ours, "a column of docs/peoplesoft-setup.md, such as A.PO_ID");
    }
    problems.Length("column_map", theirs, 1, 60);
  }
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
  if (c.display_name().empty()) c.set_display_name(connection_id);
  while (!c.base_url().empty() && c.base_url().back() == '/') c.mutable_base_url()->pop_back();
  if (c.document_types().empty()) {
    c.add_document_types(type_pb::PURCHASE_ORDER);
    c.add_document_types(type_pb::REQUISITION);
  }
  if (c.purchase_order_query().empty()) c.set_purchase_order_query("PSUPS_PO");
  if (c.requisition_query().empty()) c.set_requisition_query("PSUPS_REQ");
  if (c.purchase_order_statuses().empty()) c.add_purchase_order_statuses("D");
  if (c.requisition_statuses().empty()) c.add_requisition_statuses("A");
  if (c.poll_interval_seconds() == 0) c.set_poll_interval_seconds(60);
  if (c.overlap_seconds() == 0) c.set_overlap_seconds(1800);
  if (c.lag_seconds() == 0) c.set_lag_seconds(5);
  if (c.max_window_seconds() == 0) c.set_max_window_seconds(86400);
  if (c.max_rows() == 0) c.set_max_rows(1000);
  if (c.read_timeout_seconds() == 0) c.set_read_timeout_seconds(180);
  if (c.write_back_path().empty()) c.set_write_back_path("PSUPS_TRACKING.v1/");
}

absl::Status CheckConnection(const pb::Connection& c) {
  Problems problems;
  problems.Length("display_name", c.display_name(), 1, 80);
  if (c.environment() != pb::Connection::PRODUCTION && c.environment() != pb::Connection::TEST) {
    problems.Add("environment", pb::Connection::Environment_Name(c.environment()),
                 "PRODUCTION or TEST");
  }
  CheckUrl(c, problems);
  problems.Length("node", c.node(), 1, 30);
  problems.Length("oprid", c.oprid(), 1, 30);
  if (c.oprid().find(':') != std::string::npos || HasSpaceOrControl(c.oprid())) {
    problems.Add("oprid", c.oprid(), "no blank and no ':'");
  }
  problems.Length("ca_bundle_pem", c.ca_bundle_pem(), 0, 1 << 20);
  if (!c.ca_bundle_pem().empty() &&
      !absl::StrContains(c.ca_bundle_pem(), "-----BEGIN CERTIFICATE-----")) {
    problems.Add("ca_bundle_pem", "text without a certificate", "PEM certificates");
  }
  absl::TimeZone zone;
  if (c.base_time_zone().empty() || !absl::LoadTimeZone(c.base_time_zone(), &zone)) {
    problems.Add("base_time_zone", c.base_time_zone(), "an IANA name such as America/New_York");
  }
  if (!IsDate(c.ship_orders_since())) {
    problems.Add("ship_orders_since", c.ship_orders_since(), "a date YYYY-MM-DD");
  }
  CheckLists(c, problems);
  problems.Length("purchase_order_query", c.purchase_order_query(), 1, 30);
  problems.Length("requisition_query", c.requisition_query(), 1, 30);
  problems.Range("poll_interval_seconds", c.poll_interval_seconds(), 1, 86400);
  problems.Range("overlap_seconds", c.overlap_seconds(), 0, 86400);
  problems.Range("lag_seconds", c.lag_seconds(), 0, 3600);
  problems.Range("max_window_seconds", c.max_window_seconds(), 1, 31536000);
  problems.Range("max_rows", c.max_rows(), 2, 100000);
  problems.Range("read_timeout_seconds", c.read_timeout_seconds(), 1, 3600);
  problems.Length("write_back_path", c.write_back_path(), 1, 200);
  if (HasSpaceOrControl(c.write_back_path()) ||
      c.write_back_path().find_first_of("?#") != std::string::npos) {
    problems.Add("write_back_path", c.write_back_path(), "a path without blank, '?' and '#'");
  }
  if (!absl::StartsWith(c.ups_account(), "accounts/") || c.ups_account().size() < 10) {
    problems.Add("ups_account", c.ups_account(), "accounts/{account_id}");
  }
  return problems.status();
}

absl::Status CheckPassword(const std::string& password) {
  if (password.empty() || password.size() > 256) {
    return absl::InvalidArgumentError(
        absl::StrCat("password: ", password.size(), " bytes, want 1 to 256"));
  }
  return absl::OkStatus();
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
          .zone = ZoneOf(connection)};
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
