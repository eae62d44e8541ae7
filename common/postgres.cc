#include "common/postgres.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <pqxx/pqxx>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"

namespace psups {
namespace {

constexpr int kMostTries = 3;
constexpr absl::Duration kConnectionWait = absl::Seconds(10);
// What a server says that was the primary and is a standby now: connecting anew finds the new one.
constexpr std::string_view kReadOnly = "25006";

// A server that answers nothing any more must not hold a thread for the kernel's patience.
std::string WithTimeLimits(std::string url) {
  const bool uri = url.rfind("postgres", 0) == 0 && url.find("://") != std::string::npos;
  for (const std::string_view limit : {"connect_timeout=10", "tcp_user_timeout=30000"}) {
    if (url.find(limit.substr(0, limit.find('=') + 1)) != std::string::npos) continue;
    if (uri) {
      url += url.find('?') == std::string::npos ? '?' : '&';
    } else {
      url += ' ';
    }
    url += limit;
  }
  return url;
}

std::string HexBytea(std::string_view bytes) { return "\\x" + Hex(bytes); }

template <typename Items, typename Render>
std::string ArrayLiteral(const Items& items, Render render) {
  std::string text = "{";
  for (const auto& item : items) {
    if (text.size() > 1) text.push_back(',');
    render(text, item);
  }
  text.push_back('}');
  return text;
}

void AppendQuoted(std::string& text, std::string_view item) {
  text.push_back('"');
  for (const char c : item) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  text.push_back('"');
}

// The constraint's name, the only part of a violation that is no data.
std::string Constraint(const std::string& what) {
  const auto begin = what.find('"');
  const auto end = begin == std::string::npos ? begin : what.find('"', begin + 1);
  return end == std::string::npos ? "" : what.substr(begin, end - begin + 1);
}

// The first line of the server's message; its DETAIL lines would quote values.
std::string FirstLine(const std::string& what) { return what.substr(0, what.find('\n')); }

// The one mapping of database errors to Status; see Db.
absl::Status StatusFromDbError(const std::exception& error) {
  const std::string what = error.what();
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error)) {
    const std::string state = sql->sqlstate();
    if (state == "23505") {
      return absl::AlreadyExistsError(absl::StrCat("database: duplicate for ", Constraint(what)));
    }
    if (state.rfind("23", 0) == 0) {
      return absl::FailedPreconditionError(absl::StrCat("database: violates ", Constraint(what)));
    }
    if (state.rfind("53", 0) == 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat("database: ", FirstLine(what), " (disk, memory or connections: make room)"));
    }
    // 57014: a statement was cancelled, by its time limit or a person; 58: the server's disk fails.
    if (state.rfind("57", 0) == 0 || state.rfind("08", 0) == 0 || state.rfind("58", 0) == 0 ||
        state == "55P03" || state == kReadOnly) {
      return absl::UnavailableError(absl::StrCat("database: ", FirstLine(what)));
    }
    // libpqxx 6 gives this one no state.
    if (state == "42501" || dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) {
      return absl::PermissionDeniedError(absl::StrCat("database: ", FirstLine(what)));
    }
    // The statement is ours and the parameters are not in it; class 22 messages quote input.
    return absl::InternalError(absl::StrCat("database: SQLSTATE ", state,
                                            state.rfind("22", 0) == 0 ? "" : ": ",
                                            state.rfind("22", 0) == 0 ? "" : FirstLine(what)));
  }
  if (dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr) {
    return absl::UnavailableError(absl::StrCat("database: ", FirstLine(what)));
  }
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr) {
    return absl::AbortedError(absl::StrCat("database: ", FirstLine(what)));
  }
  return absl::InternalError(absl::StrCat("database: ", FirstLine(what)));
}

const pqxx::result& Result(const void* result) { return *static_cast<const pqxx::result*>(result); }

const CounterMetric kRoundTrips(
    "psups_database_round_trips_total",
    "Messages to PostgreSQL whose answer was waited for: statements, BEGIN, COMMIT.");
