#include "services/ps-ingest/settle.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "services/ps-ingest/ask.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

// How much longer than a read the pause after it is at the least: a slow site is asked less.
constexpr int kRestPerRead = 4;
constexpr int kMostDoublings = 20;
constexpr absl::Duration kBackfillPause = absl::Milliseconds(200);

// The outcome of a read that failed: what to do next, by whose fault it is.
void SettleError(const PollLease& poll, const Reading& reading, const PollRules& rules,
                 ReadOutcome& outcome) {
  const PsError& error = *reading.answer.error;
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
  if (!error.timed_out) return;
  // What takes the site too long is asked for in halves, after a rest.
  (void)Halve(outcome.cursor, WindowRulesOf(poll.connection), reading.window);
  const absl::Duration longest = absl::Seconds(poll.connection.max_poll_interval_seconds());
  outcome.wait = std::max(outcome.wait, std::min(longest, reading.took * kRestPerRead));
}

// After a round: longer with each that brought nothing new, and longer at a slow site.
absl::Duration PollWait(const pb::Connection& connection, const Cursor& cursor,
                        absl::Duration took) {
  const absl::Duration longest = absl::Seconds(connection.max_poll_interval_seconds());
  const int doublings = std::clamp(cursor.idle_rounds - 1, 0, kMostDoublings);
  const absl::Duration wait = absl::Seconds(connection.poll_interval_seconds()) * (1 << doublings);
  return std::min(longest, std::max(wait, took * kRestPerRead));
}

absl::Duration WaitAfterRound(const pb::Connection& connection, const Cursor& cursor,
                              absl::Duration took) {
  return cursor.purpose == Purpose::kSweep ? absl::Seconds(connection.sweep_interval_seconds())
                                           : PollWait(connection, cursor, took);
}

// Between a round's windows. A sweep is in no hurry, and a backfill leaves others their turn.
absl::Duration WaitInRound(const pb::Connection& connection, const Cursor& cursor,
                           absl::Duration took) {
  if (cursor.purpose == Purpose::kPoll) return absl::ZeroDuration();
  if (cursor.purpose == Purpose::kBackfill) return kBackfillPause;
  return std::max(absl::Seconds(connection.poll_interval_seconds()), took * kRestPerRead);
}

// After a window's answer is stored: on to the next one, showing what the round could not read.
void SettleProgress(const PollLease& poll, const Reading& reading, const PollRules& rules,
                    ReadOutcome& outcome) {
  Cursor& cursor = outcome.cursor;
  const pb::Connection& connection = poll.connection;
  const bool goes_on =
      Advance(cursor, WindowRulesOf(connection), reading.window, reading.server_time_at_start);
  outcome.error = cursor.fault;
  if (goes_on) {
    outcome.wait = WaitInRound(connection, cursor, reading.took);
    return;
  }
  // A row limit may be lowered: what was seen long ago does not count for ever.
  cursor.most_rows -= cursor.most_rows / 8;
  ++cursor.idle_rounds;
  outcome.finished = cursor.purpose == Purpose::kBackfill;
  outcome.wait = WaitAfterRound(connection, cursor, reading.took);
  if (cursor.faulty && cursor.purpose == Purpose::kPoll) {
    outcome.wait = std::max(outcome.wait, rules.setup_retry);
  }
}

void SettleDocuments(const PollLease& poll, std::vector<Document> documents,
                     const std::map<std::string, StoredRevision>& stored, const Deriver& derive,
                     ReadOutcome& outcome) {
  Novelties found =
      FindNovelties(std::move(documents), stored, poll.read_start, ZoneOf(poll.connection), derive);
  if (!found.revisions.empty()) outcome.cursor.idle_rounds = -1;  // the round's end makes it 0
  outcome.revisions = std::move(found.revisions);
  outcome.touched = std::move(found.touched);
  outcome.refused_count = static_cast<int>(found.refused.size());
}

void Alarm(const PollLease& poll, const PollRules& rules, std::string sentence,
           ReadOutcome& outcome) {
  outcome.failure_count = poll.failure_count + 1;
  outcome.wait = rules.setup_retry;
  outcome.error = std::move(sentence);
  // What was learned may not hold any more once the site is mended.
  outcome.cursor.row_cap = 0;
}

bool CountedMore(const Answer& answer) { return answer.counted.value_or(0) > answer.rows; }

// After a cut answer of a query that cannot go on: half of the window comes next. False if it
// cannot be cut further.
bool SettleHalf(const PollLease& poll, const Reading& reading, ReadOutcome& outcome) {
  if (!Halve(outcome.cursor, WindowRulesOf(poll.connection), reading.window)) return false;
  outcome.error = outcome.cursor.fault;
  return true;
}

