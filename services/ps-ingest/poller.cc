#include "services/ps-ingest/poller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

pb::Window WindowRecord(const PollLease& poll, const Window& window) {
  const absl::TimeZone zone = ZoneOf(poll.connection);
  pb::Window record;
  record.set_connection(poll.connection.name());
  record.set_document_type(poll.type);
  record.set_from(absl::FormatCivilTime(LocalStart(window.from, zone)));
  record.set_to(absl::FormatCivilTime(LocalEnd(window.to, zone)));
  return record;
}

AuditEntry QueryEntry(const PollLease& poll, const pb::Window& window, const std::string& call_id,
                      const std::string& outcome) {
  return {.action = "ps.query",
          .subject = poll.connection.name(),
          .detail = {{"call_id", call_id},
                     {"query", QueryOf(poll.connection, poll.type)},
                     {"from", window.from()},
                     {"to", window.to()},
                     {"outcome", outcome}},
          .event_id = call_id};
}

// The outcome of a read that failed: what to do next, by whose fault it is.
void SettleError(const PollLease& poll, const PsError& error, const PollRules& rules,
                 ReadOutcome& outcome) {
  outcome.failure_count = poll.failure_count + 1;
  outcome.error = error.sentence;
  outcome.wait = rules.setup_retry;
  switch (error.kind) {
    case PsErrorKind::kAuth:
      outcome.stop_reason = error.sentence;
      break;
    case PsErrorKind::kTransient:
      outcome.wait = rules.retry.Wait(poll.failure_count, UnitRandom);
      break;
    case PsErrorKind::kPermission:
    case PsErrorKind::kConfig:
    case PsErrorKind::kTooLarge:
    case PsErrorKind::kData:
      break;
  }
}

// After a window's answer is stored: on to the next one, showing what the round could not read.
void SettleProgress(const PollLease& poll, const Window& window,
                    std::optional<absl::Time> server_time_at_start, const PollRules& rules,
                    ReadOutcome& outcome) {
  const bool goes_on =
      Advance(outcome.cursor, WindowRulesOf(poll.connection), window, server_time_at_start);
  outcome.error = outcome.cursor.fault;
  if (goes_on) {
    outcome.wait = absl::ZeroDuration();
  } else if (outcome.cursor.faulty) {
    outcome.wait = rules.setup_retry;
  } else {
    outcome.wait = absl::Seconds(poll.connection.poll_interval_seconds());
  }
}

void SettleTruncated(const PollLease& poll, const Window& window, const PollRules& rules,
                     ReadOutcome& outcome) {
  if (Halve(outcome.cursor, window)) {
    outcome.failure_count = 0;
    outcome.error = outcome.cursor.fault;
    return;
  }
  outcome.failure_count = poll.failure_count + 1;
  outcome.wait = rules.setup_retry;
  outcome.error =
      absl::StrCat("one second of ", ReadName(poll.connection, poll.type),
                   " holds at least max_rows (", poll.connection.max_rows(),
                   ") rows, so that some may be cut off; raise max_rows and the OPRID's row limit");
}

void SettleDocuments(const PollLease& poll, std::vector<Document> documents,
                     const std::map<std::string, StoredRevision>& stored, const Deriver& derive,
                     ReadOutcome& outcome) {
  const absl::TimeZone zone = ZoneOf(poll.connection);
  for (Document& document : documents) {
    pb::Order& order = document.order;
    const std::string id = OrderId(order.document(), derive);
    order.set_name("orders/" + id);
    const auto known = stored.find(id);
    const StoredRevision before = known == stored.end() ? StoredRevision{} : known->second;
    std::string hash = ContentHash(order);
    switch (Compare(before, order, hash, poll.read_start, zone)) {
      case Verdict::kSame:
        break;
      case Verdict::kOlder:
        ++outcome.refused_count;
        LogWarning("older_revision_refused",
                   {{"order", order.name()}, {"stored_revision", before.revision}});
        break;
      case Verdict::kTouched:
        outcome.touched.push_back(std::move(order));
        break;
      case Verdict::kNewer:
        order.set_trace_id(TraceId(order.document(), derive));
        const bool eligible = HasEligible(order);
        outcome.revisions.push_back({.order = std::move(order),
                                     .revision = before.revision + 1,
                                     .content_hash = std::move(hash),
                                     .eligible = eligible});
        break;
    }
  }
}

}  // namespace

