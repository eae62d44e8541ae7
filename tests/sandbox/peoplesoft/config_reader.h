#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace psups::peoplesoft_sandbox {

// Takes keys out of an object one by one and remembers what was wrong with them. A key that is
// absent or null leaves its value as it is.
class ConfigReader {
 public:
  using Json = nlohmann::json;
  using Texts = std::set<std::string>;

  explicit ConfigReader(Json object) : object_(std::move(object)) {}

  void Text(const char* key, std::string& value, bool required = false) {
    const Json found = Take(key);
    if (found.is_string() && !(required && found.get_ref<const std::string&>().empty())) {
      value = found;
    } else if (required || !found.is_null()) {
      Problem(key, "a string");
    }
  }

  void Flag(const char* key, bool& value) {
    const Json found = Take(key);
    if (found.is_boolean()) {
      value = found;
    } else if (!found.is_null()) {
      Problem(key, "true or false");
    }
  }

  template <typename Integer>
  void Number(const char* key, Integer& value, long low, long high) {
    const Json found = Take(key);
    if (found.is_null()) return;
    if (found.is_number_integer() && found >= low && found <= high) {
      value = found;
    } else {
      Problem(key, absl::StrCat(low, "..", high));
    }
  }

  void TextSet(const char* key, Texts& value) {
    const Json found = Take(key);
    if (found.is_null()) return;
    if (!IsListOfTexts(found)) return Problem(key, "a list of strings");
    value = found.get<Texts>();
  }

  // From one of `keys` to text that is not empty.
  void TextMap(const char* key, std::map<std::string, std::string>& value, const Texts& keys) {
    const Json found = Take(key);
    if (found.is_null()) return;
    bool good = found.is_object();
    for (const auto& [name, text] : found.items()) {
      good = good && keys.count(name) != 0 && text.is_string() && text != "";
    }
    if (!good) return Problem(key, "an object of strings by " + absl::StrJoin(keys, "|"));
    value = found.get<std::map<std::string, std::string>>();
  }

  void TextSets(const char* key, std::map<std::string, Texts>& value) {
    const Json found = Take(key);
    if (found.is_null()) return;
    bool good = found.is_object();
    for (const auto& [name, texts] : found.items()) good = good && IsListOfTexts(texts);
    if (!good) return Problem(key, "an object of lists of strings");
    value = found.get<std::map<std::string, Texts>>();
  }

  // Of `choices` alone, and at least one.
  void ChosenSet(const char* key, Texts& value, const Texts& choices) {
    TextSet(key, value);
    bool good = !value.empty();
    for (const std::string& text : value) good = good && choices.count(text) != 0;
    if (!good) Problem(key, "a list of " + absl::StrJoin(choices, "|"));
  }

  template <typename Value>
  void Choice(const char* key, Value& value, const std::map<std::string, Value>& choices) {
    const Json found = Take(key);
    if (found.is_null()) return;
    const auto chosen = found.is_string() ? choices.find(found) : choices.end();
    if (chosen != choices.end()) {
      value = chosen->second;
    } else {
      Problem(key, absl::StrJoin(choices, "|", [](std::string* out, const auto& choice) {
                out->append(choice.first);
              }));
    }
  }

  void Problem(const std::string& key, const std::string& wish) {
    problems_.push_back(absl::StrCat(key, ": want ", wish));
  }

  // INVALID_ARGUMENT with every problem, and every key that nobody took.
  absl::Status Finish() {
    for (const auto& [key, value] : object_.items()) problems_.push_back("unknown key " + key);
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("config: ", absl::StrJoin(problems_, "; ")));
  }

 private:
  static bool IsListOfTexts(const Json& value) {
    bool good = value.is_array();
    for (const Json& text : value) good = good && text.is_string();
    return good;
  }

  Json Take(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    Json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  Json object_;
  std::vector<std::string> problems_ = {};
};

}  // namespace psups::peoplesoft_sandbox
