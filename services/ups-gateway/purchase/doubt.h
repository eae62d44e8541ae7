#pragma once

#include <string>

#include "absl/time/time.h"
#include "psups/ups/v1/ups_service.pb.h"

// "Did UPS make it?": what the channels' answers amount to. No clock, no database.
namespace psups::ups_gateway {

// A purchase whose answer was lost; or one that counts as not made and whose late twin is watched
// for.
struct Doubt {
  std::string call_id = {};
  std::string request_id = {};
  std::string account_id = {};
  std::string trace_id = {};
  std::string lease_id = {};
  std::string reference = {};
  std::string lane = {};
  std::string label_format = {};
  int package_count = 0;
  bool not_made = false;  // decided; only watched
  bool needs_person = false;
  std::string known_number = {};  // a 1Z that Track has under the reference
  int negative_count = 0;         // rounds before in which no channel knew it
  int round_count = 0;            // rounds before
  absl::Time create_time = absl::InfinitePast();
  // Since it was sent, or since it counts as not made, by the database's clock.
  absl::Duration age = absl::ZeroDuration();
};

// What one round of asking found.
struct Evidence {
  enum class Label { kUnknown, kNotFound, kFound, kSeveral, kVoided };
  enum class Track { kUnknown, kNotFound, kFound };
  enum class Manifest { kNotAsked, kUnknown, kNotFound, kFound };
  // The positive control: a label of the same account and lane, of like age, known to exist.
  enum class Control { kUnknown, kNone, kNotFound, kFound };
  Label label = Label::kUnknown;  // label recovery by our reference
  ups::v1::Call::Result result = {};
  Track track = Track::kUnknown;            // tracking by our reference
  Manifest manifest = Manifest::kNotAsked;  // our reference in UPS's own list of labels
  std::string number = {};
  Control control = Control::kUnknown;
  std::string obstacle = {};  // why a channel did not say
  bool refused = false;       // it will not say, however often it is asked
};

struct DoubtSettings {
  absl::Duration first_wait = absl::Seconds(30);
  absl::Duration most_wait = absl::Minutes(15);
  absl::Duration window = absl::Hours(2);              // then a person is asked
  absl::Duration watch = absl::Hours(24 * 7);          // then UPS is asked once a day, if at all
  absl::Duration rebuy_window = absl::ZeroDuration();  // of the account; zero: never by machine
};

struct Finding {
  ups::v1::Call::State state = ups::v1::Call::IN_DOUBT;
  ups::v1::Call::Result result = {};
  std::string doubt = {};
  bool needs_person = false;
  bool negative = false;  // no channel knew it in this round
  std::string known_number = {};
  std::string twin = {};  // a shipment that must not exist: to be voided
  absl::Duration next_wait = absl::InfiniteDuration();  // infinite: UPS is not asked again
};

// Whether this round must look for the control: the window is over and every channel says no.
bool WantsControl(const Doubt& doubt, const Evidence& evidence, const DoubtSettings& settings);

// IN_DOUBT becomes DONE or NOT_MADE, or stays; silence alone never makes it NOT_MADE.
Finding Settle(const Doubt& doubt, const Evidence& evidence, const DoubtSettings& settings);

}  // namespace psups::ups_gateway
