#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace psups::ps_ingest {

// What a query answered. Numbers stand as the digits that came, never as floating point.
struct QueryResult {
  std::string status = {};
  std::optional<long long> row_count = {};  // numrows, if it came
  std::vector<std::string> columns = {};
  // A value for each column; absent where the row has none. Texts are trimmed.
  std::vector<std::vector<std::string>> rows = {};
};

// Reads what the Query Access Service answered, JSON or XMLP, whichever came. INVALID_ARGUMENT,
// without any of the body, if it is neither or ends too early.
absl::StatusOr<QueryResult> ParseQueryResult(std::string_view body);

// The same of a body that is XMLP.
absl::StatusOr<QueryResult> ParseXmlpResult(std::string_view body);

// "1.5E+3" → "1500"; a number without an exponent stays as it is.
std::string WithoutExponent(std::string_view number);

}  // namespace psups::ps_ingest
