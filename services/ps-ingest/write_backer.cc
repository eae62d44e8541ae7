#include "services/ps-ingest/write_backer.h"

#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ps-ingest/ask.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/ps_error.h"
#include "services/ps-ingest/query_url.h"
#include "services/ps-ingest/quiet.h"
#include "services/ps-ingest/read.h"
#include "services/ps-ingest/settle.h"
#include "services/ps-ingest/write_back.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

const CounterMetric kWriteBacks("psups_ps_write_backs_total",
                                "Statuses that PeopleSoft answered: written or parked.",
                                {"outcome"});

constexpr int kMostAnswers = 100;  // rows of the status query
constexpr char kOperation[] = "the write-back operation";
constexpr char kParked[] =
    "PeopleSoft refused the message (STATUS ERROR); correct its cause there, then resend or skip "
    "it";

constexpr char kFailedLater[] =
    "PeopleSoft accepted the message and then failed to store it; correct its cause there, then "
    "resend or skip it";

AuditEntry CallEntry(const WriteBackLane& lane, const std::vector<pb::TrackingUpdate>& sent,
                     const std::string& call_id, const std::string& outcome) {
  nlohmann::json ids = nlohmann::json::array();
  for (const pb::TrackingUpdate& update : sent) ids.push_back(update.update_id());
  return {.action = "ps.write_back",
          .subject = lane.connection.name(),
          .detail = {{"call_id", call_id}, {"outcome", outcome}, {"update_ids", std::move(ids)}},
          .event_id = call_id};
}

// What the answer says of the messages that were sent; `error` if it says nothing.
std::map<std::string, MessageResult> ResultsOf(const WriteBackLane& lane,
                                               const std::vector<pb::TrackingUpdate>& sent,
                                               const PeopleSoft::Reply& reply,
                                               std::optional<PsError>& error) {
  std::map<std::string, MessageResult> results;
  if (error.has_value()) return results;
  if (reply.response->status == 202 && reply.response->body.empty()) {
    for (const pb::TrackingUpdate& update : sent) {
      results[update.update_id()] = MessageResult::kAccepted;
    }
    return results;
  }
  auto parsed = ParseResults(reply.response->body, FieldNamesOf(lane.connection));
  if (!parsed.ok()) {
    error = PsError{PsErrorKind::kTransient,
                    absl::StrCat(kOperation, ": ", parsed.status().message(), "; sent again")};
    return results;
  }
  for (const pb::TrackingUpdate& update : sent) {
    const auto result = parsed->find(update.update_id());
    if (result != parsed->end()) results.insert(*result);
  }
  return results;
}

// What a call that failed makes of the lane.
void SettleCall(const WriteBackLane& lane, const std::optional<PsError>& error,
                const WriteBackRules& rules, WriteBackOutcome& outcome) {
  if (!error.has_value()) return;
  outcome.error = error->sentence;
  outcome.failure_count = lane.failure_count + 1;
  outcome.wait = error->kind == PsErrorKind::kTransient
                     ? rules.retry.Wait(lane.failure_count, UnitRandom)
                     : rules.setup_retry;
  if (error->kind == PsErrorKind::kAuth) outcome.stop_reason = error->sentence;
}

}  // namespace

WriteBackOutcome Settle(const WriteBackLane& lane, const std::vector<pb::TrackingUpdate>& sent,
                        const std::string& call_id, const PeopleSoft::Reply& reply,
                        const WriteBackRules& rules) {
  WriteBackOutcome outcome = {.confirm_wait = rules.confirm_wait};
  std::optional<PsError> error = FindError(reply.response, kOperation);
  const std::map<std::string, MessageResult> results = ResultsOf(lane, sent, reply, error);
  const bool confirms = !lane.connection.write_back_status_query().empty();
  for (const pb::TrackingUpdate& update : sent) {
    const auto result = results.find(update.update_id());
    if (result == results.end()) continue;
    if (result->second == MessageResult::kRefused) {
      outcome.parked.push_back(update.update_id());
    } else if (confirms && result->second == MessageResult::kAccepted) {
      outcome.accepted.push_back(update.update_id());
    } else {
      outcome.written.push_back(update.update_id());
    }
  }
  if (!outcome.parked.empty()) outcome.parked_error = kParked;
  if (!error.has_value() && results.empty()) {
    error = PsError{PsErrorKind::kTransient,
                    absl::StrCat(kOperation, ": the answer names no message that was sent")};
  }
  SettleCall(lane, error, rules, outcome);
  AuditEntry entry = CallEntry(lane, sent, call_id,
                               CallOutcome(reply, error.has_value() ? Name(error->kind) : "ok"));
  if (!outcome.parked.empty()) entry.detail["parked"] = outcome.parked;
  outcome.audit = reply.token_calls;
  outcome.audit.push_back(std::move(entry));
  return outcome;
}

