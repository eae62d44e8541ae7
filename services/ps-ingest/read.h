#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/ps-ingest/document.h"
#include "services/ps-ingest/ports.h"
#include "services/ps-ingest/ps_error.h"
#include "services/ps-ingest/window.h"

namespace psups::ps_ingest {

// The URL of a query over a window.
absl::StatusOr<std::string> WindowUrl(const orders::v1::Connection& connection,
                                      type::v1::DocumentType type, const Window& window,
                                      int max_rows);

// "query PSUPS_PO": what a read is called in sentences.
std::string ReadName(const orders::v1::Connection& connection, type::v1::DocumentType type);

// The most bytes of an answer that are read.
std::size_t MostBytes(const orders::v1::Connection& connection);

// PeopleSoft's clock by the Date header of a reply.
std::optional<absl::Time> ServerTime(const PeopleSoft::Reply& reply);

// A reply to a read, understood.
struct Answer {
  std::optional<PsError> error = {};
  int rows = 0;
  bool truncated = false;                // as many rows as were asked for: the rest may be missing
  std::vector<Document> documents = {};  // judged; with an error of kind kData, the readable ones
};
Answer Understand(const PeopleSoft::Reply& reply, const orders::v1::Connection& connection,
                  type::v1::DocumentType type, int max_rows);

}  // namespace psups::ps_ingest
