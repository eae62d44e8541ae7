#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/config.h"
#include "tests/sandbox/peoplesoft/query.h"

namespace psups::peoplesoft_sandbox {

struct QueryAnswer {
  const QueryDefinition* query = nullptr;
  std::vector<Column> columns = {};  // those asked for
  std::vector<QueryRow> rows = {};
  long numrows = 0;  // as claimed, not as counted
};

// The column's name on the wire.
const std::string& WireName(const Column& column, const SiteConfig& site);

std::string RenderJson(const QueryAnswer& answer, const SiteConfig& site);

// The XMLP form, as a REST reply carries it.
std::string RenderXml(const QueryAnswer& answer, const SiteConfig& site);

// `text` as XML character data.
std::string XmlEscape(const std::string& text);

}  // namespace psups::peoplesoft_sandbox
