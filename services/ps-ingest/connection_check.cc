#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/prompts.h"
#include "services/ps-ingest/write_back.h"

namespace psups::ps_ingest {
namespace {

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
  void OneOf(std::string_view field, int value, const google::protobuf::EnumDescriptor* values) {
    if (value == 0 || values->FindValueByNumber(value) == nullptr) {
      Add(field, absl::StrCat(value), "one of " + absl::StrCat(values->name()) + "'s values");
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

void CheckUrl(std::string_view field, const std::string& url, bool allow_http, Problems& problems) {
  const bool https = absl::StartsWith(url, "https://") && url.size() > 8;
  const bool http = absl::StartsWith(url, "http://") && url.size() > 7;
  if (!https && !(http && allow_http)) {
    // What stands before an '@' may be a password.
    problems.Add(field, url.find('@') == std::string::npos ? url.substr(0, 80) : "a URL with '@'",
                 "an https:// URL (http:// only with allow_http)");
  } else if (url.size() > 500 || HasSpaceOrControl(url) ||
             url.find_first_of("?#@") != std::string::npos) {
    problems.Add(field, url.find('@') == std::string::npos ? url.substr(0, 80) : "a URL with '@'",
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
  for (const std::string& code : c.shipping_trigger().recv_req()) {
    problems.Length("shipping_trigger.recv_req", code, 1, 1);
  }
  for (const std::string& unit : c.business_units()) problems.Length("business_units", unit, 1, 5);
  for (const std::string& status : c.purchase_order_statuses()) {
    problems.Length("purchase_order_statuses", status, 1, 30);
  }
  for (const std::string& status : c.requisition_statuses()) {
    problems.Length("requisition_statuses", status, 1, 30);
  }
  for (const auto& [ours, theirs] : c.column_map()) {
    if (!IsMappable(ours) && !IsMasterColumn(ours)) {
      problems.Add("column_map", ours,
                   "a column of docs/peoplesoft-setup.md, such as A.PO_ID, REQ:B.LINE_NBR "
                   "or VENDOR:A.NAME1");
    }
    problems.Length("column_map", theirs, 1, 60);
  }
}

bool IsPromptName(const std::string& name) {
  static const auto& names = *[] {
    auto* all = new std::set<std::string>{kFromPrompt,    kToPrompt,   kAfterUnitPrompt,
                                          kAfterIdPrompt, kUnitPrompt, kSetidPrompt};
    for (int i = 1; i <= kIdPrompts; ++i) all->insert(absl::StrCat(kIdPrompt, i));
    return all;
  }();
  return names.contains(name);
}

void CheckPrompts(const pb::Connection& c, Problems& problems) {
  std::set<std::string> given;
  for (const std::string& prompt : c.window_prompts()) {
    const std::size_t equals = prompt.find('=');
    const std::string name = prompt.substr(0, equals);
    const bool ours = name == kFromPrompt || name == kToPrompt || name == kAfterUnitPrompt ||
                      name == kAfterIdPrompt;
    const bool plain = prompt.find(',') == std::string::npos && !name.empty() &&
                       prompt.size() <= 100 && given.insert(name).second;
    if (!plain || ours != (equals == std::string::npos)) {
      problems.Add("window_prompts", prompt.substr(0, 40),
                   "FROM_DTTM, TO_DTTM, AFTER_BU, AFTER_ID or NAME=value, each once, no comma");
    }
  }
  if (!given.contains(kFromPrompt) || !given.contains(kToPrompt)) {
    problems.Add("window_prompts", absl::StrJoin(given, ", "), "FROM_DTTM and TO_DTTM among them");
  }
  if (given.contains(kAfterUnitPrompt) != given.contains(kAfterIdPrompt)) {
    problems.Add("window_prompts", absl::StrJoin(given, ", "), "AFTER_BU and AFTER_ID or neither");
  }
  for (const auto& [ours, theirs] : c.prompt_names()) {
    if (!IsPromptName(ours)) {
      problems.Add("prompt_names", ours,
                   "FROM_DTTM, TO_DTTM, AFTER_BU, AFTER_ID, BU, SETID or ID_1 to ID_10");
    }
    problems.Length("prompt_names", theirs, 1, 60);
  }
}

void CheckQueries(const pb::Connection& c, Problems& problems) {
  problems.Length("purchase_order_query", c.purchase_order_query(), 1, 30);
  problems.Length("requisition_query", c.requisition_query(), 1, 30);
  problems.Length("purchase_order_key_query", c.purchase_order_key_query(), 1, 30);
  problems.Length("requisition_key_query", c.requisition_key_query(), 1, 30);
  problems.Length("purchase_order_count_query", c.purchase_order_count_query(), 0, 30);
  problems.Length("requisition_count_query", c.requisition_count_query(), 0, 30);
  problems.Length("vendor_query", c.vendor_query(), 0, 30);
  problems.Length("location_query", c.location_query(), 0, 30);
  problems.Length("item_query", c.item_query(), 0, 30);
  problems.Length("write_back_status_query", c.write_back_status_query(), 0, 30);
  problems.OneOf("query_owner", c.query_owner(), pb::Connection::QueryOwner_descriptor());
  problems.OneOf("result_type", c.result_type(), pb::Connection::ResultType_descriptor());
  problems.OneOf("prompt_time_form", c.prompt_time_form(),
                 pb::Connection::PromptTimeForm_descriptor());
}

void CheckAuthentication(const pb::Connection& c, Problems& problems) {
  problems.OneOf("authentication", c.authentication(), pb::Connection::Authentication_descriptor());
  problems.Length("oprid", c.oprid(), 1, 30);
  if (c.oprid().find(':') != std::string::npos || HasSpaceOrControl(c.oprid())) {
    problems.Add("oprid", c.oprid(), "no blank and no ':'");
  }
  problems.Length("scope", c.scope(), 0, 500);
  problems.Length("audience", c.audience(), 0, 500);
  if (c.authentication() != pb::Connection::CLIENT_CREDENTIALS) return;
  CheckUrl("token_url", c.token_url(), c.allow_http(), problems);
  problems.Length("client_id", c.client_id(), 1, 200);
}

bool IsTimeOfDay(const std::string& text) {
  absl::Time time;
  std::string ignored;
  return text.size() == 5 && absl::ParseTime("%H:%M", text, &time, &ignored);
}

void CheckPace(const pb::Connection& c, Problems& problems) {
  problems.Range("poll_interval_seconds", c.poll_interval_seconds(), 1, 86400);
  problems.Range("max_poll_interval_seconds", c.max_poll_interval_seconds(),
                 c.poll_interval_seconds(), 86400);
  problems.Range("sweep_interval_seconds", c.sweep_interval_seconds(), 60, 31536000);
  problems.Range("overlap_seconds", c.overlap_seconds(), 0, 86400);
  problems.Range("lag_seconds", c.lag_seconds(), 0, 3600);
  problems.Range("max_window_seconds", c.max_window_seconds(), 1, 31536000);
  problems.Range("max_rows", c.max_rows(), 2, 100000);
  problems.Range("read_timeout_seconds", c.read_timeout_seconds(), 1, 3600);
  problems.Range("lookup_max_age_seconds", c.lookup_max_age_seconds(), 1, 604800);
  problems.Range("check_max_age_seconds", c.check_max_age_seconds(), 1, 300);
  problems.Range("quiet_hours", c.quiet_hours_size(), 0, 10);
  for (const auto& quiet : c.quiet_hours()) {
    if (!IsTimeOfDay(quiet.from()) || !IsTimeOfDay(quiet.to()) || quiet.from() == quiet.to()) {
      problems.Add("quiet_hours", quiet.from() + " to " + quiet.to(),
                   "two different times HH:MM of the base time zone");
    }
  }
}

void CheckWriteBack(const pb::Connection& c, Problems& problems) {
  problems.Length("write_back_path", c.write_back_path(), 1, 200);
  if (HasSpaceOrControl(c.write_back_path()) ||
      c.write_back_path().find_first_of("?#") != std::string::npos) {
    problems.Add("write_back_path", c.write_back_path(), "a path without blank, '?' and '#'");
  }
  std::set<std::string> names;
  for (const auto& [ours, theirs] : c.write_back_fields()) {
    if (!IsWriteBackField(ours)) {
      problems.Add("write_back_fields", ours,
                   "a field of docs/peoplesoft-setup.md, such as TRACKING_NBR");
    }
    problems.Length("write_back_fields", theirs, 1, 60);
    if (!names.insert(theirs).second) {
      problems.Add("write_back_fields", theirs, "a name of its own for each field");
    }
  }
}

}  // namespace

absl::Status CheckConnection(const pb::Connection& c) {
  Problems problems;
  problems.Length("display_name", c.display_name(), 1, 80);
  if (c.environment() != pb::Connection::PRODUCTION && c.environment() != pb::Connection::TEST) {
    problems.Add("environment", pb::Connection::Environment_Name(c.environment()),
                 "PRODUCTION or TEST");
  }
  CheckUrl("base_url", c.base_url(), c.allow_http(), problems);
  problems.Length("node", c.node(), 1, 30);
  CheckAuthentication(c, problems);
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
  CheckQueries(c, problems);
  CheckPrompts(c, problems);
  CheckPace(c, problems);
  CheckWriteBack(c, problems);
  if (!absl::StartsWith(c.ups_account(), "accounts/") || c.ups_account().size() < 10) {
    problems.Add("ups_account", c.ups_account(), "accounts/{account_id}");
  }
  return problems.status();
}

absl::Status CheckPassword(const std::string& password) {
  constexpr std::size_t kMost = 8192;  // a bearer token may be long
  if (password.empty() || password.size() > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat("password: ", password.size(), " bytes, want 1 to ", kMost));
  }
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  if (std::any_of(password.begin(), password.end(), is_control)) {
    return absl::InvalidArgumentError("password: a control character, want none");
  }
  return absl::OkStatus();
}

}  // namespace psups::ps_ingest
