#include "services/tracking-sync/postgres_events.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/crypto.h"
#include "common/metrics.h"
#include "common/outbox.h"
#include "common/status_macros.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

const CounterMetric kEvents("psups_tracking_events_total",
                            "Events stored, by the channel they came by first.", {"source"});

constexpr char kService[] = "tracking-sync";

std::vector<std::string> Split(const std::string& joined) { return absl::StrSplit(joined, ','); }

nlohmann::json EventDetail(const Applied& applied) {
  return {{"event_id", applied.event.event_id},
          {"type", applied.event.scan.type},
          {"code", applied.event.scan.code},
          {"status", pb::Status_Name(applied.event.status)},
          {"event_time", TimeText(applied.event.scan.time)},
          {"source", pb::Event::Source_Name(applied.event.source)},
          {"is_current", applied.is_current}};
}

}  // namespace

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

std::string DocumentTypeText(type::v1::DocumentType type) {
  return type == type::v1::REQUISITION ? "REQ" : "PO";
}

type::v1::DocumentType DocumentTypeOf(const std::string& text) {
  return text == "REQ" ? type::v1::REQUISITION : type::v1::PURCHASE_ORDER;
}

ParcelStatus StatusOf(const std::string& text) {
  ParcelStatus status = pb::UNKNOWN;
  return pb::Status_Parse(text, &status) ? status : pb::UNKNOWN;
}

EventSource SourceOf(const std::string& text) {
  EventSource source = pb::Event::SOURCE_UNSPECIFIED;
  pb::Event::Source_Parse(text, &source);
  return source;
}

std::string EventRow(const std::string& tracking_number, const std::string& event_id) {
  return tracking_number + "/" + event_id;
}

const char kLiveColumns[] =
    "tracking_number, connection, document_type, business_unit, document_id, "
    "array_to_string(line_numbers, ',') AS lines, "
    "array_to_string(schedule_numbers, ',') AS schedules, "
    "array_to_string(quantities, ',') AS quantities, shipment, trace_id, status";

Live LiveOf(const Row& row) {
  return {.tracking_number = row.Text("tracking_number"),
          .connection = row.Text("connection"),
          .document_type = row.Text("document_type"),
          .business_unit = row.Text("business_unit"),
          .document_id = row.Text("document_id"),
          .line_numbers = Split(row.Text("lines")),
          .schedule_numbers = Split(row.Text("schedules")),
          .quantities = Split(row.Text("quantities")),
          .shipment = row.Text("shipment"),
          .trace_id = row.Text("trace_id"),
          .status = StatusOf(row.Text("status"))};
}

void CountEvents(const std::vector<Done>& dones) {
  for (const Done& done : dones) {
    for (const Applied& applied : done.outcome.added) {
      kEvents(pb::Event::Source_Name(applied.event.source)).Increment();
    }
  }
}

absl::Status EventWriter::WarmKeys(const std::set<std::string>& connections) {
  for (const std::string& connection : connections) {
    RETURN_IF_ERROR(sealer_.Seal(connection, {"events", "payload", ""}, "").status());
  }
  return absl::OkStatus();
}

