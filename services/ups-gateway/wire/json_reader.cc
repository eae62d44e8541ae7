#include "services/ups-gateway/wire/json_reader.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"

namespace psups::ups_gateway {
namespace {

const Json kNull;

std::string Scalar(const Json& value) {
  if (value.is_string()) {
    std::string text = value.get<std::string>();
    if (text.find("&#") != text.npos) {
      text =
          absl::StrReplaceAll(text, {{"&#xD;", ""}, {"&#xA;", ""}, {"&#13;", ""}, {"&#10;", ""}});
    }
    absl::StripAsciiWhitespace(&text);
    return text;
  }
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "";
}

}  // namespace

Json ParseJson(std::string_view body) {
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  // Descriptions have been seen in other encodings: a reply must not be lost for one letter in
  // them.
  std::string ascii(body);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  json = Json::parse(ascii, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json() : json;
}

const Json& At(const Json& object, std::string_view key) {
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::vector<const Json*> Many(const Json& object, std::string_view key) {
  const Json& value = At(object, key);
  std::vector<const Json*> items;
  if (value.is_object()) items.push_back(&value);
  if (value.is_array()) {
    for (const Json& item : value) {
      if (item.is_object()) items.push_back(&item);
    }
  }
  return items;
}

std::vector<std::string> Texts(const Json& object, std::string_view key) {
  const Json& value = At(object, key);
  std::vector<std::string> texts;
  const auto add = [&](const Json& item) {
    if (std::string text = Scalar(item); !text.empty()) texts.push_back(std::move(text));
  };
  if (value.is_array()) {
    for (const Json& item : value) add(item);
  } else {
    add(value);
  }
  return texts;
}

std::string Text(const Json& object, std::string_view key) { return Scalar(At(object, key)); }

bool Present(const Json& object, std::string_view key) {
  return object.is_object() && object.contains(key);
}

}  // namespace psups::ups_gateway
