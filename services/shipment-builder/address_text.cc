#include "services/shipment-builder/address_text.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "services/shipment-builder/address_words.h"

namespace psups::shipment_builder {
namespace {

using Words = std::vector<std::string>;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return c >= 'A' && c <= 'Z'; }

bool IsDirection(const std::string& word) {
  static const auto* const kDirections =
      new std::set<std::string>{"N", "S", "E", "W", "NE", "NW", "SE", "SW"};
  return kDirections->count(word) > 0;
}

bool HasDigit(const std::string& word) { return std::any_of(word.begin(), word.end(), IsDigit); }

// "400", "4B", "103/104", "D": what can follow a designator. Two letters only at the very end.
bool IsUnitId(const std::string& word, bool last) {
  if (HasDigit(word)) return true;
  if (word.empty() || !std::all_of(word.begin(), word.end(), IsLetter)) return false;
  return word.size() == 1 || (word.size() == 2 && last && !IsStreetType(word));
}

bool IsOrdinal(const std::string& word) {
  const auto end = word.find_first_not_of("0123456789");
  if (end == 0 || end == std::string::npos) return false;
  const std::string tail = word.substr(end);
  return tail == "ST" || tail == "ND" || tail == "RD" || tail == "TH";
}

// "STE400", "APT4B" → two words.
Words UngluedUnits(const Words& words) {
  Words result;
  for (const std::string& word : words) {
    const auto digit = word.find_first_of("0123456789");
    if (digit != std::string::npos && digit > 0) {
      const std::string head = word.substr(0, digit);
      if (head == "STE" || head == "SUITE" || head == "APT" || head == "UNIT" || head == "RM") {
        result.push_back(head);
        result.push_back(word.substr(digit));
        continue;
      }
    }
    result.push_back(word);
  }
  return result;
}

// Edit distance with neighbours swapped counting once.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string SpelledOutCity(std::string_view city) {
  static const auto* const kLong = new std::map<std::string, std::string>{
      {"ST", "SAINT"},     {"STE", "SAINTE"},  {"FT", "FORT"},      {"MT", "MOUNT"},
      {"PT", "POINT"},     {"N", "NORTH"},     {"S", "SOUTH"},      {"E", "EAST"},
      {"W", "WEST"},       {"HTS", "HEIGHTS"}, {"SPGS", "SPRINGS"}, {"CTY", "CITY"},
      {"TWP", "TOWNSHIP"}, {"VLG", "VILLAGE"},
  };
  std::string result;
  for (const std::string& word : SplitWords({std::string(city)})) {
    const auto found = kLong->find(word);
    result += found == kLong->end() ? word : found->second;
  }
  return result;
}

// In upper case.
std::string LettersAndDigits(const std::string& text) {
  std::string result;
  for (const char c : absl::AsciiStrToUpper(text)) {
    if (IsLetter(c) || IsDigit(c)) result.push_back(c);
  }
  return result;
}

std::vector<std::string> LinesOf(const type::v1::Address& address) {
  return {address.lines().begin(), address.lines().end()};
}

}  // namespace

StreetText NormalStreet(const std::vector<std::string>& lines) {
  const Words words = UngluedUnits(SplitWords(lines));
  StreetText result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    const std::string next = has_next ? words[i + 1] : "";
    // "3RD FLOOR"
    if (IsOrdinal(word) && (next == "FLOOR" || next == "FL" || next == "FLR") &&
        !(i + 2 < words.size() && IsUnitId(words[i + 2], i + 3 == words.size()))) {
      result.units.push_back("FL " + Digits(word));
      ++i;
      continue;
    }
    const auto unit = UnitDesignators().find(word);
    if (unit != UnitDesignators().end() && has_next) {
      // "STE # 400" is "STE 400".
      const std::size_t id = next == "#" && word != "#" ? i + 2 : i + 1;
      if (id < words.size() && IsUnitId(words[id], id + 1 == words.size())) {
        result.units.push_back(unit->second + " " + words[id]);
        i = id;
        continue;
      }
    }
    const auto lone = LoneDesignators().find(word);
    if (lone != LoneDesignators().end() && !has_next && i > 1) {
      result.units.push_back(lone->second);
      continue;
    }
    if (word == "POST" && next == "OFFICE") {
      result.words.emplace_back("PO");
      ++i;
      continue;
    }
    if (word == "P" && next == "O") {
      result.words.emplace_back("PO");
      ++i;
      continue;
    }
    result.words.push_back(Abbreviated(word));
  }
  std::sort(result.units.begin(), result.units.end());
  return result;
}

