#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/postgres.h"

namespace psups {

// The place a ciphertext belongs to. It is authenticated, not stored: bytes moved to another cell
// do not open there.
struct Cell {
  std::string_view table;
  std::string_view column;
  std::string_view row;  // the row's key
};

// Key-encryption keys, and the key that references and look-up keys are derived from. From a JSON
// file: {"current": "k1", "keys": {"k1": "<base64, 32 bytes>"}, "derivation_key": "<same>"}.
// psupsctl keygen writes one, and adds keys to it. Losing the file loses everything that is sealed.
class KeyRing {
 public:
  // INVALID_ARGUMENT naming the file and what is wrong with it, never its content.
  static absl::StatusOr<KeyRing> FromFile(const std::string& path);

  // A data key (32 bytes) wrapped by the current key; `id` is authenticated with it.
  struct Wrapped {
    std::string key_id;
    std::string bytes;
  };
  absl::StatusOr<Wrapped> Wrap(std::string_view id, std::string_view data_key) const;
  absl::StatusOr<std::string> Unwrap(std::string_view id, const Wrapped& wrapped) const;

  const std::string& current() const { return current_; }
  bool Has(const std::string& key_id) const { return keys_.contains(key_id); }

  // The file as it is now. FAILED_PRECONDITION if it cannot be used, or if its derivation key is
  // another: what was derived from the old one would not be found again.
  absl::StatusOr<KeyRing> ReadAnew() const;

  // HMAC-SHA256 of `text` under a key of its own for `purpose`: the same in every replica and after
  // every restore.
  std::string Derive(std::string_view purpose, std::string_view text) const;

 private:
  std::string path_;
  std::string current_;
  std::map<std::string, std::string> keys_;
  std::string derivation_key_;
};

// AES-256-GCM with `key` (32 bytes), a random nonce in front.
absl::StatusOr<std::string> SealWithKey(std::string_view key, std::string_view associated_data,
                                        std::string_view plaintext);
absl::StatusOr<std::string> OpenWithKey(std::string_view key, std::string_view associated_data,
                                        std::string_view sealed);

// Seals columns with AES-256-GCM under a data key per scope (a connection, an account), which is
// kept, wrapped, in the schema's table data_keys(data_key_id text PRIMARY KEY, scope text UNIQUE,
// key_id text, wrapped bytea, create_time timestamptz) and in memory. From any thread.
//
// Keys rotate while all replicas run: the key file is read anew before a data key is made, and when
// a data key is met that is wrapped under a key that the file did not have before.
class Sealer {
 public:
  Sealer(Db& db, KeyRing ring)
      : db_(db), ring_(std::move(ring)), keys_(std::make_shared<const KeyRing>(ring_)) {}

  // Makes the scope's data key if there is none. Not inside a transaction of the same pool.
  absl::StatusOr<std::string> Seal(std::string_view scope, const Cell& cell,
                                   std::string_view plaintext);
  // DATA_LOSS if the bytes were altered or belong to another cell.
  absl::StatusOr<std::string> Open(const Cell& cell, std::string_view sealed);

  struct Rewrapped {
    int rewrapped = 0;  // data keys that stood under another key
    int total = 0;
    std::string key_id = {};  // the key that they all stand under now
  };
  // Reads the key file anew and wraps every data key of the schema under its current key, in one
  // transaction, in which `record` runs last. Safe to repeat, and beside other replicas that seal.
  // FAILED_PRECONDITION if the file cannot be used or lacks a key that is in use; nothing is
  // changed then.
  absl::StatusOr<Rewrapped> Rewrap(
      const std::function<absl::Status(Tx&, const Rewrapped&)>& record);

  // As it was when this was made; what it derives is the same for ever.
  const KeyRing& ring() const { return ring_; }

 private:
  struct DataKey {
    std::string id;
    std::string key;
  };
  absl::StatusOr<DataKey> ForScope(std::string_view scope);
  absl::StatusOr<DataKey> ById(std::string_view id);
  absl::Status MakeDataKey(std::string_view scope);
  // The keys as the file has them now, or those that are known if it cannot be used.
  std::shared_ptr<const KeyRing> ReloadKeys();

  Db& db_;
  const KeyRing ring_;
  std::mutex mutex_;
  std::shared_ptr<const KeyRing> keys_;
  std::map<std::string, DataKey, std::less<>> by_scope_;
  std::map<std::string, DataKey, std::less<>> by_id_;
};

}  // namespace psups
