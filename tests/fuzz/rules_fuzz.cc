// libFuzzer's target of the rule files that people write: rules_fuzz --parser=rules [libFuzzer's
// own flags] [corpus].

#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/rules_file.h"
#include "services/shipment-builder/rules_check.h"
#include "tests/fuzz/target.h"

namespace psups {
namespace {

using fuzz::Promise;
using google::protobuf::util::MessageDifferencer;

void FuzzRules(std::string_view body) {
  const auto file = psupsctl::ParseRules("r.yaml", std::string(body));
  if (!file.ok()) {
    Promise(psupsctl::IsUsageError(file.status()) &&
                absl::StartsWith(file.status().message(), "r.yaml"),
            "what is wrong is a usage error that names the file");
    return;
  }
  std::ostringstream written;
  psupsctl::WriteRules(written, file->rules);
  const auto again = psupsctl::ParseRules("r.yaml", written.str());
  Promise(again.ok() && MessageDifferencer::Equals(again->rules, file->rules),
          "rules are read back as they were written");
  const auto normal = shipment_builder::NormalRules(file->rules);
  Promise(MessageDifferencer::Equals(shipment_builder::NormalRules(normal), normal),
          "normal rules are normal");
  const absl::Status checked = shipment_builder::CheckRules(normal);
  const std::string said(psupsctl::AtItsLine(checked, *file).message());
  Promise(checked.ok() || said.find_first_of("0123456789") == std::string_view("r.yaml:").size(),
          "what the check names has a line in the file");
}

}  // namespace
}  // namespace psups

const std::map<std::string, psups::fuzz::Target>& psups::fuzz::kTargets =
    *new std::map<std::string, psups::fuzz::Target>{{"rules", psups::FuzzRules}};
