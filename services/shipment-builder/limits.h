#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "psups/shipments/v1/mapping_service.pb.h"

namespace psups::shipment_builder {

using Limits = shipments::v1::Rules::Limits;

// True if nothing has to be counted.
bool IsUnlimited(const Limits& limits);

// How often a connection bought of late, counted while nobody else buys for it.
struct PurchaseCounts {
  struct Count {
    int64_t hour = 0;  // in the last 60 minutes
    int64_t day = 0;   // in the last 24 hours
  };
  Count all = {};
  std::map<std::string, Count> by_vendor = {};
  // The busiest hour of the four weeks before the last hour; 0: too little is known.
  int64_t busiest_hour = 0;
  bool unusual_is_asked = false;    // a person is asked about it right now
  bool unusual_is_allowed = false;  // a person let it pass in the last 24 hours
};

// Whether one more purchase may be made.
struct Admission {
  enum class Kind { kBuy, kWait, kAsk };
  Kind kind = Kind::kBuy;
  std::string limit = {};    // which is in the way, a phrase
  std::string message = {};  // for a clerk, when kAsk
};

// Admits purchases one after another against what was counted.
class Gate {
 public:
  Gate(Limits limits, PurchaseCounts counts)
      : limits_(std::move(limits)), counts_(std::move(counts)) {}

  // `waived`: a person let this shipment pass whatever is unusual.
  Admission Look(const std::string& vendor, bool waived) const;
  // One was made.
  void Count(const std::string& vendor);
  void Asked() { counts_.unusual_is_asked = true; }

 private:
  Limits limits_;
  PurchaseCounts counts_;
};

}  // namespace psups::shipment_builder
