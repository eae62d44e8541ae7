#include "services/ps-ingest/checker.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ps-ingest/ask.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/prompts.h"
#include "services/ps-ingest/quiet.h"
#include "services/ps-ingest/reader_turn.h"
#include "services/ps-ingest/settle.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using Standing = pb::CheckOrdersResponse::Standing;

const CounterMetric kChecks("psups_ps_checks_total", "Reads by key, just before buying.",
                            {"outcome"});

// An answer of several documents with more rows might be cut by a cap that nobody knows of: they
// are read one by one then.
constexpr int kSurelyWhole = 100;

bool IsFresh(const OrderStore::Checked& checked) {
  return checked.age <= absl::Seconds(checked.connection.check_max_age_seconds());
}

// What is read after it comes too late for who asks: it is fresh when he asks again.
constexpr absl::Duration kMostTime = absl::Seconds(20);

// Whether the connection may be called now.
bool MayRead(const pb::Connection& connection) {
  return connection.state() != pb::Connection::STOPPED &&
         !QuietUntil(connection, WallTime()).has_value();
}

}  // namespace

absl::StatusOr<std::vector<Standing>> Checker::Check(const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(std::vector<OrderStore::Checked> found, ports_.orders.Check(names));
  std::vector<Standing> standings;
  std::vector<OrderStore::Checked> stale;
  for (OrderStore::Checked& checked : found) {
    if (IsFresh(checked)) {
      standings.push_back(std::move(checked.standing));
    } else if (MayRead(checked.connection)) {
      stale.push_back(std::move(checked));
    }
  }
  if (stale.empty()) return standings;
  std::vector<Batch> batches = Batches(stale);
  const absl::Time end = WallTime() + kMostTime;
  while (!batches.empty() && WallTime() < end) {
    const Batch batch = std::move(batches.back());
    batches.pop_back();
    const absl::Status read = Read(batch);
    if (absl::IsOutOfRange(read) && batch.ids.size() > 1) {
      for (const std::string& id : batch.ids) {
        Batch one = batch;
        one.ids = {id};
        batches.push_back(std::move(one));
      }
      continue;
    }
    kChecks(read.ok() ? "ok" : "failed").Increment();
    if (read.ok()) continue;
    LogWarning("orders_not_checked", {{"connection", batch.connection.name()}, {"reason", read}});
  }
  std::vector<std::string> again;
  for (const OrderStore::Checked& checked : stale) again.push_back(checked.standing.name());
  ASSIGN_OR_RETURN(found, ports_.orders.Check(again));
  for (OrderStore::Checked& checked : found) {
    if (IsFresh(checked)) standings.push_back(std::move(checked.standing));
  }
  return standings;
}

std::vector<Checker::Batch> Checker::Batches(const std::vector<OrderStore::Checked>& stale) {
  std::map<std::tuple<std::string, int, std::string>, Batch> open;
  std::vector<Batch> batches;
  for (const OrderStore::Checked& checked : stale) {
    const type::v1::DocumentKey& document = checked.document;
    Batch& batch =
        open[{document.connection(), document.document_type(), document.business_unit()}];
    if (batch.ids.empty()) {
      batch.connection = checked.connection;
      batch.type = document.document_type();
      batch.business_unit = document.business_unit();
    }
    batch.ids.push_back(document.document_id());
    if (batch.ids.size() < kIdPrompts) continue;
    batches.push_back(std::exchange(batch, {}));
  }
  for (auto& [key, batch] : open) {
    if (!batch.ids.empty()) batches.push_back(std::move(batch));
  }
  return batches;
}

absl::StatusOr<PeopleSoft::Reply> Checker::Call(const Batch& batch, const std::string& query,
                                                const absl::StatusOr<std::string>& url,
                                                std::vector<AuditEntry>& audit) {
  RETURN_IF_ERROR(url.status());
  ASSIGN_OR_RETURN(const std::string password, ports_.passwords.For(batch.connection));
  const std::string call_id = RandomHex128();
  ports_.calls.Begin(call_id, WallTime());
  PeopleSoft::Reply reply =
      SendAndWait(ports_.people_soft, {.connection = &batch.connection,
                                       .password = password,
                                       .call_id = call_id,
                                       .url = *url,
                                       .max_bytes = MostBytes(batch.connection)});
  AuditEntry entry = QueryEntry(
      batch.connection, query, call_id,
      CallOutcome(reply, reply.response.ok() ? absl::StrCat(reply.response->status) : "no answer"));
  entry.detail["check"] = true;
  audit.push_back(std::move(entry));
  audit.insert(audit.end(), reply.token_calls.begin(), reply.token_calls.end());
  return reply;
}

