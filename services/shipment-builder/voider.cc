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
constexpr std::size_t kMostPackagesAtOnce = 20;  // of one shipment, by UPS's rule

// A part of it goes, not the whole.
bool IsPart(const Shipment& shipment) { return shipment.state != State::kVoiding; }

// The packages whose labels are to be voided now.
std::vector<std::string> NumbersToVoid(const Shipment& shipment) {
  std::vector<std::string> numbers;
  for (const Package& package : shipment.packages) {
    if (package.tracking_number.empty() || package.void_state == PackageVoid::kDone) continue;
    if (IsPart(shipment) &&
        (package.void_state != PackageVoid::kWanted || numbers.size() == kMostPackagesAtOnce)) {
      continue;
    }
    numbers.push_back(package.tracking_number);
  }
  return numbers;
}

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
    std::vector<VoidOutcome> outcomes;
  };
  auto shared = std::make_shared<Shared>();
  shared->missing = leased.size();
  shared->outcomes.resize(leased.size());
  const absl::Time too_old = clock_.Now() - window_;
  for (std::size_t i = 0; i < leased.size(); ++i) {
    const Shipment& shipment = leased[i].shipment;
    const auto settle = [shared, i](VoidOutcome outcome) {
      std::lock_guard lock(shared->mutex);
      shared->outcomes[i] = std::move(outcome);
      if (--shared->missing == 0) shared->changed.notify_all();
    };
    if (shipment.label_time.has_value() && *shipment.label_time < too_old) {
      settle({.kind = VoidOutcome::Kind::kTooLate});
      continue;
    }
    ups::v1::VoidShipmentRequest request;
    request.set_request_id(absl::StrCat(shipment.name(), "/voids/", shipment.void_number));
    request.set_account(shipment.purchase.account);
    request.set_ups_shipment_id(shipment.ups_shipment_id);
    if (IsPart(shipment)) {
      for (std::string& number : NumbersToVoid(shipment)) {
        request.add_tracking_numbers(std::move(number));
      }
    }
    ups_.VoidShipment(request, shipment.trace_id,
                      [settle](const absl::StatusOr<ups::v1::VoidShipmentResponse>& response) {
                        settle(OutcomeOf(response.status()));
                      });
  }
  std::unique_lock lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->missing == 0; });
  return shared->outcomes;
}

absl::Status Voider::CloseTrackers(const Shipment& shipment,
                                   const std::vector<std::string>& numbers) {
  if (!shipment.handed_over) {
    // Tracking has to know the number all the same: a scan of a void label must not pass unseen.
    tracking::v1::CreateTrackersRequest followed;
    for (auto& tracker : TrackersOf(shipment, {})) *followed.add_trackers() = std::move(tracker);
    if (followed.trackers().empty()) return absl::OkStatus();
    RETURN_IF_ERROR(tracking_.CreateTrackers(followed));
  }
  tracking::v1::CloseTrackersRequest request;
  for (const std::string& number : numbers) request.add_tracking_numbers(number);
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
    const absl::Status closed =
        CloseTrackers(leased[i].shipment, NumbersToVoid(leased[i].shipment));
    if (!closed.ok()) {
      outcomes[i] = {
          .kind = IsOutage(closed) ? VoidOutcome::Kind::kLater : VoidOutcome::Kind::kOurs,
          .message = absl::StrCat("closing its trackers: ", std::string(closed.message()))};
    }
  }
  const bool acknowledged = request_ids.empty() || ups_.AcknowledgeCalls(request_ids).ok();
  const absl::StatusOr<std::vector<Stored>> stored =
      store_.Update(leased, leases_.lease(), [&](Shipment& live, std::size_t i) -> Effects {
        const Shipment& was = leased[i].shipment;
        // A part that was asked for does not end the whole that is wanted by now.
        if (IsPart(was) != IsPart(live)) return Effects{};
        if (IsPart(live)) return SettlePartVoid(live, NumbersToVoid(was), outcomes[i]);
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
