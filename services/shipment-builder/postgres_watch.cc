#include "absl/strings/str_cat.h"
#include "common/change_stream.h"
#include "common/status_macros.h"
#include "services/shipment-builder/postgres.h"
#include "services/shipment-builder/postgres_views.h"

namespace psups::shipment_builder {

std::unique_ptr<ShipmentViews> MakePostgresShipmentViews(Db& db, Sealer& sealer) {
  return std::make_unique<PostgresShipmentViews>(db, sealer);
}

// Who writes shipments, packages or reviews notes it by the tables' triggers.

absl::StatusOr<ShipmentViews::Changes> PostgresShipmentViews::ReadChanges(const std::string& cursor,
                                                                          int limit) {
  return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Changes> {
    // Else a shipment could be of one moment and its packages of the next.
    RETURN_IF_ERROR(tx.Exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").status());
    ASSIGN_OR_RETURN(StreamPlace place, FindPlace(tx, cursor));
    Changes changes{.next_cursor = place.cursor()};
    if (place.position == place.last_position) return changes;
    ASSIGN_OR_RETURN(
        const Rows rows,
        tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                             ", c.position FROM changes c JOIN shipments s ON s.connection_id = "
                             "c.connection_id AND s.shipment_id = c.shipment_id WHERE c.position "
                             "> $1 ORDER BY c.position LIMIT $2"),
                {place.position, limit}));
    ASSIGN_OR_RETURN(changes.records, RecordsOf(tx, rows_, rows));
    for (std::size_t i = 0; i < changes.records.size(); ++i) {
      place.position = rows[i].Int("position");
      changes.records[i].position = place.cursor();
    }
    changes.next_cursor = place.cursor();
    return changes;
  });
}

absl::StatusOr<int> PostgresShipmentViews::Publish(int limit) {
  // A shipment is read as it is now, so its newest change is enough: what is followed by another
  // one that is committed too needs no position.
  RETURN_IF_ERROR(
      db_.Exec("DELETE FROM changes WHERE change_id = ANY(ARRAY(SELECT change_id FROM (SELECT "
               "change_id, row_number() OVER (PARTITION BY connection_id, shipment_id ORDER BY "
               "change_id DESC) AS age FROM changes WHERE position IS NULL) AS c WHERE age > 1)) "
               "AND position IS NULL")
          .status());
  return PublishChanges(db_, limit, [](Tx& tx, int64_t before) {
    return tx
        .Exec(
            // One look into the index for each: a join might read all changes there are.
            "DELETE FROM changes WHERE change_id = ANY(ARRAY(SELECT old.change_id FROM changes "
            "newer CROSS JOIN LATERAL (SELECT change_id FROM changes WHERE connection_id = "
            "newer.connection_id AND shipment_id = newer.shipment_id AND position < "
            "newer.position OFFSET 0) AS old WHERE newer.position > $1))",
            {before})
        .status();
  });
}

}  // namespace psups::shipment_builder
