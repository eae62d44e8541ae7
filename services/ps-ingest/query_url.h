#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace psups::ps_ingest {

// One run of a query by the Query Access Service.
struct QueryRequest {
  std::string base_url = {};  // without the node
  std::string node = {};
  std::string query = {};
  bool is_private = false;  // the user's own query
  bool xmlp = false;        // XML instead of JSON
  int max_rows = 0;
  std::vector<std::pair<std::string, std::string>> prompts = {};  // name, value
};

// The URL to GET. Prompt names and values are two lists whose commas stand as they are, so a value
// with a comma in it cannot be sent: INVALID_ARGUMENT naming the prompt.
absl::StatusOr<std::string> QueryUrl(const QueryRequest& request);

// The URL of an operation below the node; `path` keeps its slashes.
std::string OperationUrl(std::string_view base_url, std::string_view node, std::string_view path);

}  // namespace psups::ps_ingest
