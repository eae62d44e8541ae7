#include "tests/fuzz/target.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "spdlog/spdlog.h"

namespace psups::fuzz {
namespace {

Target target = nullptr;

void Choose(int argc, char** argv) {
  constexpr std::string_view kFlag = "--parser=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag(argv[i]);
    if (!flag.starts_with(kFlag)) continue;
    const auto found = kTargets.find(std::string(flag.substr(kFlag.size())));
    if (found != kTargets.end()) target = found->second;
  }
  if (target != nullptr) return;
  for (const auto& [name, fuzz] : kTargets) std::puts(name.c_str());
  std::exit(argc == 1 ? 0 : 2);
}

}  // namespace

void Promise(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  std::abort();
}

}  // namespace psups::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  spdlog::set_level(spdlog::level::off);  // what is not understood is logged
  psups::fuzz::Choose(*argc, *argv);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  psups::fuzz::target({reinterpret_cast<const char*>(data), size});
  return 0;
}
