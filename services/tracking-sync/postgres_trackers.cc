#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/change_stream.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "services/tracking-sync/postgres_store.h"
#include "services/tracking-sync/proto_time.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

constexpr char kService[] = "tracking-sync";

pb::Tracker::Subscription SubscriptionOf(const std::string& text) {
  pb::Tracker::Subscription subscription = pb::Tracker::SUBSCRIPTION_UNSPECIFIED;
  pb::Tracker::Subscription_Parse(text, &subscription);
  return subscription;
}

constexpr char kTrackerColumns[] =
    "tracking_number, account, connection, document_type, business_unit, document_id, "
    "array_to_string(line_numbers, ',') AS lines, "
    "array_to_string(schedule_numbers, ',') AS schedules, "
    "array_to_string(quantities, ',') AS quantities, shipment, trace_id, status, detail, "
    "status_time, subscription, subscription_expire_time, create_time";

pb::Tracker TrackerOf(const Row& row) {
  const Live live = LiveOf(row);
  pb::Tracker tracker;
  tracker.set_name("trackers/" + live.tracking_number);
  tracker.set_tracking_number(live.tracking_number);
  tracker.set_status(live.status);
  tracker.set_detail(row.Text("detail"));
  *tracker.mutable_status_time() = ToProto(row.Time("status_time"));
  tracker.set_account(row.Text("account"));
  type::v1::DocumentKey& document = *tracker.mutable_document();
  document.set_connection(live.connection);
  document.set_document_type(DocumentTypeOf(live.document_type));
  document.set_business_unit(live.business_unit);
  document.set_document_id(live.document_id);
  for (std::size_t i = 0; i < live.line_numbers.size(); ++i) {
    type::v1::ScheduleQuantity& content = *tracker.add_contents();
    content.set_line_number(std::stoi(live.line_numbers[i]));
    content.set_schedule_number(std::stoi(live.schedule_numbers[i]));
    content.set_quantity(live.quantities[i]);
  }
  tracker.set_shipment(live.shipment);
  tracker.set_trace_id(live.trace_id);
  tracker.set_subscription(SubscriptionOf(row.Text("subscription")));
  if (const auto expires = row.OptionalTime("subscription_expire_time"); expires.has_value()) {
    *tracker.mutable_subscription_expire_time() = ToProto(*expires);
  }
  *tracker.mutable_create_time() = ToProto(row.Time("create_time"));
  return tracker;
}

}  // namespace

