#include "services/ups-gateway/wire/json_reader.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"

namespace psups::ups_gateway {
namespace {

const Json kNull;

constexpr double kMostExact = 1LL << 53;  // beyond it a double leaves numbers out
constexpr int kMostNested = 64;

std::string Scalar(const Json& value) {
  if (value.is_string()) return Trimmed(value.get<std::string>());
  if (value.is_number_float() && std::abs(value.get<double>()) > kMostExact) return "";
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "";
}

// Whether a reader that keeps every open bracket would be made to keep too many.
bool NestsTooDeep(std::string_view body) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMostNested) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Half of a surrogate pair, of which a text is left when it was cut in a letter: \ud83d.
bool IsSurrogate(std::string_view escape) {
  return escape.size() == 6 && absl::ascii_tolower(static_cast<unsigned char>(escape[2])) == 'd' &&
         std::string_view("89abcdef")
                 .find(static_cast<char>(absl::ascii_tolower(
                     static_cast<unsigned char>(escape[3])))) != std::string_view::npos;
}

// `body` with ? for what no JSON reader takes within a text.
std::string Mended(std::string_view body) {
  std::string mended;
  mended.reserve(body.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    const auto c = static_cast<unsigned char>(body[i]);
    if (c == '\\' && i + 1 < body.size()) {
      if (body[i + 1] == 'u' && IsSurrogate(body.substr(i, 6))) {
        mended += '?';
        i += 5;
      } else {
        mended += body.substr(i, 2);
        ++i;
      }
    } else if (c >= 0x80) {
      mended += '?';
    } else {
      mended += c < 0x20 ? ' ' : static_cast<char>(c);
    }
  }
  return mended;
}

}  // namespace

Json ParseJson(std::string_view body) {
  if (NestsTooDeep(body)) return Json();
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  json = Json::parse(Mended(body), nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json() : json;
}

std::string Trimmed(std::string text) {
  if (text.find("&#") != text.npos) {
    text = absl::StrReplaceAll(text, {{"&#xD;", ""}, {"&#xA;", ""}, {"&#13;", ""}, {"&#10;", ""}});
  }
  absl::StripAsciiWhitespace(&text);
  return text;
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
