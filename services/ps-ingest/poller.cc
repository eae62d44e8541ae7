#include "services/ps-ingest/poller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ps-ingest/ask.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/quiet.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

const CounterMetric kReads("psups_ps_reads_total", "Reads of PeopleSoft's queries.", {"outcome"});
const CounterMetric kRevisions("psups_ps_revisions_total", "Order revisions stored.");
const CounterMetric kRefused("psups_ps_revisions_refused_total",
                             "Documents read older than what is stored.");

std::string OutcomeName(const Answer& answer) {
  if (answer.error.has_value()) return Name(answer.error->kind);
  return answer.full ? "truncated" : "ok";
}

}  // namespace

// A read: the window's rows, then, where the site has such queries, their count and the master data
// that they refer to.
struct Poller::Read {
  PollLease poll = {};
  std::string id = RandomHex128();
  absl::Time sent = {};
  Reading reading = {};
  std::optional<absl::Time> server_time = {};
  bool cancelled = false;
  std::vector<MasterKey> asked_for = {};
  bool one_by_one = false;
  // The calls that were made, and for the ledger those beside the window's.
  std::vector<std::string> call_ids = {};
  std::vector<AuditEntry> audit = {};
  std::string query = {};  // of the call in flight

  // With an entry for each call that has none yet.
  std::vector<AuditEntry> WholeAudit(const std::string& outcome) const {
    std::vector<AuditEntry> entries = audit;
    for (const std::string& call_id : call_ids) {
      const auto is_its = [&](const AuditEntry& entry) { return entry.event_id == call_id; };
      if (std::any_of(audit.begin(), audit.end(), is_its)) continue;
      entries.push_back(
          QueryEntry(poll.connection, QueryOf(poll.connection, poll.type), call_id, outcome));
    }
    return entries;
  }
};

Poller::Poller(PollStore& store, PeopleSoft& people_soft, Passwords& passwords,
               MasterData& master_data, OpenCalls& calls, Post post, Deriver derive,
               PollRules rules, Wakeup& wakeup, std::function<void()> orders_came)
    : store_(store),
      people_soft_(people_soft),
      passwords_(passwords),
      master_data_(master_data),
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
      for (const auto& [id, poll] : in_flight_) held.push_back(poll);
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
    in_flight_.emplace(read->id, read->poll);
  }
  const pb::Connection& connection = read->poll.connection;
  const absl::Time server_now = read->sent + read->poll.clock_offset;
  if (const auto until = QuietUntil(connection, server_now); until.has_value()) {
    return StoreUnsent(read, *until - server_now, "");
  }
  Cursor& cursor = read->poll.cursor;
  const std::optional<Window> window = NextWindow(cursor, WindowRulesOf(connection), server_now);
  if (!window.has_value()) {
    return StoreUnsent(read, absl::Seconds(connection.poll_interval_seconds()), "");
  }
  read->reading.window = *window;
  read->reading.asked = RowsToAsk(cursor, connection.max_rows());
  Call(read, QueryOf(connection, read->poll.type),
       WindowUrl(connection, read->poll.type, *window, cursor.after, read->reading.asked),
       &Poller::OnRows);
}

void Poller::StoreUnsent(const std::shared_ptr<Read>& read, absl::Duration wait,
                         std::string error) {
  const PollLease& poll = read->poll;
  ReadOutcome outcome = {.call_id = read->id,
                         .cursor = poll.cursor,
                         .wait = wait,
                         .clock_offset = poll.clock_offset,
                         .failure_count = poll.failure_count + (error.empty() ? 0 : 1),
                         .error = error.empty() ? poll.cursor.fault : error,
                         .audit = read->WholeAudit("not stored")};
  post_([this, read, outcome = std::move(outcome)] {
    const bool stored = store_.StoreRead(read->poll, outcome).ok();
    if (!stored) LeaveUnrecorded(*read, "not stored");
    for (const std::string& call_id : read->call_ids) {
      if (stored) calls_.Recorded(call_id);
    }
    Forget(*read);
  });
}

