#include "services/shipment-builder/field_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace psups::shipment_builder {
namespace {

constexpr std::size_t kMostShown = 40;

// Not bytes.
std::size_t Characters(const std::string& utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string Span(std::size_t least, std::size_t most) {
  return least == most ? absl::StrCat(least) : absl::StrCat(least, " to ", most);
}

}  // namespace

absl::Status Refuse(const std::string& field, const std::string& came, const std::string& wanted) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", came, ", want ", wanted));
}

std::string Came(const std::string& text) {
  if (text.empty()) return "none";
  const std::size_t length = Characters(text);
  return length > kMostShown ? absl::StrCat(length, " characters") : absl::StrCat("\"", text, "\"");
}

bool IsIn(std::string_view list, const std::string& word) {
  return !word.empty() && list.find(absl::StrCat(" ", word, " ")) != list.npos;
}

absl::Status CheckRequired(const std::string& text, const std::string& wanted,
                           const std::string& field) {
  return text.empty() ? Refuse(field, "none", wanted) : absl::OkStatus();
}

absl::Status CheckLength(const std::string& text, std::size_t least, std::size_t most,
                         const std::string& field) {
  const std::size_t length = Characters(text);
  if (length >= least && length <= most) return absl::OkStatus();
  return Refuse(field, length == 0 ? "none" : absl::StrCat(length, " characters"),
                least == 0 ? absl::StrCat("at most ", most) : Span(least, most) + " characters");
}

absl::Status CheckCode(const std::string& text, std::size_t least, std::size_t most,
                       const std::string& field) {
  if (text.empty()) return absl::OkStatus();
  const bool plain =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isalnum(c); });
  if (plain && text.size() >= least && text.size() <= most) return absl::OkStatus();
  return Refuse(field, Came(text), Span(least, most) + " letters or digits");
}

absl::Status CheckCountry(const std::string& text, const std::string& field) {
  if (text.empty()) return absl::OkStatus();
  const bool capitals =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isupper(c); });
  if (capitals && text.size() == 2) return absl::OkStatus();
  return Refuse(field, Came(text), "two capital letters, such as \"CA\"");
}

absl::Status CheckRange(int64_t value, int64_t least, int64_t most, const std::string& field) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Refuse(field, absl::StrCat(value), absl::StrCat(least, " to ", most));
}

absl::Status CheckDecimal(const std::string& text, const DecimalRange& range,
                          const std::string& field, Decimal& value) {
  const absl::StatusOr<Decimal> parsed = Decimal::Parse(text);
  if (parsed.ok() && *parsed <= range.most &&
      (*parsed > range.above || (range.or_equal && *parsed == range.above))) {
    value = *parsed;
    return absl::OkStatus();
  }
  return Refuse(field, Came(text),
                absl::StrCat("a decimal ", range.or_equal ? "of at least " : "greater than ",
                             range.above.ToString(), " and at most ", range.most.ToString()));
}

}  // namespace psups::shipment_builder
