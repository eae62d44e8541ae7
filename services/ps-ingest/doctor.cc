#include "services/ps-ingest/doctor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ps-ingest/ask.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/host_check.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/query_url.h"
#include "services/ps-ingest/read.h"
#include "services/ps-ingest/reader_turn.h"
#include "services/ps-ingest/sample.h"
#include "services/ps-ingest/settle.h"
#include "services/ps-ingest/write_back.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;

constexpr int kTestTimeoutSeconds = 30;
constexpr absl::Duration kTurn = absl::Seconds(kTestTimeoutSeconds + 15);
constexpr absl::Duration kWorstClock = absl::Minutes(5);
constexpr char kNobody[] = "00000000000000000000000000000000";  // no message has this id

class Doctor {
 public:
  Doctor(ConnectionStore& store, PeopleSoft& people_soft, OpenCalls& calls,
         pb::Connection connection, std::string password, std::string actor)
      : store_(store),
        people_soft_(people_soft),
        calls_(calls),
        connection_(std::move(connection)),
        password_(std::move(password)),
        actor_(std::move(actor)) {
    connection_.set_read_timeout_seconds(
        std::min(connection_.read_timeout_seconds(), kTestTimeoutSeconds));
  }

  absl::StatusOr<pb::TestConnectionResponse> Examine() {
    if (LookAtHosts()) {
      for (const int type : connection_.document_types()) {
        ASSIGN_OR_RETURN(const bool goes_on,
                         LookAtDocuments(static_cast<type_pb::DocumentType>(type)));
        if (!goes_on) return response_;
      }
      RETURN_IF_ERROR(LookAtWriteBack());
    }
    return response_;
  }

 private:
  void Add(Check check) { *response_.add_checks() = std::move(check); }
  void Add(std::string subject, bool ok, std::string finding) {
    Add(MakeCheck(std::move(subject), ok, std::move(finding)));
  }
  // "ok" or the error's sentence.
  bool AddOutcome(const std::string& subject, const std::optional<PsError>& error,
                  const std::string& good) {
    Add(subject, !error.has_value(), error.has_value() ? error->sentence : good);
    return !error.has_value();
  }

  bool LookAtHosts() {
    Check host = CheckHost(connection_.base_url());
    bool ok = host.ok();
    Add(std::move(host));
    if (connection_.authentication() == pb::Connection::CLIENT_CREDENTIALS) {
      Check provider = CheckHost(connection_.token_url());
      ok = ok && provider.ok();
      Add(std::move(provider));
    }
    return ok;
  }

  // A call as the connection's user, on record.
  absl::StatusOr<PeopleSoft::Reply> Ask(const std::string& query, const std::string& url,
                                        std::optional<std::string> json = std::nullopt) {
    ASSIGN_OR_RETURN(const ReaderTurn turn, ReaderTurn::Take(store_, connection_, kTurn));
    const std::string call_id = RandomHex128();
    calls_.Begin(call_id, WallTime());
    PeopleSoft::Reply reply = SendAndWait(people_soft_, {.connection = &connection_,
                                                         .password = password_,
                                                         .call_id = call_id,
                                                         .url = url,
                                                         .json = std::move(json),
                                                         .max_bytes = MostBytes(connection_)});
    AuditEntry entry =
        QueryEntry(connection_, query, call_id,
                   CallOutcome(reply, reply.response.ok() ? absl::StrCat(reply.response->status)
                                                          : "no answer"));
    entry.actor = actor_;
    entry.detail["test"] = true;
    std::vector<AuditEntry> entries = reply.token_calls;
    entries.push_back(entry);
    const bool recorded = store_.RecordCalls(entries).ok();
    for (const AuditEntry& made : entries) {
      recorded ? calls_.Recorded(made.event_id) : calls_.Unrecorded(made.event_id, made);
    }
    return reply;
  }

  absl::StatusOr<Answer> AskWindow(const Sample& sample, const Window& window,
                                   const std::optional<DocumentId>& after, int rows) {
    ASSIGN_OR_RETURN(const std::string url,
                     WindowUrl(connection_, sample.type, window, after, rows));
    ASSIGN_OR_RETURN(last_reply_, Ask(sample.query, url));
    return Understand(last_reply_, connection_, sample.type, rows, "query " + sample.query);
  }

