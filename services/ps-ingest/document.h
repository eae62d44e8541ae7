#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/eligibility.h"
#include "services/ps-ingest/query_result.h"
#include "services/ps-ingest/window.h"

namespace psups::ps_ingest {

// A purchase order or requisition as one read showed it.
struct Document {
  // Normalised; without name, revision, state, trace and times of ours.
  orders::v1::Order order = {};
  // What the eligibility of each of order.schedules rests on.
  std::vector<ScheduleFacts> facts = {};
  // ADDRESS_SEQ_NUM of each schedule's vendor; 0: the document names none.
  std::vector<int32_t> vendor_addresses = {};
};

// What a read brought.
struct Documents {
  std::vector<Document> readable = {};
  // INVALID_ARGUMENT naming document and column, not the value, of the first that cannot be
  // understood: no row of such a document counts.
  absl::Status fault = absl::OkStatus();
  // The last row's document, and whether all rows stand in the order of the documents' keys: only
  // then can a cut answer go on from a document.
  DocumentId last = {};
  std::optional<DocumentId> before_last = {};
  bool ordered = true;
};

// The rows grouped by document, line and schedule; further rows of a schedule (its
// distributions, doubles) add only what it was sourced to or came from. Nothing is readable
// if a row does not say which document it is of.
Documents ReadDocuments(const QueryResult& result, const ColumnIndex& columns,
                        const std::string& connection, type::v1::DocumentType type,
                        absl::TimeZone zone);

// Sets each schedule's ineligible_reason.
void Judge(Document& document, const ShippingRules& rules);

DocumentId IdOf(const orders::v1::Order& order);

// Whether any schedule may ship.
bool HasEligible(const orders::v1::Order& order);

}  // namespace psups::ps_ingest
