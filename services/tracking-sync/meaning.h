#pragma once

#include <string_view>

#include "psups/tracking/v1/tracking_service.pb.h"

namespace psups::tracking_sync {

using ParcelStatus = tracking::v1::Status;

// What UPS's codes say of a parcel.
struct Meaning {
  ParcelStatus status = tracking::v1::UNKNOWN;
  std::string_view detail = {};  // points to a constant
  // False for news that leave the parcel where it is: a new delivery date, a photo.
  bool moves = true;

  friend bool operator==(const Meaning&, const Meaning&) = default;
};

// The meaning of UPS's (type, code), refined by its three-digit statusCode, which not every channel
// gives. Blanks around them do not count.
Meaning MeaningOf(std::string_view type, std::string_view code, std::string_view status_code,
                  std::string_view description);

// Which of two events of the same second is the later one on a parcel's way: the higher rank.
int Rank(ParcelStatus status);

// DELIVERED and RETURNED: left only by a later correction.
bool IsFinal(ParcelStatus status);

// No more news are expected: final, void or lost.
bool IsEnded(ParcelStatus status);

}  // namespace psups::tracking_sync
