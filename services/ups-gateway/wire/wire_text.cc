#include "services/ups-gateway/wire/wire_text.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace psups::ups_gateway {
namespace {

constexpr std::size_t kLineCharacters = 35;
constexpr std::size_t kMostLines = 3;

using Words = std::vector<std::string>;

std::vector<std::string> WrappedWords(const Words& words) {
  std::vector<std::string> lines;
  for (const std::string& word : words) {
    const std::string longer = lines.empty() ? word : absl::StrCat(lines.back(), " ", word);
    if (lines.empty() || Characters(longer) > kLineCharacters) {
      lines.push_back(word);
    } else {
      lines.back() = longer;
    }
  }
  return lines;
}

std::vector<std::string> FullLines(std::string_view text) {
  std::vector<std::string> lines;
  std::size_t characters = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && characters++ % kLineCharacters == 0) lines.emplace_back();
    if (!lines.empty()) lines.back().push_back(c);
  }
  return lines;
}

}  // namespace

std::size_t Characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
  }
  return count;
}

std::string Digits(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) digits.push_back(c);
  }
  return digits;
}

std::string AmountText(const type::v1::Money& money) {
  const int64_t amount = money.amount_minor();
  if (MinorDigits(money.currency_code()) == 0) return absl::StrCat(amount);
  return absl::StrFormat("%d.%02d", amount / 100, amount % 100);
}

std::vector<std::string> DescriptionLines(std::string_view text) {
  const Words words =
      absl::StrSplit(absl::string_view(text.data(), text.size()), ' ', absl::SkipEmpty());
  std::vector<std::string> lines = WrappedWords(words);
  bool fits = lines.size() <= kMostLines;
  for (const std::string& line : lines) fits &= Characters(line) <= kLineCharacters;
  return fits ? lines : FullLines(absl::StrJoin(words, " "));
}

std::string LabelFormatAsked(std::string_view format) {
  return format.empty() ? "ZPL" : std::string(format);
}

}  // namespace psups::ups_gateway
