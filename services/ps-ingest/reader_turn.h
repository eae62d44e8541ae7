#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// Sends and waits for the reply. Not on a thread of the client's.
PeopleSoft::Reply SendAndWait(PeopleSoft& people_soft, const PeopleSoft::Call& call);

// The right to read as a connection's user (OPRID) beside the polls, which read one at a time for
// each; given back at the end.
class ReaderTurn {
 public:
  // Waits a few seconds: reads of the poll loop are short as a rule. UNAVAILABLE after that.
  static absl::StatusOr<ReaderTurn> Take(ConnectionStore& store,
                                         const orders::v1::Connection& connection,
                                         absl::Duration lease);
  ReaderTurn(ReaderTurn&& other) noexcept;
  ReaderTurn& operator=(ReaderTurn&&) = delete;
  ~ReaderTurn();

 private:
  ReaderTurn(ConnectionStore& store, std::string key, std::string token)
      : store_(&store), key_(std::move(key)), token_(std::move(token)) {}

  ConnectionStore* store_;
  std::string key_;
  std::string token_;
};

}  // namespace psups::ps_ingest
