#include "common/envelope.h"

#include <openssl/evp.h>

#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "nlohmann/json.hpp"

namespace psups {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kVersion = 1;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Data(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

std::string Associated(const Cell& cell) {
  return JoinUnambiguously({cell.table, cell.column, cell.row});
}

}  // namespace

absl::StatusOr<std::string> SealWithKey(std::string_view key, std::string_view associated_data,
                                        std::string_view plaintext) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string sealed = RandomBytes(kNonceBytes);
  sealed.resize(kNonceBytes + plaintext.size() + kTagBytes);
  unsigned char* const out = Data(sealed);
  int size = 0;
  const bool ok =
      key.size() == kKeyBytes &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Data(key), out) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, Data(associated_data),
                        static_cast<int>(associated_data.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), out + kNonceBytes, &size, Data(plaintext),
                        static_cast<int>(plaintext.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out + kNonceBytes + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          out + kNonceBytes + plaintext.size()) == 1;
  if (!ok) return absl::InternalError("AES-256-GCM could not seal");
  return sealed;
}

absl::StatusOr<std::string> OpenWithKey(std::string_view key, std::string_view associated_data,
                                        std::string_view sealed) {
  const absl::Status refused =
      absl::DataLossError("sealed bytes do not open: altered, or of another cell or key");
  if (key.size() != kKeyBytes || sealed.size() < kNonceBytes + kTagBytes) return refused;
  const std::size_t text_bytes = sealed.size() - kNonceBytes - kTagBytes;
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string plaintext(text_bytes, '\0');
  std::string tag(sealed.substr(kNonceBytes + text_bytes));
  int size = 0;
  const bool ok =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Data(key), Data(sealed)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, Data(associated_data),
                        static_cast<int>(associated_data.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), Data(plaintext), &size, Data(sealed) + kNonceBytes,
                        static_cast<int>(text_bytes)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, Data(tag)) == 1 &&
      EVP_DecryptFinal_ex(context.get(), Data(plaintext) + size, &size) == 1;
  if (!ok) return refused;
  return plaintext;
}

absl::StatusOr<KeyRing> KeyRing::FromFile(const std::string& path) {
  const auto refused = [&](const std::string& why) {
    return absl::InvalidArgumentError(
        absl::StrCat("key file ", path, ": ", why, " (psupsctl keygen makes one)"));
  };
  std::ifstream file(path);
  if (!file) return refused("cannot be read");
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return refused("is no JSON object");
  const auto key_of = [](const nlohmann::json& value) -> std::string {
    if (!value.is_string()) return "";
    const auto bytes = FromBase64(value.get<std::string>());
    return bytes.ok() && bytes->size() == kKeyBytes ? *bytes : "";
  };
  KeyRing ring;
  ring.path_ = path;
  const nlohmann::json keys = json.value("keys", nlohmann::json::object());
  for (const auto& [id, value] : keys.items()) {
    ring.keys_[id] = key_of(value);
    if (ring.keys_[id].empty())
      return refused(absl::StrCat("key ", id, " is not 32 bytes in base64"));
  }
  ring.current_ = json.value("current", "");
  if (!ring.keys_.contains(ring.current_)) return refused("\"current\" names none of its \"keys\"");
  ring.derivation_key_ = key_of(json.value("derivation_key", nlohmann::json()));
  if (ring.derivation_key_.empty()) return refused("\"derivation_key\" is not 32 bytes in base64");
  return ring;
}

absl::StatusOr<KeyRing> KeyRing::ReadAnew() const {
  absl::StatusOr<KeyRing> anew = FromFile(path_);
  if (!anew.ok()) return absl::FailedPreconditionError(anew.status().message());
  if (anew->derivation_key_ != derivation_key_) {
    return absl::FailedPreconditionError(
        absl::StrCat("key file ", path_, ": its \"derivation_key\" is another, want the old one"));
  }
  return anew;
}

absl::StatusOr<KeyRing::Wrapped> KeyRing::Wrap(std::string_view id,
                                               std::string_view data_key) const {
  ASSIGN_OR_RETURN(std::string bytes, SealWithKey(keys_.at(current_), id, data_key));
  return Wrapped{current_, std::move(bytes)};
}

absl::StatusOr<std::string> KeyRing::Unwrap(std::string_view id, const Wrapped& wrapped) const {
  const auto key = keys_.find(wrapped.key_id);
  if (key == keys_.end()) {
    return absl::DataLossError(absl::StrCat("key file: key \"", wrapped.key_id,
                                            "\" is missing, and data is sealed under it"));
  }
  return OpenWithKey(key->second, id, wrapped.bytes);
}

std::string KeyRing::Derive(std::string_view purpose, std::string_view text) const {
  return HmacSha256(HmacSha256(derivation_key_, purpose), text);
}

absl::StatusOr<std::string> Sealer::Seal(std::string_view scope, const Cell& cell,
                                         std::string_view plaintext) {
  ASSIGN_OR_RETURN(const DataKey key, ForScope(scope));
  ASSIGN_OR_RETURN(const std::string body, SealWithKey(key.key, Associated(cell), plaintext));
  std::string sealed;
  sealed.push_back(kVersion);
  sealed.push_back(static_cast<char>(key.id.size()));
  sealed += key.id;
  sealed += body;
  return sealed;
}