const CounterMetric kTransactions(
    "psups_database_transactions_total",
    "Transactions of PostgreSQL that were to be committed, statements of their own among them.");

// What the process has asked of its database so far.
prometheus::Counter& RoundTrips() {
  static prometheus::Counter& counter = kRoundTrips();
  return counter;
}
prometheus::Counter& Transactions() {
  static prometheus::Counter& counter = kTransactions();
  return counter;
}

struct Connection {
  explicit Connection(const std::string& url) : session(url) {
    session.set_client_encoding("UTF8");
    pqxx::nontransaction tx(session);
    // Tables start empty, where reading them whole is the cheapest plan; it would stay with the
    // prepared statement while they grow, until they are analyzed. So an index, where there is one.
    tx.exec(
        "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex'; "
        "SET statement_timeout = '30s'; SET enable_seqscan = off; SET jit = off");
  }
  pqxx::connection session;

  // The name under which `sql` is prepared in this session. Not the text itself: the server tells
  // names apart by their first 63 bytes only.
  const std::string& Prepared(const std::string& sql) {
    const auto [entry, fresh] = prepared.try_emplace(sql);
    if (fresh) {
      entry->second = "s" + std::to_string(prepared.size());
      session.prepare(entry->second, sql);
      RoundTrips().Increment();
    }
    return entry->second;
  }

  std::unordered_map<std::string, std::string> prepared;
};

class PqxxTx : public Tx {
 public:
  PqxxTx(Connection& connection, pqxx::transaction_base& tx) : connection_(connection), tx_(tx) {}

  absl::StatusOr<Rows> Exec(const std::string& sql, std::vector<Param> params) override {
    if (!failed_.ok()) return failed_;
    try {
      const std::string& name = connection_.Prepared(sql);
      std::vector<std::optional<std::string>> values;
      values.reserve(params.size());
      for (const Param& param : params) values.push_back(param.text());
      RoundTrips().Increment();
      auto result = std::make_shared<pqxx::result>(
          tx_.exec_prepared(name, pqxx::prepare::make_dynamic_params(values)));
      return Rows(std::shared_ptr<const void>(result, result.get()));
    } catch (const std::exception& error) {
      const auto* sql_error = dynamic_cast<const pqxx::sql_error*>(&error);
      lost_ = lost_ || dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr;
      broken_ = broken_ || lost_ || (sql_error != nullptr && sql_error->sqlstate() == kReadOnly);
      retry_ = dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr;
      failed_ = StatusFromDbError(error);
      return failed_;
    }
  }

  bool lost() const { return lost_; }      // it broke off in the middle of a statement
  bool broken() const { return broken_; }  // the connection is not to be used again
  bool retry() const { return retry_; }
  const absl::Status& failed() const { return failed_; }

 private:
  Connection& connection_;
  pqxx::transaction_base& tx_;
  absl::Status failed_ = absl::OkStatus();
  bool lost_ = false;
  bool broken_ = false;
  bool retry_ = false;
};

// What a try came to.
struct Attempt {
  absl::Status status;
  bool broken = false;  // its connection is not to be used again
  bool retry = false;   // the server undid it, and another try may do
};

}  // namespace

