#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder::testing {

// A store whose process dies at a transaction: before it, so that nothing of it is there, in the
// middle, or after its commit, so that nobody is told. From then on it answers nothing.
class MortalStore : public ShipmentStore {
 public:
  enum class Fate { kLives, kDiesBefore, kDiesAfter, kDead };

  explicit MortalStore(ShipmentStore& store) : store_(store) {}

  absl::StatusOr<std::vector<Stored>> TakeIn(const std::vector<orders::v1::Order>& orders,
                                             const Plan& plan) override {
    return Through([&] { return store_.TakeIn(orders, Midway(plan)); });
  }
  absl::StatusOr<std::vector<Stored>> PlanAgain(int limit, const Plan& plan) override {
    return Through([&] { return store_.PlanAgain(limit, Midway(plan)); });
  }
  absl::StatusOr<std::vector<Leased>> Lease(Work work, int limit, absl::Duration lease) override {
    return Through([&] { return store_.Lease(work, limit, lease); });
  }
  absl::Status RenewLeases(const std::vector<LeaseKey>& keys, absl::Duration lease) override {
    return Through([&] { return store_.RenewLeases(keys, lease); });
  }
  absl::StatusOr<std::vector<Stored>> Update(const std::vector<Leased>& held, absl::Duration lease,
                                             const Change& change) override {
    return Through([&] { return store_.Update(held, lease, Midway(change)); });
  }
  absl::StatusOr<std::vector<Stored>> UpdateGated(const std::vector<Leased>& held,
                                                  absl::Duration lease, const LimitsOf& limits,
                                                  const GatedChange& change) override {
    return Through([&] { return store_.UpdateGated(held, lease, limits, Midway(change)); });
  }
  absl::StatusOr<std::vector<std::string>> UnknownNumbers(
      const std::vector<std::string>& tracking_numbers) override {
    return store_.UnknownNumbers(tracking_numbers);
  }
  absl::StatusOr<int> Unpark(const std::vector<std::string>& connection_ids) override {
    return store_.Unpark(connection_ids);
  }
  absl::StatusOr<std::vector<std::vector<std::string>>> Replaced(
      const std::vector<Leased>& shipments) override {
    return store_.Replaced(shipments);
  }
  absl::StatusOr<std::string> TrackingCursor() override { return store_.TrackingCursor(); }
  absl::Status ApplyTracking(
      const std::string& cursor, const std::string& next,
      const std::vector<tracking::v1::WatchEventsResponse::StatusChange>& changes) override {
    return Through([&] { return store_.ApplyTracking(cursor, next, changes); });
  }
  absl::StatusOr<std::vector<Verdict>> FindVerdicts(
      const std::vector<std::pair<std::string, std::string>>& keys) override {
    return store_.FindVerdicts(keys);
  }
  absl::Status KeepVerdicts(const std::vector<Verdict>& verdicts,
                            absl::Duration lifetime) override {
    return store_.KeepVerdicts(verdicts, lifetime);
  }
  absl::StatusOr<int> DropOldVerdicts() override { return store_.DropOldVerdicts(); }
  absl::StatusOr<ShipmentRecord> GetShipment(const std::string& id) override {
    return store_.GetShipment(id);
  }
  absl::StatusOr<Page<ShipmentRecord>> ListShipments(const ShipmentFilter& filter, int limit,
                                                     const std::string& token) override {
    return store_.ListShipments(filter, limit, token);
  }
  absl::StatusOr<ShipmentRecord> ChangeShipment(const std::string& id,
                                                const PersonalChange& change) override {
    return store_.ChangeShipment(id, change);
  }
  absl::StatusOr<ReviewRecord> GetReview(const std::string& id) override {
    return store_.GetReview(id);
  }
  absl::StatusOr<Page<ReviewRecord>> ListReviews(const ReviewFilter& filter, int limit,
                                                 const std::string& token) override {
    return store_.ListReviews(filter, limit, token);
  }
  absl::StatusOr<Resolved> ResolveReview(const std::string& id, const Decision& decision,
                                         const Decide& decide) override {
    return store_.ResolveReview(id, decision, decide);
  }
  absl::StatusOr<int> TellOfReviews(int limit, const Tell& tell) override {
    return Through([&] { return store_.TellOfReviews(limit, tell); });
  }
  absl::StatusOr<std::vector<ReviewEvent>> TakeReviewEvents(int limit, absl::Duration lease,
                                                            absl::Duration lifetime,
                                                            int& dropped) override {
    return Through([&] { return store_.TakeReviewEvents(limit, lease, lifetime, dropped); });
  }
  absl::Status ReviewEventPosted(const ReviewEvent& event) override {
    return Through([&] { return store_.ReviewEventPosted(event); });
  }
  absl::Status ReviewEventFailed(const ReviewEvent& event, absl::Duration wait) override {
    return Through([&] { return store_.ReviewEventFailed(event, wait); });
  }
  absl::StatusOr<Figures> Count() override { return store_.Count(); }

 protected:
  // What becomes of the process at this transaction. From any thread.
  virtual Fate Next() = 0;
  // Within a transaction, before what it decides is written.
  virtual void InTheMiddle() {}

 private:
  template <typename Function>
  Function Midway(const Function& decide) {
    return [this, &decide](auto&&... arguments) {
      InTheMiddle();
      return decide(std::forward<decltype(arguments)>(arguments)...);
    };
  }

  template <typename Call>
  auto Through(Call call) -> decltype(call()) {
    switch (Next()) {
      case Fate::kLives:
        return call();
      case Fate::kDiesBefore:
        return absl::UnknownError("died");
      case Fate::kDiesAfter:
        (void)call();
        return absl::UnknownError("died");
      case Fate::kDead:
        break;
    }
    return absl::UnavailableError("dead");
  }

  ShipmentStore& store_;
};

// Dies at its n-th transaction.
class DyingStore : public MortalStore {
 public:
  enum class When { kBefore, kAfter };

  DyingStore(ShipmentStore& store, int nth, When when)
      : MortalStore(store), left_(nth), when_(when) {}

  bool dead() const { return dead_; }

 protected:
  Fate Next() override {
    std::lock_guard lock(mutex_);
    if (dead_) return Fate::kDead;
    if (--left_ > 0) return Fate::kLives;
    dead_ = true;
    return when_ == When::kBefore ? Fate::kDiesBefore : Fate::kDiesAfter;
  }

 private:
  std::mutex mutex_;
  int left_;
  const When when_;
  std::atomic<bool> dead_ = false;
};

}  // namespace psups::shipment_builder::testing