absl::Status PostgresTrackerStore::Create(const pb::CreateTrackersRequest& request,
                                          const Caller& caller) {
  std::map<std::string, const pb::CreateTrackersRequest::NewTracker*> wanted;  // in key order
  std::set<std::string> connections;
  for (const auto& tracker : request.trackers()) {
    wanted.emplace(tracker.tracking_number(), &tracker);
    connections.insert(tracker.document().connection());
  }
  RETURN_IF_ERROR(writer_.WarmKeys(connections));

  std::vector<std::string> numbers, accounts, of_connection, types, units, documents, lines,
      schedules, quantities, shipments, traces, replaces, label_times;
  std::map<std::string, Live> lives;
  for (const auto& [number, tracker] : wanted) {
    const type::v1::DocumentKey& document = tracker->document();
    Live live = {.tracking_number = number,
                 .connection = document.connection(),
                 .document_type = DocumentTypeText(document.document_type()),
                 .business_unit = document.business_unit(),
                 .document_id = document.document_id(),
                 .line_numbers = {},
                 .schedule_numbers = {},
                 .quantities = {},
                 .shipment = tracker->shipment(),
                 .trace_id = tracker->trace_id()};
    for (const auto& content : tracker->contents()) {
      live.line_numbers.push_back(absl::StrCat(content.line_number()));
      live.schedule_numbers.push_back(absl::StrCat(content.schedule_number()));
      live.quantities.push_back(content.quantity());
    }
    numbers.push_back(number);
    accounts.push_back(tracker->account());
    of_connection.push_back(live.connection);
    types.push_back(live.document_type);
    units.push_back(live.business_unit);
    documents.push_back(live.document_id);
    lines.push_back(absl::StrJoin(live.line_numbers, ","));
    schedules.push_back(absl::StrJoin(live.schedule_numbers, ","));
    quantities.push_back(absl::StrJoin(live.quantities, ","));
    shipments.push_back(live.shipment);
    traces.push_back(live.trace_id);
    replaces.push_back(absl::StrJoin(tracker->replaces(), ","));
    label_times.push_back(TimeText(FromProto(tracker->label_time())));
    lives.emplace(number, std::move(live));
  }

  std::vector<Done> dones;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    dones.clear();
    // Messages that came before the tracker are due now. First, since whoever processes messages
    // locks them before the counters.
    RETURN_IF_ERROR(tx.Exec("UPDATE received_events SET due_time = now() "
                            "WHERE state = 'UNKNOWN' AND tracking_number = ANY($1::text[])",
                            {numbers})
                        .status());
    ASSIGN_OR_RETURN(
        const Rows made,
        tx.Exec("INSERT INTO trackers (tracking_number, account, connection, document_type, "
                "business_unit, document_id, line_numbers, schedule_numbers, quantities, shipment, "
                "trace_id, replaces, label_time, status, status_time) "
                "SELECT n.number, n.account, n.connection, n.type, n.unit, n.document, "
                "string_to_array(n.lines, ',')::int[], string_to_array(n.schedules, ',')::int[], "
                "string_to_array(n.quantities, ','), n.shipment, n.trace, "
                "string_to_array(n.replaces, ','), n.label_time, 'LABEL_CREATED', n.label_time "
                "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
                "$6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], "
                "$12::text[], $13::timestamptz[]) WITH ORDINALITY AS n(number, account, "
                "connection, type, unit, document, lines, schedules, quantities, shipment, trace, "
                "replaces, label_time, i) ORDER BY n.i "
                "ON CONFLICT (tracking_number) DO NOTHING RETURNING tracking_number",
                {numbers, accounts, of_connection, types, units, documents, lines, schedules,
                 quantities, shipments, traces, replaces, label_times}));
    for (const Row row : made) {
      const std::string number = row.Text("tracking_number");
      const absl::Time label_time = FromProto(wanted.at(number)->label_time());
      dones.push_back(
          {.live = lives.at(number), .outcome = Apply({}, {LabelCreated(number, label_time)})});
    }
    if (made.size() < numbers.size()) {
      ASSIGN_OR_RETURN(const Rows there, tx.Exec("SELECT tracking_number, shipment FROM trackers "
                                                 "WHERE tracking_number = ANY($1::text[])",
                                                 {numbers}));
      for (const Row row : there) {
        const std::string number = row.Text("tracking_number");
        if (row.Text("shipment") != lives.at(number).shipment) {
          return absl::AlreadyExistsError(absl::StrCat(
              "tracking_number: \"", number, "\" is followed for ", row.Text("shipment")));
        }
      }
    }
    if (dones.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(writer_.Write(tx, dones));

    std::map<std::string, AuditEntry> entries;  // by shipment
    for (const Done& done : dones) {
      AuditEntry& entry = entries[done.live.shipment];
      entry.action = "tracker.create";
      entry.subject = done.live.shipment;
      entry.actor = caller.identity;
      entry.trace_id = done.live.trace_id;
      entry.detail["document"] =
          absl::StrCat(done.live.connection, "/", done.live.document_type, "/",
                       done.live.business_unit, "/", done.live.document_id);
      entry.detail["tracking_numbers"].push_back(done.live.tracking_number);
    }
    std::vector<AuditEntry> list;
    for (auto& [shipment, entry] : entries) list.push_back(std::move(entry));
    return AppendAudit(tx, kService, list);
  }));
  CountEvents(dones);
  return absl::OkStatus();
}

