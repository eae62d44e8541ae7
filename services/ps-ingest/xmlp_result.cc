#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "pugixml.hpp"
#include "services/ps-ingest/query_result.h"

namespace psups::ps_ingest {
namespace {

// The name without its namespace's prefix: namespaces differ from release to release.
std::string_view LocalName(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node Child(const pugi::xml_node& parent, std::string_view name) {
  for (const pugi::xml_node child : parent.children()) {
    if (child.type() == pugi::node_element && LocalName(child) == name) return child;
  }
  return {};
}

// The element that holds the rows: the root, or the root's child.
pugi::xml_node FindQuery(const pugi::xml_document& document) {
  const pugi::xml_node root = document.document_element();
  return LocalName(root) == "query" ? root : Child(root, "query");
}

}  // namespace

absl::StatusOr<QueryResult> ParseXmlpResult(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(
      body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  const pugi::xml_node query = parsed ? FindQuery(document) : pugi::xml_node();
  if (!query) {
    return absl::InvalidArgumentError("the answer is not a query's XML, or its end is missing");
  }
  QueryResult result = {.status = "success"};
  long long count = 0;
  if (absl::SimpleAtoi(query.attribute("numrows").value(), &count)) result.row_count = count;
  std::unordered_map<std::string, std::size_t> columns;
  for (const pugi::xml_node row : query.children()) {
    if (row.type() != pugi::node_element || LocalName(row) != "row") continue;
    std::vector<std::string>& values = result.rows.emplace_back(result.columns.size());
    for (const pugi::xml_node field : row.children()) {
      if (field.type() != pugi::node_element) continue;
      const std::string name(LocalName(field));
      const auto [column, fresh] = columns.try_emplace(name, result.columns.size());
      if (fresh) result.columns.push_back(name);
      if (values.size() <= column->second) values.resize(column->second + 1);
      std::string text = field.child_value();
      absl::StripAsciiWhitespace(&text);
      values[column->second] = std::move(text);
    }
  }
  std::erase_if(result.rows, [](const auto& row) { return row.empty(); });
  for (auto& row : result.rows) row.resize(result.columns.size());
  return result;
}

}  // namespace psups::ps_ingest
