#include "tests/sandbox/peoplesoft/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "tests/sandbox/peoplesoft/config_reader.h"
#include "tests/sandbox/peoplesoft/query.h"
#include "tests/sandbox/peoplesoft/write_back.h"

namespace psups::peoplesoft_sandbox {
namespace {

void ReadListeners(ConfigReader& reader, SiteConfig& site) {
  reader.Text("api_listen", site.api_listen);
  reader.Text("admin_listen", site.admin_listen);
  reader.Text("tls_certificate_file", site.tls_certificate_file);
  reader.Text("tls_key_file", site.tls_key_file);
}

void ReadAccess(ConfigReader& reader, SiteConfig& site) {
  reader.ChosenSet("auth", site.auth, {"basic", "bearer", "client_credentials"});
  reader.Text("node", site.node, /*required=*/true);
  reader.Text("oprid", site.oprid, /*required=*/true);
  reader.Text("password", site.password, /*required=*/site.auth.count("basic") != 0);
  reader.Text("bearer_token", site.bearer_token, /*required=*/site.auth.count("bearer") != 0);
  const bool grants_tokens = site.auth.count("client_credentials") != 0;
  reader.Text("client_id", site.client_id, /*required=*/grants_tokens);
  reader.Text("client_secret", site.client_secret, /*required=*/grants_tokens);
  reader.Text("scope", site.scope);
  reader.Text("audience", site.audience);
  reader.Text("token_path", site.token_path);
  if (!absl::StartsWith(site.token_path, "/")) reader.Problem("token_path", "a path from /");
  reader.Number("token_seconds", site.token_seconds, 0, 10'000'000);
  reader.Choice<std::string>("token_expires_in_form", site.token_expires_in_form,
                             {{"number", "number"}, {"string", "string"}, {"absent", "absent"}});
  reader.TextSet("operations", site.operations);
  reader.TextSet("row_security_business_units", site.row_security_business_units);
  reader.Number("auth_failure_status", site.auth_failure_status, 200, 599);
  reader.Number("permission_failure_status", site.permission_failure_status, 200, 599);
  reader.Flag("www_authenticate", site.www_authenticate);
}

void ReadSite(ConfigReader& reader, SiteConfig& site) {
  reader.Text("path_prefix", site.path_prefix);
  reader.Text("write_back_path", site.write_back_path);
  reader.Choice<bool>("write_back_mode", site.write_back_async, {{"sync", false}, {"async", true}});
  reader.Number("write_back_apply_ms", site.write_back_apply_ms, 0, 86'400'000);
  reader.TextMap("write_back_fields", site.write_back_fields, WriteBack::Fields());
  reader.Choice<bool>("service_status", site.production,
                      {{"Production", true}, {"Development", false}});
  std::string zone = "America/New_York";
  reader.Text("base_time_zone", zone);
  if (!absl::LoadTimeZone(zone, &site.base_time_zone)) {
    reader.Problem("base_time_zone", "a name from the time zone database");
  }
  reader.Choice<bool>("timestamps", site.fractions, {{"seconds", false}, {"fractions", true}});
  reader.Number("row_cap", site.row_cap, 0, 10'000'000);
  reader.Text("set_cookie", site.set_cookie);
}

void ReadForms(ConfigReader& reader, SiteConfig& site) {
  reader.Choice<bool>("row_keys", site.bare_row_keys, {{"alias", false}, {"bare", true}});
  reader.Choice<bool>("codes", site.long_names, {{"code", false}, {"long", true}});
  reader.Choice<bool>("blank", site.blank_as_space, {{"space", true}, {"empty", false}});
  reader.Choice<DateTimeForm>(
      "datetime_form", site.datetime_form,
      {{"T", DateTimeForm::kT}, {"blank", DateTimeForm::kBlank}, {"dash", DateTimeForm::kDash}});
  reader.Choice<bool>("datetime_offset", site.datetime_offset, {{"none", false}, {"offset", true}});
  reader.Choice<DateTimeForm>("prompt_datetime_form", site.prompt_datetime_form,
                              {{"T", DateTimeForm::kT}, {"blank", DateTimeForm::kBlank}});
  reader.Choice<bool>("numbers", site.numbers_as_strings, {{"number", false}, {"string", true}});
  reader.Choice<bool>("missing_numbers", site.missing_numbers_as_zero,
                      {{"blank", false}, {"zero", true}});
  reader.Choice<std::string>("zero_rows", site.zero_rows,
                             {{"empty", "empty"}, {"absent", "absent"}, {"null", "null"}});
  reader.Text("query_name_key", site.query_name_key);
  reader.Text("json_content_type", site.json_content_type);
  reader.Choice<bool>("json_without_flag", site.json_without_flag,
                      {{"xml", false}, {"json", true}});
  reader.Choice<bool>("query_error_form", site.json_query_errors,
                      {{"ibresponse", false}, {"json", true}});
}

using TextSets = std::map<std::string, std::set<std::string>>;

bool HasColumn(const QueryDefinition& query, const std::string& name) {
  return std::any_of(query.columns.begin(), query.columns.end(),
                     [&](const Column& column) { return column.alias_name == name; });
}

bool AreColumns(const TextSets& by_query) {
  for (const auto& [name, columns] : by_query) {
    const QueryDefinition* const query = FindQuery(name);
    if (query == nullptr) return false;
    for (const std::string& column : columns) {
      if (!HasColumn(*query, column)) return false;
    }
  }
  return true;
}

bool AreDefects(const TextSets& by_query) {
  for (const auto& [name, defects] : by_query) {
    if (FindQuery(name) == nullptr) return false;
    for (const std::string& defect : defects) {
      if (QueryDefects().count(defect) == 0) return false;
    }
  }
  return true;
}

std::set<std::string> PromptNames() {
  std::set<std::string> names;
  for (const QueryDefinition& query : Queries()) {
    for (const Prompt& prompt : query.prompts) names.insert(prompt.name);
  }
  return names;
}

// How this site's queries differ from what was asked for.
void ReadQueries(ConfigReader& reader, SiteConfig& site) {
  reader.TextSet("omit_queries", site.omit_queries);
  for (const std::string& name : site.omit_queries) {
    if (FindQuery(name) == nullptr) reader.Problem("omit_queries", "names of queries");
  }
  reader.TextSets("omit_columns", site.omit_columns);
  if (!AreColumns(site.omit_columns)) {
    reader.Problem("omit_columns", "columns such as A.PO_ID, by a query that has them");
  }
  reader.TextSets("query_defects", site.query_defects);
  if (!AreDefects(site.query_defects)) {
    reader.Problem("query_defects", "by query " + absl::StrJoin(QueryDefects(), "|"));
  }
  reader.Choice<std::string>("query_owner", site.query_owner,
                             {{"public", "public"}, {"private", "private"}});
  reader.TextMap("prompt_names", site.prompt_names, PromptNames());
  reader.Choice<bool>("time_granularity", site.days, {{"seconds", false}, {"days", true}});
  reader.Number("clock_offset_seconds", site.clock_offset_seconds, -100'000'000, 100'000'000);
}

absl::StatusOr<SiteConfig> Read(const nlohmann::json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("config: want a JSON object");
  SiteConfig site;
  site.source = json;
  ConfigReader reader(json);
  ReadListeners(reader, site);
  ReadAccess(reader, site);
  ReadSite(reader, site);
  ReadForms(reader, site);
  ReadQueries(reader, site);
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return site;
}

}  // namespace

absl::StatusOr<SiteConfig> ParseConfig(const std::string& json_text) {
  return Read(nlohmann::json::parse(json_text, nullptr, /*allow_exceptions=*/false));
}

absl::StatusOr<SiteConfig> ChangeConfig(const SiteConfig& site, const std::string& json_text) {
  const auto change = nlohmann::json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!change.is_object()) return absl::InvalidArgumentError("config: want a JSON object");
  for (const char* const key :
       {"api_listen", "admin_listen", "tls_certificate_file", "tls_key_file"}) {
    if (change.contains(key)) {
      return absl::InvalidArgumentError(std::string(key) + ": cannot change while it listens");
    }
  }
  nlohmann::json changed = site.source;
  changed.update(change);
  return Read(changed);
}

}  // namespace psups::peoplesoft_sandbox
