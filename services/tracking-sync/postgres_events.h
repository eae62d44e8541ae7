#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/envelope.h"
#include "common/postgres.h"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/tracker.h"

namespace psups::tracking_sync {

// How things are written in the tables.
std::string TimeText(absl::Time time);  // timestamptz in an array
std::string DocumentTypeText(type::v1::DocumentType type);
type::v1::DocumentType DocumentTypeOf(const std::string& text);
ParcelStatus StatusOf(const std::string& text);
EventSource SourceOf(const std::string& text);
// The row that an event's ciphertext is bound to.
std::string EventRow(const std::string& tracking_number, const std::string& event_id);

// A tracker as far as new events need it.
struct Live {
  std::string tracking_number;
  std::string connection;
  std::string document_type;
  std::string business_unit;
  std::string document_id;
  std::vector<std::string> line_numbers;
  std::vector<std::string> schedule_numbers;
  std::vector<std::string> quantities;
  std::string shipment;
  std::string trace_id;
  ParcelStatus status = tracking::v1::STATUS_UNSPECIFIED;
};

extern const char kLiveColumns[];
Live LiveOf(const Row& row);

// A tracker and what new scans did to it.
struct Done {
  Live live;
  Outcome outcome;
};

using Incoming = std::map<std::string, std::vector<Event>>;  // by tracking number

// Counts what was stored, after the commit.
void CountEvents(const std::vector<Done>& dones);

// Writes what new scans do: events, numbered updates, status changes, the trackers' statuses and
// due times, and the audit entries, all in the caller's transaction.
class EventWriter {
 public:
  EventWriter(Db& db, Sealer& sealer, Timing timing) : db_(db), sealer_(sealer), timing_(timing) {}

  // Loads the data keys of these connections, so that sealing inside a transaction needs no second
  // connection to the database. To be called before it begins.
  absl::Status WarmKeys(const std::set<std::string>& connections);
  absl::Status WarmKeysOf(const std::set<std::string>& tracking_numbers);

  // Applies events to the trackers that exist; locks them in key order, and their schedules'
  // counters after them. Returns the trackers that exist, whether anything changed or not.
  absl::StatusOr<std::vector<Done>> Add(Tx& tx, const Incoming& incoming,
                                        const std::map<std::string, int>& webhooks,
                                        const std::string& actor);
  // Writes the events of trackers just made, with their updates and status changes.
  absl::Status Write(Tx& tx, const std::vector<Done>& dones);

 private:
  absl::Status WriteEvents(Tx& tx, const std::vector<Done>& dones);
  absl::Status WriteUpdates(Tx& tx, const std::vector<Done>& dones);
  absl::Status WriteChanges(Tx& tx, const std::vector<Done>& dones);
  absl::Status WriteStatuses(Tx& tx, const std::vector<Done>& dones);

  Db& db_;
  Sealer& sealer_;
  const Timing timing_;
};

}  // namespace psups::tracking_sync
