#include "services/psupsctl/input.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/status_macros.h"
#include "google/protobuf/util/json_util.h"

namespace psups::psupsctl {
namespace {

using nlohmann::json;

constexpr char kUsage[] = "psups/usage";

// Echo off for as long as a secret is typed.
class Silence {
 public:
  Silence() {
    silent_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!silent_) return;
    termios after = before_;
    after.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &after);
  }
  ~Silence() {
    if (silent_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_ = {};
  bool silent_ = false;
};

}  // namespace

absl::Status UsageError(const std::string& message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsage, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsage).has_value(); }

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) {
    return UsageError(absl::StrCat(path, ": a directory, want a file"));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return UsageError(absl::StrCat(path, ": ", std::strerror(errno)));
  return std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

absl::StatusOr<json> ReadJsonObject(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  json object = json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return UsageError(absl::StrCat(path, ": not a JSON object"));
  return object;
}

absl::StatusOr<std::string> ReadSecret(const std::string& path, const char* what,
                                       std::istream& in) {
  std::string secret;
  if (!path.empty() && path != "-") {
    ASSIGN_OR_RETURN(secret, ReadFile(path));
    if (absl::EndsWith(secret, "\n")) secret.pop_back();
    if (absl::EndsWith(secret, "\r")) secret.pop_back();
  } else if (&in == &std::cin && isatty(STDIN_FILENO) == 1) {
    std::fprintf(stderr, "%s: ", what);
    const Silence silence;
    std::getline(in, secret);
    std::fputc('\n', stderr);
  } else {
    std::getline(in, secret);
  }
  if (secret.empty()) {
    return UsageError(absl::StrCat("no ", what, ": name a file that holds it, or give it on ",
                                   "standard input; never as an argument"));
  }
  return secret;
}

std::string Named(const char* collection, const std::string& id) {
  const std::string prefix = absl::StrCat(collection, "/");
  return absl::StartsWith(id, prefix) ? id : absl::StrCat(prefix, id);
}

std::string IdOf(const std::string& name) { return name.substr(name.find('/') + 1); }

absl::Status FromJson(const json& object, const std::string& file,
                      google::protobuf::Message& message) {
  const auto status = google::protobuf::util::JsonStringToMessage(object.dump(), &message);
  if (status.ok()) return absl::OkStatus();
  return UsageError(absl::StrCat(file, ": ", std::string(status.message())));
}

absl::Status MergeJson(const json& object, const std::string& file,
                       google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) {
    return absl::InternalError("cannot write the message as JSON");
  }
  json merged = json::parse(text);
  for (const auto& [key, value] : object.items()) {
    const auto* field = message.GetDescriptor()->FindFieldByCamelcaseName(key);
    merged[field == nullptr ? key : std::string(field->name())] = value;
  }
  return FromJson(merged, file, message);
}

absl::StatusOr<Described> ReadDescribed(const std::string& path, const char* id_field) {
  Described described;
  ASSIGN_OR_RETURN(described.fields, ReadJsonObject(path));
  json& fields = described.fields;
  if (const auto id = fields.find(id_field); id != fields.end()) {
    if (!id->is_string()) return UsageError(absl::StrCat(path, ": ", id_field, ", want a string"));
    described.id = id->get<std::string>();
    fields.erase(id);
  }
  if (const auto file = fields.find("ca_bundle_file"); file != fields.end()) {
    if (!file->is_string()) {
      return UsageError(absl::StrCat(path, ": ca_bundle_file, want a path"));
    }
    ASSIGN_OR_RETURN(fields["ca_bundle_pem"], ReadFile(std::filesystem::path(path).parent_path() /
                                                       file->get<std::string>()));
    fields.erase("ca_bundle_file");
  }
  return described;
}

absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor& type, const char* option,
                              const std::string& text) {
  const std::string wanted =
      absl::StrReplaceAll(absl::AsciiStrToUpper(text), {{"-", "_"}, {" ", "_"}});
  std::vector<std::string> known;
  for (int i = 0; i < type.value_count(); ++i) {
    const auto* value = type.value(i);
    if (value->number() == 0) continue;
    if (value->name() == wanted) return value->number();
    known.push_back(absl::StrReplaceAll(absl::AsciiStrToLower(value->name()), {{"_", "-"}}));
  }
  return UsageError(
      absl::StrCat(option, ": \"", text, "\", want one of ", absl::StrJoin(known, ", ")));
}

absl::StatusOr<absl::Time> ParseSince(const char* option, const std::string& text) {
  absl::CivilDay day;
  if (absl::ParseCivilTime(text, &day)) return absl::FromCivil(day, absl::LocalTimeZone());
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  return UsageError(absl::StrCat(option, ": \"", text,
                                 "\", want a day such as 2026-11-01, or a time with its zone such "
                                 "as 2026-11-01T12:00:00Z"));
}

}  // namespace psups::psupsctl
