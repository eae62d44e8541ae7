#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"

namespace psups::shipment_builder {

// What each PeopleSoft connection permits, as ps-ingest last said; from any thread. Without a word
// from it for a minute nothing is bought.
class Connections {
 public:
  // Time since some moment, by a clock that nobody sets.
  using Uptime = std::function<absl::Duration()>;
  explicit Connections(Uptime uptime) : uptime_(std::move(uptime)) {}

  struct Standing {
    bool known = false;  // its state is fresh
    bool buys = false;   // known, ACTIVE, and its account is for it
    std::string account = {};
    std::string account_country = {};  // empty: not known yet
  };
  Standing Of(const std::string& connection_id) const;
  // Those that buy now.
  std::vector<std::string> Buying() const;

  // Takes the states of a reply in, as they were at uptime `asked` at the earliest. `refused` holds
  // the connections whose account is not for them, `countries` where accounts are, by name.
  void Report(const orders::v1::LeaseOrdersResponse& response,
              const std::vector<std::string>& refused, absl::Duration asked,
              const std::map<std::string, std::string>& countries = {});

 private:
  struct Entry {
    bool active = false;
    bool refused = false;
    std::string account;
    std::string account_country;
  };
  bool Fresh() const;

  const Uptime uptime_;
  mutable std::mutex mutex_;
  std::optional<absl::Duration> reported_;
  std::map<std::string, Entry> entries_;
};

}  // namespace psups::shipment_builder
