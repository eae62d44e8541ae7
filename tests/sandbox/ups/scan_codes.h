#pragma once

#include <string>

namespace psups::ups_sandbox {

enum class ScanPlace { kNowhere, kOrigin, kDestination };

// What UPS says of one kind of scan. `name` is what the admin API and the configuration call it.
struct ScanCode {
  const char* name;
  const char* type;
  const char* code;
  const char* status_code;
  const char* description;
  ScanPlace place;  // where it happens unless told
};

inline constexpr char kLabelCreated[] = "MP";
inline constexpr char kLabelVoided[] = "VP";

// Null if there is no such code.
const ScanCode* FindScanCode(const std::string& name);

}  // namespace psups::ups_sandbox