ReadOutcome Settle(const PollLease& poll, const Window& window, const std::string& call_id,
                   Answer answer, std::optional<absl::Time> server_time_at_start,
                   const std::map<std::string, StoredRevision>& stored, const PollRules& rules,
                   const Deriver& derive) {
  ReadOutcome outcome = {
      .call_id = call_id, .cursor = poll.cursor, .clock_offset = poll.clock_offset};
  pb::Window record = WindowRecord(poll, window);
  if (answer.error.has_value() && answer.error->kind == PsErrorKind::kTooLarge) {
    answer.error.reset();
    answer.truncated = true;
  }
  if (answer.error.has_value()) {
    SettleError(poll, *answer.error, rules, outcome);
    if (answer.error->kind == PsErrorKind::kData) {
      // The round goes on to the clock, so that what was touched later comes too; rounds begin at
      // this window until the document is mended.
      SettleDocuments(poll, std::move(answer.documents), stored, derive, outcome);
      Cursor& cursor = outcome.cursor;
      if (!cursor.faulty || cursor.fault.empty()) cursor.fault = answer.error->sentence;
      cursor.faulty = true;
      SettleProgress(poll, window, server_time_at_start, rules, outcome);
    }
    outcome.audit.push_back(QueryEntry(poll, record, call_id, Name(answer.error->kind)));
    return outcome;
  }
  record.set_rows(answer.rows);
  record.set_documents(static_cast<int>(answer.documents.size()));
  record.set_truncated(answer.truncated);
  if (answer.truncated) {
    SettleTruncated(poll, window, rules, outcome);
  } else {
    SettleDocuments(poll, std::move(answer.documents), stored, derive, outcome);
    SettleProgress(poll, window, server_time_at_start, rules, outcome);
  }
  record.set_documents_stored(static_cast<int>(outcome.revisions.size()));
  AuditEntry entry = QueryEntry(poll, record, call_id, answer.truncated ? "truncated" : "ok");
  entry.detail["rows"] = record.rows();
  entry.detail["documents"] = record.documents();
  entry.detail["stored"] = record.documents_stored();
  entry.detail["refused"] = outcome.refused_count;
  outcome.audit.push_back(std::move(entry));
  outcome.window = std::move(record);
  return outcome;
}

struct Poller::Read {
  PollLease poll = {};
  Window window = {};
  std::string call_id = RandomHex128();
  absl::Time sent = {};
};

Poller::Poller(PollStore& store, PeopleSoft& people_soft, Passwords& passwords, OpenCalls& calls,
               Post post, Deriver derive, PollRules rules, Wakeup& wakeup,
               std::function<void()> orders_came)
    : store_(store),
      people_soft_(people_soft),
      passwords_(passwords),
      calls_(calls),
      post_(std::move(post)),
      derive_(std::move(derive)),
      rules_(rules),
      wakeup_(wakeup),
      orders_came_(std::move(orders_came)) {}

absl::StatusOr<int> Poller::Step() {
  std::vector<PollLease> held;
  int room = 0;
  {
    std::lock_guard lock(mutex_);
    room = rules_.most_in_flight - static_cast<int>(in_flight_.size());
    if (WallTime() - renewed_ > rules_.lease / 3) {
      for (const auto& [call_id, poll] : in_flight_) held.push_back(poll);
      renewed_ = WallTime();
    }
  }
  if (!held.empty()) RETURN_IF_ERROR(store_.RenewPolls(held, rules_.lease));
  if (room <= 0) return 0;
  ASSIGN_OR_RETURN(std::vector<PollLease> due, store_.LeasePolls(room, rules_.lease));
  const int count = static_cast<int>(due.size());
  for (PollLease& poll : due) Start(std::move(poll));
  return count;
}

void Poller::Drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return in_flight_.empty(); });
}

