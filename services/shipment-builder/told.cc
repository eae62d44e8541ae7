#include "services/shipment-builder/told.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"

namespace psups::shipment_builder {
namespace {

const CounterMetric kOpened("psups_reviews_opened_total", "Reviews opened.", {"reason"});

constexpr int kAtOnce = 100;

}  // namespace

void TellPeople(const std::vector<Stored>& stored, Wakeup& tell) {
  for (const Stored& item : stored) {
    const Shipment& shipment = item.shipment;
    if (!item.review_id.empty()) tell.Notify();
    if (shipment.state == State::kFailed) {
      LogError("shipment_failed", {{"order", shipment.order_name()},
                                   {"shipment", shipment.name()},
                                   {"failure", shipment.failure}});
    }
  }
}

absl::StatusOr<int> TellOfReviews(ShipmentStore& store) {
  return store.TellOfReviews(kAtOnce, [](const Review& review, const std::string& order_id) {
    const std::string reason(Name(review.asked.reason));
    LogInfo("review_opened", {{"order", absl::StrCat("orders/", order_id)},
                              {"reason", reason},
                              {"shipment", absl::StrCat("shipments/", review.shipment_id)},
                              {"review", absl::StrCat("reviews/", review.review_id)}});
    kOpened(reason).Increment();
  });
}

}  // namespace psups::shipment_builder