  // False if what failed hides everything else.
  absl::StatusOr<bool> LookAtDocuments(type_pb::DocumentType type) {
    Sample sample = {.type = type, .query = QueryOf(connection_, type)};
    const absl::Time now = WallTime();
    const Window window = {StartOf(connection_), std::max(now, StartOf(connection_))};
    ASSIGN_OR_RETURN(Answer answer,
                     AskWindow(sample, window, std::nullopt, connection_.max_rows()));
    const bool answered = !answer.error.has_value() || answer.error->kind == PsErrorKind::kData;
    if (const ResultOrError result = ReadResult(last_reply_, sample.query);
        !result.error.has_value()) {
      sample.result = result.result;
    }
    if (!AddOutcome("query " + sample.query, answer.error,
                    absl::StrCat("answered, ", answer.rows, " rows"))) {
      for (Check& check : CheckColumns(connection_, sample)) {
        if (!sample.result.rows.empty() && !check.ok()) Add(std::move(check));
      }
      if (!answered) {
        const PsErrorKind kind = answer.error->kind;
        return kind == PsErrorKind::kConfig || kind == PsErrorKind::kPermission;
      }
    }
    LookAtClock(sample, answer);
    sample.documents = std::move(answer.documents);
    sample.whole = !answer.full;
    for (Check& check : CheckColumns(connection_, sample)) Add(std::move(check));
    for (Check& check : CheckRows(connection_, sample)) Add(std::move(check));
    RETURN_IF_ERROR(LookAtCap(sample, window, answer.rows));
    RETURN_IF_ERROR(LookAtEnds(sample));
    RETURN_IF_ERROR(LookAtCount(sample, window, answer.rows));
    RETURN_IF_ERROR(LookAtKeys(sample));
    RETURN_IF_ERROR(LookAtMasterData(sample));
    return true;
  }

  void LookAtClock(Sample& sample, const Answer& answer) {
    const std::optional<absl::Time> server = ServerTime(last_reply_);
    if (!server.has_value()) {
      Add("server clock", true, "unknown: the answer has no Date header; windows go by our clock");
      return;
    }
    const absl::Duration offset = *server - WallTime();
    const bool near = absl::AbsDuration(offset) < kWorstClock;
    Add("server clock", near,
        absl::StrCat("differs from ours by ", absl::ToInt64Seconds(offset),
                     near ? " s; windows go by the server's"
                          : " s; set the clocks of both machines by NTP"));
    sample.documents = answer.documents;
    Add(CheckZone(connection_, sample, *server));
  }

  // Whether PeopleSoft gives as many rows as it is asked for.
  absl::Status LookAtCap(const Sample& sample, const Window& window, int rows) {
    const std::string subject = "row limit of " + sample.query;
    if (!sample.whole) {
      Add(subject, true, absl::StrCat("gives all ", rows, " rows that are asked for (max_rows)"));
      return absl::OkStatus();
    }
    if (rows == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int more, RowsBeyond(sample, window, rows));
    if (more < 0) return absl::OkStatus();  // told already
    Add(subject, more == 0,
        more == 0 ? absl::StrCat("none was met in ", rows, " rows")
                  : absl::StrCat("PeopleSoft gives ", rows,
                                 " rows at most, though there are more "
                                 "and max_rows is ",
                                 connection_.max_rows(),
                                 "; raise the row limit of the OPRID's query profile above it, or "
                                 "set max_rows to less than ",
                                 rows));
    return absl::OkStatus();
  }

  // Rows of the window that did not come in one answer of all its rows; -1 if it cannot be told.
  absl::StatusOr<int> RowsBeyond(const Sample& sample, const Window& window, int rows) {
    const Documents& documents = sample.documents;
    if (CanGoOn(connection_)) {
      ASSIGN_OR_RETURN(const Answer rest,
                       AskWindow(sample, window, documents.last, connection_.max_rows()));
      if (!AddOutcome("prompts AFTER_BU and AFTER_ID of " + sample.query, rest.error,
                      "the query takes them")) {
        return -1;
      }
      const bool goes_back = std::any_of(
          rest.documents.readable.begin(), rest.documents.readable.end(),
          [&](const Document& document) { return IdOf(document.order) <= documents.last; });
      if (documents.ordered && goes_back) {
        Add("criterion on AFTER_BU and AFTER_ID of " + sample.query, false,
            "documents came that are not after the one that was named; correct the criterion");
        return -1;
      }
      return documents.ordered ? rest.rows : -1;
    }
    return RowsBeyondByHalves(sample, window, rows);
  }

