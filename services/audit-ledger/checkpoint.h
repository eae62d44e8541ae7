#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace psups::audit_ledger {

// A signed statement of what the log was at a size.
struct SignedCheckpoint {
  std::string note = {};
  std::string signature = {};
  int64_t tree_size = 0;
  std::string root_hash = {};
  absl::Time sign_time = {};
};

// What is signed: origin, size in decimal digits and root in base64, each ended by a newline.
std::string MakeNote(std::string_view origin, int64_t tree_size, std::string_view root_hash);

// Signs notes with an Ed25519 key. From any thread.
class Signer {
 public:
  // `pem`: a private key (PKCS #8). INVALID_ARGUMENT, without its content, if it is no Ed25519 key.
  static absl::StatusOr<Signer> FromPem(std::string_view pem);

  absl::StatusOr<std::string> Sign(std::string_view note) const;
  const std::string& public_key_pem() const { return public_key_pem_; }

 private:
  std::shared_ptr<void> key_;
  std::string public_key_pem_;
};

// OK if `signature` is the key's for `note`; DATA_LOSS if not; INVALID_ARGUMENT if the key is no
// Ed25519 public key.
absl::Status VerifySignature(std::string_view public_key_pem, std::string_view note,
                             std::string_view signature);

}  // namespace psups::audit_ledger
