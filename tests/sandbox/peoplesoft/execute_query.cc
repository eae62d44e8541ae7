#include "tests/sandbox/peoplesoft/execute_query.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/http_message.h"
#include "tests/sandbox/peoplesoft/render.h"

namespace psups::peoplesoft_sandbox {
namespace {

using Variables = std::map<std::string, std::string>;  // values not decoded

Variables SplitQuery(const std::string& query_string) {
  Variables variables;
  for (const std::string& pair : std::vector<std::string>(absl::StrSplit(query_string, '&'))) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) continue;
    variables.emplace(PercentDecode(pair.substr(0, equals)), pair.substr(equals + 1));
  }
  return variables;
}

std::string Value(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

// A positional list: split at its literal commas first, decoded then.
std::vector<std::string> List(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    parts.push_back(PercentDecode(part));
  }
  return parts;
}

absl::Status Complain(const std::string& what) { return absl::InvalidArgumentError(what); }

// A prompt's name at this site.
std::string NameOf(const Prompt& prompt, const SiteConfig& site) {
  const auto name = site.prompt_names.find(prompt.name);
  return name == site.prompt_names.end() ? prompt.name : name->second;
}

// The prompt of that name, or null.
const Prompt* FindPrompt(const SiteConfig& site, const QueryCall& call, const std::string& name) {
  for (const Prompt& prompt : call.query->prompts) {
    const bool missing =
        call.selection.Has("no_after_prompt") && absl::StartsWith(prompt.name, "AFTER_");
    if (!missing && NameOf(prompt, site) == name) return &prompt;
  }
  return nullptr;
}

// A value of FROM_DTTM or TO_DTTM; where the site keeps days only, the end is the day's.
std::optional<LocalTime> ParseTime(const SiteConfig& site, const QuerySelection& selection,
                                   const Prompt& prompt, const std::string& value) {
  if (!site.days) return ParseLocal(value, site.prompt_datetime_form);
  std::optional<LocalTime> time = ParseLocal(value + "T00:00:00", DateTimeForm::kT);
  if (time && prompt.name == "TO_DTTM" && !selection.Has("exclusive_end")) {
    time = {time->first + 24 * 60 * 60 - 1, 999'999};
  }
  return time;
}

absl::Status ParseWindow(const SiteConfig& site, const Prompt& prompt, QuerySelection& selection) {
  if (prompt.name != "FROM_DTTM" && prompt.name != "TO_DTTM") return absl::OkStatus();
  const auto time = ParseTime(site, selection, prompt, selection.Prompt(prompt.name));
  if (!time) {
    return Complain(absl::StrCat("Prompt ", NameOf(prompt, site), " is not a date",
                                 site.days ? "." : " and time."));
  }
  (prompt.name == "FROM_DTTM" ? selection.from : selection.to) = *time;
  return absl::OkStatus();
}

absl::Status ParsePrompts(const SiteConfig& site, const Variables& variables, QueryCall& call) {
  const std::vector<std::string> names = List(Value(variables, "prompt_uniquepromptname"));
  const std::vector<std::string> values = List(Value(variables, "prompt_fieldvalue"));
  if (names.size() != values.size()) {
    return Complain(absl::StrCat(names.size(), " prompt names, ", values.size(), " values"));
  }
  std::map<std::string, std::string>& prompts = call.selection.prompts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Prompt* const prompt = FindPrompt(site, call, names[i]);
    if (prompt == nullptr) return Complain("Prompt " + names[i] + " is not one of the query's.");
    const std::string value(absl::StripTrailingAsciiWhitespace(values[i]));
    if (!value.empty()) prompts.emplace(prompt->name, value);
  }
  for (const Prompt& prompt : call.query->prompts) {
    if (prompt.required && prompts.count(prompt.name) == 0) {
      return Complain(absl::StrCat("Required prompt ", NameOf(prompt, site), " has no value."));
    }
    if (absl::Status status = ParseWindow(site, prompt, call.selection); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// 0 asks for the profile's maximum and -1 for all rows; the profile cuts whatever was asked.
absl::Status ParseLimit(const SiteConfig& site, const Variables& variables, QueryCall& call) {
  int64_t asked = 0;
  if (!absl::SimpleAtoi(Value(variables, "maxrows"), &asked) || asked < -1) {
    return Complain("maxrows is required and is a number.");
  }
  long& limit = call.selection.limit;
  limit = std::max<int64_t>(asked, 0);
  if (site.row_cap > 0) limit = limit > 0 ? std::min(limit, site.row_cap) : site.row_cap;
  return absl::OkStatus();
}

absl::Status ParseColumns(const SiteConfig& site, const Variables& variables, QueryCall& call) {
  const auto omitted = site.omit_columns.find(call.query->name);
  std::vector<Column> columns;
  for (const Column& column : call.query->columns) {
    const bool is_there =
        omitted == site.omit_columns.end() || omitted->second.count(column.alias_name) == 0;
    if (is_there) columns.push_back(column);
  }
  const std::vector<std::string> wanted = List(Value(variables, "filterfields"));
  for (const std::string& name : wanted) {
    const auto column = std::find_if(columns.begin(), columns.end(), [&](const Column& known) {
      return WireName(known, site) == name;
    });
    if (column == columns.end()) return Complain("No field " + name + " to filter by.");
    call.columns.push_back(*column);
  }
  if (wanted.empty()) call.columns = std::move(columns);
  return absl::OkStatus();
}

// The query of that name, null if the site has none there.
const QueryDefinition* FindAtSite(const SiteConfig& site, const std::string& owner,
                                  const std::string& name) {
  return owner == site.query_owner && site.omit_queries.count(name) == 0 ? FindQuery(name)
                                                                         : nullptr;
}

}  // namespace

absl::StatusOr<QueryCall> ParseQueryCall(const SiteConfig& site,
                                         const std::vector<std::string>& segments,
                                         const std::string& query_string) {
  if (segments.size() != 4) return Complain("The query's URL wants owner, name, type and format.");
  const std::string owner = absl::AsciiStrToLower(segments[0]);
  const std::string type = absl::AsciiStrToUpper(segments[2]);
  if (owner != "public" && owner != "private") return Complain("Owner is public or private.");
  if (type != "JSON" && type != "XMLP") {
    return Complain("OutResultType " + type + " is not supported here; JSON and XMLP are.");
  }
  if (absl::AsciiStrToUpper(segments[3]) != "NONFILE")
    return Complain("Only NONFILE runs at once.");

  QueryCall call;
  call.query = FindAtSite(site, owner, segments[1]);
  if (call.query == nullptr) {
    return Complain(absl::StrCat("Query ", segments[1], " does not exist or you have no access."));
  }
  if (const auto defects = site.query_defects.find(segments[1]);
      defects != site.query_defects.end()) {
    call.selection.defects = defects->second;
  }
  const Variables variables = SplitQuery(query_string);
  const std::string connected = absl::AsciiStrToUpper(Value(variables, "isconnectedquery"));
  if (connected != "N") {
    return Complain(connected == "Y" ? segments[1] + " is not a connected query."
                                     : "isconnectedquery is required and is Y or N.");
  }
  if (absl::Status status = ParseLimit(site, variables, call); !status.ok()) return status;
  if (absl::Status status = ParsePrompts(site, variables, call); !status.ok()) return status;
  if (absl::Status status = ParseColumns(site, variables, call); !status.ok()) return status;
  call.json = Value(variables, "json_resp") == "true" || (type == "JSON" && site.json_without_flag);
  return call;
}

}  // namespace psups::peoplesoft_sandbox
