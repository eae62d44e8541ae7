#include "tests/sandbox/peoplesoft/config.h"

#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace psups::peoplesoft_sandbox {
namespace {

using Json = nlohmann::json;

// Takes keys out of an object one by one and remembers what was wrong with them.
class Reader {
 public:
  explicit Reader(Json object) : object_(std::move(object)) {}

  void Text(const char* key, std::string& value, bool required = false) {
    const Json found = Take(key);
    if (found.is_string() && !(required && found.get_ref<const std::string&>().empty())) {
      value = found;
    } else if (required || !found.is_null()) {
      Problem(key, "a string");
    }
  }

  void Flag(const char* key, bool& value) {
    const Json found = Take(key);
    if (found.is_boolean()) {
      value = found;
    } else if (!found.is_null()) {
      Problem(key, "true or false");
    }
  }

  template <typename Integer>
  void Number(const char* key, Integer& value, long low, long high) {
    const Json found = Take(key);
    if (found.is_null()) return;
    if (found.is_number_integer() && found >= low && found <= high) {
      value = found;
    } else {
      Problem(key, absl::StrCat(low, "..", high));
    }
  }

  void Texts(const char* key, std::set<std::string>& value) {
    const Json found = Take(key);
    if (found.is_null()) return;
    std::set<std::string> texts;
    for (const Json& text : found) {
      if (!found.is_array() || !text.is_string()) return Problem(key, "a list of strings");
      texts.insert(text);
    }
    value = std::move(texts);
  }

  template <typename Value>
  void Choice(const char* key, Value& value, const std::map<std::string, Value>& choices) {
    const Json found = Take(key);
    if (found.is_null()) return;
    const auto chosen = found.is_string() ? choices.find(found) : choices.end();
    if (chosen != choices.end()) {
      value = chosen->second;
    } else {
      Problem(key, absl::StrJoin(choices, "|", [](std::string* out, const auto& choice) {
                out->append(choice.first);
              }));
    }
  }

  void Problem(const std::string& key, const std::string& wish) {
    problems_.push_back(absl::StrCat(key, ": want ", wish));
  }

  absl::Status Finish() {
    for (const auto& [key, value] : object_.items()) problems_.push_back("unknown key " + key);
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("config: ", absl::StrJoin(problems_, "; ")));
  }

 private:
  Json Take(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    Json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  Json object_;
  std::vector<std::string> problems_ = {};
};

}  // namespace

absl::StatusOr<SiteConfig> ParseConfig(const std::string& json_text) {
  Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("config: want a JSON object");

  SiteConfig site;
  std::string zone = "America/New_York";
  Reader reader(std::move(json));
  reader.Text("api_listen", site.api_listen);
  reader.Text("admin_listen", site.admin_listen);
  reader.Text("tls_certificate_file", site.tls_certificate_file);
  reader.Text("tls_key_file", site.tls_key_file);
  reader.Text("path_prefix", site.path_prefix);
  reader.Text("node", site.node, /*required=*/true);
  reader.Text("oprid", site.oprid, /*required=*/true);
  reader.Text("password", site.password, /*required=*/true);
  reader.Text("write_back_path", site.write_back_path);
  reader.Texts("operations", site.operations);
  reader.Choice<bool>("service_status", site.production,
                      {{"Production", true}, {"Development", false}});
  reader.Text("base_time_zone", zone);
  reader.Choice<bool>("timestamps", site.fractions, {{"seconds", false}, {"fractions", true}});
  reader.Number("row_cap", site.row_cap, 0, 10'000'000);
  reader.Texts("row_security_business_units", site.row_security_business_units);
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
  reader.Number("auth_failure_status", site.auth_failure_status, 200, 599);
  reader.Number("permission_failure_status", site.permission_failure_status, 200, 599);
  reader.Flag("www_authenticate", site.www_authenticate);
  reader.Text("set_cookie", site.set_cookie);
  if (!absl::LoadTimeZone(zone, &site.base_time_zone)) {
    reader.Problem("base_time_zone", "a name from the time zone database");
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return site;
}

}  // namespace psups::peoplesoft_sandbox
