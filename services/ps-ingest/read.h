#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/ps-ingest/document.h"
#include "services/ps-ingest/ports.h"
#include "services/ps-ingest/ps_error.h"
#include "services/ps-ingest/window.h"

namespace psups::ps_ingest {

// "query PSUPS_PO": what a read is called in sentences.
std::string ReadName(const orders::v1::Connection& connection, type::v1::DocumentType type);

// The most bytes of an answer that are read.
std::size_t MostBytes(const orders::v1::Connection& connection);

// PeopleSoft's clock by the Date header of a reply.
std::optional<absl::Time> ServerTime(const PeopleSoft::Reply& reply);

// A reply to a read of documents, understood; `what` it is called in sentences.
struct Answer {
  std::optional<PsError> error = {};
  int rows = 0;
  bool full = false;                // as many rows as were asked for: the rest may be missing
  Documents documents = {};         // judged; with an error of kind kData, the readable ones
  std::optional<int> counted = {};  // what the site's count query told
  bool goes_on = false;             // there is a document behind the last one
};
Answer Understand(const PeopleSoft::Reply& reply, const orders::v1::Connection& connection,
                  type::v1::DocumentType type, int asked, const std::string& what);

// The result of a query, or why there is none. `what` is what it is called in sentences.
struct ResultOrError {
  std::optional<PsError> error = {};
  QueryResult result = {};
};
ResultOrError ReadResult(const PeopleSoft::Reply& reply, std::string_view what);

// The number that a count query answered.
struct CountOrError {
  std::optional<PsError> error = {};
  int count = 0;
};
CountOrError UnderstandCount(const PeopleSoft::Reply& reply, std::string_view what);

}  // namespace psups::ps_ingest
