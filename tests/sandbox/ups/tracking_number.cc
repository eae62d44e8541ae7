#include "tests/sandbox/ups/tracking_number.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace psups::ups_sandbox {
namespace {

bool IsAlphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

char CheckDigit(std::string_view fifteen) {
  int sum = 0;
  for (std::size_t i = 0; i < fifteen.size(); ++i) {
    const char c = fifteen[i];
    const int value = c >= '0' && c <= '9' ? c - '0' : (c - 63) % 10;
    sum += i % 2 == 0 ? value : 2 * value;
  }
  return static_cast<char>('0' + (10 - sum % 10) % 10);
}

std::string MakeTrackingNumber(const std::string& account, const std::string& service, int serial) {
  const std::string middle = absl::StrFormat("%s%s%07d", account, service, serial % 10'000'000);
  return "1Z" + middle + CheckDigit(middle);
}

bool LooksLike1Z(std::string_view number) {
  return number.size() == 18 && number.starts_with("1Z") && IsAlphanumeric(number);
}

bool CanBeSubscribed(std::string_view number) {
  return LooksLike1Z(number) || ((number.size() == 16 || number.size() == 28) &&
                                 number.starts_with("1R") && IsAlphanumeric(number));
}

}  // namespace psups::ups_sandbox
