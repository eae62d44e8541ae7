#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/postgres.h"

namespace psups {

// A stream of changes that callers follow by a cursor. Whoever makes a change inserts a row into
//   changes (change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, position bigint UNIQUE, …)
// in the same transaction, without a position. Positions are given after the commit, by one
// publisher at a time; change_head (last_position bigint), one row, has the last. So nothing comes
// later below a position that was read.

// How far a caller has read.
struct StreamPlace {
  std::string epoch = {};  // of the database
  int64_t position = 0;
  int64_t last_position = 0;

  std::string cursor() const;
};

// Where `cursor` stands; empty: at the beginning. INVALID_ARGUMENT: it is none; OUT_OF_RANGE: it is
// of another epoch, so this database is another one, an older one restored, or made anew.
absl::StatusOr<StreamPlace> FindPlace(Tx& tx, const std::string& cursor);

// What goes with the new positions, which are those after `before`, in the same transaction.
using WithPublished = std::function<absl::Status(Tx& tx, int64_t before)>;

// Gives positions to at most `limit` changes that have none; how many. 0 also while another
// publishes.
absl::StatusOr<int> PublishChanges(Db& db, int limit, const WithPublished& also = nullptr);

}  // namespace psups
