#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace psups {

// An exact decimal with 11 digits after the point. Input has at most 15 digits before it; results
// may reach 10^27, and a product beyond that ends the process: no quantity of ours comes near.
class Decimal {
 public:
  Decimal() = default;
  explicit Decimal(int64_t whole);

  // "12", "-0.5", "12.5000", ".5"; INVALID_ARGUMENT naming the text otherwise. Digits after the
  // eleventh place must be zeros.
  static absl::StatusOr<Decimal> Parse(std::string_view text);

  // The shortest form: "12.5", "12", "-0.5", "0".
  std::string ToString() const;

  bool is_zero() const { return scaled_ == 0; }
  // The least whole number not below / the greatest not above.
  int64_t Ceil() const;
  int64_t Floor() const;
  // Rounded up to `places` places after the point.
  Decimal RoundUp(int places) const;

  Decimal operator+(Decimal other) const;
  Decimal operator-(Decimal other) const;
  Decimal operator*(Decimal other) const;  // digits after the eleventh place are rounded up
  // The greatest whole number n with n × other ≤ this; both must be positive.
  int64_t HowMany(Decimal other) const;

  friend bool operator==(Decimal a, Decimal b) { return a.scaled_ == b.scaled_; }
  friend auto operator<=>(Decimal a, Decimal b) { return a.scaled_ <=> b.scaled_; }

 private:
  __extension__ using Scaled = __int128;
  Scaled scaled_ = 0;
};

}  // namespace psups
