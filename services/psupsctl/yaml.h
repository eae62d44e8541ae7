#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace psups::psupsctl {

// A value in a YAML text, with the line on which it stands. Scalars are the characters that were
// written: nothing is a number, a date or a boolean yet, so that 03, 0.10 and NO stay what they
// are.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;
  bool quoted = false;  // a scalar in quotes
  std::string text = {};
  std::vector<YamlNode> items = {};  // of a list or a map, in their order
  // In a map; one key may stand there twice.
  std::string key = {};
  int key_line = 0;
};

// The one document in `text`, which may be JSON; null if there is none. What is wrong is a usage
// error that begins with "file:line: ". Anchors, aliases and tags are refused: nothing here needs
// them, and with them a short text can stand for an endless one.
absl::StatusOr<YamlNode> ParseYaml(const std::string& file, const std::string& text);

// A usage error at a line of a file.
absl::Status ErrorAt(const std::string& file, int line, const std::string& message);

// All texts in quotes, so that no reader takes one for a number or a boolean.
void WriteYaml(std::ostream& out, const nlohmann::ordered_json& json);

}  // namespace psups::psupsctl
