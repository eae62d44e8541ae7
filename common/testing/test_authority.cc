#include "common/testing/test_authority.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace psups::testing {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void Extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) std::abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate Make(EVP_PKEY* key, const std::string& name, int serial, absl::Duration valid_for) {
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3 * 24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), absl::ToInt64Seconds(valid_for));
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

void WriteFiles(const std::string& stem, X509* certificate, EVP_PKEY* key) {
  FILE* file = std::fopen((stem + ".pem").c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen((stem + ".key").c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

}  // namespace

struct TestAuthority::Keys {
  Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  Certificate certificate{nullptr, X509_free};
};

TestAuthority::TestAuthority() : keys_(std::make_unique<Keys>()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "psups-ca-XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
  keys_->certificate = Make(keys_->key.get(), "test authority", 1, absl::Hours(24 * 3650));
  X509* const own = keys_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  Extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  Extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(own, keys_->key.get(), EVP_sha256());
  WriteFiles(folder_ + "/ca", own, keys_->key.get());
}

TestAuthority::~TestAuthority() { std::filesystem::remove_all(folder_); }

TlsFiles TestAuthority::Issue(const std::string& uri, absl::Duration valid_for) {
  const std::string stem = folder_ + "/leaf" + std::to_string(++issued_);
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate leaf = Make(key.get(), "leaf", issued_ + 1, valid_for);
  X509* const issuer = keys_->certificate.get();
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer));
  Extend(leaf.get(), issuer, NID_subject_alt_name, "URI:" + uri + ",DNS:localhost,IP:127.0.0.1");
  X509_sign(leaf.get(), keys_->key.get(), EVP_sha256());
  WriteFiles(stem, leaf.get(), key.get());
  return {.certificate = stem + ".pem", .key = stem + ".key", .authority = folder_ + "/ca.pem"};
}

}  // namespace psups::testing
