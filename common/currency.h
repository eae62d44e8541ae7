#pragma once

#include <string_view>

namespace psups {

// How many digits of a currency (ISO 4217) stand after the point: 2, of some 0.
inline int MinorDigits(std::string_view currency) {
  for (const char* whole : {"JPY", "KRW", "CLP", "VND", "ISK", "HUF", "TWD"}) {
    if (currency == whole) return 0;
  }
  return 2;
}

}  // namespace psups
