#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tests/sandbox/peoplesoft/local_time.h"

namespace psups::peoplesoft_sandbox {

// One PeopleSoft site. What the wire reference leaves unconfirmed is an option here; its default is
// the initialiser. docs/sandbox.md says what each one means.
struct SiteConfig {
  nlohmann::json source = {};  // what it was read from

  std::string api_listen = "127.0.0.1:0";
  std::string admin_listen = "127.0.0.1:0";
  std::string tls_certificate_file = {};  // empty: plain HTTP
  std::string tls_key_file = {};

  std::string path_prefix = {};
  std::string node = {};
  std::string write_back_path = "PSUPS_TRACKING.v1";
  bool write_back_async = false;                              // accepted first, taken later
  long write_back_apply_ms = 0;                               // how much later
  std::map<std::string, std::string> write_back_fields = {};  // ours → the site's

  std::set<std::string> auth = {"basic"};  // the kinds accepted
  std::string oprid = {};
  std::string password = {};
  std::string bearer_token = {};
  std::string client_id = {};  // at the identity provider
  std::string client_secret = {};
  std::string scope = {};     // empty: any
  std::string audience = {};  // empty: any
  std::string token_path = "/oauth2/token";
  long token_seconds = 3600;
  std::string token_expires_in_form = "number";  // or "string", "absent"
  std::set<std::string> operations = {"QAS_EXECUTEQRY_REST_GET", "PSUPS_TRACKING_POST"};
  bool production = true;  // service system status: Production hides error details

  absl::TimeZone base_time_zone = absl::UTCTimeZone();
  bool fractions = false;
  long row_cap = 0;                                        // 0: none
  std::set<std::string> row_security_business_units = {};  // empty: all

  bool bare_row_keys = false;
  bool long_names = false;
  bool blank_as_space = true;
  DateTimeForm datetime_form = DateTimeForm::kT;
  bool datetime_offset = false;
  DateTimeForm prompt_datetime_form = DateTimeForm::kBlank;
  bool numbers_as_strings = false;
  bool missing_numbers_as_zero = false;
  std::string zero_rows = "empty";  // or "absent", "null"
  std::string query_name_key = "queryname=";
  std::string json_content_type = "application/json; charset=UTF-8";
  bool json_without_flag = false;
  bool json_query_errors = false;

  std::set<std::string> omit_queries = {};
  std::map<std::string, std::set<std::string>> omit_columns = {};   // by query
  std::map<std::string, std::set<std::string>> query_defects = {};  // by query
  std::string query_owner = "public";                               // or "private"
  std::map<std::string, std::string> prompt_names = {};             // ours → the site's
  bool days = false;  // of update are kept and asked for, not times
  long clock_offset_seconds = 0;

  int auth_failure_status = 401;
  int permission_failure_status = 403;
  bool www_authenticate = false;
  std::string set_cookie = {};
};

// INVALID_ARGUMENT naming every missing, unknown or bad key at once.
absl::StatusOr<SiteConfig> ParseConfig(const std::string& json_text);

// `site` with the keys of a JSON object in place of its own; null is the default. INVALID_ARGUMENT
// also for a key of the listeners.
absl::StatusOr<SiteConfig> ChangeConfig(const SiteConfig& site, const std::string& json_text);

}  // namespace psups::peoplesoft_sandbox
