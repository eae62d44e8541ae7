#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"
#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"

namespace psups::psupsctl {

// The command was used wrongly: exit code 2.
absl::Status UsageError(const std::string& message);
bool IsUsageError(const absl::Status& status);

absl::StatusOr<std::string> ReadFile(const std::string& path);
absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& path);

// A secret from a file, or ("-" or no path) from `in`, where it is asked for without echo if that
// is a terminal. Without its last newline.
absl::StatusOr<std::string> ReadSecret(const std::string& path, const char* what, std::istream& in);

// "orders/x" for x, and for orders/x.
std::string Named(const char* collection, const std::string& id);
// x for "orders/x".
std::string IdOf(const std::string& name);

// A JSON object of the proto's fields, as `--file` holds it; `object` may have camelCase names too.
absl::Status FromJson(const nlohmann::json& object, const std::string& file,
                      google::protobuf::Message& message);

// As FromJson, but over what the message holds: fields that `object` names are replaced.
absl::Status MergeJson(const nlohmann::json& object, const std::string& file,
                       google::protobuf::Message& message);

// What `--file` of an account or a connection holds: the proto's fields, the id to be, and
// ca_bundle_file, a path from the file's folder, whose text goes to ca_bundle_pem.
struct Described {
  std::string id = {};
  nlohmann::json fields = {};
};
absl::StatusOr<Described> ReadDescribed(const std::string& path, const char* id_field);

// The time that an option means: "2026-11-01", the day's beginning here, or a time with its zone
// such as 2026-11-01T12:00:00Z.
absl::StatusOr<absl::Time> ParseSince(const char* option, const std::string& text);

// The value of an enum that a person means by "needs-review", "needs review" or NEEDS_REVIEW.
absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor& type, const char* option,
                              const std::string& text);
template <typename Enum>
absl::StatusOr<Enum> ParseEnum(const char* option, const std::string& text) {
  const absl::StatusOr<int> value =
      ParseEnum(*google::protobuf::GetEnumDescriptor<Enum>(), option, text);
  if (!value.ok()) return value.status();
  return static_cast<Enum>(*value);
}

}  // namespace psups::psupsctl
