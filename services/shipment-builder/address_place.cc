#include "services/shipment-builder/address_place.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/address_words.h"

namespace psups::shipment_builder {
namespace {

using Words = std::vector<std::string>;

std::string Upper(const std::string& text) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
}

bool BeginsWithDigit(const std::string& word) {
  return !word.empty() && word.front() >= '0' && word.front() <= '9';
}

std::string WordAt(const Words& words, std::size_t at) {
  return at < words.size() ? words[at] : "";
}

// "BOX", "BOX12", "DRAWER": what stands behind PO.
bool IsBox(const std::string& word) {
  return word == "BOX" || word == "DRAWER" ||
         (word.rfind("BOX", 0) == 0 && BeginsWithDigit(word.substr(3)));
}

// Says so wherever it stands in the line.
bool NamesPostBox(const Words& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string next = WordAt(words, i + 1);
    if (words[i] == "PO" && IsBox(next)) return true;
    if (words[i] == "P" && next == "O" && IsBox(WordAt(words, i + 2))) return true;
    if (words[i] == "POST" && next == "OFFICE" && IsBox(WordAt(words, i + 2))) return true;
    if (words[i] == "POSTAL" && IsBox(next)) return true;
    if (words[i].rfind("PO", 0) == 0 && IsBox(words[i].substr(2))) return true;
  }
  // "POB" inside a line may be a professional office building.
  return words.size() == 2 && words[0] == "POB" && BeginsWithDigit(words[1]);
}

// Words of other languages, first in their line.
bool NamesForeignPostBox(const Words& words) {
  static const auto* const kWords =
      new std::set<std::string>{"POSTFACH", "POSTBUS", "APARTADO", "APDO"};
  static const auto* const kPairs =
      new std::set<std::string>{"BOITE POSTALE", "CASELLA POSTALE", "CAIXA POSTAL"};
  return kWords->count(WordAt(words, 0)) > 0 ||
         kPairs->count(WordAt(words, 0) + " " + WordAt(words, 1)) > 0;
}

bool IsUrbanizationWord(const std::string& word) {
  return word == "URB" || word == "URBANIZACION" || word == "URBANIZATION";
}

std::string UrbanizationName(Words words) {
  if (!words.empty() && IsUrbanizationWord(words.front())) words.erase(words.begin());
  return absl::StrJoin(words, " ");
}

}  // namespace

std::string ShippingCountry(const type::v1::Address& address) {
  std::string country = Upper(address.country_code());
  return country == "US" && Upper(address.state()) == "PR" ? "PR" : country;
}

std::string ShippingState(const type::v1::Address& address) {
  return ShippingCountry(address) == "PR" ? "PR" : Upper(address.state());
}

bool SameShippingCountry(std::string_view country_of_account, const type::v1::Address& from) {
  return Upper(std::string(country_of_account)) == ShippingCountry(from);
}

bool IsPostBox(const type::v1::Address& address) {
  Words sole;
  int lines = 0;
  for (const std::string& line : address.lines()) {
    const Words words = SplitWords({line});
    if (words.empty()) continue;
    if (NamesPostBox(words) || NamesForeignPostBox(words)) return true;
    sole = words;
    ++lines;
  }
  // "BOX 12" behind a street is a mailbox there; alone it can be at the post office only.
  if (lines != 1 || !IsBox(sole[0])) return false;
  const std::string id = WordAt(sole, 1) == "#" ? WordAt(sole, 2) : WordAt(sole, 1);
  return sole[0] != "BOX" || (sole.size() <= 3 && BeginsWithDigit(id));
}

bool IsMilitary(const type::v1::Address& address) {
  if (ShippingCountry(address) != "US") return false;
  const std::string city = NormalCity(address.city());
  const std::string state = Upper(address.state());
  return city == "APO" || city == "FPO" || city == "DPO" || state == "AA" || state == "AE" ||
         state == "AP";
}

Urbanized WithoutUrbanization(const type::v1::Address& address) {
  Urbanized result{.lines = {address.lines().begin(), address.lines().end()}};
  if (ShippingCountry(address) != "PR") return result;
  result.lines.clear();
  result.urbanization = UrbanizationName(SplitWords({address.urbanization()}));
  for (const std::string& line : address.lines()) {
    Words words = SplitWords({line});
    if (words.empty() || !IsUrbanizationWord(words.front())) {
      result.lines.push_back(line);
      continue;
    }
    // "URB LAS GLADIOLAS 150 CALLE A": what begins with a number is the street.
    const auto street = std::find_if(words.begin(), words.end(), BeginsWithDigit);
    const std::string name = UrbanizationName({words.begin(), street});
    if (result.urbanization.empty()) result.urbanization = name;
    if (name != result.urbanization) {
      result.lines.push_back(line);  // two of them: whatever it is, it is not taken away
    } else if (street != words.end()) {
      result.lines.push_back(absl::StrJoin(street, words.end(), " "));
    }
  }
  return result;
}

}  // namespace psups::shipment_builder