void Poller::Call(const std::shared_ptr<Read>& read, const std::string& query,
                  const absl::StatusOr<std::string>& url, Next next) {
  const pb::Connection& connection = read->poll.connection;
  const absl::StatusOr<std::string> password = passwords_.For(connection);
  if (!password.ok()) {
    // No fault of the site's: the database may have been away for a moment.
    return StoreUnsent(read, rules_.retry.Wait(read->poll.failure_count, UnitRandom),
                       absl::StrCat("not read: ", password.status().message()));
  }
  if (!url.ok()) {
    return StoreUnsent(read, rules_.setup_retry,
                       absl::StrCat("not read: ", url.status().message()));
  }
  const std::string call_id = RandomHex128();
  read->query = query;
  read->call_ids.push_back(call_id);
  calls_.Begin(call_id, WallTime());
  people_soft_.Send({.connection = &connection,
                     .password = *password,
                     .call_id = call_id,
                     .url = *url,
                     .max_bytes = MostBytes(connection)},
                    [this, read, next](PeopleSoft::Reply reply) {
                      post_([this, read, next, reply = std::move(reply)] {
                        for (const AuditEntry& entry : reply.token_calls) {
                          read->audit.push_back(entry);
                        }
                        read->reading.took += reply.duration;
                        read->cancelled = absl::IsCancelled(reply.response.status());
                        (this->*next)(read, reply);
                      });
                    });
}

void Poller::OnRows(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply) {
  const PollLease& poll = read->poll;
  const pb::Connection& connection = poll.connection;
  Reading& reading = read->reading;
  reading.call_id = read->call_ids.front();
  reading.sent = reply.sent;
  reading.answer =
      Understand(reply, connection, poll.type, reading.asked, ReadName(connection, poll.type));
  read->server_time = ServerTime(reply);
  if (read->server_time.has_value()) {
    reading.server_time_at_start = *read->server_time - reply.duration;
  }
  kReads(OutcomeName(reading.answer)).Increment();
  const std::string& count_query = CountQueryOf(connection, poll.type);
  const Answer& answer = reading.answer;
  if (answer.error.has_value() || answer.full) return LookUp(read);
  if (count_query.empty()) {
    // A large document alone: if there is another behind it, the answer was cut, and perhaps in it.
    const bool alone = !answer.documents.last.id.empty() && !answer.documents.before_last;
    const bool probe =
        alone && CanGoOn(connection) && MayBeCut(poll.cursor, answer.rows, reading.asked);
    if (!probe) return LookUp(read);
    return Call(read, QueryOf(connection, poll.type),
                WindowUrl(connection, poll.type, reading.window, answer.documents.last, 1),
                &Poller::OnProbe);
  }
  Call(read, count_query, CountUrl(connection, poll.type, reading.window, poll.cursor.after),
       &Poller::OnCount);
}

void Poller::OnProbe(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply) {
  ResultOrError rows = ReadResult(reply, absl::StrCat("query ", read->query));
  read->audit.push_back(
      QueryEntry(read->poll.connection, read->query, read->call_ids.back(),
                 CallOutcome(reply, rows.error.has_value() ? Name(rows.error->kind) : "ok")));
  if (rows.error.has_value()) {
    read->reading.answer.error = std::move(rows.error);
    return Finish(read);
  }
  read->reading.answer.goes_on = !rows.result.rows.empty();
  LookUp(read);
}

void Poller::OnCount(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply) {
  CountOrError counted = UnderstandCount(reply, absl::StrCat("query ", read->query));
  read->audit.push_back(
      QueryEntry(read->poll.connection, read->query, read->call_ids.back(),
                 CallOutcome(reply, counted.error.has_value() ? Name(counted.error->kind) : "ok")));
  if (counted.error.has_value()) {
    read->reading.answer.error = std::move(counted.error);
    return Finish(read);
  }
  read->reading.answer.counted = counted.count;
  LookUp(read);
}

void Poller::LookUp(const std::shared_ptr<Read>& read) {
  const pb::Connection& connection = read->poll.connection;
  const Answer& answer = read->reading.answer;
  if (!answer.documents.readable.empty()) {
    read->asked_for = master_data_.Missing(connection, answer.documents.readable, read->sent);
    if (read->one_by_one && !read->asked_for.empty()) read->asked_for.resize(1);
    if (!read->asked_for.empty()) {
      const MasterKey& first = read->asked_for.front();
      std::vector<std::string> ids;
      for (const MasterKey& key : read->asked_for) ids.push_back(key.id);
      const std::string& query = MasterQueryOf(connection, first.kind);
      return Call(read, query, LookupUrl(connection, query, first.setid, ids, kMasterRows),
                  &Poller::OnMasterRows);
    }
  }
  Finish(read);
}

