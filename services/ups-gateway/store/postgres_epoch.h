#pragma once

#include "absl/status/status.h"
#include "common/postgres.h"

// Inside the store: which database this is, for transactions that must not run on another one than
// was last compared.
namespace psups::ups_gateway {

// SQL: another cluster, a timeline that began after a restore or failover, another database, and a
// table made anew each make another one.
#define PSUPS_CURRENT_EPOCH                                              \
  "concat_ws('/', (SELECT system_identifier FROM pg_control_system()), " \
  "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), "              \
  "(SELECT oid FROM pg_database WHERE datname = current_database()), "   \
  "'calls'::regclass::oid)"

// UNAVAILABLE: commits may have been lost, and that is not yet noted.
absl::Status EpochUnnoticed();

// OK if the database is the one that was last compared, or was never compared.
absl::Status CheckEpoch(Tx& tx);

}  // namespace psups::ups_gateway
