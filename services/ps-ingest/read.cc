#include "services/ps-ingest/read.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/query_result.h"
#include "services/ps-ingest/query_url.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;

constexpr std::size_t kRowBytes = 8 << 10;
constexpr std::size_t kLeastBytes = 4 << 20;
constexpr std::size_t kMostBytes = 256 << 20;

// "2026-11-23 14:00:00", as date-time prompts take it.
std::string Prompt(absl::CivilSecond time) {
  return absl::StrReplaceAll(absl::FormatCivilTime(time), {{"T", " "}});
}

Answer Failed(PsErrorKind kind, std::string sentence) {
  return {.error = PsError{kind, std::move(sentence)}};
}

}  // namespace

absl::StatusOr<std::string> WindowUrl(const pb::Connection& connection, type_pb::DocumentType type,
                                      const Window& window, int max_rows) {
  const absl::TimeZone zone = ZoneOf(connection);
  return QueryUrl({.base_url = connection.base_url(),
                   .node = connection.node(),
                   .query = QueryOf(connection, type),
                   .max_rows = max_rows,
                   .prompts = {{"FROM_DTTM", Prompt(LocalStart(window.from, zone))},
                               {"TO_DTTM", Prompt(LocalEnd(window.to, zone))}}});
}

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

Answer Understand(const PeopleSoft::Reply& reply, const pb::Connection& connection,
                  type_pb::DocumentType type, int max_rows) {
  const std::string what = ReadName(connection, type);
  if (auto error = FindError(reply.response, what)) return {.error = std::move(error)};
  const absl::StatusOr<QueryResult> result = ParseQueryResult(reply.response->body);
  if (!result.ok()) {
    return Failed(PsErrorKind::kTransient,
                  absl::StrCat(what, ": ", result.status().message(), "; tried again"));
  }
  if (result->status != "success") return {.error = NotSuccess(reply.response->body, what)};

  Answer answer = {.rows = static_cast<int>(result->rows.size())};
  const long long told = result->row_count.value_or(answer.rows);
  if (told >= max_rows || answer.rows >= max_rows) {
    answer.truncated = true;
    return answer;
  }
  if (told != answer.rows) {
    return Failed(PsErrorKind::kTransient,
                  absl::StrCat(what, ": ", answer.rows, " rows came where ", told,
                               " were announced; tried again"));
  }
  if (answer.rows == 0) return answer;
  const absl::StatusOr<ColumnIndex> columns = FindColumns(
      result->columns, {connection.column_map().begin(), connection.column_map().end()}, type);
  if (!columns.ok()) {
    return Failed(PsErrorKind::kConfig, absl::StrCat(what, ": ", columns.status().message()));
  }
  Documents documents =
      ReadDocuments(*result, *columns, connection.name(), type, ZoneOf(connection));
  if (!documents.fault.ok()) {
    answer.error =
        PsError{PsErrorKind::kData, absl::StrCat(what, ": ", documents.fault.message(),
                                                 "; correct the document or the column map")};
  }
  answer.documents = std::move(documents.readable);
  const ShippingRules rules = RulesOf(connection, type);
  for (Document& document : answer.documents) Judge(document, rules);
  return answer;
}

}  // namespace psups::ps_ingest
