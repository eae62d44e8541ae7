#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http_client.h"
#include "psups/ups/v1/account_service.pb.h"
#include "services/ups-gateway/wire/operation.h"

// How fast UPS is called, who goes first, and what its answers say about that. No clock, no
// database.
namespace psups::ups_gateway {

// Who wants a call, and by when the goods are to leave.
struct CallOrigin {
  std::string caller = {};   // a service's name; empty: this one, for itself
  std::string ship_by = {};  // YYYYMMDD; where calls wait, the earliest goes first
};

// The service's name out of its identity; people share one name, for their share.
std::string FlowCaller(std::string_view identity);

// YYYYMMDD, or empty.
absl::Status CheckShipBy(const std::string& ship_by_date);

// Account.flow with its defaults. Zero: no limit.
struct FlowSettings {
  double calls_per_second = 100;
  int calls_in_flight = 400;
  int caller_share_percent = 50;
};
FlowSettings FlowOf(const ups::v1::Account& account);

// What one of `replicas` may take of it.
FlowSettings PartOf(FlowSettings whole, int replicas);

// 0 goes first: what frees or earns money, then what a purchase needs, then what can wait.
int PriorityOf(Operation operation);

// What all replicas know of an account's limits beside its settings. Each 429 halves the share; it
// grows back with time alone.
struct FlowLimit {
  double share = 1;      // of the full rate, at change_time
  double full_rate = 0;  // calls a second; counts where the account sets none
  absl::Time change_time = absl::InfinitePast();
  absl::Time not_before = absl::InfinitePast();  // UPS said to wait until then
};

// The share now; it has no upper end. `recovery` is the time in which it grows from 0 to 1.
double ShareAt(const FlowLimit& limit, absl::Time now, absl::Duration recovery);

// Calls a second of all replicas now, `set` being the account's; 0: no limit. Where the account
// sets none there is one until the share is twice what it was when UPS first complained.
double RateAt(const FlowLimit& limit, double set, absl::Time now, absl::Duration recovery);

// What one replica has to tell the others.
struct FlowNews {
  bool throttled = false;                  // UPS said 429
  absl::Time sent = absl::InfinitePast();  // to a call sent then
  double full_rate = 0;                    // as FlowLimit's
  absl::Time not_before = absl::InfinitePast();
};

// Halves the share if the call was sent after the last change: answers of one burst halve once.
FlowLimit Learn(FlowLimit limit, const FlowNews& news, absl::Time now, absl::Duration recovery);

// What the end of a call says about calling.
struct CallEnd {
  enum class Kind {
    kAnswered,   // UPS is there, whatever it said
    kThrottled,  // 429
    kOutage,     // no reply, or 5xx
    kUnknown,    // it was not sent, or ended here
  };
  Kind kind = Kind::kUnknown;
  absl::Duration wait = absl::ZeroDuration();  // UPS asked for that much time; at most a day
};
// `now` by the wall: Retry-After may hold a date.
CallEnd EndOf(const HttpOutcome& outcome, absl::Time now);

}  // namespace psups::ups_gateway
