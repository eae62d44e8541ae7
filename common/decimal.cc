#include "common/decimal.h"

#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace psups {
namespace {

constexpr int kPlaces = 11;
constexpr int64_t kOne = 100'000'000'000;  // 10^kPlaces
constexpr std::size_t kMostWholeDigits = 15;

absl::Status NotADecimal(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", std::string(text),
                   "\" is no decimal with up to 15 digits before and 11 after the point"));
}

}  // namespace

Decimal::Decimal(int64_t whole) : scaled_(static_cast<Scaled>(whole) * kOne) {}

absl::StatusOr<Decimal> Decimal::Parse(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative || (!rest.empty() && rest.front() == '+')) rest.remove_prefix(1);
  const auto point = rest.find('.');
  std::string_view whole = rest.substr(0, point);
  const std::string_view places =
      point == std::string_view::npos ? std::string_view() : rest.substr(point + 1);
  if (whole.empty() && places.empty()) return NotADecimal(text);
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  if (whole.size() > kMostWholeDigits) return NotADecimal(text);
  Decimal result;
  for (const char digit : whole) {
    if (digit < '0' || digit > '9') return NotADecimal(text);
    result.scaled_ = result.scaled_ * 10 + (digit - '0');
  }
  for (std::size_t i = 0; i < std::max<std::size_t>(kPlaces, places.size()); ++i) {
    const char digit = i < places.size() ? places[i] : '0';
    if (digit < '0' || digit > '9') return NotADecimal(text);
    if (i < kPlaces) {
      result.scaled_ = result.scaled_ * 10 + (digit - '0');
    } else if (digit != '0') {
      return NotADecimal(text);
    }
  }
  if (negative) result.scaled_ = -result.scaled_;
  return result;
}

std::string Decimal::ToString() const {
  Scaled rest = scaled_ < 0 ? -scaled_ : scaled_;
  std::string places = std::to_string(static_cast<int64_t>(rest % kOne));
  places.insert(0, kPlaces - places.size(), '0');
  places.erase(places.find_last_not_of('0') + 1);
  rest /= kOne;
  std::string whole;
  do {
    whole.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  std::reverse(whole.begin(), whole.end());
  return absl::StrCat(scaled_ < 0 ? "-" : "", whole, places.empty() ? "" : ".", places);
}

int64_t Decimal::Floor() const {
  const Scaled quotient = scaled_ / kOne;
  return static_cast<int64_t>(scaled_ % kOne < 0 ? quotient - 1 : quotient);
}

int64_t Decimal::Ceil() const {
  const Scaled quotient = scaled_ / kOne;
  return static_cast<int64_t>(scaled_ % kOne > 0 ? quotient + 1 : quotient);
}

Decimal Decimal::RoundUp(int places) const {
  Scaled unit = kOne;
  for (int i = 0; i < places; ++i) unit /= 10;
  Decimal result;
  Scaled quotient = scaled_ / unit;
  if (scaled_ % unit > 0) ++quotient;
  result.scaled_ = quotient * unit;
  return result;
}

Decimal Decimal::operator+(Decimal other) const {
  Decimal result;
  result.scaled_ = scaled_ + other.scaled_;
  return result;
}

Decimal Decimal::operator-(Decimal other) const {
  Decimal result;
  result.scaled_ = scaled_ - other.scaled_;
  return result;
}

Decimal Decimal::operator*(Decimal other) const {
  // (a·S + b)·(c·S + d) / S = a·c·S + a·d + b·c + b·d/S: no intermediate needs more than 128 bits.
  const bool negative = (scaled_ < 0) != (other.scaled_ < 0);
  const Scaled x = scaled_ < 0 ? -scaled_ : scaled_;
  const Scaled y = other.scaled_ < 0 ? -other.scaled_ : other.scaled_;
  const Scaled a = x / kOne, b = x % kOne, c = y / kOne, d = y % kOne;
  if (a != 0 && c > (static_cast<Scaled>(1) << 126) / kOne / a) std::abort();  // 10^27: no measure
  const Scaled low = b * d;
  Decimal result;
  result.scaled_ = a * c * kOne + a * d + b * c + low / kOne;
  if (low % kOne > 0) ++result.scaled_;
  if (negative) result.scaled_ = -result.scaled_;
  return result;
}

int64_t Decimal::HowMany(Decimal other) const {
  if (scaled_ <= 0 || other.scaled_ <= 0) return 0;
  return static_cast<int64_t>(scaled_ / other.scaled_);
}

}  // namespace psups
