#pragma once

#include <string>
#include <vector>

#include "psups/type/v1/address.pb.h"

namespace psups::shipment_builder {

// How far a candidate of UPS's is from what was asked.
enum class Difference {
  kNone,      // the same place, written the same but for case, punctuation and abbreviations
  kCosmetic,  // another street type, a city's spelling or another ZIP+4
  kUnit,      // another suite, unit or apartment, or none
  kRange,     // a range of house numbers
  kMore,
};
Difference Compare(const type::v1::Address& asked, const type::v1::Address& candidate);

// A field in which a candidate differs, for people to compare.
struct FieldDifference {
  // "line 1" and so on, "suite", "urbanization", "city", "state", "postal_code", "country_code" or
  // "residential".
  std::string field = {};
  std::string ours = {};
  std::string theirs = {};

  friend bool operator==(const FieldDifference&, const FieldDifference&) = default;
};
// In the order above; case, punctuation and abbreviations are no difference, an added ZIP+4 is
// none.
std::vector<FieldDifference> Differences(const type::v1::Address& asked,
                                         const type::v1::Address& candidate);

}  // namespace psups::shipment_builder
