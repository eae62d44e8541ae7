#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace psups::tracking_sync {

// The bearers that our token endpoint issues: "{expiry}.{nonce}.{HMAC of both}". Valid in every
// replica that shares the key, stored nowhere.
class Bearers {
 public:
  // `sign` is an HMAC under a key of its own.
  Bearers(std::function<std::string(std::string_view)> sign, absl::Duration lifetime)
      : sign_(std::move(sign)), lifetime_(lifetime) {}

  absl::Duration lifetime() const { return lifetime_; }
  std::string Issue(absl::Time now) const;
  // In a time that does not tell how nearly right it is.
  bool IsValid(std::string_view bearer, absl::Time now) const;

 private:
  const std::function<std::string(std::string_view)> sign_;
  const absl::Duration lifetime_;
};

}  // namespace psups::tracking_sync
