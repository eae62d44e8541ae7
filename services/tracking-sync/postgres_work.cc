#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "services/tracking-sync/postgres_store.h"
#include "services/tracking-sync/proto_time.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

constexpr char kService[] = "tracking-sync";
constexpr char kWebhookScope[] = "webhook";
constexpr int kMostDescription = 60;
constexpr int kMostTries = 3;
// How long after its end a parcel is looked for at UPS. Of a label that was voided in time Track
// may never know.
constexpr absl::Duration kLastReadLimit = absl::Hours(24 * 7);

// At most `most` bytes, no character cut in two.
std::string Shorten(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

absl::Status PostgresTrackerStore::Store(const std::vector<ReceivedEvent>& events) {
  std::vector<std::string> ids, numbers;
  std::vector<Bytes> payloads;
  for (const ReceivedEvent& event : events) {
    ASSIGN_OR_RETURN(
        std::string sealed,
        sealer_.Seal(kWebhookScope, {"received_events", "payload", event.received_id}, event.body));
    ids.push_back(event.received_id);
    numbers.push_back(event.tracking_number);
    payloads.push_back({std::move(sealed)});
  }
  return db_
      .Exec(
          "INSERT INTO received_events (received_id, tracking_number, payload) "
          "SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])",
          {ids, numbers, payloads})
      .status();
}

absl::StatusOr<std::vector<ReceivedEvent>> PostgresTrackerStore::DueReceived(int limit) {
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT received_id, tracking_number, payload FROM received_events "
                            "WHERE due_time <= now() ORDER BY due_time LIMIT $1",
                            {limit}));
  std::vector<ReceivedEvent> events;
  for (const Row row : rows) {
    ReceivedEvent event = {.received_id = row.Text("received_id"),
                           .tracking_number = row.Text("tracking_number")};
    absl::StatusOr<std::string> body =
        sealer_.Open({"received_events", "payload", event.received_id}, row.Binary("payload"));
    if (body.ok()) {
      event.body = *std::move(body);
    } else if (!absl::IsDataLoss(body.status())) {
      return body.status();
    }
    events.push_back(std::move(event));
  }
  return events;
}

absl::Status PostgresTrackerStore::StoreScans(const std::vector<NewScan>& scans,
                                              const std::vector<std::string>& unreadable) {
  std::set<std::string> numbers;
  std::vector<std::string> received;
  for (const NewScan& scan : scans) {
    numbers.insert(scan.scan.tracking_number);
    received.push_back(scan.received_id);
  }
  RETURN_IF_ERROR(writer_.WarmKeysOf(numbers));
  std::vector<Done> dones;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    // Another replica may have read the same messages; it has those that it locked first.
    ASSIGN_OR_RETURN(const Rows locked,
                     tx.Exec("SELECT received_id FROM received_events "
                             "WHERE received_id = ANY($1::text[]) AND due_time IS NOT NULL "
                             "ORDER BY received_id FOR UPDATE SKIP LOCKED",
                             {received}));
    std::set<std::string> mine;
    for (const Row row : locked) mine.insert(row.Text("received_id"));
    Incoming incoming;
    std::map<std::string, int> webhooks;
    for (const NewScan& scan : scans) {
      if (!mine.contains(scan.received_id)) continue;
      incoming[scan.scan.tracking_number].push_back(MakeEvent(scan.scan, scan.source));
      ++webhooks[scan.scan.tracking_number];
    }
    ASSIGN_OR_RETURN(dones, writer_.Add(tx, incoming, webhooks, kService));

    std::set<std::string> followed;
    for (const Done& done : dones) followed.insert(done.live.tracking_number);
    std::vector<std::string> stored, unknown;
    for (const NewScan& scan : scans) {
      if (!mine.contains(scan.received_id)) continue;
      (followed.contains(scan.scan.tracking_number) ? stored : unknown).push_back(scan.received_id);
    }
    // A message about a number nobody follows yet is looked at again, later and later: should its
    // tracker be created at this very moment, that transaction cannot see it.
    return tx
        .Exec(
            "UPDATE received_events r SET state = n.state, due_time = CASE WHEN n.state = "
            "'UNKNOWN' AND r.receive_time > now() - make_interval(secs => $4) THEN now() + "
            "least(greatest(now() - r.receive_time, interval '1 second'), interval '1 hour') "
            "END FROM (SELECT unnest($1::text[]) AS id, 'DONE' AS state UNION ALL "
            "SELECT unnest($2::text[]), 'UNKNOWN' UNION ALL "
            "SELECT unnest($3::text[]), 'UNREADABLE') n WHERE r.received_id = n.id",
            {stored, unknown, unreadable, timing_.unknown_keep})
        .status();
  }));
  CountEvents(dones);
  return absl::OkStatus();
}