absl::Status PostgresTrackerStore::Close(const pb::CloseTrackersRequest& request,
                                         const Caller& caller) {
  Incoming incoming;
  std::set<std::string> numbers;
  for (const std::string& number : request.tracking_numbers()) {
    if (!numbers.insert(number).second) continue;
    incoming[number].push_back(Voided(number, FromProto(request.void_time())));
  }
  RETURN_IF_ERROR(writer_.WarmKeysOf(numbers));
  std::vector<Done> dones;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(dones, writer_.Add(tx, incoming, {}, caller.identity));
    if (dones.size() == numbers.size()) return absl::OkStatus();
    for (const Done& done : dones) numbers.erase(done.live.tracking_number);
    return absl::NotFoundError(
        absl::StrCat("tracking_numbers: \"", *numbers.begin(), "\" is not followed"));
  }));
  CountEvents(dones);
  return absl::OkStatus();
}

absl::StatusOr<pb::Tracker> PostgresTrackerStore::Get(const std::string& tracking_number) {
  ASSIGN_OR_RETURN(const Rows rows, db_.Exec(absl::StrCat("SELECT ", kTrackerColumns,
                                                          " FROM trackers "
                                                          "WHERE tracking_number = $1"),
                                             {tracking_number}));
  if (rows.empty()) {
    return absl::NotFoundError(absl::StrCat("trackers/", tracking_number, ": not followed"));
  }
  pb::Tracker tracker = TrackerOf(rows[0]);
  ASSIGN_OR_RETURN(const Rows events,
                   db_.Exec("SELECT event_id, status, detail, source, payload, receive_time "
                            "FROM events WHERE tracking_number = $1 "
                            "ORDER BY status <> 'LABEL_CREATED', event_time, receive_time",
                            {tracking_number}));
  for (const Row row : events) {
    pb::Event& event = *tracker.add_events();
    event.set_event_id(row.Text("event_id"));
    event.set_status(StatusOf(row.Text("status")));
    event.set_detail(row.Text("detail"));
    event.set_source(SourceOf(row.Text("source")));
    *event.mutable_receive_time() = ToProto(row.Time("receive_time"));
    ASSIGN_OR_RETURN(
        const std::string payload,
        sealer_.Open({"events", "payload", EventRow(tracking_number, event.event_id())},
                     row.Binary("payload")));
    if (!event.mutable_activity()->ParseFromString(payload)) {
      return absl::DataLossError("events.payload: not a TrackingActivity");
    }
  }
  ASSIGN_OR_RETURN(const Rows coverage,
                   db_.Exec("SELECT channel, from_time, to_time FROM coverage "
                            "WHERE tracking_number = $1 ORDER BY from_time, channel",
                            {tracking_number}));
  for (const Row row : coverage) {
    pb::Coverage& span = *tracker.add_coverage();
    span.set_channel(SourceOf(row.Text("channel")));
    *span.mutable_from_time() = ToProto(row.Time("from_time"));
    *span.mutable_to_time() = ToProto(row.Time("to_time"));
  }
  return tracker;
}

absl::StatusOr<pb::ListTrackersResponse> PostgresTrackerStore::List(
    const pb::ListTrackersRequest& request) {
  std::string sql = absl::StrCat("SELECT ", kTrackerColumns, " FROM trackers WHERE true");
  std::vector<Param> params;
  const auto add = [&](const char* condition, Param value) {
    params.push_back(std::move(value));
    absl::StrAppend(&sql, " AND ", condition, "$", params.size());
  };
  if (request.status() != pb::STATUS_UNSPECIFIED)
    add("status = ", pb::Status_Name(request.status()));
  if (!request.document_id().empty()) add("document_id = ", request.document_id());
  if (!request.connection().empty()) add("connection = ", request.connection());
  if (!request.page_token().empty()) {
    const std::vector<std::string> token = absl::StrSplit(request.page_token(), '~');
    int64_t micros = 0;
    if (token.size() != 2 || !absl::SimpleAtoi(token[0], &micros)) {
      return absl::InvalidArgumentError("page_token: want next_page_token of the page before");
    }
    params.emplace_back(absl::FromUnixMicros(micros));
    params.emplace_back(token[1]);
    absl::StrAppend(&sql, " AND (create_time, tracking_number) < ($", params.size() - 1, ", $",
                    params.size(), ")");
  }
  params.emplace_back(request.page_size() + 1);
  absl::StrAppend(&sql, " ORDER BY create_time DESC, tracking_number DESC LIMIT $", params.size());
  ASSIGN_OR_RETURN(const Rows rows, db_.Exec(sql, params));
  pb::ListTrackersResponse response;
  for (const Row row : rows) {
    if (response.trackers_size() == request.page_size()) {
      const pb::Tracker& last = *response.trackers().rbegin();
      response.set_next_page_token(absl::StrCat(absl::ToUnixMicros(FromProto(last.create_time())),
                                                "~", last.tracking_number()));
      break;
    }
    *response.add_trackers() = TrackerOf(row);
  }
  return response;
}

