#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/envelope.h"
#include "common/postgres.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/postgres_links.h"
#include "services/shipment-builder/postgres_rows.h"

namespace psups::shipment_builder {

// Stores the version after the newest, in the caller's transaction. See ShipmentStore::SetMapping.
absl::StatusOr<MappingRecord> AppendMapping(Tx& tx, ShipmentRows& shipment_rows,
                                            const MappingRecord& mapping,
                                            std::optional<int64_t> replaces);

class PostgresShipmentStore : public ShipmentStore {
 public:
  PostgresShipmentStore(Db& db, Sealer& sealer) : db_(db), sealer_(sealer), rows_(db, sealer) {}

  absl::StatusOr<std::vector<Stored>> TakeIn(const std::vector<orders::v1::Order>& orders,
                                             const Plan& plan) override;
  absl::StatusOr<std::vector<Stored>> PlanAgain(int limit, const Plan& plan) override;
  absl::StatusOr<std::vector<Leased>> Lease(Work work, int limit, absl::Duration lease) override;
  absl::Status RenewLeases(const std::vector<LeaseKey>& keys, absl::Duration lease) override;
  absl::StatusOr<std::vector<Stored>> Update(const std::vector<Leased>& held, absl::Duration lease,
                                             const Change& change) override;
  absl::StatusOr<std::vector<Stored>> UpdateGated(const std::vector<Leased>& held,
                                                  absl::Duration lease, const LimitsOf& limits,
                                                  const GatedChange& change) override;
  absl::StatusOr<std::vector<std::string>> UnknownNumbers(
      const std::vector<std::string>& tracking_numbers) override;
  absl::StatusOr<int> Unpark(const std::vector<std::string>& connection_ids) override;
  absl::StatusOr<std::vector<std::vector<std::string>>> Replaced(
      const std::vector<Leased>& shipments) override;
  absl::StatusOr<std::string> TrackingCursor() override;
  absl::Status ApplyTracking(
      const std::string& cursor, const std::string& next,
      const std::vector<tracking::v1::WatchEventsResponse::StatusChange>& changes) override;
  absl::StatusOr<std::vector<Verdict>> FindVerdicts(
      const std::vector<std::pair<std::string, std::string>>& account_and_key) override;
  absl::Status KeepVerdicts(const std::vector<Verdict>& verdicts, absl::Duration lifetime) override;
  absl::StatusOr<int> DropOldVerdicts() override;
  absl::StatusOr<ShipmentRecord> GetShipment(const std::string& shipment_id) override;
  absl::StatusOr<Page<ShipmentRecord>> ListShipments(const ShipmentFilter& filter, int limit,
                                                     const std::string& page_token) override;
  absl::StatusOr<ShipmentRecord> ChangeShipment(const std::string& shipment_id,
                                                const PersonalChange& change) override;
  absl::StatusOr<ReviewRecord> GetReview(const std::string& review_id) override;
  absl::StatusOr<Page<ReviewRecord>> ListReviews(const ReviewFilter& filter, int limit,
                                                 const std::string& page_token) override;
  absl::StatusOr<Resolved> ResolveReview(const std::string& review_id, const Decision& decision,
                                         const Decide& decide) override;
  absl::StatusOr<int> TellOfReviews(int limit, const Tell& tell) override;
  absl::StatusOr<std::vector<ReviewEvent>> TakeReviewEvents(int limit, absl::Duration lease,
                                                            absl::Duration lifetime,
                                                            int& dropped) override;
  absl::Status ReviewEventPosted(const ReviewEvent& event) override;
  absl::Status ReviewEventFailed(const ReviewEvent& event, absl::Duration wait) override;
  absl::StatusOr<Figures> Count() override;

 private:
  // Plans orders and writes what comes of it. `skipped` becomes what is newly left out.
  absl::StatusOr<std::vector<Stored>> PlanOrders(Tx& tx, std::vector<OrderToPlan>& to_plan,
                                                 const Plan& plan, std::vector<Skipped>& skipped);
  absl::StatusOr<ShipmentRecord> Read(Tx& tx, const std::string& shipment_id);
  absl::StatusOr<ReviewRecord> ReadReview(Tx& tx, const std::string& review_id);
  absl::StatusOr<ReviewDraft> OpenEvidence(const Row& row);
  absl::StatusOr<std::vector<MadeDecision>> DecidedBefore(Tx& tx, const Shipment& shipment);

  Db& db_;
  Sealer& sealer_;
  ShipmentRows rows_;
};

}  // namespace psups::shipment_builder
