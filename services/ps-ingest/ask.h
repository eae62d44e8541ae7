#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/window.h"

namespace psups::ps_ingest {

// The URLs by which a connection's queries are asked. INVALID_ARGUMENT: a value cannot stand in a
// prompt (a comma).

// The documents of a window, after cursor.after if the window was read up to there.
absl::StatusOr<std::string> WindowUrl(const orders::v1::Connection& connection,
                                      type::v1::DocumentType type, const Window& window,
                                      const std::optional<DocumentId>& after, int max_rows);

// How many rows the same has; for a connection with a count query.
absl::StatusOr<std::string> CountUrl(const orders::v1::Connection& connection,
                                     type::v1::DocumentType type, const Window& window,
                                     const std::optional<DocumentId>& after);

// Documents of a business unit by their ids, at most kIdPrompts.
absl::StatusOr<std::string> KeyUrl(const orders::v1::Connection& connection,
                                   type::v1::DocumentType type, const std::string& business_unit,
                                   const std::vector<std::string>& ids, int max_rows);

// Rows of a query by a SETID, where it has one, and ids, at most kIdPrompts.
absl::StatusOr<std::string> LookupUrl(const orders::v1::Connection& connection,
                                      const std::string& query,
                                      const std::optional<std::string>& setid,
                                      const std::vector<std::string>& ids, int max_rows);

// Whether the window queries can go on after a document.
bool CanGoOn(const orders::v1::Connection& connection);

const std::string& CountQueryOf(const orders::v1::Connection& connection,
                                type::v1::DocumentType type);
const std::string& KeyQueryOf(const orders::v1::Connection& connection,
                              type::v1::DocumentType type);

}  // namespace psups::ps_ingest
