#include <memory>
#include <string>

#include "common/status_macros.h"
#include "tests/sandbox/run.h"
#include "tests/sandbox/ups/sandbox.h"

namespace psups::ups_sandbox {
namespace {

absl::StatusOr<std::unique_ptr<Sandbox>> StartFrom(const std::string& text,
                                                   const std::string& journal_file) {
  ASSIGN_OR_RETURN(Config config, ParseConfig(text));
  return Sandbox::Start(std::move(config), journal_file);
}

}  // namespace
}  // namespace psups::ups_sandbox

int main(int argc, char** argv) {
  return psups::sandbox::Main(argc, argv, "ups-sandbox", "ups-sandbox: UPS, to try psups against.",
                              psups::ups_sandbox::StartFrom);
}
