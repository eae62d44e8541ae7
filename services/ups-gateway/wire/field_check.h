#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"

// Rules for single values. All of the checks: INVALID_ARGUMENT naming the field, what came and what
// is wanted. Of personal data only the length is named, for messages reach logs. Nothing is cut to
// fit.
namespace psups::ups_gateway {

absl::Status Refuse(std::string_view field, std::string_view came, std::string_view wanted);

std::string Quoted(std::string_view text);
std::string LengthOf(std::string_view text);

bool AllDigits(std::string_view text);        // and not empty
bool AllAlphanumeric(std::string_view text);  // and not empty

// Whether `word` is one of `list`, which holds them between blanks: " US PR ".
bool Contains(std::string_view list, std::string_view word);

// Printable, `least` to `most` characters, and not blank if there must be any.
absl::Status CheckText(std::string_view text, std::size_t least, std::size_t most,
                       std::string_view field);

// Two capital letters.
absl::Status CheckCountryCode(std::string_view code, std::string_view field);

// Three capital letters.
absl::Status CheckCurrency(std::string_view code, std::string_view field);

// YYYYMMDD into `day`.
absl::Status CheckDay(std::string_view text, std::string_view field, absl::CivilDay& day);

// ZPL, EPL, SPL, GIF, or empty.
absl::Status CheckLabelFormat(std::string_view format, std::string_view field);

}  // namespace psups::ups_gateway
