#include "services/psupsctl/yaml.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "services/psupsctl/input.h"
#include "yaml-cpp/emitter.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

namespace psups::psupsctl {
namespace {

using nlohmann::ordered_json;
using Kind = YamlNode::Kind;

constexpr std::size_t kMostBytes = 1'000'000;
constexpr std::size_t kMostDepth = 32;
// A value that is written on one line has at most so many characters.
constexpr std::size_t kMostOnOneLine = 90;

// What yaml-cpp's own errors are, too: a line and a message.
[[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& message) {
  throw YAML::ParserException(mark, message);
}

bool IsUtf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();  // it throws at what is none
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// Builds the tree of one document from the parser's events.
class Builder : public YAML::EventHandler {
 public:
  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Refuse(mark, "a second document, want one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, "", anchor, {.kind = Kind::kNull});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Refuse(mark, "an alias (*), want the value itself");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // yaml-cpp's \N and \_ make bytes that are none.
    if (!IsUtf8(value)) Refuse(mark, "an escape that makes no UTF-8");
    Add(mark, tag, anchor, {.kind = Kind::kScalar, .quoted = tag == "!", .text = value});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  // A list or map whose parts come next.
  struct Part {
    YamlNode* node;
    bool awaits_value = false;  // of a map: its key was the last event
  };

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
    if (open_.size() >= kMostDepth) Refuse(mark, "lists or maps too deep in one another");
    open_.push_back({.node = Add(mark, tag, anchor, {.kind = kind})});
  }

  YamlNode* Add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                YamlNode node) {
    if (anchor != YAML::NullAnchor) Refuse(mark, "an anchor (&), want each value by itself");
    if (!tag.empty() && tag != "?" && tag != "!") Refuse(mark, "a tag (!), want plain values");
    node.line = mark.line + 1;
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    Part& part = open_.back();
    if (part.node->kind == Kind::kList) {
      part.node->items.push_back(std::move(node));
      return &part.node->items.back();
    }
    part.awaits_value = !part.awaits_value;
    if (part.awaits_value) {
      if (node.kind != Kind::kScalar) Refuse(mark, "a key that is no text");
      part.node->items.push_back({.key = std::move(node.text), .key_line = node.line});
      return nullptr;  // a key has no parts
    }
    YamlNode& value = part.node->items.back();
    node.key = std::move(value.key);
    node.key_line = value.key_line;
    value = std::move(node);
    return &value;
  }

  YamlNode root_ = {};
  // While a part is open nothing is added beside it, so the pointers stay good.
  std::vector<Part> open_ = {};
  int documents_ = 0;
};

// What would end the parser's reading early, or be joined without a word, is refused before.
absl::Status CheckCharacters(const std::string& file, const std::string& text) {
  int number = 0;
  for (const absl::string_view part : absl::StrSplit(text, '\n')) {
    ++number;
    std::string line(part);
    if (absl::EndsWith(line, "\r")) line.pop_back();
    const bool controls =
        std::any_of(line.begin(), line.end(), [](unsigned char c) { return c != '\t' && c < ' '; });
    if (controls || !IsUtf8(line)) {
      return ErrorAt(file, number,
                     controls ? "a control character, want plain text"
                              : "not UTF-8, want plain text in UTF-8");
    }
  }
  return absl::OkStatus();
}

// What is short stands on one line, but a list of maps has a line for each.
bool FitsOnOneLine(const ordered_json& json) {
  if (json.empty()) return true;
  if (json.is_array() && json.front().is_structured()) return false;
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace).size() <= kMostOnOneLine;
}

void Emit(YAML::Emitter& yaml, const ordered_json& json, bool top) {
  if (json.empty() || (!top && FitsOnOneLine(json))) yaml << YAML::Flow;
  if (json.is_object()) {
    yaml << YAML::BeginMap;
    for (const auto& [key, value] : json.items()) {
      yaml << YAML::Key << key << YAML::Value;
      Emit(yaml, value, false);
    }
    yaml << YAML::EndMap;
  } else if (json.is_array()) {
    yaml << YAML::BeginSeq;
    for (const ordered_json& value : json) Emit(yaml, value, false);
    yaml << YAML::EndSeq;
  } else if (json.is_string()) {
    yaml << YAML::DoubleQuoted << json.get_ref<const std::string&>();
  } else {
    yaml << json.dump();  // a number, true, false or null
  }
}

}  // namespace

absl::Status ErrorAt(const std::string& file, int line, const std::string& message) {
  return UsageError(absl::StrCat(file, ":", line, ": ", message));
}

absl::StatusOr<YamlNode> ParseYaml(const std::string& file, const std::string& text) {
  if (text.size() > kMostBytes) {
    return UsageError(absl::StrCat(file, ": more than ", kMostBytes, " bytes"));
  }
  RETURN_IF_ERROR(CheckCharacters(file, text));
  // With an end of line behind it yaml-cpp takes a quotation that never ends for a whole one.
  std::istringstream in(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
  Builder builder;
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::ParserException& error) {
    const bool is_terse = error.msg == YAML::ErrorMsg::MAP_VALUE;
    return ErrorAt(
        file, error.mark.line + 1,
        absl::StrCat(error.msg, is_terse
                                    ? ": is a colon missing in the line before, or are there two "
                                      "in this one? A text with \": \" in it stands in quotes"
                                    : ""));
  } catch (const YAML::Exception& error) {
    return UsageError(absl::StrCat(file, ": ", error.msg));
  }
  return builder.Take();
}

void WriteYaml(std::ostream& out, const ordered_json& json) {
  YAML::Emitter yaml;
  Emit(yaml, json, /*top=*/true);
  out << yaml.c_str() << "\n";
}

}  // namespace psups::psupsctl
