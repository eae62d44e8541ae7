#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/ups/v1/account_service.pb.h"

namespace psups::ups_gateway {

// An account as it stands.
struct Account {
  std::string id = {};
  std::string treasury_id = {};  // of its credential: (host, client id)
  ups::v1::Account settings = {};
  // Since when its purchases may have been lost and are looked for at UPS first; unset: none.
  std::optional<absl::Time> search_since = {};
};
using AccountPtr = std::shared_ptr<const Account>;

// "demo" of "accounts/demo"; INVALID_ARGUMENT otherwise.
absl::StatusOr<std::string> AccountIdFromName(std::string_view name, std::string_view field);

// The settings with their defaults, output-only fields cleared. INVALID_ARGUMENT names the field,
// what came and what is wanted.
absl::StatusOr<ups::v1::Account> CheckNewAccount(std::string_view account_id,
                                                 const ups::v1::Account& asked);

// The same of settings that are no longer new: checks them and fills in defaults, the id apart.
absl::Status CheckSettings(ups::v1::Account& account);

// What an account of an older release lacks; CheckSettings sets it too.
void SetDefaults(ups::v1::Account& account);

// Clears what is said about an account and not by its administrator.
void ClearOutputFields(ups::v1::Account& account);

absl::Status CheckSecret(std::string_view secret);

// "https://host:port" in lower case, the port always there.
std::string HostOf(const ups::v1::Account& account);

}  // namespace psups::ups_gateway
