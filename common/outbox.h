#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/postgres.h"
#include "nlohmann/json.hpp"

namespace psups {

// What one committed transaction did to one subject, or what one call to a peer came to. No names,
// addresses, credentials or labels in any field.
struct AuditEntry {
  std::string action = {};    // "<noun>.<verb>", such as "ups.ship.intent", "order.store"
  std::string subject = {};   // a resource name, such as "orders/x"
  std::string actor = {};     // the caller's identity, or the service's own name
  std::string trace_id = {};  // W3C trace id, 32 hex digits; may be empty
  // What else matters. A call to a peer has "call_id" (what the peer saw as transId or
  // X-Request-ID), or several of them "calls": [{"call_id": …}].
  nlohmann::json detail = nlohmann::json::object();
  std::string event_id = {};  // default: drawn
};

// Writes entries into audit_outbox(event_id text PRIMARY KEY, entry bytea NOT NULL, create_time
// timestamptz NOT NULL DEFAULT now()), in the caller's transaction: so a change and its record
// stand or fall together. One statement.
absl::Status AppendAudit(Tx& tx, std::string_view service, const std::vector<AuditEntry>& entries);

// For a statement that appends beside what else it does: the entries as the outbox has them, and
// the INSERT of `rows`, a SELECT of columns event_id and entry.
struct OutboxRows {
  std::vector<std::string> event_ids;
  std::vector<Bytes> entries;
};
OutboxRows ToOutboxRows(std::string_view service, const std::vector<AuditEntry>& entries);
std::string InsertIntoOutbox(std::string_view rows);

// Where the relay delivers: the ledger, or a fake in tests.
class AuditSink {
 public:
  struct Entry {
    std::string event_id;
    std::string bytes;
  };
  virtual ~AuditSink() = default;
  // OK once all are durable there; a second time the same ones is harmless.
  virtual absl::Status Append(const std::vector<Entry>& entries) = 0;
};

// Moves entries from audit_outbox to the ledger: delivers a batch, then deletes what was
// acknowledged. Safe to kill anywhere: what is delivered twice, the ledger drops.
class AuditRelay {
 public:
  // Between batches: entry by entry each would cost the ledger a commit, and us another.
  static constexpr absl::Duration kGather = absl::Milliseconds(50);

  AuditRelay(Db& db, AuditSink& sink) : db_(db), sink_(sink) {}
  absl::StatusOr<int> Step();
  // Sets the gauges of what waits, psups_audit_outbox_pending and _oldest_seconds. Entries of every
  // replica are counted.
  absl::Status ShowBacklog();

 private:
  Db& db_;
  AuditSink& sink_;
};

}  // namespace psups
