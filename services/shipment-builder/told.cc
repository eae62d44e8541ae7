#include "services/shipment-builder/told.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"

namespace psups::shipment_builder {

void TellPeople(const std::vector<Stored>& stored) {
  for (const Stored& item : stored) {
    const Shipment& shipment = item.shipment;
    if (!item.review_id.empty()) {
      const std::string reason(Name(item.opened->reason));
      LogInfo("review_opened", {{"order", shipment.order_name()},
                                {"reason", reason},
                                {"shipment", shipment.name()},
                                {"review", absl::StrCat("reviews/", item.review_id)}});
      Counter("psups_reviews_opened_total", "Reviews opened.", {{"reason", reason}}).Increment();
    }
    if (shipment.state == State::kFailed) {
      LogError("shipment_failed", {{"order", shipment.order_name()},
                                   {"shipment", shipment.name()},
                                   {"failure", shipment.failure}});
    }
  }
}

}  // namespace psups::shipment_builder