absl::Status EventWriter::WarmKeysOf(const std::set<std::string>& tracking_numbers) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT DISTINCT connection FROM trackers WHERE tracking_number = ANY($1::text[])",
               {std::vector<std::string>(tracking_numbers.begin(), tracking_numbers.end())}));
  std::set<std::string> connections;
  for (const Row row : rows) connections.insert(row.Text("connection"));
  return WarmKeys(connections);
}
absl::StatusOr<std::vector<Done>> EventWriter::Add(Tx& tx, const Incoming& incoming,
                                                   const std::map<std::string, int>& webhooks,
                                                   const std::string& actor) {
  if (incoming.empty()) return std::vector<Done>();
  std::vector<std::string> numbers;
  for (const auto& [number, events] : incoming) numbers.push_back(number);
  ASSIGN_OR_RETURN(const Rows trackers,
                   tx.Exec(absl::StrCat("SELECT ", kLiveColumns,
                                        " FROM trackers WHERE tracking_number = ANY($1::text[]) "
                                        "ORDER BY tracking_number FOR UPDATE"),
                           {numbers}));
  if (trackers.empty()) return std::vector<Done>();
  // Of the stored events the rules need no more than this.
  ASSIGN_OR_RETURN(
      const Rows stored,
      tx.Exec("SELECT tracking_number, event_id, type, code, status_code, status, detail, moves, "
              "event_time, local_time, time_precision, source FROM events "
              "WHERE tracking_number = ANY($1::text[])",
              {numbers}));
  std::map<std::string, std::vector<Event>> known;
  for (const Row row : stored) {
    const std::string number = row.Text("tracking_number");
    known[number].push_back(
        {.event_id = row.Text("event_id"),
         .scan = {.tracking_number = number,
                  .type = row.Text("type"),
                  .code = row.Text("code"),
                  .status_code = row.Text("status_code"),
                  .time = row.Time("event_time"),
                  .local_time = row.Text("local_time"),
                  .precision = static_cast<TimePrecision>(row.Int("time_precision"))},
         .status = StatusOf(row.Text("status")),
         .detail = row.Text("detail"),
         .moves = row.Bool("moves"),
         .source = SourceOf(row.Text("source"))});
  }
  std::vector<Done> dones;
  for (const Row row : trackers) {
    Live live = LiveOf(row);
    Outcome outcome = Apply(known[live.tracking_number], incoming.at(live.tracking_number));
    dones.push_back({.live = std::move(live), .outcome = std::move(outcome)});
  }
  RETURN_IF_ERROR(Write(tx, dones));
  RETURN_IF_ERROR(WriteStatuses(tx, dones));

  std::vector<AuditEntry> entries;
  for (const Done& done : dones) {
    if (done.outcome.added.empty()) continue;
    nlohmann::json events = nlohmann::json::array();
    for (const Applied& applied : done.outcome.added) events.push_back(EventDetail(applied));
    const auto messages = webhooks.find(done.live.tracking_number);
    entries.push_back({.action = "tracking.event",
                       .subject = "trackers/" + done.live.tracking_number,
                       .actor = actor,
                       .trace_id = done.live.trace_id,
                       .detail = {{"shipment", done.live.shipment},
                                  {"status", pb::Status_Name(done.outcome.current.status)},
                                  {"webhooks", messages == webhooks.end() ? 0 : messages->second},
                                  {"events", std::move(events)}}});
  }
  RETURN_IF_ERROR(AppendAudit(tx, kService, entries));
  return dones;
}

absl::Status EventWriter::Write(Tx& tx, const std::vector<Done>& dones) {
  RETURN_IF_ERROR(WriteEvents(tx, dones));
  RETURN_IF_ERROR(WriteUpdates(tx, dones));
  return WriteChanges(tx, dones);
}

absl::Status EventWriter::WriteEvents(Tx& tx, const std::vector<Done>& dones) {
  std::vector<std::string> numbers, ids, types, codes, status_codes, statuses, details, moves,
      times, local_times, sources;
  std::vector<int64_t> precisions;
  std::vector<Bytes> payloads;
  for (const Done& done : dones) {
    for (const Applied& applied : done.outcome.added) {
      const Event& event = applied.event;
      const std::string row = EventRow(done.live.tracking_number, event.event_id);
      ASSIGN_OR_RETURN(std::string sealed,
                       sealer_.Seal(done.live.connection, {"events", "payload", row},
                                    ToProto(event.scan).SerializeAsString()));
      numbers.push_back(done.live.tracking_number);
      ids.push_back(event.event_id);
      types.push_back(event.scan.type);
      codes.push_back(event.scan.code);
      status_codes.push_back(event.scan.status_code);
      statuses.push_back(pb::Status_Name(event.status));
      details.push_back(event.detail);
      moves.push_back(event.moves ? "t" : "f");
      times.push_back(TimeText(event.scan.time));
      local_times.push_back(event.scan.local_time);
      precisions.push_back(event.scan.precision);
      sources.push_back(pb::Event::Source_Name(event.source));
      payloads.push_back({std::move(sealed)});
    }
  }
  if (ids.empty()) return absl::OkStatus();
  return tx
      .Exec(
          "INSERT INTO events (tracking_number, event_id, type, code, status_code, status, "
          "detail, moves, event_time, local_time, time_precision, source, payload) "
          "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
          "$6::text[], $7::text[], $8::boolean[], $9::timestamptz[], $10::text[], $11::int[], "
          "$12::text[], $13::bytea[])",
          {numbers, ids, types, codes, status_codes, statuses, details, moves, times, local_times,
           precisions, sources, payloads})
      .status();
}

