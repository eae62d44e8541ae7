#pragma once

#include <map>
#include <string>
#include <vector>

namespace psups::shipment_builder {

// The words of address lines: upper case, split at spaces and punctuation. '-' and '/' stay between
// digits or before a letter that follows a digit ("41-15", "1/2", "103/104"), "#" is a word of its
// own.
std::vector<std::string> SplitWords(const std::vector<std::string>& lines);

// A word as the postal service abbreviates it: STREET → ST, NORTH → N, FIFTH → 5TH.
std::string Abbreviated(const std::string& word);

// ST, AVE, …: what a street type is abbreviated to.
bool IsStreetType(const std::string& abbreviation);

// Designators of secondary units that need an identifier, as written → abbreviated (appendix C2).
const std::map<std::string, std::string>& UnitDesignators();

// Designators that stand alone; only as the last word, for streets have such names too.
const std::map<std::string, std::string>& LoneDesignators();

}  // namespace psups::shipment_builder
