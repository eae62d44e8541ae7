#include "services/shipment-builder/address_format.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace psups::shipment_builder {
namespace {

// UPS takes no more.
constexpr std::size_t kMostPostalCode = 9;
constexpr std::size_t kMostState = 5;

std::string Upper(const std::string& text) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
}

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsSeparator(char c) { return c == ' ' || c == '-'; }

// How postal codes look: A is a letter, 9 a digit, * either; blanks and dashes may be left out.
const std::map<std::string, std::vector<std::string>>& Forms() {
  static const auto* const kForms = new std::map<std::string, std::vector<std::string>>{
      {"AT", {"9999"}},
      {"AU", {"9999"}},
      {"BE", {"9999"}},
      {"BR", {"99999-999"}},
      {"CA", {"A9A 9A9"}},
      {"CH", {"9999"}},
      {"CN", {"999999"}},
      {"DE", {"99999"}},
      {"ES", {"99999"}},
      {"FR", {"99999"}},
      {"GB", {"A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA"}},
      {"IE", {"A9* ****"}},
      {"IN", {"999999"}},
      {"IT", {"99999"}},
      {"JP", {"999-9999"}},
      {"MX", {"99999"}},
      {"NL", {"9999 AA"}},
      {"VN", {"99999", "999999"}},
  };
  return *kForms;
}

// Ireland's parcels find their way by county.
bool MayLackPostalCode(const std::string& country) { return country == "IE"; }

const std::set<std::string>& Provinces() {
  static const auto* const kProvinces = new std::set<std::string>{
      "AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"};
  return *kProvinces;
}

bool Fits(char c, char form) {
  switch (form) {
    case 'A':
      return IsLetter(c);
    case '9':
      return IsDigit(c);
    default:
      return IsLetter(c) || IsDigit(c);
  }
}

// `code` written as `form` has it; nullopt if it does not fit.
std::optional<std::string> Written(std::string_view code, std::string_view form) {
  std::string written;
  std::size_t at = 0;
  for (const char expected : form) {
    if (IsSeparator(expected)) {
      if (at < code.size() && IsSeparator(code[at])) ++at;
      written.push_back(expected);
      continue;
    }
    if (at == code.size() || !Fits(code[at], expected)) return std::nullopt;
    written.push_back(code[at++]);
  }
  if (at != code.size()) return std::nullopt;
  return written;
}

// Nullopt if it fits none.
std::optional<std::string> Written(const std::string& code, const std::vector<std::string>& forms) {
  for (const std::string& form : forms) {
    if (auto written = Written(code, std::string_view(form))) return written;
  }
  return std::nullopt;
}

std::optional<FormatProblem> CheckState(const std::string& country, const std::string& state) {
  if (country == "CA" && Provinces().count(state) == 0) {
    return FormatProblem{"state", "a province's two letters, such as ON"};
  }
  if (country == "VN" && state.empty()) return FormatProblem{"state", "a province"};
  if (country == "IE" && state.empty()) return FormatProblem{"state", "a county"};
  if (state.size() > kMostState) {
    return FormatProblem{"state", absl::StrCat("at most ", kMostState, " characters")};
  }
  return std::nullopt;
}

std::optional<FormatProblem> CheckPostalCode(const std::string& country, const std::string& code) {
  const auto forms = Forms().find(country);
  if (forms != Forms().end()) {
    if (code.empty() && MayLackPostalCode(country)) return std::nullopt;
    if (Written(code, forms->second).has_value()) return std::nullopt;
    return FormatProblem{"postal_code",
                         absl::StrCat("of the form ", absl::StrJoin(forms->second, " or "),
                                      " (A: a letter, 9: a digit, *: either)")};
  }
  const bool plain = std::all_of(
      code.begin(), code.end(), [](char c) { return IsLetter(c) || IsDigit(c) || IsSeparator(c); });
  if (plain && code.size() <= kMostPostalCode) return std::nullopt;
  return FormatProblem{"postal_code", absl::StrCat("at most ", kMostPostalCode,
                                                   " letters, digits, blanks and dashes")};
}

}  // namespace

std::optional<FormatProblem> CheckFormat(const type::v1::Address& address) {
  const bool has_line = std::any_of(address.lines().begin(), address.lines().end(),
                                    [](const std::string& line) { return !Upper(line).empty(); });
  if (!has_line) return FormatProblem{"lines", "a street line"};
  if (Upper(address.city()).empty()) return FormatProblem{"city", "a city"};
  const std::string country = Upper(address.country_code());
  if (auto problem = CheckState(country, Upper(address.state()))) return problem;
  return CheckPostalCode(country, Upper(address.postal_code()));
}

std::string WrittenPostalCode(const type::v1::Address& address) {
  std::string code = Upper(address.postal_code());
  const auto forms = Forms().find(Upper(address.country_code()));
  if (forms == Forms().end()) return code;
  return Written(code, forms->second).value_or(code);
}

}  // namespace psups::shipment_builder
