#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/backoff.h"
#include "services/ps-ingest/names.h"
#include "services/ps-ingest/ports.h"
#include "services/ps-ingest/read.h"

namespace psups::ps_ingest {

struct PollRules {
  absl::Duration lease = absl::Seconds(15);
  Backoff retry = {.first = absl::Seconds(1), .cap = absl::Seconds(30)};
  // Between looks at a site that is set up wrongly: it heals when its administrator mends it.
  absl::Duration setup_retry = absl::Seconds(60);
  int most_in_flight = 64;
};

// An answered read of a window.
struct Reading {
  Window window = {};
  std::string call_id = {};
  int asked = 0;     // rows, at most
  bool sent = true;  // see PeopleSoft::Reply
  Answer answer = {};
  std::optional<absl::Time> server_time_at_start = {};
  absl::Duration took = absl::ZeroDuration();
};

// What a reading makes of the cursor and the orders; the rule behind the poller. `stored` is what
// is known of the answer's documents.
ReadOutcome Settle(const PollLease& poll, Reading reading,
                   const std::map<std::string, StoredRevision>& stored, const PollRules& rules,
                   const Deriver& derive);

// What documents say that is new, and the ids of those that are older than what is stored.
struct Novelties {
  std::vector<NewRevision> revisions = {};
  std::vector<orders::v1::Order> touched = {};
  std::vector<std::string> refused = {};
};
Novelties FindNovelties(std::vector<Document> documents,
                        const std::map<std::string, StoredRevision>& stored, absl::Time read_start,
                        absl::TimeZone zone, const Deriver& derive);

orders::v1::Window WindowRecord(const PollLease& poll, const Window& window);

// How a call ended, for its entry: a call that never left, of which PeopleSoft knows nothing, is
// told apart.
std::string CallOutcome(const PeopleSoft::Reply& reply, std::string outcome);

// The ledger's entry of one call to a query.
AuditEntry QueryEntry(const orders::v1::Connection& connection, const std::string& query,
                      const std::string& call_id, const std::string& outcome);

}  // namespace psups::ps_ingest
