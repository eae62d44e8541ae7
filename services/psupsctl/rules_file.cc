#include "services/psupsctl/rules_file.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/output.h"
#include "services/psupsctl/yaml.h"

namespace psups::psupsctl {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Kind = YamlNode::Kind;

constexpr std::string_view kRules = "rules.";
constexpr std::size_t kMostShown = 40;

// How many letters must change to make one word of the other.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// "; did you mean tare_lb?", or all the keys if none is like it.
std::string Suggestion(const std::string& key, const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  const auto distance = [&](const std::string& name) {
    return Distance(absl::AsciiStrToLower(key.substr(0, kMostShown)), name);
  };
  const auto nearest =
      std::min_element(names.begin(), names.end(),
                       [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  if (distance(*nearest) <= std::max<std::size_t>(nearest->size() / 3, 1) ||
      absl::StartsWith(*nearest, key)) {
    return absl::StrCat("; did you mean ", *nearest, "?");
  }
  return absl::StrCat(", want one of ", absl::StrJoin(names, ", "));
}

std::string Shown(const std::string& text) {
  return text.size() > kMostShown ? absl::StrCat(text.size(), " bytes") : text;
}

std::string Came(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  return absl::StrCat("\"", Shown(node.text), "\"");
}

// A whole number as it is usually written: 010 is eight to some and ten to others, so it is
// neither.
template <typename Int>
bool ParseWhole(const std::string& text, Int& value) {
  return absl::SimpleAtoi(text, &value) && absl::StrCat(value) == text;
}

// Puts the parts of a YAML text into a message by its fields' names.
class Reader {
 public:
  explicit Reader(RulesFile& file) : file_(file) {}

  absl::Status Read(const YamlNode& node, const std::string& path, Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    if (node.kind != Kind::kMap) {
      return Wrong(node, path, absl::StrCat("keys such as ", type.field(0)->name()));
    }
    std::set<const FieldDescriptor*> seen;
    for (const YamlNode& entry : node.items) {
      const FieldDescriptor* field = type.FindFieldByName(entry.key);
      if (field == nullptr) field = type.FindFieldByCamelcaseName(entry.key);
      if (field == nullptr) {
        return Error(entry.key_line, Joined(path, Shown(entry.key)),
                     absl::StrCat("unknown", Suggestion(entry.key, type)));
      }
      const std::string name = Joined(path, field->name());
      if (!seen.insert(field).second) {
        return Error(entry.key_line, name,
                     absl::StrCat("given twice, first on line ", file_.lines[name]));
      }
      file_.lines[name] = entry.key_line;
      if (entry.kind == Kind::kNull) continue;  // as if it were not there
      RETURN_IF_ERROR(field->is_repeated() ? ReadList(entry, name, message, *field)
                                           : ReadField(entry, name, message, *field));
    }
    return absl::OkStatus();
  }

 private:
  static std::string Joined(const std::string& path, const std::string& name) {
    return path.empty() ? name : absl::StrCat(path, ".", name);
  }
  absl::Status Error(int line, const std::string& path, const std::string& what) const {
    return ErrorAt(file_.file, line, path.empty() ? what : absl::StrCat(path, ": ", what));
  }
  absl::Status Wrong(const YamlNode& node, const std::string& path,
                     const std::string& wanted) const {
    return Error(node.line, path, absl::StrCat(Came(node), ", want ", wanted));
  }

  absl::Status ReadList(const YamlNode& node, const std::string& path, Message& message,
                        const FieldDescriptor& field) {
    if (node.kind != Kind::kList) return Wrong(node, path, "a list");
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string at = absl::StrCat(path, "[", i, "]");
      file_.lines[at] = node.items[i].line;
      RETURN_IF_ERROR(ReadField(node.items[i], at, message, field));
    }
    return absl::OkStatus();
  }

  // One value: of a field, or of its list's next element.
  absl::Status ReadField(const YamlNode& node, const std::string& path, Message& message,
                         const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    const bool many = field.is_repeated();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Read(node, path,
                  many ? *reflection.AddMessage(&message, &field)
                       : *reflection.MutableMessage(&message, &field));
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        if (node.kind != Kind::kScalar) return Wrong(node, path, "a text");
        if (many) {
          reflection.AddString(&message, &field, node.text);
        } else {
          reflection.SetString(&message, &field, node.text);
        }
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int value = EnumOf(node, *field.enum_type());
        if (value < 0) return Wrong(node, path, "one of " + Names(*field.enum_type()));
        if (many) {
          reflection.AddEnumValue(&message, &field, value);
        } else {
          reflection.SetEnumValue(&message, &field, value);
        }
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (node.quoted || (!absl::EqualsIgnoreCase(node.text, "true") &&
                            !absl::EqualsIgnoreCase(node.text, "false"))) {
          return Wrong(node, path, "true or false");
        }
        reflection.SetBool(&message, &field, absl::EqualsIgnoreCase(node.text, "true"));
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_INT32:
        if (int32_t value = 0; ParseWhole(node.text, value)) {
          reflection.SetInt32(&message, &field, value);
          return absl::OkStatus();
        }
        return Wrong(node, path, "a whole number");
      case FieldDescriptor::CPPTYPE_INT64:
        if (int64_t value = 0; ParseWhole(node.text, value)) {
          reflection.SetInt64(&message, &field, value);
          return absl::OkStatus();
        }
        return Wrong(node, path, "a whole number");
      default:
        return absl::InternalError(absl::StrCat(path, ": a field of a kind that is not read"));
    }
  }

  // A value by its name, in any case, with - or _; -1 if there is none. What stands for "not set"
  // is taken too, for psupsctl's own JSON has it, but nobody is told to write it.
  static int EnumOf(const YamlNode& node, const EnumDescriptor& type) {
    if (node.kind != Kind::kScalar) return -1;
    const auto* value = type.FindValueByName(
        absl::StrReplaceAll(absl::AsciiStrToUpper(node.text), {{"-", "_"}, {" ", "_"}}));
    return value == nullptr ? -1 : value->number();
  }
  static std::string Names(const EnumDescriptor& type) {
    std::vector<std::string> names;
    for (int i = 0; i < type.value_count(); ++i) {
      if (type.value(i)->number() != 0) names.push_back(type.value(i)->name());
    }
    return absl::StrJoin(names, ", ");
  }

  RulesFile& file_;
};

// Without `part`'s last step: "boxes[2].tare_lb" → "boxes[2]" → "boxes" → "".
std::string Outer(const std::string& path) {
  const auto at = path.find_last_of(".[");
  return at == std::string::npos ? "" : path.substr(0, at);
}

}  // namespace