absl::Status PostgresTrackerStore::PostponeReceived(const std::vector<std::string>& received_ids) {
  if (received_ids.empty()) return absl::OkStatus();
  return db_
      .Exec(
          "UPDATE received_events SET attempt_count = attempt_count + 1, "
          "state = CASE WHEN attempt_count + 1 < $2 THEN state ELSE 'UNREADABLE' END, "
          "due_time = CASE WHEN attempt_count + 1 < $2 THEN now() + make_interval(secs => $3) END "
          "WHERE received_id = ANY($1::text[]) AND due_time IS NOT NULL",
          {received_ids, kMostTries, timing_.retry_wait})
      .status();
}

absl::StatusOr<int> PostgresTrackerStore::DeleteOldReceived(int limit) {
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("DELETE FROM received_events WHERE received_id IN (SELECT received_id "
                            "FROM received_events WHERE due_time IS NULL AND receive_time < now() "
                            "- make_interval(secs => $1) ORDER BY receive_time LIMIT $2)",
                            {timing_.received_keep, limit}));
  return static_cast<int>(rows.affected());
}

absl::StatusOr<TrackerStore::Lease> PostgresTrackerStore::LeaseDue(const std::string& sql,
                                                                   int limit,
                                                                   absl::Duration duration) {
  Lease lease = {.token = RandomHex128(), .trackers = {}};
  ASSIGN_OR_RETURN(const Rows rows, db_.Exec(sql, {limit, duration, lease.token}));
  for (const Row row : rows) {
    lease.trackers.push_back({.tracking_number = row.Text("tracking_number"),
                              .account = row.Text("account"),
                              .trace_id = row.Text("trace_id"),
                              .lease_time = row.Time("lease_time")});
  }
  return lease;
}

absl::StatusOr<TrackerStore::Lease> PostgresTrackerStore::LeaseForSubscribing(
    int limit, absl::Duration lease) {
  return LeaseDue(
      "WITH due AS MATERIALIZED (SELECT tracking_number FROM trackers "
      "WHERE subscribe_due_time <= now() ORDER BY subscribe_due_time LIMIT $1 "
      "FOR UPDATE SKIP LOCKED) "
      "UPDATE trackers t SET subscribe_due_time = now() + make_interval(secs => $2), "
      "subscribe_lease = $3 FROM due WHERE t.tracking_number = due.tracking_number "
      "RETURNING t.tracking_number, t.account, t.trace_id, now() AS lease_time",
      limit, lease);
}

absl::StatusOr<TrackerStore::Lease> PostgresTrackerStore::LeaseForReading(int limit,
                                                                          absl::Duration lease) {
  return LeaseDue(
      "WITH due AS MATERIALIZED (SELECT tracking_number FROM trackers "
      "WHERE read_due_time <= now() ORDER BY read_due_time LIMIT $1 FOR UPDATE SKIP LOCKED) "
      "UPDATE trackers t SET read_due_time = now() + make_interval(secs => $2), read_lease = $3 "
      "FROM due WHERE t.tracking_number = due.tracking_number "
      "RETURNING t.tracking_number, t.account, t.trace_id, now() AS lease_time",
      limit, lease);
}

