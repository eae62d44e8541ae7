#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/decimal.h"

// Rules for single values that a person gave. All of the checks: INVALID_ARGUMENT naming the field,
// what came and what is wanted.
namespace psups::shipment_builder {

absl::Status Refuse(const std::string& field, const std::string& came, const std::string& wanted);

// What came, in quotes; of a long text the length only.
std::string Came(const std::string& text);

// Whether `word` is one of `list`, which holds them between blanks: " US PR ".
bool IsIn(std::string_view list, const std::string& word);

// Not empty; `wanted` says what it is.
absl::Status CheckRequired(const std::string& text, const std::string& wanted,
                           const std::string& field);

// `least` to `most` characters. The message never holds the text.
absl::Status CheckLength(const std::string& text, std::size_t least, std::size_t most,
                         const std::string& field);

// Empty, or so many letters and digits.
absl::Status CheckCode(const std::string& text, std::size_t least, std::size_t most,
                       const std::string& field);

// Empty, or two capital letters.
absl::Status CheckCountry(const std::string& text, const std::string& field);

absl::Status CheckRange(int64_t value, int64_t least, int64_t most, const std::string& field);

// A decimal that is `above` or more, or only more, and at most `most`; it is put into `value`.
struct DecimalRange {
  Decimal above = {};
  bool or_equal = false;
  Decimal most = {};
};
absl::Status CheckDecimal(const std::string& text, const DecimalRange& range,
                          const std::string& field, Decimal& value);

}  // namespace psups::shipment_builder
