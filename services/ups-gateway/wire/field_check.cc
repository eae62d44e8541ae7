#include "services/ups-gateway/wire/field_check.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

bool AllCapitals(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isupper(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

}  // namespace

absl::Status Refuse(std::string_view field, std::string_view came, std::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field), ": ", std::string(came), ", want ", std::string(wanted)));
}

std::string Quoted(std::string_view text) { return absl::StrCat("\"", std::string(text), "\""); }

std::string LengthOf(std::string_view text) {
  return absl::StrCat(Characters(text), " characters");
}

bool AllDigits(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

bool AllAlphanumeric(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

bool Contains(std::string_view list, std::string_view word) {
  return list.find(absl::StrCat(" ", std::string(word), " ")) != list.npos;
}

absl::Status CheckText(std::string_view text, std::size_t least, std::size_t most,
                       std::string_view field) {
  const std::string wanted =
      least == 0 ? absl::StrCat("at most ", most) : absl::StrCat(least, " to ", most);
  const std::size_t length = Characters(text);
  if (length < least || length > most) return Refuse(field, LengthOf(text), wanted);
  for (const unsigned char c : text) {
    if (c < ' ' || c == 127) return Refuse(field, "a control character", "printable text");
  }
  if (!text.empty() && text.find_first_not_of(' ') == text.npos) {
    return Refuse(field, "blanks only", wanted);
  }
  return absl::OkStatus();
}

absl::Status CheckCountryCode(std::string_view code, std::string_view field) {
  if (code.size() == 2 && AllCapitals(code)) return absl::OkStatus();
  return Refuse(field, LengthOf(code), "two capital letters, such as \"US\"");
}

absl::Status CheckCurrency(std::string_view code, std::string_view field) {
  if (code.size() == 3 && AllCapitals(code)) return absl::OkStatus();
  return Refuse(field, Quoted(code.substr(0, 20)), "three capital letters, such as \"USD\"");
}

absl::Status CheckDay(std::string_view text, std::string_view field, absl::CivilDay& day) {
  absl::Time time;
  std::string error;
  if (text.size() != 8 || !AllDigits(text) ||
      !absl::ParseTime("%E4Y%m%d", std::string(text), &time, &error)) {
    return Refuse(field, Quoted(text.substr(0, 20)), "a day as YYYYMMDD");
  }
  day = absl::ToCivilDay(time, absl::UTCTimeZone());
  return absl::OkStatus();
}

absl::Status CheckLabelFormat(std::string_view format, std::string_view field) {
  if (format.empty() || Contains(" ZPL EPL SPL GIF ", format)) return absl::OkStatus();
  return Refuse(field, Quoted(format.substr(0, 20)), "ZPL, EPL, SPL or GIF");
}

}  // namespace psups::ups_gateway
