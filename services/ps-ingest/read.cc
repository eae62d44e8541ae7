#include "services/ps-ingest/read.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/query_result.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;

constexpr std::size_t kRowBytes = 8 << 10;
constexpr std::size_t kLeastBytes = 4 << 20;
constexpr std::size_t kMostBytes = 256 << 20;

Answer Failed(PsErrorKind kind, std::string sentence) {
  return {.error = PsError{kind, std::move(sentence)}};
}

bool ReadsBoth(const pb::Connection& connection) {
  return connection.document_types().empty() || connection.document_types_size() == 2;
}

}  // namespace

std::string ReadName(const pb::Connection& connection, type_pb::DocumentType type) {
  return absl::StrCat("query ", QueryOf(connection, type));
}

std::size_t MostBytes(const pb::Connection& connection) {
  return std::clamp(static_cast<std::size_t>(connection.max_rows()) * kRowBytes, kLeastBytes,
                    kMostBytes);
}

std::optional<absl::Time> ServerTime(const PeopleSoft::Reply& reply) {
  if (!reply.response.ok()) return std::nullopt;
  const std::string date(FindHeader(reply.response->headers, "Date"));
  absl::Time time;
  std::string ignored;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", date, &time, &ignored)) return std::nullopt;
  return time;
}

ResultOrError ReadResult(const PeopleSoft::Reply& reply, std::string_view what) {
  if (auto error = FindError(reply.response, what)) return {.error = std::move(error)};
  absl::StatusOr<QueryResult> result = ParseQueryResult(reply.response->body);
  if (!result.ok()) {
    return {.error = PsError{
                PsErrorKind::kTransient,
                absl::StrCat(std::string(what), ": ", result.status().message(), "; tried again")}};
  }
  if (result->status != "success") return {.error = NotSuccess(reply.response->body, what)};
  return {.result = *std::move(result)};
}

Answer Understand(const PeopleSoft::Reply& reply, const pb::Connection& connection,
                  type_pb::DocumentType type, int asked, const std::string& what) {
  ResultOrError read = ReadResult(reply, what);
  if (read.error.has_value()) return {.error = std::move(read.error)};
  const QueryResult& result = read.result;

  Answer answer = {.rows = static_cast<int>(result.rows.size())};
  const long long told = result.row_count.value_or(answer.rows);
  answer.full = told >= asked || answer.rows >= asked;
  if (told != answer.rows && !answer.full) {
    return Failed(PsErrorKind::kTransient,
                  absl::StrCat(what, ": ", answer.rows, " rows came where ", told,
                               " were announced; tried again"));
  }
  if (answer.rows == 0) return answer;
  const absl::StatusOr<ColumnIndex> columns = FindColumns(
      result.columns, {connection.column_map().begin(), connection.column_map().end()}, type);
  if (!columns.ok()) {
    return Failed(PsErrorKind::kConfig, absl::StrCat(what, ": ", columns.status().message()));
  }
  if (type == type_pb::PURCHASE_ORDER && ReadsBoth(connection)) {
    for (const Column column : {Column::kSourceUnit, Column::kSourceDocument, Column::kSourceLine,
                                Column::kSourceSchedule}) {
      if ((*columns)[static_cast<std::size_t>(column)] >= 0) continue;
      return Failed(PsErrorKind::kConfig,
                    absl::StrCat(what, ": ", MissingColumn(ColumnName(column, type)),
                                 ", or read one document type only: without it an order could ship "
                                 "after the requisition it came from"));
    }
  }
  answer.documents = ReadDocuments(result, *columns, connection.name(), type, ZoneOf(connection));
  if (const absl::Status& fault = answer.documents.fault; !fault.ok()) {
    answer.error = PsError{
        PsErrorKind::kData,
        absl::StrCat(what, ": ", fault.message(), "; correct the document or the column map")};
  }
  const ShippingRules rules = RulesOf(connection, type);
  for (Document& document : answer.documents.readable) Judge(document, rules);
  return answer;
}

CountOrError UnderstandCount(const PeopleSoft::Reply& reply, std::string_view what) {
  ResultOrError read = ReadResult(reply, what);
  if (read.error.has_value()) return {.error = std::move(read.error)};
  const std::vector<int> at = FindByName(read.result.columns, {"ROW_COUNT"}, {}, "");
  int64_t count = -1;
  if (read.result.rows.size() == 1 && at[0] >= 0) {
    const absl::StatusOr<Decimal> number = Decimal::Parse(read.result.rows[0][at[0]]);
    if (number.ok()) count = number->Floor();
  }
  if (count < 0 || count > INT32_MAX) {
    return {.error = PsError{PsErrorKind::kConfig,
                             absl::StrCat(std::string(what),
                                          ": want one row with a number in column ROW_COUNT")}};
  }
  return {.count = static_cast<int>(count)};
}

}  // namespace psups::ps_ingest