absl::Status EventWriter::WriteUpdates(Tx& tx, const std::vector<Done>& dones) {
  struct Update {
    std::vector<std::string> schedule;  // the key: connection … schedule number
    const Done* done;
    const Applied* applied;
    std::string quantity;
    absl::Time order;
  };
  std::vector<Update> updates;
  std::map<std::vector<std::string>, int64_t> counts;
  for (const Done& done : dones) {
    const Live& live = done.live;
    absl::Time order = absl::InfinitePast();
    for (const Applied& applied : done.outcome.added) {
      if (!IsReported(applied.event)) continue;
      order = std::max(order, applied.event.scan.time);
      for (std::size_t i = 0; i < live.line_numbers.size(); ++i) {
        updates.push_back(
            {.schedule = {live.connection, live.document_type, live.business_unit, live.document_id,
                          live.line_numbers[i], live.schedule_numbers[i]},
             .done = &done,
             .applied = &applied,
             .quantity = live.quantities[i],
             .order = order});
        ++counts[updates.back().schedule];
      }
    }
  }
  if (updates.empty()) return absl::OkStatus();

  std::vector<std::string> columns[6];
  std::vector<int64_t> numbers;
  for (const auto& [schedule, count] : counts) {
    for (std::size_t i = 0; i < 6; ++i) columns[i].push_back(schedule[i]);
    numbers.push_back(count);
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec("INSERT INTO schedule_counters AS c (connection, document_type, business_unit, "
              "document_id, line_number, schedule_number, last_sequence) "
              "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], "
              "$6::int[], $7::bigint[]) AS n(a, b, c, d, e, f, g) ORDER BY a, b, c, d, e, f "
              "ON CONFLICT (connection, document_type, business_unit, document_id, line_number, "
              "schedule_number) DO UPDATE SET last_sequence = c.last_sequence + "
              "excluded.last_sequence RETURNING connection, document_type, business_unit, "
              "document_id, line_number, schedule_number, last_sequence",
              {columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], numbers}));
  std::map<std::vector<std::string>, int64_t> next;
  for (const Row row : rows) {
    const std::vector<std::string> schedule = {row.Text("connection"),
                                               row.Text("document_type"),
                                               row.Text("business_unit"),
                                               row.Text("document_id"),
                                               absl::StrCat(row.Int("line_number")),
                                               absl::StrCat(row.Int("schedule_number"))};
    next[schedule] = row.Int("last_sequence") - counts.at(schedule) + 1;
  }

  // Over the packages of one transaction the numbers follow the time; within one package they
  // follow the order in which its events were applied.
  std::stable_sort(updates.begin(), updates.end(),
                   [](const Update& a, const Update& b) { return a.order < b.order; });
  std::vector<std::string> keys[6], ids, quantities, of_number, of_event, currents;
  std::vector<int64_t> sequence;
  for (const Update& update : updates) {
    for (std::size_t i = 0; i < 6; ++i) keys[i].push_back(update.schedule[i]);
    const std::string& number = update.done->live.tracking_number;
    const std::string& event_id = update.applied->event.event_id;
    const std::vector<std::string>& key = update.schedule;
    sequence.push_back(next.at(key)++);
    ids.push_back(
        Hex(sealer_.ring()
                .Derive("tracking-update", JoinUnambiguously({key[0], key[1], key[2], key[3],
                                                              key[4], key[5], number, event_id}))
                .substr(0, 16)));
    quantities.push_back(update.quantity);
    of_number.push_back(number);
    of_event.push_back(event_id);
    currents.push_back(update.applied->is_current ? "t" : "f");
  }
  return tx
      .Exec(
          "INSERT INTO updates (connection, document_type, business_unit, document_id, "
          "line_number, schedule_number, sequence_number, update_id, quantity, tracking_number, "
          "event_id, is_current) "
          "SELECT a, b, c, d, e, f, g, h, i, j, k, l FROM unnest($1::text[], $2::text[], "
          "$3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::text[], $9::text[], "
          "$10::text[], $11::text[], $12::boolean[]) WITH ORDINALITY "
          "AS n(a, b, c, d, e, f, g, h, i, j, k, l, m) ORDER BY m",
          {keys[0], keys[1], keys[2], keys[3], keys[4], keys[5], sequence, ids, quantities,
           of_number, of_event, currents})
      .status();
}

