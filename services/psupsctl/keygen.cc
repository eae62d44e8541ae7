#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
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
  bool add_key = false;
};

constexpr std::size_t kKeySize = 32;

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
  const nlohmann::ordered_json json = {{"current", "k1"},
                                       {"keys", {{"k1", Base64(RandomBytes(kKeySize))}}},
                                       {"derivation_key", Base64(RandomBytes(kKeySize))}};
  return json.dump(1) + "\n";
}

// The id of the new key, which is the current one from now on. The file is replaced whole, so that
// a service never reads half of it.
absl::StatusOr<std::string> AddKey(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("keys") || !json["keys"].is_object() ||
      !json.contains("derivation_key")) {
    return UsageError(absl::StrCat(path, ": no key file, want one that keygen made"));
  }
  int number = 1;
  while (json["keys"].contains(absl::StrCat("k", number))) ++number;
  const std::string id = absl::StrCat("k", number);
  json["keys"][id] = Base64(RandomBytes(kKeySize));
  json["current"] = id;
  const std::string anew = path + ".new";
  RETURN_IF_ERROR(WriteNew(anew, json.dump(1) + "\n"));
  if (std::rename(anew.c_str(), path.c_str()) != 0) {
    const absl::Status failed = absl::UnknownError(absl::StrCat(path, ": ", std::strerror(errno)));
    unlink(anew.c_str());
    return failed;
  }
  return id;
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
  if (options.add_key) {
    if (options.key_file.empty())
      return UsageError("--add-key: want --key-file, the file to add to");
    ASSIGN_OR_RETURN(const std::string id, AddKey(options.key_file));
    session.err << options.key_file << ": key " << id
                << " added and current. Keep a copy, bring the file to every replica, then run "
                   "psupsctl account rewrap.\n";
  } else if (!options.key_file.empty()) {
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
  keygen->add_flag("--add-key", options->add_key,
                   "Add a new key to the --key-file that is there, and make it the current one");
  Run(keygen, cli, options, Keygen);
}

}  // namespace psups::psupsctl
