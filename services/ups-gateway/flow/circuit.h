#pragma once

#include "absl/time/time.h"
#include "services/ups-gateway/flow/flow_rules.h"

namespace psups::ups_gateway {

// Whether one operation of one credential is to be called at all. After some outages in a row
// nothing is, but for a probe after a while; once a probe is answered calls come back slowly, so
// that what has gathered does not fall on a UPS that has just come up.
class Circuit {
 public:
  enum class Gate {
    kPass,
    kWait,    // in a moment
    kRefuse,  // UPS is away
  };

  // `full_rate`: calls a second that the ramp leads up to.
  Gate Look(absl::Time now, double full_rate);
  // A call that Look let pass goes; true if it is the probe.
  bool Begin();
  // How it ended; `unit_random` spreads the next probe.
  void End(CallEnd::Kind kind, bool probe, absl::Time now, double unit_random);

  bool open() const { return open_; }
  // Until the next probe; zero if one may go or is on its way.
  absl::Duration ProbeIn(absl::Time now) const;

 private:
  void Open(absl::Time now, double unit_random);

  bool open_ = false;
  bool probing_ = false;
  int outages_ = 0;   // in a row
  int openings_ = 0;  // since the last ramp that was gone through
  absl::Time probe_time_ = absl::InfinitePast();
  absl::Time ramp_time_ = absl::InfinitePast();  // its begin; in the past for ever: none
  absl::Time ramp_as_of_ = absl::InfinitePast();
  double ramp_tokens_ = 0;
};

}  // namespace psups::ups_gateway