std::vector<std::string> WithoutStreetType(std::vector<std::string> words) {
  if (words.size() < 3) return words;
  auto last = words.end() - 1;
  if (IsDirection(*last)) --last;
  if (!IsStreetType(*last)) return words;
  // "12 Park", "12 N Park": what looks like a type is the street's name.
  auto name = last - 1;
  if (IsDirection(*name) && name != words.begin()) --name;
  if (HasDigit(*name) && !IsOrdinal(*name)) return words;
  words.erase(last);
  return words;
}

std::string NumberRange(std::string_view line) {
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < line.size() && line[at] == ' ') ++at;
  };
  // The digits without leading zeros, and a letter behind them.
  const auto number = [&]() -> std::pair<std::string, std::string> {
    std::string digits, letter;
    for (; at < line.size() && IsDigit(line[at]); ++at) {
      if (!digits.empty() || line[at] != '0') digits.push_back(line[at]);
    }
    if (at < line.size() && absl::ascii_isalpha(static_cast<unsigned char>(line[at]))) {
      letter.push_back(absl::ascii_toupper(static_cast<unsigned char>(line[at++])));
    }
    return {digits, letter};
  };
  const auto order = [](const std::pair<std::string, std::string>& n) {
    return std::tuple(n.first.size(), n.first, n.second);
  };
  skip_blanks();
  const auto low = number();
  skip_blanks();
  if (at == line.size() || line[at] != '-') return "";
  ++at;
  skip_blanks();
  const auto high = number();
  if (low.first.empty() || high.first.empty()) return "";
  if (at < line.size() && line[at] != ' ') return "";
  if (order(low) >= order(high)) return "";
  return absl::StrCat(low.first, low.second, "-", high.first, high.second);
}

bool SameUnits(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a == b) return true;
  if (a.size() != b.size()) return false;
  // Identifiers pair up; a bare number may stand for any designator.
  std::vector<std::string> rest = b;
  const auto id = [](const std::string& unit) { return unit.substr(unit.find(' ') + 1); };
  for (const std::string& unit : a) {
    const auto found = std::find_if(rest.begin(), rest.end(), [&](const std::string& other) {
      return unit == other ||
             (id(unit) == id(other) && (unit.rfind("# ", 0) == 0 || other.rfind("# ", 0) == 0));
    });
    if (found == rest.end()) return false;
    rest.erase(found);
  }
  return true;
}

std::string NormalCity(std::string_view city) {
  std::string result;
  for (const std::string& word : SplitWords({std::string(city)})) result += word;
  return result;
}

bool SameCityMisspelt(std::string_view a, std::string_view b) {
  const std::string x = SpelledOutCity(a), y = SpelledOutCity(b);
  const std::size_t distance = Distance(x, y);
  return distance <= 2 && distance * 4 <= std::max(x.size(), y.size());
}

std::string Digits(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (IsDigit(c)) result.push_back(c);
  }
  return result;
}

std::string NormalAddress(const type::v1::Address& address) {
  std::string lines;
  for (const std::string& word : SplitWords(LinesOf(address))) absl::StrAppend(&lines, word, " ");
  return JoinUnambiguously(
      {lines, NormalCity(address.city()), absl::AsciiStrToUpper(address.state()),
       LettersAndDigits(address.postal_code()), absl::AsciiStrToUpper(address.country_code()),
       absl::AsciiStrToUpper(address.urbanization())});
}

std::string FullAddress(const type::v1::Address& address) {
  std::string lines;
  for (const std::string& line : address.lines()) lines += JoinUnambiguously({line});
  return JoinUnambiguously({address.name(), address.attention_name(), lines, address.city(),
                            address.state(), address.postal_code(), address.country_code(),
                            address.phone(), address.residential() ? "R" : "",
                            address.urbanization()});
}

std::size_t CharacterCount(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace psups::shipment_builder