WriteBackOutcome SettleConfirmation(const WriteBackLane& lane, const std::string& call_id,
                                    const PeopleSoft::Reply& reply, const WriteBackRules& rules) {
  WriteBackOutcome outcome = {.confirm_wait = rules.confirm_wait,
                              .confirm_timeout = rules.confirm_timeout};
  const std::string& query = lane.connection.write_back_status_query();
  ResultOrError rows = ReadResult(reply, absl::StrCat("query ", query));
  std::map<std::string, MessageResult> stored;
  if (!rows.error.has_value()) {
    auto found = StoredMessages(rows.result);
    if (found.ok()) {
      stored = *std::move(found);
    } else {
      rows.error = PsError{PsErrorKind::kConfig,
                           absl::StrCat("query ", query, ": ", found.status().message())};
    }
  }
  for (const std::string& id : lane.to_confirm) {
    const auto result = stored.find(id);
    if (result == stored.end()) {
      outcome.unconfirmed.push_back(id);
    } else if (result->second == MessageResult::kRefused) {
      outcome.parked.push_back(id);
    } else {
      outcome.written.push_back(id);
    }
  }
  // An answer that is none confirms nothing and loses nothing.
  if (rows.error.has_value()) outcome.confirm_timeout = absl::InfiniteDuration();
  if (!outcome.parked.empty()) outcome.parked_error = kFailedLater;
  SettleCall(lane, rows.error, rules, outcome);
  AuditEntry entry =
      QueryEntry(lane.connection, query, call_id,
                 CallOutcome(reply, rows.error.has_value() ? Name(rows.error->kind) : "ok"));
  if (!outcome.written.empty()) entry.detail["stored"] = outcome.written;
  if (!outcome.parked.empty()) entry.detail["parked"] = outcome.parked;
  outcome.audit = reply.token_calls;
  outcome.audit.push_back(std::move(entry));
  return outcome;
}

struct WriteBacker::Posting {
  WriteBackLane lane = {};
  std::vector<pb::TrackingUpdate> sent = {};
  std::string call_id = {};
};

WriteBacker::WriteBacker(WriteBackStore& store, PeopleSoft& people_soft, Passwords& passwords,
                         OpenCalls& calls, Post post, WriteBackRules rules, Wakeup& wakeup)
    : store_(store),
      people_soft_(people_soft),
      passwords_(passwords),
      calls_(calls),
      post_(std::move(post)),
      rules_(rules),
      wakeup_(wakeup) {
  for (const char* outcome : {"written", "parked"}) kWriteBacks(outcome);  // from 0 on
}

absl::StatusOr<int> WriteBacker::Step() {
  std::vector<std::string> held;
  int room = 0;
  {
    std::lock_guard lock(mutex_);
    room = rules_.most_in_flight - static_cast<int>(in_flight_.size());
    if (WallTime() - renewed_ > rules_.lease / 3) {
      for (const auto& [call_id, token] : in_flight_) held.push_back(token);
      renewed_ = WallTime();
    }
  }
  if (!held.empty()) RETURN_IF_ERROR(store_.RenewLanes(held, rules_.lease));
  if (room <= 0) return 0;
  // The lease commits the intents: from before it on the calls are not on record.
  const std::string leasing = RandomHex128();
  const absl::Time begun = WallTime();
  calls_.Begin(leasing, begun);
  const absl::Cleanup leased = [&] { calls_.Recorded(leasing); };
  ASSIGN_OR_RETURN(std::vector<WriteBackLane> lanes, store_.LeaseLanes(room, rules_.lease));
  const int count = static_cast<int>(lanes.size());
  for (WriteBackLane& lane : lanes) Start(std::move(lane), begun);
  return count;
}

void WriteBacker::Drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return in_flight_.empty(); });
}