absl::StatusOr<RulesFile> ParseRules(const std::string& file, const std::string& text) {
  RulesFile result{.file = file};
  ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(file, text));
  if (root.kind == Kind::kNull) {
    return UsageError(absl::StrCat(file, ": nothing in it; {} is the rule set of all defaults"));
  }
  RETURN_IF_ERROR(Reader(result).Read(root, "", result.rules));
  return result;
}

absl::StatusOr<RulesFile> ReadRules(const std::string& path, std::istream& in) {
  if (path != "-") {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    return ParseRules(path, text);
  }
  return ParseRules("standard input", {std::istreambuf_iterator<char>(in), {}});
}

absl::Status AtItsLine(const absl::Status& status, const RulesFile& file) {
  const std::string message(status.message());
  if (status.code() != absl::StatusCode::kInvalidArgument ||
      !absl::StartsWith(message, std::string(kRules))) {
    return status;
  }
  const std::string rest = message.substr(kRules.size());
  for (std::string path = rest.substr(0, rest.find(": ")); !path.empty(); path = Outer(path)) {
    const auto found = file.lines.find(path);
    if (found == file.lines.end()) continue;
    return absl::InvalidArgumentError(absl::StrCat(file.file, ":", found->second, ": ", rest));
  }
  return absl::InvalidArgumentError(absl::StrCat(file.file, ": ", rest));
}

void WriteRules(std::ostream& out, const shipments::v1::Rules& rules) {
  WriteYaml(out, SetFieldsAsJson(rules));
}

}  // namespace psups::psupsctl
