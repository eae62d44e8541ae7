#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

namespace psups::peoplesoft_sandbox {

// A row of a PeopleSoft record: field name → string or number, as loaded, in the order loaded.
using Json = nlohmann::ordered_json;

// True if PeopleSoft keeps `field` as a number.
bool IsNumberField(const std::string& field);

// INVALID_ARGUMENT naming `where` and the first field that PeopleSoft could not hold: a number
// where it keeps characters, text where it keeps a number, a day that does not exist, or too many
// characters. Lists and objects in `row` are passed over.
absl::Status CheckFields(const Json& row, const std::string& where);

// As JSON on one line; bytes that are not UTF-8 become U+FFFD.
std::string Dump(const Json& json);

// How many characters UTF-8 text has.
std::size_t Characters(const std::string& utf8);

// The field's text without trailing blanks; empty if there is none.
std::string Text(const Json& row, const std::string& field);

// `text` as a plain decimal, its needless zeros gone ("4.0000" → "4"); empty if it is not one.
std::string PlainDecimal(const std::string& text);

// The field as a whole number, or `otherwise` if it is absent or not one.
int64_t Integer(const Json& row, const std::string& field, int64_t otherwise = 0);

}  // namespace psups::peoplesoft_sandbox