Param::Param(absl::Time time)
    : text_(absl::FormatTime("%Y-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone())) {}
Param::Param(absl::Duration duration) : text_(absl::StrCat(absl::ToDoubleSeconds(duration))) {}
Param::Param(const Bytes& bytes) : text_(HexBytea(bytes.value)) {}
Param::Param(const std::vector<std::string>& texts)
    : text_(ArrayLiteral(
          texts, [](std::string& out, const std::string& item) { AppendQuoted(out, item); })) {}
Param::Param(const std::vector<int64_t>& numbers)
    : text_(ArrayLiteral(numbers,
                         [](std::string& out, int64_t item) { out += std::to_string(item); })) {}
Param::Param(const std::vector<Bytes>& bytes)
    : text_(ArrayLiteral(bytes, [](std::string& out, const Bytes& item) {
        AppendQuoted(out, HexBytea(item.value));
      })) {}
Param::Param(const std::vector<std::optional<std::string>>& texts)
    : text_(ArrayLiteral(texts, [](std::string& out, const std::optional<std::string>& item) {
        if (item.has_value()) {
          AppendQuoted(out, *item);
        } else {
          out += "NULL";
        }
      })) {}

std::string_view Row::View(const char* column) const {
  const pqxx::result& result = Result(result_);
  try {
    const pqxx::field field = result[static_cast<pqxx::result::size_type>(index_)][column];
    if (field.is_null()) throw pqxx::usage_error("NULL");
    return std::string_view(field.c_str(), field.size());
  } catch (const std::exception& error) {
    LogError("database_column_misused", {{"column", column}, {"error", error.what()}});
    std::abort();
  }
}

bool Row::IsNull(const char* column) const {
  try {
    return Result(result_)[static_cast<pqxx::result::size_type>(index_)][column].is_null();
  } catch (const std::exception& error) {
    LogError("database_column_misused", {{"column", column}, {"error", error.what()}});
    std::abort();
  }
}

std::string Row::Text(const char* column) const { return std::string(View(column)); }
int64_t Row::Int(const char* column) const {
  return std::strtoll(std::string(View(column)).c_str(), nullptr, 10);
}
double Row::Number(const char* column) const {
  double number = 0;
  // PostgreSQL's own text: there is no other form.
  (void)absl::SimpleAtod(absl::string_view(View(column).data(), View(column).size()), &number);
  return number;
}
bool Row::Bool(const char* column) const { return View(column) == "t"; }

std::string Row::Binary(const char* column) const {
  const std::string_view text = View(column);
  std::string bytes;
  bytes.reserve(text.size() / 2);
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(nibble(text[i]) << 4 | nibble(text[i + 1])));
  }
  return bytes;
}

absl::Time Row::Time(const char* column) const {
  absl::Time time;
  std::string error;
  const std::string text = Text(column);
  if (!absl::ParseTime("%Y-%m-%d %H:%M:%E*S%Ez", text, &time, &error)) {
    LogError("database_column_misused", {{"column", column}, {"error", "no timestamptz"}});
    std::abort();
  }
  return time;
}

std::optional<std::string> Row::OptionalText(const char* column) const {
  if (IsNull(column)) return std::nullopt;
  return Text(column);
}
std::optional<absl::Time> Row::OptionalTime(const char* column) const {
  if (IsNull(column)) return std::nullopt;
  return Time(column);
}

std::size_t Rows::size() const { return static_cast<std::size_t>(Result(result_.get()).size()); }
std::size_t Rows::affected() const {
  return static_cast<std::size_t>(Result(result_.get()).affected_rows());
}

// Connections that are not in use wait in `idle`; at most `most` exist.
struct Db::Pool {
  Pool(std::string url, int most) : url(std::move(url)), most(most) {}

  absl::StatusOr<std::unique_ptr<Connection>> Take() {
    {
      std::unique_lock lock(mutex);
      const bool free = changed.wait_for(lock, absl::ToChronoNanoseconds(kConnectionWait),
                                         [this] { return !idle.empty() || open < most; });
      if (!free) {
        return absl::ResourceExhaustedError("database: all connections of the pool are in use");
      }
      if (!idle.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle.back());
        idle.pop_back();
        return connection;
      }
      ++open;
    }
    try {
      return std::make_unique<Connection>(url);
    } catch (const std::exception& error) {
      Drop();
      const absl::Status status = StatusFromDbError(error);
      // Whatever keeps us from connecting is an outage: it heals, or an operator heals it.
      return absl::UnavailableError(
          absl::StrReplaceAll(status.message(), {{"\n", " "}, {"\t", " "}}));
    }
  }

  // Runs `attempt` over a connection, and again while the server undoes it.
  absl::Status Run(const std::function<Attempt(Connection&)>& attempt) {
    for (int tries = 1;; ++tries) {
      ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Take());
      const Attempt tried = attempt(*connection);
      if (!tried.broken && connection->session.is_open()) {
        Give(std::move(connection));
      } else {
        connection.reset();
        Drop();
        DropIdle();
      }
      if (!tried.retry || tries == kMostTries) return tried.status;
    }
  }

 private:
  void Give(std::unique_ptr<Connection> connection) {
    {
      std::lock_guard lock(mutex);
      idle.push_back(std::move(connection));
    }
    changed.notify_one();
  }

  void Drop() {
    {
      std::lock_guard lock(mutex);
      --open;
    }
    changed.notify_one();
  }

  // One broken connection means that the server went away: the idle ones are broken too.
  void DropIdle() {
    std::vector<std::unique_ptr<Connection>> dropped;
    {
      std::lock_guard lock(mutex);
      dropped.swap(idle);
      open -= static_cast<int>(dropped.size());
    }
    changed.notify_all();
  }

  const std::string url;
  const int most;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::unique_ptr<Connection>> idle;
  int open = 0;
};

