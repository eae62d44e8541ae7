#include "tests/sandbox/peoplesoft/query.h"

#include "absl/strings/str_cat.h"

namespace psups::peoplesoft_sandbox {

const std::set<std::string>& QueryDefects() {
  static const auto* const defects =
      new std::set<std::string>{"status_filter",     "unordered",     "no_after_prompt",
                                "inner_join_vendor", "exclusive_end", "no_distribution"};
  return *defects;
}

const QueryDefinition* FindQuery(const std::string& name) {
  for (const QueryDefinition& query : Queries()) {
    if (query.name == name) return &query;
  }
  return nullptr;
}

const Json* QueryRow::Find(const Column& column) const {
  const Json* const from = record(column.record);
  if (from == nullptr) return nullptr;
  const auto field = from->find(column.field);
  return field == from->end() ? nullptr : &*field;
}

std::string QuerySelection::Prompt(const std::string& name) const {
  const auto value = prompts.find(name);
  return value == prompts.end() ? "" : value->second;
}

std::set<std::string> QuerySelection::Ids() const {
  std::set<std::string> ids;
  for (int n = 1; n <= 10; ++n) ids.insert(Prompt(absl::StrCat("ID_", n)));
  ids.erase("");
  return ids;
}

std::vector<QueryRow> RunQuery(const QueryDefinition& query, const QuerySelection& selection,
                               const SiteData& data) {
  std::vector<QueryRow> rows;
  for (const QueryRow& row : query.rows(selection, data)) {
    rows.insert(rows.end(), selection.copies, row);
  }
  if (selection.limit > 0 && std::ssize(rows) > selection.limit) rows.resize(selection.limit);
  return rows;
}

}  // namespace psups::peoplesoft_sandbox
