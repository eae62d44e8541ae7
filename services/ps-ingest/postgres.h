#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/envelope.h"
#include "common/postgres.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// The ports on PostgreSQL. `db` and `sealer` outlive them.
std::unique_ptr<ConnectionStore> MakeConnectionStore(Db& db, Sealer& sealer);
std::unique_ptr<PollStore> MakePollStore(Db& db, Sealer& sealer);
std::unique_ptr<OrderStore> MakeOrderStore(Db& db, Sealer& sealer);
std::unique_ptr<WriteBackStore> MakeWriteBackStore(Db& db, Sealer& sealer, const Deriver& derive);
std::unique_ptr<RunStore> MakeRunStore(Db& db);
std::unique_ptr<Gauges> MakeGauges(Db& db);

// For the adapters among themselves.

// The conditions of a list and their parameters: only those that are asked for, so that the planner
// sees which index serves.
class Conditions {
 public:
  // No condition for an empty value.
  void Equal(std::string_view column, const std::string& value);
  void And(const std::string& condition);
  // Adds a parameter; returns its "$n".
  std::string Next(Param value);

  // " WHERE … AND …", or empty.
  const std::string& sql() const { return sql_; }
  const std::vector<Param>& params() const { return params_; }

 private:
  std::string sql_;
  std::vector<Param> params_;
};

inline constexpr char kService[] = "ps-ingest";

// From the columns connection_id, version, state, state_reason and settings.
absl::StatusOr<orders::v1::Connection> ConnectionFrom(const Row& row);

// Says that the orders changed, in the transaction that changes them.
absl::Status AppendChanges(Tx& tx, const std::string& connection_id,
                           const std::vector<std::string>& order_ids);

// STOPPED with a reason, and its audit entry. Nothing if it is STOPPED already, or was changed
// since the call that was refused: another credential may be right.
absl::Status StopConnection(Tx& tx, const std::string& connection_id, int64_t version,
                            const std::string& reason);

}  // namespace psups::ps_ingest
