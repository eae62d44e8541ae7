#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/decimal.h"

namespace psups::shipment_builder {

// How much of a schedule is in a package.
struct Content {
  int line = 0;
  int schedule = 0;
  Decimal quantity = {};
};

// Whether a package goes without the others of its shipment; the names are those of the column.
enum class PackageVoid { kNone, kWanted, kDone };

// One parcel, in the whole inches and tenths of a pound that UPS is told.
struct Package {
  int number = 0;  // from 1
  Decimal weight_lb = {};
  int length_in = 0;  // the longest side
  int width_in = 0;
  int height_in = 0;
  std::vector<Content> contents = {};
  std::string box_id = {};           // of the catalogue; empty: the unit's own carton
  std::string packaging_code = {};   // the box's; empty: the connection's default
  std::string tracking_number = {};  // empty before the label
  std::string tracking_status = {};  // empty before the first
  PackageVoid void_state = PackageVoid::kNone;
  std::string label_sha256 = {};  // 64 hex digits; empty before the label
  std::string label_format = {};
};

// What UPS carries.
inline constexpr int kMostPoundsPerPackage = 150;
inline constexpr int kMostInchesLong = 108;
inline constexpr int kMostLengthAndGirth = 165;
inline constexpr int kMostPackages = 200;

// A length in 1/127 inch: inches (127) and centimetres (50) are both whole numbers of it, so that
// no conversion ever rounds.
class Length {
 public:
  Length() = default;
  static Length Inches(Decimal inches) { return Length(inches * Decimal(127)); }
  static Length Centimetres(Decimal centimetres) { return Length(centimetres * Decimal(50)); }

  // In 1/127 inch.
  Decimal parts() const { return parts_; }
  bool positive() const { return parts_ > Decimal(0); }
  int64_t WholeInchesUp() const;
  Length Times(int64_t count) const { return Length(parts_ * Decimal(count)); }
  // The greatest whole number n with n × this ≤ `most`.
  int64_t HowManyIn(Length most) const { return most.parts_.HowMany(parts_); }

  friend bool operator==(Length a, Length b) { return a.parts_ == b.parts_; }
  friend auto operator<=>(Length a, Length b) { return a.parts_ <=> b.parts_; }

 private:
  explicit Length(Decimal parts) : parts_(parts) {}
  Decimal parts_ = {};
};

// One unit as it is packed.
struct Unit {
  Decimal weight_lb = {};
  std::array<Length, 3> sides = {};
};

// Why units cannot be packed.
enum class PackingProblem { kTooHeavy, kTooLarge, kTooMany };

struct Packing {
  std::vector<Package> packages = {};
  bool packed = false;
  PackingProblem problem = PackingProblem::kTooHeavy;  // if not packed
};

// Packing rule v1 for one schedule: units stacked along their shortest side, full cartons of at
// most 50 lb and 48 in of stack first, the rest in the last; the smallest packages that keep
// UPS's limits hold one unit. A part of a unit takes the room of a whole one. Numbers start at 1.
Packing PackSchedule(int line, int schedule, Decimal quantity, const Unit& unit);

}  // namespace psups::shipment_builder