Db::Db(std::string url, int max_connections)
    : pool_(std::make_unique<Pool>(WithTimeLimits(std::move(url)), max_connections)) {}
Db::~Db() = default;

absl::Status Db::Transact(const std::function<absl::Status(Tx&)>& body) {
  return pool_->Run([&](Connection& connection) -> Attempt {
    try {
      pqxx::work work(connection.session);
      PqxxTx tx(connection, work);
      absl::Status status = body(tx);
      if (status.ok() && !tx.failed().ok()) status = tx.failed();
      RoundTrips().Increment(2);  // BEGIN, and how it ends
      if (status.ok()) {
        Transactions().Increment();
        work.commit();
      } else if (!tx.broken()) {
        work.abort();
      }
      return {status, tx.broken(), tx.retry()};
    } catch (const pqxx::in_doubt_error&) {
      return {absl::UnknownError("database: the connection broke during COMMIT"), true, false};
    } catch (const std::exception& error) {
      const bool retry = dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr;
      return {StatusFromDbError(error), !retry, retry};
    }
  });
}

absl::StatusOr<Rows> Db::Exec(const std::string& sql, std::vector<Param> params) {
  const bool reads = absl::StartsWith(absl::StripLeadingAsciiWhitespace(sql), "SELECT");
  absl::StatusOr<Rows> rows = absl::UnknownError("not run");
  // Without BEGIN and COMMIT: the server does both, and two round trips are saved.
  RETURN_IF_ERROR(pool_->Run([&](Connection& connection) -> Attempt {
    try {
      pqxx::nontransaction work(connection.session);
      PqxxTx tx(connection, work);
      Transactions().Increment();
      rows = tx.Exec(sql, params);
      if (tx.lost() && !reads) {
        return {absl::UnknownError("database: the connection broke during a statement"), true,
                false};
      }
      return {rows.status(), tx.broken(), tx.retry()};
    } catch (const std::exception& error) {
      return {StatusFromDbError(error), true, false};  // before the statement, or after it
    }
  }));
  return rows;
}

absl::Status Db::Ping() { return Exec("SELECT 1").status(); }

absl::Status Db::CheckSchema(const std::string& version) {
  absl::StatusOr<Rows> rows =
      Exec("SELECT coalesce(max(version), '') AS newest FROM schema_migrations");
  if (!rows.ok()) {
    if (rows.status().code() != absl::StatusCode::kInternal) return rows.status();
    return absl::FailedPreconditionError(
        absl::StrCat("database schema: no migration was ever applied, this binary needs ", version,
                     "; run the migrations (make up does, or dbmate)"));
  }
  const std::string newest = (*rows)[0].Text("newest");
  if (newest < version) {
    return absl::FailedPreconditionError(absl::StrCat(
        "database schema: at ", newest.empty() ? "nothing" : newest, ", this binary needs ",
        version, "; run the migrations (make up does, or dbmate)"));
  }
  return absl::OkStatus();
}

}  // namespace psups
