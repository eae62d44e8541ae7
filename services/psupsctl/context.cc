#include "services/psupsctl/context.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "nlohmann/json.hpp"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace fs = std::filesystem;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::string> ContextPath(const std::string& path) {
  if (!path.empty()) return path;
  if (const std::string named = Variable("PSUPS_CONTEXT"); !named.empty()) return named;
  std::error_code ignored;
  if (fs::exists(".run/context.json", ignored)) return ".run/context.json";
  if (const std::string home = Variable("HOME"); !home.empty()) {
    const fs::path own = fs::path(home) / ".config/psups/context.json";
    if (fs::exists(own, ignored)) return own.string();
  }
  return UsageError(
      "no context: neither --context nor PSUPS_CONTEXT names one, and there is no "
      ".run/context.json (make up writes it) and no ~/.config/psups/context.json");
}

absl::StatusOr<std::string> Text(const nlohmann::json& json, const char* name,
                                 const std::string& file) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string() || found->get<std::string>().empty()) {
    return UsageError(absl::StrCat(file, ": ", name, " is missing, want a path"));
  }
  return (fs::path(file).parent_path() / found->get<std::string>()).string();
}

}  // namespace

absl::StatusOr<Context> LoadContext(const std::string& path) {
  Context context;
  ASSIGN_OR_RETURN(context.file, ContextPath(path));
  ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonObject(context.file));
  ASSIGN_OR_RETURN(context.tls.authority, Text(json, "ca_file", context.file));
  ASSIGN_OR_RETURN(context.tls.certificate, Text(json, "cert_file", context.file));
  ASSIGN_OR_RETURN(context.tls.key, Text(json, "key_file", context.file));
  const auto endpoints = json.find("endpoints");
  if (endpoints == json.end() || !endpoints->is_object()) {
    return UsageError(absl::StrCat(context.file, ": endpoints is missing, want an object of ",
                                   "service names and host:port"));
  }
  for (const auto& [service, address] : endpoints->items()) {
    if (!address.is_string()) {
      return UsageError(absl::StrCat(context.file, ": endpoints.", service, ", want host:port"));
    }
    context.endpoints[service] = address.get<std::string>();
  }
  return context;
}

}  // namespace psups::psupsctl