std::string FullWindowSentence(const PollLease& poll, const Reading& reading) {
  return absl::StrCat("one ", WindowRulesOf(poll.connection).whole_days ? "day" : "second", " of ",
                      ReadName(poll.connection, poll.type), " holds at least ",
                      std::max(reading.answer.rows, reading.answer.counted.value_or(0)),
                      " rows, so that some may be cut off; give the query the prompts AFTER_BU and "
                      "AFTER_ID and the ORDER BY of the setup guide, or raise max_rows and the "
                      "OPRID's row limit");
}

// Whether the answer can be read on behind a document: its rows stand in the documents' order, and
// a prompt can name the document.
bool CanGoOnBehind(const pb::Connection& connection, const Documents& documents) {
  const DocumentId& behind = documents.before_last.value_or(documents.last);
  return CanGoOn(connection) && documents.ordered && !documents.last.id.empty() &&
         behind.id.find(',') == std::string::npos &&
         behind.business_unit.find(',') == std::string::npos;
}

// After a cut answer of a query that can go on after a document: what is whole is stored, and the
// rest of the window comes next. The last document may be cut in two; it comes again.
void SettlePage(const PollLease& poll, Reading& reading,
                const std::map<std::string, StoredRevision>& stored, const PollRules& rules,
                const Deriver& derive, ReadOutcome& outcome) {
  Answer& answer = reading.answer;
  Documents& documents = answer.documents;
  const std::string what = ReadName(poll.connection, poll.type);
  const DocumentId first =
      documents.readable.empty() ? documents.last : IdOf(documents.readable.front().order);
  if (poll.cursor.after.has_value() && first <= *poll.cursor.after) {
    return Alarm(poll, rules,
                 absl::StrCat(what,
                              ": documents came that are not behind the one in AFTER_BU and "
                              "AFTER_ID; correct the criterion as the setup guide has it"),
                 outcome);
  }
  const bool alone = !documents.before_last.has_value();
  if (alone && (answer.full || CountedMore(answer) || answer.goes_on)) {
    return Alarm(poll, rules,
                 absl::StrCat(what, ": one document holds at least ", answer.rows,
                              " rows, so that some may be cut off; raise max_rows and the OPRID's "
                              "row limit"),
                 outcome);
  }
  if (!alone) {
    std::erase_if(documents.readable,
                  [&](const Document& document) { return IdOf(document.order) == documents.last; });
  }
  outcome.cursor.after = alone ? documents.last : *documents.before_last;
  SettleDocuments(poll, std::move(documents.readable), stored, derive, outcome);
  outcome.error = outcome.cursor.fault;
}

// Whether rows may be missing from the answer, and what that teaches about the site's cap.
bool IsCut(const Reading& reading, Cursor& cursor) {
  const Answer& answer = reading.answer;
  const bool counted_more = CountedMore(answer);
  if (counted_more && !answer.full && answer.rows > 1 && answer.rows == cursor.most_rows) {
    cursor.row_cap = answer.rows;
  }
  // What the site counted settles it.
  const bool cut = answer.counted.has_value() ? answer.full || counted_more
                                              : MayBeCut(cursor, answer.rows, reading.asked);
  cursor.most_rows = std::max(cursor.most_rows, answer.rows);
  return cut;
}

void SettleAnswer(const PollLease& poll, Reading& reading,
                  const std::map<std::string, StoredRevision>& stored, const PollRules& rules,
                  const Deriver& derive, ReadOutcome& outcome) {
  Answer& answer = reading.answer;
  Cursor& cursor = outcome.cursor;
  if (answer.error.has_value()) {
    // The round goes on to the clock, so that what was touched later comes too; rounds begin at
    // this window until the document is mended.
    outcome.failure_count = poll.failure_count + 1;
    if (!cursor.faulty || cursor.fault.empty()) cursor.fault = answer.error->sentence;
    cursor.faulty = true;
  }
  const bool cut = IsCut(reading, cursor);
  outcome.window->set_truncated(cut);
  if (cut && CanGoOnBehind(poll.connection, answer.documents)) {
    return SettlePage(poll, reading, stored, rules, derive, outcome);
  }
  if (cut && SettleHalf(poll, reading, outcome)) return;
  if (cut && (answer.full || CountedMore(answer))) {
    return Alarm(poll, rules, FullWindowSentence(poll, reading), outcome);
  }
  // An answer that only might be cut cannot be asked for in smaller parts: it is taken as whole.
  outcome.window->set_truncated(false);
  SettleDocuments(poll, std::move(answer.documents.readable), stored, derive, outcome);
  SettleProgress(poll, reading, rules, outcome);
}

}  // namespace

