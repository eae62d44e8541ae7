#pragma once

#include <istream>
#include <map>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "psups/shipments/v1/mapping_service.pb.h"

namespace psups::psupsctl {

// A rule set as people keep it: the proto's fields in YAML, or in JSON, which is YAML too.
struct RulesFile {
  std::string file = {};  // its name, for messages
  shipments::v1::Rules rules = {};
  std::map<std::string, int> lines = {};  // "boxes[2].tare_lb" → where it stands
};

// What is wrong is a usage error: `rules.yaml:12: services[1].service_code: …`.
absl::StatusOr<RulesFile> ParseRules(const std::string& file, const std::string& text);

// The same from a file, or from `in` if that is "-".
absl::StatusOr<RulesFile> ReadRules(const std::string& path, std::istream& in);

// An error that names a field by its path ("rules.boxes[2].tare_lb: …") with that field's line, or
// the line of what it would stand in; any other error as it is.
absl::Status AtItsLine(const absl::Status& status, const RulesFile& file);

// What ParseRules takes back.
void WriteRules(std::ostream& out, const shipments::v1::Rules& rules);

}  // namespace psups::psupsctl
