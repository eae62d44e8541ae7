#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "nlohmann/json.hpp"

namespace psups::testing {

// UPS's OpenAPI files, which are kept outside the project: in UPS_OPENAPI_DIR, or where CMake says
// by UPS_OPENAPI_DEFAULT. Relative paths begin at the project's root.
inline std::filesystem::path UpsOpenApiFolder() {
  const char* set = std::getenv("UPS_OPENAPI_DIR");
  const bool given = set != nullptr && *set != '\0';
  return std::filesystem::path(PSUPS_SOURCE_DIR) / (given ? set : UPS_OPENAPI_DEFAULT);
}

// The text of a file there; empty if there is none.
inline std::string UpsOpenApiText(const std::string& name) {
  std::ifstream file(UpsOpenApiFolder() / name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline nlohmann::json UpsOpenApi(const std::string& name) {
  return nlohmann::json::parse(UpsOpenApiText("patched/" + name + ".json"), nullptr,
                               /*allow_exceptions=*/false);
}

// What stands at `path` of a file, an empty object if nothing does.
inline nlohmann::json UpsOpenApiAt(const nlohmann::json& api, const std::string& path) {
  return api.is_object() ? api.value(nlohmann::json::json_pointer(path), nlohmann::json::object())
                         : nlohmann::json::object();
}

}  // namespace psups::testing