  // Where a half has as many rows as the whole, the half of that is looked at.
  absl::StatusOr<int> RowsBeyondByHalves(const Sample& sample, Window window, int rows) {
    while (window.to - window.from > absl::Seconds(2)) {
      const absl::Time middle =
          window.from + absl::Trunc((window.to - window.from) / 2, absl::Seconds(1));
      const Window halves[] = {{window.from, middle}, {middle + absl::Seconds(1), window.to}};
      int found = 0;
      bool full = false;
      for (const Window& half : halves) {
        ASSIGN_OR_RETURN(const Answer answer,
                         AskWindow(sample, half, std::nullopt, connection_.max_rows()));
        if (answer.error.has_value()) return -1;
        found += answer.rows;
        if (answer.rows == rows) {
          full = true;
          window = half;
        }
      }
      if (found > rows) return found - rows;
      if (!full) return 0;
    }
    return 0;
  }

  // A window of one document's own second: both ends belong to it.
  absl::Status LookAtEnds(const Sample& sample) {
    const absl::TimeZone zone = ZoneOf(connection_);
    for (const Document& document : sample.documents.readable) {
      const auto time = ParseLocalTime(document.order.last_update_local_time(), zone);
      if (!time.ok() || time->fraction != absl::ZeroDuration() ||
          EarliestMoment(*time, zone) != LatestMoment(*time, zone)) {
        continue;
      }
      const absl::Time at = EarliestMoment(*time, zone);
      ASSIGN_OR_RETURN(const Answer answer,
                       AskWindow(sample, {at, at}, std::nullopt, connection_.max_rows()));
      const bool came = answer.full || answer.error.has_value() ||
                        std::any_of(answer.documents.readable.begin(),
                                    answer.documents.readable.end(), [&](const Document& other) {
                                      return IdOf(other.order) == IdOf(document.order);
                                    });
      Add("window of " + sample.query, came,
          came ? "both ends of the window belong to it"
               : "a document changed at a window's end did not come; make the criterion on "
                 "LAST_DTTM_UPDATE include FROM_DTTM and TO_DTTM");
      return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status LookAtCount(const Sample& sample, const Window& window, int rows) {
    const std::string& query = CountQueryOf(connection_, sample.type);
    if (query.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string url,
                     CountUrl(connection_, sample.type, window, std::nullopt));
    ASSIGN_OR_RETURN(const PeopleSoft::Reply reply, Ask(query, url));
    const CountOrError counted = UnderstandCount(reply, "query " + query);
    if (!AddOutcome("query " + query, counted.error, "answered a number") || !sample.whole) {
      return absl::OkStatus();
    }
    Add("count of " + query, counted.count == rows,
        counted.count == rows
            ? "it counts the rows that come"
            : absl::StrCat("it counts ", counted.count, " rows where ", rows,
                           " came; give both queries the same joins and criteria"));
    return absl::OkStatus();
  }

  absl::Status LookAtKeys(const Sample& sample) {
    const std::string& query = KeyQueryOf(connection_, sample.type);
    if (sample.documents.readable.empty()) {
      Add("query " + query, true, "not asked: there is no document to ask for");
      return absl::OkStatus();
    }
    const DocumentId id = IdOf(sample.documents.readable.front().order);
    ASSIGN_OR_RETURN(const std::string url, KeyUrl(connection_, sample.type, id.business_unit,
                                                   {id.id}, connection_.max_rows()));
    ASSIGN_OR_RETURN(const PeopleSoft::Reply reply, Ask(query, url));
    const Answer answer =
        Understand(reply, connection_, sample.type, connection_.max_rows(), "query " + query);
    const auto& documents = answer.documents.readable;
    if (!AddOutcome("query " + query, answer.error, "answered")) return absl::OkStatus();
    if (documents.size() != 1 || IdOf(documents.front().order) != id) {
      Add("documents of " + query, false,
          absl::StrCat(documents.size(),
                       " documents came where one was asked for by BU and ID_1; "
                       "correct its criteria"));
      return absl::OkStatus();
    }
    Sample by_key = {.type = sample.type, .query = query, .documents = answer.documents};
    by_key.result = ReadResult(reply, query).result;
    for (Check& check : CheckColumns(connection_, by_key)) Add(std::move(check));
    return absl::OkStatus();
  }

  absl::Status LookAtMasterData(const Sample& sample) {
    MasterData known;
    const absl::Time start = WallTime();
    const auto& documents = sample.documents.readable;
    std::optional<Master> last;
    while (true) {
      const std::vector<MasterKey> keys = known.Missing(connection_, documents, start);
      // One batch of each kind shows how the query is built.
      if (keys.empty()) return absl::OkStatus();
      const std::string& query = MasterQueryOf(connection_, keys.front().kind);
      std::vector<std::string> ids;
      for (const MasterKey& key : keys) ids.push_back(key.id);
      ResultOrError rows;
      if (last != keys.front().kind) {
        ASSIGN_OR_RETURN(const std::string url, LookupUrl(connection_, query, keys.front().setid,
                                                          ids, connection_.max_rows()));
        ASSIGN_OR_RETURN(const PeopleSoft::Reply reply, Ask(query, url));
        rows = ReadResult(reply, "query " + query);
        const absl::Status put = known.Put(connection_, keys, rows.result, start);
        const bool ok = !rows.error.has_value() && put.ok();
        Add("query " + query, ok,
            ok                       ? "answered"
            : rows.error.has_value() ? rows.error->sentence
                                     : std::string(put.message()));
        last = keys.front().kind;
      }
      RETURN_IF_ERROR(known.Put(connection_, keys, QueryResult(), start));
    }
  }

  // An empty message list: the handler answers it, and nothing is stored.
  absl::Status LookAtWriteBack() {
    const std::string url =
        OperationUrl(connection_.base_url(), connection_.node(), connection_.write_back_path());
    const std::string subject = "write-back " + connection_.write_back_path();
    ASSIGN_OR_RETURN(const PeopleSoft::Reply reply,
                     Ask("write-back dry run", url,
                         MessagesJson({}, ZoneOf(connection_), FieldNamesOf(connection_))));
    std::optional<PsError> error = FindError(reply.response, "the write-back operation");
    if (!error.has_value() && reply.response->status != 202) {
      const auto results = ParseResults(reply.response->body, FieldNamesOf(connection_));
      if (!results.ok()) {
        error = PsError{PsErrorKind::kConfig,
                        absl::StrCat("to an empty list ", results.status().message(),
                                     "; let the handler answer RESULTS for each message, and an "
                                     "empty RESULTS for none")};
      }
    }
    AddOutcome(subject, error, "answered an empty list; nothing was stored");
    const std::string& query = connection_.write_back_status_query();
    if (query.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string status_url,
                     LookupUrl(connection_, query, std::nullopt, {kNobody}, 1));
    ASSIGN_OR_RETURN(const PeopleSoft::Reply status, Ask(query, status_url));
    AddOutcome("query " + query, ReadResult(status, "query " + query).error, "answered");
    return absl::OkStatus();
  }

  ConnectionStore& store_;
  PeopleSoft& people_soft_;
  OpenCalls& calls_;
  pb::Connection connection_;
  const std::string password_;
  const std::string actor_;
  PeopleSoft::Reply last_reply_ = {};
  pb::TestConnectionResponse response_ = {};
};

}  // namespace

absl::StatusOr<pb::TestConnectionResponse> Examine(ConnectionStore& store, PeopleSoft& people_soft,
                                                   OpenCalls& calls,
                                                   const pb::Connection& connection,
                                                   const std::string& password,
                                                   const std::string& actor) {
  return Doctor(store, people_soft, calls, connection, password, actor).Examine();
}

}  // namespace psups::ps_ingest
