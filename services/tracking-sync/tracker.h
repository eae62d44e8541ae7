#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/tracking-sync/meaning.h"
#include "services/tracking-sync/scan.h"

namespace psups::tracking_sync {

using EventSource = tracking::v1::Event::Source;

// A scan with its identity and meaning. Of stored events only the fields that the rules read are
// filled: not the place's state and country, not the words.
struct Event {
  std::string event_id = {};
  Scan scan = {};
  ParcelStatus status = tracking::v1::UNKNOWN;
  std::string detail = {};
  bool moves = true;
  EventSource source = tracking::v1::Event::OWN;
};

Event MakeEvent(Scan scan, EventSource source);

// Whether PeopleSoft is told: a new delivery date is no status of a parcel.
bool IsReported(const Event& event);

// Our own events: the label was bought, the label was voided. UPS's M and MV are the same ones.
Event LabelCreated(const std::string& tracking_number, absl::Time label_time);
Event Voided(const std::string& tracking_number, absl::Time void_time);

// Where a parcel is.
struct Current {
  ParcelStatus status = tracking::v1::STATUS_UNSPECIFIED;
  std::string detail = {};
  absl::Time time = absl::InfinitePast();
  std::string event_id = {};
};

// The event with the greatest UTC, of equal ones that of the higher rank; but LABEL_CREATED comes
// before everything whatever its time, and DELIVERED and RETURNED are left only by a later-timed
// event that says where the parcel is. Does not depend on the order of `events`.
Current CurrentOf(std::vector<Event> events);

// What new scans do to a parcel.
struct Applied {
  Event event;
  bool is_current = false;  // it was the current one when it was applied
  bool changed = false;     // and changed status or detail
};
struct Outcome {
  std::vector<Applied> added;  // without doubles, oldest first
  Current current;
};

// Adds `incoming` to `known`. Doubles fall out: the same event_id, or the same codes and local time
// where one of the two has no certain UTC. A double that knows the statusCode which the first copy
// lacked, and so means something else, is an event of its own.
Outcome Apply(const std::vector<Event>& known, std::vector<Event> incoming);

}  // namespace psups::tracking_sync
