#include "common/settings.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/crypto.h"

extern char** environ;

namespace psups {
namespace {

constexpr char kPrefix[] = "PSUPS_";
constexpr char kDatabaseUrl[] = "PSUPS_DATABASE_URL";
constexpr char kDatabasePasswordFile[] = "PSUPS_DATABASE_PASSWORD_FILE";

std::optional<absl::Duration> ParseDuration(const std::string& text) {
  if (text.size() > 1 && text.back() == 'd') {
    int64_t days = 0;
    if (!absl::SimpleAtoi(text.substr(0, text.size() - 1), &days)) return std::nullopt;
    return absl::Hours(24 * days);
  }
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) return std::nullopt;
  return duration;
}

bool IsUri(const std::string& url) {
  return url.rfind("postgres://", 0) == 0 || url.rfind("postgresql://", 0) == 0;
}

// What is wrong with a connection string, in either of libpq's forms; empty: nothing. Never a part
// of it: what cannot be read may hold a password.
std::string ProblemOfUrl(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  if (options == nullptr) {
    return "is no connection string of PostgreSQL, such as postgresql://user@host/database";
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const bool secret = option->dispchar != nullptr && *option->dispchar == '*';
    if (secret && option->val != nullptr) {
      return absl::StrCat("holds a password; take it out, and name a file that holds it in ",
                          kDatabasePasswordFile);
    }
  }
  return "";
}

std::string WithPassword(const std::string& url, const std::string& password) {
  if (IsUri(url)) {
    std::string escaped;
    for (const char c : password) {
      absl::StrAppend(&escaped, "%", Hex(std::string_view(&c, 1)));
    }
    return absl::StrCat(url, url.find('?') == std::string::npos ? "?" : "&", "password=", escaped);
  }
  return absl::StrCat(url, " password='",
                      absl::StrReplaceAll(password, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

}  // namespace

Settings Settings::FromEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (text.rfind(kPrefix, 0) == 0 && equals != std::string::npos) {
      variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return Settings(std::move(variables));
}

Settings::Settings(std::map<std::string, std::string> variables)
    : variables_(std::move(variables)) {}

const std::string* Settings::Find(const std::string& name) {
  effective_[name];  // asked for, so it is known
  const auto found = variables_.find(name);
  if (found == variables_.end() || found->second.empty()) return nullptr;
  effective_[name] = found->second;
  return &found->second;
}

std::string Settings::Text(const std::string& name, std::optional<std::string> fallback) {
  if (const std::string* value = Find(name)) return *value;
  if (!fallback.has_value()) {
    problems_.push_back(absl::StrCat(name, ": not set, and it has no default"));
    return "";
  }
  return effective_[name] = *fallback;
}

int64_t Settings::Number(const std::string& name, int64_t least, int64_t most,
                         std::optional<int64_t> fallback) {
  std::optional<std::string> text;
  if (fallback.has_value()) text = absl::StrCat(*fallback);
  const std::string value = Text(name, text);
  int64_t number = 0;
  if (value.empty()) return least;
  if (!absl::SimpleAtoi(value, &number) || number < least || number > most) {
    problems_.push_back(
        absl::StrCat(name, ": \"", value, "\", want a whole number from ", least, " to ", most));
    return least;
  }
  return number;
}

absl::Duration Settings::Duration(const std::string& name, std::optional<absl::Duration> fallback) {
  std::optional<std::string> text;
  if (fallback.has_value()) text = absl::FormatDuration(*fallback);
  const std::string value = Text(name, text);
  if (value.empty()) return absl::Seconds(1);
  const std::optional<absl::Duration> duration = ParseDuration(value);
  if (!duration.has_value() || *duration <= absl::ZeroDuration()) {
    problems_.push_back(absl::StrCat(name, ": \"", value,
                                     "\", want a duration above zero such as 500ms, 30s, 2h, 14d"));
    return absl::Seconds(1);
  }
  return *duration;
}

bool Settings::Flag(const std::string& name, bool fallback) {
  const std::string value = Text(name, fallback ? "true" : "false");
  if (value == "true") return true;
  if (value == "false") return false;
  problems_.push_back(absl::StrCat(name, ": \"", value, "\", want true or false"));
  return fallback;
}

std::string Settings::File(const std::string& name, std::optional<std::string> fallback) {
  const std::string path = Text(name, std::move(fallback));
  if (!path.empty() && access(path.c_str(), R_OK) != 0) {
    problems_.push_back(
        absl::StrCat(name, ": cannot read the file ", path, "; make it, or let this user read it"));
  }
  return path;
}

std::string Settings::Secret(const std::string& name) { return ReadSecret(name, File(name)); }

std::string Settings::ReadSecret(const std::string& name, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!path.empty() && file && text.empty()) {
    problems_.push_back(absl::StrCat(name, ": the file ", path, " is empty"));
  }
  return text;
}

std::string Settings::DatabaseUrl() {
  const std::string url = Text(kDatabaseUrl);
  if (const std::string problem = ProblemOfUrl(url); !problem.empty()) {
    problems_.push_back(absl::StrCat(kDatabaseUrl, ": ", problem));
  }
  const std::string path = File(kDatabasePasswordFile, "");
  return path.empty() ? url : WithPassword(url, ReadSecret(kDatabasePasswordFile, path));
}

absl::Status Settings::Finish() const {
  std::vector<std::string> problems = problems_;
  for (const auto& [name, value] : variables_) {
    if (!effective_.contains(name)) {
      problems.push_back(absl::StrCat(name, ": this service has no such setting; is it a typo?"));
    }
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("settings: ", absl::StrJoin(problems, "; ")));
}

std::string Settings::Effective() const {
  std::string text;
  for (const auto& [name, value] : effective_) {
    // A connection string may carry a password.
    absl::StrAppend(&text, name, "=", name == kDatabaseUrl && !value.empty() ? "***" : value, "\n");
  }
  return text;
}

}  // namespace psups