void Poller::Start(PollLease poll) {
  auto read = std::make_shared<Read>();
  read->poll = std::move(poll);
  read->sent = WallTime();
  {
    std::lock_guard lock(mutex_);
    in_flight_.emplace(read->call_id, read->poll);
  }
  const pb::Connection& connection = read->poll.connection;
  const auto not_sent = [&](absl::Duration wait, std::string error) {
    ReadOutcome outcome = {.call_id = read->call_id,
                           .cursor = read->poll.cursor,
                           .wait = wait,
                           .clock_offset = read->poll.clock_offset,
                           .failure_count = read->poll.failure_count + (error.empty() ? 0 : 1),
                           .error = std::move(error)};
    post_([this, read, outcome = std::move(outcome)] {
      (void)store_.StoreRead(read->poll, outcome);
      Forget(*read);
    });
  };
  const std::optional<Window> window = NextWindow(read->poll.cursor, WindowRulesOf(connection),
                                                  read->sent + read->poll.clock_offset);
  if (!window.has_value()) {
    not_sent(absl::Seconds(connection.poll_interval_seconds()), "");
    return;
  }
  read->window = *window;
  const absl::StatusOr<std::string> password = passwords_.For(connection);
  if (!password.ok()) {
    // No fault of the site's: the database may have been away for a moment.
    not_sent(rules_.retry.Wait(read->poll.failure_count, UnitRandom),
             absl::StrCat("not read: ", password.status().message()));
    return;
  }
  const absl::StatusOr<std::string> url =
      WindowUrl(connection, read->poll.type, *window, connection.max_rows());
  if (!url.ok()) {
    not_sent(rules_.setup_retry, absl::StrCat("not read: ", url.status().message()));
    return;
  }
  calls_.Begin(read->call_id, read->sent);
  people_soft_.Send({.connection = &connection,
                     .password = *password,
                     .call_id = read->call_id,
                     .url = *url,
                     .max_bytes = MostBytes(connection)},
                    [this, read](PeopleSoft::Reply reply) {
                      post_([this, read, reply = std::move(reply)] { Finish(read, reply); });
                    });
}

void Poller::Finish(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply) {
  const PollLease& poll = read->poll;
  Answer answer = Understand(reply, poll.connection, poll.type, poll.connection.max_rows());
  const std::string outcome_name = answer.error.has_value() ? Name(answer.error->kind)
                                   : answer.truncated       ? "truncated"
                                                            : "ok";
  Counter("psups_ps_reads_total", "Reads of PeopleSoft's queries.", {{"outcome", outcome_name}})
      .Increment();
  std::vector<std::string> ids;
  for (const Document& document : answer.documents) {
    ids.push_back(OrderId(document.order.document(), derive_));
  }
  const absl::StatusOr<std::string> connection_id = ConnectionId(poll.connection.name());
  absl::StatusOr<std::map<std::string, StoredRevision>> stored =
      std::map<std::string, StoredRevision>();
  if (!ids.empty()) stored = store_.FindRevisions(*connection_id, ids);

  std::optional<absl::Time> server_time = ServerTime(reply);
  absl::Status result = stored.status();
  if (stored.ok()) {
    const std::optional<absl::Time> at_start =
        server_time.has_value() ? std::optional(*server_time - reply.duration) : std::nullopt;
    ReadOutcome outcome = Settle(poll, read->window, read->call_id, std::move(answer), at_start,
                                 *stored, rules_, derive_);
    if (server_time.has_value()) outcome.clock_offset = *server_time - WallTime();
    if (absl::IsCancelled(reply.response.status())) outcome.wait = absl::ZeroDuration();
    result = Store(*read, std::move(outcome));
  }
  if (!result.ok()) {
    // The lease runs out and the window is read again; what is left to do is to record the call.
    LogWarning("read_not_stored", {{"connection", poll.connection.name()}, {"status", result}});
    (void)store_.ShowProblem(
        poll, absl::StrCat("what was read cannot be stored: ", std::string(result.message())));
    calls_.Unrecorded(read->call_id, QueryEntry(poll, WindowRecord(poll, read->window),
                                                read->call_id, outcome_name + ", not stored"));
  }
  Forget(*read);
}

absl::Status Poller::Store(Read& read, ReadOutcome outcome) {
  const PollLease& poll = read.poll;
  RETURN_IF_ERROR(store_.StoreRead(poll, outcome));
  if (!outcome.revisions.empty()) orders_came_();
  calls_.Recorded(read.call_id);
  const std::string& connection = poll.connection.name();
  if (!outcome.stop_reason.empty()) {
    LogError("connection_stopped", {{"connection", connection}, {"reason", outcome.stop_reason}});
  } else if (!outcome.error.empty() &&
             std::count(poll.problems.begin(), poll.problems.end(), outcome.error) == 0) {
    LogWarning("read_failed", {{"connection", connection}, {"reason", outcome.error}});
  }
  if (outcome.refused_count > 0) {
    Counter("psups_ps_revisions_refused_total", "Documents read older than what is stored.")
        .Increment(outcome.refused_count);
  }
  if (!outcome.revisions.empty()) {
    Counter("psups_ps_revisions_total", "Order revisions stored.")
        .Increment(static_cast<double>(outcome.revisions.size()));
  }
  return absl::OkStatus();
}

void Poller::Forget(const Read& read) {
  {
    std::lock_guard lock(mutex_);
    in_flight_.erase(read.call_id);
  }
  changed_.notify_all();
  wakeup_.Notify();  // the next window, or the user's other query
}

}  // namespace psups::ps_ingest