absl::StatusOr<std::string> Sealer::Open(const Cell& cell, std::string_view sealed) {
  if (sealed.size() < 2 || sealed[0] != kVersion) {
    return absl::DataLossError("sealed bytes: not of a version this binary knows");
  }
  const auto id_bytes = static_cast<unsigned char>(sealed[1]);
  if (sealed.size() < 2u + id_bytes) return absl::DataLossError("sealed bytes: cut short");
  ASSIGN_OR_RETURN(const DataKey key, ById(sealed.substr(2, id_bytes)));
  return OpenWithKey(key.key, Associated(cell), sealed.substr(2u + id_bytes));
}

absl::StatusOr<Sealer::DataKey> Sealer::ForScope(std::string_view scope) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = by_scope_.find(scope); found != by_scope_.end()) return found->second;
  }
  RETURN_IF_ERROR(MakeDataKey(scope));
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT data_key_id FROM data_keys WHERE scope = $1", {scope}));
  if (rows.empty()) return absl::InternalError("data key vanished");
  ASSIGN_OR_RETURN(DataKey key, ById(rows[0].Text("data_key_id")));
  std::lock_guard lock(mutex_);
  return by_scope_[std::string(scope)] = key;
}

// Whoever comes first makes the key; everybody reads the one that stands.
absl::Status Sealer::MakeDataKey(std::string_view scope) {
  return db_.Transact([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const Rows made, tx.Exec("SELECT 1 FROM data_keys WHERE scope = $1", {scope}));
    if (!made.empty()) return absl::OkStatus();
    // Before the file is read: Rewrap holds its own lock while it reads, so that either it meets
    // this key or this one is wrapped by the file that it read.
    RETURN_IF_ERROR(tx.Exec("LOCK TABLE data_keys IN ROW EXCLUSIVE MODE").status());
    const std::string id = RandomHex128();
    ASSIGN_OR_RETURN(const KeyRing::Wrapped wrapped,
                     ReloadKeys()->Wrap(id, RandomBytes(kKeyBytes)));
    return tx
        .Exec(
            "INSERT INTO data_keys (data_key_id, scope, key_id, wrapped) "
            "VALUES ($1, $2, $3, $4) ON CONFLICT (scope) DO NOTHING",
            {id, scope, wrapped.key_id, Bytes{wrapped.bytes}})
        .status();
  });
}

std::shared_ptr<const KeyRing> Sealer::ReloadKeys() {
  absl::StatusOr<KeyRing> anew = ring_.ReadAnew();
  std::lock_guard lock(mutex_);
  if (anew.ok()) {
    keys_ = std::make_shared<const KeyRing>(*std::move(anew));
  } else {
    LogWarning("key_file_not_read_anew", {{"status", anew.status()}});
  }
  return keys_;
}

absl::StatusOr<Sealer::Rewrapped> Sealer::Rewrap(
    const std::function<absl::Status(Tx&, const Rewrapped&)>& record) {
  Rewrapped result;
  std::shared_ptr<const KeyRing> keys;
  RETURN_IF_ERROR(db_.Transact([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Exec("LOCK TABLE data_keys IN SHARE ROW EXCLUSIVE MODE").status());
    ASSIGN_OR_RETURN(KeyRing anew, ring_.ReadAnew());
    keys = std::make_shared<const KeyRing>(std::move(anew));
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec("SELECT data_key_id, key_id, wrapped FROM data_keys"));
    result = {.total = static_cast<int>(rows.size()), .key_id = keys->current()};
    std::vector<std::string> ids;
    std::vector<Bytes> wrapped;
    for (const Row row : rows) {
      const KeyRing::Wrapped old{row.Text("key_id"), row.Binary("wrapped")};
      if (!keys->Has(old.key_id)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "key file: key \"", old.key_id,
            "\" is missing, and data is sealed under it; put it back, then try again"));
      }
      if (old.key_id == keys->current()) continue;
      const std::string id = row.Text("data_key_id");
      ASSIGN_OR_RETURN(const std::string data_key, keys->Unwrap(id, old));
      ASSIGN_OR_RETURN(KeyRing::Wrapped anew_wrapped, keys->Wrap(id, data_key));
      ids.push_back(id);
      wrapped.push_back({std::move(anew_wrapped.bytes)});
    }
    result.rewrapped = static_cast<int>(ids.size());
    RETURN_IF_ERROR(tx.Exec("UPDATE data_keys k SET key_id = $3, wrapped = n.wrapped FROM "
                            "unnest($1::text[], $2::bytea[]) AS n(data_key_id, wrapped) WHERE "
                            "k.data_key_id = n.data_key_id",
                            {ids, wrapped, keys->current()})
                        .status());
    return record(tx, result);
  }));
  std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  return result;
}

absl::StatusOr<Sealer::DataKey> Sealer::ById(std::string_view id) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = by_id_.find(id); found != by_id_.end()) return found->second;
  }
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT key_id, wrapped FROM data_keys WHERE data_key_id = $1", {id}));
  if (rows.empty()) return absl::DataLossError("the data key of sealed bytes is missing");
  const KeyRing::Wrapped wrapped{rows[0].Text("key_id"), rows[0].Binary("wrapped")};
  std::shared_ptr<const KeyRing> keys;
  {
    std::lock_guard lock(mutex_);
    keys = keys_;
  }
  if (!keys->Has(wrapped.key_id)) keys = ReloadKeys();  // another replica may have rotated
  ASSIGN_OR_RETURN(std::string bytes, keys->Unwrap(id, wrapped));
  std::lock_guard lock(mutex_);
  return by_id_[std::string(id)] = DataKey{std::string(id), std::move(bytes)};
}

}  // namespace psups
