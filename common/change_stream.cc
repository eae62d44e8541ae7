#include "common/change_stream.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/crypto.h"
#include "common/status_macros.h"

namespace psups {

std::string StreamPlace::cursor() const { return absl::StrCat(epoch, "-", position); }

absl::StatusOr<StreamPlace> FindPlace(Tx& tx, const std::string& cursor) {
  // The epoch: another cluster, a timeline that began after a restore or failover, another
  // database, a table made anew.
  ASSIGN_OR_RETURN(
      const Rows heads,
      tx.Exec("SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), "
              "left(pg_walfile_name(pg_current_wal_lsn()), 8), "
              "(SELECT oid FROM pg_database WHERE datname = current_database()), "
              "'changes'::regclass::oid) AS epoch, last_position FROM change_head"));
  StreamPlace place{.epoch = Hex(Sha256(heads[0].Text("epoch")).substr(0, 8)),
                    .last_position = heads[0].Int("last_position")};
  if (cursor.empty()) return place;
  const std::vector<std::string> parts = absl::StrSplit(cursor, '-');
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &place.position) || place.position < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cursor: \"", cursor, "\", want next_cursor of the call before"));
  }
  if (parts[0] != place.epoch || place.position > place.last_position) {
    return absl::OutOfRangeError("cursor: of another epoch of the database, start from \"\"");
  }
  return place;
}

absl::StatusOr<int> PublishChanges(Db& db, int limit, const WithPublished& also) {
  ASSIGN_OR_RETURN(const Rows waiting,
                   db.Exec("SELECT 1 AS one FROM changes WHERE position IS NULL LIMIT 1"));
  if (waiting.empty()) return 0;
  return db.TransactOr([&](Tx& tx) -> absl::StatusOr<int> {
    // One publisher at a time. The next statement has a snapshot of its own, so it sees all that
    // was committed before the lock was had.
    ASSIGN_OR_RETURN(const Rows locked,
                     tx.Exec("SELECT pg_try_advisory_xact_lock(hashtextextended('changes of ' || "
                             "current_schema(), 0)) AS mine"));
    if (!locked[0].Bool("mine")) return 0;
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec("WITH fresh AS MATERIALIZED (SELECT change_id, row_number() OVER (ORDER BY "
                "change_id) AS n FROM changes WHERE position IS NULL ORDER BY change_id LIMIT $1), "
                "head AS (UPDATE change_head SET last_position = last_position + (SELECT count(*) "
                "FROM fresh) RETURNING last_position - (SELECT count(*) FROM fresh) AS base) "
                "UPDATE changes c SET position = head.base + fresh.n FROM fresh, head "
                "WHERE c.change_id = fresh.change_id RETURNING head.base",
                {limit}));
    if (also != nullptr && !rows.empty()) RETURN_IF_ERROR(also(tx, rows[0].Int("base")));
    return static_cast<int>(rows.size());
  });
}

}  // namespace psups
