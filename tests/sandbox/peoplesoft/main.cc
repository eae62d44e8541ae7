#include <memory>
#include <string>

#include "common/status_macros.h"
#include "tests/sandbox/peoplesoft/sandbox.h"
#include "tests/sandbox/run.h"

namespace psups::peoplesoft_sandbox {
namespace {

absl::StatusOr<std::unique_ptr<Sandbox>> StartFrom(const std::string& text,
                                                   const std::string& journal_file) {
  ASSIGN_OR_RETURN(SiteConfig config, ParseConfig(text));
  return Sandbox::Start(std::move(config), journal_file);
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox

int main(int argc, char** argv) {
  return psups::sandbox::Main(argc, argv, "peoplesoft-sandbox",
                              "peoplesoft-sandbox: one PeopleSoft site, to try psups against.",
                              psups::peoplesoft_sandbox::StartFrom);
}
