#include "services/ps-ingest/ask.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/prompts.h"
#include "services/ps-ingest/query_url.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;

using Prompts = std::vector<std::pair<std::string, std::string>>;

std::string PromptName(const pb::Connection& connection, const std::string& ours) {
  const auto named = connection.prompt_names().find(ours);
  return named == connection.prompt_names().end() ? ours : named->second;
}

std::string PromptTime(absl::CivilSecond time, pb::Connection::PromptTimeForm form) {
  std::string text = absl::FormatCivilTime(time);
  if (form == pb::Connection::DAY) return text.substr(0, 10);
  if (form != pb::Connection::T) text[10] = ' ';
  return text;
}

Prompts WindowPrompts(const pb::Connection& connection, const Window& window,
                      const std::optional<DocumentId>& after) {
  const absl::TimeZone zone = ZoneOf(connection);
  const pb::Connection::PromptTimeForm form = connection.prompt_time_form();
  const bool days = form == pb::Connection::DAY;
  // Midnight at a window's end belongs to the next day.
  const absl::CivilSecond to =
      days ? absl::ToCivilSecond(std::max(window.from, window.to - absl::Seconds(1)), zone)
           : LocalEnd(window.to, zone);
  Prompts prompts;
  for (const std::string& prompt : connection.window_prompts()) {
    if (const std::size_t equals = prompt.find('='); equals != std::string::npos) {
      prompts.emplace_back(prompt.substr(0, equals), prompt.substr(equals + 1));
      continue;
    }
    std::string value;
    if (prompt == kFromPrompt) value = PromptTime(LocalStart(window.from, zone), form);
    if (prompt == kToPrompt) value = PromptTime(to, form);
    if (prompt == kAfterUnitPrompt && after.has_value()) value = after->business_unit;
    if (prompt == kAfterIdPrompt && after.has_value()) value = after->id;
    prompts.emplace_back(PromptName(connection, prompt), std::move(value));
  }
  return prompts;
}

// All the id prompts are named, those that are not needed blank.
void AddIds(const pb::Connection& connection, const std::vector<std::string>& ids,
            Prompts& prompts) {
  for (std::size_t i = 0; i < kIdPrompts; ++i) {
    prompts.emplace_back(PromptName(connection, absl::StrCat(kIdPrompt, i + 1)),
                         i < ids.size() ? ids[i] : "");
  }
}

absl::StatusOr<std::string> Url(const pb::Connection& connection, const std::string& query,
                                Prompts prompts, int max_rows) {
  return QueryUrl({.base_url = connection.base_url(),
                   .node = connection.node(),
                   .query = query,
                   .is_private = connection.query_owner() == pb::Connection::PRIVATE,
                   .xmlp = connection.result_type() == pb::Connection::XMLP,
                   .max_rows = max_rows,
                   .prompts = std::move(prompts)});
}

}  // namespace

absl::StatusOr<std::string> WindowUrl(const pb::Connection& connection, type_pb::DocumentType type,
                                      const Window& window, const std::optional<DocumentId>& after,
                                      int max_rows) {
  return Url(connection, QueryOf(connection, type), WindowPrompts(connection, window, after),
             max_rows);
}

absl::StatusOr<std::string> CountUrl(const pb::Connection& connection, type_pb::DocumentType type,
                                     const Window& window, const std::optional<DocumentId>& after) {
  return Url(connection, CountQueryOf(connection, type), WindowPrompts(connection, window, after),
             1);
}

absl::StatusOr<std::string> KeyUrl(const pb::Connection& connection, type_pb::DocumentType type,
                                   const std::string& business_unit,
                                   const std::vector<std::string>& ids, int max_rows) {
  Prompts prompts = {{PromptName(connection, kUnitPrompt), business_unit}};
  AddIds(connection, ids, prompts);
  return Url(connection, KeyQueryOf(connection, type), std::move(prompts), max_rows);
}

absl::StatusOr<std::string> LookupUrl(const pb::Connection& connection, const std::string& query,
                                      const std::optional<std::string>& setid,
                                      const std::vector<std::string>& ids, int max_rows) {
  Prompts prompts;
  if (setid.has_value()) prompts.emplace_back(PromptName(connection, kSetidPrompt), *setid);
  AddIds(connection, ids, prompts);
  return Url(connection, query, std::move(prompts), max_rows);
}

bool CanGoOn(const pb::Connection& connection) {
  return std::count(connection.window_prompts().begin(), connection.window_prompts().end(),
                    kAfterIdPrompt) > 0;
}

const std::string& CountQueryOf(const pb::Connection& connection, type_pb::DocumentType type) {
  return type == type_pb::REQUISITION ? connection.requisition_count_query()
                                      : connection.purchase_order_count_query();
}

const std::string& KeyQueryOf(const pb::Connection& connection, type_pb::DocumentType type) {
  return type == type_pb::REQUISITION ? connection.requisition_key_query()
                                      : connection.purchase_order_key_query();
}

}  // namespace psups::ps_ingest