absl::Status PostgresTrackerStore::Renew(const std::string& sql, const std::vector<HeldLease>& held,
                                         absl::Duration lease) {
  std::vector<std::string> tokens, numbers;
  for (const auto& [token, number] : held) {
    tokens.push_back(token);
    numbers.push_back(number);
  }
  return db_.Exec(sql, {tokens, numbers, lease}).status();
}

// A row that is being changed is being given up: waiting for it would only hold the others.
absl::Status PostgresTrackerStore::RenewSubscribing(const std::vector<HeldLease>& held,
                                                    absl::Duration lease) {
  return Renew(
      "WITH held AS MATERIALIZED (SELECT t.tracking_number FROM trackers t "
      "JOIN unnest($1::text[], $2::text[]) AS h(token, number) "
      "ON t.tracking_number = h.number AND t.subscribe_lease = h.token "
      "FOR UPDATE OF t SKIP LOCKED) "
      "UPDATE trackers t SET subscribe_due_time = now() + make_interval(secs => $3) "
      "FROM held WHERE t.tracking_number = held.tracking_number",
      held, lease);
}

absl::Status PostgresTrackerStore::RenewReading(const std::vector<HeldLease>& held,
                                                absl::Duration lease) {
  return Renew(
      "WITH held AS MATERIALIZED (SELECT t.tracking_number FROM trackers t "
      "JOIN unnest($1::text[], $2::text[]) AS h(token, number) "
      "ON t.tracking_number = h.number AND t.read_lease = h.token FOR UPDATE OF t SKIP LOCKED) "
      "UPDATE trackers t SET read_due_time = now() + make_interval(secs => $3) "
      "FROM held WHERE t.tracking_number = held.tracking_number",
      held, lease);
}

absl::Status PostgresTrackerStore::StoreSubscriptions(
    const std::string& token, const std::vector<SubscribeOutcome>& outcomes) {
  using Result = SubscribeOutcome::Result;
  std::vector<std::string> numbers, results, expire_times;
  for (const SubscribeOutcome& outcome : outcomes) {
    numbers.push_back(outcome.tracking_number);
    results.push_back(outcome.result == Result::kSubscribed ? "SUBSCRIBED"
                      : outcome.result == Result::kRefused  ? "REFUSED"
                                                            : "POSTPONED");
    expire_times.push_back(TimeText(std::max(outcome.expire_time, absl::UnixEpoch())));
  }
  return db_.Transact([&](Tx& tx) -> absl::Status {
    // Renewed well before the end; of a short one, at half time. A read is due after every answer:
    // subscribe first, read after. While there is none, Track is read at its own pace.
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec("UPDATE trackers t SET "
                "subscription = CASE n.result WHEN 'POSTPONED' THEN t.subscription "
                "ELSE n.result END, "
                "subscription_expire_time = CASE n.result WHEN 'SUBSCRIBED' THEN n.expire "
                "ELSE t.subscription_expire_time END, "
                "subscribe_due_time = CASE n.result "
                "WHEN 'SUBSCRIBED' THEN greatest(n.expire - make_interval(secs => $5), "
                "now() + (n.expire - now()) / 2) "
                "WHEN 'REFUSED' THEN now() + make_interval(secs => $6) "
                "ELSE now() + make_interval(secs => $7) * (0.5 + random()) * "
                "power(2, least(t.subscribe_attempt_count, 5)) END, "
                "subscribe_attempt_count = CASE n.result WHEN 'POSTPONED' "
                "THEN t.subscribe_attempt_count + 1 ELSE 0 END, "
                "subscribe_lease = NULL, "
                "read_due_time = CASE n.result WHEN 'POSTPONED' THEN "
                "coalesce(t.read_due_time, now() + make_interval(secs => $8)) ELSE now() END, "
                "read_lease = CASE n.result WHEN 'POSTPONED' THEN t.read_lease END "
                "FROM unnest($1::text[], $2::text[], $3::timestamptz[]) "
                "AS n(number, result, expire) "
                "WHERE t.tracking_number = n.number AND t.subscribe_lease = $4 "
                "RETURNING t.tracking_number, n.result, n.expire",
                {numbers, results, expire_times, token, timing_.renew_before, timing_.refused_retry,
                 timing_.retry_wait, timing_.read_interval}));
    std::vector<std::string> subscribed, until;
    for (const Row row : rows) {
      if (row.Text("result") != "SUBSCRIBED") continue;
      subscribed.push_back(row.Text("tracking_number"));
      until.push_back(TimeText(row.Time("expire")));
    }
    if (subscribed.empty()) return absl::OkStatus();
    return tx
        .Exec(
            "WITH n AS (SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS n(number, "
            "expire)), longer AS (UPDATE coverage c SET to_time = n.expire FROM n "
            "WHERE c.tracking_number = n.number AND c.channel = 'WEBHOOK' AND c.to_time >= now() "
            "RETURNING c.tracking_number) "
            "INSERT INTO coverage (tracking_number, channel, from_time, to_time) "
            "SELECT n.number, 'WEBHOOK', now(), n.expire FROM n "
            "WHERE n.number NOT IN (SELECT tracking_number FROM longer) "
            "ON CONFLICT (tracking_number, channel, from_time) DO NOTHING",
            {subscribed, until})
        .status();
  });
}

