#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace psups {

std::string Sha256(std::string_view bytes);                            // 32 bytes
std::string HmacSha256(std::string_view key, std::string_view bytes);  // 32 bytes
std::string RandomBytes(std::size_t count);                            // from OpenSSL's CSPRNG
std::string Hex(std::string_view bytes);                               // lower case
std::string Base64(std::string_view bytes);                            // with padding, one line
absl::StatusOr<std::string> FromBase64(std::string_view text);         // tolerates line breaks
std::string Base32(std::string_view bytes);  // RFC 4648 alphabet in lower case, no padding

// 32 hex digits: a trace id, a call id, an event id.
std::string RandomHex128();

// The parts joined so that no two different lists give the same text; for hashing and HMACs.
std::string JoinUnambiguously(std::initializer_list<std::string_view> parts);

// True if equal, in a time that does not depend on where they differ.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace psups
