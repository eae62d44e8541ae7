#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "psups/type/v1/address.pb.h"

namespace psups::shipment_builder {

// The street lines of an address in one normal form: upper case, without punctuation, words
// abbreviated as the postal service does, the secondary unit taken out wherever it stands.
struct StreetText {
  std::vector<std::string> words = {};
  // "STE 400", "APT 4"; "# 400" where no designator is written. Sorted.
  std::vector<std::string> units = {};
};
StreetText NormalStreet(const std::vector<std::string>& lines);

// `words` without their street type (ST, AVE, …), which stands last or before a last direction and
// behind a name: "12 PARK" keeps its PARK.
std::vector<std::string> WithoutStreetType(std::vector<std::string> words);

// The house numbers that a line begins with if they are a range: "1-3" of "1-3 E MAIN ST"; else
// empty. Of a range the second number is the greater, unlike mostly in Queens ("41-15 51ST ST").
std::string NumberRange(std::string_view line);

// Equal units, where "#" is any designator.
bool SameUnits(const std::vector<std::string>& a, const std::vector<std::string>& b);

// Letters and digits in upper case.
std::string NormalCity(std::string_view city);
// True if two cities differ in spelling only: SAINT and ST, FORT and FT, a wrong letter or two.
bool SameCityMisspelt(std::string_view a, std::string_view b);

std::string Digits(std::string_view text);

// The address as one text that is equal for addresses that differ in case, spaces and punctuation
// only; name and phone left out. For look-up keys, never to be shown.
std::string NormalAddress(const type::v1::Address& address);

// The address with all its fields as one text.
std::string FullAddress(const type::v1::Address& address);

// Characters, not bytes.
std::size_t CharacterCount(std::string_view utf8);

}  // namespace psups::shipment_builder