absl::Status PostgresTrackerStore::StoreReads(const std::vector<ReadOutcome>& reads) {
  std::set<std::string> with_scans;
  std::vector<std::string> numbers, tokens, starts, answered, found;
  for (const ReadOutcome& read : reads) {
    if (!read.scans.empty()) with_scans.insert(read.tracking_number);
    numbers.push_back(read.tracking_number);
    tokens.push_back(read.lease_token);
    starts.push_back(TimeText(std::max(read.start_time, absl::UnixEpoch())));
    answered.push_back(read.answered ? "t" : "f");
    found.push_back(read.found ? "t" : "f");
  }
  RETURN_IF_ERROR(writer_.WarmKeysOf(with_scans));
  std::vector<Done> dones;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    Incoming incoming;
    for (const ReadOutcome& read : reads) {
      for (const Scan& scan : read.scans) {
        incoming[read.tracking_number].push_back(MakeEvent(scan, pb::Event::TRACK));
      }
    }
    ASSIGN_OR_RETURN(dones, writer_.Add(tx, incoming, {}, kService));
    RETURN_IF_ERROR(
        tx.Exec("INSERT INTO coverage (tracking_number, channel, from_time, to_time) "
                "SELECT t.tracking_number, 'TRACK', t.label_time, max(n.start) FROM unnest("
                "$1::text[], $2::timestamptz[], $3::boolean[]) AS n(number, start, found) "
                "JOIN trackers t ON t.tracking_number = n.number WHERE n.found "
                "GROUP BY t.tracking_number, t.label_time "
                "ON CONFLICT (tracking_number, channel, from_time) "
                "DO UPDATE SET to_time = greatest(coverage.to_time, excluded.to_time)",
                {numbers, starts, found})
            .status());
    return tx
        .Exec(
            "UPDATE trackers t SET read_lease = NULL, read_due_time = CASE "
            "WHEN NOT n.answered THEN now() + make_interval(secs => $4) * (0.5 + random()) "
            "WHEN t.subscription = 'ENDED' AND (n.found "
            "OR t.status_time < now() - make_interval(secs => $7)) THEN NULL "
            "ELSE now() + make_interval(secs => $5) * (0.9 + 0.2 * random()) END "
            "FROM unnest($1::text[], $2::text[], $3::boolean[], $6::boolean[]) "
            "AS n(number, token, answered, found) "
            "WHERE t.tracking_number = n.number AND t.read_lease = n.token",
            {numbers, tokens, answered, timing_.retry_wait, timing_.read_interval, found,
             kLastReadLimit})
        .status();
  }));
  CountEvents(dones);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TrackerStore::DueUpdate>> PostgresTrackerStore::DueUpdates(
    int limit, absl::Duration lease) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      db_.Exec("SELECT u.update_order, u.connection, u.document_type, u.business_unit, "
               "u.document_id, u.line_number, u.schedule_number, u.sequence_number, u.update_id, "
               "u.quantity, u.tracking_number, u.event_id, u.is_current, e.type, e.code, e.status, "
               "e.detail, e.event_time, e.payload, t.trace_id "
               "FROM (SELECT * FROM updates WHERE reported_time IS NULL AND due_time <= now() "
               "ORDER BY update_order LIMIT $1) u "
               "JOIN events e USING (tracking_number, event_id) "
               "JOIN trackers t USING (tracking_number) ORDER BY u.update_order",
               {limit}));
  if (rows.empty()) return std::vector<DueUpdate>();
  ASSIGN_OR_RETURN(
      const Rows held,
      db_.Exec("INSERT INTO loop_leases AS l (loop, holder, until) "
               "VALUES ('report', $1, now() + make_interval(secs => $2)) "
               "ON CONFLICT (loop) DO UPDATE SET holder = excluded.holder, until = excluded.until "
               "WHERE l.holder = excluded.holder OR l.until < now() RETURNING holder",
               {holder_, lease}));
  if (held.empty()) return std::vector<DueUpdate>();
  std::vector<DueUpdate> due;
  for (const Row row : rows) {
    const std::string number = row.Text("tracking_number");
    const absl::StatusOr<std::string> payload = sealer_.Open(
        {"events", "payload", EventRow(number, row.Text("event_id"))}, row.Binary("payload"));
    if (!payload.ok() && !absl::IsDataLoss(payload.status())) return payload.status();
    ups::v1::TrackingActivity activity;
    if (!payload.ok() || !activity.ParseFromString(*payload)) {
      // The status matters more than its words.
      LogError("event_not_readable",
               {{"tracking_number", number}, {"event_id", row.Text("event_id")}});
      activity.Clear();
    }
    DueUpdate& one = due.emplace_back();
    one.order = row.Int("update_order");
    orders::v1::TrackingUpdate& update = one.update;
    update.set_update_id(row.Text("update_id"));
    type::v1::DocumentKey& document = *update.mutable_document();
    document.set_connection(row.Text("connection"));
    document.set_document_type(DocumentTypeOf(row.Text("document_type")));
    document.set_business_unit(row.Text("business_unit"));
    document.set_document_id(row.Text("document_id"));
    update.mutable_schedule()->set_line_number(static_cast<int32_t>(row.Int("line_number")));
    update.mutable_schedule()->set_schedule_number(
        static_cast<int32_t>(row.Int("schedule_number")));
    update.mutable_schedule()->set_quantity(row.Text("quantity"));
    update.set_sequence_number(row.Int("sequence_number"));
    update.set_tracking_number(number);
    update.set_status(row.Text("status"));
    update.set_status_detail(row.Text("detail"));
    update.set_ups_type(row.Text("type"));
    update.set_ups_code(row.Text("code"));
    *update.mutable_event_time() = ToProto(row.Time("event_time"));
    update.set_is_current(row.Bool("is_current"));
    update.set_description(Shorten(activity.description(), kMostDescription));
    update.set_trace_id(row.Text("trace_id"));
  }
  return due;
}

