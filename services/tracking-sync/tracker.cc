#include "services/tracking-sync/tracker.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/crypto.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

bool Before(const Event& a, const Event& b) {
  const auto key = [](const Event& e) {
    return std::tuple(e.status == pb::LABEL_CREATED ? absl::InfinitePast() : e.scan.time,
                      Rank(e.status), e.event_id);
  };
  return key(a) < key(b);
}

// Whether an event of this status says where the parcel is, so that it can correct "delivered".
bool IsPhysical(ParcelStatus status) {
  return status != pb::LABEL_CREATED && status != pb::VOIDED && status != pb::UNKNOWN &&
         status != pb::STATUS_UNSPECIFIED;
}

bool SameScan(const Event& a, const Event& b) {
  if (a.event_id == b.event_id) return true;
  const bool certain = a.scan.precision == ups::v1::TrackingActivity::GMT_GIVEN &&
                       b.scan.precision == ups::v1::TrackingActivity::GMT_GIVEN;
  return !certain && a.source != pb::Event::OWN && b.source != pb::Event::OWN &&
         a.scan.type == b.scan.type && a.scan.code == b.scan.code &&
         a.scan.local_time == b.scan.local_time;
}

bool SaysMore(const Event& copy, const Event& first) {
  return first.scan.status_code.empty() && !copy.scan.status_code.empty() &&
         first.source != pb::Event::OWN && copy.status != first.status;
}

}  // namespace

Event MakeEvent(Scan scan, EventSource source) {
  const Meaning meaning = MeaningOf(scan.type, scan.code, scan.status_code, scan.description);
  Event event = {.event_id = EventId(scan),
                 .status = meaning.status,
                 .detail = std::string(meaning.detail),
                 .moves = meaning.moves,
                 .source = source};
  event.scan = std::move(scan);
  return event;
}

namespace {

Event Own(const std::string& tracking_number, absl::Time time, const char* type, const char* code,
          const char* description) {
  return MakeEvent({.tracking_number = tracking_number,
                    .type = type,
                    .code = code,
                    .description = description,
                    .time = time,
                    .local_time = absl::FormatTime("%Y-%m-%dT%H:%M:%S", time, absl::UTCTimeZone()),
                    .utc_offset = "+00:00",
                    .precision = ups::v1::TrackingActivity::GMT_GIVEN},
                   pb::Event::OWN);
}

}  // namespace

bool IsReported(const Event& event) { return event.moves || event.status != pb::UNKNOWN; }

Event LabelCreated(const std::string& tracking_number, absl::Time label_time) {
  return Own(tracking_number, label_time, "M", "MP", "Label created");
}

Event Voided(const std::string& tracking_number, absl::Time void_time) {
  return Own(tracking_number, void_time, "MV", "VP", "Label voided");
}

Current CurrentOf(std::vector<Event> events) {
  std::sort(events.begin(), events.end(), Before);
  Current current;
  for (const Event& event : events) {
    if (!event.moves) continue;
    if (IsFinal(current.status) && (event.scan.time <= current.time || !IsPhysical(event.status))) {
      continue;
    }
    current = {event.status, event.detail, event.scan.time, event.event_id};
  }
  return current;
}

Outcome Apply(const std::vector<Event>& known, std::vector<Event> incoming) {
  std::sort(incoming.begin(), incoming.end(), Before);
  std::vector<Event> all = known;
  Outcome outcome;
  outcome.current = CurrentOf(all);
  for (Event& event : incoming) {
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Event& other) { return SameScan(event, other); });
    if (same != all.end()) {
      if (!SaysMore(event, *same)) continue;
      event.event_id =
          Hex(Sha256(JoinUnambiguously({same->event_id, event.scan.status_code}))).substr(0, 32);
      if (std::any_of(all.begin(), all.end(),
                      [&](const Event& other) { return other.event_id == event.event_id; })) {
        continue;
      }
    }
    all.push_back(event);
    const Current before = std::exchange(outcome.current, CurrentOf(all));
    const bool is_current = outcome.current.event_id == event.event_id;
    outcome.added.push_back({.event = std::move(event),
                             .is_current = is_current,
                             .changed = is_current && (before.status != outcome.current.status ||
                                                       before.detail != outcome.current.detail)});
  }
  return outcome;
}

}  // namespace psups::tracking_sync