absl::Status EventWriter::WriteChanges(Tx& tx, const std::vector<Done>& dones) {
  std::vector<std::string> numbers, shipments, statuses, details, times;
  for (const Done& done : dones) {
    for (const Applied& applied : done.outcome.added) {
      if (!applied.changed) continue;
      numbers.push_back(done.live.tracking_number);
      shipments.push_back(done.live.shipment);
      statuses.push_back(pb::Status_Name(applied.event.status));
      details.push_back(applied.event.detail);
      times.push_back(TimeText(applied.event.scan.time));
    }
  }
  if (numbers.empty()) return absl::OkStatus();
  return tx
      .Exec(
          "INSERT INTO changes (tracking_number, shipment, status, detail, event_time) "
          "SELECT a, b, c, d, e FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], "
          "$5::timestamptz[]) WITH ORDINALITY AS n(a, b, c, d, e, i) ORDER BY i",
          {numbers, shipments, statuses, details, times})
      .status();
}

absl::Status EventWriter::WriteStatuses(Tx& tx, const std::vector<Done>& dones) {
  std::vector<std::string> numbers, statuses, details, times, ends, revives;
  for (const Done& done : dones) {
    const Current& current = done.outcome.current;
    if (done.outcome.added.empty() || current.status == pb::STATUS_UNSPECIFIED) continue;
    const bool ended = IsEnded(done.live.status);
    const bool ends_now = IsEnded(current.status);
    numbers.push_back(done.live.tracking_number);
    statuses.push_back(pb::Status_Name(current.status));
    details.push_back(current.detail);
    times.push_back(TimeText(current.time));
    ends.push_back(!ended && ends_now ? "t" : "f");
    revives.push_back(ended && !ends_now ? "t" : "f");
  }
  if (numbers.empty()) return absl::OkStatus();
  // A read that is under way when the parcel's way ends does not count as the last one: its lease
  // is taken from it.
  return tx
      .Exec(
          "UPDATE trackers t SET status = n.status, detail = n.detail, status_time = n.time, "
          "subscription = CASE WHEN n.ends THEN 'ENDED' WHEN n.revives THEN 'WANTED' "
          "ELSE t.subscription END, "
          "subscribe_due_time = CASE WHEN n.ends THEN NULL WHEN n.revives THEN now() "
          "ELSE t.subscribe_due_time END, "
          "subscribe_lease = CASE WHEN n.ends OR n.revives THEN NULL "
          "ELSE t.subscribe_lease END, "
          "read_due_time = CASE WHEN n.ends THEN now() + make_interval(secs => $7) "
          "ELSE t.read_due_time END, "
          "read_lease = CASE WHEN n.ends THEN NULL ELSE t.read_lease END "
          "FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], "
          "$6::boolean[]) AS n(number, status, detail, time, ends, revives) "
          "WHERE t.tracking_number = n.number",
          {numbers, statuses, details, times, ends, revives, timing_.last_read_delay})
      .status();
}

}  // namespace psups::tracking_sync