absl::Status PostgresTrackerStore::MarkReported(const std::vector<int64_t>& orders) {
  if (orders.empty()) return absl::OkStatus();
  return db_
      .Exec(
          "UPDATE updates SET reported_time = now() "
          "WHERE update_order = ANY($1::bigint[]) AND reported_time IS NULL",
          {orders})
      .status();
}

absl::Status PostgresTrackerStore::PostponeUpdate(int64_t order, absl::Duration wait) {
  return db_
      .Exec(
          "UPDATE updates SET due_time = now() + make_interval(secs => $2), "
          "attempt_count = attempt_count + 1 WHERE update_order = $1 AND reported_time IS NULL",
          {order, wait})
      .status();
}

absl::Status PostgresTrackerStore::Heartbeat(const std::string& run_id, absl::Duration lost_after,
                                             absl::Time refused_since) {
  return db_.Transact([&](Tx& tx) -> absl::Status {
    // This run may be one of them: it was asleep, or the database was away.
    ASSIGN_OR_RETURN(const Rows lost,
                     tx.Exec("UPDATE door_runs SET stop_time = heartbeat_time "
                             "WHERE heartbeat_time < now() - make_interval(secs => $2) "
                             "AND (stop_time IS NULL OR run_id = $1) "
                             "RETURNING heartbeat_time, now() AS found_time",
                             {run_id, lost_after}));
    ASSIGN_OR_RETURN(const Rows closed, tx.Exec("SELECT max(stop_time) AS since FROM door_runs "
                                                "HAVING bool_and(stop_time IS NOT NULL)"));
    std::optional<absl::Duration> refused_for;
    if (refused_since != absl::InfiniteFuture()) refused_for = absl::Now() - refused_since;
    ASSIGN_OR_RETURN(const Rows beat,
                     tx.Exec("INSERT INTO door_runs (run_id) VALUES ($1) ON CONFLICT (run_id) "
                             "DO UPDATE SET heartbeat_time = now(), stop_time = NULL "
                             "RETURNING now() - make_interval(secs => $2) AS refused_since",
                             {run_id, refused_for}));
    const std::optional<absl::Time> refused = beat[0].OptionalTime("refused_since");
    if (lost.empty() && closed.empty() && !refused.has_value()) return absl::OkStatus();
    absl::Time from = closed.empty() ? absl::InfiniteFuture() : closed[0].Time("since");
    if (refused.has_value()) from = std::min(from, *refused);
    for (const Row row : lost) from = std::min(from, row.Time("heartbeat_time"));
    RETURN_IF_ERROR(EndCoverage(tx, from));
    RETURN_IF_ERROR(
        tx.Exec("DELETE FROM door_runs WHERE stop_time < now() - interval '30 days'").status());
    if (refused.has_value()) LogWarning("webhook_door_refused", {{"since", TimeText(*refused)}});
    if (!closed.empty() && lost.empty()) {
      LogInfo("webhook_door_was_closed", {{"since", TimeText(from)}});
    }
    if (lost.empty()) return absl::OkStatus();
    LogWarning("webhook_door_lost", {{"runs", lost.size()}, {"since", TimeText(from)}});
    return AppendAudit(
        tx, kService,
        {{.action = "service.unclean_start",
          .subject = kService,
          .detail = {{"from", TimeText(from)}, {"to", TimeText(lost[0].Time("found_time"))}}}});
  });
}