pb::Window WindowRecord(const PollLease& poll, const Window& window) {
  const absl::TimeZone zone = ZoneOf(poll.connection);
  pb::Window record;
  record.set_connection(poll.connection.name());
  record.set_document_type(poll.type);
  record.set_from(absl::FormatCivilTime(LocalStart(window.from, zone)));
  record.set_to(absl::FormatCivilTime(LocalEnd(window.to, zone)));
  record.set_purpose(static_cast<pb::Window::Purpose>(static_cast<int>(poll.cursor.purpose) + 1));
  record.set_counted_rows(-1);
  return record;
}

std::string CallOutcome(const PeopleSoft::Reply& reply, std::string outcome) {
  return reply.sent ? std::move(outcome) : "not sent";
}

AuditEntry QueryEntry(const pb::Connection& connection, const std::string& query,
                      const std::string& call_id, const std::string& outcome) {
  return {.action = "ps.query",
          .subject = connection.name(),
          .detail = {{"call_id", call_id}, {"query", query}, {"outcome", outcome}},
          .event_id = call_id};
}

Novelties FindNovelties(std::vector<Document> documents,
                        const std::map<std::string, StoredRevision>& stored, absl::Time read_start,
                        absl::TimeZone zone, const Deriver& derive) {
  Novelties found;
  for (Document& document : documents) {
    pb::Order& order = document.order;
    const std::string id = OrderId(order.document(), derive);
    order.set_name("orders/" + id);
    NameSources(order, derive);
    const auto known = stored.find(id);
    const StoredRevision before = known == stored.end() ? StoredRevision{} : known->second;
    std::string hash = ContentHash(order);
    switch (Compare(before, order, hash, read_start, zone)) {
      case Verdict::kSame:
        break;
      case Verdict::kOlder:
        found.refused.push_back(id);
        LogWarning("older_revision_refused",
                   {{"order", order.name()}, {"stored_revision", before.revision}});
        break;
      case Verdict::kTouched:
        found.touched.push_back(std::move(order));
        break;
      case Verdict::kNewer:
        order.set_trace_id(TraceId(order.document(), derive));
        const bool eligible = HasEligible(order);
        found.revisions.push_back({.order = std::move(order),
                                   .revision = before.revision + 1,
                                   .content_hash = std::move(hash),
                                   .eligible = eligible});
        break;
    }
  }
  return found;
}

ReadOutcome Settle(const PollLease& poll, Reading reading,
                   const std::map<std::string, StoredRevision>& stored, const PollRules& rules,
                   const Deriver& derive) {
  Answer& answer = reading.answer;
  ReadOutcome outcome = {
      .call_id = reading.call_id, .cursor = poll.cursor, .clock_offset = poll.clock_offset};
  if (answer.error.has_value() && answer.error->kind == PsErrorKind::kTooLarge) {
    answer.error.reset();
    answer.full = true;
  }
  const bool answered = !answer.error.has_value() || answer.error->kind == PsErrorKind::kData;
  pb::Window record = WindowRecord(poll, reading.window);
  AuditEntry entry =
      QueryEntry(poll.connection, QueryOf(poll.connection, poll.type), reading.call_id, "ok");
  entry.detail["from"] = record.from();
  entry.detail["to"] = record.to();
  if (!answered) {
    entry.detail["outcome"] = reading.sent ? Name(answer.error->kind) : "not sent";
    SettleError(poll, reading, rules, outcome);
    outcome.audit.push_back(std::move(entry));
    return outcome;
  }
  record.set_rows(answer.rows);
  record.set_documents(static_cast<int>(answer.documents.readable.size()));
  record.set_counted_rows(answer.counted.value_or(-1));
  outcome.window = std::move(record);
  SettleAnswer(poll, reading, stored, rules, derive, outcome);
  outcome.window->set_documents_stored(static_cast<int>(outcome.revisions.size()));
  if (outcome.window->truncated()) entry.detail["outcome"] = "truncated";
  if (answer.error.has_value()) entry.detail["outcome"] = Name(answer.error->kind);
  entry.detail["rows"] = outcome.window->rows();
  entry.detail["documents"] = outcome.window->documents();
  entry.detail["stored"] = outcome.window->documents_stored();
  entry.detail["refused"] = outcome.refused_count;
  outcome.audit.push_back(std::move(entry));
  // A window with something unreadable in it is read again: it does not count yet.
  if (answer.error.has_value()) outcome.window.reset();
  return outcome;
}

}  // namespace psups::ps_ingest
