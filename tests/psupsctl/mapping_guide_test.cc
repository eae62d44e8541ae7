#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "services/psupsctl/rules_file.h"
#include "services/shipment-builder/rules_check.h"

namespace psups::psupsctl {
namespace {

// The text between ```yaml and ``` in the guide.
std::string GuidesExample() {
  std::ifstream in(PSUPS_SOURCE_DIR "/docs/mapping.md");
  const std::string guide{std::istreambuf_iterator<char>(in), {}};
  const std::string fence = "```yaml\n";
  const auto from = guide.find(fence);
  if (from == std::string::npos) return "";
  const auto start = from + fence.size();
  return guide.substr(start, guide.find("```\n", start) - start);
}

TEST(MappingGuide, ItsExampleIsReadAndPassesTheServersCheck) {
  const auto file = ParseRules("docs/mapping.md", GuidesExample());
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::Status checked =
      shipment_builder::CheckRules(shipment_builder::NormalRules(file->rules));
  EXPECT_TRUE(checked.ok()) << AtItsLine(checked, *file);
  // It shows each rule there is.
  const auto* type = shipments::v1::Rules::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    EXPECT_EQ(file->lines.count(type->field(i)->name()), 1u) << type->field(i)->name();
  }
}

}  // namespace
}  // namespace psups::psupsctl
