#include "services/ups-gateway/flow/address_key.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace psups::ups_gateway {
namespace {

constexpr absl::Duration kDefaultLife = absl::Hours(24);
constexpr absl::Duration kLongestLife = absl::Hours(24 * 30);

std::string Normal(std::string text) {
  // To a blank and not to nothing: "12.5" must not become "125".
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '.' || c == ','; }, ' ');
  absl::AsciiStrToUpper(&text);
  absl::RemoveExtraAsciiWhitespace(&text);
  return text;
}

}  // namespace

std::string AddressKey(const Account& account, const type::v1::Address& address) {
  // One field a line: none of them holds a line break.
  std::string key = HostOf(account.settings);
  for (const std::string& line : address.lines()) absl::StrAppend(&key, "\n", Normal(line));
  std::string postal_code = Normal(address.postal_code());
  postal_code.erase(std::remove(postal_code.begin(), postal_code.end(), '-'), postal_code.end());
  absl::StrAppend(&key, "\n\n", Normal(address.city()), "\n", Normal(address.state()), "\n",
                  postal_code, "\n", Normal(address.country_code()), "\n",
                  Normal(address.urbanization()));
  return key;
}

absl::Duration VerdictLife(const Account& account) {
  if (!account.settings.has_address_verdict_life()) return kDefaultLife;
  const auto& life = account.settings.address_verdict_life();
  return std::clamp(absl::Seconds(life.seconds()) + absl::Nanoseconds(life.nanos()),
                    absl::ZeroDuration(), kLongestLife);
}

}  // namespace psups::ups_gateway
