#pragma once

#include <string>
#include <vector>

#include "common/envelope.h"
#include "common/postgres.h"
#include "services/shipment-builder/postgres_rows.h"
#include "services/shipment-builder/views.h"

namespace psups::shipment_builder {

// Shipments without parties, as lists show them, of rows with kShipmentColumns.
absl::StatusOr<std::vector<ShipmentRecord>> RecordsOf(Tx& tx, ShipmentRows& rows,
                                                      const Rows& found);

class PostgresShipmentViews : public ShipmentViews {
 public:
  PostgresShipmentViews(Db& db, Sealer& sealer) : db_(db), rows_(db, sealer) {}

  absl::StatusOr<Changes> ReadChanges(const std::string& cursor, int limit) override;
  absl::StatusOr<int> Publish(int limit) override;
  absl::StatusOr<OrderFacts> GetOrderFacts(const std::string& order_id) override;
  absl::StatusOr<CostEstimate> EstimateCost(const std::string& connection_id) override;
  absl::StatusOr<Label> GetLabel(const std::string& shipment_id, int package_number) override;
  absl::StatusOr<std::vector<LabelPlace>> ListLabels(const LabelQuery& query,
                                                     const std::optional<LabelPlace>& after,
                                                     int limit) override;
  absl::Status KeepLabel(const Label& label, const std::string& actor, bool anew) override;

 private:
  Db& db_;
  ShipmentRows rows_;
};

}  // namespace psups::shipment_builder
