#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace psups {

// The process's environment, read once, in main, and nowhere else. Each getter remembers what is
// wrong with its variable and returns a usable value; Finish() reports all of it at once.
class Settings {
 public:
  // From the process's environment; only variables that begin with PSUPS_ count.
  static Settings FromEnvironment();
  explicit Settings(std::map<std::string, std::string> variables);

  // A variable without a default must be set.
  std::string Text(const std::string& name, std::optional<std::string> fallback = std::nullopt);
  int64_t Number(const std::string& name, int64_t least, int64_t most,
                 std::optional<int64_t> fallback = std::nullopt);
  // "500ms", "30s", "5m", "2h", "14d"; greater than zero.
  absl::Duration Duration(const std::string& name,
                          std::optional<absl::Duration> fallback = std::nullopt);
  bool Flag(const std::string& name, bool fallback);
  // The path of a file that must be readable; the value is the path.
  std::string File(const std::string& name, std::optional<std::string> fallback = std::nullopt);
  // The text of the file that `name` (which ends in _FILE) names, without its last newline.
  std::string Secret(const std::string& name);
  // PSUPS_DATABASE_URL, a libpq connection string, and in it the password of the file that
  // PSUPS_DATABASE_PASSWORD_FILE names, if that is set. A password in the variable is a problem: an
  // environment can be read by others.
  std::string DatabaseUrl();

  // All problems in one INVALID_ARGUMENT, one line each: bad values, missing ones, and variables
  // that begin with PSUPS_ and that nobody asked for. To be called after the last getter.
  absl::Status Finish() const;

  // NAME=value lines by name, secrets masked: what --check-config prints.
  std::string Effective() const;

 private:
  const std::string* Find(const std::string& name);
  // A secret of a file that `path` names; `name` is the setting that said so.
  std::string ReadSecret(const std::string& name, const std::string& path);

  std::map<std::string, std::string> variables_;
  std::map<std::string, std::string> effective_;
  std::vector<std::string> problems_;
};

}  // namespace psups
