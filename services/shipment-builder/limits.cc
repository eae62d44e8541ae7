#include "services/shipment-builder/limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace psups::shipment_builder {
namespace {

constexpr int64_t kUsualLeast = 20;

bool IsFull(int64_t count, int32_t limit) { return limit > 0 && count >= limit; }

int64_t Least(const Limits& limits) {
  return limits.anomaly_least() > 0 ? limits.anomaly_least() : kUsualLeast;
}

}  // namespace

bool IsUnlimited(const Limits& limits) {
  return limits.purchases_per_hour() <= 0 && limits.purchases_per_day() <= 0 &&
         limits.vendor_purchases_per_hour() <= 0 && limits.vendor_purchases_per_day() <= 0 &&
         limits.anomaly_percent() <= 0;
}

Admission Gate::Look(const std::string& vendor, bool waived) const {
  const auto wait = [](std::string limit) {
    return Admission{.kind = Admission::Kind::kWait, .limit = std::move(limit)};
  };
  if (IsFull(counts_.all.hour, limits_.purchases_per_hour())) {
    return wait("limit purchases_per_hour");
  }
  if (IsFull(counts_.all.day, limits_.purchases_per_day())) return wait("limit purchases_per_day");
  const auto found = counts_.by_vendor.find(vendor);
  if (found != counts_.by_vendor.end()) {
    if (IsFull(found->second.hour, limits_.vendor_purchases_per_hour())) {
      return wait("limit vendor_purchases_per_hour");
    }
    if (IsFull(found->second.day, limits_.vendor_purchases_per_day())) {
      return wait("limit vendor_purchases_per_day");
    }
  }
  const bool watched = limits_.anomaly_percent() > 0 && counts_.busiest_hour > 0;
  if (!watched || waived || counts_.unusual_is_allowed) return {};
  const int64_t most =
      std::max(Least(limits_), counts_.busiest_hour * limits_.anomaly_percent() / 100);
  if (counts_.all.hour < most) return {};
  if (counts_.unusual_is_asked) return wait("unusual rate of purchases");
  return {.kind = Admission::Kind::kAsk,
          .limit = "unusual rate of purchases",
          .message = absl::StrCat(
              "This connection bought ", counts_.all.hour,
              " labels within an hour; its busiest hour in the last four weeks had ",
              counts_.busiest_hour,
              ". Buying waits. Look at what PeopleSoft sent: if it is right, ship anyway, which "
              "lets the connection go on for a day; if not, pause it (psupsctl connection pause) "
              "and cancel.")};
}

void Gate::Count(const std::string& vendor) {
  ++counts_.all.hour;
  ++counts_.all.day;
  PurchaseCounts::Count& one = counts_.by_vendor[vendor];
  ++one.hour;
  ++one.day;
}

}  // namespace psups::shipment_builder
