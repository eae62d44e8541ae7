#include "services/ups-gateway/wire/address_check.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ups-gateway/wire/field_check.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

constexpr std::size_t kMostPhoneDigits = 15;
constexpr std::string_view kStates =
    " AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM "
    "NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP FM MH PW AA AE AP ";
constexpr std::string_view kProvinces = " AB BC MB NB NL NS NT NU ON PE QC SK YT ";

bool IsZip(std::string_view text) {
  if (text.size() == 10 && text[5] == '-') {
    return AllDigits(text.substr(0, 5)) && AllDigits(text.substr(6));
  }
  return (text.size() == 5 || text.size() == 9) && AllDigits(text);
}

bool IsCanadianPostalCode(std::string_view text) {
  std::string code(text);
  if (code.size() == 7 && code[3] == ' ') code.erase(3, 1);
  if (code.size() != 6) return false;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto c = static_cast<unsigned char>(code[i]);
    if (i % 2 == 0 ? !absl::ascii_isupper(c) : !absl::ascii_isdigit(c)) return false;
  }
  return true;
}

// UPS takes digits only. What stands between them may be left out; a letter may not, for what it
// means would be lost.
absl::Status CheckPhone(const std::string& phone, const std::string& field) {
  if (phone.find_first_not_of("0123456789 ()+-./") != phone.npos) {
    return Refuse(field, "other than digits and punctuation", "a number without extension");
  }
  const std::size_t digits = Digits(phone).size();
  if (digits > kMostPhoneDigits) {
    return Refuse(field, absl::StrCat(digits, " digits"), "at most 15");
  }
  return absl::OkStatus();
}

absl::Status CheckState(const type::v1::Address& address, const std::string& field) {
  const std::string& country = address.country_code();
  const std::string& state = address.state();
  if (IsUsOrPuertoRico(country)) {
    if (Contains(kStates, state)) return absl::OkStatus();
    return Refuse(field, LengthOf(state), "a state of the US, such as \"CA\"");
  }
  if (country == "CA") {
    if (Contains(kProvinces, state)) return absl::OkStatus();
    return Refuse(field, LengthOf(state), "a province, such as \"ON\"");
  }
  // Vietnam's provinces and Ireland's counties.
  const bool wanted = country == "VN" || country == "IE";
  return CheckText(state, wanted ? 1 : 0, 5, field);
}

}  // namespace

absl::Status CheckPostalCode(std::string_view country_code, std::string_view postal_code,
                             std::string_view field) {
  if (IsUsOrPuertoRico(country_code)) {
    if (IsZip(postal_code)) return absl::OkStatus();
    return Refuse(field, LengthOf(postal_code), "five digits, nine digits, or five-dash-four");
  }
  if (country_code == "CA") {
    if (IsCanadianPostalCode(postal_code)) return absl::OkStatus();
    return Refuse(field, LengthOf(postal_code), "the form A1A 1A1");
  }
  return CheckText(postal_code, country_code == "VN" ? 1 : 0, 9, field);
}

absl::Status CheckParty(const type::v1::Address& address, std::string_view field) {
  const std::string at(field);
  RETURN_IF_ERROR(CheckText(address.name(), 1, 35, at + ".name"));
  RETURN_IF_ERROR(CheckText(address.attention_name(), 0, 35, at + ".attention_name"));
  if (address.lines().empty() || address.lines_size() > 3) {
    return Refuse(at + ".lines", absl::StrCat(address.lines_size(), " lines"), "1 to 3");
  }
  for (int i = 0; i < address.lines_size(); ++i) {
    RETURN_IF_ERROR(CheckText(address.lines(i), 1, 35, absl::StrCat(at, ".lines[", i, "]")));
  }
  RETURN_IF_ERROR(CheckText(address.city(), 1, 30, at + ".city"));
  RETURN_IF_ERROR(CheckPhone(address.phone(), at + ".phone"));
  RETURN_IF_ERROR(CheckCountryCode(address.country_code(), at + ".country_code"));
  RETURN_IF_ERROR(CheckState(address, at + ".state"));
  return CheckPostalCode(address.country_code(), address.postal_code(), at + ".postal_code");
}

absl::Status CheckContact(const type::v1::Address& address, std::string_view field) {
  const std::string at(field);
  constexpr char kWhen[] = "one where a border is crossed or the service is 14";
  if (address.attention_name().empty()) return Refuse(at + ".attention_name", "none", kWhen);
  if (Digits(address.phone()).empty()) return Refuse(at + ".phone", "none", kWhen);
  return absl::OkStatus();
}

absl::Status CheckAddressToValidate(const type::v1::Address& address) {
  if (address.lines().empty() || address.lines_size() > 3) {
    return Refuse("address.lines", absl::StrCat(address.lines_size(), " lines"), "1 to 3");
  }
  for (int i = 0; i < address.lines_size(); ++i) {
    RETURN_IF_ERROR(CheckText(address.lines(i), 1, 100, absl::StrCat("address.lines[", i, "]")));
  }
  RETURN_IF_ERROR(CheckText(address.city(), 0, 30, "address.city"));
  RETURN_IF_ERROR(CheckText(address.state(), 0, 30, "address.state"));
  RETURN_IF_ERROR(CheckText(address.urbanization(), 0, 30, "address.urbanization"));
  if (address.postal_code().empty()) return absl::OkStatus();
  return CheckPostalCode("US", address.postal_code(), "address.postal_code");
}

}  // namespace psups::ups_gateway
