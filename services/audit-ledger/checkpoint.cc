#include "services/audit-ledger/checkpoint.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"

namespace psups::audit_ledger {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Bio Reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
}

const unsigned char* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::string MakeNote(std::string_view origin, int64_t tree_size, std::string_view root_hash) {
  return absl::StrCat(std::string(origin), "\n", tree_size, "\n", Base64(root_hash), "\n");
}

absl::StatusOr<Signer> Signer::FromPem(std::string_view pem) {
  Key key(PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError(
        "the checkpoint key is no Ed25519 private key in PEM; make one with psupsctl keygen");
  }
  const Bio out(BIO_new(BIO_s_mem()), &BIO_free);
  if (PEM_write_bio_PUBKEY(out.get(), key.get()) != 1) {
    return absl::InternalError("cannot write the checkpoint key's public half");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  Signer signer;
  signer.public_key_pem_.assign(text, static_cast<std::size_t>(size));
  signer.key_ = std::shared_ptr<EVP_PKEY>(key.release(), &EVP_PKEY_free);
  return signer;
}

absl::StatusOr<std::string> Signer::Sign(std::string_view note) const {
  const Digest digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr,
                         static_cast<EVP_PKEY*>(key_.get())) != 1 ||
      EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Unsigned(note), note.size()) != 1) {
    return absl::InternalError("cannot sign a checkpoint");
  }
  signature.resize(size);
  return signature;
}

absl::Status VerifySignature(std::string_view public_key_pem, std::string_view note,
                             std::string_view signature) {
  const Key key(PEM_read_bio_PUBKEY(Reading(public_key_pem).get(), nullptr, nullptr, nullptr),
                &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError("the log's key is no Ed25519 public key in PEM");
  }
  const Digest digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestVerify(digest.get(), Unsigned(signature), signature.size(), Unsigned(note),
                       note.size()) != 1) {
    return absl::DataLossError("the checkpoint's signature is not its key's");
  }
  return absl::OkStatus();
}

}  // namespace psups::audit_ledger