// What the push may have lost since `from`, Track tells: coverage ends there and begins anew now.
absl::Status PostgresTrackerStore::EndCoverage(Tx& tx, absl::Time from) {
  RETURN_IF_ERROR(
      tx.Exec("WITH broken AS (UPDATE coverage SET to_time = $1 WHERE channel = 'WEBHOOK' "
              "AND to_time > now() AND from_time < $1 RETURNING tracking_number), "
              "begun AS (DELETE FROM coverage WHERE channel = 'WEBHOOK' "
              "AND to_time > now() AND from_time >= $1 RETURNING tracking_number) "
              "INSERT INTO coverage (tracking_number, channel, from_time, to_time) "
              "SELECT t.tracking_number, 'WEBHOOK', now(), t.subscription_expire_time "
              "FROM (SELECT * FROM broken UNION SELECT * FROM begun) AS b "
              "JOIN trackers t USING (tracking_number) WHERE t.subscription_expire_time > now() "
              "ON CONFLICT (tracking_number, channel, from_time) DO NOTHING",
              {from})
          .status());
  return tx
      .Exec(
          "UPDATE trackers SET read_due_time = now(), read_lease = NULL "
          "WHERE read_due_time IS NOT NULL AND subscription = 'SUBSCRIBED'")
      .status();
}

absl::Status PostgresTrackerStore::EndRun(const std::string& run_id) {
  RETURN_IF_ERROR(db_.Exec("DELETE FROM loop_leases WHERE holder = $1", {holder_}).status());
  return db_.Exec("UPDATE door_runs SET stop_time = now() WHERE run_id = $1", {run_id}).status();
}

}  // namespace psups::tracking_sync
