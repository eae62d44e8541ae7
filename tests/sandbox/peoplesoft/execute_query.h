#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/sandbox/peoplesoft/config.h"
#include "tests/sandbox/peoplesoft/query.h"

namespace psups::peoplesoft_sandbox {

// One call of QAS_EXECUTEQRY_REST_GET, understood.
struct QueryCall {
  const QueryDefinition* query = nullptr;
  std::vector<Column> columns = {};  // all, or those of filterfields
  QuerySelection selection = {};     // as far as the caller says: prompts and limit
  bool json = true;
};

// `segments` is the decoded path after ExecuteQuery.v1, `query_string` the part after '?' as sent.
// INVALID_ARGUMENT saying what PeopleSoft would complain of.
absl::StatusOr<QueryCall> ParseQueryCall(const SiteConfig& site,
                                         const std::vector<std::string>& segments,
                                         const std::string& query_string);

}  // namespace psups::peoplesoft_sandbox
