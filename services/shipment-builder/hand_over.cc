#include "services/shipment-builder/hand_over.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/shipment-builder/purchase.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::tracking::v1;

constexpr int kAtOnce = 100;
constexpr std::size_t kMostTrackers = 500;

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp result;
  const int64_t seconds = absl::ToUnixSeconds(time);
  result.set_seconds(seconds);
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return result;
}

}  // namespace

std::vector<pb::CreateTrackersRequest::NewTracker> TrackersOf(
    const Shipment& shipment, const std::vector<std::string>& replaced) {
  std::vector<pb::CreateTrackersRequest::NewTracker> trackers;
  for (const Package& package : shipment.packages) {
    if (package.tracking_number.empty()) continue;
    pb::CreateTrackersRequest::NewTracker tracker;
    tracker.set_tracking_number(package.tracking_number);
    tracker.set_account(shipment.purchase.account);
    type::v1::DocumentKey& document = *tracker.mutable_document();
    document.set_connection(absl::StrCat("connections/", shipment.connection_id));
    document.set_document_type(shipment.document_type == "REQ" ? type::v1::REQUISITION
                                                               : type::v1::PURCHASE_ORDER);
    document.set_business_unit(shipment.business_unit);
    document.set_document_id(shipment.document_id);
    for (const Content& content : package.contents) {
      type::v1::ScheduleQuantity& quantity = *tracker.add_contents();
      quantity.set_line_number(content.line);
      quantity.set_schedule_number(content.schedule);
      quantity.set_quantity(content.quantity.ToString());
    }
    tracker.set_shipment(shipment.name());
    tracker.set_trace_id(shipment.trace_id);
    *tracker.mutable_label_time() = ToProto(shipment.label_time.value_or(absl::UnixEpoch()));
    for (const std::string& number : replaced) tracker.add_replaces(number);
    trackers.push_back(std::move(tracker));
  }
  return trackers;
}

absl::StatusOr<int> HandOver::Step() {
  ASSIGN_OR_RETURN(const std::vector<Leased> leased, leases_.Take(Work::kHandOver, kAtOnce));
  if (leased.empty()) return 0;
  std::vector<std::string> request_ids;
  for (const Leased& one : leased) {
    if (!one.shipment.acknowledged) request_ids.push_back(one.shipment.request_id());
  }
  absl::Status acknowledged =
      request_ids.empty() ? absl::OkStatus() : ups_.AcknowledgeCalls(request_ids);

  absl::Status followed = absl::OkStatus();
  const auto replaced = store_.Replaced(leased);
  std::vector<bool> done(leased.size(), false);
  if (!replaced.ok()) {
    followed = replaced.status();
  } else {
    // Whole shipments, as many to a request as fit.
    for (std::size_t begin = 0; begin < leased.size() && followed.ok();) {
      pb::CreateTrackersRequest request;
      std::size_t end = begin;
      while (end < leased.size() &&
             (end == begin ||
              request.trackers_size() + leased[end].shipment.packages.size() <= kMostTrackers)) {
        for (auto& tracker : TrackersOf(leased[end].shipment, (*replaced)[end])) {
          *request.add_trackers() = std::move(tracker);
        }
        ++end;
      }
      followed = tracking_.CreateTrackers(request);
      for (std::size_t i = begin; followed.ok() && i < end; ++i) done[i] = true;
      if (!followed.ok() && !IsOutage(followed) && end - begin > 1) {
        // One of them is refused: each for itself, so that only that one waits.
        for (std::size_t i = begin; i < end; ++i) {
          pb::CreateTrackersRequest single;
          for (auto& tracker : TrackersOf(leased[i].shipment, (*replaced)[i])) {
            *single.add_trackers() = std::move(tracker);
          }
          const absl::Status status = tracking_.CreateTrackers(single);
          done[i] = status.ok();
          if (!status.ok()) {
            LogError("hand_over_refused",
                     {{"shipment", leased[i].shipment.name()}, {"status", status}});
          }
        }
        followed = absl::OkStatus();
      }
      begin = end;
    }
  }
  const auto stored =
      store_.Update(leased, leases_.lease(), [&](Shipment& live, std::size_t i) -> Effects {
        live.acknowledged = live.acknowledged || acknowledged.ok();
        if (!done[i] || !live.acknowledged) return Postpone(live);
        live.handed_over = true;
        Progress(live);
        return {};
      });
  leases_.Remove(leased);
  RETURN_IF_ERROR(stored.status());
  RETURN_IF_ERROR(followed);
  RETURN_IF_ERROR(acknowledged);
  return static_cast<int>(leased.size());
}

}  // namespace psups::shipment_builder