void Poller::OnMasterRows(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply) {
  const pb::Connection& connection = read->poll.connection;
  const std::string what = absl::StrCat("query ", read->query);
  ResultOrError rows = ReadResult(reply, what);
  const bool may_be_cut = MayBeCutMaster(rows.result, read->asked_for.size());
  read->one_by_one = read->one_by_one || may_be_cut;
  if (!rows.error.has_value() && !may_be_cut) {
    const absl::Status put = master_data_.Put(connection, read->asked_for, rows.result, WallTime());
    if (!put.ok()) {
      rows.error = PsError{PsErrorKind::kConfig, absl::StrCat(what, ": ", put.message())};
    }
  }
  read->audit.push_back(
      QueryEntry(connection, read->query, read->call_ids.back(),
                 CallOutcome(reply, rows.error.has_value() ? Name(rows.error->kind) : "ok")));
  if (rows.error.has_value()) {
    read->reading.answer.error = std::move(rows.error);
    return Finish(read);
  }
  LookUp(read);
}

void Poller::Finish(const std::shared_ptr<Read>& read) {
  const PollLease& poll = read->poll;
  Reading& reading = read->reading;
  const absl::CivilDay today =
      absl::ToCivilDay(read->server_time.value_or(WallTime()), ZoneOf(poll.connection));
  master_data_.Fill(poll.connection, today, reading.answer.documents.readable);
  std::vector<std::string> ids;
  for (const Document& document : reading.answer.documents.readable) {
    ids.push_back(OrderId(document.order.document(), derive_));
  }
  const absl::StatusOr<std::string> connection_id = ConnectionId(poll.connection.name());
  absl::StatusOr<std::map<std::string, StoredRevision>> stored =
      std::map<std::string, StoredRevision>();
  if (!ids.empty()) stored = store_.FindRevisions(*connection_id, ids);

  const std::string outcome_name =
      reading.sent ? OutcomeName(reading.answer) + ", not stored" : "not sent";
  absl::Status result = stored.status();
  if (stored.ok()) {
    ReadOutcome outcome = Settle(poll, std::move(reading), *stored, rules_, derive_);
    if (read->server_time.has_value()) outcome.clock_offset = *read->server_time - WallTime();
    if (read->cancelled) outcome.wait = absl::ZeroDuration();
    outcome.audit.insert(outcome.audit.end(), read->audit.begin(), read->audit.end());
    result = Store(*read, std::move(outcome));
  }
  if (!result.ok()) {
    // The lease runs out and the window is read again; what is left to do is to record the calls.
    LogWarning("read_not_stored", {{"connection", poll.connection.name()}, {"status", result}});
    (void)store_.ShowProblem(
        poll, absl::StrCat("what was read cannot be stored: ", std::string(result.message())));
    LeaveUnrecorded(*read, outcome_name + ", not stored");
  }
  Forget(*read);
}

// The calls' entries wait for the next heartbeat.
void Poller::LeaveUnrecorded(const Read& read, const std::string& outcome) {
  for (AuditEntry& entry : read.WholeAudit(outcome)) {
    const std::string event_id = entry.event_id;
    calls_.Unrecorded(event_id, std::move(entry));
  }
}

absl::Status Poller::Store(Read& read, ReadOutcome outcome) {
  const PollLease& poll = read.poll;
  RETURN_IF_ERROR(store_.StoreRead(poll, outcome));
  if (!outcome.revisions.empty()) orders_came_();
  for (const std::string& call_id : read.call_ids) calls_.Recorded(call_id);
  const std::string& connection = poll.connection.name();
  if (!outcome.stop_reason.empty()) {
    LogError("connection_stopped", {{"connection", connection}, {"reason", outcome.stop_reason}});
  } else if (!outcome.error.empty() &&
             std::count(poll.problems.begin(), poll.problems.end(), outcome.error) == 0) {
    LogWarning("read_failed", {{"connection", connection}, {"reason", outcome.error}});
  }
  kRefused().Increment(outcome.refused_count);
  kRevisions().Increment(static_cast<double>(outcome.revisions.size()));
  return absl::OkStatus();
}

void Poller::Forget(const Read& read) {
  {
    std::lock_guard lock(mutex_);
    in_flight_.erase(read.id);
  }
  changed_.notify_all();
  wakeup_.Notify();  // the next window, or the user's other query
}

}  // namespace psups::ps_ingest
