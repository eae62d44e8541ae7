#include "services/ups-gateway/purchase/caps.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int64_t kPerHour = 2'000;
constexpr int64_t kPerDay = 10'000;
constexpr int64_t kAssumedUnits = 50;
// Far above any shipment's price, and far below what overflows when it is summed.
constexpr int64_t kMostCost = 1'000'000'000'000;

CapHit Hit(const PurchaseCaps& caps, const Bought& bought, int64_t cost) {
  if (caps.per_hour > 0 && bought.in_hour + 1 > caps.per_hour) return CapHit::kPurchasesPerHour;
  if (caps.per_day > 0 && bought.in_day + 1 > caps.per_day) return CapHit::kPurchasesPerDay;
  if (caps.spend_per_day > 0 && bought.spend_in_day + cost > caps.spend_per_day) {
    return CapHit::kSpendPerDay;
  }
  return CapHit::kNone;
}

std::string UtcText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

PurchaseCaps CapsOf(const pb::Account& settings) {
  const pb::Caps& asked = settings.caps();
  PurchaseCaps caps;
  caps.per_hour = asked.has_purchases_per_hour() ? asked.purchases_per_hour() : kPerHour;
  caps.per_day = asked.has_purchases_per_day() ? asked.purchases_per_day() : kPerDay;
  caps.spend_per_day = asked.spend_per_day().amount_minor();
  caps.currency = asked.spend_per_day().currency_code();
  caps.assumed_cost = kAssumedUnits * (MinorDigits(caps.currency) == 0 ? 1 : 100);
  if (asked.has_assumed_cost_per_package()) {
    caps.assumed_cost = asked.assumed_cost_per_package().amount_minor();
  }
  return caps;
}

int64_t CostOf(const pb::CreateShipmentRequest& request, const PurchaseCaps& caps) {
  const bool comparable =
      caps.currency.empty() || request.expected_cost().currency_code() == caps.currency;
  if (request.has_expected_cost() && comparable) return request.expected_cost().amount_minor();
  return caps.assumed_cost * request.shipment().packages_size();
}

absl::Status CheckExpectedCost(const pb::CreateShipmentRequest& request) {
  if (!request.has_expected_cost()) return absl::OkStatus();
  const int64_t cost = request.expected_cost().amount_minor();
  if (cost < 0 || cost > kMostCost) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected_cost.amount_minor: ", cost, ", want 0 to ", kMostCost));
  }
  const std::string& currency = request.expected_cost().currency_code();
  if (currency.size() != 3) {
    return absl::InvalidArgumentError(absl::StrCat("expected_cost.currency_code: ", currency.size(),
                                                   " characters, want three letters"));
  }
  return absl::OkStatus();
}

std::vector<CapHit> FillRoom(const PurchaseCaps& caps, const Bought& bought,
                             const std::vector<Wanted>& wanted) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return wanted[a].ship_by_date < wanted[b].ship_by_date;
  });
  std::vector<CapHit> hits(wanted.size());
  Bought then = bought;
  for (const std::size_t i : order) {
    hits[i] = Hit(caps, then, wanted[i].cost);
    if (hits[i] != CapHit::kNone) continue;
    ++then.in_hour;
    ++then.in_day;
    then.spend_in_day += wanted[i].cost;
  }
  return hits;
}

double UsedRatio(const PurchaseCaps& caps, const Bought& bought) {
  const auto share = [](int64_t used, int64_t cap) {
    return cap > 0 ? static_cast<double>(used) / static_cast<double>(cap) : 0.0;
  };
  return std::max({share(bought.in_hour, caps.per_hour), share(bought.in_day, caps.per_day),
                   share(bought.spend_in_day, caps.spend_per_day)});
}

absl::Time NextFree(const PurchaseCaps& caps, CapHit hit, int64_t cost,
                    std::vector<CountedBucket> buckets, absl::Time now) {
  const absl::Duration window = hit == CapHit::kPurchasesPerHour ? kHourWindow : kDayWindow;
  std::sort(buckets.begin(), buckets.end(),
            [](const CountedBucket& a, const CountedBucket& b) { return a.begin < b.begin; });
  Bought left;
  for (const CountedBucket& bucket : buckets) {
    if (bucket.begin + kCountBucket + window <= now) continue;
    left.in_hour += bucket.purchases;
    left.in_day += bucket.purchases;
    left.spend_in_day += bucket.spend;
  }
  // The cap that was hit, alone: another window's count means nothing here.
  PurchaseCaps only;
  if (hit == CapHit::kPurchasesPerHour) only.per_hour = caps.per_hour;
  if (hit == CapHit::kPurchasesPerDay) only.per_day = caps.per_day;
  if (hit == CapHit::kSpendPerDay) only.spend_per_day = caps.spend_per_day;
  for (const CountedBucket& bucket : buckets) {
    const absl::Time free = bucket.begin + kCountBucket + window;
    if (free <= now) continue;
    left.in_hour -= bucket.purchases;
    left.in_day -= bucket.purchases;
    left.spend_in_day -= bucket.spend;
    if (Hit(only, left, cost) == CapHit::kNone) return free;
  }
  return absl::InfiniteFuture();
}

absl::Status CapRefusal(std::string_view account_id, const PurchaseCaps& caps, CapHit hit,
                        absl::Time next_free) {
  std::string cap;
  switch (hit) {
    case CapHit::kNone:
      return absl::OkStatus();
    case CapHit::kPurchasesPerHour:
      cap = absl::StrCat("of ", caps.per_hour,
                         " purchases in an hour is reached, raise caps.purchases_per_hour");
      break;
    case CapHit::kPurchasesPerDay:
      cap = absl::StrCat("of ", caps.per_day,
                         " purchases in 24 hours is reached, raise caps.purchases_per_day");
      break;
    case CapHit::kSpendPerDay:
      cap = absl::StrCat("of ", caps.spend_per_day, " smallest units of ", caps.currency,
                         " in 24 hours would be passed, raise caps.spend_per_day");
      break;
  }
  if (next_free == absl::InfiniteFuture()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "accounts/", std::string(account_id), ": the cap ", cap, "; waiting alone does not help"));
  }
  return absl::ResourceExhaustedError(absl::StrCat("accounts/", std::string(account_id),
                                                   ": the cap ", cap, " or wait; next free at ",
                                                   UtcText(next_free)));
}

absl::Status StopRefusal(std::string_view account_id, std::string_view reason) {
  return absl::ResourceExhaustedError(absl::StrCat("accounts/", std::string(account_id),
                                                   " is stopped (", std::string(reason),
                                                   "); it buys again after StartAccount"));
}

}  // namespace psups::ups_gateway
