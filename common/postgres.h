#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace psups {

// Binary data as a statement's parameter.
struct Bytes {
  std::string value;
};

// One parameter of a statement, in PostgreSQL's text form; nullopt is NULL.
class Param {
 public:
  Param(std::nullopt_t) {}
  Param(const char* text) : text_(text) {}
  Param(std::string_view text) : text_(text) {}
  Param(std::string text) : text_(std::move(text)) {}
  Param(bool value) : text_(value ? "t" : "f") {}
  Param(int value) : text_(std::to_string(value)) {}
  Param(int64_t value) : text_(std::to_string(value)) {}
  Param(uint64_t value) : text_(std::to_string(value)) {}
  Param(absl::Time time);          // timestamptz, microseconds
  Param(absl::Duration duration);  // seconds with fraction, for make_interval(secs => $n)
  Param(const Bytes& bytes);       // bytea
  Param(const std::vector<std::string>& texts);                 // text[]
  Param(const std::vector<int64_t>& numbers);                   // bigint[]
  Param(const std::vector<Bytes>& bytes);                       // bytea[]
  Param(const std::vector<std::optional<std::string>>& texts);  // text[] with NULLs
  template <typename T>
  Param(const std::optional<T>& value) {
    if (value.has_value()) *this = Param(*value);
  }

  const std::optional<std::string>& text() const { return text_; }

 private:
  std::optional<std::string> text_;
};

// One row of a result. Asking for a column that the statement does not select is a bug and ends the
// process; so is reading NULL by anything but IsNull and the Optional getters.
class Row {
 public:
  bool IsNull(const char* column) const;
  std::string Text(const char* column) const;
  int64_t Int(const char* column) const;
  double Number(const char* column) const;  // of any numeric type
  // A number of seconds, such as extract(epoch FROM …).
  absl::Duration Seconds(const char* column) const { return absl::Seconds(Number(column)); }
  bool Bool(const char* column) const;
  std::string Binary(const char* column) const;  // a bytea's bytes
  absl::Time Time(const char* column) const;     // timestamptz
  std::optional<std::string> OptionalText(const char* column) const;
  std::optional<absl::Time> OptionalTime(const char* column) const;

 private:
  friend class Rows;
  Row(const void* result, std::size_t index) : result_(result), index_(index) {}
  std::string_view View(const char* column) const;

  const void* result_;
  std::size_t index_;
};

// The rows that a statement returned; a Row is valid as long as its Rows.
class Rows {
 public:
  class Iterator {
   public:
    Iterator(const Rows* rows, std::size_t index) : rows_(rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const Rows* rows_;
    std::size_t index_;
  };

  explicit Rows(std::shared_ptr<const void> result) : result_(std::move(result)) {}
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::size_t affected() const;  // rows that an INSERT, UPDATE or DELETE touched
  Row operator[](std::size_t index) const { return Row(result_.get(), index); }
  Iterator begin() const { return Iterator(this, 0); }
  Iterator end() const { return Iterator(this, size()); }

 private:
  std::shared_ptr<const void> result_;
};

// An open transaction. Not for use from two threads.
class Tx {
 public:
  virtual ~Tx() = default;
  // Runs one statement, prepared once per connection. Errors as in StatusFromDbError; after one the
  // transaction can only be rolled back.
  virtual absl::StatusOr<Rows> Exec(const std::string& sql, std::vector<Param> params = {}) = 0;
};

// A bounded pool of connections to one database, made lazily: constructing it never fails, and a
// lost database is UNAVAILABLE until it is back. Sessions speak UTC. From any thread.
//
// Errors (the only mapping of database errors): UNAVAILABLE, no connection or it broke before
// COMMIT, or the server is starting, stopping, read-only or cancels statements; UNKNOWN, it broke
// during COMMIT, so the outcome is not known; ABORTED, still a serialization failure or deadlock
// after three tries; ALREADY_EXISTS, unique violation (the message names the constraint);
// FAILED_PRECONDITION, check or foreign-key violation; RESOURCE_EXHAUSTED, disk full, out of memory
// or connections (SQLSTATE class 53); PERMISSION_DENIED, 42501; INTERNAL, anything else. No message
// contains a parameter's value.
class Db {
 public:
  // `url` is a libpq connection string; it may hold a password, so it is never logged. Unless it
  // says otherwise, connecting may take 10 s and silence 30 s. A statement may take 30 s.
  Db(std::string url, int max_connections);
  ~Db();

  // Runs `body` in a transaction and commits if it returns OK, else rolls back and returns its
  // status. `body` may run again after a serialization failure or deadlock: it must have no effect
  // but on the transaction and on variables that it sets anew each time.
  absl::Status Transact(const std::function<absl::Status(Tx&)>& body);

  // The same for a body that returns StatusOr<T>.
  template <typename Body, typename Result = std::invoke_result_t<Body, Tx&>,
            typename = typename Result::value_type>
  Result TransactOr(Body body) {
    Result result = absl::UnknownError("not run");
    const absl::Status status = Transact([&](Tx& tx) -> absl::Status {
      result = body(tx);
      return result.status();
    });
    if (!status.ok()) return status;
    return result;
  }

  // One statement in a transaction of its own, in one round trip. UNKNOWN too if the connection
  // broke while it ran, unless it begins with SELECT: that changes nothing, and is UNAVAILABLE.
  absl::StatusOr<Rows> Exec(const std::string& sql, std::vector<Param> params = {});

  // OK if the database answers; else the reason, in words that name host and database, not the
  // password.
  absl::Status Ping();

  // FAILED_PRECONDITION with the next step unless the newest migration in schema_migrations is at
  // least `version`; UNAVAILABLE while the database is down.
  absl::Status CheckSchema(const std::string& version);

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace psups
