#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "common/channel.h"

namespace psups::psupsctl {

// Where the services are, and as whom to ask them.
struct Context {
  std::string file = {};  // where it was read from, for messages
  TlsFiles tls = {};
  std::map<std::string, std::string> endpoints = {};  // service → host:port
};

// The first that there is of: `path` (if not empty), $PSUPS_CONTEXT, ./.run/context.json and
// ~/.config/psups/context.json. Relative paths in the file start at its folder.
absl::StatusOr<Context> LoadContext(const std::string& path);

}  // namespace psups::psupsctl
