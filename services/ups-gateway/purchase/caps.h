#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "psups/ups/v1/account_service.pb.h"
#include "psups/ups/v1/ups_service.pb.h"

// How much an account may buy: what stops a bug or a bad feed. No clock, no database.
namespace psups::ups_gateway {

// Purchases are counted by buckets this long. A window counts each bucket that it touches, so that
// it is up to this much longer than it says, and never shorter.
constexpr absl::Duration kCountBucket = absl::Minutes(5);
constexpr absl::Duration kHourWindow = absl::Hours(1);
constexpr absl::Duration kDayWindow = absl::Hours(24);

// Account.caps with its defaults. 0: no limit.
struct PurchaseCaps {
  int64_t per_hour = 0;
  int64_t per_day = 0;
  int64_t spend_per_day = 0;     // smallest units of `currency`
  std::string currency = {};     // empty: money is not limited
  int64_t assumed_cost = 5'000;  // of a package, smallest units
};
PurchaseCaps CapsOf(const ups::v1::Account& settings);

// What a purchase counts for: what the caller expects, if it is in the cap's currency.
int64_t CostOf(const ups::v1::CreateShipmentRequest& request, const PurchaseCaps& caps);

// INVALID_ARGUMENT with the field, what came and what is wanted.
absl::Status CheckExpectedCost(const ups::v1::CreateShipmentRequest& request);

// What was bought in the windows that end now.
struct Bought {
  int64_t in_hour = 0;
  int64_t in_day = 0;
  int64_t spend_in_day = 0;
};

// A purchase that wants to be made.
struct Wanted {
  std::string ship_by_date = {};  // YYYYMMDD
  int64_t cost = 0;
};

enum class CapHit { kNone, kPurchasesPerHour, kPurchasesPerDay, kSpendPerDay };

// One for each of `wanted`: kNone if it fits. Room goes to the earliest ship_by_date, then in the
// given order; what does not fit leaves its room to those behind it.
std::vector<CapHit> FillRoom(const PurchaseCaps& caps, const Bought& bought,
                             const std::vector<Wanted>& wanted);

// The greatest share of a cap that is used, 0 to 1.
double UsedRatio(const PurchaseCaps& caps, const Bought& bought);

struct CountedBucket {
  absl::Time begin = absl::InfinitePast();
  int64_t purchases = 0;
  int64_t spend = 0;
};

// When a purchase of `cost` fits under the cap that it hit, if nothing else is bought;
// InfiniteFuture if it never does. `buckets` are those of a day.
absl::Time NextFree(const PurchaseCaps& caps, CapHit hit, int64_t cost,
                    std::vector<CountedBucket> buckets, absl::Time now);

// RESOURCE_EXHAUSTED: which cap, and what to do.
absl::Status CapRefusal(std::string_view account_id, const PurchaseCaps& caps, CapHit hit,
                        absl::Time next_free);

// RESOURCE_EXHAUSTED: the kill switch.
absl::Status StopRefusal(std::string_view account_id, std::string_view reason);

}  // namespace psups::ups_gateway