void WriteBacker::Start(WriteBackLane lane, absl::Time begun) {
  auto posting = std::make_shared<Posting>();
  posting->lane = std::move(lane);
  posting->call_id = CallIdOf(posting->lane.lease_token);
  posting->sent = posting->lane.updates;
  {
    std::lock_guard lock(mutex_);
    in_flight_.emplace(posting->call_id, posting->lane.lease_token);
  }
  const pb::Connection& connection = posting->lane.connection;
  if (const auto until = QuietUntil(connection, WallTime()); until.has_value()) {
    return StoreUnsent(posting, {.wait = *until - WallTime()});
  }
  const bool confirms = !posting->lane.to_confirm.empty();
  if (confirms && connection.write_back_status_query().empty()) {
    // Nobody can be asked any more: accepted counts as written again.
    return StoreUnsent(posting, {.written = posting->lane.to_confirm});
  }
  const absl::StatusOr<std::string> password = passwords_.For(connection);
  const absl::StatusOr<std::string> url =
      confirms
          ? LookupUrl(connection, connection.write_back_status_query(), std::nullopt,
                      posting->lane.to_confirm, kMostAnswers)
          : OperationUrl(connection.base_url(), connection.node(), connection.write_back_path());
  if (!password.ok() || !url.ok() || (posting->sent.empty() && !confirms)) {
    // No fault of the site's: the database may have been away for a moment.
    const absl::Status& why = password.ok() ? url.status() : password.status();
    return StoreUnsent(
        posting, {.wait = rules_.retry.Wait(posting->lane.failure_count, UnitRandom),
                  .failure_count = posting->lane.failure_count + 1,
                  .error = absl::StrCat("not sent: ", why.ok() ? "no update that is due can be read"
                                                               : why.message())});
  }
  calls_.Begin(posting->call_id, begun);
  std::optional<std::string> json;
  if (!confirms) {
    json = MessagesJson(posting->sent, ZoneOf(connection), FieldNamesOf(connection));
  }
  people_soft_.Send({.connection = &connection,
                     .password = *password,
                     .call_id = posting->call_id,
                     .url = *url,
                     .json = std::move(json)},
                    [this, posting](PeopleSoft::Reply reply) {
                      post_([this, posting, reply = std::move(reply)] { Finish(posting, reply); });
                    });
}

void WriteBacker::StoreUnsent(const std::shared_ptr<Posting>& posting, WriteBackOutcome outcome) {
  post_([this, posting, outcome = std::move(outcome)] {
    (void)store_.StoreOutcome(posting->lane, outcome);
    Forget(*posting);
  });
}

void WriteBacker::Finish(const std::shared_ptr<Posting>& posting, const PeopleSoft::Reply& reply) {
  const WriteBackLane& lane = posting->lane;
  const std::string& connection = lane.connection.name();
  WriteBackOutcome outcome = lane.to_confirm.empty()
                                 ? Settle(lane, posting->sent, posting->call_id, reply, rules_)
                                 : SettleConfirmation(lane, posting->call_id, reply, rules_);
  if (absl::IsCancelled(reply.response.status())) outcome.wait = absl::ZeroDuration();
  const absl::Status stored = store_.StoreOutcome(lane, outcome);
  if (stored.ok()) {
    calls_.Recorded(posting->call_id);
    kWriteBacks("written").Increment(static_cast<double>(outcome.written.size()));
    kWriteBacks("parked").Increment(static_cast<double>(outcome.parked.size()));
    if (!outcome.stop_reason.empty()) {
      LogError("connection_stopped", {{"connection", connection}, {"reason", outcome.stop_reason}});
    } else if (!outcome.error.empty() && lane.failure_count == 0) {
      LogWarning("write_back_failed", {{"connection", connection}, {"reason", outcome.error}});
    }
    for (const std::string& id : outcome.parked) {
      LogWarning("write_back_parked", {{"connection", connection},
                                       {"write_back", absl::StrCat(connection, "/writeBacks/", id)},
                                       {"reason", outcome.parked_error}});
    }
  } else {
    LogWarning("write_back_not_stored", {{"connection", connection}, {"status", stored}});
    const bool confirms = !lane.to_confirm.empty();
    const std::string ended = CallOutcome(reply, "not stored");
    calls_.Unrecorded(posting->call_id,
                      confirms
                          ? QueryEntry(lane.connection, lane.connection.write_back_status_query(),
                                       posting->call_id, ended)
                          : CallEntry(lane, posting->sent, posting->call_id, ended));
    for (const AuditEntry& made : reply.token_calls) calls_.Unrecorded(made.event_id, made);
  }
  Forget(*posting);
}

void WriteBacker::Forget(const Posting& posting) {
  {
    std::lock_guard lock(mutex_);
    in_flight_.erase(posting.call_id);
  }
  changed_.notify_all();
  wakeup_.Notify();
}

}  // namespace psups::ps_ingest
