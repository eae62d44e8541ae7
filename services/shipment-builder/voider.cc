#include "services/shipment-builder/voider.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/hand_over.h"
#include "services/shipment-builder/purchase.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {
namespace {

constexpr int kAtOnce = 50;

VoidOutcome OutcomeOf(const absl::Status& status) {
  using Kind = VoidOutcome::Kind;
  if (status.ok()) return {.kind = Kind::kVoided};
  const std::string message(status.message());
  if (absl::IsFailedPrecondition(status)) return {.kind = Kind::kRefused, .message = message};
  return {.kind = IsOutage(status) ? Kind::kLater : Kind::kOurs, .message = message};
}

}  // namespace

std::vector<VoidOutcome> Voider::VoidAll(const std::vector<Leased>& leased) {
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing;
    std::vector<absl::Status> results;
  };
  auto shared = std::make_shared<Shared>();
  shared->missing = leased.size();
  shared->results.resize(leased.size());
  for (std::size_t i = 0; i < leased.size(); ++i) {
    const Shipment& shipment = leased[i].shipment;
    ups::v1::VoidShipmentRequest request;
    request.set_request_id(absl::StrCat(shipment.name(), "/voids/", shipment.void_number));
    request.set_account(shipment.purchase.account);
    request.set_ups_shipment_id(shipment.ups_shipment_id);
    ups_.VoidShipment(request, shipment.trace_id,
                      [shared, i](const absl::StatusOr<ups::v1::VoidShipmentResponse>& response) {
                        std::lock_guard lock(shared->mutex);
                        shared->results[i] = response.status();
                        if (--shared->missing == 0) shared->changed.notify_all();
                      });
  }
  std::unique_lock lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->missing == 0; });
  std::vector<VoidOutcome> outcomes;
  for (const absl::Status& status : shared->results) outcomes.push_back(OutcomeOf(status));
  return outcomes;
}

absl::Status Voider::CloseTrackers(const Shipment& shipment) {
  if (!shipment.handed_over) {
    // Tracking has to know the number all the same: a scan of a void label must not pass unseen.
    tracking::v1::CreateTrackersRequest followed;
    for (auto& tracker : TrackersOf(shipment, {})) *followed.add_trackers() = std::move(tracker);
    if (followed.trackers().empty()) return absl::OkStatus();
    RETURN_IF_ERROR(tracking_.CreateTrackers(followed));
  }
  tracking::v1::CloseTrackersRequest request;
  for (const Package& package : shipment.packages) {
    if (!package.tracking_number.empty()) {
      request.add_tracking_numbers(package.tracking_number);
    }
  }
  if (request.tracking_numbers().empty()) return absl::OkStatus();
  const absl::Time now = clock_.Now();
  request.mutable_void_time()->set_seconds(absl::ToUnixSeconds(now));
  return tracking_.CloseTrackers(request);
}

absl::StatusOr<int> Voider::Step() {
  ASSIGN_OR_RETURN(const std::vector<Leased> leased, leases_.Take(Work::kVoid, kAtOnce));
  if (leased.empty()) return 0;
  std::vector<VoidOutcome> outcomes = VoidAll(leased);
  std::vector<std::string> request_ids;
  for (std::size_t i = 0; i < leased.size(); ++i) {
    if (outcomes[i].kind != VoidOutcome::Kind::kVoided) continue;
    if (!leased[i].shipment.acknowledged) request_ids.push_back(leased[i].shipment.request_id());
    const absl::Status closed = CloseTrackers(leased[i].shipment);
    if (!closed.ok()) {
      outcomes[i] = {
          .kind = IsOutage(closed) ? VoidOutcome::Kind::kLater : VoidOutcome::Kind::kOurs,
          .message = absl::StrCat("closing its trackers: ", std::string(closed.message()))};
    }
  }
  const bool acknowledged = request_ids.empty() || ups_.AcknowledgeCalls(request_ids).ok();
  const absl::StatusOr<std::vector<Stored>> stored =
      store_.Update(leased, leases_.lease(), [&](Shipment& live, std::size_t i) -> Effects {
        if (live.state != State::kVoiding) return Effects{};
        if (outcomes[i].kind == VoidOutcome::Kind::kVoided) {
          live.acknowledged = live.acknowledged || acknowledged;
        }
        return SettleVoid(live, outcomes[i]);
      });
  leases_.Remove(leased);
  RETURN_IF_ERROR(stored.status());
  TellPeople(*stored, tell_);
  replan_.Notify();
  return static_cast<int>(leased.size());
}

}  // namespace psups::shipment_builder