absl::Status Checker::Read(const Batch& batch) {
  const pb::Connection& connection = batch.connection;
  ASSIGN_OR_RETURN(const ReaderTurn turn,
                   ReaderTurn::Take(ports_.connections, connection,
                                    absl::Seconds(connection.read_timeout_seconds() + 15)));
  ASSIGN_OR_RETURN(const absl::Time now, ports_.polls.Now());
  const std::string& query = KeyQueryOf(connection, batch.type);
  KeyRead read = {.connection = connection, .type = batch.type, .read_start = now};
  const auto reply =
      Call(batch, query,
           KeyUrl(connection, batch.type, batch.business_unit, batch.ids, connection.max_rows()),
           read.audit);
  RETURN_IF_ERROR(reply.status());
  read.call_id = read.audit.front().event_id;
  Answer answer = Understand(*reply, connection, batch.type, connection.max_rows(),
                             absl::StrCat("query ", query));
  absl::Status result;
  const bool some = answer.error.has_value() && answer.error->kind != PsErrorKind::kData;
  const bool may_be_cut = answer.full || (answer.rows >= kSurelyWhole && batch.ids.size() > 1);
  if (some) {
    result = Refuse(batch, *answer.error);
  } else if (may_be_cut) {
    result = absl::OutOfRangeError("more rows than can be told to be all");
  } else {
    result = LookUp(batch, answer.documents.readable, read.audit);
  }
  const std::vector<AuditEntry> made = read.audit;
  if (result.ok()) {
    result = Store(std::move(read), std::move(answer.documents.readable));
  }
  for (const AuditEntry& entry : made) {
    const bool recorded = result.ok() || ports_.connections.RecordCalls({entry}).ok();
    recorded ? ports_.calls.Recorded(entry.event_id)
             : ports_.calls.Unrecorded(entry.event_id, entry);
  }
  return result;
}

absl::Status Checker::LookUp(const Batch& batch, std::vector<Document>& documents,
                             std::vector<AuditEntry>& audit) {
  const pb::Connection& connection = batch.connection;
  const absl::Time start = WallTime();
  bool one_by_one = false;
  while (true) {
    std::vector<MasterKey> keys = ports_.master_data.Missing(connection, documents, start);
    if (keys.empty()) break;
    if (one_by_one) keys.resize(1);
    std::vector<std::string> ids;
    for (const MasterKey& key : keys) ids.push_back(key.id);
    const std::string& query = MasterQueryOf(connection, keys.front().kind);
    ASSIGN_OR_RETURN(
        const PeopleSoft::Reply reply,
        Call(batch, query, LookupUrl(connection, query, keys.front().setid, ids, kMasterRows),
             audit));
    const ResultOrError rows = ReadResult(reply, absl::StrCat("query ", query));
    if (rows.error.has_value()) return Refuse(batch, *rows.error);
    if (MayBeCutMaster(rows.result, keys.size())) {
      one_by_one = true;
      continue;
    }
    RETURN_IF_ERROR(ports_.master_data.Put(connection, keys, rows.result, WallTime()));
  }
  ports_.master_data.Fill(connection, absl::ToCivilDay(start, ZoneOf(connection)), documents);
  return absl::OkStatus();
}

absl::Status Checker::Store(KeyRead read, std::vector<Document> documents) {
  ASSIGN_OR_RETURN(const std::string id, ConnectionId(read.connection.name()));
  for (const Document& document : documents) {
    read.seen.push_back(OrderId(document.order.document(), derive_));
  }
  ASSIGN_OR_RETURN(const auto stored, ports_.polls.FindRevisions(id, read.seen));
  Novelties found = FindNovelties(std::move(documents), stored, read.read_start,
                                  ZoneOf(read.connection), derive_);
  read.revisions = std::move(found.revisions);
  read.touched = std::move(found.touched);
  // What was refused says nothing about what is stored.
  std::erase_if(read.seen, [&](const std::string& id) {
    return std::count(found.refused.begin(), found.refused.end(), id) > 0;
  });
  RETURN_IF_ERROR(ports_.polls.StoreKeyRead(read));
  if (!read.revisions.empty()) stored_();
  return absl::OkStatus();
}

// What PeopleSoft or a setting refused. A refused credential stops the connection here as in a
// poll.
absl::Status Checker::Refuse(const Batch& batch, const PsError& error) {
  if (error.kind == PsErrorKind::kAuth) {
    ASSIGN_OR_RETURN(const std::string id, ConnectionId(batch.connection.name()));
    LogError("connection_stopped",
             {{"connection", batch.connection.name()}, {"reason", error.sentence}});
    (void)ports_.connections.ChangeState(id, "connection.stop", "ps-ingest",
                                         [&](pb::Connection& connection, bool&) {
                                           connection.set_state(pb::Connection::STOPPED);
                                           connection.set_state_reason(error.sentence);
                                           return absl::OkStatus();
                                         });
  }
  return absl::FailedPreconditionError(error.sentence);
}

}  // namespace psups::ps_ingest
