#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/document.h"
#include "services/ps-ingest/query_result.h"

namespace psups::ps_ingest {

using Check = orders::v1::TestConnectionResponse::Check;

// What a sample of a site's documents says about how its query was built; the rules behind the
// doctor. No finding repeats a value.
struct Sample {
  type::v1::DocumentType type = type::v1::PURCHASE_ORDER;
  std::string query = {};
  QueryResult result = {};
  Documents documents = {};
  bool whole = true;  // no more rows than these
};

Check MakeCheck(std::string subject, bool ok, std::string finding);

// One for each column that the setup guide wants and the query lacks; one that lists those that are
// there, each with its type in the sample.
std::vector<Check> CheckColumns(const orders::v1::Connection& connection, const Sample& sample);

// Whether the documents stand in the order of their keys, and come whatever their status is.
std::vector<Check> CheckRows(const orders::v1::Connection& connection, const Sample& sample);

// Whether the times of last change can be of the connection's base time zone.
Check CheckZone(const orders::v1::Connection& connection, const Sample& sample,
                absl::Time server_now);

}  // namespace psups::ps_ingest
