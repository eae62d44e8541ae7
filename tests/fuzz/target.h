#pragma once

#include <map>
#include <string>
#include <string_view>

namespace psups::fuzz {

// libFuzzer's targets of a program by name: PROGRAM --parser=NAME [libFuzzer's own flags] [corpus].
// Without a name the program prints them, a line each.
using Target = void (*)(std::string_view input);
extern const std::map<std::string, Target>& kTargets;

// Ends the program with what was not kept.
void Promise(bool kept, const char* promise);

}  // namespace psups::fuzz
