#include "services/tracking-sync/bearer.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"

namespace psups::tracking_sync {

std::string Bearers::Issue(absl::Time now) const {
  const std::string head = absl::StrCat(absl::ToUnixSeconds(now + lifetime_), ".", RandomHex128());
  return absl::StrCat(head, ".", Hex(sign_(head)));
}

bool Bearers::IsValid(std::string_view bearer, absl::Time now) const {
  const std::size_t dot = bearer.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string head(bearer.substr(0, dot));
  if (!ConstantTimeEqual(bearer.substr(dot + 1), Hex(sign_(head)))) return false;
  int64_t expiry = 0;
  return absl::SimpleAtoi(head.substr(0, head.find('.')), &expiry) &&
         now < absl::FromUnixSeconds(expiry);
}

}  // namespace psups::tracking_sync
