#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "nlohmann/json.hpp"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

struct Options {
  std::string key_file = {};
  std::string checkpoint_key_file = {};
};

// A file that only its owner reads, and that was not there before.
absl::Status WriteNew(const std::string& path, const std::string& content) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    if (errno == EEXIST) {
      return absl::AlreadyExistsError(
          absl::StrCat(path, ": exists and is not overwritten: what it protects would be lost"));
    }
    return absl::UnknownError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  const bool written =
      write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      fsync(file) == 0;
  const int error = errno;
  close(file);
  if (written) return absl::OkStatus();
  unlink(path.c_str());
  return absl::UnknownError(absl::StrCat(path, ": ", std::strerror(error)));
}

// As common/envelope.h reads it.
std::string NewKeyFile() {
  constexpr std::size_t kKeySize = 32;
  const nlohmann::ordered_json json = {{"current", "k1"},
                                       {"keys", {{"k1", Base64(RandomBytes(kKeySize))}}},
                                       {"derivation_key", Base64(RandomBytes(kKeySize))}};
  return json.dump(1) + "\n";
}

absl::StatusOr<std::string> NewCheckpointKey() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  if (key == nullptr ||
      PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return absl::InternalError("cannot make an Ed25519 key");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

absl::Status Keygen(Session& session, const Options& options) {
  if (options.key_file.empty() && options.checkpoint_key_file.empty()) {
    return UsageError("nothing to make: give --key-file, --checkpoint-key-file or both");
  }
  if (!options.key_file.empty()) {
    RETURN_IF_ERROR(WriteNew(options.key_file, NewKeyFile()));
    session.err << options.key_file
                << ": made. Keep a copy where the database's backups are not: without it nothing "
                   "that is encrypted can be read again.\n";
  }
  if (!options.checkpoint_key_file.empty()) {
    ASSIGN_OR_RETURN(const std::string key, NewCheckpointKey());
    RETURN_IF_ERROR(WriteNew(options.checkpoint_key_file, key));
    session.err << options.checkpoint_key_file << ": made.\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddKeygen(CLI::App& app, Cli& cli) {
  CLI::App* keygen = app.add_subcommand("keygen", "Make key files, readable by their owner only");
  const auto options = std::make_shared<Options>();
  keygen->add_option("--key-file", options->key_file,
                     "The services' key-encryption key (PSUPS_KEY_FILE)");
  keygen->add_option("--checkpoint-key-file", options->checkpoint_key_file,
                     "audit-ledger's signing key (PSUPS_CHECKPOINT_KEY_FILE)");
  Run(keygen, cli, options, Keygen);
}

}  // namespace psups::psupsctl