absl::StatusOr<pb::WatchEventsResponse> PostgresTrackerStore::ReadChanges(const std::string& cursor,
                                                                          int limit) {
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<pb::WatchEventsResponse> {
    ASSIGN_OR_RETURN(StreamPlace place, FindPlace(tx, cursor));
    pb::WatchEventsResponse response;
    if (place.position < place.last_position) {
      ASSIGN_OR_RETURN(const Rows rows,
                       tx.Exec("SELECT position, tracking_number, shipment, status, detail, "
                               "event_time FROM changes WHERE position > $1 "
                               "ORDER BY position LIMIT $2",
                               {place.position, limit}));
      for (const Row row : rows) {
        pb::WatchEventsResponse::StatusChange& change = *response.add_changes();
        change.set_tracking_number(row.Text("tracking_number"));
        change.set_shipment(row.Text("shipment"));
        change.set_status(StatusOf(row.Text("status")));
        change.set_detail(row.Text("detail"));
        *change.mutable_event_time() = ToProto(row.Time("event_time"));
        place.position = row.Int("position");
      }
    }
    response.set_next_cursor(place.cursor());
    return response;
  });
}

absl::StatusOr<int> PostgresTrackerStore::Publish(int limit) { return PublishChanges(db_, limit); }

absl::StatusOr<TrackerStore::Statistics> PostgresTrackerStore::Count() {
  Statistics statistics;
  ASSIGN_OR_RETURN(const Rows totals,
                   db_.Exec("SELECT (SELECT min(receive_time) FROM received_events "
                            "WHERE due_time IS NOT NULL AND state = 'NEW') AS process, "
                            "(SELECT min(subscribe_due_time) FROM trackers "
                            "WHERE subscribe_due_time IS NOT NULL) AS subscribe, "
                            "(SELECT min(read_due_time) FROM trackers "
                            "WHERE read_due_time IS NOT NULL) AS backfill, "
                            "(SELECT min(due_time) FROM updates WHERE reported_time IS NULL) "
                            "AS report, (SELECT count(*) FROM updates WHERE reported_time IS NULL) "
                            "AS updates, now() AS now"));
  for (const char* worker : {"process", "subscribe", "backfill", "report"}) {
    const absl::Time since = totals[0].OptionalTime(worker).value_or(absl::InfiniteFuture());
    statistics.oldest_due.emplace_back(
        worker, std::max(absl::ZeroDuration(), totals[0].Time("now") - since));
  }
  statistics.updates_pending = totals[0].Int("updates");
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT status, count(*) AS count FROM trackers "
                            "WHERE subscribe_due_time IS NOT NULL GROUP BY status"));
  for (const Row row : rows) {
    statistics.followed_by_status.emplace_back(row.Text("status"), row.Int("count"));
  }
  return statistics;
}

std::unique_ptr<TrackerStore> MakePostgresTrackerStore(Db& db, Sealer& sealer, Timing timing) {
  return std::make_unique<PostgresTrackerStore>(db, sealer, timing);
}

}  // namespace psups::tracking_sync
